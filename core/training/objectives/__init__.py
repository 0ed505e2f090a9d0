"""Objectives: what a finetune makes likelier and unlikelier; one file per family, one contract, one registry."""

from core.training.objectives import per_step, preference, rejection, supervised, wrong_answers
from core.training.objectives.base import OBJECTIVES, Asking, Material, Objective, make_objective

__all__ = [
    "OBJECTIVES",
    "Asking",
    "Material",
    "Objective",
    "make_objective",
    "per_step",
    "preference",
    "rejection",
    "supervised",
    "wrong_answers",
]
