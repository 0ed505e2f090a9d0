"""How an experiment stands: its replicates and their arms, with what can be done about each, and what is excluded."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.runs.folder import STOPPED
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.experiment_rounds import draw_rounds
from pages.components.pausing import draw_passing
from pages.components.running import describe_counts, draw_live, draw_state
from pages.components.stage_words import say_stage
from pages.components.standing import ACTIVE
from pages.components.text import plain


def draw_watch(hub: Hub, experiment: Mapping[str, Any]) -> None:
    """Draw the runs of an experiment, live while one of them moves."""
    experiment_id = experiment["run_id"]
    arms = [arm["name"] for arm in hub.store.read_run(experiment_id)["config"]["arms"]]
    runs = hub.store.list_experiment_runs(experiment_id)
    is_active = bool(runs["state"].isin(ACTIVE).any())

    def draw() -> bool:
        now = hub.store.list_experiment_runs(experiment_id)
        paused = hub.store.list_paused_runs()
        unread = paused[paused["parent_id"] == experiment_id].set_index("run_id")["unread"].to_dict()
        _draw_progress(hub, experiment_id)
        for replicate, rows in now.groupby("replicate", sort=True):
            with st.container(border=True, key=f"replicate_{experiment_id}_{replicate}"):
                _draw_replicate(hub, int(replicate), rows, arms, unread)
        return bool(now["state"].isin(ACTIVE).any())

    draw_live(draw, is_active=is_active)
    draw_rounds(hub, runs)


def _draw_progress(hub: Hub, experiment_id: str) -> None:
    now = hub.store.list_experiments()
    row = now[now["run_id"] == experiment_id].iloc[0]
    parts = [f"{numbers.count(row['n_done'])} of {numbers.counted(row['n_runs'], 'run')} done"]
    parts += [f"{numbers.count(row['n_failed'])} failed or cancelled"] if row["n_failed"] else []
    waits = "waits" if row["n_paused"] == 1 else "wait"
    parts += [f"{numbers.count(row['n_paused'])} {waits} for you"] if row["n_paused"] else []
    parts += [f"{numbers.count(row['n_left'])} left"] if row["n_left"] else []
    st.progress(min(row["n_done"] / max(row["n_runs"], 1), 1.0), text=" · ".join(parts))


def _draw_replicate(
    hub: Hub, replicate: int, rows: pd.DataFrame, arms: Sequence[str], unread: Mapping[str, int]
) -> None:
    """Draw a replicate with its orders, and below it each arm in the order of the file, also one that has not begun.

    Args:
        hub: takes the orders.
        replicate: its number.
        rows: its runs, of ``list_experiment_runs``.
        arms: names of all arms.
        unread: run_id -> candidates to read, of the runs that wait for a person.
    """
    rows = rows.assign(state=[_find_state(run) for run in rows.to_dict("records")])
    own, made = rows[rows["method"].isna()], rows[rows["method"].notna()]
    for run in own.to_dict("records"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            waits = run["state"] == "done" and (made["state"] == "paused").any()
            draw_state("paused" if waits else run["state"])
            st.markdown(f"**Replicate {replicate}**", width="content")
            if run["state"] in ACTIVE and st.button(
                "Cancel", key=f"cancel_{run['run_id']}", icon=":material/stop:", type="tertiary"
            ):
                _order(hub, run["run_id"], "cancel")
            is_missing = made["method"].nunique() < len(arms)
            has_failed = made["state"].isin(STOPPED).any()
            if run["state"] in STOPPED or (run["state"] == "done" and (is_missing or has_failed)):
                label = "Try what failed again" if run["state"] == "done" and has_failed else "Go on"
                if st.button(label, key=f"again_{run['run_id']}", icon=":material/replay:", type="tertiary"):
                    _order(hub, run["run_id"], "again")
    for arm in arms:
        for run in made[made["method"] == arm].to_dict("records"):
            _draw_arm(hub, run, unread)
        if arm not in set(made["method"]):
            st.caption(f"{plain(arm)}: not begun")


def _find_state(run: Mapping[str, Any]) -> str:
    """Return the state of a run, where it waits for a person ``paused``."""
    is_paused = run["state"] == "done" and not numbers.is_missing(run["waits_after_round"])
    return "paused" if is_paused else run["state"]


def _draw_arm(hub: Hub, run: Mapping[str, Any], unread: Mapping[str, int]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_state(run["state"])
        is_check = run["kind"] == "steerability" and run["state"] == "done"
        page = "steerability_page.py" if is_check else "runs_page.py"
        st.page_link(page, label=plain(run["method"]), query_params={"run": run["run_id"]})
        if run["state"] in ACTIVE and not numbers.is_missing(run["stage"]):
            parts = [plain(say_stage(run["stage"])), describe_counts(run)]
            st.caption(" · ".join(part for part in parts if part), width="content")
        if not numbers.is_missing(run["error"]):
            st.caption(f":red[{plain(run['error'])}]", width="content")
        elif run["state"] == "paused":
            number, run_id = int(run["waits_after_round"]), run["run_id"]
            st.page_link("review_page.py", label=f"Review round {number}", query_params={"run": run_id})
            draw_passing(hub, run_id, number, unread.get(run_id, 0), key=f"pass_{run_id}", type="tertiary")
        elif run["state"] == "done" and not numbers.is_missing(run["stopped"]):
            st.caption(f"It ended early: {plain(run['stopped'])}", width="content")


def _order(hub: Hub, run_id: str, order: str) -> None:
    with show_errors():
        hub.order(run_id, order)
        st.rerun()
