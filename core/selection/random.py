"""Random selection: the baseline that every other selector must beat (Kessler 2025, section 4.1)."""

from dataclasses import dataclass

import numpy as np

from core.selection.base import SELECTORS, Pool, Selection, check_request, tie_breakers
from core.selection.picks import pick_best


@dataclass(frozen=True, slots=True)
class RandomSelector:
    """Draws k free problems, each alike likely."""

    title: str = "Random: every problem is alike likely"
    needs: frozenset[str] = frozenset()

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator) -> Selection:
        """Choose k free rows by lot; the lot is the priority."""
        check_request(pool, k, self.needs)
        lots = tie_breakers(pool, rng)
        free = np.flatnonzero(pool.is_free)
        indices = free[pick_best(lots[free], lots[free], k)]
        reason = f"drawn at random from {len(free):,} problems"
        return Selection(indices, np.where(pool.is_free, lots, np.nan), None, [reason] * k)


SELECTORS.register("random")(RandomSelector())
