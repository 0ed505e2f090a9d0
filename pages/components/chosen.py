"""The chosen seeds as a table, and one of them whole, with the student's own answer to it."""

import pandas as pd
import streamlit as st

from core.selection.base import Selection
from pages.components import numbers
from pages.components.problems import draw_problem
from pages.components.text import to_markdown


def draw_chosen(pool: pd.DataFrame, selection: Selection) -> None:
    """Draw the chosen seeds with score and reason; a marked one is shown whole, with the student's own answer."""
    rows = pool.iloc[selection.indices].assign(reason=list(selection.reason), rank=range(1, len(selection.indices) + 1))
    shown = rows.assign(
        loss=rows["loss"].map(numbers.loss),
        answered=rows["is_correct"].map({True: "right", False: "wrong"}).fillna(numbers.MISSING),
    )
    event = st.dataframe(
        shown,
        hide_index=True,
        height=min(38 + 35 * len(shown), 330),
        key="chosen_seeds",
        on_select="rerun",
        selection_mode="single-row",
        column_order=["rank", "loss", "answered", "question", "reason"],
        column_config={
            "rank": st.column_config.NumberColumn("rank", width="small"),
            "question": st.column_config.TextColumn("question", width=300),
            "loss": st.column_config.TextColumn("loss", width="small", alignment="right"),
            "answered": st.column_config.TextColumn("student", width="small"),
            "reason": st.column_config.TextColumn("reason", width=230),
        },
    )
    marked = event.selection.rows
    row = rows.iloc[marked[0] if marked and marked[0] < len(rows) else 0]
    st.caption(
        "The marked seed, and the student's own answer to it" if marked else "The first seed; mark another above"
    )
    left, right = st.columns(2)
    with left:
        draw_problem(row["question"], row["answer"], row["final"], title=f"Seed, rank {row['rank']}")
    with right, st.container(border=True, key="reading_student"):
        st.caption("The student's answer")
        st.markdown(to_markdown(row["text"]) if not numbers.is_missing(row["text"]) else "Not asked yet.")
        if not numbers.is_missing(row["is_correct"]):
            verdict = ":green[:material/check: right]" if row["is_correct"] else ":red[:material/close: wrong]"
            st.markdown(f"{verdict} · loss {numbers.loss(row['loss'])} nats per token")
