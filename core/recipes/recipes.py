"""All recipes by name: importing this registers every one; ``recipe.py`` has what they share."""

from core.recipes import active, baselines, negatives, sparq, steerability, verbalized  # noqa: F401 (registers)
from core.recipes.recipe import RECIPES, make_recipe

__all__ = ["RECIPES", "make_recipe"]
