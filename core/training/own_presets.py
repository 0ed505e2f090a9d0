"""A person's own training settings by name: ``presets.toml`` in the home, one table for each.

It knows nothing of where they came from. A name that is shipped cannot be taken.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import TrainingError
from core.training.config import PRESETS, TrainingConfig

FILE = "presets.toml"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def list_own_presets(home: Path) -> dict[str, TrainingConfig]:
    """Return name -> settings, in the order in which they were saved; empty where there are none.

    Raises:
        TrainingError: the file cannot be read, or holds settings that cannot be.
    """
    path = home / FILE
    if not path.is_file():
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise TrainingError(f"{path} cannot be read as TOML ({error}); mend it, or move it away.") from error
    found = {}
    for name, values in tables.items():
        if not isinstance(values, dict):
            raise TrainingError(f"{path} has a line {name} outside of a table; put it under a [name].")
        try:
            found[name] = TrainingConfig.from_dict(values)
        except TrainingError as error:
            raise TrainingError(f"The preset {name} in {path} cannot be used: {error}") from error
    return found


def list_presets(home: Path) -> dict[str, TrainingConfig]:
    """Return name -> settings of all presets, the shipped ones first; raises TrainingError as above."""
    return {**PRESETS, **list_own_presets(home)}


def check_preset_name(name: str) -> str:
    """Return a name without outer blanks; raises TrainingError where it is shipped, or no name."""
    name = name.strip()
    if name in PRESETS:
        raise TrainingError(f"{name} is a preset that comes with Seedbed; choose another name.")
    if not _NAME.fullmatch(name):
        raise TrainingError(f"{name!r} cannot be the name of a preset; write letters, digits, - and _, at most 60.")
    return name


def save_own_preset(home: Path, name: str, training: TrainingConfig | Mapping[str, Any]) -> bool:
    """Save settings under a name; says whether one of that name was replaced. On the disk when this returns.

    Raises:
        TrainingError: the name is shipped or no name, a setting is out of range, or the file cannot be read.
    """
    name = check_preset_name(name)
    config = training if isinstance(training, TrainingConfig) else TrainingConfig.from_dict(training)
    presets = list_own_presets(home)
    is_replaced = name in presets
    _write(home / FILE, {**presets, name: config})
    return is_replaced


def remove_own_preset(home: Path, name: str) -> None:
    """Remove a preset; raises TrainingError where there is none of that name."""
    presets = list_own_presets(home)
    if name not in presets:
        raise TrainingError(f"There is no preset {name!r} of your own; known: {', '.join(presets) or 'none'}.")
    _write(home / FILE, {each: config for each, config in presets.items() if each != name})


def _write(path: Path, presets: Mapping[str, TrainingConfig]) -> None:
    """Write the file so that a reader sees the whole of it; JSON's numbers and texts are TOML's too."""
    tables = [
        "\n".join([f"[{name}]", *(f"{field} = {json.dumps(value)}" for field, value in asdict(config).items())])
        for name, config in presets.items()
    ]
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write("# Training settings of this home, by name.\n\n" + "\n\n".join(tables) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
