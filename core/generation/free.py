"""A prompt of a person's own, with placeholders.

What is sent is that text, filled, as the one user message; nothing is added to it. A prompt that holds ``{n_items}``
asks for several problems, and its reply is read as a JSON list of texts, as that of the form ``sequence``; any other
reply is one problem, read as the task reads one (``Task.read_question``, else ``Task.read_fresh``). A worked answer to
each is then asked for with the task's answer prompt. A missing or unknown placeholder is refused before anything is
sent.
"""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from core.errors import PromptError
from core.generation.asking import Conversation, answer_question, draw_examples, set_temperature, to_candidate
from core.generation.base import METHODS, N_EXAMPLES, Brief, Call, MethodSettings, Step, list_names
from core.generation.forms import FORMS, Form
from core.generation.problem_text import read_problem_text
from core.generation.turns import BASE_TOKENS, ITEM_TOKENS, FormChat, Response
from core.records import Candidate, Problem
from core.tasks.base import ReplyError, Task
from core.tasks.instructions import show_example
from core.tasks.prompts import check_text, fill_text, find_slots
from core.teacher.base import Hint, Teacher, TeacherRequest

UNKNOWN = "unknown"
"""What stands for something that a seed does not have."""

PLACEHOLDERS: Mapping[str, str] = {
    "question": "The seed's question; required with seeds.",
    "answer": "The seed's worked answer; 'unknown' where it has none.",
    "final": "The seed's final answer; 'unknown' where it has none.",
    "type": "The seed's type (algebra, geometry, ...); 'unknown' where it has none.",
    "level": "The seed's level; 'unknown' where it has none.",
    "examples": f"Up to {N_EXAMPLES} other train problems with their answers, drawn at random, one behind the other.",
    "n_items": "How many problems one call asks for. With it the reply has to be a JSON list of texts.",
}
"""Placeholder -> what it is filled with."""

SEEDLESS = ("examples", "n_items")
"""Placeholders that can be filled without any seed."""


class Free:
    """Whatever a person asks for."""

    name = "free"
    title = "Your own prompt"
    source = "a person's own text"
    uses = frozenset({"prompt", "has_seeds", "n_per_call", "temperature"})
    always = ()

    def count_parents(self, settings: MethodSettings) -> int:
        """Return one, none without seeds."""
        return int(settings.has_seeds)

    def count_candidates(self, settings: MethodSettings) -> int:
        """Return k where the prompt holds ``{n_items}``, else one."""
        return settings.n_per_call if "n_items" in find_slots(settings.prompt) else 1

    def list_prompts(self, task: Task, settings: MethodSettings) -> tuple[str, ...]:
        """Return the answer prompt; the question prompt is a setting."""
        return list_names(self.list_steps(task, settings))

    def list_steps(self, task: Task, settings: MethodSettings) -> tuple[Step, ...]:
        """Return the person's prompt, then an answer for each problem."""
        n_items = self.count_candidates(settings)
        question = Step("question", (), "question", n_items)
        return (question, Step("answer", (f"{task.name}_answer",), "answer", n_times=n_items))

    def open_call(self, parents: Sequence[Problem], brief: Brief, sample_index: int, rng: np.random.Generator) -> Call:
        """Return the call on one seed, or on none; raises PromptError where the prompt cannot be filled."""
        text = brief.settings.prompt
        check_free_prompt(brief.settings)
        examples: tuple[Problem, ...] = ()
        if "examples" in find_slots(text):
            examples = draw_examples(brief, parents[0], rng) if parents else draw_any(brief, rng)
        n_items = self.count_candidates(brief.settings)
        values = {"examples": "\n".join(map(show_example, examples)), "n_items": str(n_items)}
        values |= describe_seed(parents[0]) if parents else {}
        request = TeacherRequest(
            "question",
            brief.task.name,
            fill_text(text, values),
            parents[0] if parents else None,
            sample_index,
            max_tokens=BASE_TOKENS + ITEM_TOKENS * n_items,
            hint=Hint(form=find_reading(brief.settings).name, n_items=n_items, parents=tuple(parents)),
        )
        return Call(tuple(parents), set_temperature(request, brief.settings.temperature), examples)

    async def carry_out(self, call: Call, brief: Brief, teacher: Teacher) -> list[Candidate]:
        """Ask, read as many problems as were asked for, and ask for their answers; see the contract."""
        conversation = Conversation(teacher)
        responses = await FormChat(find_reading(brief.settings), call, brief).ask(conversation)
        await asyncio.gather(*(self._answer(response, conversation, call, brief) for response in responses))
        return [
            to_candidate(response.draft, call, brief, self.name, teacher.name, item)
            for item, response in enumerate(responses)
        ]

    async def _answer(self, response: Response, conversation: Conversation, call: Call, brief: Brief) -> None:
        if response.text is None:
            return
        try:
            new = read_problem_text(brief.task, response.text)
        except ReplyError as error:
            response.draft.failure = str(error)
            return
        n_items = self.count_candidates(brief.settings)
        await answer_question(conversation, response.draft, new, call, brief, n_items)


def check_free_prompt(settings: MethodSettings) -> None:
    """Raise PromptError where a person's prompt is empty, lacks ``{question}`` or has an unknown placeholder."""
    if not settings.prompt.strip():
        raise PromptError("There is no prompt yet; write one, with {question} where the seed's question belongs.")
    known = tuple(PLACEHOLDERS) if settings.has_seeds else SEEDLESS
    seeded = [slot for slot in find_slots(settings.prompt) if slot in PLACEHOLDERS and slot not in known]
    if seeded:
        raise PromptError(f"The prompt has {{{seeded[0]}}}, and without seeds there is nothing to put there.")
    check_text(settings.prompt, ("question",) if settings.has_seeds else (), known, "of your own")


def find_reading(settings: MethodSettings) -> Form:
    """Return the form in which the reply is read."""
    return FORMS["sequence" if "n_items" in find_slots(settings.prompt) else "direct"]


def describe_seed(seed: Problem) -> dict[str, str]:
    """Return what the placeholders of a seed are filled with."""
    given = {
        "question": seed.question,
        "answer": seed.answer,
        "final": seed.final,
        "type": seed.meta.get("type"),
        "level": seed.meta.get("level"),
    }
    return {name: UNKNOWN if value is None or value == "" else str(value) for name, value in given.items()}


def draw_any(brief: Brief, rng: np.random.Generator) -> tuple[Problem, ...]:
    """Return few-shot examples for a prompt without a seed: any train problems with an answer."""
    fitting = [problem for problem in brief.pool if problem.split == "train" and problem.answer]
    return tuple(fitting[int(at)] for at in rng.permutation(len(fitting))[:N_EXAMPLES])


METHODS.register(Free.name)(Free())
