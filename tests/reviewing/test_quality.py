"""The share of good candidates by what was read: against the truth of made-up populations, and at the edges."""

import numpy as np
import pandas as pd
import pytest

from core.reviewing.quality import compare_reviewers, estimate_by_strata, estimate_share


@pytest.mark.parametrize(("share", "n", "size"), [(0.9, 60, 200), (0.5, 40, 1000), (0.97, 100, 400)])
def test_the_interval_of_a_random_sample_holds_the_truth_as_often_as_it_says(share, n, size):
    rng = np.random.default_rng(1)
    good = rng.permutation(np.arange(size) < share * size)
    truth, n_in = good.mean(), 0
    for _ in range(1000):
        found = estimate_share(int(rng.choice(good, n, replace=False).sum()), n, size)
        n_in += found.low <= truth <= found.high
    assert 930 <= n_in <= 995


def test_the_interval_of_a_sample_by_type_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(2)
    sizes, shares = {"a": 400, "b": 100, "c": 50}, {"a": 0.9, "b": 0.5, "c": 0.7}
    good = {name: rng.permutation(np.arange(n) < shares[name] * n) for name, n in sizes.items()}
    truth, n_in = sum(own.sum() for own in good.values()) / 550, 0
    for _ in range(1000):
        rows = [(name, bool(each)) for name, own in good.items() for each in rng.choice(own, 20, replace=False)]
        found = estimate_by_strata(pd.DataFrame(rows, columns=["stratum", "is_good"]), sizes)
        n_in += found.low <= truth <= found.high
    assert 930 <= n_in <= 995


def test_what_is_all_read_is_known_and_what_is_not_read_is_not():
    assert (estimate_share(3, 4, 4).low, estimate_share(3, 4, 4).high) == (0.75, 0.75)
    assert estimate_share(0, 0, 4).share is None
    read = pd.DataFrame({"stratum": ["a", "a"], "is_good": [True, True]})
    found = estimate_by_strata(read, {"a": 10, "b": 5})
    assert found.share == 1 and found.low < 0.9 and found.high == 1 and found.n_unseen == 5 and found.n_all == 10
    assert estimate_by_strata(read, {"z": 5}).share is None


def test_types_weigh_as_often_as_they_occur_and_not_as_often_as_they_were_read():
    read = pd.DataFrame({"stratum": ["a"] * 10 + ["b"] * 10, "is_good": [True] * 10 + [False] * 10})
    assert estimate_by_strata(read, {"a": 900, "b": 100}).share == pytest.approx(0.9)


def test_two_reviewers_are_compared_on_what_both_judged():
    rows = [("r", f"c{i}", "Ada", "accept" if i < 6 else "reject") for i in range(10)]
    rows += [("r", f"c{i}", "Bob", "edit" if i < 5 else "trash") for i in range(9)]
    rows += [("r", "c0", "Cyd", "accept")]
    found = compare_reviewers(pd.DataFrame(rows, columns=["run_id", "candidate_id", "reviewer", "review"]))
    assert [(each.first, each.second, each.n) for each in found] == [
        ("Ada", "Bob", 9),
        ("Ada", "Cyd", 1),
        ("Bob", "Cyd", 1),
    ]
    pair = found[0]
    assert pair.n_agree == 8 and pair.disagreed == (("r", "c5"),)
    by_chance = (6 / 9) * (5 / 9) + (3 / 9) * (4 / 9)
    assert pair.kappa == pytest.approx((8 / 9 - by_chance) / (1 - by_chance)) and found[1].kappa is None
