"""What a finetune brought: accuracy before and after on the same problems, and examples gained and lost."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from pages.components import numbers
from pages.components.frame import draw_empty, note_teacher
from pages.components.text import to_markdown

SPLIT_NAMES = {"test": "test problems", "ood": "problems of kinds never seen in training"}
N_EXAMPLES = 50


def draw_result(hub: Hub, run_id: str) -> None:
    """Draw the result of a finetune or loop, round by round; an empty state where there is none yet."""
    evaluations = hub.store.list_evaluations(run_id)
    after = evaluations[evaluations["round"] > 0]
    if after.empty:
        draw_empty("No evaluation yet: it comes when the training has ended.")
        return
    last = int(after["round"].max())
    number = last
    if last > 1:
        number = st.segmented_control("Round", range(1, last + 1), default=last, required=True, key=f"round_{run_id}")
    config = hub.store.read_run(run_id)["config"]
    grown = [hub.store.read_run(id_) for id_ in config.get("generate_runs", [run_id])]
    if any(one and one["config"].get("teacher", "built-in") == "built-in" for one in grown):
        note_teacher()
    _draw_left_out(hub.store.read_run(run_id)["summary"] or {})
    for split in [name for name in SPLIT_NAMES if name in set(after["split"])]:
        rows = evaluations[evaluations["split"] == split].set_index("round")
        if number in rows.index:
            _draw_split(rows.loc[0] if 0 in rows.index else None, rows.loc[number], split)
    _draw_examples(hub, run_id, f"round-{number}")


def _draw_left_out(summary: Mapping[str, Any]) -> None:
    """Say which rows were not trained on, where there are any."""
    reasons = {
        "n_held_out_left_out": "are validation or test problems",
        "n_too_long_left_out": "are empty or longer than the student's limit",
    }
    for name, reason in reasons.items():
        if summary.get(name):
            st.warning(f"{numbers.counted(summary[name], 'row')} of those chosen {reason}: not trained on.")


def _draw_split(before: pd.Series | None, after: pd.Series, split: str) -> None:
    """Draw one sentence with the number and its uncertainty, then the counts behind it."""
    n = numbers.count(after["n"])
    sentence = (
        f"{numbers.percent(None if before is None else before['accuracy'])} → {numbers.percent(after['accuracy'])}"
    )
    st.markdown(f"## {sentence} of {n} {SPLIT_NAMES[split]}", anchors=False)
    difference = f"{numbers.points(after['difference_low'])} to {numbers.points(after['difference_high'])}"
    st.markdown(
        f"Paired difference **{numbers.points(after['difference'])}**, 95 % interval {difference} · "
        f"gained {numbers.count(after['n_gained'])}, lost {numbers.count(after['n_lost'])} · "
        f"accuracy after: {numbers.interval(after['low'], after['high'])} · "
        f"{numbers.count(after['n_truncated'])} answers cut off"
    )


def _draw_examples(hub: Hub, run_id: str, label: str) -> None:
    """Draw problems whose answer became right, became wrong, or stayed wrong."""
    columns = ["problem_id", "question", "reference", "text", "is_correct"]
    asked = hub.store.list_predictions(run_id, None, "test")
    first = asked[~asked["student"].str.startswith("round-")][columns]  # of the base, or of what it started from
    then = hub.store.list_predictions(run_id, label, "test")[["problem_id", "text", "is_correct"]]
    both = first.merge(then, on="problem_id", suffixes=("_before", "_after"))
    if both.empty:
        return
    was, is_ = both["is_correct_before"].fillna(False).astype(bool), both["is_correct_after"].fillna(False).astype(bool)
    groups = {"gained": both[~was & is_], "lost": both[was & ~is_], "still wrong": both[~was & ~is_]}
    kind = st.segmented_control(
        "Examples",
        list(groups),
        default="gained",
        required=True,
        key=f"examples_{run_id}",
        format_func=lambda name: f"{name} ({len(groups[name])})",
    )
    rows = groups[kind].head(N_EXAMPLES)
    if rows.empty:
        st.caption("There is none.")
        return
    place = st.pagination(len(rows), key=f"example_{run_id}_{kind}") if len(rows) > 1 else 1
    row = rows.iloc[(place or 1) - 1]
    st.markdown(to_markdown(row["question"]))
    st.caption(f"Reference: **{to_markdown(row['reference'])}**")
    with st.container(key="two_sides_result"):
        sides = st.columns(2)
    for side, moment in zip(sides, ("before", "after"), strict=True):
        with side, st.container(border=True, key=f"reading_{moment}"):
            is_right = bool(row[f"is_correct_{moment}"] is True or row[f"is_correct_{moment}"] == 1)
            mark = ":green[:material/check: right]" if is_right else ":red[:material/close: wrong]"
            st.caption(f"The student {moment} training · {mark}")
            st.markdown(to_markdown(row[f"text_{moment}"]))
