"""Objectives that read rows with a label: right answers made likelier, wrong ones unlikelier, without pairs.

A rejected answer is a wrong one: its row becomes two, one of each label.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from core.errors import TrainingError
from core.training.config import require
from core.training.data import NEGATIVE, POSITIVE, TrainingRow
from core.training.objectives.base import NOTHING_FIRST, OBJECTIVES, Asking, Material, Unused


class Labelled:
    """What objectives on right and wrong answers have in common."""

    __slots__ = ()
    needs: ClassVar[frozenset[str]] = frozenset({"positives", "negatives"})
    form: ClassVar[str] = "labelled"
    reads_wrong: ClassVar[bool] = True
    rejects_whole: ClassVar[bool] = True
    starts_from_policy: ClassVar[bool] = False
    goes_on: ClassVar[bool] = False

    def prepare(self, rows: Sequence[TrainingRow], asking: Asking | None) -> Material:
        """Return all rows, those with a rejected answer as two."""
        return keep_both(rows)

    def estimate(self, rows: Sequence[TrainingRow]) -> Mapping[str, int]:
        """Return that nothing is generated first."""
        return NOTHING_FIRST


@dataclass(frozen=True, slots=True)
class SignedLikelihood(Labelled):
    """``-log sigmoid(label * log pi)`` of each answer, averaged over the answers of a step."""

    is_normalised: bool = True
    """Whether log pi is the mean per token; false is the sum over the answer, as published, by which wrong answers have
    next to no gradient."""

    title: ClassVar[str] = "Signed likelihood"
    about: ClassVar[str] = "Makes right answers likelier and wrong answers unlikelier, each by itself."
    source: ClassVar[str] = "Zhang 2025, G.6.2"

    def open_trainer(self) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        """Return the trainer of signed answers."""
        from core.training.trainers import SignedTrainer

        return partial(SignedTrainer, is_normalised=self.is_normalised), {}


@dataclass(frozen=True, slots=True)
class Unlikelihood(Labelled):
    """(1 - share) of the likelihood loss of right answers, share of the unlikelihood of wrong ones (UFT)."""

    share: float = 0.03
    """Weight of the wrong answers, from 0 (supervised finetuning) to below 1."""

    title: ClassVar[str] = "Unlikelihood (UFT)"
    about: ClassVar[str] = "Makes right answers likelier and every token of wrong answers unlikelier."
    source: ClassVar[str] = "Ni 2025"

    def __post_init__(self) -> None:
        require(0 <= self.share < 1, "share", self.share, "between 0 and below 1")

    def open_trainer(self) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        """Return the trainer of signed answers."""
        from core.training.trainers import UnlikelihoodTrainer

        return partial(UnlikelihoodTrainer, share=self.share), {}


def keep_both(rows: Sequence[TrainingRow]) -> Material:
    """Return all rows, those with a rejected answer as two, each of these once.

    A rejected answer that another row gives as the right one is left out with the reason.

    Raises:
        TrainingError: only right, or only wrong answers are there.
    """
    right = {(row.question, row.answer) for row in rows if row.label == POSITIVE}
    made, unused, seen = [], [], {row.texts for row in rows}
    for row in rows:
        if not row.rejected:
            made.append(row)
            continue
        for half in (replace(row, rejected=None), replace(row, answer=row.rejected, label=NEGATIVE, rejected=None)):
            if half.texts in seen:
                continue
            seen.add(half.texts)
            if half.label == NEGATIVE and (half.question, half.answer) in right:
                unused.append(Unused(half, "Another row gives this rejected answer as the right one."))
            else:
                made.append(half)
    labels = {row.label for row in made}
    if made and len(labels) < 2:
        lacking = "wrong" if labels == {POSITIVE} else "right"
        none = "The one row has no" if len(made) == 1 else f"None of the {len(made):,} rows has a"
        raise TrainingError(
            f"{none} {lacking} answer, and this objective needs both; add "
            f"{'candidates of the method incorrect, or own wrong answers' if lacking == 'wrong' else 'right answers'}."
        )
    return Material(made, unused)


OBJECTIVES.register("signed")(SignedLikelihood())
OBJECTIVES.register("unlikelihood")(Unlikelihood())
