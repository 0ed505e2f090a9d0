"""Per-step preferences: a right answer against the beginning of a wrong one, up to where it goes wrong (Setlur 2024).

The value of a beginning is how often the policy ends right from there, by Monte-Carlo rollouts. The *first pit* is the
first step after which that value is the lowest; the rejected answer ends there, with no end-of-text token, so that
what is made unlikelier is the step and not the stopping.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from core.errors import TrainingError
from core.training.config import require
from core.training.data import TrainingRow
from core.training.objectives.base import OBJECTIVES, Asking, Material, OwnAnswer, Unused
from core.training.objectives.drawing import Asked, draw_for, group_by_problem, leave_out_unjudged

STEPS_EXPECTED = 4
"""Lines of a worked answer where none is given to count them by."""


def split_steps(answer: str) -> list[str]:
    """Return the lines of an answer that say something: its steps."""
    return [line.rstrip() for line in answer.splitlines() if line.strip()]


def make_beginnings(answer: str) -> list[str]:
    """Return the beginnings of an answer after 0, 1, ... steps, without the whole of it; each ends a line."""
    steps = split_steps(answer)
    return ["".join(f"{step}\n" for step in steps[:n]) for n in range(len(steps))]


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

    min_drop: float = 0.0
    """Fall from the question's value to the pit's below which a pair is left out."""

    temperature: float = 1.0
    """Of the drawing."""

    title: ClassVar[str] = "Per-step preferences (per-step DPO)"
    about: ClassVar[str] = "Makes right answers likelier, and the step at which a wrong one goes wrong unlikelier."
    source: ClassVar[str] = "Setlur 2024, section 6"
    needs: ClassVar[frozenset[str]] = frozenset({"positives", "references"})
    form: ClassVar[str] = "pairs"
    rejects_whole: ClassVar[bool] = False
    starts_from_policy: ClassVar[bool] = True
    goes_on: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(self.beta > 0, "beta", self.beta, "above 0")
        for name in ("n_samples", "n_negatives", "n_rollouts", "best_of"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        require(0 <= self.min_drop <= 1, "min_drop", self.min_drop, "between 0 and 1")
        require(self.temperature > 0, "temperature", self.temperature, "above 0")

    def prepare(self, rows: Sequence[TrainingRow], asking: Asking | None) -> Material:
        """Return pairs of a given answer and the beginning of a wrong own one."""
        problems = group_by_problem(rows)
        unused = leave_out_unjudged(problems)
        judged = [asked for asked in problems if asked.row.final is not None]
        draw_for(judged, asking, self.n_samples, self.temperature, {"wrong"})
        wanted = [
            (asked, answer) for asked in judged if asked.given for answer in asked.wrong_draws[: self.n_negatives]
        ]
        beginnings = [make_beginnings(answer.text) for _, answer in wanted]
        counts = asking.finish([asked.row for asked, _ in wanted], beginnings, self.n_rollouts, self.temperature)
        made: dict[str, list[TrainingRow]] = {asked.row.question: [] for asked in judged}
        for (asked, answer), n_right in zip(wanted, counts, strict=True):
            rejected = self._cut_at_pit(asked, answer, n_right, asking)
            if rejected is not None:
                right = asked.given[len(made[asked.row.question]) % len(asked.given)]
                row = replace(asked.row, answer=right, rejected=rejected, label=1, origin="own")
                made[asked.row.question].append(row)
        unused += [Unused(asked.row, self._say_why_none(asked)) for asked in judged if not made[asked.row.question]]
        if not any(made.values()):
            raise TrainingError(
                f"None of {len(problems):,} problems makes a pair, so there is nothing to train on; most often: "
                f"{unused[0].reason}"
            )
        return Material([row for pairs in made.values() for row in pairs], unused)

    def _cut_at_pit(self, asked: Asked, answer: OwnAnswer, n_right: Sequence[int], asking: Asking) -> str | None:
        """Return a wrong answer up to its first pit, None where it has none; its steps are recorded."""
        steps = split_steps(answer.text)
        values = [best_of(right, self.n_rollouts, self.best_of) for right in n_right] + [0.0]  # the whole is wrong
        pit = find_first_pit(values, self.min_drop)
        texts = [asked.row.question, *steps]
        asking.note_steps(
            asked.row,
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
        return None if pit is None else "\n".join(steps[:pit])

    def _say_why_none(self, asked: Asked) -> str:
        if not asked.given:
            return "It has no right answer to prefer."
        if not asked.wrong_draws:
            return f"None of {self.n_samples} own answers was wrong (and whole)."
        by = f" by {self.min_drop:g}" if self.min_drop else ""
        return f"No step of its wrong answers lowers the value{by}."

    def estimate(self, rows: Sequence[TrainingRow]) -> Mapping[str, int]:
        """Return how many answers are drawn, and the most rollouts: as if every answer were wrong."""
        n_answers = n_rollouts = 0
        for asked in group_by_problem(rows):
            if asked.row.final is None:
                continue
            n_answers += self.n_samples
            n_steps = max([len(split_steps(text)) for text in asked.given], default=STEPS_EXPECTED)
            n_rollouts += min(self.n_negatives, self.n_samples) * n_steps * self.n_rollouts
        return {"n_answers": n_answers, "n_rollouts": n_rollouts}

    def open_trainer(self) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        """Return the trainer of pairs."""
        from core.training.trainers import PreferenceTrainer

        return PreferenceTrainer, {"beta": self.beta}


OBJECTIVES.register("per_step_dpo")(PerStepPreference())
