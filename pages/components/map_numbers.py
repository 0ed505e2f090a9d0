"""How diverse the seeds are, what was grown, and its parts: one measure drawn, all of them in a table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.sets import MEASURES, MOST_MEMBERS, MOST_PAIRS, MOST_TEXTS, N_EQUAL
from core.figures.colours import NEUTRAL, style_of_method, style_of_selector
from core.figures.maps import CATEGORIES
from core.figures.measures import draw_measure
from core.filters.closeness import LIMIT
from core.hub import Hub
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.experiment_table import offer_csv
from pages.components.frame import choose
from pages.components.map_view import COLOURS
from pages.components.text import plain

MEANINGS = {
    "distance": "Mean of 1 − cosine over pairs of questions: 0 where all mean the same, higher where they differ.",
    "vendi": "How many different things the questions amount to (Friedman 2023): 1 where all mean the same. "
    "It rises with their number: compare sets by the next one.",
    "vendi_equal": f"The Vendi score of {N_EQUAL} questions drawn at random, mean of 50 draws: fit to compare sets.",
    "distinct_1": "Different words as a share of all words. It falls with the number of texts.",
    "distinct_2": "Different pairs of words in a row as a share of all. It falls with the number of texts.",
    "wording": "Mean ROUGE-L F over pairs of questions: how much wording they share; the lower, the more diverse.",
    "near_duplicates": "Share of questions with another one in the same set that shares more than "
    f"{100 * LIMIT:g} % of its wording (ROUGE-L F).",
    "clusters": "Share of the seeds' clusters (k-means on meaning) in which at least one question lies.",
    "clusters_equal": f"Share of the seeds' clusters that {N_EQUAL} questions drawn at random reach.",
    "types": "Share of the seed set's types that occur.",
}
"""Measure -> what it means."""

SHARES = ("near_duplicates", "clusters", "clusters_equal", "types")
MEMBERS = {"seeds": "seeds", "grown": "grown and passed", "kept": "accepted by people"}


def draw_numbers(hub: Hub, drawn: Mapping[str, Any]) -> None:
    """Draw the measures of a map's run.

    Args:
        hub: of the home.
        drawn: the map's run.
    """
    found = hub.store.list_map_measures(drawn["run_id"])
    groupings = [name for name in ("all", *COLOURS) if (found["grouping"] == name).any()]
    with st.container(horizontal=True):
        grouping = choose(
            "Sets", groupings, param="sets", key="numbers_sets", usual="all", width=260,
            shown=lambda name: "Seeds and what was grown" if name == "all" else f"By {COLOURS[name].lower()}",
        )  # fmt: skip
        rows = found[(found["grouping"] == grouping) | ((found["grouping"] == "all") & (found["member"] == "seeds"))]
        known = [name for name in MEASURES if (rows["measure"] == name).any()]
        measure = choose("Measure", known, param="measure", key="numbers_measure", shown=MEASURES.get, width=260)
    rows = rows.assign(name=[_name(hub, row) for row in rows.to_dict("records")])
    names = _order(rows, grouping)
    own = rows[rows["measure"] == measure].set_index("name").reindex(names).dropna(subset=["value"]).reset_index()
    own["colour"] = [_colour(grouping, row["member"], place) for place, row in own.iterrows()]
    share = 100.0 if measure in SHARES else 1.0
    own[["value", "low", "high"]] = own[["value", "low", "high"]].astype(float) * share
    axis = f"{MEASURES[measure]}{', %' if share > 1 else ''}"
    draw_chart(
        draw_measure(own, title=f"{axis}, with 95 % intervals", axis=axis, view=f"{grouping}/{measure}"),
        key="map_measure",
    )
    st.markdown(MEANINGS[measure] + _count_pairs(own, measure))
    table = _tabulate(rows, names, known)
    st.dataframe(table, hide_index=True, height=39 + 35 * len(table))
    is_part = bool(rows["is_sampled"].any())
    part = (
        f" Of larger sets {numbers.count(MOST_TEXTS)} texts were drawn, of many pairs {numbers.count(MOST_PAIRS)}."
        if is_part
        else ""
    )
    is_cut = rows["member"].nunique() > MOST_MEMBERS
    largest = f" The {MOST_MEMBERS} largest of each kind are measured." if is_cut else ""
    st.caption(
        f"As it was {numbers.moment(drawn['ended_at'])}. In brackets 95 %: seeds drawn again with all that grew from "
        f"them; of measures of {N_EQUAL}, where 95 % of the draws lie. Candidates that passed the filters and nobody "
        f"rejected; what people accepted, whatever the filters said of it.{part}{largest}"
    )
    offer_csv(rows.drop(columns=["name"]), "CSV", f"diversity-{drawn['run_id']}")


def _name(hub: Hub, row: Mapping[str, Any]) -> str:
    """Return what people read of a set."""
    if row["grouping"] == "all":
        return MEMBERS[row["member"]]
    if row["grouping"] == "run":
        run = hub.store.read_run(row["member"])
        return f"{run['title'] if run else row['member']} · {row['member'][-4:]}"
    is_taken = row["member"] in MEMBERS.values()  # a type may be called like one of ours
    return f"{row['grouping'] + ' ' if row['grouping'] == 'round' or is_taken else ''}{row['member']}"


def _order(rows: pd.DataFrame, grouping: str) -> list[str]:
    """Return the names of the sets, the seeds first."""
    members = rows.drop_duplicates("name")

    def place(row: Mapping[str, Any]) -> tuple[bool, int, str]:
        order = list(MEMBERS).index(row["member"]) if row["grouping"] == "all" else 0
        return (
            row["grouping"] != "all",
            int(row["member"]) if grouping == "round" and order == 0 and row["grouping"] != "all" else order,
            row["name"],
        )

    return [row["name"] for row in sorted(members.to_dict("records"), key=place)]


def _colour(grouping: str, member: str, place: int) -> str:
    if member == "seeds":
        return NEUTRAL.colour
    known = {"selector": style_of_selector, "method": style_of_method}.get(grouping)
    return known(member).colour if known else CATEGORIES[place % len(CATEGORIES)]


def _count_pairs(own: pd.DataFrame, measure: str) -> str:
    """Return how many pairs of near-duplicates there are."""
    if measure != "near_duplicates":
        return ""
    said = [f"{plain(row['name'])} {numbers.counted(row['n'], 'pair')}" for row in own.to_dict("records")]
    return f" Pairs: {', '.join(said)}."


def _tabulate(rows: pd.DataFrame, names: list[str], known: list[str]) -> pd.DataFrame:
    """Return a table of texts: a row for each measure, a column for each set."""
    cells = {(row["measure"], row["name"]): _say(row) for row in rows.to_dict("records")}
    sizes = rows.drop_duplicates("name").set_index("name")["n_texts"]
    table = {"": ["Texts", *(MEASURES[each] for each in known)]}
    table |= {name: [numbers.count(sizes[name]), *(cells.get((each, name), "–") for each in known)] for name in names}
    return pd.DataFrame(table)


def _say(row: Mapping[str, Any]) -> str:
    share = row["measure"] in SHARES

    def show(value: float) -> str:
        if share:
            return f"{100 * value:.1f}"
        return f"{value:.1f}" if row["measure"].startswith("vendi") else f"{value:.3f}"

    ends = "" if numbers.is_missing(row["low"]) else f" ({show(row['low'])} to {show(row['high'])})"
    return f"{show(row['value'])}{' %' if share else ''}{ends}"
