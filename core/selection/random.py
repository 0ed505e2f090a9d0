"""Random selection: the baseline that every other selector must beat (Kessler 2025, section 4.1)."""

from dataclasses import dataclass

import numpy as np

from core.selection.base import SELECTORS, Pool, Selection, check_request, tie_breakers


@dataclass(frozen=True, slots=True)
class RandomSelector:
    """Draws k free problems, each alike likely."""

    title: str = "Random: every problem is alike likely"
    needs: frozenset[str] = frozenset()

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator) -> Selection:
        """Choose k free rows by lot; the lot is the priority."""
        check_request(pool, k, self.needs)
        priority = np.where(pool.is_free, tie_breakers(pool, rng), np.nan)
        indices = np.argsort(-priority, kind="stable")[:k]  # NaN sorts last
        reason = f"drawn at random from {int(pool.is_free.sum()):,} problems"
        return Selection(indices.astype(np.int64), priority, None, [reason] * k)


SELECTORS.register("random")(RandomSelector())
