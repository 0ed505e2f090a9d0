"""A copy of a run with one setting changed: only settings that its worker reads, checked before it is queued."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from core.errors import RunError
from core.filters.base import FILTERS
from core.generation.grow import REQUESTS_PER_ACCEPTED
from core.hub import Hub
from core.models.merging import check_dtype
from core.models.publishing import check_repo
from core.recipes.clone_settings import PARTS, change_field
from core.recipes.scoring import list_signals
from core.recipes.start import require_model
from core.recipes.titles import name_change
from core.runs.folder import RunFolder
from core.selection import PICKS, SELECTORS
from core.selection.archive import ALGORITHMS
from core.selection.keeping import KEEPS
from core.teacher.budget import read_budget
from core.training.config import TrainingConfig

CHANGEABLE: Mapping[str, tuple[str, ...]] = {
    "import": ("name", "split_seed"),
    "score": ("student", "signals", "reward", "n_samples"),
    "try": ("question", "reference", "reward", "n_samples"),
    "generate": ("n_accepted", "filters", "budget"),
    "bring": ("filters",),
    "backup": (),
    "answers": ("budget",),
    "compare": ("filters", "budget"),
    "ask": (),
    "map": (),
    "finetune": ("training", "policy_training", "settings", "student"),
    "evaluate": ("limit",),
    "export": ("dtype",),
    "push": ("repo",),
    "replicate": (),
    "baseline": ("training", "k", "rounds", "replicate", "student"),
    "verbalized": ("training", "k", "rounds", "replicate", "student"),
    "incorrect": ("training", "k", "rounds", "replicate", "student"),
    "zero_shot": ("replicate", "student"),
    "steerability": ("sample", "reward", "replicate"),
    "loop": ("training", "selector", "pick", "k", "rounds", "replicate", "filters", "student", "reward"),
    "negatives": ("training", "policy_training", "settings", "k", "rounds", "replicate", "filters", "student"),
    "sparq": ("training", "algorithm", "keep", "k", "rounds", "replicate", "filters"),
}
"""Kind of run -> settings that a copy may change; the others say what its inputs were made from."""

LOWEST = {"n_accepted": 1, "limit": 1, "n_samples": 1, "k": 1, "rounds": 1, "replicate": 0, "split_seed": 0}


def start_clone(hub: Hub, run_id: str, name: str, value: Any) -> str:
    """Queue a copy of a run, same inputs, with one setting changed; returns the new run's id.

    Args:
        hub: of the home.
        run_id: the run.
        name: one of CHANGEABLE, or a field of one: ``training.learning_rate``.
        value: as the configuration would have it.

    Raises:
        SeedbedError: no such run or setting, or a value that the setting cannot have.
    """
    run = RunFolder(hub.settings.home / "runs" / run_id).read_run()
    known = CHANGEABLE.get(run["kind"], ())
    part, _, field = name.partition(".")
    if part not in known or (bool(field) and part not in PARTS):
        raise RunError(f"A copy of a {run['kind']} run cannot change {name!r}; it can change: {', '.join(known)}.")
    if name == "student" and run["config"].get("server"):
        raise RunError("This student is behind a server; start a new run to ask another one.")
    changes = change_field(run["config"], part, field, value) if field else {name: check_setting(name, value)}
    if name == "n_accepted":
        changes["max_requests"] = value if run["config"]["is_preview"] else REQUESTS_PER_ACCEPTED * value
    return hub.clone(run_id, changes, title=name_change(run["title"], field or name, value))


def check_setting(name: str, value: Any) -> Any:
    """Return the value as a configuration keeps it; raises SeedbedError where the setting cannot have it."""
    if name in LOWEST:
        if type(value) is not int or value < LOWEST[name]:
            raise RunError(f"{name} must be a whole number of at least {LOWEST[name]}, not {value!r}.")
    elif name == "training":
        if not isinstance(value, dict):
            raise RunError(f'training must be an object like {{"learning_rate": 0.0003}}, not {value!r}.')
        return asdict(TrainingConfig.from_dict(value))
    elif name in PARTS:
        raise RunError(f"Name one of the {name.replace('_', ' ')} to change, as {name}.NAME.")
    elif name == "filters":
        if not isinstance(value, list):
            raise RunError(f'filters must be a list like ["rouge_l", "verified"], not {value!r}.')
        return list(dict.fromkeys(["held_out", *(FILTERS.get(item) and item for item in value)]))
    elif name == "budget":
        read_budget(value)
        return value
    elif name == "signals":
        if not isinstance(value, list):
            raise RunError(f'signals must be a list like ["loss", "reward"], not {value!r}.')
        return list_signals(value)
    elif name == "dtype":
        return value if value is None else check_dtype(value)
    elif not isinstance(value, str) or not value.strip():
        raise RunError(f"{name} must be a text, not {value!r}.")
    elif name == "repo":
        return check_repo(value)
    elif name == "selector":
        SELECTORS.get(value)
    elif name == "pick":
        PICKS.get(value)
    elif name == "algorithm":
        ALGORITHMS.get(value)
    elif name == "keep":
        KEEPS.get(value)
    elif name in ("student", "reward"):
        return require_model(value.strip())
    return value
