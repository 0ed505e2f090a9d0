"""One body over every registered selector, and one oracle for each."""

import copy
from collections.abc import Mapping

import numpy as np
import pytest

from core.errors import SelectionError
from core.selection import SELECTORS, Pool

ALL = pytest.mark.parametrize("name", SELECTORS.names())


def make_pool(n: int = 60, seed: int = 0, n_unknown: int = 5, excluded: tuple[int, ...] = ()) -> Pool:
    """A pool with many ties; the first rows have no signals."""
    rng = np.random.default_rng(seed)
    loss = rng.integers(0, 8, n) / 4.0
    correct = rng.integers(0, 2, n).astype(float)
    loss[:n_unknown] = np.nan
    correct[:n_unknown] = np.nan
    is_excluded = np.isin(np.arange(n), excluded)
    ids = np.array([f"problem_{rng.integers(1 << 60):x}" for _ in range(n)])
    return Pool(ids, {"loss": loss, "correct": correct}, is_excluded if excluded else None)


def shuffle(pool: Pool, order: np.ndarray) -> Pool:
    signals = {name: values[order] for name, values in pool.signals.items()}
    return Pool(pool.problem_ids[order], signals, None if pool.is_excluded is None else pool.is_excluded[order])


def choose(name: str, pool: Pool, k: int, seed: int = 1):
    return SELECTORS.get(name)(pool, k, np.random.default_rng(seed))


@ALL
def test_says_what_it_is(name):
    selector = SELECTORS.get(name)
    assert selector.title and selector.needs <= {"loss", "correct"}


@ALL
@pytest.mark.parametrize("k", [1, 7, 60])
def test_chooses_k_distinct_free_rows_with_a_reason_each(name, k):
    selection = choose(name, make_pool(), k)
    assert selection.indices.dtype == np.int64 and selection.indices.shape == (k,)
    assert len(set(selection.indices.tolist())) == k
    assert set(selection.indices.tolist()) <= set(range(60))
    assert len(selection.reason) == k and all(selection.reason)


@ALL
def test_same_seed_same_rows_and_another_seed_breaks_ties_otherwise(name):
    pool = make_pool()
    first, again = choose(name, pool, 20), choose(name, pool, 20)
    assert first.indices.tolist() == again.indices.tolist()
    others = [choose(name, pool, 20, seed).indices.tolist() for seed in range(2, 6)]
    assert any(rows != first.indices.tolist() for rows in others)


@ALL
def test_the_order_of_the_pool_does_not_matter(name):
    pool = make_pool(excluded=(3, 30, 31))
    order = np.random.default_rng(9).permutation(len(pool))
    moved = shuffle(pool, order)
    for k in (1, 10, 57):
        ids = pool.problem_ids[choose(name, pool, k).indices].tolist()
        assert moved.problem_ids[choose(name, moved, k).indices].tolist() == ids


@ALL
def test_the_pool_is_left_as_it_was(name):
    pool = make_pool(excluded=(4,))
    before = copy.deepcopy(pool)
    choose(name, pool, 10)
    assert pool.problem_ids.tolist() == before.problem_ids.tolist()
    assert pool.is_excluded.tolist() == before.is_excluded.tolist()
    for signal in pool.signals:
        np.testing.assert_array_equal(pool.signals[signal], before.signals[signal])


@ALL
@pytest.mark.parametrize("k", [0, -1, 58])
def test_what_cannot_be_answered_is_refused_in_one_sentence(name, k):
    with pytest.raises(SelectionError) as refused:
        choose(name, make_pool(excluded=(1, 2, 3)), k)
    assert str(refused.value).count(".") == 1 and str(refused.value).endswith(".")


@ALL
def test_a_missing_signal_is_refused_by_name(name):
    pool = make_pool()
    bare = Pool(pool.problem_ids)
    for signal in SELECTORS.get(name).needs:
        with pytest.raises(SelectionError, match=signal):
            choose(name, bare, 3)
    if not SELECTORS.get(name).needs:
        assert len(choose(name, bare, 3).indices) == 3


@ALL
def test_excluded_rows_are_never_chosen(name):
    excluded = tuple(range(5, 60, 2))
    pool = make_pool(excluded=excluded)
    for k in (1, 10, int(pool.is_free.sum())):
        assert not set(choose(name, pool, k).indices.tolist()) & set(excluded)


@ALL
def test_priority_is_nan_exactly_where_a_row_has_no_claim(name):
    pool = make_pool(excluded=(8, 9))
    selection = choose(name, pool, 10)
    if selection.priority is None:
        assert selection.group is not None and selection.group.shape == (60,)
        return
    unknown = np.isnan(pool.signals["loss"]) if "loss" in SELECTORS.get(name).needs else np.zeros(60, bool)
    np.testing.assert_array_equal(np.isnan(selection.priority), unknown | ~pool.is_free)
    chosen = selection.priority[selection.indices]
    assert (np.diff(chosen) <= 0).all()
    assert chosen.min() >= np.nanmax(np.delete(selection.priority, selection.indices))


@ALL
def test_rows_without_a_signal_come_last_and_are_counted(name):
    pool = make_pool(n_unknown=50)
    needs = SELECTORS.get(name).needs
    selection = choose(name, pool, 30)
    if not needs:
        assert selection.n_topped_up == 0
        return
    known = set(range(50, 60))
    assert set(selection.indices[:10].tolist()) == known
    wanted = {"loss": 20, "correct": 30 - int((pool.signals["correct"] == 0).sum())}
    assert selection.n_topped_up == wanted[next(iter(needs))]
    assert any("at random" in reason for reason in selection.reason)


@ALL
def test_all_unknown_is_random_and_said_so(name):
    pool = make_pool(n_unknown=60)
    selection = choose(name, pool, 10)
    assert selection.n_topped_up == (10 if SELECTORS.get(name).needs else 0)
    assert len(set(selection.indices.tolist())) == 10


# -- oracles: a case whose answer can be seen by eye ---------------------------------------------------------------

EIGHT: Mapping[str, np.ndarray] = {
    "loss": np.array([0.1, 1.93, 0.5, np.nan, 2.5, 0.2, 1.0, 0.9]),
    "correct": np.array([1, 0, 1, np.nan, 0, 1, 0, 1]),
}


def eight() -> Pool:
    return Pool(np.array(list("abcdefgh")), EIGHT)


def test_loss_high_takes_the_highest_in_order():
    selection = choose("loss_high", eight(), 3)
    assert selection.indices.tolist() == [4, 1, 6]
    assert list(selection.reason)[:2] == ["loss 2.50, the highest of 7", "loss 1.93, 2nd highest of 7"]


def test_loss_low_takes_the_lowest_in_order():
    selection = choose("loss_low", eight(), 3)
    assert selection.indices.tolist() == [0, 5, 2]
    assert selection.reason[2] == "loss 0.50, 3rd lowest of 7"


def test_incorrect_takes_the_wrong_ones_then_correct_ones_then_the_unjudged():
    assert set(choose("incorrect", eight(), 3).indices.tolist()) == {1, 4, 6}
    selection = choose("incorrect", eight(), 8)
    assert set(selection.indices[:3].tolist()) == {1, 4, 6} and selection.indices[-1] == 3
    assert selection.n_topped_up == 5
    assert selection.group.tolist() == [
        "correct", "incorrect", "correct", "unknown", "incorrect", "correct", "incorrect", "correct",
    ]  # fmt: skip


def test_incorrect_draws_each_wrong_problem_alike_often():
    counts = np.zeros(8)
    for seed in range(600):
        counts[choose("incorrect", eight(), 1, seed).indices] += 1
    assert counts[[1, 4, 6]].sum() == 600 and counts[[1, 4, 6]].min() > 150  # expected 200 each, s.d. 11.5


def test_random_draws_each_problem_alike_often():
    counts = np.zeros(8)
    for seed in range(800):
        counts[choose("random", eight(), 2, seed).indices] += 1
    assert counts.sum() == 1600 and abs(counts - 200).max() < 60  # expected 200 each, s.d. 12.2
