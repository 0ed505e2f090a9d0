"""What runs of training and evaluation are called where nobody gave them a title: who, on what, and what is unusual."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.recipes.presets import choose_preset
from core.recipes.trained import find_trained_run
from core.recipes.training import POLICY
from core.runs.folder import RunFolder
from core.training.config import TrainingConfig
from core.training.objectives import OBJECTIVES

LONGEST = 200
"""Characters of a title."""

_CHANGES = re.compile(r" \((\w[^():;]*: [^();]*(?:; [^();]*)*)\)$")
"""What ``name_change`` puts behind a title."""


def name_change(title: str, name: str, value: Any) -> str:
    """Return a title with a setting behind it that is not as usual: ``Title (rank: 8; epochs: 3)``.

    What stands there already stays, unless it is changed once more.
    """
    said = f"{value:g}" if isinstance(value, float) else value
    found = _CHANGES.search(title)
    earlier = found.group(1).split("; ") if found else []
    name = name.replace("_", " ")
    changes = [change for change in earlier if not change.startswith(f"{name}: ")] + [f"{name}: {said}"]
    return f"{title[: found.start()] if found else title} ({'; '.join(changes)})"[:LONGEST]


def title_finetune(config: Mapping[str, Any], about: str, presets: Mapping[str, TrainingConfig]) -> str:
    """Return the title of a finetune: objective, student, rows, and every setting that is not the usual one.

    Args:
        config: of ``make_finetune_config``.
        about: what the rows are of, as a seed set's or a file's name.
        presets: name -> settings.
    """
    objective, student = OBJECTIVES.get(config["objective"]), config["student"]
    n_rows = config["n_rows"]
    rows = f"{n_rows:,} row{'' if n_rows == 1 else 's'}"
    title = f"{objective.title}: {shorten_student(student)} on {rows} of {about}"
    preset = config["preset"]
    changes = {}
    if preset != choose_preset(student, config["task"], config["objective"], config["settings"]):
        changes["preset"] = preset
    base = asdict(presets[preset]) if preset in presets else config["training"]
    changes |= {name: value for name, value in config["training"].items() if value != base[name]}
    changes |= {name: value for name, value in config["settings"].items() if value != getattr(objective, name)}
    for name, value in changes.items():
        title = name_change(title, name, value)
    return title


def title_evaluation(config: Mapping[str, Any], home: Path) -> str:
    """Return the title of an evaluation: what is asked, how, and who.

    Args:
        config: of ``make_evaluate_config``.
        home: whose runs have titles.
    """
    part = "" if config["limit"] is None else f", {config['limit']:,} problems"
    how = "" if config["temperature"] is None else f", {config['n_samples']} at temperature {config['temperature']:g}"
    who = shorten_student(config["student"])
    if config["adapter"] is not None:
        who = f"{'before and after' if config['asks_base'] else 'after'} {_name_training(config['adapter'], home)}"
    return f"Evaluate {config['seed_set_name']}{part}{how}: {who}"


def name_asked(config: Mapping[str, Any]) -> dict[str, str]:
    """Return label of an evaluated student -> what it is called: one that nothing was trained from is no base."""
    return {"base": "base" if config["adapter"] else shorten_student(config["student"]), "tuned": "tuned"}


def shorten_student(student: str) -> str:
    """Return what a student is called: of a folder its last part."""
    return Path(student).name if Path(student).is_absolute() else student


def _name_training(adapter: str, home: Path) -> str:
    """Return what an adapter comes from: the title of its run, else the name of its folder."""
    run_id, parts = find_trained_run(adapter), Path(adapter).parts
    if run_id is None:
        return Path(adapter).name
    try:
        title = f"“{RunFolder(home / 'runs' / run_id).read_run()['title']}”"
    except RunError:  # another home's, or gone meanwhile
        title = run_id
    return f"the policy of {title}" if POLICY in parts else title
