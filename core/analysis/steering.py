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

from core.analysis.accuracy import Z_95, spearman_interval
from core.analysis.choices import range_of_count

FEWEST = 4
"""Pairs below which no interval and no p-value is told."""

LEVEL = 0.95
TOLERANCE = 1e-12
"""Below this a spread is rounding."""

HARD_IF_HIGH = ("loss", "loss_truth", "judge")
"""Signals whose high values say that a problem is hard; of the others the low ones do."""

N_POINTS = 101
"""Places along a share of the data: every per cent."""


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


def pool_correlations(found: Sequence[Correlation]) -> Correlation:
    """Return one rank correlation of several samples: the mean of Fisher's z, weighed by how sure each is.

    The weights are those of ``spearman_interval``, the method is the fixed effect of Hedges & Olkin (1985, ch. 11):
    what differs between the samples beyond chance is not in its interval. There is no line of best fit.
    """
    n = sum(each.n for each in found)
    told = [each for each in found if each.low is not None and abs(each.rho) < 1]
    if not told:
        return Correlation(n, None, None, None, None, None, None)
    weights = np.array([(each.n - 3) / (1 + each.rho**2 / 2) for each in told])
    centre = float(np.average([math.atanh(each.rho) for each in told], weights=weights))
    spread = Z_95 / math.sqrt(weights.sum())
    ends = math.tanh(centre - spread), math.tanh(centre + spread)
    p_value = math.erfc(abs(centre) * math.sqrt(sum(each.n - 3 for each in told) / 2))
    return Correlation(n, math.tanh(centre), *ends, p_value, None, None)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far rankings agree within data sets, on average over replicates."""

    n_told: int
    """Data sets in which a correlation can be told."""

    n_untold: int
    """Those in which none can: too few have both values, or one side is all alike."""

    n_pairs: int
    """What was ranked in the data sets that tell."""

    n_replicates: int
    """Replicates that have such a data set: they are what is independent of one another, rounds are not."""

    rho: float | None
    """Mean over replicates of the mean over their data sets; None where none tells."""

    low: float | None
    """End of its 95 % interval (Student's t over replicates); None with one replicate, or where all agree alike."""

    high: float | None
    p_value: float | None
    """Two-sided t test of no agreement; None likewise."""


def correlate_within(pairs: pd.DataFrame) -> dict[str, Agreement]:
    """Return method -> how far the children of one round of one replicate rank as their seeds do.

    Over several rounds, or arms, at once a correlation would be that of the students: each finds both seeds and
    children easier than the one before.

    Args:
        pairs: of one signal, a row per child: method, replicate, round, ``before`` (its seed's score) and ``after``
            (its own); NaN where unknown.
    """
    sets = pairs.groupby(["method", "replicate", "round"], as_index=False).size()
    found = sets.merge(_correlate_each(pairs, ["method", "replicate", "round"]), how="left")
    return {str(method): _average(own) for method, own in found.groupby("method", sort=True)}


def correlate_between(pairs: pd.DataFrame) -> Agreement:
    """Return how far the arms rank alike by the scores of their seeds and by those of their children.

    Each arm's data of a round is one thing to rank; only arms of the same student, replicate and round are ranked with
    one another. In the first round they have one student; later each has its own, and a better one finds seeds and
    children easier alike.

    Args:
        pairs: as of ``correlate_within``; with ``student`` where arms may begin with different ones.
    """
    about = [name for name in ("student",) if name in pairs]
    middles = take_middles(pairs, [*about, "replicate", "round", "method"])
    sets = pairs.groupby([*about, "replicate", "round"], as_index=False).size()
    return _average(sets.merge(_correlate_each(middles, [*about, "replicate", "round"]), how="left"))


def _correlate_each(pairs: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return ``by``, ``n`` and ``rho`` (NaN where one side is all alike) of each data set, all of them in one pass.

    Spearman's correlation is Pearson's of the ranks; thousands of rounds one by one take seconds.
    """
    known = pairs.dropna(subset=["before", "after"])
    keys = known.groupby(by, sort=False).ngroup()
    ranks = known[["before", "after"]].groupby(keys).rank()
    off = ranks - ranks.groupby(keys).transform("mean")
    products = pd.DataFrame({"xy": off["before"] * off["after"], "xx": off["before"] ** 2, "yy": off["after"] ** 2})
    sums = products.groupby(keys).sum()
    spread = np.sqrt(sums["xx"] * sums["yy"])
    rho = (sums["xy"] / spread.where(spread > 0)).clip(-1, 1)
    return known.groupby(by, sort=False).size().rename("n").reset_index().assign(rho=rho.to_numpy())


def _average(found: pd.DataFrame) -> Agreement:
    """Return the mean over replicates of what each data set tells: a row each with ``replicate``, ``n`` and ``rho``."""
    from scipy import stats

    told = found[(found["n"] >= FEWEST) & found["rho"].notna()]
    means = told.groupby("replicate")["rho"].mean()
    counts = (len(told), len(found) - len(told), int(told["n"].sum()), len(means))
    if told.empty:
        return Agreement(*counts, None, None, None, None)
    rho, se = float(means.mean()), float(means.sem()) if len(means) > 1 else 0.0
    if se < TOLERANCE:
        return Agreement(*counts, rho, None, None, None)
    reach = float(stats.t.ppf(0.5 + LEVEL / 2, len(means) - 1)) * se
    p_value = float(2 * stats.t.sf(abs(rho) / se, len(means) - 1))
    return Agreement(*counts, rho, max(rho - reach, -1.0), min(rho + reach, 1.0), p_value)


def take_middles(pairs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return one row per data set: the medians of its scores, or the means of scores that are 0 or 1.

    Args:
        pairs: of one signal, a row per child with ``before`` and ``after``; NaN where unknown.
        by: columns that say which data set a child is of, as method, replicate and round.

    Returns:
        ``by``, before, after, and ``n`` pairs that have both; data sets without a pair are not there.
    """
    known = pairs.dropna(subset=["before", "after"])
    middle = "mean" if is_right_or_wrong(known) else "median"
    grouped = known.groupby(list(by), sort=True)
    return grouped.agg(before=("before", middle), after=("after", middle), n=("before", "size")).reset_index()


def is_right_or_wrong(pairs: pd.DataFrame) -> bool:
    """Say whether all scores before and after are 0 or 1, so that their median tells nothing and their mean a share."""
    values = pairs[["before", "after"]].to_numpy(dtype=float)
    return bool(np.isin(values[np.isfinite(values)], (0.0, 1.0)).all())


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


def order_right(pairs: pd.DataFrame, signal: str) -> dict[str, list[np.ndarray]]:
    """Return method -> its replicates' ``accumulate_right``, the children of the hardest seeds first.

    Args:
        pairs: of one round: method, replicate, candidate_id, signal, before, after; ``correct`` is among the signals.
        signal: by which seeds are hard; a child whose seed has none, or that was not judged, is left out.
    """
    keys = ["method", "replicate", "candidate_id"]
    scores = pairs[pairs["signal"] == signal][[*keys, "before"]]
    right = pairs[pairs["signal"] == "correct"][[*keys, "after"]]
    found: dict[str, list[np.ndarray]] = {}
    for (method, _), own in scores.merge(right, on=keys).groupby(["method", "replicate"], sort=True):
        curve = order_children(own["before"], own["after"], signal)
        if len(curve) > 1:
            found.setdefault(str(method), []).append(curve)
    return found


def order_children(scores: Sequence[float], right: Sequence[float], signal: str) -> np.ndarray:
    """Return ``accumulate_right`` of the children whose seed has a score and whose answer was judged.

    Args:
        scores: (n,) of the seeds; NaN where unknown.
        right: (n,) 1 where the child's answer is right, 0 where it is wrong; NaN where it was not judged.
        signal: what the scores are; those of the hardest seeds come first.
    """
    scores, right = np.asarray(scores, float), np.asarray(right, float)
    is_known = np.isfinite(scores) & np.isfinite(right)
    return accumulate_right(scores[is_known], right[is_known] > 0.5, is_high_first=signal in HARD_IF_HIGH)


def spread_curves(curves: Sequence[np.ndarray], n_points: int = N_POINTS) -> np.ndarray:
    """Return curves of ``accumulate_right`` at the same shares of the data, ends included; (curves, n_points)."""
    shares = np.linspace(0, 1, n_points)
    return np.array([np.interp(shares, np.linspace(0, 1, len(curve)), curve) for curve in curves])


def measure_gap(curves: Sequence[np.ndarray], n_points: int = N_POINTS) -> pd.DataFrame:
    """Return how far a random order is above the ordered one, over replicates (Kessler 2025, figure 7).

    Args:
        curves: of ``accumulate_right``, one per replicate; they may be of different lengths.
        n_points: places along the share of data, ends included.

    Returns:
        ``share`` of the data from 0 to 1; ``mean`` and ``se`` of random minus ordered in percentage points (se NaN with
        one replicate); above 0 the ordered data is harder.
    """
    shares, ordered = np.linspace(0, 1, n_points), spread_curves(curves, n_points)
    table = 100 * (ordered[:, -1:] * shares - ordered)
    se = table.std(axis=0, ddof=1) / math.sqrt(len(table)) if len(table) > 1 else np.full(n_points, np.nan)
    return pd.DataFrame({"share": shares, "mean": table.mean(axis=0), "se": se})


def range_of_random(curve: np.ndarray, n_points: int = N_POINTS) -> pd.DataFrame:
    """Return where 95 of 100 random orders of the same children lie, at each share of them by itself.

    Args:
        curve: of ``accumulate_right``.
        n_points: places along the share of data at most, ends included.

    Returns:
        ``share`` of the data from 0 to 1, ``low`` and ``high`` as shares of all children.
    """
    n = max(len(curve) - 1, 1)
    places = np.unique(np.linspace(0, n, n_points).round().astype(int))
    ends = np.array([range_of_count(n, round(n * float(curve[-1])), int(place)) for place in places]) / n
    return pd.DataFrame({"share": places / n, "low": ends[:, 0], "high": ends[:, 1]})
