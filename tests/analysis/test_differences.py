"""Differences paired by replicate, against scipy's own paired test."""

import pandas as pd
import pytest
from scipy import stats

from core.analysis.differences import compare_accuracy

COLUMNS = ["method", "replicate", "round", "accuracy"]
ROWS = [
    ("random", 0, 0, 0.2), ("random", 0, 1, 0.30), ("random", 0, 2, 0.40),
    ("random", 1, 0, 0.2), ("random", 1, 1, 0.34), ("random", 1, 2, 0.38),
    ("random", 2, 0, 0.2), ("random", 2, 1, 0.29), ("random", 2, 2, 0.41),
    ("badge", 0, 0, 0.2), ("badge", 0, 1, 0.35), ("badge", 0, 2, 0.47),
    ("badge", 1, 0, 0.2), ("badge", 1, 1, 0.33), ("badge", 1, 2, 0.41),
    ("badge", 2, 0, 0.2), ("badge", 2, 1, 0.36), ("badge", 2, 2, None),
    ("alike", 0, 2, 0.45), ("alike", 1, 2, 0.43), ("lone", 7, 2, 0.9),
]  # fmt: skip
POINTS = pd.DataFrame(ROWS, columns=COLUMNS).assign(data_set="pens", size=lambda rows: 50 * rows["round"])


def test_it_is_the_paired_t_test_over_common_replicates():
    found = {each.method: each for each in compare_accuracy(POINTS, "random", 50)}
    badge = found["badge"]
    test = stats.ttest_rel([0.35, 0.33, 0.36], [0.30, 0.34, 0.29])
    ends = test.confidence_interval(0.95)
    assert (badge.mean, badge.p_value) == (pytest.approx(0.11 / 3), pytest.approx(test.pvalue))
    assert (badge.low, badge.high, badge.n) == (pytest.approx(ends.low), pytest.approx(ends.high), 3)
    assert set(found) == {"badge"}


def test_a_replicate_that_lacks_the_round_is_no_pair():
    (badge,) = (each for each in compare_accuracy(POINTS, "random", 100) if each.method == "badge")
    assert badge.n == 2 and badge.mean == pytest.approx((0.07 + 0.03) / 2)


def test_over_all_rounds_each_replicate_counts_once():
    (badge,) = (each for each in compare_accuracy(POINTS, "random") if each.method == "badge")
    own = [(0.05 + 0.07) / 2, (-0.01 + 0.03) / 2, 0.07]
    test = stats.ttest_1samp(own, 0)
    assert badge.n == 3 and badge.budget is None
    assert (badge.mean, badge.p_value) == (pytest.approx(sum(own) / 3), pytest.approx(test.pvalue))


def test_where_nothing_varies_there_is_no_interval():
    (alike,) = (each for each in compare_accuracy(POINTS, "random", 100) if each.method == "alike")
    assert alike.mean == pytest.approx(0.05)
    assert (alike.low, alike.high, alike.p_value, alike.n) == (None, None, None, 2)
    assert compare_accuracy(POINTS, "nobody") == []
    assert not [each for each in compare_accuracy(POINTS, "random") if each.method == "lone"]


def test_arms_meet_at_equal_size_whatever_the_round():
    rows = [
        (name, replicate, number, (0.1 + 0.001 * step * number) + 0.01 * replicate, "pens", step * number)
        for name, step in (("few", 50), ("many", 100))
        for replicate in range(3)
        for number in range(4)
    ]
    points = pd.DataFrame(rows, columns=[*COLUMNS, "data_set", "size"])
    (many,) = compare_accuracy(points, "few")
    assert many.mean == pytest.approx(0, abs=1e-12) and many.n == 3, "at 100, where both are, one size is one accuracy"
    assert compare_accuracy(points, "few", 300) == []
