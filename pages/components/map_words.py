"""How far the words of any two sets are from each other, which make it so, and how far they moved over the rounds."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis.token_counts import TokenCounts
from core.analysis.token_shift import AT_RANDOM
from core.figures.colours import NEUTRAL, style_of_selector
from core.figures.experiment_choices import draw_shifted, draw_shifts
from core.hub import Hub
from core.recipes.mapping import GROUPINGS, read_tokens
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.experiment_table import offer_csv
from pages.components.frame import choose
from pages.components.map_view import COLOURS
from pages.components.text import plain

N_TOKENS, N_EXAMPLES = 20, 3
AROUND = 70
"""Characters of an example on either side of the token."""

SEEDS, GROWN, KEPT = "all/seeds", "all/grown", "all/kept"
WORDS = {SEEDS: "the seeds", GROWN: "all that was grown and passed", KEPT: "what people accepted"}


def draw_words(hub: Hub, drawn: Mapping[str, Any]) -> None:
    """Draw the distance of two sets that a person chooses, and the course over rounds.

    Args:
        hub: of the home.
        drawn: the map's run.
    """
    points = hub.store.list_map_points(drawn["run_id"])
    sets = list_sets(points)
    names = list(sets)
    with st.container(horizontal=True):
        first = choose(
            "First set",
            names,
            param="first",
            key="words_first",
            usual=names[0],
            shown=lambda name: name_part(name, sets),
        )
        others = [name for name in names if name != first]
        if not others:
            st.info("Nothing was grown from these seeds yet, so there is nothing to hold them against.")
            return
        usual = GROWN if GROWN in others else others[0]
        second = choose(
            "Second set", others, param="second", key="words_second", usual=usual,
            shown=lambda name: name_part(name, sets),
        )  # fmt: skip
    counts = _read(hub.settings.home, drawn["run_id"])
    _draw_distance(counts, sets, first, second)
    _draw_tokens(hub, drawn, counts, sets, first, second)
    _draw_rounds(hub, drawn)


def list_sets(points: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return name of a set -> its rows: seeds, what was grown, and its parts where there are several.

    Args:
        points: of ``store.list_map_points``.
    """
    is_grown = ((points["verdict"] == "passed") & ~points["review"].isin(["rejected", "in the trash"])).to_numpy()
    found = {
        SEEDS: np.flatnonzero(points["source"] == "seed"),
        GROWN: np.flatnonzero(is_grown),
        KEPT: np.flatnonzero(points["review"].isin(["accepted", "edited"])),
    }
    for part in GROUPINGS:
        values = points.loc[is_grown, part].dropna().unique().tolist()
        if len(values) > 1:
            for value in sorted(values, key=lambda name: (int(name) if part == "round" else 0, name)):
                found[f"{part}/{value}"] = np.flatnonzero(is_grown & (points[part] == value).to_numpy())
    return {name: rows for name, rows in found.items() if len(rows)}


def name_part(name: str, sets: Mapping[str, np.ndarray]) -> str:
    """Return what people read of a set: with how many texts it has."""
    part, _, value = name.partition("/")
    said = WORDS.get(name) or f"{COLOURS[part].lower()} {value}"
    return f"{said} ({numbers.count(len(sets[name]))})"


@st.cache_resource(max_entries=4, show_spinner=False)
def _read(home: Path, map_run: str) -> TokenCounts:
    return read_tokens(home, map_run)


def _draw_distance(counts: TokenCounts, sets: Mapping[str, np.ndarray], first: str, second: str) -> None:
    """Say how far the two sets are from each other, and what that is beside two halves of one of them."""
    value = counts.measure(sets[first], sets[second])
    null = counts.find_null(sets[first], len(sets[second]))
    equal = null and counts.measure_equal(sets[first], sets[second], null.n)
    left, middle, right = st.columns(3)
    left.metric(
        "Total variation distance",
        "–" if value is None else f"{value:.3f}",
        help="Half the sum of the differences of the tokens' shares: 0 with the same shares, 1 with none in common.",
    )
    if null is None or equal is None:
        st.caption("The first set is too small to be split in two, so nothing says what no difference would look like.")
        return
    n = numbers.count(null.n)
    middle.metric(
        f"{n} against {n}: the two sets",
        f"{equal:.3f}",
        help="As many texts drawn at random from each set, mean of 200 draws: small sets lie farther apart, so only "
        "sets of one size compare.",
    )
    right.metric(
        f"{n} against {n}: halves of the first",
        f"{null.mean:.3f}",
        help="The first set split in two at random, mean of 200 splits: what no difference looks like at this size.",
    )
    halves = f"two halves of the first set by {null.mean:.3f} ({null.low:.3f} to {null.high:.3f} in 95 % of the splits)"
    if equal > null.high:
        said = f"**The words differ**: at equal size by {equal:.3f}, {halves}."
    else:
        said = f"**No difference can be told**: at equal size they differ by {equal:.3f}, {halves}."
    st.markdown(said)


def _draw_tokens(
    hub: Hub,
    drawn: Mapping[str, Any],
    counts: TokenCounts,
    sets: Mapping[str, np.ndarray],
    first: str,
    second: str,
) -> None:
    """Draw the tokens that contribute most, and examples of one of them."""
    has_words = drawn["summary"]["embedder"] is not None  # in puzzles of numbers these are what there is
    is_short = st.checkbox(
        "Leave out numbers and signs", value=has_words, key=f"words_only_{has_words}",
        help="Of what is listed below; the distance above is of all tokens.",
    )  # fmt: skip
    tokens = counts.list_shifted(sets[first], sets[second], N_TOKENS, has_signs=not is_short)
    if tokens.empty:
        st.caption("No word's share differs.")
        return
    names = tuple(name_part(name, sets) for name in (first, second))
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        draw_chart(draw_shifted(tokens, view=f"{drawn['run_id']}/{first}/{second}", names=names), key="map_shifted")
        offer_csv(tokens, "CSV", f"words-{first}-{second}")
    with right:
        token = st.selectbox("Examples of the token", tokens["token"].tolist(), key="words_token")
        for name in (second, first) if _is_more(tokens, token) else (first, second):
            rows = counts.list_rows_with(token, sets[name], N_EXAMPLES)
            st.markdown(f"**{plain(name_part(name, sets))}**")
            texts = hub.store.list_point_texts(drawn["run_id"], rows.tolist())
            for row in texts.to_dict("records"):
                st.markdown(f"- {_mark(token, row['question'], row['answer'])}")
            if not len(rows):
                st.caption("It stands in none of them.")


def _is_more(tokens: pd.DataFrame, token: str) -> bool:
    return bool((tokens.loc[tokens["token"] == token, "part"] > 0).any())


def _mark(token: str, question: str | None, answer: str | None) -> str:
    """Return the place of a token in a text, the token in bold, as Markdown that shows nothing else."""
    text = " ".join(f"{question or ''} {answer or ''}".split())
    edge = r"\b" if token.isalnum() else ""
    found = re.search(rf"{edge}{re.escape(token)}{edge}", text, re.IGNORECASE)
    if found is None:
        return plain(text[: 2 * AROUND])
    at, end = found.span()
    before, after = text[max(0, at - AROUND) : at], text[end : end + AROUND]
    dots = ("… " if at > AROUND else "", " …" if end + AROUND < len(text) else "")
    return f"{dots[0]}{plain(before)} **{plain(text[at:end])}** {plain(after)}{dots[1]}"


def _draw_rounds(hub: Hub, drawn: Mapping[str, Any]) -> None:
    """Draw how far the words of all rounds so far were from the seeds' (figure 12)."""
    shifts = hub.store.list_map_shifts(drawn["run_id"])
    if shifts.empty:
        return
    styles = {name: NEUTRAL if name == AT_RANDOM else style_of_selector(name) for name in shifts["method"].unique()}
    draw_chart(draw_shifts(shifts, styles, view=drawn["run_id"]), key="map_shifts")
    st.caption(
        "All that was accepted so far, after each round, by the selector of its seeds; band: standard error over runs. "
        f"A small set lies far from a large one by its size alone: “{AT_RANDOM}” says how far."
    )
    offer_csv(shifts, "CSV", f"word-distances-{drawn['run_id']}")
