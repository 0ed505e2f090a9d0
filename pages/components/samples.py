"""Samples of the student's answers at each checkpoint: the same few problems, right or wrong, and how they changed."""

import pandas as pd
import streamlit as st

from core.hub import Hub
from pages.components import numbers
from pages.components.frame import follow_address, tell_address
from pages.components.text import mark_differences, to_markdown

FEW_CHECKPOINTS = 12
"""Up to so many are buttons; more are a slider."""

RIGHT, WRONG, UNKNOWN = ":green[:material/check:]", ":red[:material/close:]", ":gray[:material/question_mark:]"


def draw_samples(hub: Hub, run_id: str, round_: int) -> None:
    """Draw the answers at one checkpoint, the latest unless a person took another; nothing where there are none yet."""
    answers = hub.store.list_checkpoint_answers(run_id, round_)
    if answers.empty:
        st.caption("The student's answers to a few validation problems stand here from the first checkpoint on.")
        return
    steps = sorted(int(step) for step in answers["step"].unique())
    step = _choose_step(answers, steps, f"{run_id}_{round_}")
    before = steps[steps.index(step) - 1] if step != steps[0] else None
    now = answers[answers["step"] == step]
    n_right = int((now["is_correct"] == True).sum())  # noqa: E712 - unknown is neither
    st.caption(
        f"{numbers.count(n_right)} of these {numbers.count(len(now))} right at step {numbers.count(step)}"
        + (", what changed since the checkpoint before is marked." if before is not None else ".")
    )
    with st.grid(2, min_column_width=380, key="samples"):
        for problem_id, history in answers.groupby("problem_id", sort=False):
            _draw_problem(str(problem_id), history.set_index("step"), step, before)


def _choose_step(answers: pd.DataFrame, steps: list[int], key: str) -> int:
    """Draw the choice of a checkpoint; it follows the newest one until a person takes another."""
    epochs = answers.groupby("step")["epoch"].first()
    key = f"sample_step_{key}"

    def show(step: int) -> str:
        epoch = epochs.get(step)
        return f"step {step}" + ("" if numbers.is_missing(epoch) else f" · epoch {epoch:.3g}")

    def read(text: str) -> int | None:
        return int(text) if text.isascii() and text.isdigit() and int(text) in steps else None

    if st.session_state.get(key) not in (None, *steps):
        del st.session_state[key]
    follow_address("at", key, read, steps[-1])
    if len(steps) <= FEW_CHECKPOINTS:
        step = st.segmented_control("Checkpoint", steps, key=key, format_func=show, required=True)
    else:
        step = st.select_slider("Checkpoint", steps, key=key, format_func=show)
    tell_address("at", key, step, steps[-1])
    return int(step)


def _draw_problem(problem_id: str, history: pd.DataFrame, step: int, before: int | None) -> None:
    """Draw one problem: its history of marks, its answer now, and beside it the one before where they differ."""
    if step not in history.index:
        return
    row = history.loc[step]
    earlier = history.loc[before] if before in history.index else None
    with st.container(border=True, key=f"reading_sample_{problem_id}"):
        marks = " ".join(
            f"**{mark(value)}**" if at == step else mark(value) for at, value in history["is_correct"].items()
        )
        st.markdown(f"{to_markdown(row['question'])}")
        st.caption(f"Reference: **{to_markdown(row['reference'])}** · {say_change(row, earlier)} · {marks}")
        if earlier is None or _is_same(row, earlier):
            st.markdown(to_markdown(row["text"]))
            return
        was, is_ = mark_differences(earlier["text"], row["text"])
        sides = st.columns(2)
        for side, at, text in zip(sides, (before, step), (was, is_), strict=True):
            with side:
                st.caption(f"Step {at} {mark(history.loc[at, 'is_correct'])}")
                st.markdown(text)


def mark(is_correct: object) -> str:
    """Return the sign of an answer: right, wrong, or nobody knows."""
    if numbers.is_missing(is_correct):
        return UNKNOWN
    return RIGHT if bool(is_correct) else WRONG


def _is_same(row: pd.Series, earlier: pd.Series) -> bool:
    return str(row["text"] or "") == str(earlier["text"] or "")


def say_change(row: pd.Series, earlier: pd.Series | None) -> str:
    """Return in words how an answer changed since the checkpoint before."""
    if earlier is None:
        return "first checkpoint"
    if _is_same(row, earlier):
        return "same answer as at the checkpoint before"
    now, then = row["is_correct"], earlier["is_correct"]
    if numbers.is_missing(now) or numbers.is_missing(then):
        return "changed"
    words = {(False, True): "became right", (True, False): "became wrong", (True, True): "changed, still right"}
    return words.get((bool(then), bool(now)), "changed, still wrong")
