"""What a finetune's student said to each problem before and after, with the checker's reason."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluation.judging import judge_row
from core.hub import Hub
from pages.components import numbers
from pages.components.text import plain, to_markdown

ORDER_WORDS = {"source": "as in the set", "worst": "worst first", "best": "best first", "random": "at random"}
COLUMNS = ["question", "answer", "reference", "split"]
SAID = ["text", "final", "is_correct", "loss", "n_tokens", "is_truncated", "unknown"]
MOMENTS = ("before", "after")


def draw_answers(hub: Hub, run: Mapping[str, Any], label: str, splits: Mapping[str, str]) -> None:
    """Draw every problem that was answered before and after, and below them the marked one with both answers.

    Args:
        hub: of the home.
        run: a finetune or a loop.
        label: of the student after training, as ``round-1``.
        splits: that were asked -> what people read.
    """
    split = next(iter(splits))
    if len(splits) > 1:
        key = f"examples_split_{run['run_id']}"
        split = st.segmented_control("Answers to", list(splits), default=split, required=True, key=key,
                                     format_func=splits.get)  # fmt: skip
    both = _read_pairs(hub, run["run_id"], label, split)
    if both.empty:
        return
    rows = _choose_rows(both, f"{run['run_id']}_{label}_{split}")
    row = _draw_table(rows, f"{run['run_id']}_{label}_{split}")
    st.caption(
        f"{numbers.count(len(rows))} of {numbers.counted(len(both), 'problem')}. Mark a row to read both answers."
    )
    _draw_pair(row, run["config"]["task"])


def _read_pairs(hub: Hub, run_id: str, label: str, split: str) -> pd.DataFrame:
    """Return a row per problem that was answered before and after, the columns of the answers with these words."""
    asked = hub.store.list_predictions(run_id, None, split)
    is_first = asked["student"].isin(["base", "start"])  # of the base, or of the adapter that the run started from
    first = asked[is_first][["problem_id", *COLUMNS, *SAID]]
    then = hub.store.list_predictions(run_id, label, split)[["problem_id", *SAID]]
    return first.merge(then, on="problem_id", suffixes=tuple(f"_{moment}" for moment in MOMENTS))


def _choose_rows(both: pd.DataFrame, key: str) -> pd.DataFrame:
    """Draw what became of the problems, and their order; what nothing belongs to is not offered."""
    was, is_ = (both[f"is_correct_{moment}"].fillna(False).astype(bool) for moment in MOMENTS)
    groups = {
        "gained": both[~was & is_],
        "lost": both[was & ~is_],
        "still wrong": both[~was & ~is_],
        "still right": both[was & is_],
        "all": both,
    }
    groups = {name: rows for name, rows in groups.items() if len(rows)}
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    kind = left.pills(
        "Problems",
        list(groups),
        default=next(iter(groups)),
        required=True,
        wrap=True,
        key=f"examples_{key}",
        format_func=lambda name: f"{name} {numbers.count(len(groups[name]))}",
    )
    order = right.selectbox(
        "Order",
        list(ORDER_WORDS),
        key=f"examples_order_{key}",
        format_func=ORDER_WORDS.get,
        help="Best and worst by right or wrong after training, then by the loss of the answer.",
    )
    rows = groups[kind]
    if order == "random":
        rows = rows.sample(frac=1, random_state=0)
    elif order != "source":
        is_best = order == "best"
        rows = rows.sort_values(["is_correct_after", "loss_after"], ascending=[not is_best, is_best], kind="stable")
    return rows.reset_index(drop=True)


def _draw_table(rows: pd.DataFrame, key: str) -> dict[str, Any]:
    """Draw the problems; returns the marked one, the first where none is."""
    shown = rows[["question", "reference"]].copy()
    for moment in MOMENTS:
        shown[moment] = rows[f"final_{moment}"]
    event = st.dataframe(
        shown.astype("object").where(shown.notna(), numbers.MISSING),
        hide_index=True,
        height=min(38 + 35 * len(shown), 283),
        key=f"result_table_{key}_{len(rows)}_{rows['problem_id'].iloc[0]}",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "question": st.column_config.TextColumn("question", width="large"),
            **{name: st.column_config.TextColumn(name, width="small") for name in ("reference", *MOMENTS)},
        },
    )
    marked = event.selection.rows
    found = rows.iloc[marked[0] if marked and marked[0] < len(rows) else 0].to_dict()
    return {name: None if numbers.is_missing(value) else value for name, value in found.items()}


def _draw_pair(row: Mapping[str, Any], task: str) -> None:
    """Draw a problem, and what the student said to it before and after, each with the checker's reason."""
    with st.container(border=True, key="reading_problem"):
        st.markdown(to_markdown(row["question"] or "The question is not in this home any more."))
        st.caption(f"Reference: **{plain(row['reference'] or 'none')}**")
    with st.container(key="two_sides_result"):
        sides = st.columns(2)
    for side, moment in zip(sides, MOMENTS, strict=True):
        said = {name: row[f"{name}_{moment}"] for name in SAID}
        judged = judge_row(task, {**{name: row[name] for name in ("problem_id", *COLUMNS)}, **said})
        with side, st.container(border=True, key=f"reading_{moment}"):
            marks = {None: ":gray[:material/help: not judged]", True: ":green[:material/check: right]"}
            mark = marks.get(judged.is_correct, ":red[:material/close: wrong]")
            st.caption(f"The student {moment} training · {mark}")
            st.markdown(to_markdown(said["text"]) if said["text"] else ":gray[The student wrote nothing.]")
            st.caption(f":material/rule: {plain(judged.reason)}")
