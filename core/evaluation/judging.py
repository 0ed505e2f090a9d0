"""What the checker makes of an answer, in a word and in a sentence.

The checker is the task's; where a set has rounded references, numbers within a tolerance are equal. It knows nothing of
students: an answer comes as a prediction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.records import Prediction, Problem
from core.tasks import TASKS
from core.tasks.answers.compare import compare
from core.tasks.base import Task

VERDICTS = {
    "right": "right",
    "wrong": "wrong",
    "no_final": "without a final answer",
    "cut_off": "cut off before a final answer",
    "undecided": "undecided, counted as wrong",
    "no_reference": "without a reference",
    "no_answer": "unanswered",
}
"""Verdict -> what people read behind a number of answers."""

TOLERANT = ("word_problems", "maths", "custom")
"""Tasks whose final answers may be numbers that a tolerance applies to."""

TOLD_ALREADY = ("The numbers differ", "The answer ", "Not the ")
"""How a comparison begins that only says again what differs from what."""

SHOWN = 60
"""Characters of a final answer in a sentence."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer in the eyes of the checker."""

    is_correct: bool | None
    """None: it could not be judged, as there is no reference or no answer."""

    verdict: str
    """One of VERDICTS."""

    reason: str
    """One sentence, or two where the second says what is special about it."""

    has_wrong_step: bool = False
    """Whether the final answer is right by steps that do not hold, where the task can tell."""


def judge_answer(task: Task, problem: Problem, answer: Prediction, tolerance: float | None = None) -> Judged:
    """Judge one answer.

    Without a tolerance ``is_correct`` is what the task says, as everywhere else; a prompt that fills the student's
    context is a wrong answer, one that a server refused is none.

    Args:
        task: of the problem.
        problem: with its reference.
        answer: the student's; its ``is_correct`` is the task's.
        tolerance: largest relative difference of two numbers that count as equal, for TOLERANT tasks; None: none.
    """
    if answer.unknown is not None and not answer.is_truncated:
        return Judged(None, "no_answer", f"There is no answer: {answer.unknown}.")
    if answer.is_correct is None:
        return Judged(None, "no_reference", "The problem has no reference answer, so nothing can be compared.")
    if answer.unknown is not None:
        return Judged(False, "no_answer", f"This counts as wrong: {answer.unknown}.")
    if answer.final is None:
        return _judge_without_final(answer)
    is_correct = answer.is_correct
    if tolerance is not None:
        is_correct = compare(problem.final, answer.final, tolerance).is_equal
    elif not is_correct:
        is_correct = task.judge_final(answer.final, problem)
    return _word(task, problem, answer, is_correct, tolerance)


def judge_row(task: str, row: Mapping[str, Any]) -> Judged:
    """Judge an answer that a finetune or a score run kept, so that its reason can be read; without a tolerance.

    Args:
        task: registry name.
        row: of ``store.list_predictions``; missing values are None.
    """
    problem = Problem(row["problem_id"], row["question"] or "", row["answer"], row["reference"], row["split"])
    names = ("problem_id", "text", "final", "is_correct", "loss", "n_tokens", "is_truncated", "unknown")
    return judge_answer(TASKS.get(task), problem, Prediction(**{name: row[name] for name in names}))


def _judge_without_final(answer: Prediction) -> Judged:
    if answer.is_truncated:
        length = "" if answer.n_tokens is None else f" after {answer.n_tokens:,} tokens"
        return Judged(False, "cut_off", f"The answer was cut off{length}, before it stated a final answer.")
    what = "states no final answer" if answer.text.strip() else "is empty"
    return Judged(False, "no_final", f"The answer {what}.")


def _word(task: Task, problem: Problem, answer: Prediction, is_correct: bool | None, tolerance: float | None) -> Judged:
    """Return the judgement of an answer that states a final answer; None counts as wrong."""
    said, wanted = _shorten(answer.final), _shorten(problem.final)
    if is_correct is None:
        why = compare(problem.final, answer.final, tolerance).reason
        sentence = f"Whether {said} is the reference {wanted} could not be decided, which counts as wrong. {why}"
        return Judged(False, "undecided", sentence)
    found = compare(problem.final, answer.final, tolerance)
    is_news = found.is_equal is is_correct and not found.reason.startswith(TOLD_ALREADY)
    why = f" {found.reason}" if is_news and answer.final != problem.final else ""
    if not is_correct:
        return Judged(False, "wrong", f"The final answer {said} differs from the reference {wanted}.{why}")
    cut = " The answer was cut off behind it." if answer.is_truncated else ""
    fault = task.find_wrong_step(problem.question, answer.text)
    step = "" if fault is None else f" The steps do not hold, though: {fault}"
    alike = f"{said} is the reference" if answer.final == problem.final else f"{said} equals the reference {wanted}"
    return Judged(True, "right", f"The final answer {alike}.{why}{cut}{step}", fault is not None)


def _shorten(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
