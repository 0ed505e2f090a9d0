"""What an experiment found: learning curves, data needs and win rates; its other parts stand beside this file."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.learning import choose_baseline, compare_needs, say_multiplier, summarise_curves
from core.analysis.test_sets import keep_set, order_sets, tabulate_tests
from core.analysis.win_rates import measure_win_rates
from core.figures.experiments import draw_learning, draw_win_rates
from core.hub import Hub
from core.recipes.experiment_tables import find_reading, list_differences
from core.runs.folder import STOPPED
from core.teacher.roles import BUILT_IN
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.experiment_choices import draw_choices
from pages.components.experiment_report import offer_report
from pages.components.experiment_steering import draw_steering
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
    if hub.store.read_run(experiment["run_id"])["config"].get("teacher", BUILT_IN) == BUILT_IN:
        note_teacher()
    _draw_part(hub, experiment, tests)


@st.fragment
def _draw_part(hub: Hub, experiment: Mapping[str, Any], tests: pd.DataFrame) -> None:
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
        _draw_curves(tests, experiment)
    else:
        points = keep_set(tests, order_sets(tests["split"].unique())[0])
        {"steering": draw_steering, "choices": draw_choices}[part](hub, experiment, points)


def _draw_curves(tests: pd.DataFrame, experiment: Mapping[str, Any]) -> None:
    with st.container(horizontal=True):
        over = st.segmented_control(
            "Over", list(OVER), default="size", required=True, key="experiment_over", format_func=OVER.get
        )
        chosen = _choose_set(order_sets(tests["split"].unique()))
    points = keep_set(tests, chosen)
    draw_chart(draw_learning(points, over=over, view=f"{experiment['run_id']}/{chosen}"), key="learning")
    curves = summarise_curves(points)
    with st.container(horizontal=True):
        _offer(points, "Points", experiment)
        _offer(curves, "Curves", experiment)
    _draw_differences(points)
    _draw_tests(tests)
    _draw_needs(points)
    _draw_wins(points, curves, experiment)


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


def _draw_differences(points: pd.DataFrame) -> None:
    """Draw how much more accurate each arm is than the baseline, paired by replicate."""
    for table in list_differences(points):
        (_, *names), *rows = table.lines
        st.markdown(f"**{table.caption[0].upper()}{plain(table.caption[1:])}**")
        cells = [[plain(cell) for cell in row] for row in rows]
        st.table(pd.DataFrame(cells, columns=["arm", *names]), hide_index=True, border="horizontal")
        st.caption("Several comparisons at once: one of twenty with p below 0.05 is what no difference looks like.")


def _draw_tests(tests: pd.DataFrame) -> None:
    """Draw how every arm did on each test set, where there is more than one."""
    table = tabulate_tests(tests)
    sets = order_sets(table["split"].unique())
    if len(sets) < 2:
        return
    rows = []
    for method, own in table.groupby("method", sort=True):
        cells = {row["split"]: _say_test(row) for row in own.to_dict("records")}
        told = {plain(NAMES.get(name, name)): cells.get(name, numbers.MISSING) for name in sets}
        rows.append({"arm": plain(str(method)), **told})
    st.markdown("**Every test set, after the last round**")
    st.table(pd.DataFrame(rows), hide_index=True, border="horizontal")
    st.caption("Mean accuracy ± standard error over replicates; in brackets before any training.")


def _say_test(row: Mapping[str, Any]) -> str:
    se = "" if pd.isna(row["se"]) else f" ± {100 * row['se']:.1f}"
    before = "" if pd.isna(row["before"]) else f" ({numbers.percent(row['before'])})"
    return f"{100 * row['accuracy']:.1f}{se}{numbers.SPACE}%{before}"


def _draw_wins(points: pd.DataFrame, curves: pd.DataFrame, experiment: Mapping[str, Any]) -> None:
    """Draw who beats whom: without the arms that read reference answers, then with them (figures 4 and 9)."""
    reading = find_reading(points)
    plain_ones = curves[~curves["method"].isin(reading)]
    sets = {"wins": (plain_ones, "")}
    if reading:
        named = ", ".join(map(plain, sorted(reading)))
        sets["wins_all"] = (curves, f"With what needs reference answers: {named}.")
    for key, (each, title) in sets.items():
        rates = measure_win_rates(each)
        if not rates.meetings.to_numpy().any():
            continue
        if title:
            st.markdown(title)
        draw_chart(draw_win_rates(rates, view=f"{experiment['run_id']}/{key}"), key=key)
        left = f" {numbers.counted(rates.n_left_out, 'point')} with one replicate left out." if rates.n_left_out else ""
        st.caption(
            "A win: its mean less one standard error is above the other's plus one. The last row is how often each was "
            f"beaten: lower is better.{left}"
        )


def _offer(table: pd.DataFrame, name: str, experiment: Mapping[str, Any]) -> None:
    st.download_button(
        f"{name} as CSV",
        lambda: table.to_csv(index=False),
        f"{name.lower()}-{experiment['run_id']}.csv",
        "text/csv",
        key=f"download_{name}",
        icon=":material/download:",
        type="tertiary",
    )


def _draw_excluded(hub: Hub, experiment: Mapping[str, Any]) -> None:
    """Say which runs count for nothing, which as far as they came, and how many are to come."""
    runs = hub.store.list_experiment_runs(experiment["run_id"])
    early = runs[runs["method"].notna() & (runs["state"] == "done") & runs["stopped"].notna()]
    for row in early.itertuples():
        st.caption(f"{plain(row.method)}, replicate {row.replicate}, ended early: {plain(row.stopped)}")
    if experiment["n_failed"]:
        gone = runs[runs["method"].notna() & runs["state"].isin(STOPPED)]
        named = "; ".join(f"{plain(row.method)}, replicate {row.replicate}: {row.state}" for row in gone.itertuples())
        st.warning(f"{numbers.counted(len(gone), 'run')} excluded: {named}.", icon=":material/info:")
    if experiment["n_left"]:
        st.caption(f"{numbers.counted(experiment['n_left'], 'run')} still to come; what is below grows with them.")


def _draw_needs(points: pd.DataFrame) -> None:
    """Draw how much data each method needs beside another one."""
    methods = sorted(points["method"].unique())
    if len(methods) < 2:
        return
    usual = methods.index(choose_baseline(methods))
    baseline = st.selectbox("Compared with", methods, usual, key="experiment_baseline")
    rows = []
    for method in methods:
        need = None if method == baseline else compare_needs(points, method, baseline)
        if need is None:
            continue
        rows.append(
            {
                "arm": plain(method),
                "accuracy both reach": numbers.percent(need.accuracy),
                "its data": numbers.count(round(need.method_size)),
                f"data of {plain(baseline)}": numbers.count(round(need.baseline_size)),
                "share": numbers.MISSING if need.share is None else numbers.percent(need.share),
                "95 %": _say_ends(need.low, need.high),
                "multiplier": say_multiplier(need),
            }
        )
    if rows:
        st.markdown("**Data needed for the same accuracy**")
        st.table(pd.DataFrame(rows), hide_index=True, border="horizontal")
        st.caption(
            "Mean curves, straight between points; the interval draws replicates. Below 100 %: it needs less. "
            f"Multiplier: how many times its data {plain(baseline)} needs."
        )


def _say_ends(low: float | None, high: float | None) -> str:
    """Return the interval of a share; one without an upper end says so, as where the baseline needs no data at all."""
    if low is None or math.isinf(low):
        return numbers.MISSING
    return f"{numbers.percent(low)} or more" if math.isinf(high) else numbers.interval(low, high)
