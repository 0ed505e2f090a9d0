"""Rejection finetuning: the student's own right answers are made likelier (RFT; Setlur 2024, section 3).

Of the given rows the questions and final answers are read; their right answers train the policy, wrong ones nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from core.counting import counted
from core.errors import TrainingError
from core.training.config import require
from core.training.data import TrainingRow
from core.training.objectives.base import OBJECTIVES, Asking, Material, Unused
from core.training.objectives.drawing import (
    NO_REFERENCE,
    NO_ROOM,
    draw_for,
    group_by_problem,
    note_draws,
    say_most,
    say_none,
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Draws answers from the policy, keeps the right ones once each, and finetunes a fresh adapter on them."""

    n_samples: int = 8
    """Answers drawn to each problem."""

    temperature: float = 1.0
    """Of the drawing."""

    most_per_problem: int = 4
    """Right answers kept of one problem, the first ones drawn: easy problems have more of them than hard ones."""

    title: ClassVar[str] = "Rejection finetuning (RFT)"
    about: ClassVar[str] = "Lets the student answer first, and makes its own right answers likelier, each once."
    source: ClassVar[str] = "Setlur 2024, section 3"
    needs: ClassVar[frozenset[str]] = frozenset({"references"})
    form: ClassVar[str] = "answers"
    reads_wrong: ClassVar[bool] = False
    rejects_whole: ClassVar[bool] = True
    starts_from_policy: ClassVar[bool] = True
    goes_on: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require(self.n_samples >= 1, "n_samples", self.n_samples, "at least 1")
        require(self.temperature > 0, "temperature", self.temperature, "above 0")
        require(self.most_per_problem >= 1, "most_per_problem", self.most_per_problem, "at least 1")

    def prepare(self, rows: Sequence[TrainingRow], asking: Asking | None) -> Material:
        """Return the student's own right answers; problems without one are left out."""
        problems = group_by_problem(rows)
        draw_for(problems, asking, self.n_samples, self.temperature, {"right"})
        made, unused = [], []
        for asked in problems:
            right = asked.list_fit(is_correct=True)
            for draw in right[self.most_per_problem :]:
                draw.reason = say_most(self.most_per_problem, "right", "used")
            kept = right[: self.most_per_problem]
            made += [replace(asked.row, answer=each.answer.text, label=1, rejected=None, origin="own") for each in kept]
            if asked.row.final is None:
                unused.append(Unused(asked.row, NO_REFERENCE))
            elif not kept:
                reason = NO_ROOM if asked.has_no_room else say_none(self.n_samples, "right")
                unused.append(Unused(asked.row, reason))
        note_draws(problems, asking)
        if not made:
            raise TrainingError(
                f"The student answered none of {counted(len(problems), 'problem')} right in "
                f"{counted(self.n_samples, 'try', 'tries')} each, so there is nothing to train on; take easier "
                "problems, or an adapter that solves some of them."
            )
        return Material(made, unused)

    def estimate(self, rows: Sequence[TrainingRow]) -> Mapping[str, int]:
        """Return how many answers are drawn."""
        n_problems = len({row.question for row in rows if row.final is not None})
        return {"n_answers": n_problems * self.n_samples, "n_rollouts": 0}

    def open_trainer(self) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        """Return the trainer of answers."""
        from core.training.trainers import AnswerTrainer

        return AnswerTrainer, {}


OBJECTIVES.register("rft")(Rejection())
