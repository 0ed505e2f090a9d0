"""Everything that was done with candidates, the latest first, with who, when and why; each act can be taken back."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.records import REASONS, REVIEW_ACTIONS
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.experiment_table import offer_csv
from pages.components.review_queue import forget_queue

MOST_SHOWN, MOST_IN_FILE = 500, 1_000_000


def draw_log(hub: Hub, run_ids: Sequence[str], reviewer: str | None) -> None:
    """Draw the log of these runs' candidates.

    Args:
        hub: knows it, and takes acts back.
        run_ids: of the runs.
        reviewer: who takes back; None: somebody without a name.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        actions = ["", *REVIEW_ACTIONS, "undo"]
        action = st.selectbox("What was done", actions, format_func=lambda name: name or "anything", key="log_action")
        people = [None, "", *hub.store.list_reviewers()]
        who = st.selectbox("By", people, format_func=_name, key="log_who", width=220)
    log = hub.store.list_reviews(run_ids, who, action or None, limit=MOST_SHOWN)
    if log.empty:
        st.info("Nothing of the kind was done with these candidates yet.")
        return
    event = st.dataframe(
        _tabulate(log),
        hide_index=True,
        height=min(38 + 35 * len(log), 460),
        key="log_rows",
        on_select="rerun",
        selection_mode="single-row",
        column_config={"question": st.column_config.TextColumn("question", width="large")},
    )
    if len(log) == MOST_SHOWN:
        st.caption(f"The latest {numbers.count(MOST_SHOWN)}; the file has all.")
    with st.container(horizontal=True):
        offer_csv(
            lambda: hub.store.list_reviews(run_ids, who, action or None, limit=MOST_IN_FILE),
            "The log as CSV",
            f"reviews-{run_ids[0]}" if len(run_ids) == 1 else "reviews",
        )
        if event.selection.rows:
            _offer_undo(hub, log.iloc[event.selection.rows[0]], reviewer)


def _tabulate(log: pd.DataFrame) -> pd.DataFrame:
    shown = pd.DataFrame(
        {
            "when": log["written_at"].map(numbers.moment),
            "who": log["reviewer"].fillna(""),
            "what": log["action"].where(~log["is_undone"].astype(bool), log["action"] + ", taken back"),
            "why": log["reason"].map(REASONS).fillna(""),
            "note": log["note"].fillna(""),
            "together": log["batch_id"].notna(),
            "question": log["current_question"].fillna("(its run is in the trash)"),
        }
    )
    return shown.drop(columns=[name for name in ("who", "why", "note", "together") if not shown[name].any()])


def _offer_undo(hub: Hub, row: pd.Series, reviewer: str | None) -> None:
    """Draw the button that takes one act back, all of it where it was on several candidates."""
    if row["is_undone"] or row["action"] == "undo":
        st.caption("That was taken back already." if row["is_undone"] else "An undo is not taken back; do it anew.")
        return
    batch = None if pd.isna(row["batch_id"]) else row["batch_id"]
    rows = [row] if batch is None else hub.store.list_batch(batch)
    if st.button(f"Take back ({numbers.counted(len(rows), 'candidate')})", key="log_undo", icon=":material/undo:"):
        with show_errors():
            if batch is None:
                hub.undo_one(row["review_id"], reviewer)
            else:
                hub.undo_batch(batch, reviewer)
            forget_queue()
            st.rerun()


def _name(who: str | None) -> str:
    return "anybody" if who is None else who or "somebody without a name"
