"""The editor of the review: the texts of a candidate, checked again by its task's rules before they are stored."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.tasks import TASKS
from core.tasks.base import Task
from pages.components.review_card import HEIGHT
from pages.components.review_queue import NOTE, Key, Queue, note_act
from pages.components.text import plain

EDITING = "review_editing"
"""Key of the session: the candidate that is being edited; None: none is."""


def draw_editor(hub: Hub, queue: Queue, key: Key, record: Mapping[str, Any], task: str) -> None:
    """Draw the text boxes in the candidate's place; saving checks the answer again and says what it found.

    Args:
        hub: stores the edit.
        queue: goes on behind it.
        key: of the candidate.
        record: of ``read_records``.
        task: name of its task.
    """
    id_ = key[1]
    with st.container(border=True, height=HEIGHT, key="editor"):
        st.text_area("Question", record["question"], key=f"edit_question_{id_}", height=120)
        st.text_area("Worked answer", record["answer"], key=f"edit_answer_{id_}", height=165)
        fault = find_shown_fault(id_)
        if fault:
            st.warning(f"The answer does not check: {plain(fault)}")
        with st.container(horizontal=True):
            st.button(
                "Save anyway" if fault else "Check and save",
                key="edit_save",
                type="secondary",
                shortcut="Ctrl+Enter",
                on_click=save_edit,
                args=(hub, queue, key, task, record["meta"] or {}),
            )
            st.button(
                "Leave as it was",
                key="edit_cancel",
                shortcut="Esc",
                type="tertiary",
                on_click=st.session_state.update,
                kwargs={EDITING: None},
            )
        kind, note = st.session_state.get(NOTE, ("done", ""))
        if kind == "error":
            st.error(plain(note))


def find_shown_fault(candidate_id: str) -> str | None:
    """Return the fault that the check found in the texts as they stand; None where they changed since, or are right."""
    about = st.session_state.get(f"fault_{candidate_id}")
    texts = tuple(st.session_state.get(f"edit_{part}_{candidate_id}") for part in ("question", "answer"))
    return about[0] if about and about[1:] == texts else None


def save_edit(hub: Hub, queue: Queue, key: Key, task_name: str, meta: Mapping[str, Any]) -> None:
    """Check an edited answer, store it, and go on; a fault is said first and stored only when asked for again."""
    id_ = key[1]
    question, answer = st.session_state[f"edit_question_{id_}"], st.session_state[f"edit_answer_{id_}"]
    if not (question.strip() and answer.strip()):
        st.session_state[NOTE] = ("error", "Nothing is stored: write both a question and a worked answer, then save.")
        return
    task: Task = TASKS.get(task_name)
    fault = task.find_fault(question, answer, meta)
    if fault and find_shown_fault(id_) is None:
        st.session_state[f"fault_{id_}"] = (fault, question, answer)
        return
    texts = {"question": question, "answer": answer, "final": task.extract_final(answer)}
    try:
        hub.add_review(*key, "edit", **texts, **queue.describe())
    except SeedbedError as error:
        st.session_state[NOTE] = ("error", str(error))
        return
    note_act(queue, key, "edit")
    place = queue.places[key]
    queue.jump(queue.find_waiting((place + 1) % len(queue.keys)))
    st.session_state[EDITING] = None
    said = ("done", f"Edited and accepted number {place + 1:,}.")
    st.session_state[NOTE] = ("warning", f"Stored as edited, though the check says: {fault}") if fault else said
