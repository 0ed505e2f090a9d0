"""The view of one training run: its queue, its curves as they grow, its answers, what it was frozen with, and a copy.

What moves is drawn in a fragment that refreshes itself; what a person chooses stands outside it, in the address.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.figures.curves import Look
from core.hub import Hub
from core.runs.folder import STOPPED
from core.training.objectives import OBJECTIVES
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.curves import choose_look, draw_download, draw_panels, list_phases
from pages.components.frame import choose_newest
from pages.components.frozen import draw_frozen
from pages.components.kept import draw_kept, read_kept
from pages.components.overlaying import choose_others, draw_differences, draw_names, show_runs
from pages.components.pausing import draw_pause
from pages.components.queueing import draw_ends, draw_queue
from pages.components.run_actions import draw_clone
from pages.components.running import draw_live, draw_run
from pages.components.samples import BEFORE, POLICY_BEFORE, draw_samples
from pages.components.standing import ACTIVE
from pages.components.training_facts import draw_log, draw_orders, draw_standing

LOG_BYTES = 4000
PHASES = {"": "the training", "sft": "the policy before it (SFT)"}

GoTo = Callable[[str, str], None]
"""Shows a run in a view from now on."""


def draw_watch(
    hub: Hub, run_id: str, rows: Mapping[str, Mapping[str, Any]], place: DeltaGenerator, go_to: GoTo
) -> None:
    """Draw a run as it stands and moves.

    Args:
        hub: of the home.
        run_id: a training run.
        rows: run -> row of the runs that may be laid over it.
        place: where the primary button goes.
        go_to: leads to another run or view.
    """
    run, is_kept = hub.store.read_run(run_id), hub.is_kept(run_id)
    with place, show_errors(), st.container(horizontal=True, horizontal_alignment="right"):
        draw_actions(hub, run, go_to)
    draw_lane_of(hub, run)
    others = choose_others(rows, run_id)
    look = choose_look()

    def draw() -> bool:
        now = hub.store.read_run(run_id)
        if (now["state"], hub.is_kept(run_id)) != (run["state"], is_kept):
            st.rerun()  # other buttons belong to it now
        draw_moment(hub, now, others, look)
        return now["state"] in ACTIVE

    draw_live(draw, is_active=run["state"] in ACTIVE)
    with st.expander("Frozen configuration", icon=":material/lock:"):
        draw_frozen(run["config"])


def draw_actions(hub: Hub, run: Mapping[str, Any], go_to: GoTo) -> None:
    """Draw what can be done with a run now."""
    with st.popover("Clone with one change", icon=":material/content_copy:", key=f"clone_{run['run_id']}"):
        if made := draw_clone(hub, run):
            go_to("watch", made)
    if run["state"] in ACTIVE:
        draw_ends(hub, run, key="watch")
    if run["state"] == "done" and st.button("See the result", type="primary", key="see_result"):
        go_to("result", run["run_id"])
    draw_pause(hub, run, key="watch")
    if run["state"] in STOPPED:
        label = "Resume from the last checkpoint" if hub.store.has_checkpoint(run["run_id"]) else "Begin it again"
        if st.button(label, type="primary", key="again", icon=":material/replay:"):
            hub.order(run["run_id"], "again")
            st.rerun()


def draw_lane_of(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw the queue that a run stands in, where anything else runs or waits there; open while this one waits."""
    active = hub.store.list_runs(states=ACTIVE)
    n_others = int(((active["lane"] == run["lane"]) & (active["run_id"] != run["run_id"])).sum())
    if n_others:
        label = f"The queue: {numbers.counted(n_others, 'other run')} on this device"
        with st.expander(label, icon=":material/queue:", expanded=run["state"] == "queued"):
            draw_queue(hub, run["lane"], key="queue")


def draw_moment(hub: Hub, run: Mapping[str, Any], others: Sequence[str], look: Look) -> None:
    """Draw what moves while a run works."""
    run_id = run["run_id"]
    run = {**run, "is_kept": hub.is_kept(run_id)}
    draw_run(run)
    draw_orders(run)
    curves = hub.store.list_curves(run_id)
    if curves.empty:
        st.caption("The curves begin with the first training step.")
    else:
        round_, phase = choose_part(curves, run_id)
        kept = read_kept(hub, run, round_)
        draw_kept(kept)
        draw_standing(hub, run, round_)
        shown = show_runs(hub, [run_id, *others], phase, round_)
        if others:
            draw_names(hub, shown)
        draw_panels(hub, shown, replace(look, view=f"{run_id}-{round_}-{phase}"), key="watch")
        draw_download(hub, shown)
        if others:
            draw_differences(hub, shown)
        st.subheader("Answers at each checkpoint", anchor=False)
        step = kept.step if kept and kept.phase == phase else None
        objective = OBJECTIVES.get(run["config"].get("objective", "sft"))
        goes_on = objective.goes_on and run["config"].get("policy_training") and not phase
        start = POLICY_BEFORE if goes_on else BEFORE
        draw_samples(hub, run_id, round_, phase, step, start)
    draw_log(hub, run, LOG_BYTES)


def choose_part(curves: pd.DataFrame, run_id: str) -> tuple[int, str]:
    """Draw the choice of a round and of a phase, where there are several; both follow the newest until one is taken."""
    rounds = sorted(int(number) for number in curves["round"].unique())
    with st.container(horizontal=True, key="curve_part"):
        round_ = choose_newest("Round", rounds, param="round", key=f"curve_round_{run_id}")
        phases = list_phases(curves, round_)
        phase = choose_newest(
            "Curves of",
            phases,
            param="phase",
            key=f"curve_phase_{run_id}",
            shown=lambda phase: PHASES.get(phase, phase),
        )
    return round_, phase
