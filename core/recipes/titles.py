"""What runs of training and evaluation are called where nobody gave them a title: who, on what, and what is unusual."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.counting import counted
from core.errors import RunError
from core.recipes.presets import choose_preset
from core.recipes.trained import find_trained_run, is_of_policy
from core.runs.folder import RunFolder
from core.runs.orders import ROUNDS
from core.training.config import TrainingConfig
from core.training.objectives import OBJECTIVES

LONGEST = 200
"""Characters of a title."""

LONGEST_WITHIN = 100
"""Characters of a title within another."""

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
    behind = f" ({'; '.join(changes)})"
    return f"{cut(title[: found.start()] if found else title, LONGEST - len(behind))}{behind}"[:LONGEST]


def cut(title: str, longest: int) -> str:
    """Return a title that is no longer than so many characters, at least one, with an ellipsis where it was."""
    return title if len(title) <= longest else f"{title[: max(longest, 1) - 1].rstrip()}…"


def title_finetune(config: Mapping[str, Any], about: str, presets: Mapping[str, TrainingConfig]) -> str:
    """Return the title of a finetune: objective, student, rows, and every setting that is not the usual one.

    Args:
        config: of ``make_finetune_config``.
        about: what the rows are of, as a seed set's or a file's name.
        presets: name -> settings.
    """
    objective, student = OBJECTIVES.get(config["objective"]), config["student"]
    title = f"{objective.title}: {shorten_student(student)} on {counted(config['n_rows'], 'row')} of {about}"
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
    part = "" if config["limit"] is None else f", {counted(config['limit'], 'problem')}"
    how = "" if config["temperature"] is None else f", {config['n_samples']} at temperature {config['temperature']:g}"
    who = shorten_student(config["student"])
    if config["adapter"] is not None:
        who = f"{'before and after' if config['asks_base'] else 'after'} {_name_training(config['adapter'], home)}"
    return cut(f"Evaluate {config['seed_set_name']}{part}{how}: {who}", LONGEST)


def name_asked(config: Mapping[str, Any]) -> dict[str, str]:
    """Return label of an evaluated student -> what it is called: one that nothing was trained from is no base."""
    return {"base": "base" if config["adapter"] else shorten_student(config["student"]), "tuned": "tuned"}


def shorten_student(student: str) -> str:
    """Return what a student is called: of a folder its last part, of a run's model that run."""
    path = Path(student)
    if not path.is_absolute():
        return student
    return find_trained_run(student) or path.name


def _name_training(adapter: str, home: Path) -> str:
    """Return what an adapter comes from: the title of its run, else the name of its folder."""
    run_id, round_ = find_trained_run(adapter), ""
    if run_id is None:
        return Path(adapter).name
    try:
        run = RunFolder(home / "runs" / run_id).read_run()
        title = f"“{cut(run['title'], LONGEST_WITHIN)}”"
        if run["kind"] in ROUNDS:
            rounds = [part for part in Path(adapter).parts if part.startswith("round-")]
            round_ = f", {rounds[-1].replace('-', ' ')}" if rounds else ""
    except RunError:  # another home's, or gone meanwhile
        title = run_id
    return f"{'the policy of ' if is_of_policy(adapter) else ''}{title}{round_}"
