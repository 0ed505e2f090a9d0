"""Projection: the same map every time, groups stay together, and PCA where UMAP does not come to an end."""

import time

import numpy as np
import pytest

from core.errors import RunCancelled
from core.maps import project as module
from core.maps.project import project, reduce


def make_groups(n: int = 40, width: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Three groups of vectors of length 1, and the group of each."""
    rng = np.random.default_rng(0)
    group = np.arange(n) % 3
    vectors = rng.normal(size=(3, width))[group] + 0.1 * rng.normal(size=(n, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), group


def find_nearest_group(places: np.ndarray, group: np.ndarray) -> np.ndarray:
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    return group[distance.argmin(axis=1)]


@pytest.mark.parametrize("method", [pytest.param("umap", marks=pytest.mark.soak), "pca"])
def test_groups_stay_together_and_the_map_is_the_same_again(method):
    vectors, group = make_groups()
    made = project(vectors, method)
    assert made.method == method and made.fault is None
    assert made.places.shape == (40, 2) and made.places.dtype == np.float32
    assert np.abs(made.places).max() == pytest.approx(1.0)
    assert (find_nearest_group(made.places, group) == group).all()
    assert np.array_equal(project(vectors, method).places, made.places)


def test_pca_finds_the_directions_of_the_largest_spread():
    rng = np.random.default_rng(1)
    plain = np.zeros((50, 5), np.float32)
    plain[:, 3], plain[:, 1] = rng.normal(size=50) * 3, rng.normal(size=50)
    found = reduce(plain, 3)
    assert np.abs(np.corrcoef(found[:, 0], plain[:, 3])[0, 1]) > 0.99
    assert np.abs(np.corrcoef(found[:, 1], plain[:, 1])[0, 1]) > 0.99
    assert np.allclose(found[:, 2], 0, atol=1e-5)
    assert reduce(plain[:, :2], 4).shape == (50, 4), "fewer directions than wanted are filled with zeros"


def test_where_umap_dies_the_map_is_made_by_pca_and_says_why(monkeypatch):
    vectors, _ = make_groups()
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    made = project(vectors)
    assert made.method == "pca" and made.fault.startswith("UMAP did not come to an end (")
    assert np.array_equal(made.places, project(vectors, "pca").places)


@pytest.mark.soak  # UMAP compiles for ten seconds
def test_texts_that_all_mean_the_same_are_no_fault_of_umap_s_process():
    made = project(np.tile(make_groups()[0][:1], (12, 1)))
    assert (made.method, made.fault) == ("pca", "UMAP found no layout: too many texts mean the same.")
    assert np.isfinite(made.places).all()


def test_few_points_are_laid_out_by_pca():
    made = project(make_groups(6)[0])
    assert made.method == "pca" and "at least 10" in made.fault and made.places.shape == (6, 2)
    assert project(make_groups(1)[0]).places.shape == (1, 2)


def test_where_umap_is_killed_its_last_words_are_kept(monkeypatch):
    vectors, _ = make_groups()
    monkeypatch.setattr(module, "_limit_threads", lambda: {"PATH": "", "PYTHONHOME": "/nowhere"})
    made = project(vectors)
    assert made.method == "pca" and "UMAP did not come to an end (" in made.fault and "status" not in made.fault


def test_a_cancel_ends_umap_at_once():
    def cancel() -> None:
        raise RunCancelled("The run was cancelled.")

    start = time.monotonic()
    with pytest.raises(RunCancelled):
        project(make_groups()[0], check=cancel)
    assert time.monotonic() - start < 10
