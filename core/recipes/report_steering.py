"""What a report says of seeds and their children: those of the rounds, and those of an experiment's checks."""

from collections.abc import Collection, Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd

from core.analysis.steering import correlate_ranks, measure_gap, order_right, take_middles
from core.analysis.wish_words import QUANTITIES, name_wish, say_children, say_ranks
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
from core.recipes.check_tables import HARD, Finding, choose_story, find_in_checks, group_orders, list_checks
from core.recipes.experiment_tables import Table
from core.recipes.steering_tables import (
    find_random,
    keep_student,
    list_steering,
    order_arms,
    say_correlation,
)
from core.runs.folder import RunFolder

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


def write_checks(report: HtmlFile, checks: Sequence[RunFolder]) -> None:
    """Write what an experiment's checks of steerability found; nothing where there is none.

    Args:
        report: is added to.
        checks: those that are done.
    """
    findings = find_in_checks(checks)
    if not findings:
        return
    report.head("Can it be steered?")
    _write_story(report, choose_story(findings))
    for signal in ORDERS:
        for arm, curves in group_orders(findings, signal).items():
            _write_checked_order(report, arm, signal, curves)
    show_tables(report, *list_checks(findings))


def _write_checked_order(report: HtmlFile, arm: str, signal: str, curves: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Draw right answers so far for both students, of all replicates of a check: its seeds are random ones."""
    report.draw(
        draw_cumulative(curves, STYLES, signal),
        draw_gaps({name: measure_gap(own) for name, own in curves.items()}, STYLES, signal),
        caption=f"{arm}, random seeds, {say_order(signal)}. {CUMULATIVE} {GAPS}",
    )


def _write_story(report: HtmlFile, story: Finding) -> None:
    """Write the sentences and figures of one finding."""
    report.say(say_children(HARD, story.difference, "the student before training"), "strong")
    report.say(say_ranks("loss", story.ranks, "for the student before training"))
    figures = draw_moved(
        story.pairs["loss_seed"].to_numpy(dtype=float),
        story.pairs["loss_child"].to_numpy(dtype=float),
        story.pairs["is_hard"].to_numpy(dtype=bool),
        noun=escape(name_wish(HARD)),
        axis=QUANTITIES["loss"],
        style=style_of_wish(HARD.name),
    )
    of = "all replicates together" if story.replicate is None else f"replicate {story.replicate}"
    report.draw(*figures, caption=f"{story.arm}, {of}. Dotted: means.")
