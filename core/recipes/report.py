"""The report of an experiment: one HTML file from its run folders, with the tables and figures of the page Compare.

It says what was compared, what came of it with its uncertainty, which runs count for nothing and why, and how each
number is made. Nothing in the file is loaded from anywhere.
"""

import json
import math
import platform
import time
import tomllib
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from core.analysis.design_choices import tabulate_designs
from core.analysis.learning import choose_baseline, compare_needs, summarise_curves
from core.analysis.test_sets import keep_set, order_sets
from core.analysis.win_rates import measure_win_rates
from core.counting import counted
from core.datasets import load_problems
from core.errors import RunError
from core.figures.experiment_choices import draw_designs
from core.figures.experiments import draw_learning, draw_win_rates, find_styles
from core.figures.html_file import HtmlFile
from core.recipes import experiment_tables as tables
from core.recipes.experiment import find_children
from core.recipes.experiment_results import Results, read_results
from core.recipes.recipes import RECIPES
from core.recipes.report_steering import write_checks, write_steering
from core.recipes.trained import is_builtin
from core.runs.folder import STOPPED, RunFolder
from core.settings import REPOSITORY

SPLITS = {"train": "to grow from", "validation": "for validation", "test": "to test", "ood": "out of distribution"}
"""Split -> what its problems are there for."""

FEW = 5
"""Replicates below which a bootstrap over them is known to be too sure of itself."""

LIBRARIES = ("torch", "transformers", "trl", "peft", "plotly")

STAND_IN = (
    "The teacher was the built-in, rule-based one: a stand-in that shows how the loop works, and no evidence about "
    "language models."
)

HOW = {
    "Replicate": "all arms once, from the same seeds and splits; the number settles every random draw.",
    "Accuracy": (
        "share of the test problems answered rightly by greedy decoding; they are never trained on, and shown to "
        "the teacher only where it is tested itself."
    ),
    "Curve": "mean over replicates, ± the standard error of that mean; thin lines are replicates.",
    "Difference": "to the arm it is compared with, paired by replicate, with Student's t interval.",
    "Data needed": (
        "straight between the points of the mean curves, at the highest accuracy that both reach; the interval is the"
        " percentiles of drawing replicates again. Below 100 %: it needs less."
    ),
    "Win": (
        "a mean less one standard error is above the other's plus one (Kessler 2025, section 5.4.2). The mean of a "
        "column says how often an arm was beaten: lower is better."
    ),
    "Scores of seeds and children": (
        "by the student that chose the seeds; Spearman's rank correlation within each round, averaged, and of the "
        "rounds' medians with the interval of Bonett and Wright (2000)."
    ),
    "Random minus ordered": (
        "children in the order of their seeds' loss, the highest first: how many fewer of the first ones are answered"
        " rightly than of as many in random order (Kessler 2025, figure 7)."
    ),
    "Tokens": "nominal, of the teacher, in and out, as if nothing had been answered before.",
    "Check of steerability": (
        "one child for each of a random sample of seeds, none replaced, scored by the first and the last student of a"
        " loop. The children of the third of the seeds with the highest loss are told against all children; a share's"
        " interval is Newcombe's (1998, method 10), a mean's the percentiles of resampled children (Efron 1979)."
    ),
}
"""What a number is -> how it is made."""


def write_report(home: Path, experiment: str, path: Path) -> None:
    """Write the report of an experiment; raises RunError where the file cannot be written."""
    text, part = make_report(home, experiment), path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RunError(f"The report cannot be written to {path}: {error.strerror}.") from error


def make_report(home: Path, experiment: str) -> str:
    """Return the report of an experiment as it stands.

    Args:
        home: the workspace.
        experiment: id of its run.

    Raises:
        RunError: there is no such experiment.
    """
    folder = RunFolder(home / "runs" / experiment)
    about, results = folder.read_run(), read_results(home, experiment)
    runs = [run for run in find_children(home, experiment) if "arm" in run.config]
    points = _describe_points(results.points, about["config"])
    report = HtmlFile(about["title"])
    _write_top(report, about, any(is_builtin(run.config) for run in runs) or not runs)
    _write_summary(report, points, results)
    _write_subject(report, home, about["config"], runs, points)
    if not points.empty:
        _write_curves(report, points, results, about["config"])
        _write_wins(report, points)
        _write_designs(report, points)
    write_steering(report, results.pairs, points)
    write_checks(report, runs)
    _write_left_out(report, results)
    _write_end(report, about)
    return report.finish()


def _describe_points(points: pd.DataFrame, config: Mapping[str, Any]) -> pd.DataFrame:
    """Return the points with the kind of run that each arm is, as the figures know them."""
    kinds = {arm["name"]: RECIPES.get(arm["recipe"]).kind for arm in config["arms"]}
    return points.assign(kind=points["method"].map(kinds))


# -- the parts -----------------------------------------------------------------------------------------------------


def _write_top(report: HtmlFile, about: Mapping[str, Any], is_stand_in: bool) -> None:
    config = about["config"]
    n_arms, n_replicates = len(config["arms"]), len(config["replicates"])
    sizes = f"{counted(n_arms, 'arm')}, {counted(n_replicates, 'replicate')}"
    report.say(
        f"Seed set {config['seed_set_name']} · student {config['student']} · {sizes} · begun "
        f"{_say_time(about['created_at'])} · report of {_say_time(time.time())}",
        "soft",
    )
    if is_stand_in:
        report.say(STAND_IN, "note")


def _write_summary(report: HtmlFile, points: pd.DataFrame, results: Results) -> None:
    """Say the most important numbers in words, each with its uncertainty."""
    report.head("In short")
    if points.empty:
        report.say("Nothing was evaluated yet.")
    else:
        curves = summarise_curves(points)
        last = curves.loc[curves.groupby("method")["round"].idxmax()].sort_values("mean", ascending=False)
        told = "; ".join(f"{row['method']} {_say_mean(row)}" for row in last.to_dict("records"))
        n = points["n_test"].max()
        report.say(f"Accuracy on {n:,} test problems after the last round, mean ± standard error: {told}.", "strong")
        for need in _list_needs(points):
            report.say(need)
    if results.n_waiting:
        report.say(f"{counted(results.n_waiting, 'run')} still to come: these numbers will change.")


def _list_needs(points: pd.DataFrame) -> list[str]:
    """Return a sentence for every arm whose data can be held against the baseline's."""
    methods = sorted(points["method"].unique())
    baseline, told = choose_baseline(methods), []
    for method in methods:
        need = None if method == baseline else compare_needs(points, method, baseline)
        if need is None or need.share is None:
            continue
        sentence = f"{method} needs {100 * need.share:.0f} % of the data of {baseline} for {100 * need.accuracy:.1f} %"
        n = min(need.n_replicates)
        few = f" With {counted(n, 'replicate')} that interval is too narrow." if n < FEW else ""
        if need.low is None:
            told.append(f"{sentence}; from one replicate, so how sure that is cannot be said.")
        elif need.low <= 1 <= need.high:
            told.append(f"{sentence}, but the 95 % interval holds 100 %: no difference can be told.")
        else:
            told.append(f"{sentence} (95 % interval {_say_ends(need.low, need.high)}).{few}")
    return told


def _say_ends(low: float, high: float) -> str:
    return f"{100 * low:.0f} % or more" if math.isinf(high) else f"{100 * low:.0f} to {100 * high:.0f} %"


def _write_subject(
    report: HtmlFile, home: Path, config: Mapping[str, Any], runs: Sequence[RunFolder], points: pd.DataFrame
) -> None:
    """Say what was compared: problems, arms with their settings, and what they were given."""
    report.head("What was compared")
    splits = pd.Series([problem.split for problem in load_problems(home, config["seed_set"])]).value_counts()
    sizes = ", ".join(f"{splits[name]:,} {said}" for name, said in SPLITS.items() if name in splits)
    report.say(f"Problems of {config['seed_set_name']}: {sizes}. All arms have the same seeds and splits.")
    lines = [["arm", "recipe", "settings", "budget", "done", "teacher's tokens a run"]]
    for arm in config["arms"]:
        own = [run for run in runs if run.config["arm"] == arm["name"]]
        done = [run for run in own if run.read_state().state == "done"]
        tokens = [_count_tokens(run, points) for run in done]
        lines.append(
            [
                arm["name"],
                arm["recipe"],
                _say_settings(arm["settings"]),
                _say_settings(arm.get("budget") or {}) or _say_rounds(own),
                f"{len(done)} of {len(config['replicates'])}",
                f"{sum(tokens) / len(tokens):,.0f}" if tokens else tables.MISSING,
            ]
        )
    report.show("", lines, words=(1, 2, 3))


def _say_rounds(runs: Sequence[RunFolder]) -> str:
    """Return rounds and accepted candidates of each as the runs were given them; empty where they have none."""
    config = next((run.config for run in runs), {})
    if not config.get("rounds") or not config.get("k"):
        return tables.MISSING
    return f"{counted(config['rounds'], 'round')} of {counted(config['k'], 'accepted candidate')}"


def _count_tokens(run: RunFolder, points: pd.DataFrame) -> int:
    """Return the nominal tokens that a finished run took: up to its last point, else what it reports itself."""
    own = points[(points["method"] == run.config["arm"]) & (points["replicate"] == run.config["replicate"])]
    if len(own):
        return int(own["n_tokens"].max())
    summary = run.read_state().summary or {}
    return (summary.get("n_input_tokens") or 0) + (summary.get("n_output_tokens") or 0)


def _say_settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items() if value is not None)


def _write_curves(report: HtmlFile, points: pd.DataFrame, results: Results, config: Mapping[str, Any]) -> None:
    report.head("Did it pay off?")
    report.draw(draw_learning(points))
    if points["n_tokens"].max() > 0:
        report.draw(draw_learning(points, over="n_tokens"), caption="Over what the teacher was asked and wrote.")
    _show(report, *tables.list_curves(points), *tables.list_differences(points), *tables.list_tests(results.tests),
          *tables.list_needs(points))  # fmt: skip
    for name in order_sets(results.tests["split"].unique())[1:]:
        others = _describe_points(keep_set(results.tests, name), config)
        report.draw(draw_learning(others))
        _show(report, *tables.list_curves(others), *tables.list_differences(others))


def _show(report: HtmlFile, *found: tables.Table) -> None:
    for table in found:
        report.show(f"{table.caption[0].upper()}{table.caption[1:]}", table.lines)


def _write_wins(report: HtmlFile, points: pd.DataFrame) -> None:
    found = list(tables.list_win_rates(points))
    if not found:
        return
    report.head("Who beats whom?")
    reading = tables.find_reading(points)
    for table in found:
        shown = points if table.name == "wins_all" else points[~points["method"].isin(reading)]
        rates = measure_win_rates(summarise_curves(shown))
        report.draw(draw_win_rates(rates, view=table.name))
        _show(report, table)
        if rates.n_left_out:
            report.say(f"{counted(rates.n_left_out, 'point')} with one replicate left out.", "soft")


def _write_designs(report: HtmlFile, points: pd.DataFrame) -> None:
    found = list(tables.list_designs(points))
    if found:
        report.head("How were seeds chosen?")
        report.draw(draw_designs(tabulate_designs(points), find_styles(points)))
        _show(report, *found)


def _write_left_out(report: HtmlFile, results: Results) -> None:
    """Say which runs count for nothing and why, which as far as they came, and how many are to come."""
    report.head("What is left out")
    rows = results.excluded.to_dict("records")
    if rows:
        lines = [["arm", "replicate", "state", "why"]]
        lines += [[row["method"], str(row["replicate"]), row["state"], row["error"] or tables.MISSING] for row in rows]
        named = " or ".join(STOPPED)
        report.show(f"Runs that are {named} count for nothing", lines, words=(2, 3))
    for row in results.ended_early.to_dict("records"):
        report.say(f"{row['method']}, replicate {row['replicate']}, ended early and counts so far: {row['stopped']}")
    if results.n_waiting:
        report.say(f"{counted(results.n_waiting, 'run')} still to come.")
    elif not rows:
        report.say("No run was excluded, and none is still to come.")


def _write_end(report: HtmlFile, about: Mapping[str, Any]) -> None:
    report.head("How these numbers are made")
    report.define(HOW)
    report.fold("The configuration", json.dumps(about["config"], ensure_ascii=False, indent=2))
    report.say(_say_versions(about["run_id"]), "foot")


def _say_versions(run_id: str) -> str:
    """Return the experiment's run and what this report was written with."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        own = tomllib.load(file)["project"]["version"]
    found = [f"Python {platform.python_version()}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"Experiment {run_id}. Report written by Seedbed {own} with {', '.join(found)}."


def _say_mean(row: Mapping[str, Any]) -> str:
    return f"{100 * row['mean']:.1f} %" + ("" if pd.isna(row["se"]) else f" ± {100 * row['se']:.1f}")


def _say_time(seconds: float) -> str:
    return time.strftime("%-d %B %Y, %H:%M %Z", time.localtime(seconds))
