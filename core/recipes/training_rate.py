"""How long a training will take, by the steps of earlier trainings in this home, their validation included.

It knows nothing of what comes before and after: loading, drawing (``drawing_rate``), the test problems.
"""

import json

from core.hub import Hub
from core.recipes.start import fix_model
from core.training.config import TrainingConfig

ENOUGH_STEPS = 3
"""Steps after the first that a training must have made before its rate is told of others."""


def count_steps(n_rows: int, training: TrainingConfig) -> int:
    """Return how many optimiser steps a training makes on so many rows, or pairs."""
    return training.epochs * -(-n_rows // training.batch_size)


def estimate_training(
    hub: Hub, student: str, objective: str, training: TrainingConfig, n_rows: int, *, is_policy: bool = False
) -> float | None:
    """Return the seconds of a training by the newest one alike; None where none was made here.

    One is alike where student, objective and kind of weights are the same. Its time goes by the rows that it passed,
    so that a smaller batch does not count as a faster training.

    Args:
        hub: of the home.
        student: as the runs name it.
        objective: name of the one trained by.
        training: the settings to come.
        n_rows: rows, or pairs, that will be trained on.
        is_policy: whether it is the supervised training of a policy: then those of earlier policies count too.
    """
    student, wanted = fix_model(student), count_steps(n_rows, training) * training.batch_size
    for run in hub.store.list_runs(["finetune", "loop"], states=["done"], limit=50).to_dict("records"):
        config = json.loads(run["config"])
        settings = {"policy": config.get("policy_training") or {}} if is_policy else {}
        if config.get("objective", "sft") == objective:
            settings["finetune"] = config["training"]
        if config.get("student") != student:
            continue
        for stage in hub.store.list_stages(run["run_id"]).to_dict("records"):
            then = settings.get(str(stage["stage"]).rpartition(": ")[2], {})
            n_steps = stage["made"] - (stage["began_made"] or 0)
            if then.get("weights") == training.weights and n_steps >= ENOUGH_STEPS:
                took = stage["progress_at"] - stage["began_at"]
                return took / (n_steps * then["batch_size"]) * wanted
    return None
