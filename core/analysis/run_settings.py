"""What several runs have in common and where they differ, from their frozen configurations."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.training.config import ADDED

USUAL = {"objective": "sft"}
"""What older runs, and loops, do without saying so."""

NOT_SETTINGS = ("after", "parent", "rows_hash", "seed_set")
"""Entries that say where a run stands among others, or repeat in a code what another entry says in words."""


def flatten(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as one level: ``training.learning_rate`` -> 0.0004; lists stay as they are.

    Entries of NOT_SETTINGS are left out, empty parts and what is None too.
    """
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if name in NOT_SETTINGS or value is None:
            continue
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": item for inner, item in flatten(value).items()}
        else:
            flat[name] = value
    return flat


def _list_unsaid(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the training settings that came after a run was made, as they were then."""
    parts = [name for name in ("training", "policy_training") if config.get(name)]
    return {f"{part}.{name}": value for part in parts for name, value in ADDED.items()}


def find_differences(configs: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Any]]]:
    """Return the settings in which runs differ, with each run's value, None where it has none.

    Two runs with the same rows differ in nothing that only names the rows; where the rows differ and nothing says so
    in words, ``rows_hash`` is among the settings.
    """
    flat = [USUAL | _list_unsaid(config) | flatten(config) for config in configs]
    names = list(dict.fromkeys(name for one in flat for name in one))
    found = [(name, [one.get(name) for one in flat]) for name in names]
    differing = [(name, values) for name, values in found if any(value != values[0] for value in values[1:])]
    hashes = [config.get("rows_hash") for config in configs]
    words = {name for name, _ in differing} & {"n_rows", "generate_runs", "parts", "policy", "taken"}
    if any(one != hashes[0] for one in hashes[1:]) and not words:
        differing.append(("rows_hash", hashes))
    return differing
