"""How long a training will take, by the steps of earlier trainings in this home and by how fast the student answers.

It knows nothing of what comes before and after: loading, drawing (``drawing_rate``), the test problems.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.hub import Hub
from core.recipes.answer_rate import estimate_answers
from core.recipes.start import fix_model
from core.recipes.training import POLICY
from core.runs.orders import ROUNDS
from core.training.config import TrainingConfig

ENOUGH_STEPS = 4
"""Steps that a training must have made before its rate is told of others."""


def count_steps(n_rows: int, training: TrainingConfig) -> int:
    """Return how many optimiser steps a training makes on so many rows, or pairs."""
    return training.epochs * -(-n_rows // training.batch_size)


def estimate_training(
    hub: Hub,
    student: str,
    objective: str,
    training: TrainingConfig,
    n_rows: int,
    n_validation: int,
    *,
    is_policy: bool = False,
) -> float | None:
    """Return the seconds of a training by the newest one alike; None where none was made here.

    One is alike where student, objective and kind of weights are the same. A row of a step takes what it took there,
    and the validation problems are answered once before the training and after every epoch; where it is not known how
    fast the student answers, only the steps count.

    Args:
        hub: of the home.
        student: as the runs name it.
        objective: name of the one trained by.
        training: the settings to come.
        n_rows: rows, or pairs, that will be trained on.
        n_validation: validation problems.
        is_policy: whether it is the supervised training of a policy: then those of earlier policies count too.
    """
    student, metrics = fix_model(student), {"loss": "training"}
    if is_policy:
        metrics[f"{POLICY}/loss"] = "policy_training"
    for run in hub.store.list_runs(["finetune", *ROUNDS], states=["done"], limit=50).to_dict("records"):
        config = json.loads(run["config"])
        for metric, part in metrics.items() if config.get("student") == student else ():
            if metric == "loss" and config.get("objective", "sft") != objective:
                continue
            rate = _measure_row(hub, run["run_id"], metric, config.get(part) or {}, training.weights)
            if rate is not None:
                seconds = rate * training.batch_size * count_steps(n_rows, training)
                n_answers = n_validation * (training.epochs + 1)
                return seconds + (estimate_answers(hub, student, n_answers) or 0.0)
    return None


def _measure_row(hub: Hub, run_id: str, metric: str, then: Mapping[str, Any], weights: str) -> float | None:
    """Return the seconds that a row of a step took: the median over steps, which leaves out the validation between."""
    if then.get("weights") != weights:
        return None
    points = hub.store.read_metrics(run_id, [metric])
    points = points[points["round"] == points["round"].max()]
    if len(points) < ENOUGH_STEPS:
        return None
    per_step = np.diff(points["written_at"]) / np.diff(points["step"])
    return float(np.median(per_step)) / then["batch_size"]
