"""Learning curves and data needs on points that a reader can follow, and against a slow plain reference."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.analysis.learning import (
    POINTS,
    Need,
    add_budgets,
    choose_baseline,
    compare_needs,
    find_sizes,
    say_multiplier,
    summarise_curves,
)

SIZES = (0, 100, 200, 300)


def make_points(method, curves, sizes=SIZES, data_set="pens"):
    rows = [
        (data_set, method, replicate, number, size, accuracy)
        for replicate, curve in enumerate(curves)
        for number, (size, accuracy) in enumerate(zip(sizes, curve, strict=True))
    ]
    return pd.DataFrame(rows, columns=POINTS)


def find_size_plainly(sizes, curve, accuracy):
    if curve[0] >= accuracy:
        return float(sizes[0])
    for (n, a), (m, b) in zip(zip(sizes, curve, strict=True), list(zip(sizes, curve, strict=True))[1:], strict=False):
        if a < accuracy <= b:
            return n + (accuracy - a) / (b - a) * (m - n)
    return math.nan


def test_a_curve_is_the_mean_with_its_standard_error():
    points = pd.concat(
        [make_points("random", [(0.2, 0.3, 0.4, 0.5), (0.2, 0.4, 0.4, 0.7)]), make_points("x", [(0.2,) * 4])]
    )
    points.loc[points["accuracy"] == 0.7, "accuracy"] = math.nan
    curves = summarise_curves(points).set_index(["method", "size"])
    assert curves.loc[("random", 100), "mean"] == pytest.approx(0.35)
    assert curves.loc[("random", 100), "se"] == pytest.approx(statistics.stdev([0.3, 0.4]) / math.sqrt(2))
    assert curves.loc[("random", 300), "n"] == 1 and math.isnan(curves.loc[("random", 300), "se"])
    assert curves["n"].tolist() == [2, 2, 2, 1, 1, 1, 1, 1]


def test_replicates_that_are_some_rows_short_are_of_one_round():
    points = pd.concat([make_points("random", [(0.2, 0.4)], (0, 100)), make_points("random", [(0.2, 0.5)], (0, 96))])
    points["replicate"] = [0, 0, 1, 1]
    curves = summarise_curves(points)
    assert curves["size"].tolist() == [0, 98] and curves["n"].tolist() == [2, 2]
    more = pd.concat([points, make_points("other", [(0.2, 0.45), (0.2, 0.45)], (0, 98))])
    need = compare_needs(more, "other", "random")
    assert need.share == pytest.approx(1.0) and need.n_replicates == (2, 2)
    begun = pd.concat([more, make_points("other", [(0.2, 0.9, 0.9)], (0, 98, 200)).assign(replicate=2)])
    assert compare_needs(begun, "other", "random").accuracy <= 0.6, "round 2 is one replicate's alone"


def test_arms_with_rounds_of_different_size_share_the_sizes_that_both_have():
    points = pd.concat([make_points("a", [(0.2, 0.3, 0.4)] * 2, (0, 50, 100)),
                        make_points("b", [(0.2, 0.4, 0.5)] * 2, (0, 100, 200)),
                        make_points("c", [(0.2, 0.4, 0.5)] * 2, (0, 97, 203)),
                        make_points("d", [(0.2, 0.4, 0.5)] * 2, (0, 97, 98))])  # fmt: skip
    found = add_budgets(points).drop_duplicates(["method", "round"]).set_index(["method", "round"])["budget"]
    assert found["a"].tolist() == [0, 50, 97] and found["b"].tolist() == [0, 97, 200]
    assert found["c"].tolist() == [0, 97, 200]
    assert found["d"].tolist() == [0, -1, 97], "a round that brought one row is the one that counts"
    assert len(add_budgets(points)) == len(points) and add_budgets(add_budgets(points)).equals(add_budgets(points))
    curves = summarise_curves(points).set_index(["method", "budget"])
    assert curves.loc[("a", 97), "mean"] == 0.4 and curves.loc[("b", 97), "mean"] == 0.4


def test_the_size_is_found_as_one_would_by_hand():
    rng = np.random.default_rng(0)
    sizes = np.array([0.0, 50.0, 120.0, 400.0, 401.0])
    curves = rng.random((300, 5)).round(1)
    wanted = rng.random(300).round(1)
    found = find_sizes(sizes, curves, wanted)
    plain = [find_size_plainly(sizes, curve, each) for curve, each in zip(curves, wanted, strict=True)]
    np.testing.assert_allclose(found, plain)
    assert np.isnan(found).any() and (found == 0).any()


def test_needs_are_compared_at_the_highest_accuracy_that_both_reach():
    random = make_points("random", [(0.2, 0.3, 0.4, 0.5)] * 3)
    fast = make_points("loss_high", [(0.2, 0.4, 0.6, 0.6)] * 3)
    points = pd.concat([random, fast])
    need = compare_needs(points, "loss_high", "random")
    assert need.accuracy == pytest.approx(0.5)
    assert (need.method_size, need.baseline_size) == (pytest.approx(150), pytest.approx(300))
    assert need.share == pytest.approx(0.5) and need.n_replicates == (3, 3)
    assert (need.low, need.high) == (pytest.approx(0.5), pytest.approx(0.5))  # all replicates are alike
    assert need.multiplier == pytest.approx(2.0) and say_multiplier(need) == "2.00× (2.00 to 2.00)"
    two = compare_needs(points[points["replicate"] < 2], "loss_high", "random")
    assert two.share == pytest.approx(0.5) and (two.low, two.high) == (None, None), "of two it cannot be told"
    back = compare_needs(points, "random", "loss_high")
    assert back.share == pytest.approx(2.0) and back.multiplier == pytest.approx(0.5)


def test_what_cannot_be_said_is_none():
    flat = make_points("flat", [(0.5, 0.4, 0.4, 0.3)] * 2)
    other = make_points("random", [(0.5, 0.5, 0.4, 0.3)] * 2)
    need = compare_needs(pd.concat([flat, other]), "flat", "random")
    assert need.share is None and need.low is None and need.accuracy == 0.5
    one = make_points("one", [(0.1, 0.2, 0.3, 0.4)])
    need = compare_needs(pd.concat([one, other]), "one", "random")
    assert need.low is None and need.n_replicates == (1, 1), "what only one of them has is left out"
    assert need.multiplier is None and say_multiplier(need) == "–"
    assert compare_needs(other, "absent", "random") is None
    point = make_points("point", [(0.3,)], sizes=(100,))
    assert compare_needs(pd.concat([point, other]), "point", "random") is None


def leave_out_plainly(tables, n):
    """The jackknife as one writes it down: the share without each replicate, its spread, Student's t."""
    logs = []
    for gone in range(n):
        first, second = (np.delete(table, gone, axis=0).mean(axis=0) for table in tables)
        accuracy = min(first.max(), second.max())
        needed = [find_size_plainly(SIZES, curve, accuracy) for curve in (first, second)]
        logs.append(math.log(needed[0] / needed[1]))
    mean = sum(logs) / n
    se = math.sqrt((n - 1) / n * sum((each - mean) ** 2 for each in logs))
    return float(stats.t.ppf(0.975, n - 1)) * se


def test_the_interval_leaves_out_one_replicate_at_a_time():
    rng = np.random.default_rng(1)
    curves = {name: np.sort(rng.random((5, 4)), axis=1) * 0.2 + 0.3 for name in ("random", "badge")}
    curves["badge"][:, 1:] += 0.05
    points = pd.concat(make_points(name, table) for name, table in curves.items())
    need = compare_needs(points, "badge", "random")
    assert need == compare_needs(points.sample(frac=1, random_state=0), "badge", "random")
    reach = leave_out_plainly([curves["badge"], curves["random"]], 5)
    assert (need.low, need.high) == pytest.approx((need.share * math.exp(-reach), need.share * math.exp(reach)))
    other = points[points["method"] == "random"].assign(replicate=lambda rows: rows["replicate"] + 10)
    apart = compare_needs(pd.concat([points[points["method"] == "badge"], other]), "badge", "random")
    assert apart.share == need.share and apart.high != need.high, "replicates of their own are left out by themselves"


@pytest.mark.parametrize("n", (3, 6))
def test_the_interval_holds_the_true_share_as_often_as_it_says(n):
    rng, held, n_told = np.random.default_rng(7), 0, 200
    truth = np.array([0.40, 0.44, 0.50, 0.58])
    for _ in range(n_told):
        both = truth + np.c_[np.zeros((2, n, 1)), rng.normal(0, 0.01, (2, n, 3))]
        points = pd.concat(make_points(name, table) for name, table in zip(("a", "random"), both, strict=True))
        need = compare_needs(points, "a", "random")
        held += need.low <= 1 <= need.high
    assert 0.9 < held / n_told <= 0.99


@pytest.mark.parametrize(
    ("sizes", "ends", "told"),
    [
        ((50, 90), (0.4, 0.8), "1.80× (1.25 to 2.50)"),
        ((50, 90), (None, None), "1.80×"),
        ((90, 0), (None, None), "–"),
    ],
)
def test_a_multiplier_is_the_share_turned_over(sizes, ends, told):
    method_size, baseline_size = sizes
    share = method_size / baseline_size if baseline_size else None
    need = Need("dpo", "sft", 0.5, method_size, baseline_size, (3, 3), share, *ends)
    assert say_multiplier(need) == told


def test_the_baseline_is_random_else_sft_else_the_first():
    assert choose_baseline(["badge", "random", "sft"]) == "random"
    assert choose_baseline(["dpo", "sft"]) == "sft"
    assert choose_baseline(["dpo", "rft"]) == "dpo"
