"""The try-it box: a problem of one's own, answered by several students side by side.

Loading a model takes seconds, so each try is a run; the box remembers the newest one of this session for each task.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.recipes.trying import WITH_REFERENCE, start_try
from core.signals import SIGNALS
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.running import draw_live, draw_run
from pages.components.score_text import mark_verdict, say_score
from pages.components.standing import ACTIVE
from pages.components.surprise import draw_surprise
from pages.components.text import plain, to_markdown

HINTS = {
    "word_problems": "Mia buys 3 boxes of chalk at $4 each. How much does she pay?",
    "maths": "What is the remainder when 7^5 is divided by 11?",
    "prontoqa": "Each wumpus is red. Sally is a wumpus.\nIs the following statement true or false? Sally is red.",
    "game24": "1 4 7 8",
}
"""Task -> a problem in the form that its students know."""

N_BESIDE = 3
"""Answers in one row."""

N_SAMPLES = 16
"""Answers drawn for the solve rate."""

WIDTH = 150
"""Of a student's column, pixels: an adapter's whole name would push the other students out of sight."""


def draw_try(hub: Hub, task: str, students: Sequence[Mapping[str, Any]], *, reward: str) -> None:
    """Draw the box: the problem, who is asked, and what became of the newest try.

    Args:
        hub: of the home.
        task: registry name.
        students: ``label``, ``student``, ``adapter``, ``server`` of each, as ``start_try`` takes them; labels differ,
            and of the adapters the newest comes first. The first base and the newest adapter are chosen at first.
        reward: the reward model, that of the scores in view: rewards of two models cannot be compared.
    """
    place = f"try_run_{task}"
    asked = _draw_form(task, {each["label"]: each for each in students})
    if asked is not None:
        with show_errors():
            st.session_state[place] = start_try(hub, task, **asked, reward=reward)
    run_id = st.session_state.get(place)
    run = hub.store.read_run(run_id) if run_id else None
    if run is not None:
        _follow(hub, run)


def _draw_form(task: str, students: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """Draw the inputs; returns what ``start_try`` takes when the button was pressed, else None."""
    trained = next((label for label, each in students.items() if each.get("adapter")), None)
    base = next((label for label, each in students.items() if not each.get("adapter")), None)
    with st.form(f"try_form_{task}", border=False):
        with st.container(key="two_sides_try_form"):
            left, right = st.columns([2, 1])
        question = left.text_area(
            "Problem",
            key=f"try_question_{task}",
            height=110,
            max_chars=20_000,
            placeholder=HINTS.get(task, ""),
            persist_state="session",  # what was typed is still there after a look at another view
        )
        reference = right.text_area(
            "Reference answer (optional)",
            key=f"try_reference_{task}",
            height=110,
            max_chars=20_000,
            persist_state="session",
            help="The final answer, or a worked one. With it answers are marked right or wrong, and its own loss is "
            "read.",
        )
        labels = st.multiselect(
            "Students",
            list(students),
            [label for label in (base, trained) if label],
            key=f"try_students_{task}_{trained}",  # an adapter that has just come is chosen without being asked for
        )
        has_rate = st.checkbox(
            f"Solve rate: draw {N_SAMPLES} more answers and count the right ones (needs the reference)",
            key=f"try_rate_{task}",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            is_pressed = st.form_submit_button("Try it", key=f"try_{task}", icon=":material/play_arrow:")
            st.caption("Takes some seconds for each student: its model is loaded in the background.", width="content")
    if not is_pressed:
        return None
    return {
        "question": question,
        "reference": reference,
        "students": [students[label] for label in labels],
        "signals": [*WITH_REFERENCE, "solve_rate"] if has_rate else None,
        "n_samples": N_SAMPLES,
    }


def _follow(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw a try while it runs, and its answers once it is done."""
    run_id = run["run_id"]
    if run["state"] == "done":
        _draw_answers(run)
        return

    def draw() -> bool:
        now = hub.store.read_run(run_id)
        if now is not None:
            draw_run(now)
        return now is not None and now["state"] in ACTIVE

    is_active = run["state"] in ACTIVE
    draw_live(draw, is_active=is_active)
    if is_active and st.button("Cancel", key=f"try_cancel_{run_id}", icon=":material/stop:"):
        with show_errors():
            hub.order(run_id, "cancel")
            st.rerun()


def _draw_answers(run: Mapping[str, Any]) -> None:
    """Draw what was asked, the answers side by side, and their scores."""
    config, answers, reference = run["config"], run["summary"]["answers"], run["summary"]["reference"]
    with st.container(border=True, key="reading_tried"):
        st.caption("The problem tried")
        st.markdown(to_markdown(config["question"]))
        if reference:
            is_own = bool((config["reference"] or "").strip())
            source = "" if is_own else ", by the task's own solver"
            st.caption(f"Reference: **{plain(reference)}**{source}")
    for start in range(0, len(answers), N_BESIDE):
        row = answers[start : start + N_BESIDE]
        with st.container(key=f"two_sides_try_{start}"):
            columns = st.columns(len(row))
        for column, answer in zip(columns, row, strict=True):
            with column, st.container(border=True):
                _draw_answer(answer)
    _draw_scores([answer for answer in answers if answer["error"] is None], config)


def _draw_answer(answer: Mapping[str, Any]) -> None:
    """Draw one student's answer, its verdict, and whether it was cut off."""
    if answer["error"] is not None:
        st.markdown(f"**{plain(answer['label'])}**")
        st.error(plain(answer["error"]), icon=":material/error:")
        return
    st.markdown(f"**{plain(answer['label'])}** · {mark_verdict(answer['scores'].get('correct'))}")
    draw_surprise(answer["text"], answer["surprises"])
    facts = [f"final answer {plain(answer['final'])}" if answer["final"] else "no final answer found"]
    if answer["is_truncated"]:
        facts.append("cut off at the token limit")
    st.caption(" · ".join(facts))


def _draw_scores(answers: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> None:
    """Draw the scores as a table with a column for each student; what to know about them stands below."""
    names = [name for name in SIGNALS if name != "correct" and any(name in answer["scores"] for answer in answers)]
    rows = [
        {
            "score": SIGNALS.get(name).title,
            **{f"student_{i}": say_score(name, answer["scores"], has_unit=False) for i, answer in enumerate(answers)},
            "unit": _say_unit(name, config),
        }
        for name in names
    ]
    lengths = {f"student_{i}": numbers.count(answer["n_tokens"]) for i, answer in enumerate(answers)}
    rows.append({"score": "Length of the answer", **lengths, "unit": "tokens"})
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        column_config={
            f"student_{i}": st.column_config.TextColumn(answer["label"], alignment="right", width=WIDTH)
            for i, answer in enumerate(answers)
        },
    )
    for (name, note), labels in gather_notes(answers).items():
        whose = f", {plain(', '.join(labels))}" if len(labels) < len(answers) else ""
        st.caption(f"{SIGNALS.get(name).title}{whose}: {plain(note.rstrip('.'))}.")


def _say_unit(name: str, config: Mapping[str, Any]) -> str:
    """Return what a score is measured in, for the column beside the scores."""
    if name == "solve_rate":
        return f"of {config['n_samples']} drawn at temperature 1, 95 % interval"
    return f"points of {Path(config['reward']).name}" if "reward" in SIGNALS.get(name).needs else SIGNALS.get(name).unit


def gather_notes(answers: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """Return (signal, what to know about it) -> labels of the students that it holds for."""
    notes: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        for name, note in answer["notes"].items():
            notes.setdefault((name, note), []).append(answer["label"])
    return notes
