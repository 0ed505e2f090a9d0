"""Sketches of the output head's gradient, for BADGE (Ash 2020; Kessler 2025, section 4.1).

The gradient is that of the mean loss per token, of the student's own answer or of the reference. How a gradient
becomes a sketch is core/models/sketch.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.models.forward import GivenAnswer, ReadAnswer, read_answers, stream_logits
from core.models.rendering import encode_prompts
from core.models.sketch import TensorSketch, pack_sketch, unpack_sketch
from core.signals.base import SIGNALS, Scores, Scoring
from core.signals.reference import OVERFLOW, explain_unread, give_references
from core.signals.remember import make_key, remember

SEED = 0
"""Of the sketch's random tables: sketches can be compared only with one another, and across runs."""

NOTHING_TO_READ = "the tokens of this answer are not known"


@dataclass(frozen=True, slots=True)
class GradientSignal:
    """Reads every answer back through the student and sketches the gradient it would train with."""

    title: str
    name: str
    is_truth: bool
    """True takes the reference answer, False the student's own."""

    unit: str = ""
    is_vector: bool = True
    version: int = 2
    """2 since sketches of sure answers keep their digits: a target is no longer taken from a sum that it dominates."""

    @property
    def needs(self) -> frozenset[str]:
        """The weights, and references where those are taken."""
        return frozenset({"weights", "reference"} if self.is_truth else {"weights"})

    def __call__(self, scoring: Scoring) -> Scores:
        """Return (n, width) float32 sketches, a row of NaN where there is no answer; the norm is kept, it matters."""
        if self.is_truth:
            rows = [row for row, problem in enumerate(scoring.problems) if problem.answer]
            texts = [problem.answer for problem in scoring.problems]
        else:
            rows = [row for row, prediction in enumerate(scoring.predictions) if prediction.token_ids]
            texts = [prediction.text for prediction in scoring.predictions]
        about = (self.name, self.version, scoring.width, SEED)
        keys = [
            make_key(scoring, *about, scoring.task.student_prompt(problem.question), text)
            for problem, text in zip(scoring.problems, texts, strict=True)
        ]
        sketches = np.full((len(texts), scoring.width), np.nan, dtype=np.float32)

        def keep(row: int, packed: dict) -> bool:
            sketches[row] = unpack_sketch(packed)
            return True

        overflowed: set[int] = set()
        found = remember(scoring, keys, rows, lambda missing: self._compute(scoring, missing, overflowed), keep)
        notes = explain_unread(scoring, found, overflowed)
        if not self.is_truth:
            notes = [
                None if row in found else OVERFLOW if row in overflowed else prediction.unknown or NOTHING_TO_READ
                for row, prediction in enumerate(scoring.predictions)
            ]
        return Scores(sketches, notes=notes)

    def _compute(self, scoring: Scoring, rows: list[int], overflowed: set[int]) -> Iterator[list[tuple[int, dict]]]:
        import torch

        student = scoring.student
        head = student.model.get_output_embeddings().weight
        cap = getattr(student.model.config.get_text_config(), "final_logit_softcapping", None)
        sketch = TensorSketch(*head.shape, scoring.width, SEED, device=head.device)
        given = give_references(scoring, rows) if self.is_truth else give_own_answers(scoring, rows)

        def sketch_batch(batch: list[ReadAnswer]) -> list[tuple[int, np.ndarray]]:
            found = sketch.sketch_many(
                torch.cat([read.hidden for read in batch]),
                lambda hidden: stream_logits(student, hidden),
                torch.cat([read.targets for read in batch]),
                [len(read.targets) for read in batch],
                cap,
            )
            return [(read.index, row) for read, row in zip(batch, found.cpu().numpy(), strict=True)]

        for sketches in read_answers(student, given, sketch_batch, check=scoring.check):
            overflowed.update(row for row, values in sketches if not np.isfinite(values).all())
            yield [(row, pack_sketch(values)) for row, values in sketches if np.isfinite(values).all()]


def give_own_answers(scoring: Scoring, rows: Sequence[int]) -> list[GivenAnswer]:
    """Return the student's own answers as the tokens it generated."""
    prompts = [scoring.task.student_prompt(scoring.problems[row].question) for row in rows]
    ids = zip(rows, encode_prompts(scoring.student.tokenizer, prompts), strict=True)
    return [GivenAnswer(row, prompt, scoring.predictions[row].token_ids) for row, prompt in ids]


SIGNALS.register("gradient")(GradientSignal("Gradient of the student's own answer", "gradient", False))
SIGNALS.register("gradient_truth")(GradientSignal("Gradient of the reference answer", "gradient_truth", True))
