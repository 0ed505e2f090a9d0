"""What selectors that rank share: the best k by priority, ties by lot, and filling up at random.

It knows nothing of what the priorities mean.
"""

import numpy as np

from core.selection.base import Pool, tie_breakers


def take_best(pool: Pool, priority: np.ndarray, k: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return up to k rows by falling priority, then free rows without one at random.

    Args:
        pool: n problems.
        priority: (n,) float64, NaN where a row has none; such rows come only after all others.
        k: rows wanted, at most the number of free ones.
        rng: breaks ties and draws what is filled up.

    Returns:
        (k,) int64 rows in the order of choice, and how many of them were filled up at random.
    """
    lots = tie_breakers(pool, rng)
    known = np.flatnonzero(pool.is_free & ~np.isnan(priority))
    unknown = np.flatnonzero(pool.is_free & np.isnan(priority))
    ranked = known[np.lexsort((lots[known], -priority[known]))][:k]
    drawn = unknown[np.argsort(lots[unknown])][: k - len(ranked)]
    return np.concatenate([ranked, drawn]).astype(np.int64), len(drawn)


def say_rank(rank: int, n: int) -> str:
    """Return "the highest of 1,200" or "12th highest of 1,200" for ranks that count from 1."""
    return f"the highest of {n:,}" if rank == 1 else f"{make_ordinal(rank)} highest of {n:,}"


def make_ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th, 21st, ..., with thousands separated."""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{suffix}"
