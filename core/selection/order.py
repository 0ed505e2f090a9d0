"""What selectors share: rows by rank, rows by parts, filling up at random where there are too few; words for reasons.

It knows nothing of what priorities and parts mean.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core.selection.base import Pool
from core.selection.picks import Pick


def take_ranked(pool: Pool, priority: np.ndarray, k: int, lots: np.ndarray, pick: Pick) -> tuple[np.ndarray, int]:
    """Return up to k rows as the pick takes them, then free rows without a priority at random.

    Args:
        pool: n problems.
        priority: (n,) float64, NaN where a row has none; such rows come only after all others.
        k: rows wanted, at most the number of free ones.
        lots: (n,) from ``tie_breakers``.
        pick: which of the rows with a priority, in which order.

    Returns:
        (k,) int64 rows in the order of choice, and how many of them were filled up at random.
    """
    is_known = pool.is_free & ~np.isnan(priority)
    known = np.flatnonzero(is_known)
    ranked = known[pick(priority[known], lots[known], k)]
    drawn = fill_up(np.flatnonzero(pool.is_free & ~is_known), lots, k - len(ranked))
    return np.concatenate([ranked, drawn]).astype(np.int64), len(drawn)


def take_parts(
    pool: Pool, group: np.ndarray, quotas: Mapping[str, int], rest: Sequence[str], lots: np.ndarray
) -> tuple[np.ndarray, int]:
    """Return rows drawn at random from each part, and whatever is short from the other parts.

    Args:
        pool: n problems.
        group: (n,) str, the part of each row.
        quotas: part -> rows wanted of it.
        rest: parts that fill up what is short, the earlier ones first; ``quotas`` too where they have rows left.
        lots: (n,) from ``tie_breakers``.

    Returns:
        (k,) int64 rows in the order of choice, the parts by turns, k the sum of the quotas; and how many of them
        were filled up.
    """
    taken = [
        fill_up(np.flatnonzero(pool.is_free & (group == part)), lots, quota) for part, quota in quotas.items() if quota
    ]
    turns = np.concatenate([np.arange(len(rows)) / len(rows) for rows in taken if len(rows)] or [np.empty(0)])
    rows = np.concatenate([np.empty(0, np.int64), *taken])[np.argsort(turns, kind="stable")]
    n_missing, filled = sum(quotas.values()) - len(rows), []
    free = pool.without(rows).is_free if len(rows) else pool.is_free
    for part in rest:
        more = fill_up(np.flatnonzero(free & (group == part)), lots, n_missing)
        filled.append(more)
        n_missing -= len(more)
    topped_up = np.concatenate([np.empty(0, np.int64), *filled])
    return np.concatenate([rows, topped_up]).astype(np.int64), len(topped_up)


def fill_up(rows: np.ndarray, lots: np.ndarray, n: int) -> np.ndarray:
    """Return n of the rows (all of them where there are fewer), each alike likely, in random order."""
    return rows[np.argsort(lots[rows])][: max(n, 0)]


def say_rank(rank: int, n: int, word: str = "highest") -> str:
    """Return "the highest of 1,200" or "12th highest of 1,200" for ranks that count from 1."""
    return f"the {word} of {n:,}" if rank == 1 else f"{make_ordinal(rank)} {word} of {n:,}"


def say_value(value: float) -> str:
    """Return a value with three significant digits, for a reason: ``0.120``, ``-9.00``, ``12,300``."""
    rounded = float(f"{value:.3g}")
    if rounded and not 1e-4 <= abs(rounded) < 1e6:
        return f"{rounded:.2e}"
    return f"{rounded:,.0f}" if abs(rounded) >= 1000 else f"{rounded:#.3g}".rstrip(".")


def make_ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th, 21st, ..., with thousands separated."""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{suffix}"
