"""What was picked on a map: all inside a line, to review or to grow from; or one point, with what is nearest to it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.maps.near import Polygon
from core.recipes.mapping import find_neighbours
from core.recipes.selecting import record_named
from core.store.areas import write_area
from core.store.queue_filter import QueueFilter
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.review_filter import recall_reviewer
from pages.components.review_table import draw_table
from pages.components.text import plain, to_markdown

MOST_ROWS = 2_000
N_NEIGHBOURS = 10


def draw_inside(hub: Hub, drawn: Mapping[str, Any], inside: pd.DataFrame, area: Polygon) -> None:
    """Draw what lies inside a line: how many of what, the candidates with acts on all of them, the seeds.

    Args:
        hub: of the home.
        drawn: the map's run.
        inside: rows of ``store.list_map_points``.
        area: corners of the line.
    """
    grown, seeds = inside[inside["source"] == "grown"], inside[inside["source"] == "seed"]
    has_passed = grown["verdict"] == "passed"
    n_passed, n_left = int(has_passed.sum()), int((has_passed & (grown["review"] != "in the trash")).sum())
    n_lost = int(grown["verdict"].notna().sum()) - n_passed
    lost = f", {numbers.count(n_lost)} that a filter rejected" if n_lost else ""
    st.subheader(f"{numbers.counted(len(inside), 'point')} inside the line", anchor=False)
    n_seeds = numbers.counted(len(seeds), "seed")
    st.caption(f"{numbers.counted(n_passed, 'candidate')} that passed the filters{lost}, {n_seeds}.")
    text = write_area(drawn["run_id"], area)
    if n_left:
        query = {"run": "all", "seeds": drawn["config"]["seed_set"], "area": text}
        st.page_link(
            "review_page.py",
            label=f"Review these {numbers.count(n_left)} by keyboard",
            icon=":material/rate_review:",
            query_params=query,
        )
        reviewer, is_blind = recall_reviewer()
        draw_table(hub, QueueFilter(area=text), reviewer, drawn["config"]["task"], is_blind=is_blind)
    if len(seeds):
        with st.expander(f"{numbers.counted(len(seeds), 'seed')} inside the line", icon=":material/grass:"):
            _draw_seeds(hub, drawn, seeds)


def _draw_seeds(hub: Hub, drawn: Mapping[str, Any], seeds: pd.DataFrame) -> None:
    """Draw the seeds, and a button that grows more from them."""
    if st.button(f"Grow from these {numbers.count(len(seeds))}", key="grow_from_area", icon=":material/auto_awesome:"):
        reason = "It lies in a part of the map that was marked."
        grow_from(hub, drawn["config"]["seed_set"], seeds["item_id"].tolist(), reason)
    texts = hub.store.list_point_texts(drawn["run_id"], seeds["position"].head(MOST_ROWS).tolist())
    shown = texts.merge(seeds[["position", "type", "level"]], on="position")
    empty = [name for name in ("type", "level") if shown[name].isna().all()]
    st.dataframe(shown[["question", "answer", "type", "level"]].drop(columns=empty), hide_index=True, height=300)


def grow_from(hub: Hub, seed_set: str, problem_ids: list[str], reason: str) -> None:
    """Keep these seeds as a selection, and open Generate with it."""
    with show_errors():
        selection = record_named(hub, seed_set, problem_ids, reason)
        st.switch_page("generate_page.py", query_params={"seeds": seed_set, "selection": selection})


def draw_point(hub: Hub, drawn: Mapping[str, Any], point: pd.Series) -> None:
    """Draw one text, and those that are nearest to it in meaning."""
    near = find_neighbours(hub.settings.home, drawn["run_id"], int(point["position"]), N_NEIGHBOURS)
    about = hub.store.list_map_points(drawn["run_id"]).set_index("position")
    texts = hub.store.list_point_texts(drawn["run_id"], [int(point["position"]), *(row for row, _ in near)])
    texts = texts.set_index("position")
    own = texts.loc[int(point["position"])]
    with st.container(border=True, key="map_point"):
        left, right = st.columns([1, 1.3], gap="large")
        with left:
            st.markdown(f"**{plain(_name(point))}**")
            st.markdown(to_markdown(own["question"]))
            with st.expander("Answer"):
                st.markdown(to_markdown(own["answer"] or "none"))
            if pd.isna(own["question"]):
                st.caption("It is no longer there: its run is in the trash, or was removed.")
            elif point["source"] == "grown":
                query = {"run": point["source_run"], "candidate": point["item_id"], "show": "read"}
                st.page_link("review_page.py", label="Review it", icon=":material/rate_review:", query_params=query)
        with right:
            st.markdown("**Nearest in meaning**, by cosine")
            rows = [
                {"cosine": cosine, "what": _name(about.loc[row]), "question": texts.loc[row, "question"]}
                for row, cosine in near
            ]
            st.dataframe(
                pd.DataFrame(rows, columns=["cosine", "what", "question"]),
                hide_index=True,
                height=38 + 35 * max(len(rows), 1),
                column_config={
                    "cosine": st.column_config.NumberColumn("cosine", format="%.3f", width="small"),
                    "question": st.column_config.TextColumn("question", width="large"),
                },
            )


def _name(point: pd.Series) -> str:
    """Return what a point is: a seed of some type, or a candidate with its verdict."""
    point = point.where(point.notna(), None)
    kind = f", {point['type']}" if point["type"] else ""
    if point["source"] == "seed":
        return f"Seed{kind}"
    parts = [f"round {point['round']}" if point["round"] else "", point["method"], point["verdict"], point["review"]]
    said = ", ".join(part for part in parts if part)
    return f"Grown{kind}: {said}" if said else f"Grown{kind}"
