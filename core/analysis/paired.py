"""What a change is worth when the same problems were asked before and after: bootstrap interval and McNemar's test.

Sources: Efron 1979 for the bootstrap, whose percentiles are taken; McNemar 1947 in its exact form, a sign test of the
problems that changed. Newcombe's interval of the same difference is in ``accuracy.py``: it holds at 0 % and at 100 %,
where all resamples are alike and a bootstrap sees no uncertainty. This file knows nothing of tables.
"""

import math

import numpy as np

N_RESAMPLES = 10_000
"""Enough for the third digit of a percentile."""

BLOCK = 4_000_000
"""Numbers that are drawn at a time."""


def mcnemar(n_gained: int, n_lost: int) -> float:
    """Return the two-sided exact p-value that as many gains and losses come of a fair coin; 1.0 where nothing changed.

    Args:
        n_gained: problems wrong before and right after.
        n_lost: problems right before and wrong after.
    """
    n = n_gained + n_lost
    tail = sum(math.comb(n, k) for k in range(min(n_gained, n_lost) + 1))
    return min(1.0, 2 * tail / 2**n)


def resample_means(values: np.ndarray, rng: np.random.Generator, n_resamples: int = N_RESAMPLES) -> np.ndarray:
    """Return the means of resamples; (n_resamples,) float64.

    A resample matters only by how often it has each distinct value, so these counts are drawn, not the rows: the same
    distribution, far fewer numbers, and a result that does not depend on the order of the rows.

    Args:
        values: (n,) at least one.
        rng: draws them.
        n_resamples: drawn.
    """
    n = len(values)
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    means = np.empty(n_resamples)
    block = max(1, BLOCK // len(distinct))
    for start in range(0, n_resamples, block):
        part = means[start : start + block]
        part[:] = rng.multinomial(n, counts / n, size=len(part)) @ distinct / n
    return means


def bootstrap_mean(
    values: np.ndarray, seed: int = 0, n_resamples: int = N_RESAMPLES, level: float = 0.95
) -> tuple[float, float, float] | None:
    """Return a mean with its percentile bootstrap interval; None where there are no values.

    Args:
        values: (n,) one number per problem: a difference of shares, or a share.
        seed: the same gives the same interval.
        n_resamples: drawn.
        level: of the interval, in (0, 1).
    """
    if len(values) == 0:
        return None
    means = resample_means(values, np.random.default_rng(seed), n_resamples)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    return float(counts @ distinct / len(values)), float(low), float(high)
