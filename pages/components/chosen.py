"""One problem of the pool, whole: the reference beside the student's answer, coloured by surprise, and every score."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from pages.components import numbers
from pages.components.pool_table import list_score_columns
from pages.components.problems import draw_problem
from pages.components.score_text import mark_verdict, say_score
from pages.components.surprise import draw_surprise
from pages.components.text import plain, to_markdown


def draw_seed(hub: Hub, frame: pd.DataFrame, row: pd.Series, scored: Mapping[str, Any] | None) -> None:
    """Draw the marked problem.

    Args:
        hub: of the home.
        frame: the whole pool, to say where a score lies in it.
        row: of the table.
        scored: the run whose answers are shown, None where nobody was asked.
    """
    answer = scored and hub.store.read_answer(scored["run_id"], scored["student"], row["problem_id"])
    left, right = st.columns(2)
    with left:
        rank = "" if numbers.is_missing(row["rank"]) else f", rank {row['rank']}"
        draw_problem(row["question"], row["answer"], row["final"], title=f"Seed{rank}")
        if row["reason"]:
            st.caption(f"Why it was chosen: {plain(row['reason'])}.")
    with right, st.container(border=True, key="reading_student"):
        st.caption("The student's answer")
        if not answer:
            st.markdown("Not asked yet.")
            return
        draw_surprise(answer["text"], answer["surprises"], loss=row["loss"])
        st.markdown(mark_verdict(row["correct"]))
        if answer["is_truncated"]:
            st.caption(":material/content_cut: The token limit ended this answer.")
        _draw_scores(frame, row, answer["notes"])
    _draw_texts(answer["texts"])


def _draw_scores(frame: pd.DataFrame, row: pd.Series, notes: Mapping[str, str]) -> None:
    """List the scores of one problem: value, what is behind it, and how it lies in the pool."""
    lines = []
    for name in list_score_columns(frame):
        value, others = row[name], frame[name].dropna()
        line = f"**{name}** {say_score(name, row)}"
        if not numbers.is_missing(value) and others.nunique() > 2:
            line += f" · above {numbers.percent((others < value).mean())} of the pool"
        if name in notes:
            line += f" · {plain(notes[name])}"
        lines.append(f"- {line}")
    st.markdown("\n".join(lines))


def _draw_texts(texts: Mapping[str, str]) -> None:
    """Offer what a teacher, judge or grader wrote about this problem."""
    if texts:
        with st.expander("What the teacher wrote about it", icon=":material/school:"):
            for name, text in texts.items():
                st.caption(name.replace("_", " "))
                st.markdown(to_markdown(text))
