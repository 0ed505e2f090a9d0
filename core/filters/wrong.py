"""Drops an answer that is meant to be wrong and is right after all, or states nothing.

Wrong solutions to a seed's own question are synthetic negatives (Zhang 2025, appendix G.6); a right one among them
would teach the student to avoid it. What is wrong is decided by the seed's reference answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.filters.base import FILTERS, FilterContext, accept, leave_open, quote, reject
from core.records import Candidate, Problem, Verdict
from core.tasks.base import Task
from core.tasks.instructions import normalise_question


@dataclass(frozen=True, slots=True)
class Wrong:
    """Rejects answers that were asked to be wrong and are not."""

    name = "wrong"
    cost = "none"
    title = "Rejects wrong-on-purpose answers that turn out to be right"

    max_characters: int = 50_000
    """A longer answer is not read, and nothing is decided."""

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order.

        None for answers that are meant to be right, where the seed's reference is not known, and where the comparison
        with it cannot be decided.
        """
        return [self._judge(candidate, context) for candidate in candidates]

    def _judge(self, candidate: Candidate, context: FilterContext) -> Verdict:
        if not candidate.is_incorrect:
            return leave_open(candidate, self.name, "The answer is meant to be right; the filter verified judges it.")
        if candidate.question is None or candidate.answer is None:
            return leave_open(candidate, self.name, "There is no answer to compare with the reference.")
        if len(candidate.answer) > self.max_characters:
            return leave_open(candidate, self.name, f"An answer of {len(candidate.answer):,} characters is not read.")
        seed = _find_seed(candidate, context)
        if seed is None:
            return leave_open(candidate, self.name, "The question is none of its seeds', so its answer is not known.")
        final = candidate.final if candidate.final is not None else context.task.extract_final(candidate.answer)
        if final is None or not final.strip():
            return reject(candidate, self.name, f"The answer states no final answer: {quote(candidate.answer)}.")
        is_right = is_equal_final(context.task, final, seed)
        if is_right is None:
            reason = f"Whether {quote(final, 40)} is the reference {quote(seed.final or '', 40)} could not be decided."
            return leave_open(candidate, self.name, reason)
        if is_right:
            return reject(candidate, self.name, f"The answer is right: {quote(final, 40)}.")
        return accept(candidate, self.name)


def _find_seed(candidate: Candidate, context: FilterContext) -> Problem | None:
    """Return the parent whose question the candidate answers; None where there is none."""
    asked = normalise_question(candidate.question or "")
    parents = (context.seeds[each] for each in candidate.parents if each in context.seeds)
    return next((parent for parent in parents if normalise_question(parent.question) == asked), None)


def is_equal_final(task: Task, final: str, problem: Problem) -> bool | None:
    """Say whether a final answer is right for a problem; None where there is no reference, or it cannot be decided."""
    try:
        return task.judge_final(final, problem)
    except ValueError:  # a seed that a person edited may be in no form that the task reads
        return None


FILTERS.register(Wrong.name)(Wrong())
