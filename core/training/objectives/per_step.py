"""Per-step preferences: a right answer against the beginning of a wrong one, up to where it goes wrong (Setlur 2024).

The value of a beginning is how often the policy ends right from there, by Monte-Carlo rollouts. The *first pit* is the
first step after which that value is the lowest; the rejected answer ends there, with no end-of-text token, so that
what is made unlikelier is the step and not the stopping. Wrong answers of the given rows are not looked at.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from core.errors import TrainingError
from core.training.config import require
from core.training.data import TrainingRow
from core.training.objectives.base import OBJECTIVES, Asking, Material, OwnAnswer, Unused
from core.training.objectives.drawing import (
    NO_REFERENCE,
    NO_RIGHT,
    NO_ROOM,
    NO_WRONG_LEFT,
    Asked,
    Draw,
    draw_for,
    find_commonest,
    group_by_problem,
    note_draws,
    say_most,
    say_none,
)


def split_steps(answer: str, most: int) -> list[str]:
    """Return the steps of an answer: each is a line that says something, with its newline and empty lines before it.

    Put together they are the answer, letter by letter, so that each beginning is what the student wrote. Where there
    are more than ``most``, what follows the first ``most - 1`` is one step.
    """
    steps, blank = [], ""
    for line in re.findall(r"[^\n]*\n|[^\n]+", answer):
        if line.strip():
            steps.append(blank + line)
            blank = ""
        else:
            blank += line
    if blank:
        steps[-1:] = ["".join([*steps[-1:], blank])]
    return steps if len(steps) <= most else [*steps[: most - 1], "".join(steps[most - 1 :])]


def make_beginnings(steps: Sequence[str]) -> list[str]:
    """Return the beginnings of an answer after 0, 1, ... of its steps, without the whole of it."""
    return ["".join(steps[:n]) for n in range(len(steps))]


def best_of(n_right: int, n: int, k: int) -> float:
    """Return the chance that the best of k answers is right: 1 - (1 - q)^k with q = n_right / n (Setlur 2024)."""
    return 1 - (1 - n_right / n) ** k


def find_first_pit(values: Sequence[float], min_drop: float = 0.0) -> int | None:
    """Return the first step, from 1, after which the value is the lowest; None where it did not fall, or too little.

    Args:
        values: after 0, 1, ... steps; the first is the question's own.
        min_drop: fall from the question's value that is more than noise.
    """
    after = list(values[1:])
    pit = 1 + after.index(min(after))
    fall = values[0] - values[pit]
    return pit if fall > 0 and fall >= min_drop else None


@dataclass(frozen=True, slots=True)
class PerStepPreference:
    """Prefers right answers to the beginnings of wrong ones, up to and with the step that spoils them."""

    beta: float = 0.1
    """How closely the policy is kept to: lower lets the student move further away."""

    n_samples: int = 8
    """Answers drawn to each problem; the wrong ones among them are looked at step by step (Setlur 2024: 8)."""

    n_negatives: int = 4
    """Wrong answers of one problem that are looked at, at most; each makes a pair."""

    n_rollouts: int = 8
    """Continuations drawn from each beginning; with few, a small fall of the value is noise."""

    best_of: int = 5
    """The value is that of the best of so many continuations (Setlur 2024: 5)."""

    most_steps: int = 20
    """Steps of a wrong answer whose value is asked for, at most: in a longer one the last is all that is left of it."""

    min_drop: float = 0.0
    """Fall from the question's value to the pit's below which a pair is left out."""

    temperature: float = 1.0
    """Of the drawing."""

    title: ClassVar[str] = "Per-step preferences (per-step DPO)"
    about: ClassVar[str] = "Makes right answers likelier, and the step at which a wrong one goes wrong unlikelier."
    source: ClassVar[str] = "Setlur 2024, section 6"
    needs: ClassVar[frozenset[str]] = frozenset({"positives", "references"})
    form: ClassVar[str] = "pairs"
    reads_wrong: ClassVar[bool] = False
    rejects_whole: ClassVar[bool] = False
    starts_from_policy: ClassVar[bool] = True
    goes_on: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(self.beta > 0, "beta", self.beta, "above 0")
        for name in ("n_samples", "n_negatives", "n_rollouts", "best_of", "most_steps"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        require(0 <= self.min_drop <= 1, "min_drop", self.min_drop, "between 0 and 1")
        require(self.temperature > 0, "temperature", self.temperature, "above 0")

    def prepare(self, rows: Sequence[TrainingRow], asking: Asking | None) -> Material:
        """Return pairs of a given answer and the beginning of a wrong own one."""
        problems = group_by_problem(rows)
        unused = [Unused(asked.row, fault) for asked in problems if (fault := _find_fault(asked))]
        fit = [asked for asked in problems if not _find_fault(asked)]
        draw_for(fit, asking, self.n_samples, self.temperature, {"wrong"})
        wanted = [(asked, draw) for asked in fit for draw in self._choose(asked)]
        steps = [split_steps(draw.answer.text, self.most_steps) for _, draw in wanted]
        beginnings = [make_beginnings(each) for each in steps]
        asked_rows = [asked.row for asked, _ in wanted]
        counts = asking.finish(asked_rows, beginnings, self.n_rollouts, self.temperature) if wanted else []
        made: dict[str, list[TrainingRow]] = {asked.row.question: [] for asked in fit}
        for (asked, draw), each, n_right in zip(wanted, steps, counts, strict=True):
            pit = self._find_pit(asked.row, draw.answer, each, n_right, asking)
            if pit is None:
                draw.reason = self._say_no_pit("No step of it")
                continue
            pairs = made[asked.row.question]
            right, rejected = asked.given[len(pairs) % len(asked.given)], "".join(each[:pit])
            pairs.append(replace(asked.row, answer=right, rejected=rejected, label=1, origin="own"))
        note_draws(fit, asking)
        for asked in fit:
            preferred = {row.answer for row in made[asked.row.question]}
            if not preferred:
                unused.append(Unused(asked.row, self._say_why_none(asked, wanted)))
                continue
            idle = (row for row in asked.rows if row.label > 0 and row.answer not in preferred)
            unused += [Unused(row, NO_WRONG_LEFT) for row in idle]
        if not any(made.values()):
            raise TrainingError(
                f"No problem of {len(problems):,} makes a pair, so there is nothing to train on; most often: "
                f"{find_commonest(unused)}"
            )
        return Material([row for pairs in made.values() for row in pairs], unused)

    def _choose(self, asked: Asked) -> list[Draw]:
        """Return the wrong answers to be looked at step by step; the others get the reason."""
        wrong = asked.list_fit(is_correct=False)
        for draw in wrong[self.n_negatives :]:
            draw.reason = say_most(self.n_negatives, "wrong", "looked at")
        return wrong[: self.n_negatives]

    def _find_pit(
        self, row: TrainingRow, answer: OwnAnswer, steps: Sequence[str], n_right: Sequence[int], asking: Asking
    ) -> int | None:
        """Return the first pit of a wrong answer, from 1, None where it has none; its steps are recorded."""
        values = [best_of(right, self.n_rollouts, self.best_of) for right in n_right] + [0.0]  # the whole is wrong
        pit = find_first_pit(values, self.min_drop)
        texts = [row.question, *(step.strip() for step in steps)]
        asking.note_steps(
            row,
            answer.sample,
            [
                {
                    "step": step,
                    "text": text,
                    "value": value,
                    "n_rollouts": self.n_rollouts if step < len(steps) else 0,
                    "n_right": right,
                    "is_pit": step == pit,
                }
                for step, (text, value, right) in enumerate(zip(texts, values, [*n_right, 0], strict=True))
            ],
        )
        return pit

    def _say_why_none(self, asked: Asked, wanted: Sequence[tuple[Asked, Draw]]) -> str:
        if not any(each is asked for each, _ in wanted):
            return NO_ROOM if asked.has_no_room else say_none(self.n_samples, "wrong")
        return self._say_no_pit("No step of its wrong answers")

    def _say_no_pit(self, what: str) -> str:
        return f"{what} lowers the value{f' by {self.min_drop:g}' if self.min_drop else ''}."

    def estimate(self, rows: Sequence[TrainingRow]) -> Mapping[str, int]:
        """Return how many answers are drawn, and the most rollouts: as if all were wrong, of ``most_steps`` steps."""
        n_fit = sum(_find_fault(asked) is None for asked in group_by_problem(rows))
        n_beginnings = min(self.n_negatives, self.n_samples) * self.most_steps
        return {"n_answers": n_fit * self.n_samples, "n_rollouts": n_fit * n_beginnings * self.n_rollouts}

    def open_trainer(self) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        """Return the trainer of pairs."""
        from core.training.trainers import PreferenceTrainer

        return PreferenceTrainer, {"beta": self.beta}


def _find_fault(asked: Asked) -> str | None:
    """Return why no answers to a problem are drawn; None where they can be judged and something preferred to them."""
    if asked.row.final is None:
        return NO_REFERENCE
    return None if asked.given else NO_RIGHT


OBJECTIVES.register("per_step_dpo")(PerStepPreference())
