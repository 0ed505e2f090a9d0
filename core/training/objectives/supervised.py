"""Supervised finetuning: the given answers are made likelier (Kessler 2025, section 4.1).

Rejected answers beside them are not read; ``say_unread`` tells so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from core.training.data import TrainingRow
from core.training.objectives.base import NOTHING_FIRST, OBJECTIVES, Asking, Material, Unused


@dataclass(frozen=True, slots=True)
class Supervised:
    """Mean negative log-likelihood per answer token, over all answer tokens of an optimiser step."""

    title: ClassVar[str] = "Supervised (SFT)"
    about: ClassVar[str] = "Makes the given answers likelier."
    source: ClassVar[str] = "Kessler 2025, section 4.1"
    needs: ClassVar[frozenset[str]] = frozenset({"positives"})
    form: ClassVar[str] = "answers"
    reads_wrong: ClassVar[bool] = False
    rejects_whole: ClassVar[bool] = True
    starts_from_policy: ClassVar[bool] = False
    goes_on: ClassVar[bool] = False

    def prepare(self, rows: Sequence[TrainingRow], asking: Asking | None) -> Material:
        """Return the rows whose answers are right."""
        return keep_positives(rows)

    def estimate(self, rows: Sequence[TrainingRow]) -> Mapping[str, int]:
        """Return that nothing is generated first."""
        return NOTHING_FIRST

    def open_trainer(self) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        """Return the trainer of answers."""
        from core.training.trainers import AnswerTrainer

        return AnswerTrainer, {}


def keep_positives(rows: Sequence[TrainingRow]) -> Material:
    """Return the rows to be made likelier, without rejected answers; wrong ones are left out with the reason."""
    reason = "Its answer is marked as wrong, and this objective only makes answers likelier."
    return Material(
        [replace(row, rejected=None) for row in rows if row.label > 0],
        [Unused(row, reason) for row in rows if row.label < 0],
    )


OBJECTIVES.register("sft")(Supervised())
