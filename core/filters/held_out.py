"""Drops a candidate that asks what a validation or test problem asks: such a row must never be trained on.

Two questions are the same where their texts are equal up to case and spacing, or where the task's split key is (Game of
24: the same four numbers in any order). It knows nothing of where the held-out problems come from.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from core.filters.base import FILTERS, FilterContext
from core.records import Candidate, Problem, Verdict
from core.tasks.base import Task


def make_held_out_keys(task: Task, problems: Iterable[Problem]) -> frozenset[str]:
    """Return what the problems are known by."""
    return frozenset(key for problem in problems for key in _make_keys(task, problem))


def is_known(task: Task, question: str, keys: frozenset[str]) -> bool:
    """Say whether a question is one of those that ``keys`` came from."""
    return not keys.isdisjoint(_make_keys(task, Problem("", question, None, None)))


def _make_keys(task: Task, problem: Problem) -> tuple[str, str]:
    return f"text {_normalise(problem.question)}", f"key {_normalise(task.split_key(problem))}"


def _normalise(text: str) -> str:
    """Return the text with compatible characters, case and spacing made one."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class HeldOut:
    """Rejects a candidate whose question stands in the validation or a test split."""

    name = "held_out"
    cost = "none"
    title = "Rejects questions that stand in the validation or test problems"

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order."""
        keys = context.keep(self.name, lambda: make_held_out_keys(context.task, context.held_out))
        verdicts = []
        for candidate in candidates:
            is_held_out = is_known(context.task, candidate.question, keys)
            reason = "The question stands in the validation or test problems." if is_held_out else None
            verdicts.append(Verdict(candidate.candidate_id, self.name, not is_held_out, reason))
        return verdicts


FILTERS.register(HeldOut.name)(HeldOut())
