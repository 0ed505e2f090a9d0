"""How long an experiment will take, by the rounds of earlier runs of the same recipes with the same student.

A round takes some time whatever it trains on (answers, scores, the teacher), and some for each candidate or problem
that was accepted so far, however many rows it makes of one: both are fitted. Rounds on the same seed set count alone
where there are enough, for problems differ in length. Where a recipe searches before it trains, its first round holds
the search, which takes as long as problems are generated, and is not of the line.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.recipes.experiment_file import Experiment
from core.recipes.recipes import RECIPES, make_recipe
from core.recipes.start import fix_model

FEWEST = 2
"""Rounds below which nothing is told."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of it before it begins."""

    seconds: float
    """Of one process, all arms of all replicates of which something is known."""

    n_rounds: int
    """Earlier rounds that it is reckoned from."""

    unknown: tuple[str, ...]
    """Arms of which nothing is known: no run of their recipe with this student has ended a round here."""


def estimate_seconds(rounds: pd.DataFrame, experiment: Experiment) -> Estimate:
    """Return how long all arms of all replicates will take.

    Args:
        rounds: of ``list_round_times``.
        experiment: what is to be carried out.
    """
    seconds, unknown, used = 0.0, [], {}
    rounds = rounds.dropna(subset=["size", "seconds"])
    for arm in experiment.arms:
        recipe = make_recipe(arm.recipe, arm.settings)
        kind = RECIPES.get(arm.recipe).kind
        student = fix_model(arm.options.student or experiment.student)
        is_alike = (rounds["kind"] == kind) & (rounds["student"] == student)
        own = keep_alike(rounds[is_alike], experiment.seed_set)
        sizes = [recipe.accepted * number for number in range(1, getattr(recipe, "rounds", 0) + 1)]
        if len(own) < FEWEST or not sizes:
            unknown.append(arm.name)
            continue
        used[kind, student] = len(own)
        seconds += predict_seconds(own, sizes, getattr(recipe, "generated", 0))
    return Estimate(seconds * len(experiment.replicates), sum(used.values()), tuple(unknown))


def keep_alike(rows: pd.DataFrame, seed_set: str) -> pd.DataFrame:
    """Return the rows on the same seed set where there are FEWEST, else all of them.

    Args:
        rows: with seed_set_id and seed_set_name.
        seed_set: as an experiment names it: a name, a file or an id.
    """
    named = [seed_set, Path(seed_set).stem]
    own = rows[rows["seed_set_name"].isin(named) | rows["seed_set_id"].isin(named)]
    return own if len(own) >= FEWEST else rows


def predict_seconds(rounds: pd.DataFrame, sizes: list[int], n_searched: int = 0) -> float:
    """Return the sum over sizes of a straight line through seconds by size, and the time of the search before them.

    Args:
        rounds: round, size, n_searched and seconds, at least one row.
        sizes: accepted candidates or problems so far, round by round.
        n_searched: problems that the search is to generate; 0: there is none.
    """
    has_search = rounds["n_searched"].notna() & (rounds["round"] == 1)
    slope, start = _fit(rounds[~has_search])
    seconds = sum(start + slope * size for size in sizes)
    first = rounds[has_search]
    if n_searched and len(first):
        search = (first["seconds"] - start - slope * first["size"]).clip(lower=0)
        seconds += n_searched * float((search / first["n_searched"]).median())
    return float(seconds)


def _fit(rounds: pd.DataFrame) -> tuple[float, float]:
    """Return slope and start of the line (least squares, never falling nor below 0); both 0 without any round."""
    if rounds.empty:
        return 0.0, 0.0
    sizes, seconds = rounds["size"].to_numpy(float), rounds["seconds"].to_numpy(float)
    slope, start = np.polyfit(sizes, seconds, 1) if np.ptp(sizes) > 0 else (0.0, float(np.median(seconds)))
    if slope < 0:
        slope, start = 0.0, float(np.median(seconds))
    return float(slope), max(float(start), 0.0)
