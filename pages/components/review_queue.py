"""The queue that a person reviews: what is in it, the place in it, and what each key does.

It is a snapshot: nothing comes, goes or moves while it is read, until it is asked for anew. A verdict is on the disk
before it is acknowledged to the browser, which keeps it, and sends it again, until then.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.records import JUDGEMENTS, REASONS
from core.reviewing.neighbours import Neighbours
from core.store.queue_filter import QueueFilter, list_changed

Key = tuple[str, str]
"""(run_id, candidate_id)."""

QUEUE, NOTE, TAKEN = "review_queue", "review_note", "review_taken"
"""Keys of the session: the queue, what the last act said, and the browser's orders that were carried out: id -> why it
could not be done, None where it was."""

N_BEFORE, N_AFTER, N_WAITING = 1, 1, 4
"""Records that are drawn around the one shown: neighbours, and those that a verdict leads to."""

STATE_WORDS = {
    "accept": "accepted",
    "edit": "edited and accepted",
    "reject": "rejected",
    "trash": "in the trash",
}
"""What a person said of a candidate -> in words."""

DONE_WORDS = {
    "accept": "Accepted", "reject": "Rejected", "skip": "Skipped", "edit": "Edited and accepted", "lock": "Locked",
    "unlock": "Unlocked", "note": "Noted on", "trash": "Moved to the trash:",
}  # fmt: skip
"""Action -> how its sentence begins, before the number of the candidate."""


@dataclass(slots=True)
class Queue:
    """A snapshot of what a filter asked for, with the place of whoever reads it."""

    asked: QueueFilter
    reviewer: str | None
    is_blind: bool
    keys: list[Key]
    states: dict[Key, str | None]
    """What was said of each; None: it waits. With a reviewer of their own, what that one said."""

    locked: set[Key]
    shown: Key | None = None
    """None: all are reviewed."""

    places: dict[Key, int] = field(default_factory=dict)
    neighbours: Neighbours | None = None
    """All candidates of its runs by wording; None: not looked for yet."""

    n_jumps: int = 0
    """Grows whenever the page, and not the browser, has changed what is shown."""

    name: str = field(default_factory=lambda: secrets.token_hex(4))
    """By which the browser knows that it is another one."""

    def __post_init__(self) -> None:
        self.places = {key: place for place, key in enumerate(self.keys)}
        self.shown = self.find_waiting(0)
        if self.shown is None and self.keys and set(list_changed(self.asked)) - {"run"}:
            self.shown = self.keys[0]  # who asks for something of its own wants to see it, judged or not

    @property
    def n_waiting(self) -> int:
        """Candidates that nobody has judged."""
        return sum(state is None for state in self.states.values())

    def describe(self) -> dict[str, Any]:
        """Return who reviews, and how the candidates were drawn, as a review has it."""
        plan = self.asked.order if self.asked.is_of_all() else "filtered"
        return {"reviewer": self.reviewer, "plan": plan, "is_blind": self.is_blind}

    def find_waiting(self, start: int) -> Key | None:
        """Return the first waiting candidate from ``start`` on, from the beginning where none follows."""
        return next(self.walk_waiting(start), None)

    def walk_waiting(self, start: int) -> Iterator[Key]:
        """Yield the waiting candidates from ``start`` on, then from the beginning."""
        for place in (*range(start, len(self.keys)), *range(start)):
            if self.states[self.keys[place]] is None:
                yield self.keys[place]

    def jump(self, key: Key | None) -> None:
        """Show another candidate; None: the end."""
        self.shown = key if key in self.places else None
        self.n_jumps += 1

    def list_window(self) -> tuple[list[Key], list[Key]]:
        """Return the candidates to be drawn, and those of them that wait, in the order in which verdicts lead there."""
        if not self.keys:
            return [], []
        place = self.places.get(self.shown, len(self.keys) - 1)
        ahead: list[Key] = []
        for key in self.walk_waiting((place + 1) % len(self.keys)):
            if key != self.shown:
                ahead.append(key)
            if len(ahead) == N_WAITING:
                break
        around = [self.keys[(place + by) % len(self.keys)] for by in range(-N_BEFORE, N_AFTER + 1)]
        return list(dict.fromkeys([*around, *ahead])), ahead


def open_queue(hub: Hub, asked: QueueFilter, reviewer: str | None, *, is_blind: bool, wanted: str | None) -> Queue:
    """Return the session's queue, read anew where something else is asked for; it opens at the candidate ``wanted``."""
    queue: Queue | None = st.session_state.get(QUEUE)
    if queue is not None and (queue.asked, queue.reviewer, queue.is_blind) == (asked, reviewer, is_blind):
        return queue
    is_same_order = queue is not None and queue.asked.order == asked.order
    shown = queue.shown if is_same_order else None  # another order, and a sample, are read from their beginning
    frame = hub.store.list_queue(asked)
    keys = list(zip(frame["run_id"], frame["candidate_id"], strict=True))
    said = frame["review"].astype(object).where(frame["review"].notna(), None)
    states = dict(zip(keys, said, strict=True))
    if asked.unread_by is not None:  # what others said is no answer of this one
        states = dict.fromkeys(keys)
    locked = {key for key, is_locked in zip(keys, frame["is_locked"], strict=True) if is_locked}
    queue = Queue(asked, reviewer, is_blind, keys, states, locked)
    for key in (next((key for key in keys if key[1] == wanted), None), shown):
        if key in queue.places:
            queue.shown = key
            break
    st.session_state[QUEUE] = queue
    st.session_state.pop(NOTE, None)  # it was said of what was read before
    return queue


def forget_queue() -> None:
    """Read the queue anew at the next drawing."""
    st.session_state.pop(QUEUE, None)


def take_orders(hub: Hub, queue: Queue, orders: Sequence[Mapping[str, Any]]) -> None:
    """Carry out what the browser asks for, each once, however often it sends it."""
    taken = st.session_state.setdefault(TAKEN, {})
    for order in orders:
        if order["id"] not in taken:
            taken[order["id"]] = _carry_out(hub, queue, order)


def list_taken(orders: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """Return those of the browser's orders that it need not send again."""
    taken = st.session_state.get(TAKEN, {})
    return {order["id"]: taken[order["id"]] for order in orders if order["id"] in taken}


def _carry_out(hub: Hub, queue: Queue, order: Mapping[str, Any]) -> str | None:
    """Carry out one order; returns why it could not be, None where it was."""
    action = order["action"]
    if action == "undo":
        undo(hub, queue, order.get("undoes"), is_seen=bool(order.get("is_seen")))
        return None
    key = (order["run"], order["candidate"])
    more = {"note": order["note"]} if order.get("note") else {}
    if order.get("reason") in REASONS:
        more["reason"] = order["reason"]
    meanwhile = _find_other(hub, queue, key) if action in JUDGEMENTS else ""
    try:
        hub.add_review(*key, action, review_id=order["id"], **more, **queue.describe())
    except SeedbedError as error:
        queue.jump(key)
        st.session_state[NOTE] = ("error", str(error))
        return str(error)
    note_act(queue, key, action)
    reason = f": {REASONS[order['reason']]}" if "reason" in more else ""
    st.session_state[NOTE] = (
        "done",
        f"{DONE_WORDS[action]} number {queue.places.get(key, 0) + 1:,}{reason}.{meanwhile}",
    )
    return None


def _find_other(hub: Hub, queue: Queue, key: Key) -> str:
    """Return what somebody else, or another tab, has said of a candidate since it was drawn; empty: nothing."""
    row = hub.store.read_records([key]).get(key)
    if row is None or queue.asked.unread_by is not None or row["review"] in (None, queue.states.get(key)):
        return ""
    by = f" by {row['reviewer']}" if row["reviewer"] else ""
    return f" It had been {STATE_WORDS[row['review']]}{by} meanwhile; Z takes yours back."


def note_act(queue: Queue, key: Key, action: str) -> None:
    """Keep the snapshot true to what was just done."""
    if key not in queue.places:  # said by this browser of another queue, and sent again
        return
    if action in JUDGEMENTS:
        queue.states[key] = action
    elif action in ("lock", "unlock"):
        (queue.locked.add if action == "lock" else queue.locked.discard)(key)


def undo(hub: Hub, queue: Queue, review_id: str | None = None, *, is_seen: bool = False) -> None:
    """Take back one review, or the last act of this reviewer in what is looked at, and show its candidate again.

    Args:
        hub: takes it back.
        queue: what is read.
        review_id: None: the last act.
        is_seen: whether the browser shows the candidate by itself; who has gone on since would be called back.
    """
    try:
        if review_id is not None:
            rows = hub.undo_one(review_id, queue.reviewer)
        else:
            rows = hub.undo_review(queue.asked.run.split(","), queue.reviewer)
    except SeedbedError as error:
        st.session_state[NOTE] = ("error", str(error))
        return
    if not rows:
        st.session_state[NOTE] = ("done", "There is nothing to undo.")
        return
    take_states(queue, hub.store.read_records([(row["run_id"], row["candidate_id"]) for row in rows]))
    what = rows[0]["action"] if len(rows) == 1 else f"{rows[0]['action']} of {len(rows):,} candidates"
    st.session_state[NOTE] = ("done", f"Took back: {what}.")
    if not is_seen:
        queue.jump((rows[-1]["run_id"], rows[-1]["candidate_id"]))


def take_states(queue: Queue, records: Mapping[Key, Mapping[str, Any]]) -> None:
    """Keep the snapshot true to what is said of candidates by now, here or elsewhere.

    Args:
        queue: what is read.
        records: of ``read_records``.
    """
    for key in records.keys() & queue.states.keys():
        queue.states[key] = None if queue.asked.unread_by is not None else records[key]["review"]
        (queue.locked.add if records[key]["is_locked"] else queue.locked.discard)(key)
