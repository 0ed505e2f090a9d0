"""Whether what an experiment's arms asked for is what came: scores of children beside those of their seeds."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.steering import (
    Agreement,
    Correlation,
    correlate_ranks,
    correlate_within,
    measure_gaps,
    take_medians,
)
from core.figures.colours import Style
from core.figures.experiment_steering import draw_gaps, draw_pairs
from core.figures.experiments import find_styles
from core.hub import Hub
from pages.components import numbers
from pages.components.chart import draw_chart

MOST_PAIRS = 4_000
"""Pairs that go to the browser; the numbers beside them are of all."""


def draw_steering(hub: Hub, experiment: Mapping[str, Any], points: pd.DataFrame) -> None:
    """Draw whether the children resemble their seeds, in the eyes of the student that chose them."""
    found = points[["run_id", "method", "replicate"]].drop_duplicates()
    pairs = _read_pairs(experiment["run_id"], len(points), hub, found["run_id"].tolist()).merge(found, on="run_id")
    if pairs.empty:
        st.info("Nothing is there yet: a score of children and of their seeds comes with an arm's first round.")
        return
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


@st.cache_data(max_entries=4, show_spinner=False)
def _read_pairs(experiment_id: str, n_points: int, _hub: Hub, _run_ids: list[str]) -> pd.DataFrame:
    """Read the scores of an experiment once for all clicks: more come only with another point."""
    return _hub.store.list_score_pairs(_run_ids)


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
        if gaps := measure_gaps(pairs):
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
