"""The map: points by meaning, coloured by what is known of them; an area to act on, a point to read."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures.maps import draw_map
from core.hub import Hub
from core.maps.near import lie_inside
from core.recipes.mapping import GONE
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.frame import choose
from pages.components.map_picked import draw_inside, draw_point
from pages.components.point_chart import draw_points, read_area

MOST_DRAWN = 50_000
"""Points in the browser; what is marked is looked for among all."""

MARKS = (
    "Rings are seeds, discs what was grown. Draw a line around points to act on them (by touch: after a press on the "
    "lasso), or click one; two clicks on the map let them go."
)
SHOWN_CHARACTERS = 160
"""Of a question beside the pointer."""

COLOURS = {
    "source": "Seed or grown", "round": "Round", "selector": "Selector", "method": "Prompting method", "type": "Type",
    "level": "Level", "verdict": "What the filters said", "review": "What people said", "run": "Run",
}  # fmt: skip


@st.fragment
def draw_map_view(hub: Hub, drawn: Mapping[str, Any]) -> None:
    """Draw the map, and below it what was picked.

    Args:
        hub: of the home.
        drawn: the map's run.
    """
    points = hub.store.list_map_points(drawn["run_id"])
    if points.empty:
        st.info(GONE, icon=":material/info:")
        return
    by, colour, is_lit = _choose_colour(hub, drawn["run_id"], points)
    rows = _draw_sample(len(points))
    key = f"map_{drawn['run_id']}"
    figure, traces = draw_map(
        points.iloc[rows], colour.iloc[rows], is_lit[rows], by=by, title=_title(drawn, points), view=key
    )
    st.caption(" · ".join([*_say_limits(drawn, len(rows)), MARKS]))
    shade = int(pd.util.hash_pandas_object(colour).sum() % (1 << 53)) ^ int(np.flatnonzero(is_lit).sum())
    picked = draw_points(
        figure,
        key=key,
        version=f"{key}/{by}/{shade}",
        told="map_point",
        rows=traces,
        texts=_list_texts(hub, drawn["run_id"], rows),
    )
    area = read_area(picked)
    if area is not None:
        draw_inside(hub, drawn, points[lie_inside(points[["x", "y"]].to_numpy(float), area)], area)
    at = (picked.get("at") or {}).get("row")
    if at is not None and 0 <= at < len(rows):
        with show_errors():
            draw_point(hub, drawn, points.iloc[rows[at]])
    elif area is None:
        st.caption("Nothing is marked.")


def _choose_colour(hub: Hub, map_run: str, points: pd.DataFrame) -> tuple[str, pd.Series, np.ndarray]:
    """Return what points are coloured by, its values, and which points have their colour."""
    kinds = [name for name in COLOURS if points[name].nunique() > (name not in ("review", "verdict"))]
    scores = hub.store.list_map_scores(map_run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = choose(
            "Colour",
            [*kinds, *scores],
            param="colour",
            key="map_colour",
            usual=kinds[0] if kinds else None,
            shown=lambda name: COLOURS.get(name, f"Score: {name}"),
            width=240,
        )
        if by in scores:
            told = hub.store.list_point_scores(map_run, by).set_index("position")["value"]
            colour = points["position"].map(told).astype(float)
            n = int(colour.notna().sum())
            st.caption(f"Known of {numbers.count(n)} of {numbers.count(len(points))}; the others are grey.")
            return by, colour, np.ones(len(points), bool)
        colour = points[by].astype(object).where(points[by].notna(), None)
        counts = colour.value_counts()
        lit = st.multiselect(
            "Only these in colour",
            counts.index.tolist(),
            key=f"map_lit_{by}",
            placeholder="all",
            format_func=lambda name: f"{name} ({numbers.count(counts.get(name, 0))})",
            persist_state="session",
        )
    return by, colour, np.ones(len(points), bool) if not lit else colour.isin(lit).to_numpy()


def _draw_sample(n: int) -> np.ndarray:
    """Return the rows that go to the browser: all, or as many as it takes, the same ones every time."""
    if n <= MOST_DRAWN:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, MOST_DRAWN, replace=False))


def _title(drawn: Mapping[str, Any], points: pd.DataFrame) -> str:
    n_seeds = int((points["source"] == "seed").sum())
    parts = numbers.counted(n_seeds, "seed"), numbers.counted(len(points) - n_seeds, "grown problem")
    return f"{' and '.join(parts)} by what they mean ({drawn['summary']['projection'].upper()})"


def _say_limits(drawn: Mapping[str, Any], n_drawn: int) -> list[str]:
    """Return what a reader must know of how the map was made, and how many of its points are there."""
    summary = drawn["summary"]
    said = []
    if n_drawn < summary["n_points"]:
        said.append(f"{numbers.count(n_drawn)} of {numbers.count(summary['n_points'])} points, drawn at random")
    if summary["n_all"] > summary["n_points"]:
        said.append(f"made of {numbers.count(summary['n_points'])} of {numbers.count(summary['n_all'])} texts")
    if summary["n_placed"]:
        said.append(f"{numbers.count(summary['n_placed'])} were placed into it later")
    if summary["fault"]:
        said.append(f"laid out by {summary['projection'].upper()}: {summary['fault']}")
    if summary["embedder"] is None:
        said.append("this task's questions are no sentences, so nearness says little")
    return said


def _list_texts(hub: Hub, map_run: str, rows: np.ndarray) -> list[str]:
    texts = hub.store.list_point_texts(map_run, width=SHOWN_CHARACTERS)["question"].fillna("no longer there")
    return [text if len(text) < SHOWN_CHARACTERS else f"{text}…" for text in texts.iloc[rows]]
