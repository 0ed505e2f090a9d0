"""How long every part of the page Experiments takes on 200 runs of 20 rounds of 100 children, reading included.

    python benchmarks/experiment_analysis.py [--methods 20] [--replicates 10] [--rounds 20] [--children 100]
        [--pool 1000] [--home DIR]

A home is made up (``experiment_home.py``; in DIR it is kept, and found there the next time), and read into the
database. Then each part is timed once, as at a first look: from the database or from run folders, analysed, and made
into figures. Seconds by the clock, and of the processor alone in brackets, since other work on the machine makes the
clock run ahead. What a browser draws is not in it. Goal: each part under 2 s.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pandas as pd

from benchmarks.experiment_home import SEED_SET, Shape, make_home, open_home
from core.analysis.design_choices import tabulate_designs
from core.analysis.steering import correlate_ranks, measure_gap, order_right, take_middles
from core.analysis.test_sets import keep_set
from core.analysis.token_shift import MOST_TEXTS, count_tokens, draw_at_random, list_shifted, measure_shifts
from core.figures.experiment_choices import draw_designs, draw_shifted, draw_shifts
from core.figures.experiment_steering import draw_cumulative, draw_gaps, draw_pairs, draw_sets
from core.figures.experiments import draw_learning, draw_win_rates, find_styles
from core.figures.histograms import Group, draw_signal
from core.filters.tokens import split_tokens
from core.hub import Hub
from core.recipes import experiment_tables as tables
from core.recipes.experiment_results import read_results
from core.recipes.report import make_report
from core.recipes.steering_tables import find_random, list_steering, order_arms


def time_part(name: str, work: Callable[..., Any], *given: Any) -> Any:
    """Do one part, print how long it took, and return what it found."""
    clock, processor = time.perf_counter(), time.process_time()
    found = work(*given)
    found = list(found) if hasattr(found, "__next__") else found
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"  {name:<62}{clock:>7.2f} s  ({processor:.2f})", flush=True)
    return found


def time_curves(hub: Hub, experiment: str) -> pd.DataFrame:
    """Time the part "Did it pay off?"; returns the points of the own test set."""
    print("Did it pay off?")
    tests = time_part("points from the database", hub.store.list_experiment_points, experiment)
    points, arms = keep_set(tests, "test"), list(dict.fromkeys(tests["method"]))
    time_part("learning curves, over data and over tokens", _draw_curves, points)
    for name, work, given in (
        ("curves as a table", tables.list_curves, points),
        ("differences", tables.list_differences, points),
        ("every test set", tables.list_tests, tests),
        ("data needs", tables.list_needs, points),
    ):
        time_part(name, work, given, arms)
    rates = time_part("who beats whom", tables.list_wins, points, arms)
    time_part("who beats whom, matrices", lambda: [draw_win_rates(rate) for rate, _ in rates])
    return points


def _draw_curves(points: pd.DataFrame) -> None:
    for over in ("size", "n_tokens"):
        draw_learning(points, over=over)


def time_steering(hub: Hub, points: pd.DataFrame) -> None:
    """Time the part "Was it what was asked for?" for one score, as the page draws it, with its first round."""
    print("Was it what was asked for?")
    about, styles = points[["run_id", "method", "replicate"]].drop_duplicates(), find_styles(points)
    runs = about["run_id"].tolist()
    time_part("which scores there are", hub.store.list_paired_signals, runs)
    rows = time_part("pairs of one score from the database", hub.store.list_score_pairs, runs, ["loss"])
    right = time_part("right answers of a round from the database", hub.store.list_score_pairs, runs, ["correct"], 1)
    pairs = pd.concat([rows[rows["round"] == 1], right], ignore_index=True).merge(about, on="run_id")
    rows = rows.merge(about, on="run_id")
    time_part("ranks in each arm and between arms", list_steering, rows, points)
    first, arm = pairs[pairs["round"] == 1], order_arms(rows["method"].unique(), find_random(points))[0]
    time_part("figures of seeds and children of a round", _draw_pairs, first, arm, styles)
    time_part("figures of right answers in order of a round", _draw_order, first, arm, styles)


def _draw_pairs(first: pd.DataFrame, arm: str, styles: dict[str, Any]) -> None:
    losses = first[first["signal"] == "loss"]
    own = losses[(losses["method"] == arm) & (losses["replicate"] == 0)]
    draw_sets(take_middles(losses, ["method", "replicate"]), "loss", styles)
    draw_pairs(own, correlate_ranks(own["before"], own["after"]), "loss", styles[arm], name=arm)


def _draw_order(first: pd.DataFrame, arm: str, styles: dict[str, Any]) -> None:
    curves = order_right(first, "loss")
    draw_cumulative({arm: curves[arm]}, styles, "loss")
    draw_gaps({name: measure_gap(own) for name, own in curves.items()}, styles, "loss")


def time_choices(hub: Hub, points: pd.DataFrame) -> None:
    """Time the part "How were seeds chosen?"."""
    print("How were seeds chosen?")
    styles = find_styles(points)
    designs = time_part("ablation of designs", tabulate_designs, points)
    time_part("ablation of designs, figure", draw_designs, designs, styles)
    runs = points.drop_duplicates("method").set_index("method")["run_id"].head(3)
    scores = time_part("scores of three arms from the database", hub.store.list_chosen_scores, runs.tolist(), "loss")
    time_part("distributions of scores, figure", _draw_scores, scores, runs, styles)
    about = points[["run_id", "method", "replicate"]].drop_duplicates()
    seeds = time_part("texts of the seeds from the database", hub.store.list_seed_texts, SEED_SET)
    most = MOST_TEXTS // len(points[points["round"] > 0])
    runs = about["run_id"].tolist()
    texts = time_part("texts of children from the database", hub.store.list_grown_texts, runs, most)
    texts = texts.merge(about, on="run_id")
    n = texts["text"].nunique()
    told = f"how far words move, {len(texts):,} texts, {n:,} of them distinct"
    shifts = time_part(told, _measure_shifts, seeds, texts[["method", "replicate", "round", "text"]])
    time_part("how far words move, figure", draw_shifts, shifts, styles)
    own = texts[texts["method"] == texts["method"].iloc[0]]["text"]
    time_part("which words move, of one arm", _draw_words, seeds, own)


def _draw_scores(scores: pd.DataFrame, runs: pd.Series, styles: dict[str, Any]) -> None:
    pool = scores[scores["run_id"] == runs.iloc[0]]["value"].to_numpy(float)
    groups = [
        Group(name, scores[(scores["run_id"] == run) & scores["is_chosen"]]["value"].to_numpy(float), styles[name])
        for name, run in runs.items()
    ]
    draw_signal(pool, groups, title="", axis="loss")


def _measure_shifts(seeds: list[str], texts: pd.DataFrame) -> pd.DataFrame:
    return measure_shifts(seeds, pd.concat([texts, draw_at_random(seeds, texts)], ignore_index=True), split_tokens)


def _draw_words(seeds: list[str], own: pd.Series) -> None:
    draw_shifted(list_shifted(count_tokens(seeds, split_tokens), count_tokens(own, split_tokens), n=16))


def time_folders(home: Path, experiment: str) -> None:
    """Time what the shell and the report do, from run folders alone."""
    print("From run folders, as the shell and the report do")
    results = time_part("points and pairs of scores from run folders", read_results, home, experiment)
    time_part("tables of accuracy", tables.list_tables, results.tests, results.arms)
    time_part("tables of steering, every score", list_steering, results.pairs, results.points)
    time_part("the report, reading included", make_report, home, experiment)


def find_home(home: Path, shape: Shape) -> tuple[Hub, str]:
    """Return the hub of a home with such an experiment, made where there is none, and the experiment's run id."""
    found = sorted((home / "runs").glob("*-experiment-*")) if (home / "runs").is_dir() else []
    experiment = found[0].name if found else time_part("making it up", make_home, home, shape)
    return time_part("opening it; the first time all folders are read", open_home, home), experiment


def main() -> None:
    """Print the seconds of every part."""
    parser = argparse.ArgumentParser()
    for name, value in (("methods", 20), ("replicates", 10), ("rounds", 20), ("children", 100), ("pool", 1000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    shape = Shape(options.methods, options.replicates, options.rounds, options.children, options.pool)
    n_runs = shape.methods * shape.replicates
    print(f"{n_runs:,} runs of {shape.rounds:,} rounds of {shape.children:,} children; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        hub, experiment = find_home(home, shape)
        points = time_curves(hub, experiment)
        time_steering(hub, points)
        time_choices(hub, points)
        hub.close()
        time_folders(home, experiment)


if __name__ == "__main__":
    main()
