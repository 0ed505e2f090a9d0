"""A loop that waits for a person after a round: what it waits for, and the button that goes on."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.hub import Hub
from pages.components.text import plain


def find_pause(run: Mapping[str, Any]) -> int | None:
    """Return the round after which a run, as ``read_run`` gives it, waits for a person; None: it does not."""
    return (run["summary"] or {}).get("waits_after_round") if run["state"] == "done" else None


def draw_pause(hub: Hub, run: Mapping[str, Any], key: str) -> None:
    """Draw the way to the review and the button that goes on; nothing where the run does not wait.

    Args:
        hub: takes the order.
        run: of ``read_run``.
        key: of the widgets on this page.
    """
    number = find_pause(run)
    if number is None:
        return
    with st.container(border=True, key=f"pause_{key}"):
        st.info(plain(run["summary"]["stopped"]), icon=":material/rate_review:")
        with st.container(horizontal=True, vertical_alignment="center"):
            query = {"run": run["run_id"]}
            st.page_link("review_page.py", label="Review them", icon=":material/rate_review:", query_params=query)
            label = f"Go on with round {number + 1}"
            if st.button(label, type="primary", key=f"pass_{key}", icon=":material/play_arrow:"):
                hub.order(run["run_id"], "again")
                st.rerun()
