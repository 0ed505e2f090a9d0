"""Drops a candidate that asks what a validation or test problem asks: such a row must never be trained on.

Two questions are the same where their texts are equal up to case and spacing, or where the task's split key is (Game of
24: the same four numbers in any order). It knows nothing of where the held-out problems come from.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.filters.base import FILTERS, FilterContext, accept, leave_open, quote, reject
from core.records import Candidate, Problem, Verdict
from core.tasks.base import Task


def make_held_out_keys(task: Task, problems: Iterable[Problem]) -> frozenset[str]:
    """Return what the problems are known by."""
    return frozenset(key for problem in problems for key in _make_keys(task, problem))


def is_known(task: Task, question: str, keys: frozenset[str]) -> bool:
    """Say whether a question is one of those that ``keys`` came from."""
    return not keys.isdisjoint(list_keys(task, question))


def list_keys(task: Task, question: str) -> tuple[str, str]:
    """Return what a question is known by: its text, and what the task takes it for."""
    return _make_keys(task, Problem("", question, None, None))


def _make_keys(task: Task, problem: Problem) -> tuple[str, str]:
    return f"text {_normalise(problem.question)}", f"key {_normalise(task.split_key(problem))}"


def _normalise(text: str) -> str:
    """Return the text with compatible characters, case and spacing made one."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Rejects a candidate whose question stands in the validation or a test split."""

    name = "held_out"
    cost = "none"
    title = "Rejects questions that stand in the validation or test problems"

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; None where nothing is held out, or there is no question."""
        keys = context.keep(self.name, lambda: make_held_out_keys(context.task, context.held_out))
        return [self._judge(candidate, context.task, keys) for candidate in candidates]

    def _judge(self, candidate: Candidate, task: Task, keys: frozenset[str]) -> Verdict:
        if candidate.question is None or not keys:
            what = "question" if candidate.question is None else "validation or test problem"
            return leave_open(candidate, self.name, f"There is no {what} to compare with.")
        if not is_known(task, candidate.question, keys):
            return accept(candidate, self.name)
        reason = f"The question stands in the validation or test problems: {quote(candidate.question)}."
        return reject(candidate, self.name, reason)


FILTERS.register(HeldOut.name)(HeldOut())
