"""Candidates as the pages show them: counts, reasons, a table, one beside its seed with the differences marked."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.colours import style_of_state
from pages.components import numbers
from pages.components.text import mark_differences, plain, to_markdown


def draw_counts(counts: Mapping[str, int], wanted: int | None) -> None:
    """Draw made, failed, rejected, accepted and left as a row of numbers."""
    left = None if wanted is None else max(int(wanted) - counts["accepted"], 0)
    with st.container(horizontal=True, gap="medium"):
        for name, value in [
            ("made", counts["made"]),
            ("failed", counts["failed"]),
            ("rejected", counts["rejected"]),
            ("accepted", counts["accepted"]),
            ("left", left),
        ]:
            st.metric(name, numbers.count(value), width="content")


def draw_reasons(reasons: pd.DataFrame) -> None:
    """Draw why candidates failed or were rejected, most frequent first."""
    if reasons.empty:
        return
    by = reasons["rejected_by"].where(reasons["rejected_by"].notna(), "teacher")
    st.dataframe(
        reasons.assign(by=by),
        hide_index=True,
        column_order=["n", "status", "by", "reason"],
        column_config={
            "n": st.column_config.NumberColumn("n", width="small"),
            "status": st.column_config.TextColumn("what", width="small"),
            "by": st.column_config.TextColumn("by", width="small"),
            "reason": st.column_config.TextColumn("reason (the latest of its kind)", width="large"),
        },
        height=min(38 + 35 * len(reasons), 213),
    )


def draw_candidate_table(candidates: pd.DataFrame, *, key: str) -> int:
    """Draw candidates; returns the place of the marked row, the first where none is."""
    event = st.dataframe(
        candidates.assign(
            rouge_l=candidates["rouge_l"].map(numbers.score),
            **{name: candidates[name].fillna("").astype(str) for name in ("review", "reason", "current_final")},
        ),
        hide_index=True,
        height=min(38 + 35 * len(candidates), 283),
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        column_order=["status", "review", "current_final", "rouge_l", "current_question", "reason"],
        column_config={
            "status": st.column_config.TextColumn("filters", width="small"),
            "current_question": st.column_config.TextColumn("question", width="large"),
            "current_final": st.column_config.TextColumn("answer", width="small", alignment="right"),
            "rouge_l": st.column_config.TextColumn("ROUGE-L", width="small", alignment="right"),
            "review": st.column_config.TextColumn("review", width="small"),
        },
    )
    rows = event.selection.rows
    return rows[0] if rows and rows[0] < len(candidates) else 0


def draw_verdicts(candidate: Mapping[str, Any]) -> None:
    """Draw what the teacher and each filter said of a candidate, one badge each, the reasons below."""
    with st.container(horizontal=True, gap="small"):
        if candidate["failure"]:
            style = style_of_state("failed")
            st.badge("failed", icon=style.icon, color=style.name)
        for verdict in candidate["verdicts"]:
            style = style_of_state("accepted" if verdict["is_accepted"] else "rejected")
            value = "" if numbers.is_missing(verdict["value"]) else f" {numbers.score(verdict['value'])}"
            st.badge(f"{plain(verdict['filter'])}{value}", icon=style.icon, color=style.name)
    reasons = [candidate["failure"], *[verdict["reason"] for verdict in candidate["verdicts"]]]
    for reason in filter(None, reasons):
        st.caption(plain(reason))


def draw_candidate(candidate: Mapping[str, Any] | None) -> None:
    """Draw one candidate beside the seed it was grown from, differences marked, with its raw replies folded away."""
    if candidate is None:
        return
    parent = (candidate["parent_problems"] or [{}])[0]
    questions = mark_differences(parent.get("question"), candidate["current_question"])
    answers = mark_differences(parent.get("answer"), candidate["current_answer"])
    with st.container(key="two_sides_candidate"):
        sides = st.columns(2)
    for side, title, question, answer in zip(sides, ("Seed", "Candidate"), questions, answers, strict=True):
        with side, st.container(border=True, key=f"reading_{title}"):
            st.caption(title)
            st.markdown(question)
            st.caption("Answer")
            st.markdown(answer)
    draw_verdicts(candidate)
    with st.expander("The teacher's replies, untouched"):
        st.caption(
            f"{plain(candidate['teacher'])}, {plain(candidate['method'])} · "
            f"{numbers.tokens(candidate['n_input_tokens'])} tokens in, "
            f"{numbers.tokens(candidate['n_output_tokens'])} out"
        )
        for text in (candidate["raw_question"], candidate["raw_answer"]):
            st.code(text or "–", language=None, wrap_lines=True)


def draw_side(title: str, question: str, answer: str, *, key: str, height: int) -> None:
    """Draw one side of the review, at a height that no text changes; both texts are safe Markdown."""
    with st.container(border=True, height=height, key=f"reading_{key}"):
        st.caption(title)
        st.markdown(question or to_markdown(None))
        st.caption("Answer")
        st.markdown(answer or to_markdown(None))
