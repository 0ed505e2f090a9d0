"""The archive of quality and diversity: what was grown by skill-set and solve rate, and which cells to fill next."""

import re
from zlib import crc32

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis.archive_grid import Target, find_column, make_grid, measure_course, suggest_targets
from core.analysis.skills import count_skill_sets, count_skills, measure_qd_score
from core.figures.maps import COLUMN_NAMES, draw_archive, draw_course
from core.hub import Hub
from core.selection.solve_rate import find_quality
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.experiment_table import offer_csv
from pages.components.frame import draw_empty, tell_apart
from pages.components.map_picked import grow_from
from pages.components.point_chart import draw_points
from pages.components.text import plain

MOST_SETS = 25
"""Skill-sets that are drawn; the search finds the others."""

COURSES = {"qd_score": "QD-score", "coverage": "Skill-sets", "cells": "Cells filled"}


def draw_archive_view(hub: Hub, seed_set: str) -> None:
    """Draw the archive of a seed set: the grid, what lies in a cell, the course, and the next targets."""
    items = hub.store.list_archive(seed_set)
    grown = items[~items["is_seed"]]
    known = items.dropna(subset=["rate"])
    if known.empty:
        draw_empty(
            "How often the student solves these problems is not known yet: let it answer the seeds, best with the "
            "signal **solve_rate**.", "select_page.py", "Score the seeds",
        )  # fmt: skip
        return
    _say_sources(items, known)
    if not known["is_drawn"].any():
        st.info(
            "One greedy answer a problem is right or wrong, so none has quality. On Select, "
            "score the seeds with the signal **solve_rate**: it draws several answers.",
            icon=":material/info:",
        )
    _draw_totals(grown)
    grid = make_grid(items)
    _draw_grid(grid, items, hub)
    if grown["rate"].notna().any():
        _draw_course(grown)
    _draw_targets(hub, seed_set, items)


def _say_sources(items: pd.DataFrame, known: pd.DataFrame) -> None:
    """Say where skills and solve rates come from, and what is left out."""
    n_named, n_drawn = int(items["has_skills"].sum()), int(known["is_drawn"].sum())
    n_all, n_greedy, n_left = len(items), len(known) - n_drawn, len(items) - len(known)
    said = [f"{numbers.counted(n_all, 'problem')}."]
    if n_named == n_all:
        said.append("Skills: named by a judge.")
    elif n_named:
        said.append(f"Skills: named by a judge for {numbers.count(n_named)}, for the others their type stands in.")
    else:
        said.append("Skills: no judge has named any, so the type of each stands in.")
    ways = [f"the share of several answers that are right, for {numbers.count(n_drawn)}"] if n_drawn else []
    ways += [f"one answer, right or wrong, for {numbers.count(n_greedy)}"] if n_greedy else []
    said.append(f"Solve rate: {'; '.join(ways)}.")
    if n_left:
        said.append(f"Not in the grid: {numbers.count(n_left)} that no student has answered.")
    st.caption(" ".join(said))


def _draw_totals(grown: pd.DataFrame) -> None:
    """Draw how many problems, skill-sets and skills there are, and the QD-score."""
    sets = [tuple(text.split(", ")) if text else () for text in grown["skills"]]
    values = np.nan_to_num(find_quality(grown["rate"].to_numpy(float))).tolist()
    score = f"{measure_qd_score(sets, values):.2f}"
    places = st.columns(4)
    places[0].metric("Problems grown", numbers.count(len(grown)), help="Passed the filters, and nobody rejected them.")
    places[1].metric("Skill-sets", numbers.count(count_skill_sets(sets)), help="Different ones: SPARQ's coverage.")
    places[2].metric("Skills", numbers.count(count_skills(sets)), help="Different ones: SPARQ's DIV.")
    places[3].metric("QD-score", score, help="The best quality of each skill-set, added up (Pugh 2016).")


@st.fragment
def _draw_grid(grid: pd.DataFrame, items: pd.DataFrame, hub: Hub) -> None:
    """Draw the grid with its choices, and the problems of the cell that was clicked."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.segmented_control(
            "Colour", ["fill", "quality"], default="fill", required=True, key="archive_by",
            help="fill: how many problems were grown into a cell; quality: the best of them.",
        )  # fmt: skip
        search = st.text_input("Skill-sets that hold", key="archive_search", width=240).strip()
    counts = grid.assign(n=grid["n_grown"] + grid["n_seeds"]).groupby("skills")["n"].sum()
    if search:
        counts = counts[counts.index.str.contains(re.escape(search), case=False)]
    if counts.empty:
        st.info("No skill-set holds that; search for something else.")
        return
    names = counts.sort_values(ascending=False, kind="stable").index[:MOST_SETS].tolist()
    key = f"archive_grid_{crc32('/'.join(names).encode())}"  # a click is on a row: with other rows it is forgotten
    version = f"{by}/{crc32(grid.to_json().encode())}"
    picked = draw_points(draw_archive(grid, names, by=by, view=key), key=key, version=version, told="archive_cell")
    n_more, n_held = len(counts) - len(names), int(counts.sum() - counts[names].sum())
    others = f" The {numbers.counted(n_more, 'other skill-set')} hold {numbers.counted(n_held, 'problem')}."
    more = others if n_more else ""
    st.caption(f"Click a cell to see its problems.{more}")
    at = picked.get("at") or {}
    if at.get("x") is None or not 0 <= at["y"] < len(names) or not 0 <= at["x"] < len(COLUMN_NAMES):
        return
    skills, column = names[at["y"]], at["x"]
    own = items[(items["skills"] == skills) & (find_column(items["rate"]) == column)]
    with st.container(key="archive_cell"):
        st.markdown(f"**{plain(skills or 'skills unknown')}**, solved in {COLUMN_NAMES[column]} of the answers")
        _draw_problems(hub, own)


def _draw_problems(hub: Hub, own: pd.DataFrame) -> None:
    """Draw the problems of one cell."""
    texts = hub.store.list_questions_of(list(zip(own["source_run"], own["item_id"], strict=True)))
    shown = own.merge(texts, on=["source_run", "item_id"], how="left").sort_values("rate", kind="stable")
    shown["what"] = shown["is_seed"].map({True: "seed", False: "grown"})
    st.dataframe(
        shown[["what", "rate", "question", "run"]],
        hide_index=True,
        height=min(38 + 35 * max(len(shown), 1), 320),
        column_config={
            "rate": st.column_config.NumberColumn("solved", format="percent", width="small"),
            "question": st.column_config.TextColumn("question", width="large"),
        },
    )


def _draw_course(grown: pd.DataFrame) -> None:
    by = st.segmented_control(
        "Over time", list(COURSES), default="qd_score", format_func=COURSES.get, required=True, key="archive_course"
    )
    course = measure_course(grown.assign(run=grown["source_run"]))
    titles = dict(zip(grown["source_run"], grown["run"], strict=True))
    shown = tell_apart(titles, titles.get)
    names = {run: shown(run) for run in titles}
    draw_chart(draw_course(course, names, by=by, view=f"course/{by}"), key="archive_course_chart")
    offer_csv(course, "CSV", "archive-over-time")


def _draw_targets(hub: Hub, seed_set: str, items: pd.DataFrame) -> None:
    """Draw the empty cells that seeds could fill, and a button that grows from these seeds."""
    st.subheader("What to fill next", anchor=False)
    targets = suggest_targets(items)
    if not targets:
        st.caption("Every cell that a seed could fill holds something.")
        return
    st.caption(
        "Cells of some quality that nothing was grown into, with seeds in them or beside them: children tend to "
        "be solved as often as their seed is. Mark those you want."
    )
    event = st.dataframe(
        pd.DataFrame([_describe(target) for target in targets]),
        hide_index=True,
        key="archive_targets",
        on_select="rerun",
        selection_mode="multi-row",
    )
    chosen = [targets[place] for place in event.selection.rows if place < len(targets)] or targets
    ids = list(dict.fromkeys(id_ for target in chosen for id_ in target.seeds))
    if st.button(
        f"Grow from these {numbers.counted(len(ids), 'seed')}", key="grow_targets", icon=":material/auto_awesome:"
    ):
        grow_from(hub, seed_set, ids, "It could fill an empty cell of the archive.")


def _describe(target: Target) -> dict[str, object]:
    return {
        "skill-set": target.skills or "unknown",
        "solved in": COLUMN_NAMES[target.column],
        "quality": round(target.quality, 2),
        "seeds": len(target.seeds),
        "where they lie": "in the cell" if target.is_inside else "beside it",
    }
