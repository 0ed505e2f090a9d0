"""The configuration that a training run was frozen with, as tables that people can read; the JSON stays behind them.

What differs from the preset, or from what an objective does unless it is told otherwise, is marked.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import SeedbedError
from core.recipes.presets import choose_preset
from core.training.config import PRESETS
from core.training.objectives import OBJECTIVES
from pages.components import numbers
from pages.components.setting_faces import FACES, name_field, say_option

PARTS = {"training": "Training", "policy_training": "Policy, trained first", "settings": "Objective"}
"""Entries that are a table of their own, and its head."""

ROWS = ("n_rows", "rows_hash", "generate_runs", "policy", "parts", "taken")
WORDS = {
    "n_rows": "rows",
    "rows_hash": "hash of the rows",
    "generate_runs": "candidates of",
    "policy": "which candidates",
    "seed_set_name": "seed set",
    "k": "candidates a round",
    "evaluates": "answered before and after",
}
HASH_SHOWN = 12
"""Characters of a hash that tell two apart well enough; the JSON has all of them."""

HIDDEN = ("seed_set", "after")
"""Ids that another entry says in words."""


def draw_frozen(config: Mapping[str, Any]) -> None:
    """Draw a configuration part by part, and the JSON behind it."""
    what = {name: value for name, value in config.items() if name not in (*PARTS, *ROWS, *HIDDEN)}
    if isinstance(config.get("objective"), str):
        what["objective"] = name_objective(config)
    tables = [("Run", what, {}), ("Rows", {name: config[name] for name in ROWS if name in config}, {})]
    for name, head in PARTS.items():
        if config.get(name):
            usual = find_usual(config, name)
            tables.append((head + _say_source(config, name), config[name], usual))
    with st.grid(2, min_column_width=330, key="frozen"):
        for head, values, usual in tables:
            with st.container(gap="xsmall"):
                _draw_table(head, values, usual)
    if st.toggle("Show it as JSON", key="frozen_json"):
        st.json(dict(config))


def _draw_table(head: str, values: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    """Draw one part; a value that is not the usual one says what that would have been."""
    st.markdown(f"**{head}**")
    rows = []
    for name, value in values.items():
        if value is None or value == {}:
            continue
        is_changed = name in usual and usual[name] != value
        if name == "rows_hash":
            value = str(value)[:HASH_SHOWN]
        mark = f"changed from {say_value(usual[name], name)}" if is_changed else ""
        label = name_field(name) if name in FACES else name_setting(name)
        rows.append((label, say_value(value, name), mark))
    table = pd.DataFrame(rows, columns=["setting", "value", "preset"])
    columns = ["setting", "value", *(["preset"] if usual and table["preset"].any() else [])]
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_order=columns,
        column_config={"preset": st.column_config.TextColumn("", width="small")},
    )


def name_objective(config: Mapping[str, Any]) -> str:
    """Return what people call the objective of a run; its own name where this version does not know it."""
    name = str(config.get("objective") or "sft")
    return OBJECTIVES.get(name).title if name in OBJECTIVES else name


def find_usual(config: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return the values that a part would have had unless somebody changed them; empty where nobody can say."""
    try:
        if part == "settings":
            return asdict(OBJECTIVES.get(config.get("objective") or "sft"))
        return asdict(PRESETS[find_preset(config, part)])
    except (SeedbedError, KeyError):
        return {}


def find_preset(config: Mapping[str, Any], part: str = "training") -> str:
    """Return the name of the preset that a run's training began from; runs from before do not name it."""
    if part == "training" and config.get("preset"):
        return str(config["preset"])
    objective = "sft" if part == "policy_training" else config.get("objective") or "sft"
    settings = None if part == "policy_training" else config.get("settings")
    return choose_preset(config["student"], config["task"], objective, settings)


def _say_source(config: Mapping[str, Any], part: str) -> str:
    if part == "settings":
        return f": {name_objective(config)}"
    try:
        preset = find_preset(config, part)
        return f", preset {preset}" + ("" if preset in PRESETS else " (your own)")
    except (SeedbedError, KeyError):
        return ""


def name_setting(name: str) -> str:
    """Return a setting's name as people read it: ``training.learning_rate`` is ``learning rate``."""
    part, _, inner = name.rpartition(".")
    prefix = "policy: " if part == "policy_training" else ""
    if part in PARTS and inner in FACES:
        return prefix + name_field(inner)
    return prefix + (WORDS.get(name) or (inner or name).replace("_", " "))


def say_value(value: Any, name: str = "") -> str:
    """Return a setting's value as people read it; an unknown one is a dash.

    Args:
        value: of the setting.
        name: of the setting, ``training.weights`` or ``weights``, where its values have words of their own.
    """
    value = say_option(name.rpartition(".")[2], value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        said = {name: say_value(item) for name, item in value.items() if item not in (None, [], {})}
        return ", ".join(f"{name_setting(name)}: {item}" for name, item in said.items()) or numbers.MISSING
    if isinstance(value, list | tuple):
        return ", ".join(say_value(item) for item in value) or "none"
    return numbers.MISSING if value is None else str(value)
