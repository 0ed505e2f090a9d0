"""What an experiment's checks of steerability found, over their replicates: for shell, page and report.

A check draws its own seeds at random and grows one child of each; the replicates of an arm are put together child by
child, each child held against its own replicate's. What another training run, or another seed set, would change is not
in the intervals.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.steering import Correlation, correlate_ranks, order_children, pool_correlations
from core.analysis.wishes import Difference, Wish, choose_by_wish, compare_children
from core.figures.steering import STUDENTS as STYLES
from core.recipes.checked_pairs import STUDENTS, read_checked_pairs
from core.recipes.experiment_tables import MISSING, Table
from core.recipes.steering_tables import list_ranks
from core.runs.folder import RunFolder

HARD, SHARE = Wish("hard", "loss", 1, None, "right", "loss"), 1 / 3
"""What is asked of the seeds: the third with the highest loss."""

WHO = dict(zip(STUDENTS, STYLES, strict=True))
"""A check's student -> what it is called."""

HEAD = [
    "check",
    "replicate",
    "student",
    "children",
    "right, of hard seeds",
    "right, of all",
    "difference in points",
    "95 %",
    "ρ of losses",
    "its 95 %",
    "p",
]
NOTE = (
    "Rows of all replicates put their children together (ρ: by Fisher's z); their intervals are of the children, and "
    "what another training run would change is not in them."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found with one student, or all replicates of a check together."""

    arm: str
    replicate: int | None
    """None: all of them."""

    student: str
    """One of STUDENTS."""

    pairs: pd.DataFrame
    """Of ``make_pairs``, with ``is_hard``: whether the seed is of the hard third of its replicate."""

    difference: Difference
    ranks: Correlation


def find_in_checks(runs: Sequence[RunFolder]) -> list[Finding]:
    """Return what checks found: of each arm and student all replicates together, where there are several, then each.

    Args:
        runs: finished checks, in the order in which they are to stand.
    """
    own: dict[tuple[str, str], list[Finding]] = {}
    for run in runs:
        for student, pairs in read_checked_pairs(run).items():
            pairs = pairs.assign(is_hard=choose_by_wish(pairs, HARD, SHARE))
            ranks = correlate_ranks(pairs["loss_seed"], pairs["loss_child"])
            about = (run.config["arm"], run.config["replicate"], student)
            own.setdefault((run.config["arm"], student), []).append(Finding(*about, pairs, _compare(pairs), ranks))
    return [finding for each in own.values() for finding in (*_put_together(each), *each)]


def _compare(pairs: pd.DataFrame) -> Difference:
    return compare_children(pairs["right_child"], pairs["is_hard"], is_share=True)


def _put_together(findings: Sequence[Finding]) -> list[Finding]:
    if len(findings) < 2:
        return []
    pairs = pd.concat([each.pairs for each in findings], ignore_index=True)
    ranks = pool_correlations([each.ranks for each in findings])
    return [Finding(findings[0].arm, None, findings[0].student, pairs, _compare(pairs), ranks)]


def list_checks(findings: Sequence[Finding]) -> Iterator[Table]:
    """Yield the table of an experiment's checks; nothing where there is none."""
    if not findings:
        return
    lines = [HEAD]
    for each in findings:
        rho, ends, p_value = list_ranks(each.ranks)
        replicate = "all" if each.replicate is None else str(each.replicate)
        told = [each.arm, replicate, WHO[each.student], f"{len(each.pairs):,}"]
        lines.append([*told, *_say_difference(each.difference), rho, ends, p_value])
    note = NOTE if any(each.replicate is None for each in findings) else ""
    yield Table("checks", "children of the third of the seeds with the highest loss, against all children", lines, note)


def _say_difference(found: Difference) -> list[str]:
    if found.low is None:
        return [MISSING] * 4
    shares = [f"{100 * share:.1f} %" for share in (found.chosen, found.all)]
    points = [f"{100 * value:+.1f}".replace("-", "−") for value in (found.difference, found.low, found.high)]
    return [*shares, points[0], f"{points[1]} to {points[2]}"]


def choose_story(findings: Sequence[Finding]) -> Finding:
    """Return the finding that is told in words: the first arm's, before training, of all replicates."""
    return next(each for each in findings if each.student == STUDENTS[0])


def group_orders(findings: Sequence[Finding], signal: str) -> Mapping[str, Mapping[str, list[np.ndarray]]]:
    """Return arm -> student's name -> right answers so far of each replicate, in the order of their seeds' scores."""
    found: dict[str, dict[str, list[np.ndarray]]] = {}
    for each in findings:
        curve = order_children(each.pairs[f"{signal}_seed"], each.pairs["right_child"], signal)
        if each.replicate is not None and len(curve) > 1:
            found.setdefault(each.arm, {}).setdefault(WHO[each.student], []).append(curve)
    return found
