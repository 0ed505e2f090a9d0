"""What the page Experiments computes of 200 runs of 20 rounds: each part, and rank correlations one by one beside them.

    python benchmarks/experiment_analysis.py [--methods 20] [--replicates 10] [--rounds 20] [--children 100]

Made-up points and pairs of scores; reading them from the database is not in it. Goal: each part under 2 s.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pandas as pd

from core.analysis.learning import compare_needs, summarise_curves
from core.analysis.steering import correlate_between, correlate_ranks, correlate_within, measure_gap, order_right
from core.analysis.win_rates import measure_win_rates
from core.figures.experiment_steering import draw_gaps
from core.figures.experiments import draw_learning, draw_win_rates

BY = ["method", "replicate", "round"]


def make_points(n_methods: int, n_replicates: int, n_rounds: int) -> pd.DataFrame:
    """Return the points of made-up learning curves."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(n_methods), range(n_replicates), range(n_rounds + 1)], names=BY)
    points = index.to_frame(index=False)
    points["accuracy"] = 0.3 + 0.02 * points["round"] + 0.001 * points["method"] + rng.normal(0, 0.01, len(points))
    points["method"] = "arm " + points["method"].astype(str)
    size = points["round"] * 100
    about = {"data_set": "s", "split": "test", "n_test": 500, "selector": None, "kind": "loop"}
    return points.assign(size=size, n_tokens=size * 900, **about)


def make_pairs(n_methods: int, n_replicates: int, n_rounds: int, n_children: int) -> pd.DataFrame:
    """Return the scores of made-up seeds and children."""
    rng = np.random.default_rng(1)
    sizes = [range(n_methods), range(n_replicates), range(1, n_rounds + 1), range(n_children)]
    pairs = pd.MultiIndex.from_product(sizes, names=[*BY, "candidate_id"]).to_frame(index=False)
    before = rng.random(len(pairs))
    return pairs.assign(before=before, after=before + rng.normal(0, 1, len(pairs)))


def draw_curves(points: pd.DataFrame) -> None:
    """Do what the part about accuracy does."""
    draw_learning(points)
    curves = summarise_curves(points)
    methods = sorted(points["method"].unique())
    for method in methods[1:]:
        compare_needs(points, method, methods[0])
    draw_win_rates(measure_win_rates(curves))


def draw_steering(pairs: pd.DataFrame) -> None:
    """Do what the part about scores before and after does, with its first round."""
    correlate_within(pairs)
    correlate_between(pairs)
    first = pairs[pairs["round"] == 1]
    right = first.assign(signal="correct", after=first["after"] > 0.5)
    curves = order_right(pd.concat([first.assign(signal="loss"), right]), "loss")
    draw_gaps({name: measure_gap(own) for name, own in curves.items()}, {}, "loss")


def measure(work: Callable[..., Any], *given: Any) -> float:
    """Return the median seconds of three calls."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        work(*given)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    for name, value in (("methods", 20), ("replicates", 10), ("rounds", 20), ("children", 100)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    shape = (options.methods, options.replicates, options.rounds)
    points, pairs = make_points(*shape), make_pairs(*shape, options.children)
    n_runs = options.methods * options.replicates
    print(f"{n_runs:,} runs of {options.rounds:,} rounds: {len(points):,} points, {len(pairs):,} pairs of scores")
    curves, steering = measure(draw_curves, points), measure(draw_steering, pairs)
    together = measure(correlate_within, pairs)
    singly = measure(lambda: [correlate_ranks(rows["before"], rows["after"]) for _, rows in pairs.groupby(BY)])
    print(f"{'curves, needs, win rates':<44}{curves:>8.2f} s")
    print(f"{'correlations, medians, gaps':<44}{steering:>8.2f} s")
    print(f"{'  of it: correlations within rounds':<44}{together:>8.2f} s")
    print(f"{'  the same by scipy, one round after another':<44}{singly:>8.2f} s   {singly / together:.1f} times ours")


if __name__ == "__main__":
    main()
