"""Select: which seeds are worth more data, by which selector, against a random choice of the same size."""

import streamlit as st

from core.recipes.scoring import REWARD
from core.recipes.selecting import choose_seeds, read_pool, record_seeds
from core.selection import SELECTORS, check_size
from pages.components.access import show_errors, use_hub
from pages.components.choosing import choose_scores, choose_selector, list_students, say_where
from pages.components.chosen import draw_seed
from pages.components.comparing import draw_comparison
from pages.components.distribution import draw_distribution
from pages.components.frame import (
    choose,
    choose_number,
    draw_empty,
    explain,
    follow_address,
    name_set,
    open_page,
    tell_address,
)
from pages.components.minding import mind_reviews
from pages.components.pool_table import draw_pool
from pages.components.scoring import describe_scores, draw_score_form, follow_scores
from pages.components.subject import view_seed_set
from pages.components.text import plain
from pages.components.trying import draw_try

VIEWS = ("This choice", "Compare", "Try a problem")

hub = use_hub()
place = open_page(
    "Select", "Which seeds are worth more data? Compare a selector's choice with chance before you use it."
)
sets = hub.store.list_seed_sets()
sets = sets[sets["n_train"] > 0]
if sets.empty:
    draw_empty("There is no seed set to choose from yet.", "seeds_page.py", "Bring in seeds")
    st.stop()
by_id = {row["run_id"]: row for row in sets.to_dict("records")}
with st.container(key="two_sides_select"):
    inputs, picture = st.columns([1, 2.4], gap="large")
with inputs:
    seed_set = choose(
        "Seed set", list(by_id), param="seeds", key="select_seeds", shown=lambda id_: name_set(by_id[id_])
    )
    view_seed_set(seed_set)
    all_scored = hub.store.list_prediction_sets(seed_set)
    all_scored = all_scored[all_scored["state"] == "done"]
    scored = choose_scores(all_scored)
    frame, pool = read_pool(hub, seed_set, *([scored["run_id"], scored["student"]] if scored else [None]))
    scores_key = f"{seed_set}/{scored['run_id']}/{scored['student']}" if scored else seed_set
    selector, pick = choose_selector(hub, pool)
    k = choose_number("Seeds to choose", 1, param="k", key="select_k", usual=min(100, max(len(pool) // 4, 1)), step=10)
    replicate = choose_number(
        "Replicate",
        0,
        param="replicate",
        key="select_replicate",
        usual=0,
        help="Seed of every draw: the same replicate gives the same choice.",
    )
    pool, n_set_aside = mind_reviews(hub, seed_set, frame, pool, replicate)
    needs = SELECTORS.get(selector).needs
    has_scores = needs <= set(pool.signals) | set(pool.vectors)
    follow_scores(hub, seed_set)
    draw_score_form(hub, seed_set, len(pool), all_scored, sorted({*needs, *pool.signals, *pool.vectors}))
if place.button(
    "Use this selection",
    type="primary",
    icon=":material/check:",
    key="use_selection",
    disabled=not has_scores or k > int(pool.is_free.sum()),
):
    with show_errors():
        run_id = record_seeds(
            hub,
            seed_set,
            pool,
            selector=selector,
            k=k,
            pick=pick,
            replicate=replicate,
            prediction_run=scored and scored["run_id"],
            student=scored and scored["student"],
            n_set_aside=n_set_aside,
        )
        st.switch_page("generate_page.py", query_params={"seeds": seed_set, "selection": run_id})
with picture, show_errors():
    follow_address("view", "select_view", {view: view for view in VIEWS}.get, VIEWS[0])
    view = st.segmented_control(
        "View", VIEWS, required=True, key="select_view", label_visibility="collapsed", persist_state="session"
    )
    tell_address("view", "select_view", view, VIEWS[0])
    if scored:
        describe_scores(hub, scored, frame)
    if view == "Try a problem":
        reward = hub.store.read_run(scored["run_id"])["config"].get("reward") if scored else None
        draw_try(hub, by_id[seed_set]["task"], list_students(hub, seed_set), reward=reward or REWARD)
    elif view == "Compare":
        check_size(pool, k)
        draw_comparison(
            pool,
            frame,
            k=k,
            replicate=replicate,
            selector=selector,
            pick=pick,
            key=scores_key,
        )
    elif not has_scores:
        missing = sorted(needs - set(pool.signals) - set(pool.vectors))
        draw_empty(f"**{plain(selector)}** needs {' and '.join(missing)}. {say_where(hub, all_scored, needs)}")
    else:
        selection = choose_seeds(pool, selector, k, replicate, pick)
        at_random = choose_seeds(pool, "random", k, replicate).indices
        name, limits = draw_distribution(hub, seed_set, frame, selection, at_random, selector, scores_key)
        if selection.n_topped_up:
            st.warning(f"{selection.n_topped_up} of the chosen were drawn at random, because their group ran short.")
        row = draw_pool(frame, selection, {name: limits} if name else {})
        if row is not None:
            draw_seed(hub, frame, row, scored)
explain(
    f"The signal of **{plain(selector)}** is read as `core.signals` says: loss is the mean negative log-likelihood per "
    "token of what the student itself wrote (end of text included), correctness compares its final answer with the "
    "reference and checks every step where the task can, rewards and judgements are raw. Outlines are shares of each "
    "group, so that a hundred chosen seeds can be held against the whole pool. Ties are broken by the replicate's "
    "draw. `core.selection` and `core.recipes.selecting.choose_seeds`."
)
