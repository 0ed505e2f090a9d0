"""Rewards of a separate model for the student's own answer or for the reference (Kessler 2025, section 4.1)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.models.rendering import RENDERING_VERSION
from core.signals.base import SIGNALS, Scores, Scoring
from core.signals.reference import NO_REFERENCE
from core.signals.remember import hash_parts, remember

TOO_LONG = "longer than the reward model's context, or without a finite reward"

CHUNK = 256
"""Answers that are rewarded between two reports of the progress."""


@dataclass(frozen=True, slots=True)
class RewardSignal:
    """Asks the reward model of the scoring."""

    title: str
    name: str
    is_truth: bool
    """True rewards the reference answer, which says nothing of the student."""

    unit: str = "points of the reward model"
    is_vector: bool = False
    version: int = 1

    @property
    def needs(self) -> frozenset[str]:
        """A reward model, and references where those are rewarded."""
        return frozenset({"reward", "reference"} if self.is_truth else {"reward"})

    def __call__(self, scoring: Scoring) -> Scores:
        """Return raw rewards; NaN without an answer, or where the answer does not fit into the reward model."""
        problems = scoring.problems
        if self.is_truth:
            answers = [problem.answer for problem in problems]
        else:
            answers = [row.text for row in scoring.predictions]
        pairs = [(scoring.task.student_prompt(p.question), a) for p, a in zip(problems, answers, strict=True)]
        about = ["reward", self.version, scoring.reward.fingerprint, scoring.reward.dtype_name, RENDERING_VERSION]
        keys = [hash_parts(*about, *pair) for pair in pairs]  # whoever wrote the answer, its reward is the same

        def compute(missing: list[int]) -> Iterator[list[tuple[int, float]]]:
            for start in range(0, len(missing), CHUNK):
                rows = missing[start : start + CHUNK]
                rewards = scoring.reward.score([pairs[row] for row in rows], check=scoring.check)
                yield [(row, float(value)) for row, value in zip(rows, rewards, strict=True) if value == value]

        found = remember(scoring, keys, [row for row, answer in enumerate(answers) if answer], compute)
        notes = [
            None if row in found else TOO_LONG if answer else self._say_nothing(prediction.unknown)
            for row, (answer, prediction) in enumerate(zip(answers, scoring.predictions, strict=True))
        ]
        values = [found.get(row, np.nan) for row in range(len(problems))]
        return Scores(np.array(values, dtype=np.float64), notes=notes)

    def _say_nothing(self, unknown: str | None) -> str:
        return NO_REFERENCE if self.is_truth else unknown or "the student wrote nothing"


SIGNALS.register("reward")(RewardSignal("Reward of the student's own answer", "reward", False))
SIGNALS.register("reward_truth")(RewardSignal("Reward of the reference answer", "reward_truth", True))
