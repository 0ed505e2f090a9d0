"""Picks: how k rows are taken by a score. Kessler 2025, section C.6, compares argmax with sampling.

A pick orders the rows that have a priority; it knows nothing of what the priorities mean. Rows without one are no
matter of a pick: whoever ranks fills up with them at random.
"""

from collections.abc import Callable

import numpy as np

from core.registry import Registry

Pick = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""(priority (n,) float64 without NaN, lots (n,) in [0, 1), k) -> (min(k, n),) int64 rows in the order of choice."""

PICKS: Registry[Pick] = Registry("pick")


@PICKS.register("argmax")
def pick_best(priority: np.ndarray, lots: np.ndarray, k: int) -> np.ndarray:
    """Take the k highest, in falling order; equal ones by lot."""
    k = min(k, len(priority))
    if k < 1:
        return np.empty(0, np.int64)
    if 4 * k < len(priority):  # sorting a million rows for a thousand would be most of the work
        bound = np.partition(priority, len(priority) - k)[len(priority) - k]
        above, level = np.flatnonzero(priority > bound), np.flatnonzero(priority == bound)
        n_level = k - len(above)
        if n_level < len(level):
            level = level[np.argpartition(lots[level], n_level)[:n_level]]
        rows = np.concatenate([above, level])
    else:
        rows = np.arange(len(priority))
    return rows[np.lexsort((lots[rows], -priority[rows]))][:k].astype(np.int64)


@PICKS.register("softmax")
def pick_by_softmax(priority: np.ndarray, lots: np.ndarray, k: int, temperature: float = 1.0) -> np.ndarray:
    """Draw k rows without replacement with p ∝ exp(priority / T), on raw scores (Kessler 2025, section C.6).

    By the Gumbel top-k trick: the k highest of ``priority / T`` plus Gumbel noise are such a draw (Kool 2019).
    """
    noise = -np.log(-np.log(np.clip(lots, 1e-300, 1 - 1e-16)))
    return pick_best(priority / temperature + noise, lots, k)
