"""Runs: everything that works or worked in the background; queue, logs, disk use, cancel, again, clone, trash."""

from collections.abc import Collection

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.recipes.clone import CHANGEABLE
from core.runs.calls import write_call
from core.runs.folder import ENDED, LANES
from core.runs.orders import MADE_AT_ONCE
from pages.components import numbers
from pages.components.access import show_errors, use_hub
from pages.components.backing_up import draw_backups
from pages.components.disk import draw_disk
from pages.components.frame import RUN_TIMES, choose, draw_empty, explain, name_run, open_page
from pages.components.pausing import draw_pause
from pages.components.queueing import draw_ends, draw_lane
from pages.components.run_actions import draw_clone, draw_note, draw_rename, draw_trash
from pages.components.running import describe_counts, draw_live, draw_state, elapsed
from pages.components.spending import draw_calls
from pages.components.standing import ACTIVE
from pages.components.text import plain

LANE_NAMES = {"device": "device: finetunes, predictions", "teacher": "teacher: generation", "light": "light: the rest"}


def draw_queue(hub: Hub) -> None:
    """Draw what runs and waits, lane by lane, live."""
    active = hub.store.list_runs(states=ACTIVE)

    def draw() -> bool:
        with st.container(key="two_sides_lanes"):
            columns = st.columns([1.8, 1, 1])
        is_busy = False
        for column, lane in zip(columns, LANES, strict=True):
            with column, st.container(border=True, key=f"lane_{lane}"):
                st.caption(f"{LANE_NAMES[lane]} · {getattr(hub.settings, f'{lane}_slots')} at a time")
                is_busy |= draw_lane(hub, lane, key=f"queue_{lane}")
        return is_busy

    draw_live(draw, is_active=not active.empty)


def draw_list(runs: pd.DataFrame, sizes: dict[str, int], waiting: Collection[str]) -> None:
    """Draw all runs as a table; those that wait for a person are told so."""
    table = runs.assign(
        state=runs["state"].mask(runs["run_id"].isin(waiting), "waits for you"),
        made=runs["created_at"].map(numbers.moment),
        took=[numbers.duration(elapsed(row)) for row in runs.to_dict("records")],
        counts=[describe_counts(row) for row in runs.to_dict("records")],
        size=[numbers.size(sizes.get(id_)) for id_ in runs["run_id"]],
        note=runs["note"].fillna(""),
    )
    noted = ["note"] if table["note"].any() else []
    right = {"alignment": "right", "width": "small"}
    st.dataframe(
        table,
        hide_index=True,
        height=min(38 + 35 * len(table), 320),
        column_order=["made", "state", "kind", "title", *noted, "counts", "took", "size"],
        column_config={
            "title": st.column_config.TextColumn("run", width="large"),
            "counts": "latest stage",
            "made": st.column_config.TextColumn("made", help=RUN_TIMES, width="small"),
            "note": st.column_config.TextColumn("note", width="medium"),
            "took": st.column_config.TextColumn("took", help="Its latest attempt, from begin to end.", **right),
            "size": st.column_config.TextColumn("on disk", **right),
        },
    )


def draw_details(hub: Hub, run: dict, *, is_waiting: bool) -> None:
    """Draw one run: what can be done with it, its log, how to repeat it in a shell, its configuration.

    Args:
        hub: takes the orders.
        run: of ``read_run``.
        is_waiting: whether it is done but for what a person is to review.
    """
    run_id, is_active = run["run_id"], run["state"] in ACTIVE
    is_repeatable = run["kind"] not in MADE_AT_ONCE
    with st.container(horizontal=True, vertical_alignment="center"):
        draw_state("paused" if is_waiting else run["state"])
        st.markdown(f"**{plain(run['title'])}**", width="content")
        draw_rename(hub, run, key="run")
        if is_active:
            draw_ends(hub, run, key="run")
        if (
            is_repeatable
            and not is_active
            and st.button(
                "Again",
                key="run_again",
                icon=":material/replay:",
                help="One more attempt, from its last checkpoint where it has one.",
            )
        ):
            hub.order(run_id, "again")
            st.rerun()
        if is_repeatable and CHANGEABLE[run["kind"]]:
            with st.popover("Clone with one change", icon=":material/content_copy:", key=f"clone_{run['run_id']}"):
                if made := draw_clone(hub, run):
                    st.query_params["run"] = made
                    st.rerun()
        if not is_active and st.button("To the trash", key="run_trash", icon=":material/delete:"):
            hub.trash(run_id)
            st.rerun()
    draw_note(run)
    draw_pause(hub, run, key="run")
    if run["error"]:
        st.error(plain(run["error"]))
    draw_calls(hub, run_id)
    if is_repeatable:
        st.caption("Repeat it in a shell")
        folder = hub.settings.home / "runs" / run_id
        again = ["--again"] if run["state"] in ENDED else []
        st.code(write_call(["run", str(folder), *again]), language=None, wrap_lines=True)
    log = hub.read_log(run_id)
    st.caption("The end of its log" if log or is_active else "It printed nothing.")
    if log or is_active:
        st.code(log or "Nothing yet.", language=None, height=220)
    with st.expander("Configuration and result", icon=":material/lock:"):
        st.json({"config": run["config"], "summary": run["summary"]})


def draw_webhook(hub: Hub) -> None:
    """Say who is told of the ends of runs, and whether that works; where nobody is, how to have it."""
    hook = hub.webhook
    if hook.fault:
        lost = f" Not posted so far: {numbers.count(hook.n_failed)}." if hook.n_failed else ""
        st.warning(plain(hook.fault) + lost, icon=":material/webhook:")
    elif hook.host:
        sent = numbers.counted(hook.n_sent, "end", "ends")
        st.caption(f":material/webhook: Every end of a run is posted to {plain(hook.host)}; {sent} so far.")
    else:
        st.caption(
            ":material/webhook: Set the environment variable `SEEDBED_WEBHOOK` to an address, and every end of a run "
            "is posted there as JSON."
        )


def draw_faults(hub: Hub) -> None:
    """Draw what could not be read or stored, where there is any: nothing is dropped in silence."""
    faults, unread = hub.store.list_faults(), dict(hub.unread)  # a copy: the hub's thread goes on writing
    if faults.empty and not unread:
        return
    with st.expander(f"Not stored ({len(faults) + len(unread)})", icon=":material/report:"):
        for run_id, reason in unread.items():
            st.markdown(f"{run_id}: {plain(reason)}")
        if not faults.empty:
            st.dataframe(faults, hide_index=True, column_order=["path", "reason", "n"], height="content")


hub = use_hub()
place = open_page("Runs", "What works, waits or worked in the background. Runs go on when this page is closed.")
runs = hub.store.list_runs()
if place.button("Refresh", key="refresh", icon=":material/refresh:"):
    st.rerun()
frame, _ = hub.measure_disk()
with show_errors():
    draw_queue(hub)
    if runs.empty:
        draw_empty("Nothing has run yet.", "overview_page.py", "Start with the demo")
    else:
        waiting = set(hub.store.list_paused_runs()["run_id"])
        draw_list(runs, dict(zip(frame["run_id"], frame["bytes"], strict=True)), waiting)
        rows = {row["run_id"]: row for row in runs.to_dict("records")}
        run_id = choose(
            "Run", list(rows), param="run", key="runs_run", shown=lambda id_: name_run(rows[id_]), help=RUN_TIMES
        )
        draw_details(hub, hub.store.read_run(run_id), is_waiting=run_id in waiting)
    draw_webhook(hub)
    draw_faults(hub)
    draw_trash(hub)
st.subheader("Disk", anchor=False)
st.caption(f"Home {plain(hub.settings.home)}")
draw_disk(hub)
draw_backups(hub)
explain(
    "A state is read from the run's own folder: a run holds a lock while it lives; one whose lock is free without a "
    "result is *lost*. Lanes do not hold one another up. Sizes are measured on the disk and kept until a folder "
    "changes. `core.runs`, `core.hub`."
)
