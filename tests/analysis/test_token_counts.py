"""Counts of tokens: any two sets as the slow measure has them, halves of one set, examples, and kept on the disk."""

import numpy as np
import pytest

from core.analysis.token_counts import TokenCounts
from core.analysis.token_shift import count_tokens, list_shifted, measure_shift
from core.filters.tokens import split_tokens

TEXTS = ["two red pens", "two blue pens and two cups", "a cup", "", "red red red", "seven pens of <b>gold</b>"]


@pytest.fixture(params=["made", "read again"])
def counts(request, tmp_path) -> TokenCounts:
    made = TokenCounts.of(TEXTS, split_tokens)
    if request.param == "made":
        return made
    made.save(tmp_path / "tokens")
    return TokenCounts.load(tmp_path / "tokens")


@pytest.mark.parametrize(("first", "second"), [([0, 1], [2, 4]), ([0], [0]), ([0, 1, 2, 3, 4, 5], [1])])
def test_two_sets_are_as_far_apart_as_the_slow_measure_says(counts, first, second):
    plain = [count_tokens([TEXTS[row] for row in rows], split_tokens) for rows in (first, second)]
    rows = np.array(first), np.array(second)
    assert counts.measure(*rows) == pytest.approx(measure_shift(*plain))
    wanted = list_shifted(*plain)
    found = counts.list_shifted(*rows)
    wanted = wanted[wanted["part"] != 0].reset_index(drop=True)
    assert found["token"].tolist() == wanted["token"].tolist()
    assert np.allclose(found[["first", "second", "part"]], wanted[["first", "second", "part"]])


def test_numbers_and_signs_can_be_left_out_of_the_list_and_no_share_changes(counts):
    texts = TokenCounts.of(["two pens = 2", "red pens = 3 +"], split_tokens)
    rows = np.array([0]), np.array([1])
    whole, short = texts.list_shifted(*rows), texts.list_shifted(*rows, has_signs=False)
    assert set(whole["token"]) - set(short["token"]) >= {"2", "3"}
    assert set(short["token"]) == {token for token in whole["token"] if token.isalpha()}
    left = whole[whole["token"].isin(short["token"])].set_index("token").sort_index()
    assert np.allclose(short.set_index("token").sort_index(), left)


def test_a_set_without_a_token_has_no_distance(counts):
    assert counts.measure(np.array([3]), np.array([0])) is None
    assert counts.measure(np.empty(0, int), np.array([0])) is None
    assert counts.find_null(np.array([0]), 5) is None


def test_halves_of_one_set_are_what_no_difference_looks_like():
    rng = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(40)])
    texts = [" ".join(rng.choice(words, 20)) for _ in range(400)]
    other = [" ".join(rng.choice(words[:20], 20)) for _ in range(200)]
    counts = TokenCounts.of([*texts, *other], split_tokens)
    first, alike, unlike = np.arange(200), np.arange(200, 400), np.arange(400, 600)
    null = counts.find_null(first, 200)
    assert null.n == 100 and null.low < null.mean < null.high
    assert counts.measure_equal(first, alike, null.n) < null.high, "sets of one source are told to be alike"
    assert counts.measure_equal(first, unlike, null.n) > 3 * null.high
    assert counts.find_null(first, 30).n == 30, "a half has no more texts than the other set"
    assert counts.find_null(first, 30).mean > null.mean, "small sets lie farther apart"


def test_examples_are_those_that_hold_a_token_most_often(counts):
    rows = np.arange(len(TEXTS))
    assert counts.list_rows_with("red", rows, 3).tolist() == [4, 0]
    assert counts.list_rows_with("pens", rows, 2).tolist() == [0, 1]
    assert counts.list_rows_with("nothing", rows, 3).tolist() == []
