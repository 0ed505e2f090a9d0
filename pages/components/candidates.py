"""Candidates as the pages show them: counts, reasons, a table, one beside its seed with the differences marked."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.colours import style_of_state
from pages.components import numbers
from pages.components.text import mark_differences, plain, to_markdown

MOST_REASONS, REASONS_HEIGHT = 5, 260
"""Reasons above which their table scrolls, and its height in pixels then."""


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
    """Draw why candidates failed or were rejected, most frequent first, in whole sentences."""
    if reasons.empty:
        return
    rows = reasons.to_dict("records")
    table = pd.DataFrame(
        {
            "n": [numbers.count(row["n"]) for row in rows],
            "what": [plain(describe_loss(row)) for row in rows],
            "reason (the latest of its kind)": [plain(row["reason"]) for row in rows],
        }
    )
    is_long = len(table) > MOST_REASONS
    st.table(table, hide_index=True, border="horizontal", height=REASONS_HEIGHT if is_long else "content")


def describe_loss(row: Mapping[str, Any]) -> str:
    """Return what became of a candidate, or of several: ``accepted``, ``failed``, ``rejected by rouge_l``."""
    by = row["rejected_by"]
    return row["status"] if numbers.is_missing(by) else f"{row['status']} by {by}"


def draw_candidate_table(candidates: pd.DataFrame, *, key: str) -> int:
    """Draw candidates; returns the place of the marked row, the first where none is."""
    shown = pd.DataFrame(
        {
            "what": [describe_loss(row) for row in candidates.to_dict("records")],
            "review": candidates["review"],
            "answer": candidates["current_final"],
            "ROUGE-L": candidates["rouge_l"].map(numbers.score, na_action="ignore"),
            "question, or why there is none": candidates["current_question"].fillna(candidates["reason"]),
        }
    )
    shown = shown.dropna(axis="columns", how="all").fillna("").astype("str")
    right, narrow = {"alignment": "right", "width": "small"}, {"width": "small"}
    event = st.dataframe(
        shown,
        hide_index=True,
        height=min(38 + 35 * len(shown), 283),
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "what": st.column_config.TextColumn("what", width=150 if shown["what"].str.len().max() > 8 else "small"),
            "review": st.column_config.TextColumn("review", **narrow),
            "answer": st.column_config.TextColumn("answer", **right),
            "ROUGE-L": st.column_config.TextColumn("ROUGE-L", **right),
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
            value = "" if numbers.is_missing(verdict["value"]) else f" {numbers.score(verdict['value'])}"
            label = f"{plain(verdict['filter'])}{value}"
            if numbers.is_missing(verdict["is_accepted"]):
                st.badge(f"{label} cannot tell", icon=":material/question_mark:", color="gray")
                continue
            style = style_of_state("accepted" if verdict["is_accepted"] else "rejected")
            st.badge(label, icon=style.icon, color=style.name)
    reasons = [candidate["failure"], *[verdict["reason"] for verdict in candidate["verdicts"]]]
    for reason in filter(None, reasons):
        st.caption(plain(reason))


def draw_pair(row: Mapping[str, Any]) -> None:
    """Draw one row of ``store.list_candidates``, seed beside child, in few lines: what it is, and what became of it."""
    style = style_of_state(row["status"])
    with st.container(border=True, key=f"pair_{row['run_id']}_{row['candidate_id']}"):
        seed, child = st.columns(2)
        names = ("parent_question", "current_question")
        texts = [None if numbers.is_missing(row[name]) else row[name] for name in names]
        before, after = mark_differences(*texts)
        seed.markdown(before if texts[0] else ":gray[no seed]")
        child.markdown(after if texts[1] else ":gray[no question]")
        with child.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.badge(row["status"], icon=style.icon, color=style.name)
            if not numbers.is_missing(row["current_final"]):
                st.caption(plain(row["current_final"]), width="content")
        if not numbers.is_missing(row["reason"]):
            child.caption(plain(row["reason"]))


def describe_meta(meta: Mapping[str, Any] | None) -> str:
    """Return what the method noted of a candidate, in one line: stated probability, skills, a wrong answer meant."""
    meta, parts = meta or {}, []
    if meta.get("label") == "incorrect":
        parts.append("the answer is meant to be wrong")
    if meta.get("probability_stated") is not None:
        fault = f" ({meta['probability_fault']})" if meta.get("probability_fault") else ""
        parts.append(f"stated probability {meta['probability_stated']}{fault}")
    if meta.get("skills"):
        parts.append("skills: " + ", ".join(map(str, meta["skills"])))
    if meta.get("file"):
        parts.append(f"from {meta['file']}, line {meta['line']}")
    if meta.get("n_answers"):
        parts.append(f"the first of {meta['n_answers']} answers")
    return " · ".join(parts)


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
    for other in candidate["parent_problems"][1:]:
        with st.expander("Another parent"):
            st.markdown(to_markdown(other["question"]))
            st.markdown(to_markdown(other["answer"]))
    draw_verdicts(candidate)
    if noted := describe_meta(candidate["meta"]):
        st.caption(plain(noted))
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
