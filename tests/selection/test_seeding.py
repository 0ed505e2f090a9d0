"""Seeding by distance against the probabilities of plain k-means++, worked out in full on a small pool."""

import itertools
from collections import Counter

import numpy as np
import pytest

from core.errors import SelectionError
from core.selection import seeding
from core.selection.seeding import seed_by_distance

FEW = np.array([[0.1, 0.2], [1.0, 0.0], [0.9, 0.3], [-1.0, 0.8], [0.2, -1.1], [2.0, 1.5]])
WEIGHTS = np.array([1.0, 0.2, 3.0, 0.0, 1.5, 1.0])


def list_sequences(vectors: np.ndarray, weights: np.ndarray, k: int) -> dict[tuple[int, ...], float]:
    """The probability of every sequence of k rows, from the definition."""
    distances = ((vectors[:, None] - vectors) ** 2).sum(-1)
    first = int(np.argmax((vectors**2).sum(1)))
    found = {}
    for others in itertools.permutations([row for row in range(len(vectors)) if row != first], k - 1):
        probability, rows = 1.0, [first]
        for row in others:
            mass = weights * distances[:, rows].min(axis=1)
            probability *= mass[row] / mass.sum()
            rows.append(row)
        if probability:
            found[tuple(rows)] = probability
    assert sum(found.values()) == pytest.approx(1.0)
    return found


def measure_chi_square(counts: Counter, expected: dict[tuple[int, ...], float]) -> tuple[float, int]:
    """Return chi-square and its degrees of freedom; cells that expect less than 5 share one."""
    n = counts.total()
    cells = [(counts[key], p * n) for key, p in expected.items() if p * n >= 5]
    rest = n - sum(e for _, e in cells)
    if rest > 0.5:
        cells.append((n - sum(c for c, _ in cells), rest))
    return sum((c - e) ** 2 / e for c, e in cells), len(cells) - 1


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("share", [0.0, 0.5, 100.0], ids=["always_fresh", "default", "stale"])
def test_sequences_have_the_probabilities_of_plain_k_means_plus_plus(monkeypatch, share, weights):
    monkeypatch.setattr(seeding, "NEW_SHARE", share)
    rng = np.random.default_rng(0)
    counts = Counter(tuple(seed_by_distance(FEW, 4, rng, weights=weights).tolist()) for _ in range(4000))
    expected = list_sequences(FEW, np.ones(6) if weights is None else weights, 4)
    assert set(counts) <= set(expected)
    chi_square, freedom = measure_chi_square(counts, expected)
    assert freedom > 10 and chi_square < freedom + 4 * np.sqrt(2 * freedom)


def seed_plainly(vectors: np.ndarray, k: int, rng: np.random.Generator) -> list[int]:
    """The loop as it is written down: every row against every centre."""
    rows = [int(np.argmax((vectors**2).sum(1)))]
    while len(rows) < k:
        nearest = ((vectors[:, None] - vectors[rows]) ** 2).sum(-1).min(1)
        rows.append(int(rng.choice(len(vectors), p=nearest / nearest.sum())))
    return rows


def test_rows_are_chosen_as_often_as_by_the_plain_loop_where_many_are_new(monkeypatch):
    monkeypatch.setattr(seeding, "BLOCK", 50)  # several blocks, the last one short
    vectors = np.random.default_rng(5).standard_normal((24, 8)) * np.geomspace(1, 8, 24)[:, None]
    n, k = 400, 12
    ours, theirs = np.zeros(24), np.zeros(24)
    mine, other = np.random.default_rng(6), np.random.default_rng(7)
    for _ in range(n):
        ours[seed_by_distance(vectors, k, mine)] += 1
        theirs[seed_plainly(vectors, k, other)] += 1
    share = (ours + theirs) / (2 * n)
    error = np.sqrt(np.maximum(share * (1 - share), 1 / n) * 2 / n)
    assert (np.abs(ours - theirs) / n < 4 * error).all()
    assert np.ptp(share) > 0.5  # it is not a uniform draw


@pytest.mark.parametrize("seed", range(5))
def test_one_comes_from_each_cluster(seed):
    rng = np.random.default_rng(seed)
    centres = 100 * np.eye(8, 16)
    vectors = (np.repeat(centres, 30, axis=0) + 0.01 * rng.standard_normal((240, 16))).astype(np.float32)
    chosen = seed_by_distance(vectors, 8, rng)
    assert sorted(chosen // 30) == list(range(8))


def test_long_rows_are_preferred_and_the_longest_comes_first():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((500, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[100:120] *= 20
    vectors[110] *= 1.01
    chosen = seed_by_distance(vectors, 20, rng)
    assert chosen[0] == 110 and np.isin(chosen, range(100, 120)).mean() > 0.7  # by lot it were 0.04


def test_the_first_can_be_drawn_instead():
    rng = np.random.default_rng(0)
    firsts = Counter(int(seed_by_distance(FEW, 1, rng, first="drawn", weights=WEIGHTS)[0]) for _ in range(3000))
    expected = {(row,): weight / WEIGHTS.sum() for row, weight in enumerate(WEIGHTS) if weight}
    chi_square, freedom = measure_chi_square(Counter({(row,): n for row, n in firsts.items()}), expected)
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom) and 3 not in firsts


def test_equal_rows_come_last_and_alike_often():
    """Rounding leaves copies of a long row at some small distance from it: they must not be drawn by that."""
    rng, n_long_first = np.random.default_rng(0), 0
    for _ in range(400):
        distinct = rng.standard_normal((2, 500)) * [[1], [100]]
        chosen = seed_by_distance(np.repeat(distinct, 4, axis=0).astype(np.float32), 5, rng)
        assert sorted(chosen[:2] // 4) == [0, 1] and len(set(chosen.tolist())) == 5
        n_long_first += (chosen[2:] // 4 == 1).all()
    assert abs(n_long_first - 20) < 18  # 3 of the 6 left: one way in 20; standard deviation 4.4


@pytest.mark.parametrize("vectors", [np.zeros((9, 4)), np.ones((9, 4))], ids=["zeros", "ones"])
def test_where_all_rows_are_equal_the_rest_is_drawn_uniformly(vectors):
    counts, rng = np.zeros(9), np.random.default_rng(0)
    for _ in range(500):
        chosen = seed_by_distance(vectors, 4, rng)
        assert chosen[0] == 0
        counts[chosen[1:]] += 1
    assert counts[0] == 0 and (np.abs(counts[1:] - 187.5) < 50).all()


def test_copies_are_seen_among_long_rows_that_differ_little():
    """In float32 the squared distance 1e-4 would be lost beside squared lengths of 1e8."""
    rng = np.random.default_rng(0)
    distinct = (1e4 * np.ones((1, 64)) / 8 + 1e-2 * rng.standard_normal((40, 64))).astype(np.float32)
    assert len(np.unique(distinct, axis=0)) == 40
    chosen = seed_by_distance(np.tile(distinct, (5, 1)), 40, rng)
    assert sorted(chosen % 40) == list(range(40))


def test_all_rows_can_be_chosen_and_weights_of_zero_come_last():
    vectors = np.random.default_rng(0).standard_normal((700, 4))
    weights = (np.arange(700) % 7 > 0).astype(float)
    chosen = seed_by_distance(vectors, 700, np.random.default_rng(1), weights=weights)
    assert sorted(chosen) == list(range(700)) and chosen.dtype == np.int64
    assert (weights[chosen[:600]] == 1).all() and (weights[chosen[600:]] == 0).all()


def test_the_same_seed_gives_the_same_rows_and_the_vectors_stay_as_they_are():
    vectors = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float32)
    before = vectors.copy()
    chosen = [seed_by_distance(vectors, 60, np.random.default_rng(seed)).tolist() for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]
    np.testing.assert_array_equal(vectors, before)


@pytest.mark.parametrize("k", [0, 7])
def test_too_few_or_too_many_are_refused(k):
    with pytest.raises(SelectionError, match="between 1 and 6"):
        seed_by_distance(FEW, k, np.random.default_rng(0))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_without_a_value_are_refused(value):
    vectors = FEW.copy()
    vectors[2, 1] = value
    with pytest.raises(ValueError, match="Vectors must be finite"):
        seed_by_distance(vectors, 2, np.random.default_rng(0))


@pytest.mark.parametrize("weights", [np.ones(5), -np.ones(6), np.full(6, np.nan)])
def test_weights_that_make_no_sense_are_refused(weights):
    with pytest.raises(ValueError, match="6 finite numbers"):
        seed_by_distance(FEW, 2, np.random.default_rng(0), weights=weights)
