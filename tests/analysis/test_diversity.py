"""Diversity against slow plain references, and where it is not defined."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from core.analysis.diversity import (
    Measure,
    encode_words,
    list_pairs,
    measure_coverage,
    measure_distance,
    measure_distinct_n,
    measure_distinct_texts,
    measure_wording,
)
from core.filters.tokens import split_tokens

TEXTS = [
    "Tom buys 3 pens at $4 each. How much does he pay?",
    "Tom buys 5 pens at $4 each. How much does he pay?",
    "A train leaves at 8 and arrives at 11. How long is the journey?",
    "How long is the journey of a train that leaves at 9 and arrives at 11?",
    "Сколько яблок осталось у Маши?",
    "Сколько яблок осталось у Пети?",
    "",
    "Tom buys 3 pens at $4 each. How much does he pay?",
]
GROUPS = ["a", "a", "b", "b", "c", "c", "c", "d"]


@pytest.fixture
def vectors() -> np.ndarray:
    drawn = np.random.default_rng(3).normal(size=(len(TEXTS), 5)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def slow_lcs(a: list[str], b: list[str]) -> int:
    """Longest common subsequence by the textbook's table."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, left in enumerate(a, start=1):
        for j, right in enumerate(b, start=1):
            table[i][j] = table[i - 1][j - 1] + 1 if left == right else max(table[i - 1][j], table[i][j - 1])
    return table[-1][-1]


def slow_f(first: str, second: str) -> float:
    a, b = split_tokens(first), split_tokens(second)
    common = slow_lcs(a, b)
    if not common:
        return 0.0
    recall, precision = common / len(a), common / len(b)
    return 2 * recall * precision / (recall + precision)


def slow_mean(value, n: int, groups=None) -> float:
    """Mean over pairs, or the mean of the groups' means."""
    if groups is None:
        return float(np.mean([value(i, j) for i, j in combinations(range(n), 2)]))
    means = []
    for group in sorted(set(groups)):
        rows = [row for row in range(n) if groups[row] == group]
        if len(rows) > 1:
            means.append(np.mean([value(i, j) for i, j in combinations(rows, 2)]))
    return float(np.mean(means))


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_distance_and_wording_are_those_of_the_plain_pass(vectors, groups):
    def distance(i, j):
        return 1 - min(max(float(vectors[i] @ vectors[j]), 0.0), 1.0)

    found = measure_distance(vectors, GROUPS, is_within=groups is not None)
    assert found.value == pytest.approx(slow_mean(distance, len(TEXTS), groups), abs=1e-6)
    assert found.n == (5 if groups else 28)
    wording = measure_wording(TEXTS, GROUPS, is_within=groups is not None)
    assert wording.value == pytest.approx(slow_mean(lambda i, j: slow_f(TEXTS[i], TEXTS[j]), len(TEXTS), groups))


def test_opposite_meanings_are_as_far_apart_as_unrelated_ones():
    vectors = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    assert measure_distance(vectors, "abc").value == 1.0
    assert measure_distance(np.ones((4, 1)), "abcd").value == 0.0


@pytest.mark.parametrize("n", [1, 2, 3])
def test_distinct_n_is_different_runs_over_all_runs(n):
    runs = [tuple(words[i : i + n]) for words in map(split_tokens, TEXTS) for i in range(len(words) - n + 1)]
    found = measure_distinct_n(TEXTS, n, GROUPS)
    assert found.value == pytest.approx(len(set(runs)) / len(runs)) and found.n == len(runs)
    assert max(Counter(runs).values()) > 1


def test_texts_that_differ_in_case_and_spaces_only_are_one():
    found = measure_distinct_texts(["How many?", "how  many? ", "How much?", "Why?"], "abcd")
    assert (found.value, found.n) == (0.75, 4)


def test_coverage_counts_known_kinds_and_has_no_interval():
    found = measure_coverage(["algebra", None, "algebra", "cooking"], ["algebra", "geometry"])
    assert found == Measure(0.5, None, None, 2)


@pytest.mark.parametrize(("n", "n_kinds"), [(20, 20), (60, 20)])
def test_the_interval_of_coverage_holds_what_is_covered_on_average(n, n_kinds):
    """Kinds as rare as 1 in 72: draws of units alone would hold it in 77 and 84 % of such sets."""
    rng, shares = np.random.default_rng(0), 1 / np.arange(1, n_kinds + 1)
    drawn = [rng.choice(n_kinds, n, p=shares / shares.sum()) for _ in range(200)]
    found = [measure_coverage(kinds.tolist(), range(n_kinds), range(n), seed=at) for at, kinds in enumerate(drawn)]
    mean = np.mean([each.value for each in found])
    assert np.mean([each.low <= mean <= each.high for each in found]) >= 0.93
    assert all(0 <= each.low <= each.value <= each.high <= 1 for each in found)


def test_what_is_not_defined_is_none(vectors):
    nothing = Measure()
    assert measure_distance(vectors[:1], "a") == measure_wording([], []) == measure_wording(["one"], "a") == nothing
    assert measure_distance(vectors[:3], "abc", is_within=True) == nothing
    assert (
        measure_distinct_n(["one two"], 3, "a") == measure_distinct_texts([], []) == measure_coverage([], []) == nothing
    )
    assert measure_wording(["", "..."], "ab").value == 0.0
    two = measure_distinct_n(["one two", "one"], 1, "ab")
    assert (two.value, two.low, two.high) == (pytest.approx(2 / 3), None, None)


def slow_draws(value, units: np.ndarray, n_draws: int = 4000) -> list[float]:
    """Draw units again one by one; pairs within and between units weigh as in the whole, copies are not compared."""
    rng, n, means = np.random.default_rng(11), max(units) + 1, []
    pairs = list(combinations(range(len(units)), 2))
    share = np.mean([units[i] == units[j] for i, j in pairs])
    for _ in range(n_draws):
        drawn = rng.integers(n, size=n)
        within = [value(i, j) for unit in drawn for i, j in combinations(np.flatnonzero(units == unit), 2)]
        between = [
            value(i, j)
            for one, other in combinations(drawn, 2)
            if one != other
            for i in np.flatnonzero(units == one)
            for j in np.flatnonzero(units == other)
        ]
        if within and between:
            means.append(share * np.mean(within) + (1 - share) * np.mean(between))
    return np.percentile(means, [2.5, 97.5])


def test_the_interval_is_that_of_drawing_seeds_again(vectors):
    units = np.array([0, 0, 1, 1, 2, 2, 2, 3])
    products = 1 - np.clip(vectors @ vectors.T, 0, 1)
    found = measure_distance(vectors, GROUPS)
    low, high = slow_draws(lambda i, j: products[i, j], units, 2000)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.03), pytest.approx(high, abs=0.03))
    assert found.low < found.value < found.high
    assert found == measure_distance(vectors, GROUPS)
    first, other = (measure_distance(vectors, list(range(8)), seed=seed) for seed in (0, 1))
    assert first.value == other.value and (first.low, first.high) != (other.low, other.high)


def test_draws_with_many_copies_pull_the_interval_to_no_side():
    vectors = np.eye(6)[np.repeat(range(6), 5)]  # five texts of each seed that mean the same, all else unrelated
    found = measure_distance(vectors, np.repeat(range(6), 5).tolist())
    assert found.value == pytest.approx(375 / 435) and found.low == pytest.approx(found.value) == found.high


def test_one_prompt_for_all_is_drawn_again_by_its_calls(vectors):
    alone = measure_distance(vectors, ["prompt"] * 8, is_within=True)
    by_call = measure_distance(vectors, ["prompt"] * 8, units=[0, 0, 1, 1, 2, 2, 3, 3], is_within=True)
    assert alone.value == by_call.value and alone.low is None and by_call.low < by_call.value < by_call.high


def test_more_pairs_than_can_be_compared_are_drawn():
    rng = np.random.default_rng(0)
    first, second, is_drawn = list_pairs(400, rng, 5_000)
    assert is_drawn and (first < second).all() and len(set(zip(first, second, strict=True))) == len(first) > 4_500
    assert abs(first.mean() - 400 / 3) < 5 and abs(second.mean() - 2 * 400 / 3) < 5
    drawn = rng.normal(size=(300, 4))
    vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    exact = measure_distance(vectors, list(range(300)))
    sample = measure_distance(vectors, list(range(300)), most_pairs=10_000)
    assert sample.is_sampled and not exact.is_sampled and sample.n < 10_000 < exact.n
    assert sample.value == pytest.approx(exact.value, abs=0.01)


def test_words_keep_one_sign_beyond_the_surrogates():
    codes = encode_words([" ".join(map(str, range(60_000))), "0 59999"])
    assert len(set(codes[0])) == len(codes[0]) == 60_000 and codes[1] == codes[0][0] + codes[0][-1]
    codes[0].encode()
