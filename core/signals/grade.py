"""Is the student's answer correct, in the eyes of a grader that reads it beside the reference answer?

Kessler 2025, appendix D.3 (after Mitra 2024), in our words. The prompt for the Game of 24 is ours: the paper grades
that task by pattern, as many expressions solve the same numbers. There, whatever does not say "Correct" is wrong; here,
a reply without a verdict is missing. This file knows nothing of the task's own check, with which grades are compared.
"""

import re
from dataclasses import dataclass

import numpy as np

from core.records import Prediction, Problem
from core.signals.asking import NO_ANSWER, Asked, ask_about_all
from core.signals.base import SIGNALS, Scores, Scoring
from core.signals.reference import NO_REFERENCE
from core.tasks.prompts import fill_prompt
from core.teacher.base import TeacherRequest

PROMPTS = {"prontoqa": "grader_prontoqa", "game24": "grader_game24"}
"""Prompt file by task."""

USUAL_PROMPT = "grader_solution"
"""For every other task: the paper's prompt for GSM8K."""

MAX_TOKENS = 512

_VERDICT = re.compile(
    r"final\s+verdict[\s*_`]*:[\s*_`<\[(\"']*(not\s+)?(in)?correct\b(?![\s*_`]*(?:/|or\b)[\s*_`]*(?:in)?correct)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"final\s+verdict[\s*_`]*:", re.IGNORECASE)


def read_verdict(reply: str) -> bool | None:
    """Return what the last ``Final Verdict:`` says; None where there is none, or it says neither or both."""
    labels = [match.start() for match in _LABEL.finditer(reply)]
    match = _VERDICT.match(reply, labels[-1]) if labels else None
    return None if match is None else not (match[1] or match[2])


def write_grader_prompt(task: str, question: str, reference: str, answer: str) -> str:
    """Return the prompt of the task: what the grader is and does, then question, reference and student's answer."""
    values = {"question": question, "reference": reference, "answer": answer}
    return fill_prompt(PROMPTS.get(task, USUAL_PROMPT), values)


@dataclass(frozen=True, slots=True)
class GradeSignal:
    """1.0 where the grader calls the student's answer correct, 0.0 where incorrect; one request a problem."""

    title: str = "Correct in the eyes of a grader"
    unit: str = ""
    needs: frozenset[str] = frozenset({"teacher", "reference"})
    is_vector: bool = False
    version: int = 1

    def __call__(self, scoring: Scoring) -> Scores:
        """Score every problem; see the contract. Raises SignalError or TeacherError where no teacher can be asked.

        NaN where the problem has no reference answer (nothing is asked), or where no verdict came in three tries.
        """
        grades: list[Asked[bool]] = [Asked() for _ in scoring.problems]
        rows = list(zip(scoring.problems, scoring.predictions, strict=True))
        errors = ask_about_all(scoring, lambda i: _ask(scoring, *rows[i], grades[i]))
        values = [np.nan if grade.value is None else float(grade.value) for grade in grades]
        notes = [
            row.unknown or error or _describe_fault(problem, grade)
            for row, error, problem, grade in zip(scoring.predictions, errors, scoring.problems, grades, strict=True)
        ]
        return Scores(
            values=np.array(values, dtype=np.float64),
            texts={"grade_reply": [grade.text for grade in grades]},
            notes=notes,
        )


async def _ask(scoring: Scoring, problem: Problem, prediction: Prediction, grade: Asked[bool]) -> None:
    reference = _find_reference(problem)
    if reference is None or prediction.unknown:
        return
    answer = prediction.text.strip() or NO_ANSWER
    prompt = write_grader_prompt(scoring.task.name, problem.question, reference, answer)
    request = TeacherRequest("grader", scoring.task.name, prompt, problem, temperature=0.0, max_tokens=MAX_TOKENS)
    await grade.fill(scoring, request, read_verdict)


def _find_reference(problem: Problem) -> str | None:
    """Return the worked answer, else the final one; None where the problem has neither."""
    return (problem.answer or "").strip() or problem.final or None


def _describe_fault(problem: Problem, grade: Asked[bool]) -> str | None:
    return NO_REFERENCE if _find_reference(problem) is None else grade.describe_fault("The grader's reply")


SIGNALS.register("grade")(GradeSignal())
