"""How long a student will draw before a training, by the drawing of earlier finetunes in this home.

Where nothing was drawn yet, answering problems greedily tells more or less (``answer_rate``).
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

from core.hub import Hub
from core.recipes.answer_rate import estimate_answers, measure_rate
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
    seconds = estimate_answers(hub, student, sum(wanted.get(name, 0) for name in STAGES))
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
            name, rate = str(stage["stage"]).rpartition(": ")[2], measure_rate(stage)
            if name in STAGES.values() and rate is not None:
                rates.setdefault(name, rate)
        if len(rates) == len(STAGES):
            break
    return rates
