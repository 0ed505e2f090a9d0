"""What our own solvers say of a question: whether it has an answer, and whether there is only one.

A task without a solver here is left open. Nothing here knows of candidates or verdicts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from core.tasks.deduction import DeductionError, Theory, write_fact
from core.tasks.game24 import read_numbers
from core.tasks.prontoqa import split_question
from core.tasks.solutions24 import solve

MAX_CHARACTERS = 20_000
"""A longer question is not read."""


@dataclass(frozen=True, slots=True)
class Solved:
    """What came of it; at most one of the three sentences is there."""

    n_answers: int | None = None
    """Different answers that are right; None where nothing was solved."""

    fault: str | None = None
    """Why the question cannot be answered."""

    conflict: str | None = None
    """Why it has contradicting answers."""

    unknown: str | None = None
    """Why nothing can be said."""


def solve_game24(question: str) -> Solved:
    """Count the distinct solutions in exact fractions."""
    try:
        numbers = read_numbers(question)
    except ValueError as error:
        return Solved(fault=str(error))
    solutions = solve(numbers)
    if not solutions:
        return Solved(0, fault=f"The numbers {' '.join(map(str, numbers))} cannot make 24.")
    return Solved(len(solutions))


def solve_prontoqa(question: str) -> Solved:
    """Judge the statement by forward chaining; a sentence that is no fact or rule of the known forms is not read."""
    try:
        context, statement = split_question(question)
    except ValueError as error:
        return Solved(fault=str(error))
    try:
        theory = Theory(context, [statement])
    except DeductionError as error:
        return Solved(unknown=str(error))
    clause = theory.read(statement)
    if clause is None or clause.is_rule:
        return Solved(unknown=f"The statement {statement[:100]!r} is not a fact about one individual.")
    try:
        truth = theory.judge(clause)
    except DeductionError as error:
        return Solved(2, conflict=str(error))
    if truth is None:
        return Solved(0, fault=f"The context does not decide the statement {write_fact(clause)!r}.")
    return Solved(1)


SOLVERS: Mapping[str, Callable[[str], Solved]] = {"game24": solve_game24, "prontoqa": solve_prontoqa}
"""Task -> solver."""

MANY_ANSWERS = frozenset({"game24"})
"""Tasks that ask for any of several right answers."""


@lru_cache(maxsize=4096)
def solve_question(task: str, question: str) -> Solved:
    """Return what the task's solver says; ``unknown`` where there is none, or the question is too long to read."""
    if task not in SOLVERS:
        return Solved(unknown="There is no solver for questions of this task.")
    if len(question) > MAX_CHARACTERS:
        return Solved(unknown=f"A question of {len(question):,} characters is not read.")
    return SOLVERS[task](question)
