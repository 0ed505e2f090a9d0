"""Sketches of output-head gradients: ours against writing the gradient out and projecting it with scikit-learn.

    python benchmarks/badge.py [--quick | --all] [--fit] [--memory 12]

Random weights, and hidden states that lean towards one token each, some more and some less, so that answers are sure
and unsure as a trained model's are; targets are greedy. Each side runs in a process of its own. Its added memory is the
kernel's peak of resident memory, reset once weights and answers are there and the libraries have worked on a toy, minus
what was resident then.

- ours: ``TensorSketch.sketch_many``, tables included; the V x d gradient never exists.
- peer: logits, then softmax minus one-hot, then its product with the hidden states into a (V, d) float32 buffer that
  is used again for each answer, then ``SparseRandomProjection.transform`` (density 1 / sqrt(V * d)). The projection is
  drawn once. At the smallest shape scikit-learn's own ``fit`` does it, in a minute or two; at the others it takes many
  minutes, so the same matrix of random signs is drawn by us in seconds and is in no number but the resident memory;
  ``--fit`` lets ``fit`` do it everywhere. Its time and peak are given apart.

The logits are the same work on both sides, so times are given with them and without. Errors are those of squared
distances between all pairs of answers, against exact inner products by the sum over pairs of tokens. CPU seconds, of
all threads, say more than seconds where the machine is shared.
"""

import argparse
import ctypes
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psutil
import torch
from scipy.sparse import csr_matrix
from sklearn.random_projection import SparseRandomProjection

from core.models.forward import HEAD_ROWS
from core.models.sketch import TensorSketch

SHAPES = [(32_000, 1024), (32_000, 3584), (152_000, 1024), (152_000, 3584)]
WIDTH = 4096
MEGABYTE = 1e6


class Clock:
    """Adds up the seconds and CPU seconds that pass inside of ``with``."""

    def __init__(self):
        self.s = self.cpu = 0.0

    def __enter__(self):
        self.start, self.cpu_start = time.perf_counter(), time.process_time()

    def __exit__(self, *_):
        self.s += time.perf_counter() - self.start
        self.cpu += time.process_time() - self.cpu_start


class World:
    """An output head and answers to sketch, the same in every process."""

    def __init__(self, vocabulary: int, hidden: int, n_answers: int):
        random = torch.Generator().manual_seed(0)
        self.lengths = torch.randint(48, 81, (n_answers,), generator=random).tolist()
        n = sum(self.lengths)
        self.weight = torch.randn(vocabulary, hidden, generator=random)
        sizes = torch.tensor(self.lengths)
        shared, own = torch.randn(1, hidden, generator=random), torch.randn(n_answers, hidden, generator=random)
        states = torch.randn(n, hidden, generator=random) + 0.5 * shared + 0.7 * own.repeat_interleave(sizes, 0)
        tokens = torch.randint(0, vocabulary, (n,), generator=random)
        lean = (8 + 14 * torch.rand(n_answers, 1, generator=random)).repeat_interleave(sizes, 0)
        lean += 4 * torch.randn(n, 1, generator=random)  # what the token's logit is above the others, of deviation 2.5
        self.hidden = 2.5 * states / states.norm(dim=1, keepdim=True) + lean * self.weight[tokens] / hidden
        self.clock = Clock()
        self.targets = torch.cat([self.ask_head(part).argmax(1) for part in self.hidden.split(64)])

    def ask_head(self, states: torch.Tensor) -> torch.Tensor:
        """Return (t, V) logits; the clock runs meanwhile."""
        with self.clock:
            return states @ self.weight.t()

    def stream_logits(self, states: torch.Tensor) -> Iterator[torch.Tensor]:
        """Yield (v, t) logits of one run of the vocabulary after another, as students do."""
        for part in self.weight.split(HEAD_ROWS["cpu"]):
            with self.clock:
                logits = part @ states.t()
            yield logits

    def split(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return (hidden states, targets) of each answer."""
        return list(zip(self.hidden.split(self.lengths), self.targets.split(self.lengths), strict=True))

    def find_errors(self, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return (t, V) probabilities minus one-hot targets, over the number of tokens."""
        errors = self.ask_head(states).softmax(-1)
        errors[torch.arange(len(targets)), targets] -= 1
        return errors.div_(len(targets))


def read_status(name: str) -> float:
    """Return a line of /proc/self/status in megabytes."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) * 1024 / MEGABYTE


def reset_peak() -> float:
    """Give freed memory back, reset the kernel's peak and return what is resident now, in megabytes."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return read_status("VmRSS")


def list_distances(rows: np.ndarray) -> list[float]:
    """Return the squared distances between all pairs of rows."""
    first, second = np.triu_indices(len(rows), 1)
    return ((rows[first].astype(np.float64) - rows[second]) ** 2).sum(1).tolist()


def summarise(times: list[tuple[Clock, Clock]], n: int) -> dict[str, float]:
    """Return the medians of all and of what is not logits, for one of n answers."""
    return {
        "s": statistics.median(whole.s for whole, _ in times) / n,
        "cpu": statistics.median(whole.cpu for whole, _ in times) / n,
        "rest_s": statistics.median(whole.s - logits.s for whole, logits in times) / n,
        "rest_cpu": statistics.median(whole.cpu - logits.cpu for whole, logits in times) / n,
    }


def run_ours(world: World, _wants_fit: bool) -> dict:
    """Sketch all answers in one call, three times; the median."""
    toy = torch.randn(8, 64)
    TensorSketch(500, 64, WIDTH).sketch_many(
        toy, lambda states: [torch.ones(500, 64) @ states.t()], torch.zeros(8, dtype=int), [8]
    )
    before, times = reset_peak(), []
    for _ in range(3):
        world.clock, whole = Clock(), Clock()
        with whole:
            table = TensorSketch(*world.weight.shape, WIDTH)
            rows = table.sketch_many(world.hidden, world.stream_logits, world.targets, world.lengths)
        times.append((whole, world.clock))
    added, n = read_status("VmHWM") - before, len(world.lengths)
    return {**summarise(times, n), "MB": added, "distances": list_distances(rows.numpy())}


def draw_projection(projection: SparseRandomProjection, size: int) -> None:
    """Do what ``fit`` does, with rows of as many random signs at as random places, without its Python sets."""
    rng, density = np.random.default_rng(0), 1 / math.sqrt(size)
    counts = rng.binomial(size, density, WIDTH)
    ends = np.concatenate([[0], counts.cumsum()])
    places = np.empty(ends[-1], np.int32)
    for start, end in itertools.pairwise(ends):
        row = rng.integers(0, size, end - start, dtype=np.int32)
        while len(np.unique(row)) < len(row):  # seldom
            row = rng.integers(0, size, end - start, dtype=np.int32)
        places[start:end] = row
    values = np.float32(1 / math.sqrt(density * WIDTH)) * (1 - 2 * rng.integers(0, 2, len(places), dtype=np.int8))
    projection.components_ = csr_matrix((values, places, ends), shape=(WIDTH, size))
    projection.n_components_, projection.density_, projection.n_features_in_ = WIDTH, density, size


def run_peer(world: World, wants_fit: bool) -> dict:
    """Write out and project the gradient of each answer; the median."""
    toy = np.ones((1, 5000), np.float32)
    SparseRandomProjection(16, random_state=0).fit(toy).transform(toy)
    before = reset_peak()
    gradient = torch.zeros_like(world.weight)
    flat = gradient.view(1, -1).numpy()
    projection, fit = SparseRandomProjection(WIDTH, random_state=0), Clock()
    with fit:
        projection.fit(flat) if wants_fit else draw_projection(projection, flat.shape[1])
    fit_peak = read_status("VmHWM") - before
    reset_peak()
    rows, times = [], []
    for states, targets in world.split():
        world.clock, whole = Clock(), Clock()
        with whole:
            torch.matmul(world.find_errors(states, targets).t(), states, out=gradient)
            rows.append(projection.transform(flat)[0])
        times.append((whole, world.clock))
    return {
        **summarise(times, 1), "MB": read_status("VmHWM") - before, "fit_s": fit.s, "fit_cpu": fit.cpu,
        "fit_MB": fit_peak, "distances": list_distances(np.stack(rows)),
    }  # fmt: skip


def run_exact(world: World, _wants_fit: bool) -> dict:
    """Find the exact distances, how sure the tokens are and how long the gradients."""
    errors = [world.find_errors(states, targets) for states, targets in world.split()]
    n = len(errors)
    products = np.empty((n, n))
    for i, (states, _) in enumerate(world.split()):
        for j, (other, _) in enumerate(world.split()[: i + 1]):
            products[i, j] = products[j, i] = ((errors[i] @ errors[j].t()) * (states @ other.t())).double().sum()
    lengths = np.diag(products)
    distances = (lengths[:, None] + lengths - 2 * products)[np.triu_indices(n, 1)]
    sure = 1 + torch.cat(
        [
            part[torch.arange(len(targets)), targets] * len(targets)
            for part, (_, targets) in zip(errors, world.split(), strict=True)
        ]
    )
    return {
        "distances": distances.tolist(),
        "p": torch.quantile(sure, torch.tensor([0.1, 0.5, 0.9])).tolist(),
        "norms": np.sqrt(lengths[[lengths.argmin(), lengths.argmax()]]).tolist(),
    }


SIDES = {"ours": run_ours, "peer": run_peer, "exact": run_exact}


def ask_child(side: str, vocabulary: int, hidden: int, n_answers: int, *options: str) -> dict | None:
    """Run one side in a fresh process; None where it died (for want of memory)."""
    command = [sys.executable, __file__, "--side", side, "--shape", str(vocabulary), str(hidden), str(n_answers)]
    command += options
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def estimate_peer(vocabulary: int, hidden: int) -> float:
    """Return the gigabytes that the peer needs at its peak: weights, gradient, and 32 bytes a nonzero during fit."""
    size = vocabulary * hidden
    return (2 * 4 * size + 32 * WIDTH * math.sqrt(size)) / 1e9


def show(shape: tuple[int, int], n_ours: int, n_peer: int, limit: float, wants_fit: bool) -> None:
    """Measure one shape and print its lines."""
    ours, exact = ask_child("ours", *shape, n_ours), ask_child("exact", *shape, n_ours)
    needed, name = estimate_peer(*shape), f"{shape[0]:,} x {shape[1]:,}"
    options = ["--fit"] if wants_fit else []
    peer = ask_child("peer", *shape, n_peer, *options) if needed < limit else None
    if ours is None or exact is None:
        sys.exit(f"{name}: our own side failed; see above.")
    low, middle, high = exact["p"]
    print(f"\n{name}: {n_ours} answers, probability of a token {low:.2f} / {middle:.2f} / {high:.2f} (10th, 50th, 90th "
          f"percentile), gradients of length {exact['norms'][0]:.2f} to {exact['norms'][1]:.2f}")  # fmt: skip
    print(f"{'':8}{'s/answer':>10}{'not logits':>12}{'CPU s':>8}{'not logits':>12}{'added MB':>10}"
          f"{'error mean':>12}{'p95':>8}{'largest':>9}")  # fmt: skip
    print_side("ours", ours, exact["distances"])
    if peer is None:
        print(f"peer    does not fit: estimated at {needed:.1f} GB, or it failed")
        return
    exact_peer = exact if n_peer == n_ours else ask_child("exact", *shape, n_peer)
    print_side("peer", peer, exact_peer["distances"])
    faster = {key: peer[key] / ours[key] for key in ("s", "rest_s", "cpu", "rest_cpu")}
    print(f"        times as fast: {faster['s']:.1f}, without the logits {faster['rest_s']:.0f} (by CPU seconds "
          f"{faster['cpu']:.1f}, {faster['rest_cpu']:.0f}); 1/{peer['MB'] / ours['MB']:.0f} of the memory; peer: "
          f"{n_peer} answers")  # fmt: skip
    if wants_fit:
        print(f"        fit, once: {peer['fit_s']:.1f} s ({peer['fit_cpu']:.1f} CPU s), {peer['fit_MB']:,.0f} MB at "
              f"its peak: with it 1/{max(peer['MB'], peer['fit_MB']) / ours['MB']:.0f} of the memory")  # fmt: skip


def print_side(name: str, found: dict, exact: list[float]) -> None:
    """Print the line of one side."""
    errors = np.abs(np.array(found["distances"]) / np.array(exact) - 1)
    cells = [
        (found["s"], "10.3f"), (found["rest_s"], "12.4f"), (found["cpu"], "8.3f"), (found["rest_cpu"], "12.4f"),
        (found["MB"], "10,.0f"), (errors.mean(), "12.2%"), (np.quantile(errors, 0.95), "8.2%"), (errors.max(), "9.2%"),
    ]  # fmt: skip
    print(f"{name:8}" + "".join(format(value, form) for value, form in cells), flush=True)


def main() -> None:
    """Print the tables, or one side's figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small vocabulary only")
    parser.add_argument("--all", action="store_true", help="all four shapes; else the smallest and the largest")
    parser.add_argument(
        "--fit", action="store_true", help="scikit-learn draws its projection at all shapes; many minutes"
    )
    parser.add_argument("--memory", type=float, default=12, help="gigabytes that the peer may take")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--shape", type=int, nargs=3, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.side:
        with torch.inference_mode():
            print(json.dumps(SIDES[wanted.side](World(*wanted.shape), wanted.fit)))
        return
    if not os.access("/proc/self/clear_refs", os.W_OK):
        sys.exit("Peak memory is read from /proc; run this on Linux.")
    limit = min(wanted.memory, 0.8 * psutil.virtual_memory().available / 1e9)
    print(f"width {WIDTH}, {torch.get_num_threads()} threads, load average {os.getloadavg()[0]:.1f}")
    for shape in [(8_000, 256)] if wanted.quick else SHAPES if wanted.all else [SHAPES[0], SHAPES[-1]]:
        is_small = shape[0] * shape[1] < 1e8
        show(shape, n_ours=12, n_peer=12 if is_small else 4, limit=limit, wants_fit=wanted.fit or is_small)


if __name__ == "__main__":
    main()
