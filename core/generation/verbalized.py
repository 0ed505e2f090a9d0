"""Verbalized Sampling and the forms it is compared with: new problems from a seed, or from one fixed prompt.

Zhang 2025: seven forms, k instances per call, each then answered by a request of its own. With a seed the user message
is the task's own question prompt, without any it is the task's fixed prompt; the system message is the form's format
instruction. Nothing here knows of filters or of how many candidates are wanted.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.generation.asking import Conversation, answer_question, draw_examples, to_candidate
from core.generation.base import METHODS, Brief, Call, MethodSettings, Step, list_names
from core.generation.forms import FORMS, Form
from core.generation.turns import FormChat, Response, count_items, list_turns, make_request
from core.records import Candidate, Problem
from core.tasks.base import ReplyError, Task
from core.teacher.base import Teacher


@dataclass(frozen=True, slots=True)
class NewInForm:
    """New problems, asked for in one form (Zhang 2025)."""

    form: Form
    source: ClassVar[str] = "Zhang 2025, Verbalized Sampling"
    always: ClassVar[tuple[str, ...]] = ()

    @property
    def name(self) -> str:
        """The form's name."""
        return self.form.name

    @property
    def title(self) -> str:
        """The form's title."""
        return self.form.title

    @property
    def uses(self) -> frozenset[str]:
        """Number of instances where the form asks for several, tail where probabilities are stated."""
        several = {"n_per_call"} if not self.form.is_single else set()
        tail = {"tail"} if self.form.has_sampling else set()
        return frozenset({"has_seeds", "temperature", *several, *tail})

    def count_parents(self, settings: MethodSettings) -> int:
        """Return one, none for the fixed prompt."""
        return int(settings.has_seeds)

    def count_candidates(self, settings: MethodSettings) -> int:
        """Return k, one where the form asks for one."""
        return count_items(self.form, settings)

    def list_prompts(self, task: Task, settings: MethodSettings) -> tuple[str, ...]:
        """Return those of the form, of the task's question or fixed prompt, and of its answer prompt."""
        return list_names(self.list_steps(task, settings))

    def list_steps(self, task: Task, settings: MethodSettings) -> tuple[Step, ...]:
        """Return the turns of the chat, then an answer for each instance."""
        asked = f"{task.name}_question" if settings.has_seeds else f"{task.name}_fixed"
        turns = list_turns(self.form, settings, (asked,), "question")
        n_items = self.count_candidates(settings)
        return (*turns, Step("answer", (f"{task.name}_answer",), "answer", n_times=n_items))

    def open_call(self, parents: Sequence[Problem], brief: Brief, sample_index: int, rng: np.random.Generator) -> Call:
        """Return the call on one seed, or on none; see the contract."""
        examples: tuple[Problem, ...] = ()
        if parents:
            (seed,) = parents
            examples = draw_examples(brief, seed, rng)
            prompt = brief.task.question_prompt(seed, examples, brief.prompts)
        else:
            prompt = brief.task.fresh_prompt(brief.prompts)
        request = make_request(self.form, prompt, brief, tuple(parents), sample_index, "question")
        return Call(tuple(parents), request, examples)

    async def carry_out(self, call: Call, brief: Brief, teacher: Teacher) -> list[Candidate]:
        """Ask for all instances, then for an answer to each, all at once; see the contract."""
        conversation = Conversation(teacher)
        responses = await FormChat(self.form, call, brief).ask(conversation)
        await asyncio.gather(*(self._answer(response, conversation, call, brief) for response in responses))
        return [
            to_candidate(response.draft, call, brief, self.name, teacher.name, item)
            for item, response in enumerate(responses)
        ]

    async def _answer(self, response: Response, conversation: Conversation, call: Call, brief: Brief) -> None:
        """Read the new question of a response and ask for its answer."""
        if response.text is None:
            return
        read = brief.task.read_question if call.parents else brief.task.read_fresh
        try:
            new = read(response.text)
        except ReplyError as error:
            response.draft.failure = str(error)
            return
        n_items = self.count_candidates(brief.settings)
        await answer_question(conversation, response.draft, new, call, brief, n_items)


for _form in FORMS.values():
    METHODS.register(_form.name)(NewInForm(_form))
