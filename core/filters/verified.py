"""Drops a candidate whose worked answer does not hold under the task's own check.

It knows nothing of how a task checks (arithmetic, forward chaining, exact fractions).
"""

from collections.abc import Sequence

from core.filters.base import FILTERS, FilterContext
from core.records import Candidate, Verdict


class Verified:
    """One verdict per candidate from ``Task.find_fault``."""

    name = "verified"
    cost = "none"
    title = "Rejects answers that the task's own check finds wrong"

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the reason is the fault that was found."""
        verdicts = []
        for candidate in candidates:
            fault = context.task.find_fault(candidate.question, candidate.answer, candidate.meta)
            verdicts.append(Verdict(candidate.candidate_id, self.name, fault is None, fault))
        return verdicts


FILTERS.register(Verified.name)(Verified())
