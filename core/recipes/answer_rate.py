"""How long a student takes to answer, by the evaluations, scorings, loops and reviews of this home in which it did.

A stage's progress says when it began, how much lay in the cache then, and how far it came: that is its rate.
"""

import json
from collections.abc import Mapping
from typing import Any

from core.hub import Hub
from core.recipes.selecting import ENOUGH, estimate_seconds
from core.recipes.start import fix_model

LOOP_STAGE = "score the seeds, answers"
WHOLE_STAGES = ("base: answers", "tuned: answers", "candidates: answers")


def measure_rate(stage: Mapping[str, Any]) -> float | None:
    """Return the seconds for one of what a stage makes; None where too little of it was made in one go.

    Args:
        stage: row of ``Store.list_stages``.
    """
    n_made = stage["made"] - (stage["began_made"] or 0)
    return (stage["progress_at"] - stage["began_at"]) / n_made if n_made >= ENOUGH and stage["began_at"] else None


def estimate_answers(hub: Hub, student: str, n: int, *, is_greedy: bool = True) -> float | None:
    """Return the seconds that n answers take; None where nothing was measured here.

    Drawn answers go by drawn ones, several of a problem at a time; greedy ones also by what was scored or looped.

    Args:
        hub: of the home.
        student: as the runs name it, with or without an adapter: that makes little of a difference.
        n: answers, none of which is known yet.
        is_greedy: whether each problem is answered once, by the likeliest tokens.
    """
    student = fix_model(student)
    kinds = ["evaluate", "ask", "loop"] if is_greedy else ["evaluate"]
    for run in hub.store.list_runs(kinds, states=["done"], limit=50).to_dict("records"):
        config = json.loads(run["config"])
        n_samples = config.get("n_samples") or 1
        if config.get("student") != student or (config.get("temperature") is None) != is_greedy:
            continue
        for stage in hub.store.list_stages(run["run_id"]).to_dict("records"):
            name = str(stage["stage"])
            is_answers = name in WHOLE_STAGES or name.endswith(LOOP_STAGE)
            if is_answers and (rate := measure_rate(stage)) is not None:
                return n * rate / n_samples
    return estimate_seconds(hub, student, ["answers"], n, {})[0] if is_greedy else None
