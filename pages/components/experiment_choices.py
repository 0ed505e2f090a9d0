"""How an experiment's arms chose: the ablation, the scores of the chosen seeds, and how far the words have moved."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.design_choices import tabulate_designs
from core.analysis.token_shift import AT_RANDOM, MOST_TEXTS, count_tokens, draw_at_random, list_shifted, measure_shifts
from core.figures.experiment_choices import draw_designs, draw_shifted, draw_shifts
from core.figures.experiments import find_styles
from core.figures.histograms import Group, draw_signal
from core.filters.tokens import split_tokens
from core.hub import Hub
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.experiment_table import offer_csv
from pages.components.text import plain

MOST_GROUPS = 3
"""Outlines over one another that can still be told apart."""


def draw_choices(hub: Hub, experiment: Mapping[str, Any], points: pd.DataFrame) -> None:
    """Draw what can be said of how the arms chose their seeds, and of the words that came of it."""
    styles, view = find_styles(points), experiment["run_id"]
    designs = tabulate_designs(points)
    if not designs.empty:
        draw_chart(draw_designs(designs, styles, view=view), key="designs")
        st.caption(
            "own: the student's own answer is scored; reference: the reference answer. At the last size that all have."
        )
        offer_csv(designs, "CSV", f"designs-{view}")
    choosing = points[points["selector"].notna() & (points["round"] > 0)]
    if choosing.empty:
        st.info("No arm of this experiment has chosen seeds by a selector yet, so there are no choices to compare.")
    else:
        _draw_scores(hub, choosing, styles, view)
    _draw_words(hub, experiment, points, styles)


def _draw_scores(hub: Hub, points: pd.DataFrame, styles: Mapping[str, Any], view: str) -> None:
    """Draw the scores of the seeds that arms chose first, over those of the whole seed set (figure 14)."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        points = _choose_student(points)
        selectors = points.drop_duplicates("method").set_index("method")["selector"].sort_index()
        by_score = [name for name, selector in selectors.items() if selector.startswith(("loss", "reward"))]
        usual = (by_score or selectors.index.tolist())[:MOST_GROUPS]
        chosen = st.pills(
            f"Seeds chosen by (up to {MOST_GROUPS})",
            selectors.index,
            selection_mode="multi",
            default=usual,
            key=f"choices_arms_{points['student'].iloc[0]}",
            format_func=plain,
        )
        signals = ["loss", "reward", "judge"]
        signal = st.segmented_control("Score", signals, default="loss", required=True, key="choices_signal")
    if not chosen:
        st.caption("Take at least one arm.")
        return
    replicate, runs = find_common(points, chosen[:MOST_GROUPS])
    if replicate is None:
        st.info("These arms have no replicate in common yet, so their seeds are of different draws; take other arms.")
        return
    scores = hub.store.list_chosen_scores(list(runs.values()), signal).dropna(subset=["value"])
    scored = [name for name, run in runs.items() if (scores["run_id"] == run).any()]
    if not scored:
        st.info(f"None of these arms knew the {signal} of its seeds; take another score or another arm.")
        return
    pool = scores[scores["run_id"] == runs[scored[0]]]["value"].to_numpy(float)
    groups = []
    for name in scored:
        own = scores[(scores["run_id"] == runs[name]) & scores["is_chosen"]]
        groups.append(Group(escape(name), own["value"].to_numpy(float), styles[name]))
    title = f"{signal.capitalize()} of the seeds chosen in round 1, over that of all seeds"
    draw_chart(draw_signal(pool, groups, title=title, axis=signal, view=f"{view}/{signal}"), key="choices_scores")
    unscored = [plain(name) for name in runs if name not in scored]
    left_out = f" Not known: the {signal} of the seeds of {', '.join(unscored)}." if unscored else ""
    st.caption(f"Replicate {replicate}, in the eyes of the student before any training.{left_out}")
    told = scores.assign(method=scores["run_id"].map({run: name for name, run in runs.items()}))
    offer_csv(told[["method", "problem_id", "value", "is_chosen"]], "CSV", f"{signal}-of-seeds-{view}")


def _choose_student(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points of the student that is looked at: each has a score of its own for every seed."""
    students = sorted(points["student"].unique())
    if len(students) == 1:
        return points
    student = st.selectbox("Student", students, key="choices_student", width=280)
    return points[points["student"] == student]


def find_common(points: pd.DataFrame, arms: Sequence[str]) -> tuple[int | None, dict[str, str]]:
    """Return the first replicate that all arms have, and each arm's run of it; None where they have none in common.

    Args:
        points: of the learning curves, with run_id.
        arms: names, at least one.
    """
    runs = points[points["method"].isin(arms)].drop_duplicates(["method", "replicate"])
    times = runs["replicate"].value_counts()
    common = times.index[times == len(arms)]
    if common.empty:
        return None, {}
    first = runs[runs["replicate"] == common.min()].set_index("method")["run_id"]
    return int(common.min()), {name: first[name] for name in arms}


def _draw_words(hub: Hub, experiment: Mapping[str, Any], points: pd.DataFrame, styles: Mapping[str, Any]) -> None:
    """Draw how far each arm's data is from the seed set in its words, and which words make it so (figure 12)."""
    seeds = hub.store.list_seed_texts(experiment["seed_set_id"])
    about = points[["run_id", "method", "replicate"]].drop_duplicates()
    most = max(MOST_TEXTS // max(len(points[points["round"] > 0]), 1), 1)
    texts = hub.store.list_grown_texts(about["run_id"].tolist(), most).merge(about, on="run_id")
    if texts.empty or not seeds:
        return
    shifts = _measure(experiment["run_id"], len(texts), seeds, texts)
    draw_chart(draw_shifts(shifts, styles, view=experiment["run_id"]), key="shifts")
    is_part = texts.groupby(["run_id", "round"]).size().max() == most
    part = f" Of each round at most {numbers.count(most)} children, taken by their ids." if is_part else ""
    st.caption(
        f"Words, numbers and signs of questions and answers: {numbers.counted(len(seeds), 'seed')} against all that an "
        "arm has accepted so far; 0: the same shares, 1: none in common. Band: standard error over replicates. A small "
        f"set lies far from a large one by its size alone: “{AT_RANDOM}” says how far.{part}"
    )
    offer_csv(shifts, "CSV", f"word-distances-{experiment['run_id']}")
    methods = sorted(texts["method"].unique())
    method = st.selectbox("Tokens of", methods, key="choices_tokens")
    tokens = list_shifted(
        count_tokens(seeds, split_tokens), count_tokens(texts[texts["method"] == method]["text"], split_tokens), n=16
    )
    draw_chart(draw_shifted(tokens, view=f"{experiment['run_id']}/{method}"), key="shifted")
    offer_csv(tokens, "CSV", f"words-of-{method}-{experiment['run_id']}")


@st.cache_data(max_entries=8, show_spinner="Counting the words of all children")
def _measure(experiment: str, n: int, _seeds: list[str], _texts: pd.DataFrame) -> pd.DataFrame:
    texts = _texts[["method", "replicate", "round", "text"]]
    return measure_shifts(_seeds, pd.concat([texts, draw_at_random(_seeds, texts)], ignore_index=True), split_tokens)
