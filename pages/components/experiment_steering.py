"""Whether what an experiment's arms asked for is what came: scores of children beside those of their seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.steering import correlate_ranks, is_right_or_wrong, measure_gap, order_right, take_middles
from core.figures.colours import NEUTRAL, Style
from core.figures.experiment_steering import (
    CUMULATIVE,
    GAPS,
    draw_cumulative,
    draw_gaps,
    draw_pairs,
    draw_sets,
)
from core.figures.experiments import find_styles
from core.hub import Hub
from core.recipes.check_tables import find_in_checks, list_checks
from core.recipes.experiment_tables import Table
from core.recipes.steerability import KIND as CHECK
from core.recipes.steering_tables import find_random, keep_student, list_steering, order_arms, say_correlation
from core.runs.folder import RunFolder
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.experiment_table import draw_table
from pages.components.text import plain

NOTHING = "Nothing is there yet: a score of children and of their seeds comes with an arm's first round."

MOST_PAIRS = 4_000
"""Pairs that go to the browser; the numbers beside them are of all."""


def draw_steering(hub: Hub, experiment: Mapping[str, Any], points: pd.DataFrame) -> None:
    """Draw whether the children resemble their seeds, in the eyes of the student that chose them."""
    _draw_checks(hub, experiment)
    found = points[["run_id", "method", "replicate"]].drop_duplicates()
    if not (signals := hub.store.list_paired_signals(found["run_id"].tolist())):
        st.info(NOTHING)
        return
    signal = st.segmented_control("Score", signals, default=signals[0], required=True, key="experiment_signal")
    about = (experiment["run_id"], len(points))
    rows = _read_pairs(*about, signal, None, hub, found["run_id"].tolist()).merge(found, on="run_id")
    if rows.empty:
        st.info(NOTHING)
        return
    for table in _tabulate(experiment["run_id"], len(points), signal, rows, points):
        draw_table(table, experiment["run_id"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = _choose("Round", sorted(int(each) for each in rows["round"].unique()), "experiment_round")
        rows, arms = rows[rows["round"] == number], order_arms(rows["method"].unique(), find_random(points))
        arm = st.selectbox("Arm", arms, key="experiment_arm", width=260)
        own = rows[rows["method"] == arm]
        replicate = _choose("Replicate", sorted(int(each) for each in own["replicate"].unique()), "steering_replicate")
    styles, view = find_styles(points), f"{experiment['run_id']}-{number}"
    _draw_scores(keep_student(rows, points, arm), signal, styles, view, arm=arm, replicate=replicate)
    right = _read_pairs(*about, "correct", number, hub, found["run_id"].tolist()).merge(found, on="run_id")
    pairs = rows if signal == "correct" else pd.concat([rows, right], ignore_index=True)
    _draw_order(pairs, signal, styles, view, arm=arm)


def _draw_checks(hub: Hub, experiment: Mapping[str, Any]) -> None:
    """Draw what the experiment's finished checks of steerability found; nothing where there is none."""
    runs = hub.store.list_experiment_runs(experiment["run_id"])
    is_check = runs["counts"] & (runs["kind"] == CHECK) & (runs["state"] == "done")
    done = runs[is_check].sort_values(["method", "replicate"])
    for table in _tabulate_checks([str(hub.settings.home / "runs" / id_) for id_ in done["run_id"]]):
        draw_table(table, experiment["run_id"])
    for row in done.to_dict("records"):
        label = plain(f"See {row['method']}, replicate {row['replicate']}")
        st.page_link("steerability_page.py", label=label, query_params={"run": row["run_id"]}, icon=":material/tune:")


@st.cache_data(max_entries=8, show_spinner="Reading the checks")
def _tabulate_checks(folders: list[str]) -> list[Table]:
    """Look at finished checks once for all clicks: what is done does not change."""
    return list(list_checks(find_in_checks([RunFolder(Path(folder)) for folder in folders])))


@st.cache_data(max_entries=8, show_spinner=False)
def _read_pairs(
    experiment_id: str, n_points: int, signal: str, round_: int | None, _hub: Hub, _run_ids: list[str]
) -> pd.DataFrame:
    """Read one score of a round, or of all, once for all clicks: more come only with another point."""
    return _hub.store.list_score_pairs(_run_ids, [signal], round_)


@st.cache_data(max_entries=12, show_spinner=False)
def _tabulate(
    experiment_id: str, n_points: int, signal: str, _pairs: pd.DataFrame, _points: pd.DataFrame
) -> list[Table]:
    """Correlate once for all clicks."""
    return list(list_steering(_pairs, _points))


def _choose(label: str, options: Sequence[int], key: str) -> int:
    """Return what is chosen of some numbers; with one there is nothing to choose."""
    if len(options) == 1:
        return options[0]
    return st.segmented_control(label, options, default=options[0], required=True, key=key)


def _draw_scores(
    rows: pd.DataFrame, signal: str, styles: Mapping[str, Style], view: str, *, arm: str, replicate: int
) -> None:
    """Draw every arm's data of a round as a point, and the pairs of one arm in one replicate: those of one student."""
    own = rows[(rows["method"] == arm) & (rows["replicate"] == replicate)]
    ranks = correlate_ranks(own["before"], own["after"])
    shown = own if len(own) <= MOST_PAIRS else own.sample(MOST_PAIRS, random_state=0)
    left, right = st.columns(2, gap="large")
    with left:
        middles, is_share = take_middles(rows, ["method", "replicate"]), is_right_or_wrong(rows)
        draw_chart(draw_sets(middles, signal, styles, is_share=is_share, view=view), key="sets")
        st.caption("A point for each replicate of an arm.")
    with right:
        style = styles.get(arm, NEUTRAL)
        draw_chart(draw_pairs(shown, ranks, signal, style, name=arm, view=f"{view}/{arm}/{replicate}"), key="pairs")
        drawn = f" {numbers.count(len(shown))} of them are drawn." if len(shown) < len(own) else ""
        st.caption(plain(f"{arm}, replicate {replicate}: {say_correlation(ranks)}.{drawn}"))


def _draw_order(pairs: pd.DataFrame, signal: str, styles: Mapping[str, Style], view: str, *, arm: str) -> None:
    """Draw right answers so far in the order of the seeds' scores: of one arm, and against random order of all."""
    curves = order_right(pairs, signal)
    if not curves:
        st.caption(
            f"Of no child both its seed's {signal.replace('_', ' ')} and whether it is answered rightly is known."
        )
        return
    left, right = st.columns(2, gap="large")
    with left:
        if arm in curves:
            draw_chart(draw_cumulative({arm: curves[arm]}, styles, signal, view=f"{view}/{arm}"), key="cumulative")
            st.caption(CUMULATIVE)
    with right:
        gaps = {name: measure_gap(own) for name, own in curves.items()}
        draw_chart(draw_gaps(gaps, styles, signal, view=view), key="gaps")
        st.caption(GAPS)
