"""Selection by the loss of the student's own greedy answer: the paper's simplest and best score.

Kessler 2025, section 4.1: the mean negative log-likelihood per token of what the student itself answered, ranked
from the highest (uncertain) or, as a control, from the lowest.
"""

from dataclasses import dataclass

import numpy as np

from core.selection.base import SELECTORS, Pool, Selection, check_request
from core.selection.order import say_rank, take_best


@dataclass(frozen=True, slots=True)
class LossSelector:
    """Ranks problems by the loss of the student's own answer; those without a loss only fill up, at random."""

    title: str
    is_high: bool
    """True prefers a high loss, False a low one."""

    needs: frozenset[str] = frozenset({"loss"})

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator) -> Selection:
        """Choose the k free rows with the highest (lowest) loss.

        A row without loss (the prompt did not fit, or the student was not asked) is never chosen before one that
        has a loss; where fewer than k have one, the rest is drawn at random and counted in ``n_topped_up``. Its
        priority is NaN.
        """
        check_request(pool, k, self.needs)
        loss = np.asarray(pool.signals["loss"], dtype=np.float64)
        priority = np.where(pool.is_free, loss if self.is_high else -loss, np.nan)
        indices, n_topped_up = take_best(pool, priority, k, rng)
        n_known = int((~np.isnan(priority)).sum())
        reasons = []
        for rank, row in enumerate(indices, start=1):
            if np.isnan(priority[row]):
                reasons.append(f"no loss known; drawn at random because only {n_known:,} problems have one")
            else:
                place = say_rank(rank, n_known)
                reasons.append(f"loss {loss[row]:.2f}, {place if self.is_high else place.replace('highest', 'lowest')}")
        return Selection(indices, priority, None, reasons, n_topped_up)


SELECTORS.register("loss_high")(LossSelector("High loss: the student is least sure of its own answer", is_high=True))
SELECTORS.register("loss_low")(LossSelector("Low loss: the student is surest of its own answer", is_high=False))
