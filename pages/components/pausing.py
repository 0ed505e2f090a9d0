"""A loop that waits for a person after a round: what it waits for, and the button that goes on."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.hub import Hub
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.standing import name_paused
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
            unread = hub.store.count_candidates(run["run_id"])["waiting"]
            draw_passing(hub, run["run_id"], number, unread, key=f"pass_{key}", type="primary")


def draw_passing(hub: Hub, run_id: str, number: int, unread: int, **look: Any) -> None:
    """Draw the button that goes on with the next round, with how many candidates nobody has read.

    Args:
        hub: takes the order.
        run_id: of the run that waits.
        number: of the round that it waits after.
        unread: candidates that nobody has judged.
        look: of the button, its key with it.
    """
    label = f"Go on with round {number + 1}" + (f", {numbers.count(unread)} unread" if unread else "")
    help_ = "What nobody has read is trained on as it is." if unread else None
    with show_errors():
        if st.button(label, icon=":material/play_arrow:", help=help_, **look):
            hub.order(run_id, "again")
            st.rerun()


def draw_way_back(run: Mapping[str, Any]) -> None:
    """Draw the way from an arm of an experiment back to it; nothing for a run that is none."""
    if run["parent_id"] and run["config"].get("arm"):
        query = {"experiment": run["parent_id"], "show": "watch"}
        label = f"Back to its experiment ({plain(run['config']['arm'])}, replicate {run['config']['replicate']})"
        st.page_link("experiments_page.py", label=label, icon=":material/arrow_back:", query_params=query)


def draw_paused(rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw a way to the review of each of these runs that wait, of ``list_paused_runs``."""
    for row in rows:
        unread = f"{numbers.count(row['unread'])} unread" if row["unread"] else "all read"
        label = f"Review round {row['round']} of {plain(name_paused(row))}: {unread}"
        st.page_link("review_page.py", label=label, icon=":material/rate_review:", query_params={"run": row["run_id"]})
