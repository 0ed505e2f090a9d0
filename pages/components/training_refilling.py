"""The form of a finetune as an earlier run had it: its frozen configuration, put into the fields of the page.

A run whose rows cannot be gathered again (they came from a file) is taken up with its rows as they were.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub, get_hub
from core.recipes.presets import choose_preset
from core.recipes.training_choice import Choice
from core.training.config import PRESETS, TrainingConfig
from core.training.objectives import OBJECTIVES
from core.training.own_presets import list_presets
from pages.components.frame import name_run
from pages.components.text import plain
from pages.components.training_settings import BASE, CHANGES, OTHER, RECALLED, TINY, USUAL
from pages.components.training_sources import SUBJECT, WITHOUT_SET

LIKE = "like"
"""Query parameter: run whose settings the form takes, once."""

TAKEN_FROM = "train_taken_from"
"""Key of the session: the run that the form was filled from."""

PARAMS = (
    "parts", "sources", "policy", "train_seeds", "answers", "own", "rows_of", "objective", "preset", "student", "start",
    CHANGES, LIKE,
)  # fmt: skip
"""Query parameters of the form; those of an earlier form must not win over a run's settings."""

Fields = dict[str, Any]


def list_training_fields(
    run: Mapping[str, Any], presets: Mapping[str, TrainingConfig] = PRESETS, preset: str | None = None
) -> Fields:
    """Return what the fields of the form hold where a training is to be as in this run.

    Args:
        run: of ``store.read_run``, a finetune or a loop.
        presets: those that there are.
        preset: the one that its settings were kept as since; None: the one that it began from. One that is gone is
            the usual one, and the settings are those of the run all the same.
    """
    config = run["config"]
    objective, settings = config.get("objective") or USUAL, config.get("settings")
    fields = {**_list_sources(run), **_list_student(config)}
    if objective in OBJECTIVES:
        fields["objective"] = objective
        fields |= {f"{name}_objective_{objective}": value for name, value in (settings or {}).items()}
    preset = preset if preset in presets else config.get("preset")
    if preset not in presets:
        preset = choose_preset(config["student"], config["task"], objective, settings)
    fields["preset"] = preset
    training = config.get("training") or {}
    if training:  # an older run does not know every setting; what was typed since must not stay in their place
        training = {**asdict(TrainingConfig()), **training}
    return fields | {f"{name}_{preset}": value for name, value in training.items()}


def read_choice(run: Mapping[str, Any]) -> Choice:
    """Return what a run's rows were gathered from; of one that does not say, or had a file, its rows as they were."""
    choice = Choice.from_config(run["config"])
    if choice.file is not None or choice == Choice():
        return Choice(earlier=run["run_id"])
    return choice


def _list_sources(run: Mapping[str, Any]) -> Fields:
    choice = read_choice(run)
    parts = {
        "candidates": ("sources", list(choice.candidates)),
        "seeds": ("train_seeds", choice.seeds),
        "answers": ("train_answers", list(choice.answers)),
        "own": ("train_own", list(choice.own)),
        "earlier": ("train_earlier", choice.earlier),
    }
    fields = {key: value for key, value in parts.values() if value}
    fields["train_parts"] = [name for name, (_, value) in parts.items() if value]
    return {**fields, "policy": choice.taken, "train_own_labels": list(choice.own_labels)}


def _list_student(config: Mapping[str, Any]) -> Fields:
    student = config["student"]
    fields = {"student": TINY} if student == "tiny" else {"student": OTHER, "student_source": student}
    return {**fields, "train_start": config.get("adapter") or BASE}


def refill_once(hub: Hub) -> None:
    """Fill the form as the run in the address had it, and take that out of the address: what is changed then stays."""
    run_id, kept = st.query_params.get(LIKE), st.query_params.get("preset")
    if run_id is not None:
        del st.query_params[LIKE]
        if (run := hub.store.read_run(run_id)) is not None:
            fill_form(hub, run, kept)


def fill_form(hub: Hub, run: Mapping[str, Any], preset: str | None = None) -> None:
    """Put a run's settings into the fields of the form, before they are drawn; see ``list_training_fields``."""
    for param in PARAMS:
        st.query_params.pop(param, None)
    try:
        fields = list_training_fields(run, list_presets(hub.settings.home), preset)
    except (SeedbedError, KeyError) as error:
        st.warning(f"The settings of {plain(run['title'])} cannot be taken again: {plain(error)}")
        return
    fields |= {f"{key}_usual": None for key in ("objective", "preset")}
    fields |= {f"{key}_in_address": None for key in ("objective", "preset")}
    st.session_state.update(fields)
    st.session_state[WITHOUT_SET] = not run.get("seed_set_id")
    if run.get("seed_set_id"):
        st.query_params["seeds"] = st.session_state[SUBJECT] = run["seed_set_id"]
    st.session_state[TAKEN_FROM], st.session_state[RECALLED] = run["run_id"], True


def offer_clone(run: Mapping[str, Any], *, key: str) -> None:
    """Draw a button that opens the form as a run had it.

    Args:
        run: of ``store.read_run``, a finetune or a loop.
        key: of the button.
    """

    def open_form() -> None:
        fill_form(get_hub(), run)
        st.query_params["show"] = "train"

    help_ = "Opens the form with the rows, the objective and the settings of this run; change what you like."
    st.button("Clone with changes", key=key, icon=":material/content_copy:", help=help_, on_click=open_form)


def tell_difference(hub: Hub, hash_: str) -> None:
    """Say which run the form was filled from, and whether its rows are still the same.

    Args:
        hub: of the home.
        hash_: of the rows that are gathered now.
    """
    run_id = st.session_state.get(TAKEN_FROM)
    run = hub.store.read_run(run_id) if run_id else None
    if run is None:
        return
    then = run["config"].get("rows_hash")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        when = f"Filled in as in {plain(name_run(run))}"
        if then is None or then == hash_:
            st.caption(f":material/history: {when}{'' if then is None else ': the same rows'}.", width="content")
            return
        st.caption(f":material/history: {when}. The rows are others now (then `{then[:12]}`).", width="content")
        st.button(
            "Take its rows as they were",
            key="rows_as_they_were",
            type="tertiary",
            on_click=st.session_state.update,
            kwargs=_list_sources({**run, "config": {**run["config"], "parts": _as_they_were(run)}}),
        )


def _as_they_were(run: Mapping[str, Any]) -> dict[str, Any]:
    return replace(Choice(), earlier=run["run_id"]).to_config()
