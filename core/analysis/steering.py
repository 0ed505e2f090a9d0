"""Whether what is asked for is what comes: ranks of scores before and after generation, right answers in order.

Sources: Kessler 2025, figures 6 and 10 (Spearman's correlation, for pairs and for the medians of data sets, with the
line of best fit), figures 7 and 11 (cumulative accuracy). The interval of a correlation is that of Bonett & Wright
2000, which holds for ranks. This file knows nothing of runs or students.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.accuracy import spearman_interval

FEWEST = 4
"""Pairs below which no interval and no p-value is told."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """How far two rankings agree."""

    n: int
    """Pairs that have both values."""

    rho: float | None
    """Spearman's, from -1 to 1, ties by their mean rank; None where one side is all alike, or fewer than two pairs."""

    low: float | None
    """End of the 95 % interval; None below FEWEST pairs."""

    high: float | None
    p_value: float | None
    """Two-sided, that as large a correlation comes of none; None below FEWEST pairs."""

    slope: float | None
    """Of the line of best fit (least squares) of the values themselves, after over before."""

    intercept: float | None


def correlate_ranks(before: Sequence[float], after: Sequence[float]) -> Correlation:
    """Return the rank correlation of two values of the same things, and the line of best fit.

    Args:
        before: (n,) one value each; NaN where it is unknown.
        after: (n,) in the same order.
    """
    from scipy.stats import spearmanr

    pairs = np.column_stack([np.asarray(before, float), np.asarray(after, float)])
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    n = len(pairs)
    if n < 2 or (np.ptp(pairs, axis=0) == 0).any():
        return Correlation(n, None, None, None, None, None, None)
    slope, intercept = np.polyfit(pairs[:, 0], pairs[:, 1], 1)
    found = spearmanr(pairs[:, 0], pairs[:, 1])
    rho = float(np.clip(found.statistic, -1, 1))
    if n < FEWEST:
        return Correlation(n, rho, None, None, None, float(slope), float(intercept))
    low, high = spearman_interval(rho, n)
    return Correlation(n, rho, low, high, float(found.pvalue), float(slope), float(intercept))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far rankings agree within data sets, on average over these."""

    n_sets: int
    """Data sets in which a correlation can be told."""

    n_pairs: int
    rho: float | None
    """Mean of their correlations, each data set counting alike; None where there is none."""

    se: float | None
    """Standard error of that mean over data sets; None with one."""


def correlate_within(pairs: pd.DataFrame, by: Sequence[str]) -> Agreement:
    """Correlate scores before and after generation in each data set by itself.

    Over several rounds at once a correlation would be that of the rounds: each has another student, which finds both
    seeds and children easier than the one before.

    Args:
        pairs: a row per candidate with ``before`` and ``after``; NaN where unknown.
        by: columns that say which data set a candidate is of, as method, replicate and round.
    """
    found = _correlate_each(pairs, list(by))
    found = found[(found["n"] >= FEWEST) & found["rho"].notna()]
    if found.empty:
        return Agreement(0, 0, None, None)
    rhos = found["rho"]
    se = float(rhos.std(ddof=1) / math.sqrt(len(rhos))) if len(rhos) > 1 else None
    return Agreement(len(rhos), int(found["n"].sum()), float(rhos.mean()), se)


def _correlate_each(pairs: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return ``n`` and ``rho`` (NaN where one side is all alike) of each data set, all of them in one pass.

    Spearman's correlation is Pearson's of the ranks; thousands of rounds one by one take seconds.
    """
    known = pairs.dropna(subset=["before", "after"])
    keys = known.groupby(by, sort=False).ngroup()
    ranks = known[["before", "after"]].groupby(keys).rank()
    off = ranks - ranks.groupby(keys).transform("mean")
    products = pd.DataFrame({"xy": off["before"] * off["after"], "xx": off["before"] ** 2, "yy": off["after"] ** 2})
    sums = products.groupby(keys).sum()
    spread = np.sqrt(sums["xx"] * sums["yy"])
    return pd.DataFrame({"n": keys.value_counts(), "rho": (sums["xy"] / spread.where(spread > 0)).clip(-1, 1)})


def take_medians(pairs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return one row per data set: the medians of its scores before and after generation.

    Args:
        pairs: a row per candidate with ``before`` (its seed's score) and ``after`` (its own); NaN where unknown.
        by: columns that say which data set a candidate is of, as run and round.

    Returns:
        ``by``, before, after, and ``n`` pairs that have both; data sets without a pair are not there.
    """
    known = pairs.dropna(subset=["before", "after"])
    grouped = known.groupby(list(by), sort=True)
    return grouped.agg(before=("before", "median"), after=("after", "median"), n=("before", "size")).reset_index()


def accumulate_right(scores: Sequence[float], correct: Sequence[bool], *, is_high_first: bool) -> np.ndarray:
    """Return how many right answers the first i of n have, in the order of their scores, as a share of n.

    Things of the same score share their right answers evenly: no order among them is better than another. A random
    order has the straight line from 0 to the accuracy, which is also where every order ends.

    Args:
        scores: (n,) of the seeds; NaN where unknown: those come last.
        correct: (n,) whether the child's answer is right.
        is_high_first: whether the highest score comes first.

    Returns:
        (n + 1,) from 0 to the accuracy.
    """
    scores, correct = np.asarray(scores, float), np.asarray(correct, float)
    key = np.where(np.isnan(scores), np.inf, -scores if is_high_first else scores)
    _, group, sizes = np.unique(key, return_inverse=True, return_counts=True)
    means = np.bincount(group, weights=correct, minlength=len(sizes)) / np.maximum(sizes, 1)
    return np.concatenate([[0.0], np.cumsum(np.repeat(means, sizes))]) / max(len(correct), 1)


def measure_gap(curves: Sequence[np.ndarray], n_points: int = 101) -> pd.DataFrame:
    """Return how far a random order is above the ordered one, over replicates (Kessler 2025, figure 7).

    Args:
        curves: of ``accumulate_right``, one per replicate; they may be of different lengths.
        n_points: places along the share of data, ends included.

    Returns:
        ``share`` of the data from 0 to 1; ``mean`` and ``se`` of random minus ordered in percentage points (se NaN with
        one replicate); above 0 the ordered data is harder.
    """
    shares = np.linspace(0, 1, n_points)
    gaps = []
    for curve in curves:
        ordered = np.interp(shares, np.linspace(0, 1, len(curve)), curve)
        gaps.append(100 * (curve[-1] * shares - ordered))
    table = np.array(gaps)
    se = table.std(axis=0, ddof=1) / math.sqrt(len(table)) if len(table) > 1 else np.full(n_points, np.nan)
    return pd.DataFrame({"share": shares, "mean": table.mean(axis=0), "se": se})


def measure_gaps(pairs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return method -> how much harder one round's data is when ordered by the seeds' loss, over replicates.

    Args:
        pairs: of one round: method, replicate, candidate_id, signal (``loss`` and ``correct``), before, after.
    """
    keys = ["method", "replicate", "candidate_id"]
    losses = pairs[pairs["signal"] == "loss"][[*keys, "before"]]
    right = pairs[pairs["signal"] == "correct"][[*keys, "after"]]
    joined = losses.merge(right, on=keys).dropna()
    found = {}
    for method, rows in joined.groupby("method"):
        curves = [
            accumulate_right(own["before"], own["after"] > 0.5, is_high_first=True)
            for _, own in rows.groupby("replicate")
        ]
        found[str(method)] = measure_gap(curves)
    return found
