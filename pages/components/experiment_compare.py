"""What an experiment found: learning curves, data needs and win rates; its other parts stand beside this file."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.learning import choose_baseline
from core.analysis.test_sets import keep_set, order_sets
from core.figures.experiments import draw_learning
from core.hub import Hub
from core.recipes.experiment_reports import list_reports, take_reports
from core.recipes.experiment_tables import (
    list_curves,
    list_differences,
    list_needs,
    list_tests,
    split_students,
)
from core.teacher.roles import BUILT_IN
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.experiment_choices import draw_choices
from pages.components.experiment_report import offer_report
from pages.components.experiment_steering import draw_steering
from pages.components.experiment_table import draw_table, offer_csv
from pages.components.experiment_wins import draw_wins
from pages.components.frame import note_teacher
from pages.components.text import plain

OVER = {"size": "data", "n_tokens": "the teacher's tokens"}

NAMES = {"test": "test", "ood": "out of distribution"}

PARTS = {"curves": "Did it pay off?", "steering": "Was it what was asked for?", "choices": "How were seeds chosen?"}


def draw_compare(hub: Hub, experiment: Mapping[str, Any]) -> None:
    """Draw everything that an experiment has brought so far, one part at a time."""
    tests = hub.store.list_experiment_points(experiment["run_id"])
    _draw_excluded(hub, experiment)
    offer_report(hub, experiment)
    if tests.empty:
        st.info("Nothing was evaluated yet; the curves begin with the student before any training.")
        return
    config = hub.store.read_run(experiment["run_id"])["config"]
    if config.get("teacher", BUILT_IN) == BUILT_IN:
        note_teacher()
    _draw_part(hub, experiment, tests, config["arms"])


@st.fragment
def _draw_part(hub: Hub, experiment: Mapping[str, Any], tests: pd.DataFrame, arms: Sequence[Mapping[str, Any]]) -> None:
    """Draw the part that is looked at; what is chosen in it draws nothing else anew."""
    part = st.segmented_control(
        "Part",
        list(PARTS),
        default="curves",
        required=True,
        key="experiment_part",
        format_func=PARTS.get,
        label_visibility="collapsed",
    )
    if part == "curves":
        _draw_curves(hub, tests, [arm["name"] for arm in arms], experiment["run_id"])
        _draw_reports(hub, arms, experiment["run_id"])
    else:
        points = keep_set(tests, order_sets(tests["split"].unique())[0])
        {"steering": draw_steering, "choices": draw_choices}[part](hub, experiment, points)


def _draw_curves(hub: Hub, tests: pd.DataFrame, arms: Sequence[str], experiment: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        over = st.segmented_control(
            "Over", list(OVER), default="size", required=True, key="experiment_over", format_func=OVER.get
        )
        chosen = _choose_set(order_sets(tests["split"].unique()))
        points = keep_set(tests, chosen)
        baseline = _choose_baseline(points, arms)
    view = f"{experiment}/{chosen}"
    draw_chart(draw_learning(points, over=over, view=view), key="learning")
    if over != "size":
        st.caption("The tables below hold arms against one another at equally many accepted candidates or problems.")
    with st.expander("The curves as a table", icon=":material/table:"):
        for table in list_curves(points, arms):
            draw_table(table, view)
        offer_csv(points, "Every replicate", f"points-{view}")
    for table in (
        *list_differences(points, arms, baseline),
        *list_tests(tests, arms),
        *list_needs(points, arms, baseline),
    ):
        draw_table(table, view)
    draw_wins(hub, experiment, points, arms, view)


def _draw_reports(hub: Hub, arms: Sequence[Mapping[str, Any]], experiment: str) -> None:
    """Draw what the runs that are done report beside accuracy."""
    runs = hub.store.list_experiment_runs(experiment)
    done = runs[runs["counts"] & runs["method"].notna() & (runs["state"] == "done")]
    ended = ((row.method, hub.store.read_run(row.run_id)["summary"] or {}) for row in done.itertuples())
    for table in list_reports(take_reports(arms, ended), [arm["name"] for arm in arms]):
        draw_table(table, experiment)


def _choose_baseline(points: pd.DataFrame, arms: Sequence[str]) -> str | None:
    """Return the arm that others are held against; where students differ each has its own."""
    students = list(split_students(points[points["round"] > 0], arms))
    if len(students) != 1 or len(students[0][2]) < 2:
        return None
    names = students[0][2]
    usual = names.index(choose_baseline(names))
    return st.selectbox("Compared with", names, usual, key="experiment_baseline", width=280)


def _choose_set(sets: Sequence[str]) -> str:
    """Return the test set that is looked at; with one there is nothing to choose."""
    if len(sets) == 1:
        return sets[0]
    return st.selectbox(
        "Test set",
        sets,
        key="experiment_test_set",
        format_func=lambda name: plain(NAMES.get(name, name)),
        width=280,
        help="What the curves, differences, data needs and win rates below are of.",
    )


def _draw_excluded(hub: Hub, experiment: Mapping[str, Any]) -> None:
    """Say which runs count for nothing, which as far as they came, and how many are to come."""
    runs = hub.store.list_experiment_runs(experiment["run_id"])
    early = runs[runs["counts"] & runs["method"].notna() & (runs["state"] == "done") & runs["stopped"].notna()]
    for row in early.itertuples():
        if numbers.is_missing(row.waits_after_round):
            st.caption(f"{plain(row.method)}, replicate {row.replicate}, ended early: {plain(row.stopped)}")
        else:
            waits = f"waits for a review after round {row.waits_after_round}."
            st.caption(f"{plain(row.method)}, replicate {row.replicate}, {waits}")
    gone = hub.store.list_excluded_runs(experiment["run_id"])
    if len(gone):
        named = "; ".join(f"{plain(row.method)}, replicate {row.replicate}: {row.state}" for row in gone.itertuples())
        why = "".join(f" {plain(error)}" for error in gone["error"].dropna().unique())
        st.warning(f"{numbers.counted(len(gone), 'run')} excluded: {named}.{why}", icon=":material/info:")
    if experiment["n_left"]:
        st.caption(f"{numbers.counted(experiment['n_left'], 'run')} still to come; what is below grows with them.")
