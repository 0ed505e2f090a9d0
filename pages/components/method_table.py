"""Prompting methods side by side on the same seeds: the form that starts a comparison, and those that were made."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.generation.base import METHODS
from core.hub import Hub
from core.recipes.comparing_methods import (
    N_PER_SEED,
    N_SEEDS,
    Comparison,
    count_requests,
    list_comparisons,
    read_comparison,
    start_comparison,
)
from core.runs.folder import ENDED
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.frame import choose, draw_empty, note_teacher
from pages.components.growth import ENDED_NOW, draw_going_on
from pages.components.limiting import word_budget
from pages.components.method_examples import draw_examples
from pages.components.method_measures import draw_measures, draw_texts, name_method
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE
from pages.components.text import plain

USUAL = ("rewrite", "vs_standard")
"""Methods that are compared before anybody has said which."""

MOST = 8
"""Methods of one comparison: more points could not be told apart."""

CHOICES = frozenset(
    ["teacher", "roles", "settings", "prompts", "filters", "filter_settings", "benchmarks", "budget", "error_stop"]
)
"""What a comparison takes over from the page."""


def draw_method_comparison(
    hub: Hub,
    selection_run: str,
    row: Mapping[str, Any],
    choices: Mapping[str, Any] | None,
    missing: str | None = None,
) -> None:
    """Draw the form that starts a comparison, and one of those that were made of this selection.

    Args:
        hub: of the home.
        selection_run: id of the run that chose the seeds.
        row: of ``store.list_selections``: ``seed_set_id``, ``k`` and ``round``.
        choices: teacher, filters, settings and the rest, as the page has them; None while they are not filled in.
        missing: what has to be done before they are; None where nothing has.
    """
    with show_errors():
        _draw_form(hub, selection_run, row, choices, missing)
    found = list_comparisons(hub, selection_run)
    if found.empty:
        draw_empty(
            "No methods are compared on this selection yet. Each method writes the same number of candidates from the "
            "same seeds; then their diversity, what the filters accept and what it costs stand side by side."
        )
        return
    titles = {row["run_id"]: name_comparison(row) for row in found.to_dict("records")}
    run_id = choose("Comparison", list(titles), param="comparison", key="comparison", shown=titles.get)
    with show_errors():
        _draw_comparison(hub, run_id)


def name_comparison(row: Mapping[str, Any]) -> str:
    """Return one line for a comparison: ``14:05, 4 seeds: Direct; VS-Standard``."""
    config = json.loads(row["config"])
    names = "; ".join(name_method(name) for name in config["methods"])
    return f"{numbers.moment(row['created_at'])}, {numbers.counted(config['n_seeds'], 'seed')}: {names}"


# -- starting one ------------------------------------------------------------------------------------------------


def _draw_form(
    hub: Hub, selection_run: str, row: Mapping[str, Any], choices: Mapping[str, Any] | None, missing: str | None
) -> None:
    names = st.multiselect(
        "Methods to compare",
        METHODS.names(),
        [name for name in USUAL if name in METHODS],
        format_func=name_method,
        key="compared_methods",
        max_selections=MOST,
        persist_state="session",
        wrap=True,
        placeholder="Take at least two",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        n_seeds = st.number_input(
            "Seeds",
            1,
            int(row["k"]),
            min(N_SEEDS, int(row["k"])),
            key=f"compared_seeds_{selection_run}",
            persist_state="session",
            width=130,
            help="The first ones of the selection, the same for every method.",
        )
        n_per_seed = st.number_input(
            "Candidates of each",
            1,
            50,
            N_PER_SEED,
            key="compared_per_seed",
            persist_state="session",
            width=150,
            help="A method that lists several is asked for all of a seed at once, the others so many times.",
        )
        n_seeds, n_per_seed = int(n_seeds), int(n_per_seed)
        is_ready = choices is not None and len(names) > 1
        label = f"Compare {numbers.counted(len(names), 'method')}" if names else "Compare methods"
        is_clicked = st.button(label, key="compare_methods", icon=":material/compare_arrows:", disabled=not is_ready)
    cost = _describe_cost(hub, row["seed_set_id"], names, n_seeds, n_per_seed, choices)
    st.caption(plain(missing or "Fill in what is empty on the left.") if cost is None else cost)
    if is_clicked and choices is not None:
        st.query_params["comparison"] = start_comparison(
            hub,
            selection_run,
            names,
            n_seeds=n_seeds,
            n_per_seed=n_per_seed,
            round_=int(row["round"]),
            **{name: choices[name] for name in CHOICES if choices.get(name) is not None},
        )
        st.rerun()


def _describe_cost(
    hub: Hub, seed_set: str, names: Sequence[str], n_seeds: int, n_per_seed: int, choices: Mapping[str, Any] | None
) -> str | None:
    """Return what a comparison sends, in one sentence; None while the page does not say whom it asks, and how."""
    if choices is None:
        return None
    if len(names) < 2:
        return "Take at least two methods."
    task = hub.store.read_seed_set(seed_set)["task"]
    n_requests = count_requests(task, names, n_seeds, n_per_seed, choices.get("settings"))
    who = "of the built-in teacher, which are free" if asks_built_in(choices) else "to the teacher chosen on the left"
    limit = word_budget(choices.get("budget") or {})
    ends = f" The budget of {limit}, for all methods together, may end it before." if limit else ""
    return (
        f"{numbers.count(n_seeds * n_per_seed)} candidates by each method, none replaced: at most "
        f"{numbers.counted(n_requests, 'request')} {who}.{ends} Nothing of it is trained on."
    )


def asks_built_in(config: Mapping[str, Any]) -> bool:
    """Say whether the built-in teacher has a role in what a configuration asks."""
    return "built-in" in (config.get("teacher", "built-in"), *(config.get("roles") or {}).values())


# -- looking at one ----------------------------------------------------------------------------------------------


def _draw_comparison(hub: Hub, run_id: str) -> None:
    """Draw a comparison: live while it works, then its tables, figures and examples."""
    run = hub.store.read_run(run_id)

    def draw() -> bool:
        now = hub.store.read_run(run_id)
        if is_active and now["state"] not in ACTIVE:
            st.caption(ENDED_NOW)  # see draw_growth
            return False
        with st.container():
            draw_run(now, has_title=False)
            if stopped := (now["summary"] or {}).get("stopped"):
                st.warning(plain(stopped), icon=":material/front_hand:")
            if now["state"] in ENDED:
                with st.container(horizontal=True, gap="small"):
                    draw_going_on(hub, now)
            if is_active:
                if st.button("Stop", key=f"stop_{run_id}", icon=":material/stop:"):
                    hub.order(run_id, "cancel")
                _draw_so_far(read_comparison(hub, run_id))
        return is_active

    is_active = run["state"] in ACTIVE
    draw_live(draw, is_active=is_active)
    if is_active:
        return
    comparison = read_comparison(hub, run_id)
    if asks_built_in(run["config"]):
        note_teacher()
    if comparison.methods is None:
        _draw_so_far(comparison)
    else:
        draw_measures(comparison)
    draw_examples(comparison)


def _draw_so_far(comparison: Comparison) -> None:
    """Draw what has come so far, before anything is measured."""
    config, made = comparison.run["config"], comparison.candidates
    counts = made.groupby(["method", "status"]).size() if not made.empty else {}
    rows = [
        {
            "method": name_method(name),
            "asked for": numbers.count(config["n_accepted"]),
            **{state: numbers.count(counts.get((name, state), 0)) for state in ("failed", "rejected", "accepted")},
        }
        for name in config["methods"]
    ]
    draw_texts(pd.DataFrame(rows), key="methods_so_far")
