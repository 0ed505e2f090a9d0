"""What can be done with runs beyond looking: name one, repeat one with a change, bring one back from the trash."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.recipes.clone import CHANGEABLE, start_clone
from core.recipes.clone_settings import Setting, list_settings
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.frame import RUN_TIMES, name_run, tell_apart
from pages.components.frozen import name_setting, say_value
from pages.components.setting_faces import to_words
from pages.components.text import plain, to_markdown

UNCHANGED = object()


def draw_rename(hub: Hub, run: Mapping[str, Any], *, key: str) -> None:
    """Draw the form that gives a run another title and a note; it closes when that is done."""
    n_saved = st.session_state.get("n_renamed", 0)  # another key is another popover, and that is closed
    with (
        st.popover("Rename", icon=":material/edit:", help="Another title, and a note.", key=f"{key}_rename_{n_saved}"),
        st.form(f"{key}_name_{run['run_id']}", border=False),
    ):
        # no keys: what stands there is the run's own again as soon as it has another name
        title = st.text_input("Title", run["title"])
        known = "" if numbers.is_missing(run["note"]) else run["note"]
        note = st.text_area("Note", known, placeholder="What it was for, what came of it.")
        if st.form_submit_button("Save", icon=":material/check:"):
            with show_errors():
                hub.rename(run["run_id"], title, note)
                st.session_state["n_renamed"] = n_saved + 1
                st.rerun()


def draw_note(run: Mapping[str, Any]) -> None:
    """Draw what somebody wrote about a run; nothing where nobody did."""
    if not numbers.is_missing(run["note"]):
        st.markdown(f":material/sticky_note_2: {to_markdown(run['note'])}")


def draw_clone(hub: Hub, run: dict, *, key: str = "clone") -> str | None:
    """Draw the form that repeats a run with one setting changed; returns the new run's id once it is queued."""
    settings = {setting.name: setting for setting in list_settings(run["config"], CHANGEABLE[run["kind"]])}
    name = st.selectbox("Change", list(settings), key=f"{key}_name", format_func=name_setting)
    st.caption(f"Now: {say_value(settings[name].value, name)}. All else, and what it works on, stays as it was.")
    value = _draw_value(settings[name], f"{key}_value_{run['run_id']}_{name}")
    if st.button("Put it in the queue", key=key, icon=":material/content_copy:"):  # never greyed out: a click would
        if value is UNCHANGED or value is None or value == settings[name].value:  # only end the typing before it
            st.warning(f"Unchanged: {name_setting(name)}. Write another value.")
            return None
        try:
            return start_clone(hub, run["run_id"], name, value)
        except SeedbedError as error:
            st.error(plain(to_words(error)), icon=":material/error:")
    return None


def _draw_value(setting: Setting, key: str) -> Any:
    """Draw the widget for a setting's new value, its present one in it; UNCHANGED where what stands there is none."""
    value, options = setting.value, setting.options
    if options and isinstance(value, list):
        return st.multiselect("to", options, [item for item in value if item in options], key=key)
    if options:
        place = options.index(value) if value in options else None
        return st.selectbox("to", options, place, key=key, format_func=lambda option: say_value(option, setting.name))
    if isinstance(value, bool):
        return st.toggle("to", value, key=key)
    if isinstance(value, int):
        return st.number_input("to", value=value, step=1, key=key)
    if isinstance(value, float):
        return st.number_input("to", value=value, step=None if value == 0 else value / 10, format="%.6g", key=key)
    if isinstance(value, str):
        return st.text_input("to", value, key=key).strip() or UNCHANGED
    text = st.text_input("to (JSON)", json.dumps(value, ensure_ascii=False), key=key)
    try:
        return json.loads(text)
    except ValueError:
        st.error("This is no JSON value; write a text in double quotes.")
        return UNCHANGED


def draw_trash(hub: Hub) -> None:
    """Draw what is in the trash, to be restored or removed for good."""
    trash = hub.list_trash()
    with st.expander(f"Trash ({len(trash)})", icon=":material/delete:"):
        if trash.empty:
            st.caption("Empty.")
            return
        st.dataframe(
            trash.assign(size=trash["bytes"].map(numbers.size), made=trash["created_at"].map(numbers.moment)),
            hide_index=True,
            column_order=["made", "kind", "title", "size"],
            column_config={"size": "on disk", "made": st.column_config.TextColumn("made", help=RUN_TIMES)},
        )
        rows = {row["run_id"]: row for row in trash.to_dict("records")}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            shown = tell_apart(list(rows), lambda id_: name_run(rows[id_]))
            run_id = st.selectbox("Run in the trash", list(rows), format_func=shown, help=RUN_TIMES)
            if st.button("Restore", key="restore", icon=":material/restore_from_trash:"):
                hub.restore(run_id)
                st.rerun()
            with st.popover("Remove all for good", icon=":material/delete_forever:"):
                size = numbers.size(trash["bytes"].sum())
                st.markdown(f"{numbers.counted(len(trash), 'run')}, {size}: nothing brings them back.")
                if st.button(f"Remove {numbers.counted(len(trash), 'run')} for good", key="empty_trash"):
                    hub.empty_trash()
                    st.rerun()
