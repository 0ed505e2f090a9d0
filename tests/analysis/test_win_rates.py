"""The win-rate matrix on cells that a reader can count, and against plain loops."""

import math

import numpy as np
import pandas as pd
import pytest

from core.analysis.win_rates import measure_win_rates


def make_curves(rows):
    return pd.DataFrame(rows, columns=["data_set", "method", "budget", "mean", "se", "n"])


def test_a_win_is_a_gap_of_more_than_both_standard_errors():
    rates = measure_win_rates(
        make_curves(
            [
                ("pens", "a", 0, 0.9, 0.0, 3),  # where all start
                ("pens", "b", 0, 0.1, 0.0, 3),
                ("pens", "a", 100, 0.60, 0.02, 3),
                ("pens", "b", 100, 0.55, 0.02, 3),
                ("pens", "a", 200, 0.60, 0.03, 3),
                ("pens", "b", 200, 0.55, 0.02, 3),  # 0.57 is not above 0.57
                ("tins", "b", 100, 0.60, 0.02, 3),
                ("tins", "c", 100, 0.50, 0.02, 3),
                ("tins", "a", 100, 0.99, math.nan, 1),
            ]
        )
    )
    assert rates.wins.loc["a", "b"] == 1 and rates.wins.loc["b", "a"] == 0 and rates.meetings.loc["a", "b"] == 2
    assert rates.wins.loc["b", "c"] == 1 and rates.meetings.loc["b", "c"] == 1 and rates.meetings.loc["a", "c"] == 0
    assert rates.shares.loc["a", "b"] == 0.5 and math.isnan(rates.shares.loc["a", "c"])
    assert math.isnan(rates.shares.loc["a", "a"]) and rates.n_left_out == 1
    assert rates.n_alone == 0
    means = rates.column_means
    assert (
        means["a"] == 0 and means["b"] == pytest.approx(0.25) and means["c"] == 1.0
    )  # b: beaten by a half, by c never


def test_it_is_what_plain_loops_count():
    rng = np.random.default_rng(0)
    names = [f"m{n}" for n in range(6)]
    rows = [
        (data_set, name, size, rng.normal(0.5, 0.05), rng.random() * 0.03, 3)
        for data_set in ("pens", "tins")
        for size in (50, 100, 150)
        for name in names
        if rng.random() < 0.9
    ]
    curves = make_curves(rows)
    for alpha in (0.0, 1.0, 1.96):
        rates = measure_win_rates(curves.sample(frac=1, random_state=1), alpha)
        wins = {(one, other): 0 for one in names for other in names}
        for set_one, one, size_one, mean_one, se_one, _ in rows:
            for set_other, other, size_other, mean_other, se_other, _ in rows:
                if (set_one, size_one) == (set_other, size_other):
                    wins[one, other] += mean_one - alpha * se_one > mean_other + alpha * se_other
        assert {(one, other): rates.wins.loc[one, other] for one in names for other in names} == wins


def test_arms_meet_at_equal_size_whatever_the_round():
    rows = [("pens", name, number, step * number, 0.1 + 0.001 * step * number, 0.001, 3)
            for name, step in (("few", 50), ("many", 100)) for number in range(4)]  # fmt: skip
    columns = ["data_set", "method", "round", "budget", "mean", "se", "n"]
    rates = measure_win_rates(pd.DataFrame(rows, columns=columns))
    assert rates.meetings.loc["few", "many"] == 1 and rates.wins.to_numpy().sum() == 0
    assert rates.n_alone == 4, "50, 150, 200 and 300"


def test_ends_that_meet_are_no_win():
    """Of 300 problems one arm had 137 and 136 right, the other 137 and 138: each end is at 137 exactly."""
    rows = [("pens", name, 30, np.mean(own), np.std(own, ddof=1) / np.sqrt(2), 2)
            for name, own in (("random", [137 / 300, 136 / 300]), ("loss_high", [137 / 300, 138 / 300]))]  # fmt: skip
    rates = measure_win_rates(pd.DataFrame(rows, columns=["data_set", "method", "budget", "mean", "se", "n"]))
    assert rates.wins.to_numpy().sum() == 0 and rates.meetings.loc["loss_high", "random"] == 1
