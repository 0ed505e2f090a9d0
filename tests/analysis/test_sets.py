"""Measures of several sets: each by a plain reference or an obvious case, sampled where sets are large."""

from itertools import combinations

import numpy as np
import pytest

from core.analysis import sets
from core.analysis.diversity import measure_share
from core.analysis.sets import (
    MEASURES,
    Texts,
    assign_clusters,
    find_clusters,
    find_roots,
    find_twins,
    join_units,
    list_sets,
    measure_set,
)
from core.filters.closeness import measure_rouge_l

SEEDS = ["Tom buys three pens.", "A train leaves at noon.", "Six cups stand on a shelf.", "Two dogs eat five bones."]
GROWN = ["Tom buys four pens.", "Tom buys five pens.", "A train leaves at two.", "The moon is far away."]


def make_texts(texts: list[str] = [*SEEDS, *GROWN], n_clusters: int = 4) -> Texts:  # noqa: B006
    vectors = np.eye(len(texts), 16, dtype=np.float32)
    kinds = ["shop", "train", None, "animals"] * 2
    return Texts(
        texts=texts,
        vectors=vectors,
        units=[str(row) for row in range(len(texts))],
        kinds=kinds[: len(texts)],
        all_kinds=["animals", "shop", "train"],
        clusters=np.arange(len(texts)) % n_clusters,
        n_clusters=n_clusters,
    )


def test_every_measure_of_a_small_set():
    found = measure_set(make_texts(), np.arange(4, 8))
    assert list(found) == list(MEASURES)
    pairs = [measure_rouge_l(first, second) for first, second in combinations(GROWN, 2)]
    assert found["wording"].value == pytest.approx(np.mean(pairs))
    assert found["near_duplicates"].value == 0.5 and found["near_duplicates"].n == 1, "two texts, one pair"
    assert found["distance"].value == pytest.approx(1.0) and found["vendi"].value == pytest.approx(4.0)
    assert found["clusters"].value == 1.0 and found["types"].value == 1.0
    assert found["vendi_equal"].value is None, "of fewer than a hundred texts nothing is said of a hundred"
    one = measure_set(make_texts(), np.array([4]))
    assert one["wording"].value is None and one["types"].value == pytest.approx(1 / 3)


def test_near_duplicates_are_those_of_a_plain_comparison():
    texts = [*SEEDS, *GROWN, GROWN[0]]
    pairs = [(i, j) for i, j in combinations(range(9), 2) if measure_rouge_l(texts[i], texts[j]) > 0.7]
    assert sorted(map(tuple, find_twins(texts, 0.7).tolist())) == pairs and len(pairs) > 3
    alone = measure_set(make_texts(), np.array([0, 1]))["near_duplicates"]
    assert (alone.value, alone.n) == (0.0, 0), "a near-duplicate outside of the set is none"


def test_units_are_one_where_twins_link_them():
    found = join_units(["a", "a", "b", "c", "d"], np.array([[0, 2], [3, 2]]))
    assert len(set(found[:4])) == 1 and found[4] != found[0]
    assert join_units(["a", "b"], np.empty((0, 2), np.int64)).tolist() == [0, 1]
    assert join_units([], np.empty((0, 2), np.int64)).tolist() == []


def test_the_interval_of_near_duplicates_holds_their_share_on_average():
    """Texts of 3,000 kinds, two of a kind being near-duplicates: drawn one by one, 80 % would hold it."""
    rng, found = np.random.default_rng(0), []
    for seed in range(200):
        kinds = rng.integers(3000, size=200)
        order = np.argsort(kinds, kind="stable")
        is_same = np.diff(kinds[order]) == 0
        pairs = np.stack([order[:-1][is_same], order[1:][is_same]], axis=1)
        has_twin = np.zeros(200)
        has_twin[pairs] = 1.0
        found.append(measure_share(has_twin, join_units(range(200), pairs).tolist(), seed=seed))
    mean = np.mean([each.value for each in found])
    assert np.mean([each.low <= mean <= each.high for each in found]) >= 0.9


def test_sets_of_any_size_compare_at_a_hundred_texts():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [f"text number {number}" for number in range(400)]
    clusters = assign_clusters(vectors, find_clusters(vectors))
    given = Texts(texts, vectors, texts, [None] * 400, [], clusters, 40)
    small, large = measure_set(given, np.arange(150)), measure_set(given, np.arange(400))
    assert large["vendi"].value > small["vendi"].value
    assert abs(large["vendi_equal"].value - small["vendi_equal"].value) < 0.5
    assert large["vendi_equal"].low < large["vendi_equal"].value < large["vendi_equal"].high
    assert large["types"].value is None, "there are no types to cover"


def test_large_sets_are_sampled_and_say_so(monkeypatch):
    monkeypatch.setattr(sets, "MOST_TEXTS", 5)
    found = measure_set(make_texts(), np.arange(8))
    assert all(each.is_sampled for each in found.values())
    assert found["distance"].n == 10, "pairs of five texts"


def test_parts_are_listed_where_there_are_several_and_rounds_by_number():
    groups = {"round": ["10", "2", "2", None], "method": ["rewrite"] * 4}
    passed = np.array([True, True, False, True])
    found = [(grouping, member, rows.tolist()) for grouping, member, rows in list_sets(groups, passed)]
    assert found == [("round", "2", [1]), ("round", "10", [0])]


def test_a_task_whose_questions_mean_nothing_has_no_distances():
    given = make_texts()
    blind = Texts(given.texts, None, given.units, given.kinds, given.all_kinds, None, 4)
    found = measure_set(blind, np.arange(8))
    assert found["distance"].value is None and found["vendi"].value is None and found["wording"].value is not None


def test_a_grandchild_goes_back_to_the_seed():
    ids = ["seed", "child", "grandchild", "stray", "alone", "a", "b"]
    parents = ["seed", "seed", "child", "gone", "alone", "b", "a"]  # the last two are each other's parents
    assert find_roots(ids, parents)[:5] == ["seed", "seed", "seed", "gone", "alone"]
    assert set(find_roots(ids, parents)[5:]) <= {"a", "b"}
