"""The pool as a table: every score beside each problem, the reason beside each chosen one; search, range, sort."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from core.selection import Selection
from core.signals import SIGNALS
from pages.components import numbers
from pages.components.score_text import say_verdict

MOST_ROWS = 1_000
"""Rows that go to the browser at a time; search and range look at all of them."""

CHOSEN, ALL, DISPUTED = "chosen", "all", "grader disagrees"


def list_score_columns(frame: pd.DataFrame) -> list[str]:
    """Return the signals that are known of some problem and mean something alone, in the order of the registry.

    Of a vector signal it is the length; that of an embedding says nothing.
    """
    return [name for name in SIGNALS if name in frame and name != "embedding" and frame[name].notna().any()]


def draw_pool(
    frame: pd.DataFrame, selection: Selection, ranges: Mapping[str, tuple[float, float] | None]
) -> pd.Series | None:
    """Draw the table and return the marked row, the first one where none is marked; None where nothing is left.

    Args:
        frame: of ``recipes.selecting.read_pool``.
        selection: what is chosen.
        ranges: signal -> lowest value to show and the first one above, None for all.
    """
    rows = frame.assign(rank=pd.Series(pd.NA, frame.index, dtype="Int64"), reason="")
    places = frame.index[selection.indices]
    rows.loc[places, "rank"] = np.arange(1, len(places) + 1)
    rows.loc[places, "reason"] = list(selection.reason)
    columns = list_score_columns(frame)
    shown = _narrow(rows, columns, ranges)
    if shown.empty:
        st.info("No problem is left; search for something else, or show all values.")
        return None
    n_chosen, n_all = int(shown["rank"].notna().sum()), len(shown)
    st.caption(f"{numbers.counted(n_all, 'problem')} of {numbers.count(len(frame))}, {numbers.count(n_chosen)} chosen.")
    shown, first = shown.head(MOST_ROWS), {*ranges, st.session_state.get("pool_order")}
    scores = sorted((name for name in columns if name != "correct"), key=lambda name: name not in first)
    n_first = sum(name in first for name in scores)  # beside the question: who looks at a score wants to read it
    event = st.dataframe(
        shown.assign(answered=[say_verdict(value) for value in shown["correct"]]),
        hide_index=True,
        placeholder=numbers.MISSING,
        height=min(38 + 35 * len(shown), 360),
        key=f"pool_table_{len(shown)}_{shown.iloc[0]['problem_id']}",
        on_select="rerun",
        selection_mode="single-row",
        column_order=[
            *(["rank"] if shown["rank"].notna().any() else []),
            *["question", "answered", *scores[:n_first]],
            *(["reason"] if shown["rank"].notna().any() else []),
            *scores[n_first:],
            *(["n_tokens", "is_truncated"] if shown["n_tokens"].notna().any() else []),
        ],
        column_config=_configure(columns),
    )
    if n_all > len(shown):
        st.caption(f"The first {numbers.count(len(shown))} of {numbers.count(n_all)}; search or drag to see others.")
    marked = event.selection.rows
    return shown.iloc[marked[0] if marked and marked[0] < len(shown) else 0]


def _narrow(rows: pd.DataFrame, columns: list[str], ranges: Mapping[str, tuple[float, float] | None]) -> pd.DataFrame:
    """Let a person say which rows are shown, and in which order."""
    has_grades = {"correct", "grade"} <= set(columns)
    disputed = (
        (rows["correct"] != rows["grade"]) & rows[["correct", "grade"]].notna().all(axis=1) if has_grades else None
    )
    options = [CHOSEN, ALL, *([DISPUTED] if has_grades else [])]
    counts = {CHOSEN: int(rows["rank"].notna().sum()), ALL: len(rows)}
    if disputed is not None:
        counts[DISPUTED] = int(disputed.sum())
    has_range = any(limits is not None for limits in ranges.values())  # whoever drags wants to see what lies there
    which = st.segmented_control(
        "Problems",
        options,
        default=ALL if has_range else CHOSEN,
        required=True,
        key=f"pool_rows_{has_range}",
        format_func=lambda option: f"{option} {numbers.count(counts[option])}",
    )
    left, right = st.columns([1.6, 1])
    search = left.text_input("Search in questions and answers", key="pool_search", placeholder="words, numbers")
    order = right.selectbox("Sort by", ["rank", "position", *columns], key="pool_order")
    if which != ALL:
        rows = rows[rows["rank"].notna() if which == CHOSEN else disputed]
    if search.strip():
        texts = rows["question"] + "\n" + rows["answer"].fillna("") + "\n" + rows["text"].fillna("")
        rows = rows[texts.str.contains(search.strip(), case=False, regex=False)]
    for name, limits in ranges.items():
        if limits is not None:
            rows = rows[rows[name].between(*limits, inclusive="left")]
            st.caption(f"Only {name} from {numbers.loss(limits[0])} to {numbers.loss(limits[1])}.")
    return rows.sort_values(order, ascending=order in ("rank", "position"), kind="stable", na_position="last")


def _configure(columns: list[str]) -> dict[str, object]:
    """Return how the columns look."""
    scores = {
        name: st.column_config.NumberColumn(name, width=85, format="%.3g", help=SIGNALS.get(name).title)
        for name in columns
    }
    return {
        **scores,
        "rank": st.column_config.NumberColumn("rank", width=50),
        "question": st.column_config.TextColumn("question", width=230, pinned=True),
        "answered": st.column_config.TextColumn("student", width="small"),
        "reason": st.column_config.TextColumn("why chosen", width=240),
        "n_tokens": st.column_config.NumberColumn("tokens", width="small", help="of the student's answer"),
        "is_truncated": st.column_config.CheckboxColumn("truncated", width="small"),
    }
