"""What several prompting methods made of one seed, side by side."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.colours import style_of_state
from core.recipes.comparing_methods import Comparison
from pages.components import numbers
from pages.components.method_measures import name_method
from pages.components.text import plain, to_markdown

MOST = 10
"""Candidates of one method and seed that are shown."""

CARD_WIDTH = 220
"""Pixels below which fewer methods stand side by side."""


def draw_examples(comparison: Comparison) -> None:
    """Draw one seed, and below it what each method made of it; candidates without a seed stand under every seed."""
    rows = comparison.candidates
    if rows.empty:
        return
    st.subheader("What they wrote", anchor=False)
    seeds = [seed for seed in rows["parent_id"].unique() if not numbers.is_missing(seed)]
    is_seedless = rows["parent_id"].isna()
    if not seeds:
        _draw_methods(rows, comparison)
        return
    run_id = comparison.run["run_id"]
    place = st.pagination(len(seeds), key=f"compared_seed_{run_id}") if len(seeds) > 1 else 1
    seed = seeds[(place or 1) - 1]
    mine = rows[(rows["parent_id"] == seed) | is_seedless]
    first = mine[mine["parent_id"] == seed].iloc[0]
    with st.container(border=True, key="reading_compared_seed"):
        st.caption("Seed")
        st.markdown(to_markdown(first["parent_question"]))
        if not numbers.is_missing(first["parent_final"]):
            st.caption(f"Final answer: **{plain(first['parent_final'])}**")
    _draw_methods(mine, comparison)


def _draw_methods(rows: pd.DataFrame, comparison: Comparison) -> None:
    """Draw the candidates of each method in a column of its own, under one another."""
    names = comparison.run["config"]["methods"]
    with st.grid(min(len(names), 3), min_column_width=CARD_WIDTH, gap="small"):
        for name in names:
            mine = rows[rows["method"] == name]
            with st.container(border=True, key=f"reading_compared_{name}"):
                st.markdown(f"**{plain(name_method(name))}**")
                for row in mine.head(MOST).to_dict("records"):
                    _draw_one(row)
                if mine.empty:
                    st.caption("Nothing came.")
                elif len(mine) > MOST:
                    st.caption(f"The first {MOST} of {numbers.count(len(mine))}.")


def _draw_one(row: Mapping[str, Any]) -> None:
    """Draw one candidate: what became of it, its question (its answer, where that was asked for), why it was lost."""
    style = style_of_state(row["status"])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(row["status"], icon=style.icon, color=style.name)
        if not numbers.is_missing(row["probability"]):
            st.caption(f"stated {numbers.score(row['probability'])}", width="content")
        if not numbers.is_missing(row["current_final"]):
            st.caption(f"= {plain(row['current_final'])}", width="content")
    text = row["current_answer" if row["is_incorrect"] else "current_question"]
    if not numbers.is_missing(text):
        st.markdown(to_markdown(text))
    if not numbers.is_missing(row["reason"]):
        st.caption(plain(row["reason"]))
