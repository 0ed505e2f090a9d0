"""How an experiment stands: its replicates and their arms, with what can be done about each, and what is excluded."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.runs.folder import STOPPED
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.experiment_rounds import draw_rounds
from pages.components.running import describe_counts, draw_live, draw_state
from pages.components.stage_words import say_stage
from pages.components.standing import ACTIVE
from pages.components.text import plain


def draw_watch(hub: Hub, experiment: Mapping[str, Any]) -> None:
    """Draw the runs of an experiment, live while one of them moves."""
    experiment_id = experiment["run_id"]
    n_arms = len(hub.store.read_run(experiment_id)["config"]["arms"])
    runs = hub.store.list_experiment_runs(experiment_id)
    is_active = bool(runs["state"].isin(ACTIVE).any())

    def draw() -> bool:
        now = hub.store.list_experiment_runs(experiment_id)
        _draw_progress(hub, experiment_id)
        for replicate, rows in now.groupby("replicate", sort=True):
            with st.container(border=True, key=f"replicate_{experiment_id}_{replicate}"):
                _draw_replicate(hub, int(replicate), rows, n_arms)
        return bool(now["state"].isin(ACTIVE).any())

    draw_live(draw, is_active=is_active)
    draw_rounds(hub, runs)


def _draw_progress(hub: Hub, experiment_id: str) -> None:
    now = hub.store.list_experiments()
    row = now[now["run_id"] == experiment_id].iloc[0]
    parts = [f"{numbers.count(row['n_done'])} of {numbers.counted(row['n_runs'], 'run')} done"]
    parts += [f"{numbers.count(row['n_failed'])} failed or cancelled"] if row["n_failed"] else []
    parts += [f"{numbers.count(row['n_left'])} left"] if row["n_left"] else []
    st.progress(min((row["n_done"] + row["n_failed"]) / max(row["n_runs"], 1), 1.0), text=" · ".join(parts))


def _draw_replicate(hub: Hub, replicate: int, rows: pd.DataFrame, n_arms: int) -> None:
    """Draw a replicate with its orders, and below it each arm that has begun."""
    is_own = rows["method"].isna()
    for run in rows[is_own].to_dict("records"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            draw_state(run["state"])
            st.markdown(f"**Replicate {replicate}**", width="content")
            if run["state"] in ACTIVE and st.button(
                "Cancel", key=f"cancel_{run['run_id']}", icon=":material/stop:", type="tertiary"
            ):
                _order(hub, run["run_id"], "cancel")
            arms = rows[~is_own]
            is_missing = len(arms) < n_arms
            has_failed = arms["state"].isin(STOPPED).any()
            if run["state"] in STOPPED or (run["state"] == "done" and (is_missing or has_failed)):
                label = "Try what failed again" if run["state"] == "done" and has_failed else "Go on"
                if st.button(label, key=f"again_{run['run_id']}", icon=":material/replay:", type="tertiary"):
                    _order(hub, run["run_id"], "again")
    for run in rows[~is_own].to_dict("records"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            draw_state(run["state"])
            st.page_link("runs_page.py", label=plain(run["method"]), query_params={"run": run["run_id"]})
            if run["state"] in ACTIVE and not numbers.is_missing(run["stage"]):
                st.caption(f"{plain(say_stage(run['stage']))} · {describe_counts(run)}", width="content")
            if not numbers.is_missing(run["error"]):
                st.caption(f":red[{plain(run['error'])}]", width="content")
            elif run["state"] == "done" and not numbers.is_missing(run["waits_after_round"]):
                draw_waiting(hub, run)
            elif run["state"] == "done" and not numbers.is_missing(run["stopped"]):
                st.caption(f"It ended early: {plain(run['stopped'])}", width="content")


def draw_waiting(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw the way to the review that an arm waits for, and the button that goes on with this arm alone."""
    number = int(run["waits_after_round"])
    st.page_link("review_page.py", label=f"Review round {number}", query_params={"run": run["run_id"]})
    if st.button(f"Go on with round {number + 1}", key=f"pass_{run['run_id']}", type="tertiary"):
        _order(hub, run["run_id"], "again")


def _order(hub: Hub, run_id: str, order: str) -> None:
    with show_errors():
        hub.order(run_id, order)
        st.rerun()
