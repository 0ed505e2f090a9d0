"""Selecting from a million scored problems: every score-based selector, both picks, in one run.

    python benchmarks/selecting.py [--problems 1000000] [--select 1000] [--repeats 3]

Against: sorting all scores by numpy (``argsort``), which breaks no ties by lot and knows nothing of unknown values.
Goal: under 1 s each for a million problems.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from core.selection import PICKS, SELECTORS, Pool, can_pick, choose
from core.signals import SIGNALS


def make_pool(n: int) -> Pool:
    """Return n problems with every plain signal; a hundredth of each is unknown."""
    rng = np.random.default_rng(0)
    ids = np.array([f"p_{number:016x}" for number in rng.integers(1 << 60, size=n)])
    signals = {name: rng.normal(size=n) for name in SIGNALS if not SIGNALS.get(name).is_vector}
    signals["correct"] = (signals["correct"] > 0).astype(np.float64)
    signals["solve_rate"] = rng.integers(0, 17, n) / 16
    for values in signals.values():
        values[rng.integers(n, size=n // 100)] = np.nan
    return Pool(ids, signals)


def measure(pool: Pool, selector: str, pick: str, k: int, repeats: int) -> float:
    """Return the median seconds of one choice."""
    seconds = []
    for repeat in range(repeats):
        started = time.perf_counter()
        selection = choose(pool, selector, k, np.random.default_rng(repeat), pick=pick)
        seconds.append(time.perf_counter() - started)
        assert len(set(selection.indices.tolist())) == k
    return float(np.median(seconds))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--problems", type=int, default=1_000_000)
    parser.add_argument("--select", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    pool = make_pool(options.problems)
    started = time.perf_counter()
    np.argsort(pool.signals["loss"])
    sorting = time.perf_counter() - started
    print(f"{options.select:,} of {options.problems:,} problems; sorting one score: {sorting:.2f} s")
    print(f"{'selector':<20}{'pick':<10}{'seconds':>8}{'sorts':>8}")
    slowest = 0.0
    for name in SELECTORS:
        if any(SIGNALS.get(signal).is_vector for signal in SELECTORS.get(name).needs):
            continue
        for pick in PICKS if can_pick(SELECTORS.get(name)) else ["argmax"]:
            seconds = measure(pool, name, pick, options.select, options.repeats)
            slowest = max(slowest, seconds)
            print(f"{name:<20}{pick:<10}{seconds:>8.3f}{seconds / sorting:>8.1f}")
    print(f"slowest {slowest:.2f} s (goal: under 1 s)")


if __name__ == "__main__":
    main()
