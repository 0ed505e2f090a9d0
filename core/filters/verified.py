"""Drops a candidate whose worked answer does not hold under the task's own check.

It knows nothing of how a task checks (arithmetic, forward chaining, exact fractions).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.filters.base import FILTERS, FilterContext, accept, leave_open, reject, shorten
from core.records import Candidate, Verdict
from core.tasks.answers.compare import compare
from core.tasks.base import Task


@dataclass(frozen=True, slots=True)
class Verified:
    """One verdict per candidate from ``Task.find_fault``."""

    name = "verified"
    cost = "none"
    title = "Rejects answers that the task's own check finds wrong"

    max_characters: int = 50_000
    """A longer question or answer is not checked, and nothing is decided."""

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the reason is the fault that was found.

        None where there is no answer, where it holds nothing that can be checked, and where it is wrong on purpose: the
        filter ``wrong`` judges those.
        """
        return [self._judge(candidate, context) for candidate in candidates]

    def _judge(self, candidate: Candidate, context: FilterContext) -> Verdict:
        question, answer, task = candidate.question, candidate.answer, context.task
        if question is None or answer is None:
            return leave_open(candidate, self.name, f"There is no {'question' if question is None else 'answer'}.")
        if candidate.is_incorrect:
            return leave_open(candidate, self.name, "The answer is meant to be wrong; the filter wrong judges it.")
        if (longest := max(len(question), len(answer))) > self.max_characters:
            return leave_open(candidate, self.name, f"A text of {longest:,} characters is not checked.", longest)
        fault = task.find_fault(question, answer, candidate.meta) or _find_other_final(candidate, task)
        if fault is not None:
            return reject(candidate, self.name, shorten(fault, 300))
        unchecked = task.find_unchecked(question, answer, candidate.meta)
        return accept(candidate, self.name) if unchecked is None else leave_open(candidate, self.name, unchecked)


def _find_other_final(candidate: Candidate, task: Task) -> str | None:
    """Return a sentence where the answer ends in another final answer than the candidate states."""
    stated = task.extract_final(candidate.answer or "")
    if None in (candidate.final, stated) or compare(candidate.final, stated).is_equal is not False:
        return None
    return f"The final answer {candidate.final!r} is not the one that the answer ends in, {stated!r}."


FILTERS.register(Verified.name)(Verified())
