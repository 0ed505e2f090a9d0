"""The parts of the review: buttons with their keys, progress, seed beside candidate, the editor, the end.

Heights are fixed, so that nothing moves between two records.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.hub import Hub
from core.records import INCORRECT
from core.tasks import TASKS
from pages.components import reviewing
from pages.components.candidates import describe_meta, draw_side, draw_verdicts
from pages.components.reviewing import EDITING, NOTE, Queue
from pages.components.text import mark_differences, plain

HEIGHT = 440
"""Pixels of each side: the same for every record, so that nothing moves between them."""

KEYS = [
    ("Accept", "A", "accept", ":material/check:"),
    ("Reject", "X", "reject", ":material/close:"),
    ("Skip", "S", "skip", ":material/redo:"),
]


def draw_buttons(hub: Hub, queue: Queue) -> None:
    """Draw the verdicts with their keys; while a text is edited only the editor's own buttons work."""
    is_editing = bool(st.session_state.get(EDITING))
    is_idle = queue.place is None
    shown = None if is_idle else queue.ids[queue.place]

    def draw_verdict(label: str, key: str, action: str, icon: str) -> None:
        st.button(
            label,
            key=f"review_{action}",
            shortcut=key,
            icon=icon,
            disabled=is_editing or is_idle,
            on_click=reviewing.judge,
            args=(hub, queue, action, shown),
        )

    with st.container(horizontal=True, key="verdicts", gap="small"):
        for verdict in KEYS[:2]:
            draw_verdict(*verdict)
        st.button(
            "Edit",
            key="review_edit",
            shortcut="E",
            icon=":material/edit:",
            disabled=is_editing or is_idle,
            on_click=st.session_state.update,
            kwargs={EDITING: True},
        )
        draw_verdict(*KEYS[2])
        st.button(
            "Undo",
            key="review_undo",
            shortcut="Z",
            icon=":material/undo:",
            disabled=is_editing,
            on_click=reviewing.undo,
            args=(hub, queue),
        )
        st.button(
            "Back",
            key="review_back",
            shortcut="Left",
            icon=":material/arrow_back:",
            disabled=is_editing,
            on_click=reviewing.step,
            args=(queue, -1),
        )
        st.button(
            "On",
            key="review_on",
            shortcut="Right",
            icon=":material/arrow_forward:",
            disabled=is_editing,
            on_click=reviewing.step,
            args=(queue, 1),
        )


def draw_progress(hub: Hub, queue: Queue) -> None:
    """Draw how far the review is, and what the last action did, in one line that is always there."""
    counts = hub.store.count_candidates(queue.run_id)
    n, done = len(queue.ids), len(queue.ids) - len(queue.waiting)
    st.progress(
        done / n if n else 0.0,
        text=f"{done} of {n} reviewed · {counts['reviewed_accept']} accepted · {counts['edited']} edited · "
        f"{counts['reviewed_reject']} rejected · {len(queue.waiting)} waiting",
    )
    kind, note = st.session_state.get(NOTE, ("done", ""))
    colour = {"error": "red", "warning": "orange"}.get(kind, "gray")
    st.markdown(f":{colour}[{plain(note)}]" if note else ":gray[Keys work while no text box is in use.]")


def draw_editor(hub: Hub, queue: Queue, task: str, candidate: dict) -> None:
    """Draw the text boxes in the candidate's place; saving checks the answer again and says what it found."""
    id_ = candidate["candidate_id"]
    with st.container(border=True, height=HEIGHT, key="editor"):
        st.text_area("Question", candidate["current_question"], key=f"edit_question_{id_}", height=120)
        st.text_area("Worked answer", candidate["current_answer"], key=f"edit_answer_{id_}", height=165)
        fault = reviewing.find_shown_fault(id_)
        if fault:
            st.warning(f"The answer does not check: {plain(fault)}")
        arguments = (hub, queue, task, candidate["meta"] or {})
        with st.container(horizontal=True):
            st.button(
                "Save anyway" if fault else "Check and save",
                key="edit_save",
                type="secondary",
                shortcut="Ctrl+Enter",
                on_click=reviewing.save_edit,
                args=arguments,
            )
            st.button(
                "Leave as it was",
                key="edit_cancel",
                shortcut="Esc",
                type="tertiary",
                on_click=st.session_state.update,
                kwargs={EDITING: False},
            )


def draw_record(hub: Hub, queue: Queue, task: str) -> None:
    """Draw seed and candidate side by side, differences marked, and the filters' verdicts below the buttons."""
    candidate = hub.store.read_candidate(queue.run_id, queue.ids[queue.place])
    parent = (candidate["parent_problems"] or [{}])[0]
    questions = mark_differences(parent.get("question"), candidate["current_question"])
    answers = mark_differences(parent.get("answer"), candidate["current_answer"])
    review = {"accept": "accepted", "reject": "rejected", "edit": "edited and accepted"}.get(candidate["review"])
    with st.container(key="review_sides"):
        left, right = st.columns(2)
    with left:
        draw_side("Seed", questions[0], answers[0], key="seed", height=HEIGHT)
    with right:
        if st.session_state.get(EDITING):
            draw_editor(hub, queue, task, candidate)
        else:
            title = f"Candidate {queue.place + 1} of {len(queue.ids)} · {review or 'waiting'}"
            draw_side(title, questions[1], answers[1], key="candidate", height=HEIGHT)
    draw_verdicts(candidate)
    draw_note(candidate["meta"] or {})
    if candidate["review"] == "edit":
        draw_check_of_edit(task, candidate)


def draw_note(meta: Mapping[str, Any]) -> None:
    """Draw what the method noted of a candidate; one that is wrong on purpose must not be taken for a mistake."""
    if meta.get("label") == INCORRECT:
        st.warning(
            "Wrong on purpose: the answer is meant to be wrong. Accepted, it counts as a convincing wrong answer and "
            "is never trained on as an answer.",
            icon=":material/info:",
        )
    elif noted := describe_meta(meta):
        st.caption(plain(noted))


def draw_check_of_edit(task: str, candidate: dict) -> None:
    """Say what the task's check finds in the texts as they were edited; the badges above are of the texts before."""
    fault = TASKS.get(task).find_fault(
        candidate["current_question"], candidate["current_answer"], candidate["meta"] or {}
    )
    if fault:
        st.caption(f":red[Edited since; the check says of it now: {plain(fault)}]")
    else:
        st.caption("Edited since; the check finds no fault in it now.")


def draw_finished(queue: Queue) -> None:
    """Say that all is reviewed, and where to go on."""
    with st.container(border=True, height=HEIGHT, key="review_finished"):
        st.subheader("All reviewed", anchor=False)
        st.markdown(
            "Every candidate of this run has a verdict. The arrow keys go through them again; Z takes back one."
        )
        st.page_link(
            "finetune_page.py",
            label="Finetune on what was accepted",
            icon=":material/model_training:",
            query_params={"sources": queue.run_id},
        )
