"""What a review needs besides drawing: the queue, the place in it, and what each verdict does.

The place is a candidate id in the session, so that it survives reruns; verdicts go to the hub, which has them on the
disk before the next candidate is shown.
"""

from dataclasses import dataclass

import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.tasks import TASKS
from core.tasks.base import Task

PLACE, EDITING, NOTE = "review_place", "review_editing", "review_note"
"""Keys of the session: candidate shown, whether it is being edited, what the last action said."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The candidates of one run that a person reviews, in order."""

    run_id: str
    ids: list[str]
    waiting: frozenset[str]

    @property
    def place(self) -> int | None:
        """Index of the candidate shown; None where nothing is shown because all are reviewed."""
        wanted = st.session_state.get(PLACE)
        if wanted in self.ids:
            return self.ids.index(wanted)
        first = self.find_waiting(0)
        return first

    def find_waiting(self, start: int) -> int | None:
        """Return the next waiting candidate from ``start`` on, from the beginning where none follows."""
        order = [*range(start, len(self.ids)), *range(start)]
        return next((index for index in order if self.ids[index] in self.waiting), None)


def read_queue(hub: Hub, run_id: str) -> Queue:
    """Read a run's queue; the order is the run's own, whatever was skipped, so that nothing jumps."""
    frame = hub.store.list_review_queue([run_id], only_waiting=False)
    waiting = frozenset(frame[frame["review"].isna()]["candidate_id"])
    key = f"review_order_{run_id}"
    kept = [id_ for id_ in st.session_state.get(key, []) if id_ in set(frame["candidate_id"])]
    known = set(kept)
    st.session_state[key] = kept + [id_ for id_ in frame["candidate_id"] if id_ not in known]
    return Queue(run_id, st.session_state[key], waiting)


def show(candidate_id: str | None) -> None:
    """Make a candidate the one shown; None: the first that waits."""
    st.session_state[PLACE] = candidate_id
    st.session_state[EDITING] = False


def judge(hub: Hub, queue: Queue, action: str, shown: str | None) -> None:
    """Store a verdict on the candidate shown, and go on to the next that waits.

    Args:
        hub: of the home.
        queue: of the run.
        action: accept, reject or skip.
        shown: the candidate that was on the screen with the button: a key held down presses it again before the next
            one is drawn, and nobody has read that.
    """
    if shown is None or st.session_state.get(PLACE) != shown:
        return
    place = queue.ids.index(shown)
    go_on(queue, place, action)  # first: once a verdict is being stored, a further press must find another place
    try:
        hub.add_review(queue.run_id, shown, action)
    except SeedbedError as error:
        show(shown)
        st.session_state[NOTE] = ("error", str(error))


def go_on(queue: Queue, place: int, action: str) -> None:
    """Show the next waiting candidate behind ``place``; after a skip the present one still waits."""
    words = {"accept": "Accepted", "reject": "Rejected", "skip": "Skipped", "edit": "Edited and accepted"}
    st.session_state[NOTE] = ("done", f"{words[action]} number {place + 1}.")
    waiting = queue.waiting if action == "skip" else queue.waiting - {queue.ids[place]}
    following = Queue(queue.run_id, queue.ids, waiting).find_waiting((place + 1) % len(queue.ids))
    show(None if following is None else queue.ids[following])


def undo(hub: Hub, queue: Queue) -> None:
    """Take back the last verdict of this run and show its candidate again."""
    try:
        taken = hub.undo_review([queue.run_id])
    except SeedbedError as error:
        st.session_state[NOTE] = ("error", str(error))
        return
    if taken is None:
        st.session_state[NOTE] = ("done", "There is nothing to undo.")
        return
    st.session_state[NOTE] = ("done", f"Took back: {taken['action']}.")
    show(taken["candidate_id"])


def step(queue: Queue, by: int) -> None:
    """Show the neighbour of the candidate shown, reviewed or not."""
    if queue.ids:
        place = queue.place
        show(queue.ids[(len(queue.ids) - 1 if place is None else place + by) % len(queue.ids)])


def find_shown_fault(candidate_id: str) -> str | None:
    """Return the fault that the check found in the texts as they stand; None where they changed since, or are right."""
    about = st.session_state.get(f"fault_{candidate_id}")
    texts = tuple(st.session_state.get(f"edit_{part}_{candidate_id}") for part in ("question", "answer"))
    return about[0] if about and about[1:] == texts else None


def save_edit(hub: Hub, queue: Queue, task_name: str, meta: dict) -> None:
    """Check an edited answer, store it, and go on; a fault is said first and stored only when asked for again."""
    place = queue.place
    if place is None:
        return
    id_ = queue.ids[place]
    question, answer = st.session_state[f"edit_question_{id_}"], st.session_state[f"edit_answer_{id_}"]
    if not (question.strip() and answer.strip()):
        st.session_state[NOTE] = ("error", "Nothing is stored: write both a question and a worked answer, then save.")
        return
    task: Task = TASKS.get(task_name)
    fault = task.find_fault(question, answer, meta)
    if fault and find_shown_fault(id_) is None:
        st.session_state[f"fault_{id_}"] = (fault, question, answer)
        return
    try:
        hub.add_review(queue.run_id, id_, "edit", question=question, answer=answer, final=task.extract_final(answer))
    except SeedbedError as error:
        st.session_state[NOTE] = ("error", str(error))
        return
    go_on(queue, place, "edit")
    if fault:
        st.session_state[NOTE] = ("warning", f"Stored as edited, though the check says: {fault}")
