"""Selection by how often the student solves a problem when it answers with a temperature (SPARQ, section 3).

A problem is worth most that is solved seldom but not never: quality is 1 - solve rate inside [0.1, 0.9], else 0.
"""

from dataclasses import dataclass

import numpy as np

from core.selection.base import SELECTORS, Pool, Selection, check_request, tie_breakers
from core.selection.order import take_ranked
from core.selection.picks import Pick, pick_best

LOWEST, HIGHEST = 0.1, 0.9
"""Solve rates between which a problem teaches something; both ends belong to it."""


def find_quality(solve_rate: np.ndarray) -> np.ndarray:
    """Return 1 - solve rate where that lies in [0.1, 0.9], else 0; NaN where the rate is unknown. (n,) float64."""
    rate = np.asarray(solve_rate, dtype=np.float64)
    inside = (rate >= LOWEST) & (rate <= HIGHEST)
    return np.where(np.isnan(rate), np.nan, np.where(inside, 1.0 - rate, 0.0))


@dataclass(frozen=True, slots=True)
class SolveRateSelector:
    """Ranks problems by quality; those that are always or never solved only fill up."""

    title: str = "Solve rate: problems that the student solves seldom, but not never"
    needs: frozenset[str] = frozenset({"solve_rate"})

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator, pick: Pick = pick_best) -> Selection:
        """Choose k free rows by quality, equal ones by lot; where these run short, rows of quality 0 are drawn."""
        check_request(pool, k, self.needs)
        rate = np.asarray(pool.signals["solve_rate"], dtype=np.float64)
        quality = find_quality(rate)
        priority = np.where(pool.is_free & (quality > 0), quality, np.nan)
        lots = tie_breakers(pool, rng)
        indices, n_topped_up = take_ranked(pool, priority, k, lots + np.isnan(rate), pick)  # unknown ones come last
        n_useful = int((priority > 0).sum())
        reasons = [_say(rate[row], priority[row], n_useful) for row in indices]
        return Selection(indices, priority, None, reasons, n_topped_up)


def _say(rate: float, quality: float, n_useful: int) -> str:
    if quality > 0:
        return (
            f"solved in {100 * rate:.3g}% of the attempts, one of {n_useful:,} between {LOWEST:.0%} and {HIGHEST:.0%}"
        )
    what = "solve rate unknown" if np.isnan(rate) else f"solved in {100 * rate:.3g}% of the attempts"
    return f"{what}; drawn at random because only {n_useful:,} lie between {LOWEST:.0%} and {HIGHEST:.0%}"


SELECTORS.register("solve_rate")(SolveRateSelector())
