"""The loss of the reference answer under the student (Kessler 2025, sections 4.1 and C.6: "gt")."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.models.forward import GivenAnswer, ReadAnswer, measure_loss, read_answers
from core.models.rendering import encode_completions, encode_prompts
from core.signals.base import SIGNALS, Scores, Scoring
from core.signals.remember import make_key, remember

NO_REFERENCE = "the problem has no reference answer"
TOO_LONG = "question and reference together are longer than the student's context"
OVERFLOW = "the student's own numbers overflowed"


@dataclass(frozen=True, slots=True)
class ReferenceLossSignal:
    """Reads every reference answer back through the student."""

    title: str = "Loss of the reference answer"
    unit: str = "nats per token"
    needs: frozenset[str] = frozenset({"weights", "reference"})
    is_vector: bool = False
    version: int = 1

    def __call__(self, scoring: Scoring) -> Scores:
        """Return the mean loss per token of each reference, end of text included; NaN without one or without room."""
        rows = [row for row, problem in enumerate(scoring.problems) if problem.answer]
        keys = [
            make_key(scoring, "loss_truth", self.version, scoring.task.student_prompt(problem.question), problem.answer)
            for problem in scoring.problems
        ]

        overflowed: set[int] = set()

        def measure(batch: list[ReadAnswer]) -> list[tuple[int, float]]:
            return [(read.index, measure_loss(scoring.student, read)) for read in batch]

        def compute(missing: list[int]) -> Iterator[list[tuple[int, float]]]:
            given = give_references(scoring, missing)
            for losses in read_answers(scoring.student, given, measure, check=scoring.check):
                overflowed.update(row for row, loss in losses if not math.isfinite(loss))
                yield [(row, loss) for row, loss in losses if math.isfinite(loss)]

        found = remember(scoring, keys, rows, compute)
        values = np.array([found.get(row, np.nan) for row in range(len(scoring.problems))], dtype=np.float64)
        return Scores(values, notes=explain_unread(scoring, found, overflowed))


def give_references(scoring: Scoring, rows: Sequence[int]) -> list[GivenAnswer]:
    """Return the reference answers of these problems as tokens."""
    tokenizer = scoring.student.tokenizer
    prompts = [scoring.task.student_prompt(scoring.problems[row].question) for row in rows]
    answers = [scoring.problems[row].answer for row in rows]
    ids = zip(rows, encode_prompts(tokenizer, prompts), encode_completions(tokenizer, answers), strict=True)
    return [GivenAnswer(*row) for row in ids]


def explain_unread(scoring: Scoring, found: Collection[int], overflowed: Collection[int]) -> list[str | None]:
    """Return for each problem why its reference has no value, None where it has one."""
    return [
        None if row in found else OVERFLOW if row in overflowed else TOO_LONG if problem.answer else NO_REFERENCE
        for row, problem in enumerate(scoring.problems)
    ]


SIGNALS.register("loss_truth")(ReferenceLossSignal())
