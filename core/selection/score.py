"""Selection by one score of each problem: losses and rewards, highest or lowest first.

Kessler 2025, section 4.1: the loss of the student's own greedy answer is the paper's simplest and best score; section
5.3 adds the reward of that answer, section C.6 the opposite direction and the reference answer as controls.
"""

from dataclasses import dataclass, field

import numpy as np

from core.selection.base import SELECTORS, Pool, Selection, check_request, tie_breakers
from core.selection.order import say_rank, say_value, take_ranked
from core.selection.picks import Pick, pick_best


@dataclass(frozen=True, slots=True)
class ScoreSelector:
    """Ranks problems by one signal; those without a value only fill up, at random."""

    title: str
    signal: str
    """Name of the signal."""

    is_high: bool
    """True prefers a high value, False a low one."""

    word: str
    """What the value is called in a reason."""

    needs: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", frozenset({self.signal}))

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator, pick: Pick = pick_best) -> Selection:
        """Choose k free rows as the pick takes them by value.

        A row without a value (the prompt did not fit, or nobody was asked) is never chosen before one that has a
        value; where fewer than k have one, the rest is drawn at random and counted in ``n_topped_up``. Its priority
        is NaN.
        """
        check_request(pool, k, self.needs)
        value = np.asarray(pool.signals[self.signal], dtype=np.float64)
        priority = np.where(pool.is_free, value if self.is_high else -value, np.nan)
        indices, n_topped_up = take_ranked(pool, priority, k, tie_breakers(pool, rng), pick)
        return Selection(indices, priority, None, self._say(value, priority, indices, pick), n_topped_up)

    def _say(self, value: np.ndarray, priority: np.ndarray, indices: np.ndarray, pick: Pick) -> list[str]:
        n_known = int((~np.isnan(priority)).sum())
        end, reasons = "highest" if self.is_high else "lowest", []
        for rank, row in enumerate(indices, start=1):
            if np.isnan(priority[row]):
                reasons.append(f"no {self.word} known; drawn at random because only {n_known:,} problems have one")
            elif pick is pick_best:
                reasons.append(f"{self.word} {say_value(value[row])}, {say_rank(rank, n_known, end)}")
            else:
                reasons.append(f"{self.word} {say_value(value[row])}, drawn by softmax from {n_known:,}")
        return reasons


for _name, _selector in {
    "loss_high": ScoreSelector("High loss: the student is least sure of its own answer", "loss", True, "loss"),
    "loss_low": ScoreSelector("Low loss: the student is surest of its own answer", "loss", False, "loss"),
    "loss_truth_high": ScoreSelector(
        "High reference loss: the reference answer surprises the student", "loss_truth", True, "reference loss"
    ),
    "loss_truth_low": ScoreSelector(
        "Low reference loss: the student would have said the reference", "loss_truth", False, "reference loss"
    ),
    "reward_low": ScoreSelector(
        "Low reward: a reward model thinks little of the student's answer", "reward", False, "reward"
    ),
    "reward_high": ScoreSelector(
        "High reward: a reward model thinks much of the student's answer", "reward", True, "reward"
    ),
    "reward_truth_low": ScoreSelector(
        "Low reference reward: a reward model thinks little of the reference", "reward_truth", False, "reference reward"
    ),
    "reward_truth_high": ScoreSelector(
        "High reference reward: a reward model thinks much of the reference", "reward_truth", True, "reference reward"
    ),
}.items():
    SELECTORS.register(_name)(_selector)
