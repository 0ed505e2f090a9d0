"""Which method beats which: the pairwise win-rate matrix over data sets and sizes (Kessler 2025, figures 4 and 9).

Method i beats j at one size of one data set where its mean less α standard errors is above the mean of j plus α of
its own (section 5.4.2, α = 1). A column's mean says how often a method was beaten: lower is better. This file knows
nothing of runs.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class WinRates:
    """Who beats whom, and how often they met; rows beat columns."""

    wins: pd.DataFrame
    """(methods, methods) how often the row beat the column; 0 on the diagonal."""

    meetings: pd.DataFrame
    """(methods, methods) pairs of data set and budget at which both have a mean with its standard error."""

    n_left_out: int
    """Points without a standard error, since they have one replicate."""

    n_alone: int
    """Points whose size no other method has, so that they met none."""

    @property
    def shares(self) -> pd.DataFrame:
        """(methods, methods) wins by meetings; NaN where two never met, and on the diagonal."""
        return self.wins / self.meetings.where(self.meetings > 0)

    @property
    def column_means(self) -> pd.Series:
        """Method -> mean share of meetings in which another beat it, over those it met: lower is better."""
        return self.shares.mean(axis=0)


ROUNDING = 1e-9
"""Shares that differ by less are equal: with two replicates, whose standard error is half their difference, the ends of
two arms often are."""


def measure_win_rates(curves: pd.DataFrame, alpha: float = 1.0) -> WinRates:
    """Let every method meet every other at each size that both have, on each data set.

    Args:
        curves: of ``summarise_curves``; the start, where all are alike, is passed over.
        alpha: standard errors that are taken off the winner and given to the loser.
    """
    points = curves[curves["budget"] > 0]
    known = points.dropna(subset=["se"])
    methods = sorted(points["method"].unique())
    wins = pd.DataFrame(0, index=methods, columns=methods)
    meetings, n_alone = wins.copy(), 0
    for _, cell in known.groupby(["data_set", "budget"]):
        n_alone += len(cell) == 1
        names, mean, se = cell["method"].to_numpy(), cell["mean"].to_numpy(), cell["se"].to_numpy()
        beats = (mean - alpha * se)[:, None] > (mean + alpha * se)[None, :] + ROUNDING
        wins.loc[names, names] += beats.astype(int)
        meetings.loc[names, names] += 1 - np.eye(len(names), dtype=int)
    return WinRates(wins, meetings, len(points) - len(known), n_alone)
