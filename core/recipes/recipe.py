"""Recipes: a paper's method as one kind of run with its settings, by name.

To add one, write a frozen dataclass whose fields are its settings (a text below each says what it is), with ``kind``
and ``make_config``, beside the function that carries such a run out; register it, add its kind to ``kinds.py``, and
import its file in ``recipes.py``. An experiment gives the same seed set, student and replicate to every arm, and
settings to each.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, Protocol

from core.errors import RunError
from core.recipes.start import make_loop_config
from core.registry import Registry
from core.setting_types import find_misfit


class Recipe(Protocol):
    """What an arm of an experiment does once for each replicate."""

    kind: ClassVar[str]
    """Kind of run, as ``core.recipes.kinds`` knows it."""

    varies: ClassVar[str | None]
    """The setting that a form offers to set arms apart by; None: a form does not offer the recipe."""

    # A recipe may also say what of its summary an experiment tells beside accuracy: ``reports``, field -> name.

    @classmethod
    def list_choices(cls) -> list[str]:
        """Return what ``varies`` can be."""
        ...

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the frozen configuration of one run; raises SeedbedError for settings that cannot be."""
        ...


RECIPES: Registry[type[Recipe]] = Registry("recipe")


def make_recipe(name: str, settings: Mapping[str, Any]) -> Recipe:
    """Return a recipe with its settings; raises RunError for a setting that there is not, or of the wrong type."""
    recipe = RECIPES.get(name)
    known = [each.name for each in fields(recipe)]
    if unknown := sorted(set(settings) - set(known)):
        raise RunError(f"The recipe {name} has no setting {unknown[0]!r}; it has: {', '.join(known)}.")
    if (misfit := find_misfit(recipe, settings)) is not None:
        raise RunError(f"The recipe {name}: {misfit}.")
    return recipe(**settings)


class Rounds(Protocol):
    """The settings that recipes of rounds share: the budget that they are compared at, and how they train."""

    accepted: int
    rounds: int
    epochs: int | None
    learning_rate: float | None


def list_training(recipe: Rounds) -> dict[str, Any]:
    """Return what of the training settings somebody gave; the others are those of the student's preset."""
    given = {name: getattr(recipe, name) for name in ("epochs", "learning_rate")}
    return {name: value for name, value in given.items() if value is not None}


def make_rounds_config(
    recipe: Rounds, home: Path, seed_set: str, student: str, replicate: int, **choice: str
) -> dict[str, Any]:
    """Return what the configurations of recipes of rounds share: a loop's, where nothing is chosen without its choice.

    Args:
        recipe: its rounds and how they train.
        home: the workspace.
        seed_set: id of the import run.
        student: source of the base.
        replicate: random seed.
        choice: how seeds are chosen: selector, pick and reward; none of them for a recipe that draws at random.

    Raises:
        RunError: a number below 1. SeedbedError: as ``make_loop_config``.
    """
    for name in ("accepted", "rounds"):
        if getattr(recipe, name) < 1:
            raise RunError(f"{name} must be at least 1, not {getattr(recipe, name)}.")
    made = make_loop_config(
        home,
        seed_set,
        student=student,
        k=recipe.accepted,
        rounds=recipe.rounds,
        replicate=replicate,
        training=list_training(recipe),
        **choice,
    )
    return made if choice else leave_out_choice(made)


def leave_out_choice(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a loop's configuration without how it chooses its seeds."""
    return {name: value for name, value in config.items() if name not in ("selector", "pick", "reward")}
