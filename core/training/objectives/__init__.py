"""Objectives: what a finetune makes likelier and unlikelier; one file per family, one contract, one registry.

To add one, write a frozen dataclass as in supervised.py, register an instance, and import its module below.
"""

from core.training.objectives import (  # noqa: I001 (registers, in this order)
    supervised,  # noqa: F401
    rejection,  # noqa: F401
    preference,  # noqa: F401
    per_step,  # noqa: F401
    wrong_answers,  # noqa: F401
)
from core.training.objectives.base import OBJECTIVES, Asking, Material, Objective, make_objective

__all__ = ["OBJECTIVES", "Asking", "Material", "Objective", "make_objective"]
