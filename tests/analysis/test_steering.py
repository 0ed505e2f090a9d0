"""Rank correlations and cumulative accuracy on cases by hand, and against plain references."""

import math

import numpy as np
import pandas as pd
import pytest

from core.analysis.steering import accumulate_right, correlate_ranks, correlate_within, measure_gap, take_medians


def rank_plainly(values):
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2 for value in values
    ]


def correlate_plainly(first, second):
    first, second = rank_plainly(first), rank_plainly(second)
    a, b = sum(first) / len(first), sum(second) / len(second)
    above = sum((x - a) * (y - b) for x, y in zip(first, second, strict=True))
    return above / math.sqrt(sum((x - a) ** 2 for x in first) * sum((y - b) ** 2 for y in second))


def test_the_correlation_is_that_of_the_ranks_with_ties():
    rng = np.random.default_rng(0)
    before = rng.integers(0, 6, 40).astype(float)
    after = before + rng.integers(0, 6, 40)
    found = correlate_ranks(before, after)
    assert found.n == 40 and found.rho == pytest.approx(correlate_plainly(before.tolist(), after.tolist()))
    assert found.low < found.rho < found.high and found.p_value < 0.01
    slope, intercept = found.slope, found.intercept
    rest = after - (slope * before + intercept)
    assert rest.sum() == pytest.approx(0, abs=1e-9) and (rest * before).sum() == pytest.approx(0, abs=1e-9)


def test_the_p_value_is_that_of_shuffling():
    before, after = [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10], [2.0, 1, 4, 6, 3, 5, 9, 7, 10, 8]
    found = correlate_ranks(before, after)
    rng = np.random.default_rng(0)
    shuffled = [abs(correlate_plainly(before, rng.permutation(after).tolist())) for _ in range(4000)]
    assert found.p_value == pytest.approx(np.mean([rho >= abs(found.rho) for rho in shuffled]), abs=0.01)


def test_the_interval_holds_the_truth_nineteen_times_of_twenty():
    rng, truth, n_in = np.random.default_rng(3), 0.5, 0
    latent = 2 * math.sin(math.pi * truth / 6)  # Pearson's correlation of normals whose ranks correlate by the truth
    for _ in range(600):
        first = rng.normal(size=60)
        second = latent * first + math.sqrt(1 - latent**2) * rng.normal(size=60)
        found = correlate_ranks(first, second)
        n_in += found.low <= truth <= found.high
    assert 0.92 < n_in / 600 < 0.98


def test_unknown_values_are_left_out_and_what_cannot_be_said_is_none():
    nan = math.nan
    assert correlate_ranks([1, nan, 2, 3], [1, 5, nan, 2]).n == 2
    alike = correlate_ranks([1, 1, 1, 1], [1, 2, 3, 4])
    assert (alike.n, alike.rho, alike.p_value, alike.slope) == (4, None, None, None)
    assert correlate_ranks([], []).rho is None
    few = correlate_ranks([1, 2, 3], [2, 4, 9])
    assert few.rho == 1.0 and few.p_value is None and few.low is None
    perfect = correlate_ranks([1, 2, 3, 4, 5], [5, 4, 3, 2, 1])
    assert (perfect.rho, perfect.low, perfect.high) == pytest.approx((-1.0, -1.0, -1.0))


def test_what_differs_from_round_to_round_is_no_agreement_within_one():
    rng = np.random.default_rng(0)
    parts = [
        pd.DataFrame({"round": number, "before": 9 - number + rng.random(60), "after": 5 - number + rng.random(60)})
        for number in range(6)
    ]
    pairs = pd.concat(parts)
    assert correlate_ranks(pairs["before"], pairs["after"]).rho > 0.9
    found = correlate_within(pairs, ["round"])
    rhos = [correlate_ranks(part["before"], part["after"]).rho for part in parts]
    assert found.rho == pytest.approx(np.mean(rhos)) and abs(found.rho) < 0.15
    assert found.se == pytest.approx(np.std(rhos, ddof=1) / math.sqrt(6)) and (found.n_sets, found.n_pairs) == (6, 360)
    few = correlate_within(pairs.groupby("round").head(3), ["round"])
    assert (few.n_sets, few.rho, few.se) == (0, None, None)


def test_medians_are_those_of_each_data_set_with_both_scores():
    pairs = pd.DataFrame(
        {
            "run": list("aaabb"),
            "round": [1, 1, 1, 1, 2],
            "before": [1.0, 3.0, math.nan, 5.0, math.nan],
            "after": [2.0, 8.0, 9.0, 7.0, 1.0],
        }
    )
    found = take_medians(pairs, ["run", "round"])
    assert found.to_dict("records") == [
        {"run": "a", "round": 1, "before": 2.0, "after": 5.0, "n": 2},
        {"run": "b", "round": 1, "before": 5.0, "after": 7.0, "n": 1},
    ]


def test_right_answers_accumulate_in_the_order_of_the_scores():
    curve = accumulate_right([0.1, 0.9, 0.5, math.nan], [True, False, True, True], is_high_first=True)
    assert curve.tolist() == [0, 0, 0.25, 0.5, 0.75]
    low = accumulate_right([0.1, 0.9, 0.5, math.nan], [True, False, True, True], is_high_first=False)
    assert low.tolist() == [0, 0.25, 0.5, 0.5, 0.75]
    assert accumulate_right([], [], is_high_first=True).tolist() == [0.0]


def test_ties_share_their_right_answers_and_all_alike_is_the_straight_line():
    alike = accumulate_right([2.0] * 4, [True, False, False, True], is_high_first=True)
    assert alike.tolist() == pytest.approx([0, 0.125, 0.25, 0.375, 0.5])
    rng = np.random.default_rng(0)
    scores, correct = rng.integers(0, 3, 30).astype(float), rng.random(30) < 0.4
    curves = []
    for _ in range(3000):  # every order among equals is as good as any
        order = sorted(range(30), key=lambda i: (-scores[i], rng.random()))
        curves.append(np.concatenate([[0], np.cumsum(correct[order])]) / 30)
    np.testing.assert_allclose(
        accumulate_right(scores, correct, is_high_first=True), np.mean(curves, axis=0), atol=0.006
    )


def test_the_gap_is_random_minus_ordered_over_replicates():
    hard_first = accumulate_right([4, 3, 2, 1], [False, False, True, True], is_high_first=True)
    easy_first = accumulate_right([4, 3, 2, 1], [True, True, False, False], is_high_first=True)
    gap = measure_gap([hard_first, hard_first], n_points=5)
    assert gap["share"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert gap["mean"].tolist() == pytest.approx([0, 12.5, 25, 12.5, 0]) and gap["se"].tolist() == [0] * 5
    both = measure_gap([hard_first, easy_first], n_points=5)
    assert both["mean"].tolist() == pytest.approx([0] * 5) and both["se"][2] == pytest.approx(25)
    assert measure_gap([hard_first], n_points=5)["se"].isna().all()
