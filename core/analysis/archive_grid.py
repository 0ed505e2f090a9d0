"""The archive of quality and diversity: skill-sets by how often the student solves, and which cells are worth filling.

A cell is a skill-set and a range of solve rates. Quality is 1 - solve rate inside [0.1, 0.9], else 0 (SPARQ, section
2.1); the best of each skill-set adds up to the QD-score (Pugh 2016). It knows frames, and nothing of runs or pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.selection.solve_rate import HIGHEST, LOWEST, find_quality

EDGES = (0.0, LOWEST, 0.3, 0.5, 0.7, HIGHEST, 1.0)
"""Solve rates between columns; both ends of [0.1, 0.9] belong to the columns inside."""

NEVER, ALWAYS = 0, len(EDGES) - 2
"""Columns of what is solved too seldom, or too often, to teach anything."""

MOST_SEEDS = 20
"""Seeds that are named for one cell."""

N_TIMES = 60
"""Points of the course over time, at most."""


@dataclass(frozen=True, slots=True)
class Target:
    """A cell that nothing was grown into, and seeds that could fill it."""

    skills: str
    column: int
    quality: float
    """Of the middle of the range."""

    seeds: Sequence[str]
    """Ids, those that lie nearest first; at most MOST_SEEDS."""

    is_inside: bool
    """Whether these seeds lie in the cell itself, and not in the one beside it."""


def find_column(rates: np.ndarray) -> np.ndarray:
    """Return (n,) int64: the column of each solve rate; -1 where it is unknown (NaN)."""
    rates = np.asarray(rates, dtype=float)
    found = np.searchsorted(EDGES[1:-1], rates, side="right")
    found = np.where(rates == HIGHEST, ALWAYS - 1, found)
    return np.where(np.isnan(rates), -1, found)


def make_grid(items: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell that holds something.

    Args:
        items: ``skills`` (text), ``rate`` (NaN: unknown), ``is_seed``.

    Returns:
        skills, column, n_seeds, n_grown, quality (the best of what was grown; NaN where nothing was).
    """
    known = items.assign(column=find_column(items["rate"]), quality=find_quality(items["rate"]))
    known = known[known["column"] >= 0]
    known["grown_quality"] = known["quality"].where(~known["is_seed"].astype(bool))
    found = known.groupby(["skills", "column"], sort=True).agg(
        n=("is_seed", "size"), n_seeds=("is_seed", "sum"), quality=("grown_quality", "max")
    )
    found["n_grown"] = found.pop("n") - found["n_seeds"]
    return found.reset_index()[["skills", "column", "n_seeds", "n_grown", "quality"]]


def measure_course(items: pd.DataFrame) -> pd.DataFrame:
    """Return how coverage and QD-score rose as problems were grown.

    Args:
        items: what was grown, in the order of making: ``skills``, ``rate``, ``run``.

    Returns:
        run, n (problems so far), coverage (skill-sets so far; an empty one counts for nothing, in the score neither),
        cells (with a problem of some quality), qd_score; at most N_TIMES rows a run, the last one among them.
    """
    rows = []
    known = items.assign(quality=np.nan_to_num(find_quality(items["rate"])), column=find_column(items["rate"]))
    for run, own in known.groupby("run", sort=True):
        best: dict[str, float] = {}
        cells: set[tuple[str, int]] = set()
        step = max(1, -(-len(own) // N_TIMES))
        for n, (skills, quality, column) in enumerate(
            zip(own["skills"], own["quality"], own["column"], strict=True), start=1
        ):
            if skills:
                best[skills] = max(quality, best.get(skills, 0.0))
            if quality > 0:
                cells.add((skills, column))
            if n % step == 0 or n == len(own):
                rows.append((run, n, len(best), len(cells), sum(best.values())))
    return pd.DataFrame(rows, columns=["run", "n", "coverage", "cells", "qd_score"])


def suggest_targets(items: pd.DataFrame, most: int = 10) -> list[Target]:
    """Return cells of some quality that nothing was grown into, those of the highest quality and most seeds first.

    A seed's children tend to be solved as often as it is (Kessler 2025, section 5.4), so the seeds of the cell itself
    are named; where it has none, those of the same skill-set in a cell beside it.

    Args:
        items: as for ``make_grid``, with ``item_id``.
        most: cells.
    """
    grid = make_grid(items)
    filled = set(zip(*(grid.loc[grid["n_grown"] > 0, name] for name in ("skills", "column")), strict=True))
    seeds = items[items["is_seed"].astype(bool) & items["rate"].notna()]
    seeds = seeds.assign(column=find_column(seeds["rate"]))
    own = {key: rows for key, rows in seeds.groupby(["skills", "column"])}
    found = []
    for skills in sorted(seeds["skills"].unique()):
        for column in range(NEVER + 1, ALWAYS):
            if (skills, column) in filled:
                continue
            middle = (EDGES[column] + EDGES[column + 1]) / 2
            near = [own[key] for key in ((skills, column - 1), (skills, column + 1)) if key in own]
            is_inside = (skills, column) in own
            if not is_inside and not near:
                continue
            rows = own[skills, column] if is_inside else pd.concat(near)
            order = (rows["rate"] - middle).abs().sort_values(kind="stable").index
            found.append(
                Target(skills, column, 1 - middle, rows.loc[order, "item_id"].tolist()[:MOST_SEEDS], is_inside)
            )
    found.sort(key=lambda each: (not each.is_inside, -each.quality, -len(each.seeds), each.skills))
    return found[:most]
