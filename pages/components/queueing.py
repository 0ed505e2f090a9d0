"""The queue of a lane: what runs, what waits in which order, and the buttons that change it.

The order shown is the queue's own. Buttons carry the run that they stand beside, so a list that moves between two
looks never does something to another run.
"""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.runs.orders import KEEPERS
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.running import draw_bar, draw_live, draw_state, elapsed
from pages.components.stage_words import when_evaluated
from pages.components.standing import ACTIVE
from pages.components.text import plain

MOVES = (("first", ":material/vertical_align_top:", "To the front"), ("up", ":material/arrow_upward:", "One up"),
         ("down", ":material/arrow_downward:", "One down"))  # fmt: skip

KEPT_NOTE = "Stopping: the best checkpoint so far is kept, then it is evaluated."


def draw_queue(hub: Hub, lane: str, *, key: str) -> bool:
    """Draw the runs of a lane, live while there are any; says whether there were any now."""
    is_active = bool(len(_list_lane(hub, lane)[0]))
    draw_live(lambda: draw_lane(hub, lane, key=key), is_active=is_active)
    return is_active


def draw_lane(hub: Hub, lane: str, *, key: str) -> bool:
    """Draw the runs of a lane once; says whether there are any."""
    rows, waiting = _list_lane(hub, lane)
    working = [row for row in rows.values() if row["run_id"] not in waiting]
    for row in working:
        _draw_working(hub, row, key)
    for place, run_id in enumerate(waiting):
        _draw_waiting(hub, rows[run_id], place, len(waiting), key)
    if not rows:
        st.markdown(":gray[free]")
    return bool(rows)


def draw_wait(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw behind what a run waits, with a link to where the queue can be changed."""
    rows, waiting = _list_lane(hub, run["lane"])
    before = waiting[: waiting.index(run["run_id"])] if run["run_id"] in waiting else []
    ahead = [*(run_id for run_id in rows if run_id not in waiting and run_id != run["run_id"]), *before]
    if not ahead:
        st.caption("Is next in the queue.")
        return
    more = f" and {numbers.counted(len(ahead) - 1, 'more run')}" if len(ahead) > 1 else ""
    st.caption(f"Waits in the queue behind **{plain(rows[ahead[0]]['title'])}**{more}.")
    st.page_link("runs_page.py", label="See the queue, and change its order", icon=":material/queue:")


def _list_lane(hub: Hub, lane: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return run -> row of what is not over in a lane, the oldest first, and which of them wait, in their order."""
    found = hub.store.list_runs(states=ACTIVE)
    rows = {row["run_id"]: row for row in found[found["lane"] == lane].iloc[::-1].to_dict("records")}
    waiting = [run_id for run_id in hub.list_waiting(lane) if run_id in rows and rows[run_id]["state"] == "queued"]
    return rows, waiting


def _draw_working(hub: Hub, row: Mapping[str, Any], key: str) -> None:
    """Draw a run that works: how far it is, and the ways to end it."""
    run_id = row["run_id"]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key}_working_{run_id}"):
        draw_state(row["state"])
        st.markdown(f"**{plain(row['title'])}**", width="content")
        if elapsed(row) is not None:
            st.caption(numbers.duration(elapsed(row)), width="content")
        draw_ends(hub, row, key=key, name=row["title"])
    draw_bar({**row, "is_kept": hub.is_kept(run_id)})


def _draw_waiting(hub: Hub, row: Mapping[str, Any], place: int, n: int, key: str) -> None:
    """Draw a run that waits: its number, what it waits for, and the ways to move it.

    The buttons show an icon only; their labels, which the page's style keeps out of sight, are for screen readers.
    """
    run_id, name = row["run_id"], f"{place + 1}. {plain(row['title'])}"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"{key}_waiting_{run_id}"):
        st.markdown(f":gray[{place + 1}.] {plain(row['title'])}", width="stretch")
        if after := _find_after(hub, run_id):
            st.caption(f"after {plain(after)}", width="content")
        for where, icon, words in MOVES:
            _offer(
                lambda where=where: hub.move(run_id, where),
                f"{words}: {name}",
                icon=icon,
                help=words,
                key=f"{key}_{where}_{run_id}",
                disabled=(place == n - 1) if where == "down" else place == 0,
                type="tertiary",
                width=32,
            )
        _offer(
            lambda: hub.order(run_id, "cancel"),
            f"Cancel: {name}",
            icon=":material/close:",
            help="Cancel: it never starts",
            key=f"{key}_cancel_{run_id}",
            type="tertiary",
            width=32,
        )


def _find_after(hub: Hub, run_id: str) -> str | None:
    """Return the title of the run that this one waits for, whatever its turn; None where it waits for its turn only."""
    after = (hub.store.read_run(run_id) or {"config": {}})["config"].get("after")
    found = hub.store.read_run(after) if after else None
    return found["title"] if found and found["state"] in ACTIVE else None


def draw_ends(hub: Hub, row: Mapping[str, Any], *, key: str, name: str | None = None) -> None:
    """Draw the ways to end a run that is not over: keep the best so far, or cancel.

    Args:
        hub: of the home.
        row: of the run.
        key: of the place.
        name: of the run, where it stands among others: said to screen readers, kept out of sight by the page's style.
    """
    run_id, state, whose = row["run_id"], row["state"], f" :gray[{plain(name)}]" if name else ""
    is_trained = row["kind"] == "finetune" and when_evaluated(row.get("stage")) == "after"  # a loop may go on training
    if row["kind"] in KEEPERS and state == "running" and not is_trained:
        is_kept = hub.is_kept(run_id)
        _offer(
            lambda: hub.order(run_id, "keep"),
            f"{'Stopping' if is_kept else 'Stop and keep the best'}{whose}",
            icon=":material/save:",
            key=f"{key}_keep_{run_id}",
            disabled=is_kept,
            help=KEPT_NOTE if is_kept else "End the training now, keep the best checkpoint so far, and evaluate it.",
        )
    _offer(
        lambda: hub.order(run_id, "cancel"),
        f"Cancel this run{whose}",
        icon=":material/stop:",
        key=f"{key}_cancel_{run_id}",
        disabled=state == "cancelling",
        help="End it now, without a result. It can be resumed from its last checkpoint, where it has one.",
    )


def _offer(act: Callable[[], None], label: str, **more: Any) -> None:
    """Draw a button that does something to the queue and has everything drawn anew; what is refused is said."""
    if st.button(label, **more):
        try:
            act()
        except SeedbedError:
            with show_errors():
                raise
        else:
            st.rerun()
