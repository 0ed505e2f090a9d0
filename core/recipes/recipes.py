"""Recipes: a paper's method as one kind of run with its settings, by name.

To add one, write a frozen dataclass whose fields are its settings (a text below each says what it is), with ``kind``
and ``make_config``, and register it; its file under ``core/recipes`` carries the run out. An experiment gives the same
seed set, student and replicate to every arm, and settings to each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
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

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the frozen configuration of one run; raises SeedbedError for settings that cannot be."""
        ...


RECIPES: Registry[type[Recipe]] = Registry("recipe")


@RECIPES.register("active")
@dataclass(frozen=True, slots=True)
class Active:
    """Rounds of choosing seeds, growing candidates and training on all of them (Kessler 2025, algorithm 1)."""

    kind: ClassVar[str] = "loop"

    selector: str = "random"
    """How seeds are chosen."""

    pick: str = "argmax"
    """How a score becomes a choice: the highest, or drawn (softmax)."""

    accepted: int = 100
    """Candidates that a round brings."""

    rounds: int = 4
    """Rounds, each of which trains anew on everything so far."""

    reward: str = "tiny-reward"
    """Reward model of the selectors that need one."""

    epochs: int | None = None
    """Epochs of each training; none: those of the student's preset."""

    learning_rate: float | None = None
    """Learning rate; none: that of the student's preset."""

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the configuration of a loop."""
        for name in ("accepted", "rounds"):
            if getattr(self, name) < 1:
                raise RunError(f"{name} must be at least 1, not {getattr(self, name)}.")
        training = {name: getattr(self, name) for name in ("epochs", "learning_rate")}
        return make_loop_config(
            home,
            seed_set,
            student=student,
            selector=self.selector,
            pick=self.pick,
            k=self.accepted,
            rounds=self.rounds,
            replicate=replicate,
            reward=self.reward,
            training={name: value for name, value in training.items() if value is not None},
        )


def make_recipe(name: str, settings: Mapping[str, Any]) -> Recipe:
    """Return a recipe with its settings; raises RunError for a setting that there is not, or of the wrong type."""
    recipe = RECIPES.get(name)
    known = [each.name for each in fields(recipe)]
    if unknown := sorted(set(settings) - set(known)):
        raise RunError(f"The recipe {name} has no setting {unknown[0]!r}; it has: {', '.join(known)}.")
    if (misfit := find_misfit(recipe, settings)) is not None:
        raise RunError(f"The recipe {name}: {misfit}.")
    return recipe(**settings)
