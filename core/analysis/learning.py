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

BASELINES = ("random", "sft")
"""Arms that the others are compared with: the first of these that there is."""

N_RESAMPLES = 4_000
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
    """End of the percentile bootstrap interval of ``share`` over replicates; None with one replicate of either."""

    high: float | None

    @property
    def multiplier(self) -> float | None:
        """How many times the data of the method the baseline needs; None where one of them needs none."""
        return self.baseline_size / self.method_size if self.method_size > 0 and self.baseline_size > 0 else None

    @property
    def multiplier_ends(self) -> tuple[float, float] | None:
        """Ends of its interval, those of the share turned over: 0 or infinite where one of them may need no data."""
        if self.low is None or self.high is None:
            return None
        return tuple(1 / end if end > 0 else math.inf for end in (self.high, self.low))


def choose_baseline(methods: Sequence[str]) -> str:
    """Return the arm that others are compared with unless somebody says otherwise: of BASELINES, else the first.

    An arm of an experiment of several recipes has such a name among the words of its own: ``active, random``.
    """
    return next((name for base in BASELINES for name in methods if base in name.split(", ")), methods[0])


def summarise_curves(points: pd.DataFrame) -> pd.DataFrame:
    """Return the mean curves of all methods.

    Args:
        points: with the columns POINTS; rows without an accuracy (NaN) are left out.

    Returns:
        data_set, method, round, ``size`` (the mean of the replicates', which may differ by a few rows), ``mean``
        accuracy, ``se`` of the mean (NaN with one replicate), ``n`` replicates; sorted by the first three.
    """
    known = points.dropna(subset=["accuracy"])
    grouped = known.groupby(["data_set", "method", "round"], sort=True)
    curves = grouped.agg(
        size=("size", "mean"),
        mean=("accuracy", "mean"),
        se=("accuracy", lambda values: values.std(ddof=1) / np.sqrt(len(values))),
        n=("accuracy", "size"),
    )
    return curves.reset_index()


def compare_needs(points: pd.DataFrame, method: str, baseline: str, *, seed: int = 0) -> Need | None:
    """Compare how much data a method and a baseline need; None where one of them has no curve of two points.

    A bootstrap draws replicates: the same ones for both where both have the same, since those share their seeds; else
    for each by itself. In each draw the accuracy that both reach is found anew; draws in which neither curve rises say
    nothing. Of a method only the rounds count that all its replicates have.

    Args:
        points: of one data set, with the columns POINTS.
        method: compared.
        baseline: with what, usually ``random``.
        seed: of the bootstrap.
    """
    first, second = (_spread(points[points["method"] == name]) for name in (method, baseline))
    if min(len(first.columns), len(second.columns)) < 2:
        return None
    curves = [table.mean().to_numpy()[None] for table in (first, second)]
    accuracy, sizes = _find_needs(first, second, *curves)
    method_size, baseline_size = (float(each[0]) for each in sizes)
    low = high = None
    if baseline_size > 0 and min(len(first), len(second)) > 1:
        low, high = _draw_share(first, second, np.random.default_rng(seed))
    return Need(
        method,
        baseline,
        float(accuracy[0]),
        method_size,
        baseline_size,
        (len(first), len(second)),
        method_size / baseline_size if baseline_size > 0 else None,
        low,
        high,
    )


def say_multiplier(need: Need) -> str:
    """Return the data multiplier with its interval, ``1.80× (1.25 to 2.50)``; a dash where it is unknown."""
    if need.multiplier is None:
        return "–"
    low, high = need.multiplier_ends or (0.0, math.inf)
    ends = {
        (True, True): f" ({low:.2f} to {high:.2f})",
        (True, False): f" ({low:.2f} or more)",
        (False, True): f" ({high:.2f} or less)",
        (False, False): "",
    }
    return f"{need.multiplier:.2f}×{ends[low > 0, math.isfinite(high)]}"


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


def _find_needs(
    first: pd.DataFrame, second: pd.DataFrame, first_curves: np.ndarray, second_curves: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return (b,) the highest accuracy that both curves reach, and (b,) the size that each takes for it."""
    accuracy = np.minimum(np.nanmax(first_curves, axis=1), np.nanmax(second_curves, axis=1))
    pairs = ((first, first_curves), (second, second_curves))
    sizes = tuple(find_sizes(table.columns.to_numpy(float), curves, accuracy) for table, curves in pairs)
    return accuracy, sizes


def _draw_share(
    first: pd.DataFrame, second: pd.DataFrame, rng: np.random.Generator
) -> tuple[float | None, float | None]:
    """Return the interval of the share of data over drawn replicates."""
    is_paired = list(first.index) == list(second.index)
    drawn = rng.integers(len(first), size=(N_RESAMPLES, len(first)))
    other = drawn if is_paired else rng.integers(len(second), size=(N_RESAMPLES, len(second)))
    curves = [np.nanmean(table.to_numpy()[places], axis=1) for table, places in ((first, drawn), (second, other))]
    _, (method_sizes, baseline_sizes) = _find_needs(first, second, *curves)
    shares = np.divide(method_sizes, baseline_sizes, out=np.full(N_RESAMPLES, np.inf), where=baseline_sizes > 0)
    shares = shares[(method_sizes > 0) | (baseline_sizes > 0)]
    outside = (1 - LEVEL) / 2
    if not len(shares):
        return None, None
    low, high = np.quantile(shares, [outside, 1 - outside], method="nearest")
    return float(low), float(high)
