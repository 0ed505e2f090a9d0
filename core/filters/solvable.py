"""Drops a question that our own solvers find to have no answer, or contradicting ones.

How a task's questions are solved stands in ``solving``; this file knows nothing of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.filters.base import FILTERS, FilterContext, accept, leave_open, reject, shorten
from core.filters.solving import MANY_ANSWERS, solve_question
from core.records import Candidate, Verdict


@dataclass(frozen=True, slots=True)
class Solvable:
    """Rejects questions without an answer."""

    name = "solvable"
    cost = "none"
    title = "Rejects questions that our own solver cannot answer (Game of 24, ProntoQA)"

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the value is the number of right answers, None where unknown.

        None where the task has no solver, or the question is in no form that it reads.
        """
        return [self._judge(candidate, context) for candidate in candidates]

    def _judge(self, candidate: Candidate, context: FilterContext) -> Verdict:
        if candidate.question is None:
            return leave_open(candidate, self.name, "There is no question to solve.")
        solved = solve_question(context.task.name, candidate.question)
        if solved.unknown is not None:
            return leave_open(candidate, self.name, shorten(solved.unknown, 200))
        if (fault := solved.fault or solved.conflict) is not None:
            return reject(candidate, self.name, shorten(fault, 200), solved.n_answers)
        return accept(candidate, self.name, solved.n_answers)


@dataclass(frozen=True, slots=True)
class Unique:
    """Rejects questions with several answers where the task asks for one."""

    name = "unique"
    cost = "none"
    title = "Rejects questions with contradicting answers where there must be one (ProntoQA)"

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the value is the number of right answers, None where unknown.

        A task that asks for any of several solutions (Game of 24) has nothing to reject. None where the task has no
        solver, and where there is no answer at all.
        """
        return [self._judge(candidate, context) for candidate in candidates]

    def _judge(self, candidate: Candidate, context: FilterContext) -> Verdict:
        if candidate.question is None:
            return leave_open(candidate, self.name, "There is no question to solve.")
        solved = solve_question(context.task.name, candidate.question)
        if solved.unknown is not None or solved.fault is not None:
            return leave_open(candidate, self.name, shorten(solved.unknown or solved.fault, 200), solved.n_answers)
        if solved.conflict is not None and context.task.name not in MANY_ANSWERS:
            return reject(candidate, self.name, shorten(solved.conflict, 200), solved.n_answers)
        return accept(candidate, self.name, solved.n_answers)


FILTERS.register(Solvable.name)(Solvable())
FILTERS.register(Unique.name)(Unique())
