"""Lion's two ways to grow a new problem from a seed: another of its kind (hard), or a rarer one of its field (easy).

Jiang 2023 (Lion), at temperature 1.0: the hard prompt keeps field and type of task, the easy one the field alone; both
keep length and difficulty. Which seeds are hard is a selector's business. A worked answer is asked for as for any new
question. It knows nothing of filters; Lion's own rejections of a reply are failures here, as there.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.generation.asking import Conversation, answer_question, ask_for, set_temperature, to_candidate
from core.generation.base import METHODS, Brief, Call, Draft, MethodSettings, Step, list_names
from core.generation.problem_text import read_problem_form, read_problem_text
from core.records import Candidate, Problem
from core.tasks.base import ReplyError, Task
from core.teacher.base import Hint, Teacher, TeacherRequest

TEMPERATURE = 1.0

TOKENS_PER_WORD = 4
"""A reply may have so many tokens for each word of the seed; longer ones are cut off, which rejects them."""

FEWEST_TOKENS = 256
"""Our floor: the numbers of a Game of 24 are four words, and teachers that reason need room for it."""

FEWEST_WORDS = 4
"""A shorter reply is rejected."""

_PUNCTUATION = frozenset(string.punctuation) - frozenset("$\\([\"'")
"""What no problem begins with; formulas, brackets and quotations are none of it (our exception)."""


@dataclass(frozen=True, slots=True)
class Lion:
    """One seed, one new problem, one answer (Jiang 2023)."""

    name: str
    title: str
    source: ClassVar[str] = "Jiang 2023 (Lion), generation of hard and easy instructions"
    uses: ClassVar[frozenset[str]] = frozenset({"temperature"})
    always: ClassVar[tuple[str, ...]] = ()

    def count_parents(self, settings: MethodSettings) -> int:
        """Return one."""
        return 1

    def count_candidates(self, settings: MethodSettings) -> int:
        """Return one."""
        return 1

    def list_prompts(self, task: Task, settings: MethodSettings) -> tuple[str, ...]:
        """Return Lion's prompt, the task's form of a problem, and its answer prompt."""
        return list_names(self.list_steps(task, settings))

    def list_steps(self, task: Task, settings: MethodSettings) -> tuple[Step, ...]:
        """Return the question, then the answer."""
        question = Step("question", (self.name, f"{task.name}_problem_form"), "question")
        return (question, Step("answer", (f"{task.name}_answer",), "answer"))

    def open_call(self, parents: Sequence[Problem], brief: Brief, sample_index: int, rng: np.random.Generator) -> Call:
        """Return the call on one seed, without examples; see the contract."""
        (seed,) = parents
        form = read_problem_form(brief)
        prompt = brief.prompts.fill(self.name, {"question": seed.question, "problem_form": form})
        request = TeacherRequest(
            "question",
            brief.task.name,
            prompt,
            seed,
            sample_index,
            temperature=TEMPERATURE,
            max_tokens=max(FEWEST_TOKENS, TOKENS_PER_WORD * len(seed.question.split())),
            hint=Hint(parents=(seed,)),
        )
        return Call((seed,), set_temperature(request, brief.settings.temperature))

    async def carry_out(self, call: Call, brief: Brief, teacher: Teacher) -> list[Candidate]:
        """Ask for the problem, then for the answer; see the contract."""
        draft, conversation = Draft(), Conversation(teacher)
        try:
            new = read_problem_text(brief.task, await ask_for(conversation, call.request, draft))
            if fault := find_lion_fault(new.question, call.parents[0].question):
                raise ReplyError(fault)
        except ReplyError as error:
            draft.failure = str(error)
        else:
            await answer_question(conversation, draft, new, call, brief)
        return [to_candidate(draft, call, brief, self.name, teacher.name)]


def find_lion_fault(question: str, seed: str) -> str | None:
    """Return why Lion rejects a reply, in one sentence; None where it does not (Jiang 2023).

    The word "instruction", fewer than four words, and a beginning with punctuation or with a character outside ASCII.
    Our exception: a seed that begins so itself (another language, a formula) allows it to its child.
    """
    if "instruction" in question.lower():
        return "The new problem still holds the word 'instruction'."
    if len(question.split()) < FEWEST_WORDS:
        return f"The new problem has fewer than {FEWEST_WORDS} words."
    if question[0] in _PUNCTUATION and seed[:1] not in _PUNCTUATION:
        return f"The new problem begins with {question[0]!r}."
    if not question[0].isascii() and seed[:1].isascii():
        return f"The new problem begins with {question[0]!r}, which its seed's script does not have."
    return None


METHODS.register("lion_hard")(Lion("lion_hard", "Lion: another of its kind"))
METHODS.register("lion_easy")(Lion("lion_easy", "Lion: a rarer one of its field"))
