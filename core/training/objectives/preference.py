"""Direct preference optimisation: right answers against wrong answers of the same problem (DPO; Setlur 2024)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from core.errors import TrainingError
from core.training.config import require
from core.training.data import TrainingRow
from core.training.objectives.base import OBJECTIVES, Asking, Material, Unused
from core.training.objectives.drawing import (
    EMPTY,
    NO_REFERENCE,
    NO_RIGHT,
    NO_ROOM,
    NO_WRONG_LEFT,
    Asked,
    draw_for,
    find_commonest,
    group_by_problem,
    note_draws,
    say_most,
    say_none,
)

RIGHT_ANSWERS = ("given", "own", "both")
"""Which right answers are preferred: those of the rows, the student's own, or both."""


@dataclass(frozen=True, slots=True)
class Preference:
    """Prefers right answers to wrong ones, against the policy that it starts from."""

    beta: float = 0.1
    """How closely the policy is kept to: lower lets the student move further away."""

    n_samples: int = 8
    """Answers drawn to each problem whose rows bring no wrong answer."""

    temperature: float = 1.0
    """Of the drawing."""

    n_pairs: int = 4
    """Pairs made of one problem, at most."""

    right_answers: str = "given"
    """``given``, ``own`` or ``both``: which right answers are preferred."""

    title: ClassVar[str] = "Preferences (DPO)"
    about: ClassVar[str] = "Makes right answers likelier and wrong answers to the same problem unlikelier."
    source: ClassVar[str] = "Rafailov 2023; Setlur 2024, section 5"
    needs: ClassVar[frozenset[str]] = frozenset()
    form: ClassVar[str] = "pairs"
    reads_wrong: ClassVar[bool] = True
    rejects_whole: ClassVar[bool] = True
    starts_from_policy: ClassVar[bool] = True
    goes_on: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(self.beta > 0, "beta", self.beta, "above 0")
        require(self.n_samples >= 1, "n_samples", self.n_samples, "at least 1")
        require(self.temperature > 0, "temperature", self.temperature, "above 0")
        require(self.n_pairs >= 1, "n_pairs", self.n_pairs, "at least 1")
        require(self.right_answers in RIGHT_ANSWERS, "right_answers", self.right_answers, " or ".join(RIGHT_ANSWERS))

    def prepare(self, rows: Sequence[TrainingRow], asking: Asking | None) -> Material:
        """Return pairs; problems that lack a right or a wrong answer are left out."""
        problems = group_by_problem(rows)
        drawn = [asked for asked in problems if self._must_draw(asked)]
        if drawn:
            draw_for(drawn, asking, self.n_samples, self.temperature, self._kept)
        made, unused = [], []
        for asked in problems:
            rights, wrongs = self._list_rights(asked), _list_wrongs(asked)
            pairs = self._make_pairs(rights, wrongs)
            used = {text for pair in pairs for text in pair}
            given = {*asked.given, *asked.wrong}
            for right, wrong in pairs:
                origin = asked.row.origin if {right, wrong} <= given else "own"
                made.append(replace(asked.row, answer=right, rejected=wrong, label=1, origin=origin))
            for draw in asked.draws:
                if draw.reason is None and draw.answer.text not in used:
                    draw.reason = self._say_why_unused(draw.answer.text, rights, is_right=draw.answer.is_correct)
            if not pairs:
                unused.append(Unused(asked.row, self._say_why_none(asked, rights, wrongs)))
                continue
            for row in asked.rows:
                said = [(row.answer, row.label > 0), *([(row.rejected, False)] if row.rejected else [])]
                reasons = [
                    self._say_why_unused(text, rights, is_right=is_right) for text, is_right in said if text not in used
                ]
                if reasons:
                    unused.append(Unused(row, reasons[0]))
        note_draws(drawn, asking)
        if not made:
            raise TrainingError(
                f"No problem of {len(problems):,} has both a right and a wrong answer, so nothing can be preferred; "
                f"most often: {find_commonest(unused)}"
            )
        return Material(made, unused)

    @property
    def _kept(self) -> set[str]:
        return {"wrong"} if self.right_answers == "given" else {"wrong", "right"}

    def _must_draw(self, asked: Asked) -> bool:
        """Say whether own answers are wanted; never where nothing could be preferred to them, or nobody judge them."""
        if self.right_answers == "given":
            return asked.row.final is not None and bool(asked.given) and not asked.wrong
        return asked.row.final is not None

    def _make_pairs(self, rights: Sequence[str], wrongs: Sequence[str]) -> list[tuple[str, str]]:
        """Return (right, wrong) answers: each wrong one once, with the right ones in turn."""
        wrongs = [text for text in wrongs if text not in rights][: self.n_pairs] if rights else []
        return [(rights[number % len(rights)], text) for number, text in enumerate(wrongs)]

    def _list_rights(self, asked: Asked) -> list[str]:
        own = [draw.answer.text for draw in asked.list_fit(is_correct=True)]
        return list(dict.fromkeys({"given": asked.given, "own": own, "both": [*asked.given, *own]}[self.right_answers]))

    def _say_why_unused(self, text: str, rights: Sequence[str], *, is_right: bool) -> str:
        """Return why an answer, drawn or given, is in none of its problem's pairs."""
        if not text.strip():
            return EMPTY
        if is_right:
            return NO_WRONG_LEFT if text in rights else "Only own right answers are preferred."
        if not rights:
            return "No right answer to its question is there to be preferred to it."
        if text in rights:
            return "It is given as a right answer."
        return say_most(self.n_pairs, "wrong", "used")

    def _say_why_none(self, asked: Asked, rights: Sequence[str], wrongs: Sequence[str]) -> str:
        """Return why a problem makes no pair."""
        if not rights and self.right_answers == "given":
            return NO_RIGHT
        if rights and wrongs:
            return "Its wrong answers are all given as right ones too."
        if asked.row.final is None:
            return NO_REFERENCE
        return NO_ROOM if asked.has_no_room else say_none(self.n_samples, "wrong" if rights else "right")

    def estimate(self, rows: Sequence[TrainingRow]) -> Mapping[str, int]:
        """Return how many answers are drawn."""
        n_drawn = sum(self._must_draw(asked) for asked in group_by_problem(rows))
        return {"n_answers": n_drawn * self.n_samples, "n_rollouts": 0}

    def open_trainer(self) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        """Return the trainer of pairs."""
        from core.training.trainers import PreferenceTrainer

        return PreferenceTrainer, {"beta": self.beta}


def _list_wrongs(asked: Asked) -> list[str]:
    own = [draw.answer.text for draw in asked.list_fit(is_correct=False)]
    return list(dict.fromkeys([*asked.wrong, *own]))


OBJECTIVES.register("dpo")(Preference())
