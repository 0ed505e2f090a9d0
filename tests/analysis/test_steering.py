"""Rank correlations and cumulative accuracy on cases by hand, and against plain references."""

import math

import numpy as np
import pandas as pd
import pytest

from core.analysis.steering import (
    accumulate_right,
    correlate_between,
    correlate_ranks,
    correlate_within,
    measure_gap,
    order_right,
    pool_correlations,
    range_of_random,
    spread_curves,
    take_middles,
)


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


def make_pairs(arms, n_replicates, n_rounds, n_children, rng, *, of_seed=0.0, of_arm=0.0, of_student=0.0):
    """Scores of children that take this much after their seed, their arm, and the student that every round improves."""
    sizes = [range(len(arms)), range(n_replicates), range(1, n_rounds + 1), range(n_children)]
    index = pd.MultiIndex.from_product(sizes, names=["arm", "replicate", "round", "child"])
    pairs = index.to_frame(index=False)
    level = of_arm * pairs["arm"] - of_student * pairs["round"]
    seeds = rng.normal(size=len(pairs))
    children = of_seed * seeds + rng.normal(size=len(pairs))
    return pairs.assign(method=pairs["arm"].map(dict(enumerate(arms))), before=seeds + level, after=children + level)


def average_plainly(rhos):
    """Mean over replicates of the mean over their sets, with Student's t: rhos is replicate -> list."""
    from scipy import stats

    means = [sum(own) / len(own) for own in rhos.values()]
    found = stats.ttest_1samp(means, 0.0)
    low, high = found.confidence_interval(0.95)
    return sum(means) / len(means), max(low, -1.0), min(high, 1.0), found.pvalue


def test_an_arm_agrees_by_the_mean_of_its_replicates():
    pairs = make_pairs(["x", "y"], 4, 3, 20, np.random.default_rng(0), of_seed=0.6, of_student=3)
    pairs.loc[pairs.index[:5], "after"] = math.nan
    alike = (pairs["method"] == "y") & (pairs["replicate"] == 1) & (pairs["round"] == 2)
    pairs.loc[alike, "before"] = 1.0
    found = correlate_within(pairs)
    assert list(found) == ["x", "y"]
    for method, own in pairs.groupby("method"):
        rhos = {}
        for (replicate, _), rows in own.dropna().groupby(["replicate", "round"]):
            if rows["before"].nunique() > 1:
                rhos.setdefault(replicate, []).append(
                    correlate_plainly(rows["before"].tolist(), rows["after"].tolist())
                )
        each, n_told = found[method], sum(map(len, rhos.values()))
        assert (each.rho, each.low, each.high, each.p_value) == pytest.approx(average_plainly(rhos))
        assert (each.n_told, each.n_untold, each.n_replicates) == (n_told, 12 - n_told, 4)
    assert (found["x"].n_untold, found["x"].n_pairs) == (0, 235) and found["y"].n_untold == 1


def test_what_cannot_be_told_is_counted_and_never_dropped():
    pairs = make_pairs(["x", "y"], 2, 3, 9, np.random.default_rng(0), of_seed=1)
    pairs.loc[pairs["method"] == "x", "before"] = 0.0
    found = correlate_within(pairs)
    assert (found["x"].n_told, found["x"].n_untold, found["x"].n_replicates, found["x"].rho) == (0, 6, 0, None)
    assert found["y"].n_untold == 0 and found["y"].rho > 0
    few = correlate_within(pairs.groupby(["method", "replicate", "round"]).head(3))
    assert [each.n_untold for each in few.values()] == [6, 6]
    once = correlate_within(pairs[pairs["replicate"] == 0])["y"]
    assert once.rho is not None and (once.low, once.high, once.p_value) == (None, None, None)
    assert correlate_within(pairs[:0]) == {} and correlate_between(pairs[:0]).rho is None


def test_an_improving_student_alone_is_no_agreement_between_data_sets():
    """Seeds and children are independent within and between arms; only the student improves from round to round."""
    rng, n_held, n, arms = np.random.default_rng(1), 0, 100, [f"arm {i}" for i in range(8)]
    for _ in range(n):
        pairs = make_pairs(arms, 6, 4, 15, rng, of_student=1)
        found = correlate_between(pairs)
        n_held += found.low <= 0 <= found.high
    middles = take_middles(pairs, ["method", "replicate", "round"])
    pooled = correlate_ranks(middles["before"], middles["after"])
    assert pooled.low > 0.7, "as it would be of all rounds at once"
    assert 0.89 <= n_held / n <= 1.0
    assert (found.n_told, found.n_untold, found.n_pairs, found.n_replicates) == (24, 0, 192, 6)


def test_arms_whose_data_differ_agree_between_data_sets():
    pairs = make_pairs([f"arm {i}" for i in range(6)], 5, 2, 25, np.random.default_rng(2), of_arm=0.3, of_student=9)
    found, rhos = correlate_between(pairs), {}
    for (replicate, _), own in pairs.groupby(["replicate", "round"]):
        medians = own.groupby("method")[["before", "after"]].median()
        rhos.setdefault(replicate, []).append(correlate_plainly(medians["before"].tolist(), medians["after"].tolist()))
    assert (found.rho, found.low, found.high, found.p_value) == pytest.approx(average_plainly(rhos)) and found.low > 0.5


def test_arms_of_different_students_are_not_ranked_with_one_another():
    arms = [f"arm {i}" for i in range(10)]
    pairs = make_pairs(arms, 6, 2, 15, np.random.default_rng(5))
    is_better = pairs["method"].isin(arms[:5])
    pairs.loc[is_better, ["before", "after"]] -= 4
    told = correlate_between(pairs.assign(student=np.where(is_better, "good", "poor")))
    assert correlate_between(pairs).low > 0.4 and told.low < 0 < told.high and told.n_told == 24


def test_the_middle_is_the_median_or_the_share_of_what_is_right():
    nan = math.nan
    pairs = pd.DataFrame(
        {"run": list("aaabb"), "round": [1, 1, 1, 1, 2], "before": [1, 3, nan, 5, nan], "after": [2.0, 8, 9, 7, 1]}
    )
    assert take_middles(pairs, ["run", "round"]).to_dict("records") == [
        {"run": "a", "round": 1, "before": 2.0, "after": 5.0, "n": 2},
        {"run": "b", "round": 1, "before": 5.0, "after": 7.0, "n": 1},
    ]
    right = pd.DataFrame({"round": [1] * 4, "before": [1.0, 0, 0, 0], "after": [1.0, 1, 1, 0]})
    assert take_middles(right, ["round"]).to_dict("records") == [{"round": 1, "before": 0.25, "after": 0.75, "n": 4}]


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


def gap_plainly(rows, is_high_first):
    """Random minus ordered in points at every per cent, of one replicate: a list of (score, is_right)."""
    n, n_right, ordered = len(rows), sum(right for _, right in rows), [0.0]
    for score in sorted({score for score, _ in rows}, reverse=is_high_first):
        alike = [right for other, right in rows if other == score]
        ordered += [ordered[-1] + (i + 1) * sum(alike) / len(alike) for i in range(len(alike))]
    gaps = []
    for percent in range(101):
        place = n * percent / 100
        below = min(int(place), n - 1)
        right = ordered[below] + (place - below) * (ordered[below + 1] - ordered[below])
        gaps.append(100 * (n_right * percent / 100 - right) / n)
    return gaps


@pytest.mark.parametrize(("signal", "is_high_first"), [("loss", True), ("reward", False), ("correct", False)])
def test_the_gaps_of_every_arm_are_those_of_a_plain_count(signal, is_high_first):
    rng, rows = np.random.default_rng(7), []
    for method, replicate, i in [(m, r, i) for m in ("x", "y") for r in range(3) for i in range(17 + 3 * r)]:
        about = {"method": method, "replicate": replicate, "candidate_id": f"c{i}"}
        scores = {
            "loss": round(rng.random(), 1),
            "reward": round(rng.random(), 1),
            "correct": float(rng.random() < 0.5),
        }
        scores["loss"] = math.nan if i == 3 else scores["loss"]
        judged = math.nan if i == 5 else float(rng.random() < 0.4 + 0.4 * scores["reward"])
        rows += [{**about, "signal": name, "before": value, "after": judged} for name, value in scores.items()]
    pairs = pd.DataFrame(rows).sample(frac=1, random_state=0)
    curves = order_right(pairs, signal)
    assert list(curves) == ["x", "y"] and all(len(each) == 3 for each in curves.values())
    for method in curves:
        plain = []
        for replicate in range(3):
            own = pairs[(pairs["method"] == method) & (pairs["replicate"] == replicate)]
            scores = own[own["signal"] == signal].set_index("candidate_id")["before"]
            right = own[own["signal"] == "correct"].set_index("candidate_id")["after"]
            known = [(scores[each], right[each]) for each in scores.index if not math.isnan(scores[each] + right[each])]
            plain.append(gap_plainly(known, is_high_first))
        gap = measure_gap(curves[method])
        assert gap["share"].tolist() == pytest.approx([i / 100 for i in range(101)])
        assert gap["mean"].tolist() == pytest.approx(np.mean(plain, axis=0).tolist(), abs=1e-9)
        se = np.std(plain, axis=0, ddof=1) / math.sqrt(3)
        assert gap["se"].tolist() == pytest.approx(se.tolist(), abs=1e-9)
    assert order_right(pairs[pairs["signal"] != "correct"], "loss") == {}


def test_curves_of_any_length_stand_at_the_same_shares():
    table = spread_curves([np.array([0, 0, 1.0]), np.array([0, 0.5, 0.5, 0.5, 0.5])], n_points=5)
    assert table.tolist() == [[0, 0, 0, 0.5, 1], [0, 0.5, 0.5, 0.5, 0.5]]


def test_random_orders_lie_where_they_are_said_to():
    rng = np.random.default_rng(0)
    right = rng.random(60) < 0.4
    found = range_of_random(accumulate_right(rng.random(60), right, is_high_first=True))
    assert found["share"].tolist() == pytest.approx([i / 60 for i in range(61)])
    orders = np.array([np.concatenate([[0], np.cumsum(rng.permutation(right))]) / 60 for _ in range(2000)])
    is_in = (orders >= found["low"].to_numpy() - 1e-9) & (orders <= found["high"].to_numpy() + 1e-9)
    assert is_in.mean(axis=0).min() > 0.94 and is_in.mean() < 0.99
    many = range_of_random(accumulate_right(rng.random(1000), rng.random(1000) < 0.5, is_high_first=True))
    assert len(many) == 101 and many["share"].iloc[[0, -1]].tolist() == [0, 1]
    assert len(range_of_random(accumulate_right([], [], is_high_first=True))) >= 1


def test_one_correlation_of_several_samples_is_surer_than_each_and_lies_between_them():
    rng = np.random.default_rng(5)
    found = []
    for n in (30, 60, 90):
        before = rng.normal(size=n)
        found.append(correlate_ranks(before, before + rng.normal(size=n)))
    pooled = pool_correlations(found)
    assert pooled.n == 180 and min(each.rho for each in found) < pooled.rho < max(each.rho for each in found)
    assert pooled.high - pooled.low < min(each.high - each.low for each in found)
    assert pooled.p_value < 1e-6 and pooled.slope is None
    alone = pool_correlations(found[:1])
    assert (alone.rho, alone.low, alone.high) == pytest.approx((found[0].rho, found[0].low, found[0].high))


def test_the_interval_of_pooled_correlations_covers_what_there_is():
    rng, n_in = np.random.default_rng(6), 0
    for _ in range(300):
        samples = []
        for _ in range(3):
            before = rng.normal(size=40)
            samples.append(correlate_ranks(before, 0.5 * before + rng.normal(size=40)))
        pooled = pool_correlations(samples)
        n_in += pooled.low <= 0.4298 <= pooled.high  # Spearman's of two normals with Pearson's 0.4472
    assert 270 <= n_in <= 297


def test_samples_that_tell_nothing_pool_to_nothing():
    flat = correlate_ranks([1, 1, 1, 1, 1], [1, 2, 3, 4, 5])
    assert pool_correlations([flat, flat]).rho is None and pool_correlations([flat]).n == 5
