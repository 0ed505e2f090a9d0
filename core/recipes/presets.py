"""Which training settings a finetune begins from, by student, task and objective."""

from collections.abc import Mapping
from typing import Any

from core.models.student import TINY
from core.training.config import PRESETS
from core.training.objectives import OBJECTIVES, make_objective
from core.training.objectives.wrong_answers import SignedLikelihood

SETTINGS_BY_TASK = {
    "word_problems": "gsm8k-synthetic",
    "maths": "math-synthetic",
    "prontoqa": "prontoqa-synthetic",
    "game24": "game24-synthetic",
    "custom": "gsm8k-synthetic",
}
"""Preset of a real student by task; the shipped student has its own."""


def choose_preset(student: str, task: str, objective: str = "sft", settings: Mapping[str, Any] | None = None) -> str:
    """Return the name of the preset that a finetune of this student on this task starts from.

    The signed likelihood per token was best at 1.6e-3; its summed form was tried up to 2e-4 only, and did better there
    than at lower rates, if no better than supervised finetuning (docs/log.md).

    Args:
        student: source of the student.
        task: registry name.
        objective: registry name.
        settings: of the objective; None: its usual ones. Raises TrainingError for those that it cannot have.
    """
    if student == TINY:
        chosen = make_objective(objective, settings)
        if isinstance(chosen, SignedLikelihood) and not chosen.is_normalised:
            return "tiny-signed-summed"
        own = f"tiny-{task if objective == 'sft' else objective.replace('_', '-')}"
        return own if own in PRESETS else "tiny"
    if OBJECTIVES.get(objective).form == "pairs":
        return "preferences"
    is_paper = objective == "unlikelihood" and task == "game24"
    return "game24-unlikelihood" if is_paper else SETTINGS_BY_TASK[task]
