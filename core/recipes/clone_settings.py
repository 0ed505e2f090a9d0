"""The settings that a copy of a run may change, one by one: what each is now, and what it may become.

``training``, ``policy_training`` and ``settings`` (of the objective) are opened up into their fields, so that a person
changes one of them and need not write the others again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import gcd
from typing import Any

from core.errors import RunError
from core.filters.base import FILTERS
from core.selection import PICKS, SELECTORS
from core.selection.archive import ALGORITHMS
from core.selection.keeping import KEEPS
from core.signals import SIGNALS
from core.training.config import ADAPTER, LAYERS, SCHEDULES, WEIGHTS, TrainingConfig
from core.training.objectives import OBJECTIVES, make_objective
from core.training.objectives.base import list_shared, trains_on
from core.training.objectives.preference import RIGHT_ANSWERS

PARTS = ("training", "policy_training", "settings")
"""Entries of a configuration that have fields of their own."""

CHOICES = {"schedule": SCHEDULES, "weights": WEIGHTS, "layers": LAYERS, "right_answers": RIGHT_ANSWERS}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that a copy may change."""

    name: str
    """``k``, or ``training.learning_rate``."""

    value: Any
    """What it is in the run; for a field that an older run does not know, what it is unless told otherwise."""

    options: tuple[Any, ...] | None = None
    """What it may be, where that is a list of names."""


def list_settings(config: Mapping[str, Any], names: Sequence[str]) -> list[Setting]:
    """Return the settings of a configuration that a copy may change, in the order of the names, fields one by one.

    Args:
        config: of the run.
        names: the entries that its kind may change.
    """
    found = []
    for name in names:
        if name in PARTS:
            usual = _find_usual(config, name)
            now = {**usual, **(config.get(name) or {})}
            fields = _list_fields(config, name)
            found += [Setting(f"{name}.{field}", now[field], CHOICES.get(field)) for field in fields]
        else:
            found.append(Setting(name, config.get(name), _list_options(name)))
    return found


def _find_usual(config: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return every field of a part with its usual value; none where the run has no such part."""
    if part == "settings":
        name = config.get("objective", "sft")
        return asdict(OBJECTIVES.get(name)) if name in OBJECTIVES else {}
    return asdict(TrainingConfig()) if part == "training" or config.get(part) else {}


def _list_fields(config: Mapping[str, Any], part: str) -> list[str]:
    """Return the fields of a part that a copy may change: not those of an adapter that is there, or made before."""
    fields = list(_find_usual(config, part))
    name = config.get("objective", "sft")
    if name not in OBJECTIVES:
        return fields
    is_kept = part == "training" and trains_on(OBJECTIVES.get(name), config.get("adapter"))
    is_shared = part == "policy_training" and OBJECTIVES.get(name).goes_on
    return [field for field in fields if field not in ADAPTER or not (is_kept or is_shared)]


def _list_options(name: str) -> tuple[str, ...] | None:
    registries = {"selector": SELECTORS, "pick": PICKS, "filters": FILTERS, "signals": SIGNALS}
    registries |= {"algorithm": ALGORITHMS, "keep": KEEPS}
    return tuple(registries[name].names()) if name in registries else None


def change_field(config: Mapping[str, Any], part: str, field: str, value: Any) -> dict[str, Any]:
    """Return the entries of a configuration with one field of a part changed, checked as a whole.

    Batches that are no longer divided by their accumulation steps are computed in fewer parts, which changes no
    result; what the training of a policy shares with the training after it changes in both.

    Raises:
        RunError: the part has no such field.
        TrainingError: a value that the field cannot have.
    """
    usual, fields = _find_usual(config, part), _list_fields(config, part)
    if field in usual and field not in fields:
        raise RunError(f"The setting {field} is that of the adapter that is trained on; it cannot be changed here.")
    if field not in usual:
        raise RunError(f"A run's {part} has no {field!r}; it can change: {', '.join(fields) or 'nothing'}.")
    made = {**(config.get(part) or {}), field: value}
    if part == "settings":
        return {part: asdict(make_objective(config.get("objective", "sft"), made))}
    made = {**usual, **made}
    if field == "batch_size" and isinstance(value, int) and value >= 1:
        made["accumulation_steps"] = gcd(value, made["accumulation_steps"])
    changes = {part: asdict(TrainingConfig.from_dict(made))}
    shared = list_shared(OBJECTIVES.get(config["objective"])) if config.get("policy_training") else ()
    if part == "training" and field in shared:
        policy = {**_find_usual(config, "policy_training"), **config["policy_training"]}
        changes["policy_training"] = asdict(TrainingConfig.from_dict({**policy, field: value}))
    return changes
