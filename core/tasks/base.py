"""The contract of a task: its prompts, its answer rules, its few-shot and split rules.

A task knows nothing of students, teachers, files or runs: texts in, texts and judgements out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.records import Problem
from core.registry import Registry
from core.tasks.prompts import SHIPPED, Prompts


class ReplyError(ValueError):
    """A teacher's reply that does not hold what the prompt asked for; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question as read from a teacher's reply."""

    question: str
    """The whole text for the student, context included."""

    meta: Mapping[str, Any] = field(default_factory=dict)
    """Task fields of the question (ProntoQA: context, statement; Game of 24: numbers)."""

    answer_hint: str | None = None
    """What the reply already gave of the answer (Game of 24: the new equation); goes into the next prompt."""


class Task(Protocol):
    """A kind of problem; every member is a pure function of its arguments."""

    name: str
    """Registry name; part of every cache key."""

    title: str
    """What people read."""

    needs_answer: bool
    """Whether an imported row must bring a reference answer (False: a solver fills it)."""

    compares_questions: bool
    """Whether ROUGE-L between questions means anything (False for Game of 24, Kessler 2025 appendix D)."""

    max_new_tokens: int
    """Limit for a student's answer, tokens."""

    def make_problem(
        self,
        question: str,
        answer: str | None,
        final: str | None,
        meta: Mapping[str, Any],
        split: str = "train",
    ) -> Problem:
        """Return a checked problem with its content id; raises ValueError with one sentence for a bad row."""
        ...

    def split_key(self, problem: Problem) -> str:
        """Return the text whose hash decides the split: equal keys never fall into different splits."""
        ...

    def student_prompt(self, question: str) -> str:
        """Return the user message that the student answers (Kessler 2025, appendix D.2)."""
        ...

    def pick_examples(self, pool: Sequence[Problem], problem: Problem, k: int, rng: Any) -> list[Problem]:
        """Return up to k few-shot examples from train problems, never ``problem`` itself; rng: np.random.Generator."""
        ...

    def question_prompt(self, problem: Problem, examples: Sequence[Problem], prompts: Prompts = SHIPPED) -> str:
        """Return the prompt that asks the teacher for a new question (Kessler 2025, appendix D.2)."""
        ...

    def read_question(self, reply: str) -> NewQuestion:
        """Read the new question out of the teacher's reply; raises ReplyError."""
        ...

    def fresh_prompt(self, prompts: Prompts = SHIPPED) -> str:
        """Return the one fixed prompt that asks for a new question without any seed (after Zhang 2025)."""
        ...

    def read_fresh(self, reply: str) -> NewQuestion:
        """Read the new question out of the reply to the fixed prompt; raises ReplyError."""
        ...

    def answer_prompt(self, new: NewQuestion, prompts: Prompts = SHIPPED) -> str:
        """Return the prompt that asks the teacher for a worked answer."""
        ...

    def read_answer(self, reply: str) -> str:
        """Return the worked answer as a training target in this task's format; raises ReplyError."""
        ...

    def extract_final(self, answer: str) -> str | None:
        """Return the final answer in canonical form, None where there is none."""
        ...

    def is_correct(self, final: str | None, problem: Problem) -> bool | None:
        """Judge a student's final answer; None where the problem has no reference. A missing answer is wrong."""
        ...

    def judge_final(self, final: str, problem: Problem) -> bool | None:
        """Do as ``is_correct``, but return None too where the comparison cannot be decided (a formula, in time)."""
        ...

    def find_fault(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Verify a worked answer without a reference; return one sentence for what is wrong, None where it holds."""
        ...

    def find_unchecked(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Say in one sentence why it means nothing that ``find_fault`` found no fault; None where it does.

        An answer in plain prose may hold nothing that can be recomputed.
        """
        ...

    def find_wrong_step(self, question: str, answer: str) -> str | None:
        """Return one sentence on the first reasoning step of an answer that does not hold.

        None where all hold, where there are none, or where the task has no way to tell (a question it cannot read).
        The final answer is not looked at.
        """
        ...


TASKS: Registry[Task] = Registry("task")
