"""What an experiment found: learning curves, data needs, win rates, and whether what was asked for is what came."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.learning import choose_baseline, compare_needs, say_multiplier, summarise_curves
from core.analysis.steering import (
    Agreement,
    Correlation,
    accumulate_right,
    correlate_ranks,
    correlate_within,
    measure_gap,
    take_medians,
)
from core.analysis.win_rates import measure_win_rates
from core.figures.colours import Style
from core.figures.experiments import draw_gaps, draw_learning, draw_pairs, draw_win_rates, find_styles
from core.hub import Hub
from core.runs.folder import STOPPED
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.frame import note_teacher
from pages.components.text import plain

OVER = {"size": "data", "n_tokens": "the teacher's tokens"}
MOST_PAIRS = 4_000
"""Pairs that go to the browser; the numbers beside them are of all."""


def draw_compare(hub: Hub, experiment: Mapping[str, Any]) -> None:
    """Draw everything that an experiment has brought so far."""
    points = hub.store.list_experiment_points(experiment["run_id"])
    _draw_excluded(hub, experiment)
    if points.empty:
        st.info("Nothing was evaluated yet; the curves begin with the student before any training.")
        return
    note_teacher()
    over = st.segmented_control(
        "Over", list(OVER), default="size", required=True, key="experiment_over", format_func=OVER.get
    )
    draw_chart(draw_learning(points, over=over, view=experiment["run_id"]), key="learning")
    curves = summarise_curves(points)
    with st.container(horizontal=True):
        _offer(points, "Points", experiment)
        _offer(curves, "Curves", experiment)
    _draw_needs(points)
    rates = measure_win_rates(curves)
    if rates.meetings.to_numpy().any():
        draw_chart(draw_win_rates(rates, view=experiment["run_id"]), key="wins")
        left = f" {numbers.counted(rates.n_left_out, 'point')} with one replicate left out." if rates.n_left_out else ""
        st.caption(
            "A win: its mean less one standard error is above the other's plus one. The last row is how often each was "
            f"beaten: lower is better.{left}"
        )
    _draw_steering(hub, experiment, points)


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
    """Say which runs count for nothing, and how many are to come."""
    if experiment["n_failed"]:
        runs = hub.store.list_experiment_runs(experiment["run_id"])
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
                "arm": method,
                "accuracy both reach": numbers.percent(need.accuracy),
                "its data": numbers.count(round(need.method_size)),
                f"data of {baseline}": numbers.count(round(need.baseline_size)),
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


def _draw_steering(hub: Hub, experiment: Mapping[str, Any], points: pd.DataFrame) -> None:
    """Draw whether the children resemble their seeds, in the eyes of the student that chose them."""
    found = points[["run_id", "method", "replicate"]].drop_duplicates()
    pairs = hub.store.list_score_pairs(found["run_id"].tolist()).merge(found, on="run_id")
    if pairs.empty:
        return
    st.subheader("Was it what was asked for?", anchor=False)
    signals = sorted(pairs["signal"].unique(), key=lambda name: (name != "loss", name))
    signal = st.segmented_control("Score", signals, default=signals[0], required=True, key="experiment_signal")
    by = ["method", "replicate", "round"]
    rows, styles = pairs[pairs["signal"] == signal], find_styles(points)
    medians = take_medians(rows, by)
    st.markdown(
        f"Seeds and their children within a round: {_say_within(correlate_within(rows, by))}  \n"
        f"Medians of each round's data: {_say(correlate_ranks(medians['before'], medians['after']))}"
    )
    rounds = sorted(int(number) for number in pairs["round"].unique())
    round_ = rounds[0]
    if len(rounds) > 1:
        round_ = st.segmented_control("Round", rounds, default=round_, required=True, key="experiment_round")
    _draw_round(pairs[pairs["round"] == round_], signal, styles, f"{experiment['run_id']}-{round_}")


def _draw_round(pairs: pd.DataFrame, signal: str, styles: Mapping[str, Style], view: str) -> None:
    """Draw one round's pairs, and how much harder the children of hard seeds are; each round has its own students."""
    rows = pairs[pairs["signal"] == signal]
    shown = rows if len(rows) <= MOST_PAIRS else rows.sample(MOST_PAIRS, random_state=0)
    left, right = st.columns(2, gap="large")
    with left:
        draw_chart(
            draw_pairs(shown, correlate_ranks(rows["before"], rows["after"]), signal, styles, view=view), key="pairs"
        )
        if len(shown) < len(rows):
            st.caption(
                f"{numbers.count(len(shown))} of {numbers.counted(len(rows), 'pair')} drawn; the line is of all."
            )
    with right:
        if gaps := _measure_gaps(pairs):
            draw_chart(draw_gaps(gaps, styles, view=view), key="gaps")
            st.caption(
                "Children ordered by their seeds' loss, the highest first. Above 0: what came of them is harder."
            )


def _say_within(found: Agreement) -> str:
    """Return the mean rank correlation within data sets, with its standard error."""
    if found.rho is None:
        return "no rank correlation can be told."
    se = "" if found.se is None else f" ± {found.se:.2f}"
    sets = numbers.counted(found.n_sets, "round")
    return f"**ρ {found.rho:.2f}**{se} over {sets} of all arms and replicates: {_say_strength(found.rho)}."


def _say_strength(rho: float) -> str:
    strength = "weak" if abs(rho) < 0.3 else "moderate" if abs(rho) < 0.6 else "strong"
    return f"{strength}, {'high stays high' if rho > 0 else 'high becomes low'}"


def _say(found: Correlation) -> str:
    """Return a rank correlation in words with its uncertainty."""
    if found.low is None:
        return f"no rank correlation can be told of {numbers.counted(found.n, 'pair')}."
    ends = f"95 % {found.low:.2f} to {found.high:.2f}"
    return f"**ρ {found.rho:.2f}** ({ends}) of {numbers.counted(found.n, 'pair')}: {_say_strength(found.rho)}."


def _measure_gaps(pairs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return method -> how much harder one round's data is when ordered by the seeds' loss, over replicates."""
    keys = ["method", "replicate", "candidate_id"]
    losses = pairs[pairs["signal"] == "loss"][[*keys, "before"]]
    right = pairs[pairs["signal"] == "correct"][[*keys, "after"]]
    joined = losses.merge(right, on=keys).dropna()
    found = {}
    for method, rows in joined.groupby("method"):
        curves = [
            accumulate_right(own["before"], own["after"] > 0.5, is_high_first=True)
            for _, own in rows.groupby("replicate")
        ]
        found[str(method)] = measure_gap(curves)
    return found
