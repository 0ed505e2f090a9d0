"""The Vendi score against its definition, and cases that are known beforehand."""

import numpy as np
import pytest

from core.analysis.vendi import compute_vendi, measure_vendi


def make_vectors(n: int, width: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def compute_plainly(vectors: np.ndarray) -> float:
    """From the n x n matrix of similarities, as the definition says."""
    values = np.linalg.eigvalsh((vectors @ vectors.T).astype(float) / len(vectors))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


@pytest.mark.parametrize(("n", "width"), [(12, 6), (6, 12)])
def test_it_is_what_the_definition_says(n, width):
    vectors = make_vectors(n, width)
    assert compute_vendi(vectors) == pytest.approx(compute_plainly(vectors), rel=1e-4)


def test_equal_texts_are_one_thing_and_unlike_ones_are_as_many_as_there_are():
    assert compute_vendi(np.tile(make_vectors(1, 5), (7, 1))) == pytest.approx(1.0, abs=1e-4)
    assert compute_vendi(np.eye(5, dtype=np.float32)) == pytest.approx(5.0, rel=1e-5)


@pytest.mark.parametrize("width", [4, 9])
def test_a_weight_of_two_is_the_same_text_twice(width):
    vectors = make_vectors(6, width)
    twice = np.concatenate([vectors, vectors[:1]])
    assert compute_vendi(vectors, np.array([2, 1, 1, 1, 1, 1.0])) == pytest.approx(compute_vendi(twice), rel=1e-4)


def test_the_interval_lies_around_the_score_and_narrows_with_more_texts():
    few, many = (measure_vendi(make_vectors(n, 8), list(range(n))) for n in (40, 640))
    assert few.low < few.value < few.high and many.low < many.value < many.high
    assert many.high - many.low < 0.5 * (few.high - few.low)
    assert measure_vendi(make_vectors(40, 8), list(range(40))) == few, "the same draws every time"


def test_few_units_have_no_interval_and_no_vectors_no_score():
    assert measure_vendi(make_vectors(4, 3), ["a", "a", "b", "b"]).low is None
    assert measure_vendi(np.empty((0, 3), np.float32), []).value is None
