"""Vectors onto a plane: UMAP in a process of its own, PCA where that cannot be had.

UMAP's compiled code can end the process that calls it, or never come back; so it never runs in ours. With a fixed seed
it uses one thread and gives the same map every time (McInnes 2018; umap-learn, "UMAP Reproducibility").
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

METHODS = ("umap", "pca")
N_NEIGHBOURS, MIN_DISTANCE = 15, 0.1
"""UMAP's own usual values."""

N_KEPT = 50
"""Directions that are kept before UMAP looks for neighbours: with all 384 it takes thrice as long for the same map."""

LEAST = 10
"""Points below which UMAP has no neighbourhoods to speak of."""

MOST_SECONDS = 3_600.0
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Projection:
    """Where each vector lies."""

    places: np.ndarray
    """(n, 2) float32, the middle at 0, the longer side from -1 to 1."""

    method: str
    """The one of METHODS that made it."""

    fault: str | None = None
    """Why it is not the method that was asked for."""


def project(
    vectors: np.ndarray, method: str = "umap", seed: int = 0, check: Callable[[], None] = lambda: None
) -> Projection:
    """Return where each vector lies on a plane; the same for the same vectors and seed.

    Args:
        vectors: (n, d) float32.
        method: one of METHODS.
        seed: of UMAP.
        check: called while UMAP works; what it raises ends the work.
    """
    if method == "pca":
        return Projection(_scale(reduce(vectors, 2)), "pca")
    if len(vectors) < LEAST:
        return Projection(_scale(reduce(vectors, 2)), "pca", f"UMAP needs at least {LEAST} points.")
    places, fault = _run_umap(reduce(vectors, N_KEPT), seed, check)
    if places is None:
        return Projection(_scale(reduce(vectors, 2)), "pca", fault)
    return Projection(_scale(places), "umap")


def reduce(vectors: np.ndarray, width: int) -> np.ndarray:
    """Return (n, width) float32: the directions in which the vectors differ most; zeros where there are fewer.

    The sign of each is such that the largest weight is positive, so that the same vectors give the same picture.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64) if len(vectors) else vectors
    spread = centred.T @ centred
    _, directions = np.linalg.eigh(spread)
    directions = directions[:, ::-1][:, :width]
    directions *= np.sign(np.take_along_axis(directions, np.abs(directions).argmax(axis=0)[None], axis=0))
    found = np.zeros((len(vectors), width), dtype=np.float32)
    found[:, : directions.shape[1]] = centred @ directions
    return found


def _scale(places: np.ndarray) -> np.ndarray:
    """Return the places moved and scaled alike in both directions: the map keeps its shape."""
    if not len(places):
        return places.astype(np.float32)
    low, high = places.min(axis=0), places.max(axis=0)
    half = max(float((high - low).max()) / 2, 1e-12)
    return ((places - (low + high) / 2) / half).astype(np.float32)


def _run_umap(vectors: np.ndarray, seed: int, check: Callable[[], None]) -> tuple[np.ndarray | None, str | None]:
    """Return (n, 2) from a process of its own; None and a sentence where it found no layout or did not end."""
    with tempfile.TemporaryDirectory(prefix="seedbed-map-") as folder:
        given, made, said = (Path(folder) / name for name in ("vectors.npy", "places.npy", "said.txt"))
        np.save(given, vectors, allow_pickle=False)
        command = [sys.executable, "-m", "core.maps.project", str(given), str(made), str(seed)]
        root = Path(__file__).resolve().parents[2]
        with said.open("wb") as output:
            child = subprocess.Popen(command, cwd=root, stdout=output, stderr=subprocess.STDOUT, env=_limit_threads())
            try:
                _wait(child, check)
            finally:
                child.kill()
                child.wait()
        if child.returncode == 0 and made.is_file():
            places = np.load(made, allow_pickle=False)
            is_whole = places.shape == (len(vectors), 2) and np.isfinite(places).all()
            return (places, None) if is_whole else (None, "UMAP found no layout: too many texts mean the same.")
        lines = said.read_text(errors="replace").strip().splitlines()
        return None, f"UMAP did not come to an end ({lines[-1] if lines else f'status {child.returncode}'})."


def _wait(child: subprocess.Popen, check: Callable[[], None]) -> None:
    """Wait until a process ends by itself, or has had its time."""
    deadline = time.monotonic() + MOST_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        check()
        time.sleep(POLL_S)


def _limit_threads() -> dict[str, str]:
    return {**os.environ, "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _main(given: str, made: str, seed: str) -> None:
    from umap import UMAP

    vectors = np.load(given, allow_pickle=False)
    model = UMAP(
        n_neighbors=min(N_NEIGHBOURS, len(vectors) - 1), min_dist=MIN_DISTANCE, init="pca", random_state=int(seed),
        n_jobs=1,
    )  # fmt: skip
    np.save(made, model.fit_transform(vectors), allow_pickle=False)


if __name__ == "__main__":
    _main(*sys.argv[1:])
