"""The report of an experiment: one HTML file from its run folders, with the tables and figures of the page Compare.

It says what was compared, what came of it with its uncertainty, which runs count for nothing and why, and how each
number is made. Nothing in the file is loaded from anywhere.
"""

import json
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
from core.analysis.test_sets import keep_set, order_sets, say_accuracy
from core.counting import counted
from core.datasets import load_problems
from core.errors import RunError
from core.figures.experiment_choices import draw_designs
from core.figures.experiments import draw_learning, draw_win_rates, find_styles
from core.figures.html_file import HtmlFile
from core.lines import read_all
from core.recipes import experiment_tables as tables
from core.recipes.experiment import choose_runs, find_children
from core.recipes.experiment_reports import list_reports
from core.recipes.experiment_results import Results, read_results
from core.recipes.recipes import RECIPES
from core.recipes.report_steering import show_tables, write_checks, write_steering
from core.recipes.trained import is_builtin
from core.runs.folder import STOPPED, RunFolder
from core.settings import REPOSITORY

SPLITS = {"train": "to grow from", "validation": "for validation", "test": "to test", "ood": "out of distribution"}
"""Split -> what its problems are there for."""

UNTRAINED = ("zero_shot", "steerability")
"""Kinds of run that train nothing, so that they have no rounds."""

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
    "Curve": (
        "mean over replicates, ± the standard error of that mean; thin lines are replicates. All answer the same test "
        "problems: what other problems would change is not in the error."
    ),
    "Difference": "to the arm it is compared with, paired by replicate, with Student's t interval.",
    "Data needed": (
        "straight between the points of the mean curves, at the highest accuracy that both reach; the interval is "
        "Student's of its logarithm, by leaving out one replicate at a time (jackknife). Below 100 %: it needs less."
    ),
    "Win": (
        "a mean less one standard error is above the other's plus one at the same size, to within 5 % (Kessler 2025, "
        "section 5.4.2). The mean of a column says how often an arm was beaten: lower is better."
    ),
    "Scores of seeds and children": (
        "by the student that chose the seeds; Spearman's rank correlation within each round of a replicate, and between"
        " the arms of one round; means over replicates with Student's t interval."
    ),
    "Random minus ordered": (
        "children in the order of their seeds' score, the hardest first: how many fewer of the first ones are answered"
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
    runs = [run for (arm, _), run in choose_runs(find_children(home, experiment)).items() if arm is not None]
    points = _describe_points(results.points, about["config"])
    report = HtmlFile(about["title"])
    _write_top(report, about, any(is_builtin(run.config) for run in runs) or not runs)
    _write_summary(report, points, results)
    _write_subject(report, home, about["config"], runs)
    if not points.empty:
        _write_curves(report, points, results)
        report.head("Who beats whom?")
        _write_wins(report, points, results.arms)
        show_tables(report, *list_reports(results.reports, results.arms))
        _write_designs(report, points)
        _write_other_sets(report, results, about["config"])
    write_steering(report, results.pairs, points)
    write_checks(report, results.checks)
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
        report.say(_say_last(points, results.arms), "strong")
        for need in _list_needs(points, results.arms):
            report.say(need)
    if results.n_left:
        report.say(f"{counted(results.n_left, 'run')} still to come: these numbers will change.")


def _say_last(points: pd.DataFrame, arms: Sequence[str]) -> str:
    """Return the accuracy of every arm at the last size that all have, else each at its own; the best first."""
    curves = summarise_curves(points)
    trained = curves[curves["budget"] > 0]
    n_arms, sizes = trained["method"].nunique(), trained["budget"].value_counts()
    common = sizes[sizes == n_arms].index
    if len(common):
        trained, where = trained[trained["budget"] == max(common)], f" at {max(common):,} accepted"
    else:
        trained, where = trained.loc[trained.groupby("method")["budget"].idxmax()], ""
    told = [
        f"{row['method']} {_say_mean(row)}" + ("" if where else f" (at {row['budget']:,} accepted)")
        for row in trained.sort_values("mean", ascending=False).to_dict("records")
    ]
    bare = curves[~curves["method"].isin(curves[curves["budget"] > 0]["method"])]
    told += [f"untrained, {row['method']} {_say_mean(row)}" for row in bare.to_dict("records")]
    n, before = points["n_test"].max(), curves[curves["budget"] == 0]["mean"]
    start = "" if before.empty else f" (before any training {100 * before.mean():.1f} %)"
    return f"Accuracy on {n:,} test problems{where}, mean ± standard error: {'; '.join(told)}{start}."


def _list_needs(points: pd.DataFrame, arms: Sequence[str]) -> list[str]:
    """Return a sentence for every arm whose data can be held against the baseline's."""
    told = []
    for _, own, names in tables.split_students(points[points.groupby("method")["round"].transform("max") > 0], arms):
        baseline = choose_baseline(names)
        for need in (compare_needs(own, name, baseline) for name in names if name != baseline):
            if need is None or need.share is None:
                continue
            share, accuracy = f"{100 * need.share:.0f} %", f"{100 * need.accuracy:.1f} %"
            sentence = f"{need.method} needs {share} of the data of {baseline} for {accuracy}"
            if need.low is None:
                told.append(f"{sentence}; how sure that is cannot be said.")
            elif need.low <= 1 <= need.high:
                told.append(f"{sentence}, but the 95 % interval holds 100 %: no difference can be told.")
            else:
                told.append(f"{sentence} (95 % interval {100 * need.low:.0f} to {100 * need.high:.0f} %).")
    return told


def _write_subject(report: HtmlFile, home: Path, config: Mapping[str, Any], runs: Sequence[RunFolder]) -> None:
    """Say what was compared: problems, arms with their settings, and what they were given."""
    report.head("What was compared")
    splits = pd.Series([problem.split for problem in load_problems(home, config["seed_set"])]).value_counts()
    sizes = ", ".join(f"{splits[name]:,} {said}" for name, said in SPLITS.items() if name in splits)
    report.say(f"Problems of {config['seed_set_name']}: {sizes}. All arms have the same seeds and splits.")
    lines = [["arm", "recipe", "settings", "budget", "done", "teacher's tokens a run"]]
    for arm in config["arms"]:
        own = [run for run in runs if run.config["arm"] == arm["name"]]
        done = [run for run in own if run.read_state().state == "done"]
        tokens = [_count_tokens(run) for run in done]
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
    """Return rounds and accepted candidates of each as the runs were given them; a dash where they have none."""
    config = next((run.config for run in runs if run.read_run()["kind"] not in UNTRAINED), {})
    if not config.get("rounds") or not config.get("k"):
        return tables.MISSING
    return f"{counted(config['rounds'], 'round')} of {counted(config['k'], 'accepted candidate')}"


def _count_tokens(run: RunFolder) -> int:
    """Return the nominal tokens, in and out, that a run took: of its last attempt, which asks everything again."""
    calls = {(row["call_id"], row["attempt"]): row for row in read_all(run.path / "records" / "calls.jsonl")}
    last = max((attempt for _, attempt in calls), default=0)
    own = [row for (_, attempt), row in calls.items() if attempt == last]
    return sum((row.get("n_input_tokens") or 0) + (row.get("n_output_tokens") or 0) for row in own)


def _say_settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items() if value is not None)


def _write_curves(report: HtmlFile, points: pd.DataFrame, results: Results) -> None:
    """Write what each arm reached with how much data, on the experiment's own test problems."""
    report.head("Did it pay off?")
    arms = results.arms
    report.draw(draw_learning(points))
    if points["n_tokens"].max() > 0:
        report.draw(draw_learning(points, over="n_tokens"), caption="Over what the teacher was asked and wrote.")
    show_tables(report, *tables.list_curves(points, arms), *tables.list_differences(points, arms))
    show_tables(report, *tables.list_tests(results.tests, arms), *tables.list_needs(points, arms))


def _write_other_sets(report: HtmlFile, results: Results, config: Mapping[str, Any]) -> None:
    """Write what each arm reached on every test set but the experiment's own."""
    for name in order_sets(results.tests["split"].unique())[1:]:
        told, points = say_accuracy(name), _describe_points(keep_set(results.tests, name), config)
        report.head(f"{told[0].upper()}{told[1:]}")
        report.draw(draw_learning(points))
        show_tables(report, *tables.list_curves(points, results.arms), *tables.list_differences(points, results.arms))
        show_tables(report, *tables.list_needs(points, results.arms))
        _write_wins(report, points, results.arms)


def _write_wins(report: HtmlFile, points: pd.DataFrame, arms: Sequence[str]) -> None:
    for rates, table in tables.list_wins(points, arms):
        if table.lines:
            report.draw(draw_win_rates(rates, view=table.caption))
        show_tables(report, table)


def _write_designs(report: HtmlFile, points: pd.DataFrame) -> None:
    found = list(tables.list_designs(points))
    if found:
        report.head("How were seeds chosen?")
        report.draw(draw_designs(tabulate_designs(points), find_styles(points)))
        show_tables(report, *found)


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
    for row in results.paused.to_dict("records"):
        report.say(
            f"{row['method']}, replicate {row['replicate']}, waits for a review after round {row['round']} and counts "
            "so far."
        )
    if results.n_left:
        report.say(f"{counted(results.n_left, 'run')} still to come.")
    elif not rows and results.paused.empty:
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
