"""Diversity: what the seeds and what was grown from them cover, what they repeat, and what is missing."""

import streamlit as st

from pages.components.access import use_hub
from pages.components.frame import choose, choose_view, draw_empty, explain, name_set, open_page
from pages.components.map_archive import draw_archive_view
from pages.components.map_numbers import draw_numbers
from pages.components.map_start import choose_map, follow_maps, offer_map, say_first
from pages.components.map_view import draw_map_view
from pages.components.map_words import draw_words
from pages.components.subject import view_seed_set

VIEWS = {"map": "Map", "words": "Words", "numbers": "Numbers", "archive": "Archive"}
NEEDS_MAP = {
    "map": (draw_map_view, "The map lays texts out by what they mean."),
    "words": (draw_words, "Words are counted when a map is drawn."),
    "numbers": (draw_numbers, "Diversity is measured when a map is drawn."),
}

hub = use_hub()
place = open_page("Diversity", "What the data covers, what it repeats, and where something is missing.")
sets = hub.store.list_seed_sets()
sets = sets[sets["n_train"] > 0]
if sets.empty:
    draw_empty("There is no seed set to look at yet.", "seeds_page.py", "Bring in seeds")
    st.stop()
by_id = {row["run_id"]: row for row in sets.to_dict("records")}
with st.container(horizontal=True, vertical_alignment="bottom"):
    seed_set = choose(
        "Seed set", list(by_id), param="seeds", key="diversity_seeds", shown=lambda id_: name_set(by_id[id_]), width=320
    )
    view_seed_set(seed_set)
    drawn = choose_map(hub, seed_set)
    view = choose_view(VIEWS, "diversity_view", "map")
is_busy = follow_maps(hub, seed_set)
offer_map(hub, place, seed_set, drawn, is_busy=is_busy)
if view == "archive":
    draw_archive_view(hub, seed_set)
elif drawn is None:
    if not is_busy:
        why = NEEDS_MAP[view][1]
        draw_empty(f"{why} There is none of this seed set yet. {say_first(hub, seed_set)}")
else:
    NEEDS_MAP[view][0](hub, drawn)
explain(
    "Questions are embedded by all-MiniLM-L6-v2 and laid out by UMAP (15 neighbours, least distance 0.1, fixed seed), "
    "by PCA where UMAP cannot be had; distances on the map mean little beyond near and far. What is new is placed "
    "among its five nearest, and nothing else moves. Neighbours are exact, by cosine. Intervals are 95 %, by drawing "
    "seeds again with all that was grown from them. Words are those of questions and answers; the distance of two sets "
    "is half the sum of the differences of all tokens' shares (Kessler 2025, C.5). Quality is 1 − solve rate inside 10 "
    "to 90 %, else 0 (SPARQ). `core.recipes.mapping`, `core.analysis.sets`, `core.analysis.archive_grid`."
)
