"""How much better the teacher likes its own answer than the student's: pairwise scores from 1 to 10, in both orders.

Kessler 2025, section 4.1 (LLM-as-a-judge) and 5.3, with what the referee of Jiang 2023 (Lion) is asked, in our words.
There, a reply that cannot be read counts as -1 and gets into the average of the two orders; here it is missing. This
file knows nothing of which difference is called hard, nor of how many problems are chosen.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from core.records import Prediction, Problem
from core.signals.asking import NO_ANSWER, Asked, ask_about_all
from core.signals.base import SIGNALS, Scores, Scoring
from core.tasks.prompts import fill_prompt
from core.teacher.base import TeacherRequest

TEMPERATURE = 0.2
"""Of the judge (Jiang 2023)."""

MAX_TOKENS = 512
"""Longest reply of the judge (Jiang 2023)."""

LOWEST, HIGHEST = 1.0, 10.0

_LABEL = r"score\s+of\s+(?:the\s+)?assistant\s*{n}(?:['’]s(?:\s+answer)?)?[\s*_`]*[:=][\s*_`<\[(]*"
_VALUE = re.compile(
    r"(-?\d+(?:[.,]\d+)?)"  # 8, 8.5 and 8,5
    r"(?:[ \t*_`>()\]]*(?:/|out\s+of)[ \t*_`]*10(?![\d.,]*\d))?"
    r"(?![.,]?\d|[ \t*_`>()\]]*(?:/|out\s+of|%|(?:to|or|[-–—])\s*\d))",  # 8/20, 80 %, 7-8: no score from 1 to 10
    re.IGNORECASE,
)
_LAST_LABEL = {n: re.compile(_LABEL.format(n=n), re.IGNORECASE) for n in (1, 2)}


def read_scores(reply: str) -> tuple[float, float] | None:
    """Return the scores of assistant 1 and 2; None where one of them is missing, unclear, or not within 1 to 10.

    The last label of each counts, as the evidence may name scores as well: ``**Score of the Assistant 1:** 8/10``.
    Words such as "eight" are not read.
    """
    first, second = (_read_score(reply, _LAST_LABEL[n]) for n in (1, 2))
    return None if first is None or second is None else (first, second)


def _read_score(reply: str, label: re.Pattern[str]) -> float | None:
    ends = [match.end() for match in label.finditer(reply)]
    match = _VALUE.match(reply, ends[-1]) if ends else None
    value = float(match[1].replace(",", ".")) if match else 0.0
    return value if LOWEST <= value <= HIGHEST else None


def write_judge_prompt(instruction: str, answer_1: str, answer_2: str) -> str:
    """Return the prompt that shows two answers to one instruction in this order and asks for two scores."""
    return fill_prompt("judge", {"instruction": instruction, "answer_1": answer_1, "answer_2": answer_2})


@dataclass(slots=True)
class _Judgement:
    """What is known of one problem."""

    answer: Asked[str] = field(default_factory=Asked)
    """The teacher's own answer."""

    teacher_first: Asked[tuple[float, float]] = field(default_factory=Asked)
    student_first: Asked[tuple[float, float]] = field(default_factory=Asked)

    async def ask(self, scoring: Scoring, problem: Problem, prediction: Prediction) -> None:
        """Let the teacher answer, then judge in both orders; stops where one of the three cannot be had."""
        if prediction.unknown:
            return
        task, instruction = scoring.task.name, scoring.task.student_prompt(problem.question).strip()
        request = TeacherRequest("answer", task, scoring.task.student_prompt(problem.question), problem)
        if not await self.answer.fill(scoring, request, lambda text: text.strip() or None):
            return
        pair = (self.answer.value, prediction.text.strip() or NO_ANSWER)
        for asked, shown in ((self.teacher_first, pair), (self.student_first, pair[::-1])):
            prompt = write_judge_prompt(instruction, *shown)
            request = TeacherRequest("judge", task, prompt, problem, temperature=TEMPERATURE, max_tokens=MAX_TOKENS)
            if not await asked.fill(scoring, request, read_scores):
                return

    def average(self) -> tuple[float, float]:
        """Return the mean scores of teacher and student over the two orders; NaN both where an order is missing."""
        if self.teacher_first.value is None or self.student_first.value is None:
            return np.nan, np.nan
        (teacher_1, student_2), (student_1, teacher_2) = self.teacher_first.value, self.student_first.value
        return (teacher_1 + teacher_2) / 2, (student_1 + student_2) / 2

    def describe_fault(self) -> str | None:
        """Return one sentence on which reply is missing; None where none is."""
        return (
            self.answer.describe_fault("The teacher's own answer")
            or self.teacher_first.describe_fault("The judgement with the teacher's answer first")
            or self.student_first.describe_fault("The judgement with the student's answer first")
        )


@dataclass(frozen=True, slots=True)
class JudgeSignal:
    """Mean score of the teacher's answer minus that of the student's, signed: higher is harder for the student.

    Three requests a problem where every reply can be read. Problem by problem unknown where the teacher gives no
    answer, or where one of the two orders cannot be read in three tries.
    """

    title: str = "LLM as a judge: the teacher's answer against the student's"
    unit: str = "points"
    needs: frozenset[str] = frozenset({"teacher"})
    is_vector: bool = False
    version: int = 1

    def __call__(self, scoring: Scoring) -> Scores:
        """Score every problem; see the contract. Raises SignalError or TeacherError where no teacher can be asked.

        Details: ``judge_teacher`` and ``judge_student`` (means over the two orders, 1 to 10) and ``judge_n_asked``
        (requests to the judge; 2 where both replies could be read at once).
        """
        judgements = [_Judgement() for _ in scoring.problems]
        rows = list(zip(scoring.problems, scoring.predictions, strict=True))
        errors = ask_about_all(scoring, lambda i: judgements[i].ask(scoring, *rows[i]))
        means = np.array([each.average() for each in judgements], dtype=np.float64).reshape(-1, 2)
        n_asked = [each.teacher_first.n_asked + each.student_first.n_asked for each in judgements]
        return Scores(
            values=means[:, 0] - means[:, 1],
            details={
                "judge_teacher": means[:, 0],
                "judge_student": means[:, 1],
                "judge_n_asked": np.array(n_asked, dtype=np.float64),
            },
            texts={
                "teacher_answer": [each.answer.text for each in judgements],
                "judge_reply_1": [each.teacher_first.text for each in judgements],
                "judge_reply_2": [each.student_first.text for each in judgements],
            },
            notes=[
                row.unknown or error or each.describe_fault()
                for row, error, each in zip(scoring.predictions, errors, judgements, strict=True)
            ],
        )


SIGNALS.register("judge")(JudgeSignal())
