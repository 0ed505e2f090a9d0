"""How long a student will draw before a training, by the drawing of earlier finetunes in this home.

A stage's progress says when it began, how much lay in the cache then, and how far it came: that is its rate. Where
nothing was drawn yet, answering problems greedily tells more or less, in a scoring or in a loop.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from core.hub import Hub
from core.recipes.selecting import ENOUGH, estimate_seconds
from core.recipes.start import fix_model

STAGES = {"n_answers": "answers", "n_rollouts": "rollouts"}
"""What an objective's estimate counts -> what the progress of its drawing is called."""


class DrawingTime(NamedTuple):
    """How long drawing takes."""

    seconds: float
    is_drawn: bool
    """Whether it was measured where answers were drawn; False: where problems were answered."""


def estimate_drawing(hub: Hub, student: str, wanted: Mapping[str, int]) -> DrawingTime | None:
    """Return how long a student takes for what an objective wants drawn; None where nothing was measured here.

    Continuations are no longer than answers, so where only answers were drawn their rate counts for both.

    Args:
        hub: of the home.
        student: as the runs name it.
        wanted: from ``Objective.estimate``.
    """
    rates = read_rates(hub, student)
    if rates:
        usual = rates["answers" if "answers" in rates else "rollouts"]
        seconds = sum(n * rates.get(STAGES[name], usual) for name, n in wanted.items() if name in STAGES)
        return DrawingTime(seconds, is_drawn=True)
    n = sum(wanted.get(name, 0) for name in STAGES)
    seconds, _ = estimate_seconds(hub, student, ["answers"], n, {})
    if seconds is None and (rate := read_answer_rate(hub, student)) is not None:
        seconds = n * rate
    return None if seconds is None else DrawingTime(seconds, is_drawn=False)


def read_rates(hub: Hub, student: str) -> dict[str, float]:
    """Return stage of the drawing -> seconds for one, of the newest finetune of this student that drew enough."""
    rates: dict[str, float] = {}
    student = fix_model(student)
    for run in hub.store.list_runs(["finetune"], states=["done"], limit=50).to_dict("records"):
        config = json.loads(run["config"])
        if config.get("student") != student or config.get("objective", "sft") == "sft":
            continue
        for stage in hub.store.list_stages(run["run_id"]).to_dict("records"):
            name, rate = str(stage["stage"]).rpartition(": ")[2], _measure(stage)
            if name in STAGES.values() and rate is not None:
                rates.setdefault(name, rate)
        if len(rates) == len(STAGES):
            break
    return rates


def read_answer_rate(hub: Hub, student: str) -> float | None:
    """Return the seconds for one greedy answer in the newest loop of this student that answered enough seeds."""
    student = fix_model(student)
    for run in hub.store.list_runs(["loop"], states=["done"], limit=50).to_dict("records"):
        if json.loads(run["config"]).get("student") != student:
            continue
        for stage in hub.store.list_stages(run["run_id"]).to_dict("records"):
            if str(stage["stage"]).endswith("score the seeds, answers") and (rate := _measure(stage)) is not None:
                return rate
    return None


def _measure(stage: Mapping[str, Any]) -> float | None:
    """Return the seconds for one of what a stage makes; None where too little of it was made in one go."""
    n_made = stage["made"] - (stage["began_made"] or 0)
    return (stage["progress_at"] - stage["began_at"]) / n_made if n_made >= ENOUGH and stage["began_at"] else None
