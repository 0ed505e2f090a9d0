"""What ``python -m core experiment`` does: every arm of every replicate in this process, then the tables.

The same folders as from the page; the same command goes on where it was stopped. ``--tables`` carries nothing out.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.analysis.learning import compare_needs, summarise_curves
from core.analysis.steering import Correlation, correlate_ranks, take_medians
from core.analysis.win_rates import measure_win_rates
from core.counting import counted
from core.errors import RunCancelled, RunError
from core.recipes import experiment as experiments
from core.recipes.experiment_file import read_experiment
from core.recipes.experiment_results import Results, read_results
from core.recipes.kinds import execute
from core.runs.folder import ENDED, RunFolder
from core.shell import WatchedRun, format_percent, load_own_selectors, require_done
from core.shell_evaluate import format_table
from core.shell_stopping import stopped_by_hand

BASELINE = "random"
"""Arm that the others are compared with, where there is one of this name."""


def run_experiment(options: argparse.Namespace) -> int:
    """Carry out what is missing of an experiment and print its tables; 1 where an arm failed."""
    load_own_selectors()
    home = options.home.resolve()
    read = read_experiment(options.file)
    config = experiments.freeze_experiment(home, read)
    folder = find_experiment(home, config)
    if folder is None:
        if options.tables:
            raise RunError("This experiment was not begun in this home; leave --tables out to carry it out.")
        folder = experiments.open_experiment(home, read.title, config)
    runs = len(config["arms"]) * len(config["replicates"])
    print(f"experiment {folder.run_id}: {counted(len(config['arms']), 'arm')}, "
          f"{counted(len(config['replicates']), 'replicate')}, {counted(runs, 'run')}", flush=True)  # fmt: skip
    if not options.tables:
        carry_out_replicates(home, folder, options.replicates or config["replicates"])
    results = read_results(home, folder.run_id)
    for line in list_tables(results):
        print(line)
    return 1 if len(results.excluded) else 0


def find_experiment(home: Path, config: dict[str, Any]) -> RunFolder | None:
    """Return the newest experiment of this home with exactly this configuration; None: there is none."""
    frozen = json.loads(json.dumps(config))
    for path in sorted((home / "runs").glob(f"[!.]*-{experiments.KIND}-*"), reverse=True):
        try:
            if RunFolder(path).config == frozen:
                return RunFolder(path)
        except RunError:  # a damaged folder is none to go on with
            continue
    return None


def carry_out_replicates(home: Path, experiment: RunFolder, replicates: Sequence[int]) -> None:
    """Carry out each replicate that is not done, or in which an arm failed; raises RunCancelled where it is stopped."""
    made = {
        run.config["replicate"]: run
        for run in experiments.find_children(home, experiment.run_id)
        if run.read_run()["kind"] == experiments.REPLICATE
    }
    for replicate in replicates:
        run = made.get(replicate)
        if run is None:
            title, config = experiments.describe_replicate(experiment, replicate)
            run = RunFolder.create(
                home, experiments.REPLICATE, title=title, config=config, lane="device", starts_itself=True
            )
        else:
            state = run.read_state()
            if state.state == "done" and not state.summary["failed"]:
                continue
            if state.state in ENDED:
                run.order("again")
        folder = WatchedRun(run.path)
        print(f"replicate {replicate}: run {folder.run_id}", flush=True)
        try:
            try:
                with stopped_by_hand(folder):
                    state = execute(folder)
            finally:
                folder.end_stage()
            require_done(folder, state)
        except RunCancelled:
            raise RunCancelled("Stopped; give the same command again to go on.") from None
        except RunError as error:
            print(f"seedbed: replicate {replicate} failed: {error}", file=sys.stderr)


# -- what is printed -----------------------------------------------------------------------------------------------


def list_tables(results: Results) -> Iterator[str]:
    """Yield the tables of an experiment as it stands: curves, needs, win rates, steering, and what is excluded."""
    if results.points.empty:
        yield "nothing was evaluated yet"
    else:
        yield from _list_curves(results.points)
        yield from _list_needs(results.points)
        yield from _list_win_rates(results.points)
        yield from _list_steering(results.pairs)
    for row in results.excluded.to_dict("records"):
        yield f"excluded: {row['method']}, replicate {row['replicate']}: {row['state']}. {row['error'] or ''}".rstrip()
    if results.n_waiting:
        yield f"{counted(results.n_waiting, 'run')} still to come"


def _list_curves(points: pd.DataFrame) -> Iterator[str]:
    curves = summarise_curves(points)
    sizes = sorted(curves["size"].unique())
    lines = [["accepted candidates", *(f"{size:,}" for size in sizes)]]
    for method, rows in curves.groupby("method"):
        cells = {row["size"]: _say_mean(row) for row in rows.to_dict("records")}
        lines.append([str(method), *(cells.get(size, "–") for size in sizes)])
    yield f"test accuracy, % of {points['n_test'].max():,} problems, mean ± standard error over replicates"
    yield format_table(lines)


def _say_mean(row: dict[str, Any]) -> str:
    return f"{100 * row['mean']:.1f}" + ("" if pd.isna(row["se"]) else f" ± {100 * row['se']:.1f}")


def _list_needs(points: pd.DataFrame) -> Iterator[str]:
    methods = [name for name in sorted(points["method"].unique()) if name != BASELINE]
    needs = [need for name in methods if (need := compare_needs(points, name, BASELINE)) is not None]
    lines = [["", "accuracy", "its data", f"{BASELINE}'s data", "share", "95 %"]]
    for need in needs:
        ends = "–"
        if need.low is not None and math.isfinite(need.low):
            has_end = math.isfinite(need.high)
            ends = f"{100 * need.low:.0f} to {100 * need.high:.0f} %" if has_end else f"{100 * need.low:.0f} % or more"
        share = "–" if need.share is None else f"{100 * need.share:.0f} %"
        sizes = (f"{need.method_size:.0f}", f"{need.baseline_size:.0f}")
        lines.append([need.method, format_percent(need.accuracy), *sizes, share, ends])
    if needs:
        yield f"data that a method needs for the highest accuracy that it and {BASELINE} both reach"
        yield format_table(lines)


def _list_win_rates(points: pd.DataFrame) -> Iterator[str]:
    rates = measure_win_rates(summarise_curves(points))
    if not rates.meetings.to_numpy().any():
        return
    names = list(rates.shares.columns)
    lines = [["beats", *names]]
    for name in names:
        lines.append([name, *("–" if pd.isna(value) else f"{value:.2f}" for value in rates.shares.loc[name])])
    lines.append(
        ["mean, lower is better", *("–" if pd.isna(value) else f"{value:.2f}" for value in rates.column_means)]
    )
    yield "share of meetings in which the row beats the column by more than both standard errors"
    yield format_table(lines)


def _list_steering(pairs: pd.DataFrame) -> Iterator[str]:
    lines = [["score", "pairs", "rho, pairs", "95 %", "rounds", "rho, medians", "95 %"]]
    for signal, rows in pairs.groupby("signal"):
        medians = take_medians(rows, ["method", "replicate", "round"])
        each = correlate_ranks(rows["before"], rows["after"])
        together = correlate_ranks(medians["before"], medians["after"])
        lines.append([str(signal), *_say_correlation(each), *_say_correlation(together)])
    if len(lines) > 1:
        yield "scores of seeds and of their children by the student that chose the seeds (Spearman)"
        yield format_table(lines)


def _say_correlation(found: Correlation) -> list[str]:
    ends = "–" if found.low is None else f"{found.low:.2f} to {found.high:.2f}"
    return [f"{found.n:,}", "–" if found.rho is None else f"{found.rho:.2f}", ends]
