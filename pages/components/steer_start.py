"""Before there is a check: what is missing, the button that starts one, and how it goes on."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.hub import Hub
from core.recipes.steerability import SAMPLE, start_steerability
from core.recipes.steering_checks import estimate_check, list_loops
from core.runs.folder import STOPPED
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.frame import draw_empty, name_run
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE
from pages.components.text import plain

CHECK = (
    "The check draws seeds at random, lets the teacher write one child of each, and has both seeds and children "
    "answered by the loop's first student and by its last one."
)


def draw_first(hub: Hub, seed_set: Mapping[str, Any] | None, place: DeltaGenerator) -> None:
    """Draw the page before any check: what is missing, and the one button that brings it.

    Args:
        hub: of the home.
        seed_set: the one in view; None where there is none.
        place: of the primary button.
    """
    if seed_set is None:
        draw_empty(
            "Whether data can be steered is checked with the students of a finished loop, and no seed set is here yet.",
            "overview_page.py",
            "Start with the demo",
        )
        return
    loops = list_loops(hub, seed_set["run_id"])
    if loops.empty:
        draw_empty(
            "Whether data can be steered is checked with the students of a finished loop: its first and its last one. "
            f"**{plain(seed_set['name'])}** has none yet; the demo, `python -m core loop` and experiments make one.",
            "experiments_page.py",
            "Define an experiment",
        )
        return
    with st.container(border=True, key="reading_first_check"):
        st.markdown(f"**Nothing of {plain(seed_set['name'])} was checked yet.** {CHECK}")
        start(hub, loops, int(seed_set["n_train"]), place)


def draw_others(hub: Hub) -> None:
    """Lead to the newest check of each other seed set."""
    checks = hub.store.list_steerability()
    for row in checks[checks["state"] == "done"].drop_duplicates("seed_set_id").to_dict("records"):
        label = f"See the check of {plain(row['seed_set_name'])}"
        if st.button(label, key=f"see_{row['run_id']}", icon=":material/arrow_forward:", type="tertiary"):
            st.query_params["run"] = row["run_id"]
            st.rerun()


def start(hub: Hub, loops: pd.DataFrame, n_train: int, place: DeltaGenerator, *, is_primary: bool = True) -> None:
    """Draw how many seeds are asked for, of which loop, how long that takes, and the button that starts it.

    Args:
        hub: of the home.
        loops: that can be checked, newest first.
        n_train: seeds that there are.
        place: of the button.
        is_primary: whether it is the page's one primary button.
    """
    rows = {row["run_id"]: row for row in loops.to_dict("records")}
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    n = int(
        left.number_input("Seeds", 1, n_train, min(SAMPLE, n_train), step=10, key="steer_sample", persist_state="page")
    )
    loop = next(iter(rows))
    if len(rows) > 1:
        loop = right.selectbox("Loop", list(rows), key="steer_loop", format_func=lambda id_: name_run(rows[id_]))
    else:
        right.markdown(f"of the loop **{plain(name_run(rows[loop]))}**")
    st.caption(_say_time(hub, str(rows[loop]["student_name"]), n))
    label = f"Check {numbers.counted(n, 'seed')}"
    kind = "primary" if is_primary else "secondary"
    if place.button(label, type=kind, key="start_check", icon=":material/tune:"):
        with show_errors():
            start_steerability(hub, loop, n)
            st.rerun()


def draw_unfinished(hub: Hub, seed_set_id: str | None) -> bool:
    """Draw the checks that wait or work, live, and the newest one where it ended before it was done.

    Returns:
        Whether any waits or works.
    """
    checks = hub.store.list_steerability(seed_set_id)
    if checks.empty:
        return False
    if checks.iloc[0]["state"] in STOPPED:
        _draw_stopped(hub, checks.iloc[0]["run_id"])
    is_active = bool(checks["state"].isin(ACTIVE).any())

    def draw() -> bool:
        now = hub.store.list_runs(["steerability"], ACTIVE, seed_set_id)
        for run in now.iloc[::-1].to_dict("records"):
            with st.container(border=True, key=f"checking_{run['run_id']}"):
                draw_run(run)
                if st.button("Cancel", key=f"cancel_{run['run_id']}", icon=":material/stop:", type="tertiary"):
                    hub.order(run["run_id"], "cancel")
                    st.rerun()
        return not now.empty

    if is_active:
        draw_live(draw, is_active=True)
    return is_active


def _draw_stopped(hub: Hub, run_id: str) -> None:
    with st.container(border=True, key="check_stopped"):
        draw_run(hub.store.read_run(run_id))
        if st.button("Go on", key="check_again", icon=":material/replay:", help="What was answered stays."):
            with show_errors():
                hub.order(run_id, "again")
                st.rerun()


def _say_time(hub: Hub, student: str, n: int) -> str:
    """Return how long a check takes, and by what that is known; what it asks where nothing was measured."""
    asked = f"{numbers.counted(n, 'request')} of the teacher, {numbers.count(4 * n)} answers of the two students"
    found = estimate_check(hub, student, n)
    if found is None:
        return f"{asked}; how long that takes was not measured here yet."
    if found.is_whole:
        return f"{asked}: some {numbers.duration(found.seconds)}, as the last check of this student took."
    return f"{asked}, some {numbers.duration(found.seconds)} for the answers; teacher and reward model come on top."
