"""How wrong, and how differently wrong, solutions are that were asked to be wrong.

Zhang 2025, appendix G.6.2: of N solutions asked for per question, the share whose final answer is wrong, and the
coverage, the number of different wrong final answers over N. Final answers are compared by the task, exactly. It knows
nothing of tables, nor of how the solutions came about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.records import Candidate, Problem
from core.tasks.base import Task


@dataclass(frozen=True, slots=True)
class WrongAnswers:
    """Of the solutions to one question, or to all."""

    n_asked: int
    """Solutions asked for, failed ones included: N of the paper."""

    n_wrong: int
    n_right: int
    n_undecided: int
    """Without a final answer, or to a question that has no reference."""

    n_distinct: int
    """Different wrong final answers; over all questions, the sum of those of each."""

    @property
    def rate(self) -> float | None:
        """Share of wrong solutions among those asked for; None where none was."""
        return self.n_wrong / self.n_asked if self.n_asked else None

    @property
    def coverage(self) -> float | None:
        """Different wrong final answers per solution asked for; None where none was."""
        return self.n_distinct / self.n_asked if self.n_asked else None


def measure_question(finals: Sequence[str | None], problem: Problem, task: Task) -> WrongAnswers:
    """Return the measures of the solutions to one question.

    Args:
        finals: final answer of each solution asked for; None where it failed or states none.
        problem: the question with its reference.
        task: compares final answers.
    """
    n_right = n_undecided = n_wrong = 0
    distinct: list[str] = []
    for final in finals:
        is_right = None if final is None else task.is_correct(final, problem)
        n_right += is_right is True
        n_undecided += is_right is None
        if is_right is False:
            n_wrong += 1
            if not any(is_same_final(final, other, problem, task) for other in distinct):
                distinct.append(final)
    return WrongAnswers(len(finals), n_wrong, n_right, n_undecided, len(distinct))


def is_same_final(final: str, other: str, problem: Problem, task: Task) -> bool:
    """Say whether two wrong final answers are the same: in writing, or as the task compares them with a reference.

    For the Game of 24, where any solution is right and so nothing is compared with the reference, in writing alone.
    """
    return final == other or task.is_correct(final, replace(problem, final=other)) is True


def measure_incorrect(
    candidates: Sequence[Candidate], problems: Mapping[str, Problem], task: Task
) -> tuple[dict[str, WrongAnswers], WrongAnswers]:
    """Return problem_id -> measures of its solutions, and those of all solutions together.

    Args:
        candidates: solutions asked to be wrong, failed ones included, each with the question's problem as first parent.
        problems: problem_id -> problem.
        task: compares final answers.

    Raises:
        KeyError: the parent of a candidate is none of the problems.
    """
    finals: dict[str, list[str | None]] = {}
    for candidate in candidates:
        final = candidate.final if candidate.failure is None else None
        finals.setdefault(candidate.parents[0], []).append(final)
    each = {problem_id: measure_question(said, problems[problem_id], task) for problem_id, said in finals.items()}
    names = ("n_asked", "n_wrong", "n_right", "n_undecided", "n_distinct")
    return each, WrongAnswers(*(sum(getattr(one, name) for one in each.values()) for name in names))
