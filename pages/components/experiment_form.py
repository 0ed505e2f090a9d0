"""A form for a simple experiment: a recipe, values of one setting, a budget, replicates; it writes the file."""

from dataclasses import fields

import pandas as pd
import streamlit as st

from core.datasets import BUILT_IN
from core.hub import Hub
from core.recipes.experiment_file import write_experiment
from core.recipes.recipes import RECIPES
from core.recipes.steerability import CHECKED
from pages.components import numbers

USUAL = {"active": ["random", "loss_high"], "negatives": ["sft", "dpo"]}
"""Values that are taken at first; of other recipes the first two."""


WRITTEN = "experiment_form_written"
"""What the form amounted to when it was last drawn."""


def draw_form(hub: Hub, key: str) -> None:
    """Draw the form; a change in it puts the file that it amounts to into the session under a key.

    Args:
        hub: knows the seed sets.
        key: of the text that it writes.
    """
    recipes = [name for name in RECIPES if RECIPES.get(name).varies]
    with st.expander("Fill in a form", icon=":material/edit_note:", expanded=True):
        left, right = st.columns(2)
        sets = list_sets(hub.store.list_seed_sets())
        seed_set = left.selectbox("Seed set", list(sets), key="form_seed_set", format_func=sets.get)
        recipe = right.selectbox("Recipe", recipes, key="form_recipe", help=_say_recipes(recipes))
        varies, choices = RECIPES.get(recipe).varies, RECIPES.get(recipe).list_choices()
        values = st.multiselect(
            f"Arms: {varies.replace('_', ' ')}", choices, USUAL.get(recipe, choices[:2]), key=f"form_{recipe}"
        )
        sizes = _draw_sizes(recipe)
        is_checked = RECIPES.get(recipe).kind in CHECKED and st.checkbox(
            "Check the steerability of each arm",
            key="form_is_checked",
            help="One child for each of a random sample of seeds, scored by the arm's first and last student: whether "
            "children of hard seeds are hard.",
        )
        title = f"{recipe} on {sets[seed_set]}"
        text = write_experiment(title, seed_set, recipe, values, **sizes, is_checked=is_checked)
        if not values:
            st.caption("Take at least one value.")
            return
        if st.session_state.get(WRITTEN, text) != text:  # somebody changed the form: the file follows
            st.session_state[key] = text
        st.session_state[WRITTEN] = text
        st.caption("What is changed here writes the file below anew.")


def _draw_sizes(recipe: str) -> dict[str, int]:
    """Draw how much each arm brings, as far as a recipe has rounds, and how often; returns that by name."""
    sizes, cells = {"accepted": 50, "rounds": 2}, iter(st.columns(3))
    if {"accepted", "rounds"} <= {each.name for each in fields(RECIPES.get(recipe))}:
        sizes = {
            "accepted": next(cells).number_input("Accepted a round", 1, 100_000, 50, key="form_accepted"),
            "rounds": next(cells).number_input("Rounds", 1, 100, 2, key="form_rounds"),
        }
    return {**sizes, "replicates": next(cells).number_input("Replicates", 1, 100, 3, key="form_replicates")}


def list_sets(sets: pd.DataFrame) -> dict[str, str]:
    """Return what a file calls each seed set -> what people read: built-in ones first, then those of this home.

    A name that several have, or that a built-in one has too, would take another set: then the file has the id.
    """
    usable = sets[(sets["n_train"] > 0) & sets["name"].notna()]
    times = usable["name"].value_counts()
    found = {name: name for name in BUILT_IN}
    for row in usable.to_dict("records"):
        if row["name"] not in BUILT_IN and times[row["name"]] == 1:
            found[row["name"]] = row["name"]
        elif row["run_id"] not in found:
            found[row["run_id"]] = f"{row['name']}, imported {numbers.moment(row['created_at'])}"
    return found


def _say_recipes(recipes: list[str]) -> str:
    """Return what each recipe does, for the question mark."""
    about = {name: (RECIPES.get(name).__doc__ or "").strip().splitlines()[0] for name in recipes}
    return "\n".join(f"- **{name}**: {text}" for name, text in about.items())
