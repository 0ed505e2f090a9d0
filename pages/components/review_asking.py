"""Letting a student answer the candidates that are reviewed: whom, how long it takes, and the run under way, live."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.recipes.candidate_answers import KIND, estimate_asking, list_seeds, start_asking
from core.store.queue_filter import QueueFilter
from pages.components import numbers
from pages.components.choosing import list_students
from pages.components.running import draw_run, follow_runs
from pages.components.standing import ACTIVE
from pages.components.text import plain

FAULT = "review_ask_fault"
"""Key of the session: why the last run could not be started."""


def offer_student(hub: Hub, asked: QueueFilter, seed_set: str) -> None:
    """Draw the button that opens the form; nothing is looked up before that."""
    if st.button(
        "Ask a student", key="review_ask", icon=":material/psychology:", help="Let a student answer what is in view."
    ):
        _draw_form(hub, asked, seed_set)


@st.dialog("Let a student answer these")
def _draw_form(hub: Hub, asked: QueueFilter, seed_set: str) -> None:
    """Draw whom to ask, for how many answers, how long that takes, and the button that starts it."""
    rows = hub.store.list_answerable(asked)
    if rows.empty:
        st.info("There is nothing to answer: no candidate in view has passed the filters.")
        return
    students = {each["label"]: each for each in list_students(hub, seed_set)}
    labels = list(students)
    usual = _find_chooser(hub, rows["run_id"].iloc[0], students)
    label = st.selectbox("Student", labels, labels.index(usual), key="review_ask_student")
    seeds = len(list_seeds(rows))
    st.markdown(
        f"It answers **{numbers.counted(len(rows), 'candidate')}** that passed the filters and the "
        f"{numbers.counted(seeds, 'seed')} they came from, in the background. Then each shows its answer, and how much "
        "harder it is than its seed."
    )
    st.caption(_say_time(hub, students[label], rows))
    is_asked = st.button(
        "Ask",
        key="review_ask_start",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_start,
        args=(hub, asked, students[label]),
    )
    if fault := st.session_state.pop(FAULT, None):
        st.error(plain(fault), icon=":material/error:")
    elif is_asked:
        st.rerun()


def _start(hub: Hub, asked: QueueFilter, student: Mapping[str, Any]) -> None:
    try:
        start_asking(hub, asked, **student)
    except SeedbedError as error:
        st.session_state[FAULT] = str(error)


def _find_chooser(hub: Hub, run_id: str, students: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the label of the student that the run's seeds were chosen by, of the first one where that is not told."""
    selection = hub.store.read_run((hub.store.read_run(run_id) or {}).get("selection_run_id") or run_id) or {}
    scored = hub.store.read_run((selection.get("config") or {}).get("prediction_run") or "") or selection
    wanted = tuple((scored.get("config") or {}).get(name) for name in ("student", "adapter", "server"))
    found = [label for label, each in students.items() if (each["student"], each["adapter"], each["server"]) == wanted]
    return next(iter([*found, *students]))


def _say_time(hub: Hub, student: Mapping[str, Any], rows: Any) -> str:
    seconds = None if student["server"] else estimate_asking(hub, student["student"], rows)
    if seconds is None:
        return "How long it takes was not measured on this machine yet; the progress will say."
    return (
        f"Some {plain(numbers.duration(seconds))} at the rates of earlier runs here; what this student answered before "
        "is kept, and costs no time."
    )


def follow_student(hub: Hub, run_ids: Sequence[str]) -> None:
    """Draw the runs under way that ask for any of these candidates, live, and the last one where it failed."""
    runs = hub.store.list_runs([KIND], limit=50).to_dict("records")
    runs = [run for run in runs if {*json.loads(run["config"])["candidates_of"]} & {*run_ids}]
    ids = [run["run_id"] for run in runs if run["state"] in ACTIVE]
    if not ids:
        if runs and runs[0]["state"] in ("failed", "lost"):
            draw_run(runs[0])
        return
    follow_runs(hub, ids)
