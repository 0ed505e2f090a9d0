"""How a student is finetuned, as a person chooses it: objective, student, preset and settings, with what they mean."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.models.adapters import read_adapter_settings
from core.recipes.presets import choose_preset
from core.recipes.start import fix_model
from core.setting_types import find_misfit
from core.training.config import ADAPTER, PRESETS_FOR, TrainingConfig
from core.training.data import TrainingRow
from core.training.objectives import OBJECTIVES, make_objective
from core.training.objectives.base import find_missing, trains_on
from core.training.own_presets import list_presets
from pages.components import numbers
from pages.components.frame import choose
from pages.components.setting_faces import FACES, name_field, say_option, to_words
from pages.components.setting_fields import PLAIN, draw_fields, make_label
from pages.components.text import plain
from pages.components.trained_students import list_offered, show_offered
from pages.components.training_sources import read_address, tell_many

TINY, OTHER = "tiny, the built-in student", "a folder or a Hugging Face id"
BASE = "the student as it is"
USUAL = "sft"

NEED_WORDS = {"positives": "right answers", "negatives": "wrong answers", "references": "final answers"}

HOW_TO_GET = {
    "positives": "no row has a right answer: take accepted candidates, or seeds with their reference answers",
    "negatives": "no row has a wrong answer: let a teacher write convincing wrong ones (Generate, method incorrect), "
    "or take wrong answers that the student drew in an earlier run",
    "references": "no row has a final answer, so nobody could say which of the student's own answers are right: take "
    "seeds, or candidates whose answers end in one",
}
"""What an objective may lack -> that, and how to get it."""

CHANGES = "set"
"""Query parameter: settings that are not the usual ones, as JSON: ``{"training": {...}, "objective": {...}}``."""

RECALLED = "train_recalled"
"""Key of the session: what the address said of the settings was taken in."""


@dataclass(slots=True)
class Tuning:
    """How to train."""

    objective: str
    settings: dict[str, Any]
    student: str
    """Empty until it is filled in."""

    adapter: str | None
    preset: str
    training: dict[str, Any]
    faults: list[str] = field(default_factory=list)
    """Why it cannot begin so, a sentence each."""


def draw_tuning(hub: Hub, task: str) -> Tuning:
    """Draw the choice of objective, student, preset and settings; the address keeps what is not as usual."""
    objective, settings, faults = _draw_objective()
    student = _draw_student()
    adapter = _draw_start(hub, student)
    fixed: Mapping[str, Any] = {}
    if trains_on(OBJECTIVES.get(objective), adapter):
        try:
            fixed = read_adapter_settings(hub.settings.home / adapter)
        except SeedbedError as error:
            faults = [*faults, str(error)]
    presets = {name: replace(config, **fixed) for name, config in list_presets(hub.settings.home).items()}
    usual = choose_preset(student or OTHER, task, objective, None if faults else settings)
    preset, training, wrong = _draw_training(presets, usual, fixed)
    _tell_changes(
        {
            "objective": _list_changes(OBJECTIVES.get(objective), settings),
            "training": _list_changes(presets[preset], training),
        }
    )
    st.session_state[RECALLED] = True
    return Tuning(objective, settings, student, adapter, preset, training, [*faults, *wrong])


def _list_changes(usual: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value != getattr(usual, name)}


def _tell_changes(changes: Mapping[str, Mapping[str, Any]]) -> None:
    told = {group: values for group, values in changes.items() if values}
    if told:
        st.query_params[CHANGES] = json.dumps(told, separators=(",", ":"))
    else:
        st.query_params.pop(CHANGES, None)


def _recall_changes(group: str, usual: Any, key: str) -> None:
    """Take in what the address says of some settings, once in a session; a value that cannot be is passed over."""
    if st.session_state.get(RECALLED):
        return
    try:
        given = json.loads(st.query_params.get(CHANGES, "{}"))[group].items()
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    for name, value in given:
        if name not in asdict(usual) or f"{name}_{key}" in st.session_state:
            continue
        value = type(getattr(usual, name))(value) if isinstance(value, int | float) else value
        with suppress(SeedbedError, TypeError):
            if find_misfit(usual, {name: value}) is None:
                replace(usual, **{name: value})
                st.session_state[f"{name}_{key}"] = value


def _draw_objective() -> tuple[str, dict[str, Any], list[str]]:
    """Draw which objective, what it does, and its settings; returns its name, the settings and what is wrong."""
    name = choose(
        "Objective",
        OBJECTIVES.names(),
        param="objective",
        key="objective",
        usual=USUAL,
        shown=lambda option: OBJECTIVES.get(option).title,
        persist_state="session",
    )
    member = OBJECTIVES.get(name)
    needs = ", ".join(word for need, word in NEED_WORDS.items() if need in member.needs)
    st.caption(f"{plain(member.about)}{f' Needs {needs}.' if needs else ''} {plain(member.source)}")
    if not asdict(member):
        return name, {}, []
    _recall_changes("objective", member, f"objective_{name}")
    with _open_expander("What it draws and weighs", "train_tuned"):
        settings, empty = _fill_empty(member, draw_fields(member, f"objective_{name}", faces=FACES))
    if changed := _list_changes(member, settings):
        st.caption("Changed: " + ", ".join(_say_change(key, value) for key, value in changed.items()))
    try:
        make_objective(name, settings)
    except SeedbedError as error:
        return name, settings, [*empty, to_words(error)]
    return name, settings, empty


def _fill_empty(usual: Any, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the values with the usual ones in empty fields, and a sentence for each of those."""
    filled = {name: getattr(usual, name) if value is None else value for name, value in values.items()}
    empty = [name for name, value in values.items() if value is None]
    labels = {name: make_label(name, FACES.get(name, PLAIN)) for name in empty}
    return filled, [f"“{label}” is empty: write a number, usual is {filled[name]:g}." for name, label in labels.items()]


def _open_expander(label: str, key: str) -> Any:
    """Draw an expander that stays as it is, open or folded, when what is above it comes and goes."""
    return st.expander(label, icon=":material/tune:", key=key, on_change="rerun")


def _say_change(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"{name_field(name)} {'on' if value else 'off'}"
    return f"{name_field(name)} {plain(say_option(name, value))}"


def _draw_student() -> str:
    named = st.query_params.get("student")
    if named and "student" not in st.session_state:
        st.session_state.update({"student": OTHER, "student_source": named})
    choice = st.selectbox("Student", [TINY, OTHER], key="student", persist_state="session")
    if choice == TINY:
        tell_many("student", [], ())
        return "tiny"
    source = st.text_input("Folder or id", key="student_source", persist_state="session").strip()
    tell_many("student", [source] if source else [], ())
    return fix_model(source) if source else ""


def _draw_start(hub: Hub, student: str) -> str | None:
    """Draw what the training starts from, where this student was trained here before; returns an adapter's path."""
    made = list_offered(hub, student)
    if not made:
        return None
    options = [BASE, *made]
    if st.session_state.get("train_start") not in options:
        st.session_state["train_start"] = next(iter(read_address("start", made)), BASE)
    chosen = st.selectbox(
        "Starts from",
        options,
        key="train_start",
        persist_state="session",
        format_func=show_offered(made, options),
        help="Each round of the paper starts from the student as it is. Objectives that begin with a policy train one "
        "on the right answers first, unless they start from what was trained here.",
    )
    tell_many("start", [chosen], [BASE])
    return None if chosen == BASE else chosen


def name_preset(name: str) -> str:
    """Return a preset as the box shows it: for whom it is stands behind its name."""
    return f"{name} · {PRESETS_FOR.get(name, 'your own')}"


def _draw_training(
    presets: Mapping[str, TrainingConfig], usual: str, fixed: Mapping[str, Any]
) -> tuple[str, dict[str, Any], list[str]]:
    """Draw preset and settings but the fixed ones; returns its name, every field of TrainingConfig, what is wrong."""
    preset = choose(
        "Preset",
        list(presets),
        param="preset",
        key="preset",
        usual=usual,
        shown=name_preset,
        help="The shipped student's own, the papers' for 7 and 8 billion parameters, and those kept from your sweeps.",
        persist_state="session",
    )
    base = presets[preset]
    _recall_changes("training", base, preset)
    hidden = ADAPTER if fixed else ()  # it keeps what it was made with
    with _open_expander("Settings", "train_settings"):
        drawn = draw_fields(
            base, preset, faces=FACES, is_shown=lambda name, now: name not in hidden and _is_read(name, now)
        )
    values, empty = _fill_empty(base, drawn)
    values = complete_settings(base, values)
    st.caption(describe_settings(base, values) + (" · the rank is that of the adapter" if fixed else ""))
    try:
        TrainingConfig.from_dict(values)
    except SeedbedError as error:
        return preset, values, [*empty, to_words(error)]
    return preset, values, empty


def _is_read(name: str, values: Mapping[str, Any]) -> bool:
    """Say whether a setting counts for anything, given the others."""
    if name in ADAPTER:
        return values["weights"] == "lora"
    return name != "min_learning_rate" or values["schedule"] != "linear"


def complete_settings(base: TrainingConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return every field of TrainingConfig: the preset's with the form's values over them.

    A batch that the preset's own parts do not divide is computed in one part; parts that a person chose stay.
    """
    settings = {**asdict(base), **values}
    is_theirs = settings["accumulation_steps"] != base.accumulation_steps
    if not is_theirs and settings["batch_size"] % settings["accumulation_steps"]:
        settings["accumulation_steps"] = 1
    return settings


def describe_settings(base: TrainingConfig, values: Mapping[str, Any]) -> str:
    """Return the settings in one line, with what was changed from the preset."""
    changed = [name for name, value in values.items() if value != getattr(base, name)]
    what = f"rank {values['rank']}" if values["weights"] == "lora" else "all weights"
    line = (
        f"{what}, learning rate {values['learning_rate']:g}, {numbers.counted(values['epochs'], 'epoch')}, batches "
        f"of {values['batch_size']}"
    )
    return line + (f" · changed: {', '.join(map(name_field, changed))}" if changed else "")


def list_lacks(tuning: Tuning, rows: Sequence[TrainingRow]) -> list[str]:
    """Return what an objective lacks in these rows, and how to get it, a sentence each; nothing without rows."""
    if not rows:
        return []
    objective = OBJECTIVES.get(tuning.objective)
    lacking = find_missing(objective, rows)
    if objective.starts_from_policy and tuning.adapter is None and not any(row.label > 0 for row in rows):
        lacking.append("positives")  # the policy is trained on them
    has_wrong = any(row.label < 0 or row.rejected for row in rows)
    if objective.form == "pairs" and not has_wrong and not any(row.final for row in rows):
        lacking.append("references")  # nothing is to lose, and nothing drawn can be judged
    return [f"{objective.title} cannot begin: {HOW_TO_GET[name]}." for name in dict.fromkeys(lacking)]
