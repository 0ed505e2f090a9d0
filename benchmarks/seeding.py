"""k-means++ seeding of gradient sketches: ours, the plain loop, and scikit-learn's ``kmeans_plusplus``.

    python benchmarks/seeding.py [--quick] [--rows 100000] [--width 1024] [--choose 1000]

Two made pools: ``gradients`` has log-normal lengths (the logarithm's standard deviation is 0.9, as measured on
gradients of the shipped student) and 300 loose clusters of directions; ``equal`` has unit lengths and no clusters. Each
side runs in a process of its own; its memory is the peak of the whole process, interpreter and vectors included.

- plain: every row against each new centre, a matrix-vector product in float32, then a draw from the running sum.
- scikit-learn, 1 trial: the same algorithm except that the first row is drawn uniformly; ``default`` is the greedy one,
  which tries 2 + log(k) rows for each centre and keeps the best: another, closer choice, shown for its time. Both
  take many minutes on all rows, so they get a tenth of them, and so do we once more.

``left`` is the mean squared distance of all rows to the nearest chosen one, in shares of the mean squared length: it is
the same for ours and the plain loop up to chance.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from core.selection.seeding import seed_by_distance

POOLS = ["gradients", "equal"]


def make_pool(name: str, n: int, width: int) -> np.ndarray:
    """Return (n, width) float32 vectors."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((300, width), dtype=np.float32)
    vectors = np.empty((n, width), np.float32)
    for start in range(0, n, 1000):
        part = vectors[start : start + 1000]
        rng.standard_normal(out=part, dtype=np.float32)
        if name == "gradients":
            part += centres[rng.integers(0, 300, len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
        if name == "gradients":
            part *= np.exp(0.9 * rng.standard_normal((len(part), 1))).astype(np.float32)
    return vectors


def seed_ours(vectors: np.ndarray, k: int) -> np.ndarray:
    """Ask ``core.selection.seeding``."""
    return seed_by_distance(vectors, k, np.random.default_rng(1))


def seed_plainly(vectors: np.ndarray, k: int) -> np.ndarray:
    """Go through all rows for each centre."""
    rng = np.random.default_rng(1)
    squares = np.einsum("ij,ij->i", vectors, vectors)
    rows, nearest = [int(squares.argmax())], np.full(len(vectors), np.inf)
    while len(rows) < k:
        distances = squares + squares[rows[-1]] - 2 * (vectors @ vectors[rows[-1]])
        nearest = np.minimum(nearest, np.maximum(distances, 0))
        nearest[rows[-1]] = 0
        sums = nearest.cumsum()
        rows.append(int(np.searchsorted(sums, rng.random() * sums[-1], side="right")))
    return np.array(rows)


def ask_sklearn(trials: int | None) -> Callable[[np.ndarray, int], np.ndarray]:
    """Return a way to seed with scikit-learn."""

    def seed(vectors: np.ndarray, k: int) -> np.ndarray:
        from sklearn.cluster import kmeans_plusplus

        return kmeans_plusplus(vectors, k, random_state=1, n_local_trials=trials)[1]

    return seed


SIDES = {
    "ours": seed_ours,
    "plain loop": seed_plainly,
    "scikit-learn, 1 trial": ask_sklearn(1),
    "scikit-learn, default": ask_sklearn(None),
}


def measure_left(vectors: np.ndarray, rows: np.ndarray) -> float:
    """Return the mean squared distance to the nearest chosen row over the mean squared length."""
    centres = vectors[rows]
    squares, total = (centres**2).sum(1), 0.0
    for start in range(0, len(vectors), 2000):
        part = vectors[start : start + 2000]
        nearest = (squares - 2 * (part @ centres.T)).min(1) + (part**2).sum(1)
        total += float(np.maximum(nearest, 0).sum(dtype=np.float64))
    return total / float(np.einsum("ij,ij->", vectors, vectors, dtype=np.float64))


def run_side(side: str, pool: str, n: int, width: int, k: int) -> dict[str, float]:
    """Seed once in this process."""
    vectors = make_pool(pool, n, width)
    SIDES[side](vectors[:100], 10)
    start, cpu_start = time.perf_counter(), time.process_time()
    rows = SIDES[side](vectors, k)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    assert len(set(rows.tolist())) == k or side.startswith("scikit")
    return {"s": seconds, "cpu": cpu_seconds, "GB": peak, "left": measure_left(vectors, rows)}


def ask_child(side: str, pool: str, sizes: list[int]) -> dict[str, float]:
    """Run one side in a fresh process."""
    command = [sys.executable, __file__, "--side", side, "--pool", pool, "--rows", str(sizes[0])]
    command += ["--width", str(sizes[1]), "--choose", str(sizes[2])]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def show(pool: str, sizes: list[int], sides: list[str]) -> None:
    """Print the lines of some sides, the first of them ours."""
    ours = None
    for side in sides:
        found = ask_child(side, pool, sizes)
        ours = ours or found["s"]
        print(f"{side:<24}{sizes[0]:>9,}{found['s']:>10.2f}{found['cpu']:>8.1f}{found['GB']:>11.2f}"
              f"{found['left']:>8.4f}{found['s'] / ours:>12.1f}", flush=True)  # fmt: skip


def main() -> None:
    """Print the table, or one side's figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 rows, 200 chosen")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--choose", type=int, default=1000)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--pool", choices=POOLS, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    sizes = [20_000, wanted.width, 200] if wanted.quick else [wanted.rows, wanted.width, wanted.choose]
    if wanted.side:
        print(json.dumps(run_side(wanted.side, wanted.pool, *sizes)))
        return
    print(f"{sizes[2]:,} of {sizes[0]:,} rows of width {sizes[1]:,} ({4 * sizes[0] * sizes[1] / 1e9:.2f} GB), "
          f"threads: {os.environ.get('OMP_NUM_THREADS', 'all')}, load average {os.getloadavg()[0]:.1f}")  # fmt: skip
    part = [max(sizes[2], sizes[0] // 10), *sizes[1:]]
    for pool in POOLS:
        print(f"\n{pool:<24}{'rows':>9}{'seconds':>10}{'CPU s':>8}{'GB in all':>11}{'left':>8}{'times ours':>12}")
        show(pool, sizes, ["ours", "plain loop"])
        show(pool, part, ["ours", "scikit-learn, 1 trial", "scikit-learn, default"])


if __name__ == "__main__":
    main()
