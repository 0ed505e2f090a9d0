"""Which map of a seed set is looked at; a button that draws one, or brings in what is new."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.hub import Hub
from core.maps.project import METHODS
from core.recipes.mapping import MOST_POINTS, estimate_map, start_map
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.frame import choose
from pages.components.running import draw_run, follow_runs
from pages.components.standing import ACTIVE

WORDS = {"umap": "UMAP: neighbours stay neighbours", "pca": "PCA: in a moment, but less is told apart"}


def choose_map(hub: Hub, seed_set: str) -> Mapping[str, Any] | None:
    """Return the run of the map that is looked at: the newest, or the one in the address; None: there is none."""
    runs = hub.store.list_runs(["map"], ["done"], seed_set_id=seed_set, limit=None)
    if runs.empty:
        return None
    rows = {row["run_id"]: row for row in runs.to_dict("records")}
    ids = list(rows)
    if len(ids) == 1:
        return hub.store.read_run(ids[0])
    chosen = choose(
        "Map",
        ids,
        param="map",
        key=f"diversity_map_{seed_set}",
        usual=ids[0],
        shown=lambda id_: numbers.moment(rows[id_]["created_at"]),
        width=190,
    )
    return hub.store.read_run(chosen)


def follow_maps(hub: Hub, seed_set: str) -> bool:
    """Draw the map that is being made, live, and the last one where it failed; says whether one is being made."""
    runs = hub.store.list_runs(["map"], seed_set_id=seed_set, limit=1)
    if runs.empty:
        return False
    run_id, state = runs.iloc[0]["run_id"], runs.iloc[0]["state"]
    if state in ("failed", "lost"):
        draw_run(runs.iloc[0].to_dict())
    if state not in ACTIVE:
        return False
    follow_runs(hub, [run_id])
    return True


def offer_map(
    hub: Hub, place: DeltaGenerator, seed_set: str, drawn: Mapping[str, Any] | None, *, is_busy: bool
) -> None:
    """Draw the page's button: the first map, or what is new into the one that is there.

    Args:
        hub: of the home.
        place: where the primary button goes.
        seed_set: id.
        drawn: the map that is looked at.
        is_busy: whether one is being made.
    """
    counts = hub.store.count_texts_to_map(seed_set, drawn and drawn["run_id"])
    n_all = counts["seeds"] + counts["grown"]
    with place, show_errors(), st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        if drawn is None:
            _draw_choice(hub, seed_set, "Draw the map", n_all, is_first=True, is_busy=is_busy)
            return
        n_new = counts["new"] if n_all <= MOST_POINTS else 0
        label = f"Add {numbers.count(n_new)} new" if n_new else "Measure again"
        if n_all <= MOST_POINTS and st.button(
            label,
            type="primary" if n_new else "tertiary",
            icon=":material/add_location:" if n_new else ":material/refresh:",
            key="add_to_map",
            disabled=is_busy,
            help="Places what came since among its nearest, and measures with the verdicts as they are now; the map "
            "does not move.",
        ):
            start_map(hub, seed_set, based_on=drawn["run_id"])
            st.rerun()
        with st.popover("Draw it anew", icon=":material/restart_alt:", type="tertiary"):
            _draw_choice(hub, seed_set, "Draw", n_all, is_first=False, is_busy=is_busy)


def _draw_choice(hub: Hub, seed_set: str, label: str, n: int, *, is_first: bool, is_busy: bool) -> None:
    """Draw the button that makes a map; where it is not the first, with the choice of the projection."""
    projection = METHODS[0]
    if not is_first:
        projection = st.radio("Layout", METHODS, format_func=WORDS.get, key="map_projection")
    if st.button(
        label,
        type="primary" if is_first else "secondary",
        icon=":material/scatter_plot:",
        key="draw_map",
        disabled=is_busy,
        help="In the background: embeds what is not in the cache, lays it out, measures diversity. No cost.",
    ):
        start_map(hub, seed_set, projection=projection)
        st.rerun()
    if not is_first:
        st.caption(_say_time(hub, n, projection))


def say_first(hub: Hub, seed_set: str) -> str:
    """Return what the first map of a seed set would be made of, and how long that takes."""
    counts = hub.store.count_texts_to_map(seed_set, None)
    n_seeds, n_grown = counts["seeds"], counts["grown"]
    texts = f"{numbers.counted(n_seeds, 'seed')} and {numbers.counted(n_grown, 'grown problem')}"
    if n_seeds + n_grown > MOST_POINTS:
        texts = f"{numbers.count(MOST_POINTS)}, drawn at random, of {texts}"
    time = _say_time(hub, n_seeds + n_grown, METHODS[0])
    return f"**Draw the map**, at the top of the page, makes one of {texts}. {time}"


def _say_time(hub: Hub, n: int, projection: str) -> str:
    seconds = estimate_map(hub, min(n, MOST_POINTS), projection)
    if seconds is None:
        return "How long it takes was not measured here yet: some minutes for thousands of texts."
    return f"Some {numbers.duration(seconds)} at the rate of the last one here, more where texts are new."
