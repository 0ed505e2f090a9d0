import itertools
import math

import numpy as np
import pandas as pd
import pytest

from core.analysis.choices import (
    ALL_OTHERS,
    NOT_GIVEN,
    Choice,
    compare_shares,
    correlate_with_length,
    count_shared,
    list_pairs,
    measure_overlap,
    name_choice,
    name_values,
    range_of_count,
    range_of_mean,
    read_traits,
    summarise_choices,
)


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


THREE = {"a": rows(0, 1, 2, 3), "b": rows(3, 2, 8, 9), "c": rows(4, 5, 6, 7)}


def test_a_choice_is_called_after_its_pick_unless_that_is_argmax():
    assert Choice("loss_high", "softmax", rows(1)).label == name_choice("loss_high", "softmax") == "loss_high · softmax"
    assert Choice("badge", "argmax", rows(1)).label == "badge"


# -- overlap


def test_overlap_by_hand():
    assert count_shared(THREE).to_numpy().tolist() == [[4, 2, 0], [2, 4, 0], [0, 0, 4]]
    overlap = measure_overlap(THREE)
    assert overlap.loc["a", "b"] == overlap.loc["b", "a"] == 0.5 and overlap.loc["a", "c"] == 0


def test_overlap_of_unequal_choices_is_a_share_of_the_row():
    overlap = measure_overlap({"small": rows(1, 2), "large": rows(0, 1, 2, 3), "none": rows()})
    assert overlap.loc["small", "large"] == 1.0 and overlap.loc["large", "small"] == 0.5
    assert math.isnan(overlap.loc["none", "small"])


def test_pairs_have_jaccard_and_what_chance_gives():
    pairs = list_pairs(THREE, 16)
    assert pairs["n_shared"].tolist() == [2, 0, 0] and pairs.loc[0, ["first", "second"]].tolist() == ["a", "b"]
    assert pairs.loc[0, "jaccard"] == pytest.approx(2 / 6) and pairs.loc[0, "share"] == 0.5
    assert pairs.loc[0, "expected"] == 1.0  # 4 of 16, drawn twice
    assert (pairs.loc[0, "low"], pairs.loc[0, "high"]) == (0, 3)
    assert pairs["is_chance"].all()


def test_choices_that_must_meet_are_no_finding_and_those_that_need_not_are():
    everything = {"a": np.arange(20), "b": np.arange(20)}
    assert list_pairs(everything, 20).loc[0, ["low", "high", "is_chance"]].tolist() == [20, 20, True]
    assert not list_pairs(everything, 400).loc[0, "is_chance"]
    assert list_pairs({"a": rows(1)}, 5).empty


def test_two_random_choices_share_what_chance_says():
    rng, n, k = np.random.default_rng(0), 200, 40
    found = [list_pairs({"a": rng.permutation(n)[:k], "b": rng.permutation(n)[:k]}, n).iloc[0] for _ in range(200)]
    assert np.mean([row["n_shared"] for row in found]) == pytest.approx(found[0]["expected"], abs=0.5)
    assert 0.93 <= np.mean([row["is_chance"] for row in found]) <= 1.0


# -- chance


@pytest.mark.parametrize(
    ("n", "marked", "k"), [(10, 4, 5), (1200, 100, 100), (50, 49, 7), (5000, 3, 400), (30, 15, 29)]
)
def test_range_of_a_count_is_that_of_scipy(n, marked, k):
    from scipy.stats import hypergeom

    draws = hypergeom(n, marked, k)
    assert range_of_count(n, marked, k) == (draws.ppf(0.025), draws.ppf(0.975))


def test_range_of_a_count_by_listing_every_draw():
    n, marked, k = 9, 4, 3
    counts = sorted(sum(row < marked for row in draw) for draw in itertools.combinations(range(n), k))
    low, high = range_of_count(n, marked, k, level=0.8)
    inside = np.mean([low <= count <= high for count in counts])
    narrower = np.mean([low < count < high for count in counts])
    assert inside >= 0.8 > narrower


@pytest.mark.parametrize(("n", "marked", "k", "expected"), [(9, 0, 3, (0, 0)), (9, 9, 3, (3, 3)), (9, 4, 9, (4, 4))])
def test_a_count_that_is_certain_has_no_range(n, marked, k, expected):
    assert range_of_count(n, marked, k) == expected


def test_range_of_a_mean_holds_95_of_100_draws():
    rng = np.random.default_rng(1)
    values = rng.gamma(2.0, 0.3, 300)
    low, high = range_of_mean(values, 60)
    means = [rng.permutation(values)[:60].mean() for _ in range(2000)]
    assert np.mean([low <= mean <= high for mean in means]) == pytest.approx(0.95, abs=0.02)


def test_range_of_a_mean_of_everything_is_the_mean():
    values = np.array([1.0, 2.0, 6.0])
    assert range_of_mean(values, 3) == pytest.approx((3.0, 3.0))


def test_range_of_a_share_is_exact_and_leaves_unknown_values_out():
    values = np.array([1.0] * 4 + [0.0] * 5 + [np.nan] * 90)
    low, high = range_of_count(9, 4, 3)
    assert range_of_mean(values, 3) == (low / 3, high / 3)


@pytest.mark.parametrize(("values", "k"), [([np.nan, np.nan], 1), ([1.0, np.nan], 1), ([1.0, 2.0], 0), ([1.0, 2.0], 3)])
def test_range_of_a_mean_is_unknown_where_nothing_can_be_drawn(values, k):
    assert all(math.isnan(limit) for limit in range_of_mean(np.array(values), k))


# -- traits


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "question": ["How many pens?", "x", "a b c d"],
            "answer": ["Two pens.\n#### 2", None, ""],
            "meta": ['{"type": " Algebra ", "level": "Level 3", "n_steps": 2}', '{"level": 5, "type": ""}', None],
            "is_correct": pd.array([True, False, None], dtype="boolean"),
            "is_truncated": np.array([False, True, None], dtype=object),
            "n_tokens": pd.array([12, 7, None], dtype="Int32"),
        }
    )


def test_traits_are_read_from_text_and_meta(frame):
    traits = read_traits(frame)
    assert traits["type"].tolist()[:2] == ["Algebra", None] and pd.isna(traits["type"].iloc[2])
    expected = {
        "level": [3, 5, np.nan], "n_steps": [2, np.nan, np.nan], "is_wrong": [0, 1, np.nan],
        "is_truncated": [0, 1, np.nan], "answer_tokens": [12, 7, np.nan], "question_words": [3, 1, 4],
        "reference_words": [4, np.nan, 0],
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_array_equal(traits[name], values, err_msg=name)


def test_traits_do_not_depend_on_the_index(frame):
    moved = frame.set_index(pd.Index([7, 3, 9]))
    pd.testing.assert_frame_equal(read_traits(moved), read_traits(frame))


# -- favoured


def test_summary_by_hand():
    columns = {"loss": np.array([1.0, 2.0, 3.0, np.nan, 10.0]), "judge": np.full(5, np.nan)}
    found = summarise_choices({"all": np.arange(5), "mine": rows(2, 3, 4)}, columns).set_index(["quantity", "choice"])
    assert found.loc[("loss", "all"), ["n", "mean", "median"]].tolist() == [4, 4.0, 2.5]
    assert found.loc[("loss", "mine"), ["n", "mean", "median"]].tolist() == [2, 6.5, 6.5]
    assert found.loc[("loss", "all"), "is_chance"]
    unknown = found.loc[("judge", "mine")]
    assert unknown["n"] == 0 and math.isnan(unknown["mean"]) and unknown["is_chance"]


def test_the_highest_losses_are_more_than_chance_and_random_ones_are_not():
    loss = np.random.default_rng(0).normal(size=400)
    found = summarise_choices({"high": np.argsort(-loss)[:50], "random": np.arange(50)}, {"loss": loss})
    assert found["is_chance"].tolist() == [False, True] and found.loc[0, "mean"] > found.loc[0, "high"]


def test_shares_by_hand():
    kinds = pd.Series(["x"] * 6 + ["y"] * 3 + [None])
    found = compare_shares({"mine": rows(6, 7, 8, 9)}, kinds, np.ones(10, bool)).set_index("value")
    assert list(found.index) == ["x", "y", NOT_GIVEN]
    assert found.loc["x", ["n", "share", "ratio"]].tolist() == [0, 0.0, 0.0]
    assert found.loc["y", ["n_pool", "n", "share"]].tolist() == [3, 3, 0.75]
    assert found.loc["y", "ratio"] == pytest.approx(0.75 / 0.3)
    low, high = range_of_count(10, 3, 4)
    assert found.loc["y", ["low", "high"]].tolist() == [low / 4, high / 4]
    # 1 of the 210 ways to draw 4 of 10 leaves out all six x; 7 of them hold all three y
    assert found["is_chance"].tolist() == [False, True, True]


def test_excluded_rows_are_not_of_the_pool_that_shares_are_held_against():
    kinds = pd.Series(["x", "x", "y", "z"])
    found = compare_shares({"mine": rows(2)}, kinds, np.array([True, False, True, False])).set_index("value")
    assert found["pool_share"].to_dict() == {"x": 0.5, "y": 0.5}


def test_numbers_rise_and_words_begin_with_the_most_frequent():
    texts, names = name_values(pd.Series([10.0, 2.0, 2.0, np.nan]))
    assert names == ["2", "10", NOT_GIVEN] and texts.tolist() == ["10", "2", "2", NOT_GIVEN]
    assert name_values(pd.Series(["b", "a", "c", "c"]))[1] == ["c", "a", "b"]


def test_the_rarest_of_many_values_are_taken_together():
    values = pd.Series([f"t{i:02d}" for i in range(20) for _ in range(20 - i)])
    texts, names = name_values(values, most=5)
    assert names == ["t00", "t01", "t02", "t03", ALL_OTHERS]
    assert (texts == ALL_OTHERS).sum() == sum(range(1, 17))


# -- length


def test_correlation_with_length_agrees_with_scipy_and_its_interval_with_fisher():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    length = rng.integers(1, 40, 80).astype(float)
    reward = 0.1 * length + rng.normal(size=80)
    reward[:5] = np.nan
    row = correlate_with_length({"reward": (reward, length)}).iloc[0]
    expected = spearmanr(reward[5:], length[5:]).statistic
    assert row["n"] == 75 and row["correlation"] == pytest.approx(expected)
    half = 1.959963984540054 * math.sqrt((1 + expected**2 / 2) / 72)
    assert math.atanh(row["high"]) - math.atanh(row["low"]) == pytest.approx(2 * half)
    assert row["low"] < expected < row["high"]


@pytest.mark.parametrize(
    ("values", "lengths"),
    [([1, 1, 1, 1], [1, 2, 3, 4]), ([1, 2, 3, 4], [5, 5, 5, 5]), ([1, 2, np.nan, 4], [1, 2, 3, 4])],
)
def test_correlation_with_length_is_unknown_where_it_means_nothing(values, lengths):
    row = correlate_with_length({"s": (np.array(values, float), np.array(lengths, float))}).iloc[0]
    assert math.isnan(row["correlation"]) and math.isnan(row["low"])


def test_a_score_that_is_the_length_correlates_wholly():
    length = np.arange(10.0)
    found = correlate_with_length({"up": (length, length), "down": (-length, length)})
    assert found["correlation"].tolist() == pytest.approx([1.0, -1.0])
    assert found["low"].tolist() == pytest.approx([1.0, -1.0])
