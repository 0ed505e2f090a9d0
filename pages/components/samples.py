"""Samples of the student's answers at each checkpoint: the same few problems, right or wrong, and how they changed."""

import pandas as pd
import streamlit as st

from core.hub import Hub
from pages.components import numbers
from pages.components.frame import choose_newest
from pages.components.text import mark_differences, to_markdown

BEFORE = "before training"
"""What step 0 is called where a training starts from the student; else it is the policy's."""

POLICY_BEFORE = "the policy, before this training"

RIGHT, WRONG, UNKNOWN = ":green[:material/check:]", ":red[:material/close:]", ":gray[:material/question_mark:]"


def draw_samples(
    hub: Hub, run_id: str, round_: int, phase: str = "", kept: int | None = None, start: str = BEFORE
) -> None:
    """Draw the answers at one checkpoint, the newest unless a person took another; nothing where there are none yet.

    Args:
        hub: of the home.
        run_id: a training run.
        round_: of the run.
        phase: empty: of the training proper; else of the policy that was trained before it.
        kept: step of the checkpoint that was kept; None: not known yet, or of another phase.
        start: what step 0 is.
    """
    answers = hub.store.list_checkpoint_answers(run_id, round_, is_policy=bool(phase))
    if answers.empty:
        st.caption("Where there are validation problems, the student's answers to a few of them stand here.")
        return
    steps = sorted(int(step) for step in answers["step"].unique())
    step = _choose_step(answers, steps, f"{run_id}_{round_}{phase}", kept, start)
    before = steps[steps.index(step) - 1] if step != steps[0] else None
    now = answers[answers["step"] == step]
    n_right = int((now["is_correct"] == True).sum())  # noqa: E712 - unknown is neither
    place = f"at step {numbers.count(step)}" if step else start
    changed = ", what changed since the one before is marked" if before is not None else ""
    st.caption(f"{numbers.count(n_right)} of these {numbers.count(len(now))} right {place}{changed}.")
    with st.grid(2, min_column_width=380, key="samples"):
        for problem_id, history in answers.groupby("problem_id", sort=False):
            _draw_problem(str(problem_id), history.set_index("step"), step, before, start)


def _choose_step(answers: pd.DataFrame, steps: list[int], key: str, kept: int | None, start: str) -> int:
    """Draw the choice of a checkpoint; it follows the newest one until a person takes another."""
    epochs = answers.groupby("step")["epoch"].first()

    def show(step: int) -> str:
        if step == 0:
            return start.capitalize()
        epoch = epochs.get(step)
        words = f"step {step}" + ("" if numbers.is_missing(epoch) else f" · epoch {epoch:.3g}")
        return f"{words} · ★ kept" if step == kept else words

    return choose_newest("Checkpoint", steps, param="at", key=f"sample_step_{key}", shown=show)


def _draw_problem(problem_id: str, history: pd.DataFrame, step: int, before: int | None, start: str) -> None:
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
        st.caption(f"Reference: **{to_markdown(row['reference'])}** · {say_change(row, earlier, start)} · {marks}")
        if earlier is None or _is_same(row, earlier):
            st.markdown(to_markdown(row["text"]))
            return
        was, is_ = mark_differences(earlier["text"], row["text"])
        sides = st.columns(2)
        for side, at, text in zip(sides, (before, step), (was, is_), strict=True):
            with side:
                words = start.capitalize() if at == 0 else f"Step {numbers.count(at)}"
                st.caption(f"{words} {mark(history.loc[at, 'is_correct'])}")
                st.markdown(text)


def mark(is_correct: object) -> str:
    """Return the sign of an answer: right, wrong, or nobody knows."""
    if numbers.is_missing(is_correct):
        return UNKNOWN
    return RIGHT if bool(is_correct) else WRONG


def _is_same(row: pd.Series, earlier: pd.Series) -> bool:
    return str(row["text"] or "") == str(earlier["text"] or "")


def say_change(row: pd.Series, earlier: pd.Series | None, start: str = BEFORE) -> str:
    """Return in words how an answer changed since the checkpoint before."""
    if earlier is None:
        return start if row.name == 0 else "first checkpoint"
    if _is_same(row, earlier):
        return "same answer as at the checkpoint before"
    now, then = row["is_correct"], earlier["is_correct"]
    if numbers.is_missing(now) or numbers.is_missing(then):
        return "changed"
    words = {(False, True): "became right", (True, False): "became wrong", (True, True): "changed, still right"}
    return words.get((bool(then), bool(now)), "changed, still wrong")
