"""What can be done with runs beyond looking: repeat one with a change, bring one back from the trash."""

import json

import streamlit as st

from core.hub import Hub
from core.recipes.clone import CHANGEABLE, start_clone
from pages.components import numbers
from pages.components.access import show_errors


def draw_clone(hub: Hub, run: dict) -> None:
    """Draw the form that repeats a run with one value of its configuration changed."""
    name = st.selectbox("Change", CHANGEABLE[run["kind"]], key="clone_name")
    now = json.dumps(run["config"].get(name), ensure_ascii=False)
    text = st.text_input("to (JSON)", now, key=f"clone_value_{run['run_id']}_{name}")
    if st.button("Put it in the queue", key="clone"):
        try:
            value = json.loads(text)
        except ValueError:
            st.error("This is no JSON value; write a text in double quotes.")
            return
        with show_errors():
            start_clone(hub, run["run_id"], name, value)
            st.rerun()


def draw_trash(hub: Hub) -> None:
    """Draw what is in the trash, to be restored or removed for good."""
    trash = hub.list_trash()
    with st.expander(f"Trash ({len(trash)})", icon=":material/delete:"):
        if trash.empty:
            st.caption("Empty.")
            return
        st.dataframe(
            trash.assign(size=trash["bytes"].map(numbers.size)),
            hide_index=True,
            column_order=["kind", "title", "size"],
            column_config={"size": "on disk"},
        )
        titles = dict(zip(trash["run_id"], trash["title"], strict=True))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            run_id = st.selectbox("Run in the trash", list(titles), format_func=titles.get)
            if st.button("Restore", key="restore", icon=":material/restore_from_trash:"):
                hub.restore(run_id)
                st.rerun()
            with st.popover("Remove all for good", icon=":material/delete_forever:"):
                size = numbers.size(trash["bytes"].sum())
                st.markdown(f"{numbers.counted(len(trash), 'run')}, {size}: nothing brings them back.")
                if st.button(f"Remove {numbers.counted(len(trash), 'run')} for good", key="empty_trash"):
                    hub.empty_trash()
                    st.rerun()
