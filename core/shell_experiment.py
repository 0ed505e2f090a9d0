"""What ``python -m core experiment`` does: every arm of every replicate in this process, then the tables.

The same folders as from the page; the same command goes on where it was stopped. ``--tables`` carries nothing out.
"""

import argparse
import fcntl
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.analysis.design_choices import reads_references, tabulate_designs
from core.analysis.learning import choose_baseline, compare_needs, say_multiplier, summarise_curves
from core.analysis.steering import correlate_ranks, correlate_within, take_medians
from core.analysis.test_sets import order_sets, tabulate_tests
from core.analysis.win_rates import measure_win_rates
from core.counting import counted
from core.errors import RunCancelled, RunError
from core.recipes import experiment as experiments
from core.recipes.experiment_file import Experiment, read_experiment
from core.recipes.experiment_results import Results, read_results
from core.recipes.generating import require_servers
from core.runs.finding import find_alike
from core.runs.folder import ENDED, RunFolder
from core.shell import format_percent, load_own_selectors
from core.shell_carrying import carry_on
from core.shell_evaluate import format_table
from core.teacher.roles import BUILT_IN


def run_experiment(options: argparse.Namespace) -> int:
    """Carry out what is missing of an experiment and print its tables; 1 where an arm failed."""
    load_own_selectors()
    home = options.home.resolve()
    experiment = read_experiment(options.file)
    if strange := sorted(set(options.replicates or ()) - set(experiment.replicates)):
        named = ", ".join(map(str, experiment.replicates))
        raise RunError(f"The experiment has no replicate {strange[0]}; it has: {named}.")
    folder = find_or_open(home, experiment, only_find=options.tables)
    n_arms, n_replicates = len(experiment.arms), len(experiment.replicates)
    sizes = f"{counted(n_arms, 'arm')}, {counted(n_replicates, 'replicate')}, {counted(n_arms * n_replicates, 'run')}"
    print(f"experiment {folder.run_id}: {sizes}", flush=True)
    n_failed = 0
    if not options.tables:
        require_servers({"teacher": experiment.teacher, "roles": experiment.roles})
        n_failed = carry_out_replicates(home, folder, options.replicates or experiment.replicates)
    results = read_results(home, folder.run_id)
    for line in list_tables(results):
        print(line)
    if experiment.teacher == BUILT_IN:
        print("The teacher was the built-in rule-based stand-in: no evidence about language models.")
    return 1 if len(results.excluded) or n_failed else 0


def find_or_open(home: Path, experiment: Experiment, *, only_find: bool) -> RunFolder:
    """Return the folder of an experiment, made where this home has none; two processes at once get the same one."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "experiments.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        config = experiments.freeze_experiment(home, experiment)
        if (found := find_alike(home, experiments.KIND, config)) is not None:
            return found
        if only_find:
            raise RunError("This experiment was not begun in this home; leave --tables out to carry it out.")
        return experiments.open_experiment(home, experiment.title, config)


def carry_out_replicates(home: Path, experiment: RunFolder, replicates: Sequence[int]) -> int:
    """Carry out each replicate of which an arm is not done; returns how many could not be.

    Raises:
        RunCancelled: it was stopped.
    """
    n_failed, arms = 0, {arm["name"] for arm in experiment.config["arms"]}
    children = list(experiments.find_children(home, experiment.run_id))
    made = {run.config["replicate"]: run for run in children if run.read_run()["kind"] == experiments.REPLICATE}
    done = {
        (run.config["replicate"], run.config["arm"])
        for run in children
        if "arm" in run.config and experiments.is_over(run)
    }
    for replicate in replicates:
        run = made.get(replicate)
        if run is None:
            title, config = experiments.describe_replicate(experiment, replicate)
            run = RunFolder.create(
                home, experiments.REPLICATE, title=title, config=config, lane="device", starts_itself=True
            )
        else:
            if all((replicate, arm) in done for arm in arms):
                continue
            if run.read_state().state in ENDED:
                run.order("again")
        print(f"replicate {replicate}: run {run.run_id}", flush=True)
        try:
            carry_on(run)
        except RunCancelled:
            raise RunCancelled("Stopped; give the same command again to go on.") from None
        except RunError as error:
            n_failed += 1
            print(f"seedbed: replicate {replicate} failed: {error}", file=sys.stderr)
    return n_failed


# -- what is printed -----------------------------------------------------------------------------------------------


def list_tables(results: Results) -> Iterator[str]:
    """Yield the tables of an experiment as it stands: curves, needs, win rates, steering, and what is excluded."""
    if results.points.empty:
        yield "nothing was evaluated yet"
    else:
        yield from _list_curves(results.points)
        yield from _list_tests(results.tests)
        yield from _list_needs(results.points)
        yield from _list_win_rates(results.points)
        yield from _list_designs(results.points)
        yield from _list_steering(results.pairs)
    for row in results.excluded.to_dict("records"):
        yield f"excluded: {row['method']}, replicate {row['replicate']}: {row['state']}. {row['error'] or ''}".rstrip()
    for row in results.ended_early.to_dict("records"):
        yield f"ended early: {row['method']}, replicate {row['replicate']}: {row['stopped']}"
    if results.n_waiting:
        yield f"{counted(results.n_waiting, 'run')} still to come"


def _list_curves(points: pd.DataFrame) -> Iterator[str]:
    curves = summarise_curves(points)
    sizes = curves.groupby("round")["size"].mean()
    rounds = list(sizes.index)
    lines = [["after round", *(f"{number} ({sizes[number]:,.0f} rows)" for number in rounds)]]
    for method, rows in curves.groupby("method"):
        cells = {row["round"]: _say_mean(row) for row in rows.to_dict("records")}
        lines.append([str(method), *(cells.get(number, "–") for number in rounds)])
    yield f"test accuracy, % of {points['n_test'].max():,} problems, mean ± standard error over replicates"
    yield format_table(lines)


def _say_mean(row: dict[str, Any]) -> str:
    return f"{100 * row['mean']:.1f}" + ("" if pd.isna(row["se"]) else f" ± {100 * row['se']:.1f}")


def _list_needs(points: pd.DataFrame) -> Iterator[str]:
    methods = sorted(points["method"].unique())
    baseline = choose_baseline(methods)
    needs = [compare_needs(points, name, baseline) for name in methods if name != baseline]
    needs = [need for need in needs if need is not None]
    lines = [["", "accuracy", "its data", f"{baseline}'s data", "share", "95 %", "multiplier"]]
    for need in needs:
        ends = "–"
        if need.low is not None and math.isfinite(need.low):
            has_end = math.isfinite(need.high)
            ends = f"{100 * need.low:.0f} to {100 * need.high:.0f} %" if has_end else f"{100 * need.low:.0f} % or more"
        share = "–" if need.share is None else f"{100 * need.share:.0f} %"
        sizes = (f"{need.method_size:.0f}", f"{need.baseline_size:.0f}")
        lines.append([need.method, format_percent(need.accuracy), *sizes, share, ends, say_multiplier(need)])
    if needs:
        yield f"data that a method needs for the highest accuracy that it and {baseline} both reach"
        yield format_table(lines)


def _list_tests(tests: pd.DataFrame) -> Iterator[str]:
    """Yield every arm on every test set, where there is more than one."""
    table = tabulate_tests(tests)
    sets = order_sets(table["split"].unique())
    if len(sets) < 2:
        return
    lines = [["after the last round", *sets]]
    for method, own in table.groupby("method", sort=True):
        cells = {row["split"]: _say_mean({**row, "mean": row["accuracy"]}) for row in own.to_dict("records")}
        lines.append([str(method), *(cells.get(name, "–") for name in sets)])
    yield "accuracy on every test set, %, mean ± standard error over replicates"
    yield format_table(lines)


def _list_win_rates(points: pd.DataFrame) -> Iterator[str]:
    """Yield who beats whom, without the arms that read reference answers, and with them where there are any."""
    selectors = points.groupby("method")["selector"].first()
    reading = {str(method) for method, selector in selectors.items() if reads_references(selector)}
    yield from _list_wins(points[~points["method"].isin(reading)], "")
    if reading:
        yield from _list_wins(points, f", with what needs reference answers ({', '.join(sorted(reading))})")


def _list_wins(points: pd.DataFrame, which: str) -> Iterator[str]:
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
    yield f"share of meetings in which the row beats the column by more than both standard errors{which}"
    yield format_table(lines)


def _list_designs(points: pd.DataFrame) -> Iterator[str]:
    """Yield the ablation of design choices, where at least two arms choose by one score."""
    designs = tabulate_designs(points)
    if designs.empty:
        return
    lines = [["score", "end", "answer", "pick", "accuracy"]]
    for row in designs.to_dict("records"):
        told = _say_mean({**row, "mean": row["accuracy"]})
        lines.append([*(row[name] for name in ("score", "end", "answer", "pick")), told])
    yield f"accuracy after round {designs['round'].iloc[0]} by how seeds are chosen, %"
    yield format_table(lines)


def _list_steering(pairs: pd.DataFrame) -> Iterator[str]:
    by = ["method", "replicate", "round"]
    lines = [["score", "pairs", "rho within a round", "se", "rounds", "rho of medians", "95 %"]]
    for signal, rows in pairs.groupby("signal"):
        within, medians = correlate_within(rows, by), take_medians(rows, by)
        together = correlate_ranks(medians["before"], medians["after"])
        told = [f"{within.n_pairs:,}", _say_rho(within.rho), _say_rho(within.se)]
        ends = "–" if together.low is None else f"{together.low:.2f} to {together.high:.2f}"
        lines.append([str(signal), *told, f"{together.n:,}", _say_rho(together.rho), ends])
    if len(lines) > 1:
        yield "scores of seeds and of their children by the student that chose the seeds (Spearman)"
        yield format_table(lines)


def _say_rho(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
