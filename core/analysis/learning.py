"""Learning curves over replicates, and how much data one method needs for an accuracy that another reaches too.

A curve is the mean of its replicates with the standard error of that mean (Kessler 2025, section 5.3 and figure 3).
Needs are compared at the highest accuracy that both mean curves reach, so that neither is extrapolated: "random needs
33 to 100 % more data" (section 5.4.2) is ``1 / share - 1`` of such a comparison, the factor by which
wrong answers stretch the data (Setlur 2024: eight) its ``multiplier``. This file knows nothing of runs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

POINTS = ("data_set", "method", "replicate", "round", "size", "accuracy")
"""Columns of the points of learning curves: round is 0 before any training, size is what was accepted so far
(candidates, or problems), accuracy from 0 to 1; one row for each replicate and round."""

BASELINES = ("random", "sft", "none")
"""Arms that the others are compared with: the first of these that there is."""

NEAR = 0.05
"""Sizes that differ by no more are taken for one budget: a round may end a few rows short."""

FEWEST_REPLICATES = 3
"""Replicates below which no interval of a data need is told: of two it reaches from nothing to thousands of times."""

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Need:
    """How much data two methods need for the same accuracy."""

    method: str
    baseline: str
    accuracy: float
    """The highest one that both mean curves reach, from 0 to 1."""

    method_size: float
    """Size at which the method's mean curve first reaches it, between two points by a straight line."""

    baseline_size: float
    n_replicates: tuple[int, int]
    """Of the method and of the baseline."""

    share: float | None
    """``method_size / baseline_size``: 0.6 says that the method needs 60 % of the baseline's data. None where the
    baseline needs none: one of the two curves never rises above its start, so that they share no other accuracy."""

    low: float | None
    """End of the 95 % interval of ``share``; None with one replicate of either, or where leaving one out leaves a
    curve that never rises."""

    high: float | None

    @property
    def multiplier(self) -> float | None:
        """How many times the data of the method the baseline needs; None where one of them needs none."""
        return self.baseline_size / self.method_size if self.method_size > 0 and self.baseline_size > 0 else None


def choose_baseline(methods: Sequence[str]) -> str:
    """Return the arm that others are compared with unless somebody says otherwise: of BASELINES, else the first.

    An arm of an experiment of several recipes has such a name among the words of its own: ``active, random``.

    Args:
        methods: names of arms in the order in which the experiment names them.
    """
    return next((name for base in BASELINES for name in methods if base in name.split(", ")), methods[0])


def add_budgets(points: pd.DataFrame) -> pd.DataFrame:
    """Return points with the column ``budget``: the size at which they can be held against those of other methods.

    Methods may take rounds of different size, so a round says nothing of how much data there was. Sizes that differ by
    at most NEAR are one budget, named by the most frequent of them; of two rounds of a method within one the later
    counts, and the other has the budget -1.

    Args:
        points: with data_set, method, round and size.
    """
    keys = ["data_set", "method", "round"]
    sizes = points.groupby(keys, as_index=False)["size"].mean()
    sizes["budget"] = sizes.groupby("data_set")["size"].transform(_name_budgets)
    is_passed = sizes.duplicated(["data_set", "method", "budget"], keep="last")
    sizes["budget"] = sizes["budget"].where(~is_passed, -1).astype("int64")
    return points.drop(columns="budget", errors="ignore").merge(sizes[[*keys, "budget"]], on=keys, how="left")


def _name_budgets(sizes: pd.Series) -> pd.Series:
    """Return the budget of each size."""
    names, first, group = {}, -math.inf, []
    for size in [*sorted(sizes), math.inf]:
        if group and size > first * (1 + NEAR):
            counts = pd.Series(group).value_counts()
            names |= dict.fromkeys(group, round(min(counts[counts == counts.max()].index)))
            group = []
        first = first if group else size
        group.append(size)
    return sizes.map(names)


def summarise_curves(points: pd.DataFrame) -> pd.DataFrame:
    """Return the mean curves of all methods.

    Args:
        points: with the columns POINTS; rows without an accuracy (NaN) are left out.

    Returns:
        data_set, method, round, ``budget`` (of ``add_budgets``), ``size`` (the mean of the replicates', which may
        differ by a few rows), ``mean`` accuracy, ``se`` of the mean (NaN with one replicate), ``n`` replicates; sorted
        by the first three.
    """
    known = add_budgets(points.dropna(subset=["accuracy"]))
    grouped = known.groupby(["data_set", "method", "round"], sort=True)
    curves = grouped.agg(
        budget=("budget", "first"),
        size=("size", "mean"),
        mean=("accuracy", "mean"),
        se=("accuracy", "sem"),
        n=("accuracy", "size"),
    )
    return curves.reset_index()


def compare_needs(points: pd.DataFrame, method: str, baseline: str) -> Need | None:
    """Compare how much data a method and a baseline need; None where one of them has no curve of two points.

    The interval is Student's of the logarithm of the share, with the standard error that leaving out one replicate at a
    time gives (jackknife; Efron & Tibshirani 1993, chapter 11): that of both where both have the same replicates, since
    those share their seeds, else of each by itself. A bootstrap of so few replicates is too narrow
    (``docs/log.md``). Where both have some replicates in common, only those count; of a method only the rounds that all
    its replicates have. Below FEWEST_REPLICATES there is no interval.

    Args:
        points: of one data set, with the columns POINTS.
        method: compared.
        baseline: with what, usually ``random``.
    """
    own = [points[points["method"] == name] for name in (method, baseline)]
    if common := set(own[0]["replicate"]) & set(own[1]["replicate"]):
        own = [each[each["replicate"].isin(common)] for each in own]
    first, second = map(_spread, own)
    if min(len(first.columns), len(second.columns)) < 2:
        return None
    accuracy, method_size, baseline_size = _find_needs(first, second)
    share = method_size / baseline_size if baseline_size > 0 else None
    low, high = _find_ends(first, second, share)
    sizes = (len(first), len(second))
    return Need(method, baseline, accuracy, method_size, baseline_size, sizes, share, low, high)


def say_multiplier(need: Need) -> str:
    """Return the data multiplier with its interval, ``1.80× (1.25 to 2.50)``; a dash where it is unknown."""
    if need.multiplier is None:
        return "–"
    ends = "" if need.low is None else f" ({1 / need.high:.2f} to {1 / need.low:.2f})"
    return f"{need.multiplier:.2f}×{ends}"


def find_sizes(sizes: np.ndarray, curves: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """Return where each curve first reaches an accuracy, between two points by a straight line.

    Args:
        sizes: (s,) ascending.
        curves: (b, s) accuracies.
        accuracies: (b,) one for each curve.

    Returns:
        (b,) sizes; NaN where a curve never gets there.
    """
    is_there = curves >= accuracies[:, None]
    place = is_there.argmax(axis=1)
    rows, before = np.arange(len(curves)), np.maximum(place - 1, 0)
    rise = curves[rows, place] - curves[rows, before]
    part = np.divide(accuracies - curves[rows, before], rise, out=np.ones(len(curves)), where=rise > 0)
    found = sizes[before] + np.where(place > 0, part, 0.0) * (sizes[place] - sizes[before])
    return np.where(is_there.any(axis=1), found, np.nan)


def _spread(points: pd.DataFrame) -> pd.DataFrame:
    """Return one method's accuracies as a table, a row for each replicate, a column for each size of a whole round."""
    known = points.dropna(subset=["accuracy"])
    table = known.pivot_table(index="replicate", columns="round", values="accuracy").dropna(axis=1)
    return table.rename(columns=known.groupby("round")["size"].mean())


def _find_needs(first: pd.DataFrame, second: pd.DataFrame) -> tuple[float, float, float]:
    """Return the highest accuracy that both mean curves reach, and the size that each takes for it."""
    curves = [table.to_numpy().mean(axis=0)[None] for table in (first, second)]
    accuracy = min(float(curve.max()) for curve in curves)
    sizes = [
        float(find_sizes(table.columns.to_numpy(float), curve, np.array([accuracy]))[0])
        for table, curve in zip((first, second), curves, strict=True)
    ]
    return accuracy, *sizes


def _find_ends(first: pd.DataFrame, second: pd.DataFrame, share: float | None) -> tuple[float | None, float | None]:
    """Return the interval of the share of data; None where it cannot be told."""
    from scipy import stats

    n = min(len(first), len(second))
    if not share or n < FEWEST_REPLICATES:
        return None, None
    if list(first.index) == list(second.index):
        left_out = [[(first.drop(index=name), second.drop(index=name)) for name in first.index]]
    else:
        left_out = [
            [(first.drop(index=name), second) for name in first.index],
            [(first, second.drop(index=name)) for name in second.index],
        ]
    variance = 0.0
    for pairs in left_out:
        sizes = np.array([_find_needs(*pair)[1:] for pair in pairs])
        if not (sizes > 0).all():
            return None, None
        logs = np.log(sizes[:, 0] / sizes[:, 1])
        variance += (len(logs) - 1) * logs.var()
    reach = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * math.sqrt(variance)
    return (share * math.exp(-reach), share * math.exp(reach)) if reach < 20 else (None, None)
