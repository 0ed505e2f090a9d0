"""Signals that the student's own greedy answers bring along: their loss, and whether they are right.

Kessler 2025, section 4.1: the loss is the mean negative log-likelihood per token of what the student itself wrote,
read from the logits that chose the tokens.
"""

from dataclasses import dataclass

import numpy as np

from core.records import Problem
from core.signals.base import SIGNALS, Scores, Scoring
from core.tasks.base import Task

NOT_TOLD = "no log-probabilities are told for this answer"


@dataclass(frozen=True, slots=True)
class LossSignal:
    """Reads the loss of each prediction."""

    title: str = "Loss of the student's own answer"
    unit: str = "nats per token"
    needs: frozenset[str] = frozenset()
    is_vector: bool = False
    version: int = 1

    def __call__(self, scoring: Scoring) -> Scores:
        """Return the losses, NaN where the student wrote nothing or a server does not tell log-probabilities."""
        losses = [row.loss for row in scoring.predictions]
        notes = [None if row.loss is not None else row.unknown or NOT_TOLD for row in scoring.predictions]
        return Scores(np.array([np.nan if loss is None else loss for loss in losses], dtype=np.float64), notes=notes)


@dataclass(frozen=True, slots=True)
class CorrectSignal:
    """Verifies each prediction against the reference, and its steps where the task can."""

    title: str = "Right or wrong"
    unit: str = ""
    needs: frozenset[str] = frozenset({"reference"})
    is_vector: bool = False
    version: int = 1

    def __call__(self, scoring: Scoring) -> Scores:
        """Return 1.0 right, 0.0 wrong, NaN without a reference; a right answer by wrong steps is wrong, with a note."""
        judged = [
            (np.nan, row.unknown) if row.unknown else judge_text(scoring.task, problem, row.text, row.final)
            for problem, row in zip(scoring.problems, scoring.predictions, strict=True)
        ]
        return Scores(np.array([value for value, _ in judged], dtype=np.float64), notes=[note for _, note in judged])


def judge_text(task: Task, problem: Problem, text: str, final: str | None) -> tuple[float, str | None]:
    """Return 1.0 or 0.0 for an answer, NaN where the problem has no reference, and what to know about it."""
    is_correct = task.is_correct(final, problem)
    if is_correct is None:
        return np.nan, "the problem has no reference answer"
    if not is_correct:
        return 0.0, None
    fault = task.find_wrong_step(problem.question, text)
    return (1.0, None) if fault is None else (0.0, f"the final answer is right, but: {fault}")


SIGNALS.register("loss")(LossSignal())
SIGNALS.register("correct")(CorrectSignal())
