"""The reading of the review: the bar, the record shown, and those that come next; drawn again without the page."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.hub import Hub
from core.recipes.tracing import find_run_price
from core.reviewing.neighbours import Neighbours
from core.teacher.prices import Price
from pages.components.review_card import HEIGHT, SLOT, draw_card, name_slot, read_turn
from pages.components.review_editor import EDITING, draw_editor
from pages.components.review_origin import draw_origin
from pages.components.review_queue import NOTE, Key, Queue, take_orders, take_states
from pages.components.review_record import draw_slot, mark_end

_SLOTS, _SEEN = "review_slots", "review_seen"
"""Keys of the session: place of a container -> candidate drawn in it, and the browser's last jump that was taken."""

N_SLOTS = 8


@st.fragment
def draw_reading(hub: Hub, queue: Queue, task: str, pause: int | None) -> None:
    """Draw the queue; a key is stored and drawn by this part alone.

    Args:
        hub: stores what a person says.
        queue: what is read.
        task: name of the candidates' task.
        pause: round after which the run waits for this review; None: it does not.
    """
    _follow_browser(hub, queue)
    window, ahead = queue.list_window()
    records = hub.store.read_records(window)
    if queue.asked.unread_by is None:  # else what this reviewer said in this very queue would be forgotten
        take_states(queue, records)
    editing: Key | None = st.session_state.get(EDITING)
    if editing is not None and editing not in records:
        editing = st.session_state[EDITING] = None
    draw_card(queue, window, ahead, is_editing=editing is not None)
    if editing is not None:
        draw_editor(hub, queue, editing, records[editing], task)
        return
    with st.container(key=f"{SLOT}records", gap=None, height="content"):
        for key in _place(window):
            if key is None:
                st.empty()
            else:
                price = _find_price(key[0], hub)
                draw_slot(key, records.get(key), queue, task, _find_neighbours(hub, queue), price)
        _draw_end(queue, pause)
    origin = read_turn().get("origin")
    if _is_new(origin, "origin") and not queue.is_blind and _read_key(origin["key"]) in records:
        draw_origin(hub, records[_read_key(origin["key"])])


def _find_neighbours(hub: Hub, queue: Queue) -> Neighbours:
    """Return the index of the wordings of the runs in view, as they were when the queue was read; for all sessions."""
    if queue.neighbours is None:
        run_ids = queue.asked.run.split(",")
        queue.neighbours = _index_questions(tuple(run_ids), hub.store.count_candidates(run_ids)["made"], hub)
    return queue.neighbours


@st.cache_resource(max_entries=4, show_spinner=False)
def _index_questions(run_ids: tuple[str, ...], n_made: int, _hub: Hub) -> Neighbours:
    rows = _hub.store.list_questions(run_ids)
    return Neighbours(rows["candidate_id"].tolist(), rows["question"].tolist())


@st.cache_data(max_entries=200, show_spinner=False)
def _find_price(run_id: str, _hub: Hub) -> Price | None:
    """Return what the tokens of a run cost; it never changes once there are candidates."""
    run = _hub.store.read_run(run_id)
    return find_run_price(_hub.settings.home, run_id, run["config"]) if run else None


def _follow_browser(hub: Hub, queue: Queue) -> None:
    """Carry out what the browser asks for, and show what it shows."""
    turn, jumps, shown, said = read_turn(), queue.n_jumps, queue.shown, st.session_state.get(NOTE)
    take_orders(hub, queue, turn.get("orders") or [])
    if _is_new(turn.get("edit"), "edit"):
        key = _read_key(turn["edit"]["key"])
        st.session_state[EDITING] = key if key in queue.places else None
    if _is_new(turn.get("step"), "step") and queue.keys:
        queue.jump(queue.keys[int(turn["step"]["place"]) % len(queue.keys)])
    if _is_new(turn, "turn") and queue.n_jumps == jumps and "shown" in turn and not turn.get("step"):
        _follow_shown(queue, turn["shown"])
    if queue.shown != shown and st.session_state.get(NOTE) is said:  # what was said is of the one before
        st.session_state.pop(NOTE, None)


def _follow_shown(queue: Queue, text: str | None) -> None:
    """Show what the browser shows; where it had none left, or one of another queue, the next that waits."""
    if text and _read_key(text) in queue.places:
        queue.shown = _read_key(text)
    else:
        queue.jump(queue.shown if text else queue.find_waiting(0))


def _is_new(asked: Mapping[str, Any] | None, name: str) -> bool:
    """Say whether the browser asks for something that was not seen yet; it sends its last state every time."""
    seen = st.session_state.setdefault(_SEEN, {})
    if not asked or seen.get(name) == asked:
        return False
    seen[name] = asked
    return True


def _read_key(text: str) -> Key:
    run_id, _, candidate_id = text.partition("|")
    return run_id, candidate_id


def _place(window: list[Key]) -> list[Key | None]:
    """Return what is drawn in each container: what stays in view stays where it is, so that it is not drawn anew."""
    slots: list[Key | None] = [key if key in window else None for key in st.session_state.get(_SLOTS, [])]
    slots += [None] * (N_SLOTS - len(slots))
    new = iter([key for key in window if key not in slots])
    slots = [next(new, None) if key is None else key for key in slots]
    st.session_state[_SLOTS] = slots
    return slots


def _draw_end(queue: Queue, pause: int | None) -> None:
    """Say that all is reviewed, and where to go on."""
    slot = name_slot(None)
    with st.container(key=slot):
        with st.container(border=True, height=HEIGHT, key="review_finished"):
            if not queue.keys:
                st.subheader("Nothing is asked for that is there", anchor=False)
                st.markdown("No candidate is like that. **Show** and **Filter** above say what is asked for.")
            elif pause is not None:
                st.subheader("All reviewed", anchor=False)
                st.markdown(
                    f"**Go on with round {pause + 1}**, at the top of the page, trains on what you left standing."
                )
            else:
                st.subheader("All reviewed", anchor=False)
                st.markdown("Every candidate has a verdict. The arrow keys go through them again; Z takes back one.")
                sources = {"sources": queue.asked.run.split(",")}
                label, icon = "Finetune on what was accepted", ":material/model_training:"
                st.page_link("finetune_page.py", label=label, icon=icon, query_params=sources)
        mark_end(slot)
