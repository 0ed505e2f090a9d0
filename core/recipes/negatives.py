"""Positive and negative synthetic data: one objective at growing numbers of the teacher's problems (Setlur 2024).

The teacher grows problems with worked answers, the positives. An arm trains on them alone (``sft``), on the student's
own right answers to them (``rft``), or against its own wrong ones, whole (``dpo``) or up to the step that spoils them
(``per_step_dpo``); its curve over the number of problems, beside another's, gives the data multiplier.

Seeds and requests depend on the replicate alone: arms of one replicate train on the same problems in the same order,
and the teacher is paid for them once. They are those of a loop that selects at random, so both recipes compare.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from core.datasets import load_problems, split_problems
from core.errors import RunError
from core.recipes.grown_portions import Stock, grow_portions, say_early
from core.recipes.presets import choose_preset
from core.recipes.recipe import RECIPES, make_rounds_config
from core.recipes.rounds import run_portions
from core.recipes.stages import home_of
from core.recipes.start import make_policy_training, make_training
from core.recipes.training import Plan
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.training.config import TrainingConfig
from core.training.objectives import OBJECTIVES, make_objective
from core.training.objectives.base import NEEDS

BROUGHT = frozenset({"positives", "references"})
"""Of NEEDS, what the teacher's problems bring; wrong answers are the student's own, drawn by the objective."""


@RECIPES.register("negatives")
@dataclass(frozen=True, slots=True)
class Negatives:
    """One objective at growing numbers of problems, to compare what right and wrong answers bring (Setlur 2024)."""

    kind: ClassVar[str] = "negatives"
    varies: ClassVar[str | None] = "objective"

    objective: str = "sft"
    """What is trained by: sft, rft, dpo, per_step_dpo."""

    accepted: int = 100
    """Problems that a round adds."""

    rounds: int = 4
    """Rounds, each of which trains anew on everything so far."""

    epochs: int | None = None
    """Epochs of each training on answers: of sft, of rft, and of the policy that others than sft start from; none:
    those of the student's preset."""

    learning_rate: float | None = None
    """Learning rate of those; none: that of the preset."""

    preference_epochs: int | None = None
    """Epochs of the training on pairs (dpo, per_step_dpo); none: those of the student's preset for it."""

    preference_learning_rate: float | None = None
    """Learning rate of that; none: that of the preset."""

    n_samples: int | None = None
    """Answers drawn to each problem (rft, dpo, per_step_dpo); none, here and below: the objective's own value."""

    temperature: float | None = None
    """Of the drawing (rft, dpo, per_step_dpo)."""

    beta: float | None = None
    """How closely the policy is kept to (dpo, per_step_dpo)."""

    most_per_problem: int | None = None
    """Own right answers kept of one problem (rft)."""

    n_pairs: int | None = None
    """Pairs made of one problem, at most (dpo)."""

    right_answers: str | None = None
    """Which right answers are preferred: given, own, both (dpo)."""

    n_negatives: int | None = None
    """Wrong answers of one problem that are looked at step by step, at most (per_step_dpo)."""

    n_rollouts: int | None = None
    """Continuations drawn from each beginning (per_step_dpo)."""

    best_of: int | None = None
    """The value of a beginning is that of the best of so many continuations (per_step_dpo)."""

    most_steps: int | None = None
    """Steps of a wrong answer whose value is asked for, at most (per_step_dpo)."""

    min_drop: float | None = None
    """Fall of the value below which a pair is left out (per_step_dpo)."""

    @classmethod
    def list_choices(cls) -> list[str]:
        """Return what arms may differ in."""
        return list_brought()

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the configuration of the rounds of one objective."""
        require_brought(self.objective)
        objective = make_objective(self.objective, self._list_given(OF_OBJECTIVE))
        made = make_rounds_config(self, home, seed_set, student, replicate)
        student, task = made["student"], made["task"]
        preset = choose_preset(student, task, self.objective)
        answers, pairs = self._list_given(ANSWERS), self._list_given(PAIRS)
        if pairs and objective.form != "pairs":
            raise RunError(f"The objective {self.objective} trains on no pairs; leave {min(pairs)} out.")
        pairs = {name.removeprefix("preference_"): value for name, value in pairs.items()}
        training = make_training(student, task, pairs if objective.form == "pairs" else answers, preset)
        policy = None
        if objective.starts_from_policy:
            policy = {**make_policy_training(student, task, objective, training), **answers}
            policy = asdict(TrainingConfig.from_dict(policy))
        return {
            **made,
            "objective": self.objective,
            "settings": asdict(objective),
            "preset": preset,
            "training": training,
            "policy_training": policy,
        }

    def _list_given(self, names: Sequence[str]) -> dict[str, Any]:
        """Return those of these settings that somebody gave."""
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


ANSWERS, PAIRS = ("epochs", "learning_rate"), ("preference_epochs", "preference_learning_rate")
"""Settings of the trainings on answers, and on pairs."""

OF_OBJECTIVE = tuple(
    field.name for field in fields(Negatives) if field.name not in ("objective", "accepted", "rounds", *ANSWERS, *PAIRS)
)
"""Settings that are handed on to the objective, which refuses those that it does not have."""


def list_brought() -> list[str]:
    """Return the objectives that the teacher's problems and the student's own answers are enough for."""
    return [name for name in OBJECTIVES if OBJECTIVES.get(name).needs <= BROUGHT]


def require_brought(objective: str) -> None:
    """Raise RunError for an objective whose rows this recipe cannot bring, UnknownNameError where there is none."""
    lacking = sorted(OBJECTIVES.get(objective).needs - BROUGHT)
    if lacking:
        raise RunError(
            f"The objective {objective} needs {NEEDS[lacking[0]]} in the rows, which this recipe does not bring; "
            f"choose one of: {', '.join(list_brought())}."
        )


def run_negatives(folder: RunFolder) -> dict[str, Any]:
    """Train by the objective on ever more problems; returns the summary that becomes ``result.json``."""
    config = folder.config
    by_split = split_problems(load_problems(home_of(folder), config["seed_set"]))
    plan = Plan.read_replicate(config, home_of(folder))
    stock = Stock(config["k"])
    made = run_portions(folder, TASKS.get(config["task"]), by_split, grow_portions(folder, by_split, stock), plan)
    return {**say_early(made, config, stock.short), "objective": config["objective"], **stock.summarise()}
