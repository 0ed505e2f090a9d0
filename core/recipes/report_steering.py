"""What a report says of seeds and their children: those of the rounds, and those of an experiment's checks."""

from collections.abc import Collection, Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd

from core.analysis.steering import correlate_ranks, measure_gap, order_children, order_right, take_middles
from core.analysis.wish_words import QUANTITIES, name_wish, say_children, say_ranks
from core.analysis.wishes import Difference, Wish, choose_by_wish, compare_children
from core.figures.colours import NEUTRAL, Style
from core.figures.experiment_steering import (
    CUMULATIVE,
    GAPS,
    draw_cumulative,
    draw_gaps,
    draw_pairs,
    draw_sets,
    say_order,
)
from core.figures.experiments import find_styles
from core.figures.html_file import HtmlFile
from core.figures.steering import STUDENTS as STYLES
from core.figures.steering import draw_moved, style_of_wish
from core.recipes.checked_pairs import STUDENTS, read_checked_pairs
from core.recipes.experiment_tables import Table
from core.recipes.steerability import KIND
from core.recipes.steering_tables import (
    find_random,
    keep_student,
    list_ranks,
    list_steering,
    order_arms,
    say_correlation,
)
from core.runs.folder import RunFolder

HARD, SHARE = Wish("hard", "loss", 1, None, "right", "loss"), 1 / 3
HEAD = [
    "check",
    "replicate",
    "student",
    "children",
    "right, of hard seeds",
    "right, of all",
    "difference in points (95 %)",
    "rank correlation of losses (95 %)",
    "p",
]
WHO = dict(zip(STUDENTS, STYLES, strict=True))
"""A check's student -> what it is called."""

ORDERS = ("loss", "reward")
"""Scores by which children are put in the order of their seeds."""


def show_tables(report: HtmlFile, *found: Table) -> None:
    """Show tables with their notes; of one without lines there is the note alone."""
    for table in found:
        if table.lines:
            report.show(f"{table.caption[0].upper()}{table.caption[1:]}", table.lines)
        if table.note:
            report.say(table.note, "soft")


def write_steering(report: HtmlFile, pairs: pd.DataFrame, points: pd.DataFrame) -> None:
    """Show whether children resemble their seeds: the tables of all rounds, the figures of the first one.

    Args:
        report: is added to.
        pairs: of ``read_results``.
        points: of the figures, whose arms they show.
    """
    found = list(list_steering(pairs, points))
    if not found:
        return
    report.head("Was it what was asked for?")
    show_tables(report, *found)
    first, styles, random = pairs[pairs["round"] == pairs["round"].min()], find_styles(points), find_random(points)
    losses = first[first["signal"] == "loss"]
    if not losses.empty:
        arm = order_arms(losses["method"].unique(), random)[0]
        _write_pairs(report, keep_student(losses, points, arm), arm, styles)
    for signal in ORDERS:
        if curves := order_right(first, signal):
            _write_order(report, curves, styles, signal, random)


def _write_pairs(report: HtmlFile, losses: pd.DataFrame, arm: str, styles: Mapping[str, Style]) -> None:
    """Draw all arms' data of one round, and the pairs of one arm in its first replicate."""
    replicate, number = losses[losses["method"] == arm]["replicate"].min(), losses["round"].iloc[0]
    own = losses[(losses["method"] == arm) & (losses["replicate"] == replicate)]
    ranks = correlate_ranks(own["before"], own["after"])
    report.draw(
        draw_sets(take_middles(losses, ["method", "replicate"]), "loss", styles),
        draw_pairs(own, ranks, "loss", styles.get(arm, NEUTRAL), name=arm),
        caption=f"Round {number}. Left: a point for each replicate of an arm. Right: {arm}, replicate {replicate}: "
        f"{say_correlation(ranks)}.",
    )


def _write_order(
    report: HtmlFile,
    curves: Mapping[str, Sequence[np.ndarray]],
    styles: Mapping[str, Style],
    signal: str,
    random: Collection[str],
) -> None:
    """Draw right answers so far: of the arms with random seeds, of all where there is none; and every arm's gap."""
    shown = {name: own for name, own in curves.items() if name in random} or curves
    report.draw(
        draw_cumulative(shown, styles, signal),
        draw_gaps({name: measure_gap(own) for name, own in curves.items()}, styles, signal),
        caption=f"The first round, {say_order(signal)}. {CUMULATIVE} {GAPS}",
    )


def write_checks(report: HtmlFile, runs: Sequence[RunFolder]) -> None:
    """Write what the finished checks among an experiment's runs found; nothing where there is none.

    Args:
        report: is added to.
        runs: of the experiment's arms.
    """
    checks = [run for run in runs if run.read_run()["kind"] == KIND and run.read_state().state == "done"]
    lines: list[list[str]] = [HEAD]
    ordered: dict[tuple[str, str], dict[str, list[np.ndarray]]] = {}
    for number, run in enumerate(checks):
        for student, pairs in read_checked_pairs(run).items():
            is_chosen = choose_by_wish(pairs, HARD, SHARE)
            found = compare_children(pairs["right_child"], is_chosen, is_share=True)
            ranks = correlate_ranks(pairs["loss_seed"], pairs["loss_child"])
            about = [run.config["arm"], str(run.config["replicate"]), WHO[student], f"{len(pairs):,}"]
            rho, ends, p_value = list_ranks(ranks)
            lines.append([*about, *_say_difference(found), f"{rho} ({ends})", p_value])
            _add_orders(ordered, run.config["arm"], WHO[student], pairs)
            if number == 0 and student == STUDENTS[0]:
                report.head("Can it be steered?")
                if len(checks) > 1:
                    report.say(f"The first of {len(checks)} checks; the table below has all of them.", "soft")
                _write_story(report, run, pairs, is_chosen, found)
    for (arm, signal), curves in ordered.items():
        _write_checked_order(report, arm, signal, curves)
    if len(lines) > 1:
        report.show("Children of the third of the seeds with the highest loss, against all children", lines, words=(2,))


def _add_orders(
    ordered: dict[tuple[str, str], dict[str, list[np.ndarray]]], arm: str, student: str, pairs: pd.DataFrame
) -> None:
    """Add a check's right answers so far to those of its arm, by each score that its seeds have."""
    for signal in ORDERS:
        curve = order_children(pairs[f"{signal}_seed"], pairs["right_child"], signal)
        if len(curve) > 1:
            ordered.setdefault((arm, signal), {}).setdefault(student, []).append(curve)


def _write_checked_order(report: HtmlFile, arm: str, signal: str, curves: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Draw right answers so far for both students, of all replicates of a check: its seeds are random ones."""
    report.draw(
        draw_cumulative(curves, STYLES, signal),
        draw_gaps({name: measure_gap(own) for name, own in curves.items()}, STYLES, signal),
        caption=f"{arm}, random seeds, {say_order(signal)}. {CUMULATIVE} {GAPS}",
    )


def _write_story(
    report: HtmlFile, run: RunFolder, pairs: pd.DataFrame, is_chosen: np.ndarray, found: Difference
) -> None:
    """Write the sentences and figures of one check."""
    report.say(say_children(HARD, found, "the student before training"), "strong")
    ranks = correlate_ranks(pairs["loss_seed"], pairs["loss_child"])
    report.say(say_ranks("loss", ranks, "for the student before training"))
    noun = name_wish(HARD)
    figures = draw_moved(
        pairs["loss_seed"].to_numpy(dtype=float),
        pairs["loss_child"].to_numpy(dtype=float),
        is_chosen,
        noun=escape(noun),
        axis=QUANTITIES["loss"],
        style=style_of_wish(HARD.name),
    )
    report.draw(*figures, caption=f"{run.config['arm']}, replicate {run.config['replicate']}. Dotted: means.")


def _say_difference(found: Difference) -> list[str]:
    if found.low is None:
        return ["–"] * 3
    shares = [f"{100 * share:.1f} %" for share in (found.chosen, found.all)]
    told = f"{100 * found.difference:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    return [*shares, told.replace("-", "−")]
