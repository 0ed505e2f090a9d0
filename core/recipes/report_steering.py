"""What a report says of seeds and their children: those of the rounds, and those of an experiment's checks."""

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd

from core.analysis.steering import Correlation, correlate_ranks, measure_gaps
from core.analysis.wish_words import QUANTITIES, name_wish, say_children, say_ranks
from core.analysis.wishes import Difference, Wish, choose_by_wish, compare_children
from core.figures.experiment_steering import draw_gaps, draw_pairs
from core.figures.experiments import find_styles
from core.figures.html_file import HtmlFile
from core.figures.steering import draw_moved, style_of_wish
from core.recipes.checked_pairs import STUDENTS, read_checked_pairs
from core.recipes.steerability import KIND
from core.recipes.steering_tables import list_steering
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
]
MOST_PAIRS = 1_500
"""Pairs that are drawn; the numbers are of all."""

WHO = {"first": "before training", "last": "after training"}


def write_steering(report: HtmlFile, pairs: pd.DataFrame, points: pd.DataFrame) -> None:
    """Show whether children resemble their seeds: the table of all rounds, the figures of the first one.

    Args:
        report: is added to.
        pairs: of ``read_results``.
        points: of the figures, whose arms they show.
    """
    found = list(list_steering(pairs))
    if not found:
        return
    report.head("Was it what was asked for?")
    for table in found:
        report.show(f"{table.caption[0].upper()}{table.caption[1:]}", table.lines)
    first = pairs[pairs["round"] == pairs["round"].min()]
    losses, styles = first[first["signal"] == "loss"], find_styles(points)
    if losses.empty:
        return
    figures = []
    shown = losses if len(losses) <= MOST_PAIRS else losses.sample(MOST_PAIRS, random_state=0)
    figures.append(draw_pairs(shown, correlate_ranks(losses["before"], losses["after"]), "loss", styles))
    if gaps := measure_gaps(first):
        figures.append(draw_gaps(gaps, styles))
    number = int(first["round"].iloc[0])
    drawn = "" if len(shown) == len(losses) else f" {len(shown):,} of {len(losses):,} pairs are drawn."
    report.draw(*figures, caption=f"Round {number}, all replicates.{drawn}")


def write_checks(report: HtmlFile, runs: Sequence[RunFolder]) -> None:
    """Write what the finished checks among an experiment's runs found; nothing where there is none.

    Args:
        report: is added to.
        runs: of the experiment's arms.
    """
    checks = [run for run in runs if run.read_run()["kind"] == KIND and run.read_state().state == "done"]
    lines = [HEAD]
    for number, run in enumerate(checks):
        for student, pairs in read_checked_pairs(run).items():
            is_chosen = choose_by_wish(pairs, HARD, SHARE)
            found = compare_children(pairs["right_child"], is_chosen, is_share=True)
            ranks = correlate_ranks(pairs["loss_seed"], pairs["loss_child"])
            about = [run.config["arm"], str(run.config["replicate"]), WHO[student], f"{len(pairs):,}"]
            lines.append([*about, *_say_difference(found), _say_ranks(ranks)])
            if number == 0 and student == STUDENTS[0]:
                report.head("Can it be steered?")
                if len(checks) > 1:
                    report.say(f"The first of {len(checks)} checks; the table below has all of them.", "soft")
                _write_story(report, run, pairs, is_chosen, found)
    if len(lines) > 1:
        report.show("Children of the third of the seeds with the highest loss, against all children", lines, words=(2,))


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


def _say_ranks(found: Correlation) -> str:
    if found.rho is None:
        return "–"
    ends = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f})"
    return f"{found.rho:.2f}{ends}".replace("-", "−")
