"""How long an experiment will take, by the rounds of earlier runs of the same recipes with the same student.

A round takes some time whatever it trains on (answers, scores, the teacher), and some for each row: both are fitted.
"""

from dataclasses import dataclass

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
        rounds: of ``list_round_times``: kind, student, training_rows, seconds.
        experiment: what is to be carried out.
    """
    seconds, unknown, used = 0.0, [], {}
    for arm in experiment.arms:
        recipe = make_recipe(arm.recipe, arm.settings)
        kind = RECIPES.get(arm.recipe).kind
        student = fix_model(arm.options.student or experiment.student)
        own = rounds[(rounds["kind"] == kind) & (rounds["student"] == student)].dropna()
        sizes = [recipe.accepted * number for number in range(1, getattr(recipe, "rounds", 0) + 1)]
        if len(own) < FEWEST or not sizes:
            unknown.append(arm.name)
            continue
        used[kind] = len(own)
        seconds += predict_seconds(own, sizes)
    return Estimate(seconds * len(experiment.replicates), sum(used.values()), tuple(unknown))


def predict_seconds(rounds: pd.DataFrame, sizes: list[int]) -> float:
    """Return the sum over sizes of a straight line through seconds by rows (least squares, never falling).

    Args:
        rounds: training_rows and seconds, at least one row.
        sizes: rows that are to be trained on, round by round.
    """
    rows, seconds = rounds["training_rows"].to_numpy(float), rounds["seconds"].to_numpy(float)
    slope, start = np.polyfit(rows, seconds, 1) if np.ptp(rows) > 0 else (0.0, float(np.median(seconds)))
    if slope < 0:
        slope, start = 0.0, float(np.median(seconds))
    return float(sum(max(start, 0.0) + slope * size for size in sizes))
