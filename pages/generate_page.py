"""Generate: let the teacher write new problems from the chosen seeds; a preview first, then the full run."""

import pandas as pd
import streamlit as st

from core.filters.base import FILTERS
from core.hub import Hub
from core.recipes.generating import ALWAYS, N_PREVIEW, start_generate
from core.recipes.start import FILTER_NAMES
from pages.components import numbers
from pages.components.access import show_errors, use_hub
from pages.components.candidates import draw_candidate, draw_candidate_table, draw_counts, draw_reasons
from pages.components.frame import choose, draw_empty, explain, note_teacher, open_page
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE, GROWING
from pages.components.subject import keep_in_view, view_seed_set
from pages.components.text import plain

N_LISTED = 500
"""Candidates in the table, at most."""


def describe_selection(row: dict, names: dict[str, str]) -> str:
    """Return one line for a selection."""
    return (
        f"{row['k']} of {names.get(row['seed_set_id'], '?')} by {row['selector']}, {numbers.moment(row['written_at'])}"
    )


def describe_run(row: dict) -> str:
    """Return one line for a generate run; its state, which changes, is drawn below the choice."""
    kind = "preview" if row["is_preview"] else "full run" if row["kind"] == "generate" else "loop"
    return f"{kind}, {numbers.moment(row['created_at'])}"


def list_growths(hub: Hub, selection_run: str) -> list[dict]:
    """Return the runs that grew this selection, newest first; a loop grows its own."""
    runs = hub.store.list_runs(GROWING, limit=None)
    is_growth = (runs["selection_run_id"] == selection_run) | (runs["run_id"] == selection_run)
    return runs[is_growth].to_dict("records")


def draw_growth(hub: Hub, run_id: str) -> None:
    """Draw one run, live while it works: counts, reasons, and its candidates beside their seeds."""
    run = hub.store.read_run(run_id)

    def draw() -> bool:
        now = hub.store.read_run(run_id)
        draw_run(now, has_title=False)
        wanted = now["config"].get("n_accepted") or now["config"].get("k")
        draw_counts(hub.store.count_candidates(run_id), wanted)
        draw_reasons(hub.store.list_failures(run_id))
        return now["state"] in ACTIVE

    is_active = run["state"] in ACTIVE
    draw_live(draw, is_active=is_active)
    candidates = hub.store.list_candidates(run_id=run_id, limit=N_LISTED)
    if candidates.empty:
        if not is_active:
            st.info("This run made no candidates.")
        return
    note_teacher()
    n_made = hub.store.count_candidates(run_id)["made"]
    if n_made > len(candidates):
        st.caption(f"The first {numbers.count(len(candidates))} of {numbers.count(n_made)} candidates.")
    marked = draw_candidate_table(candidates, key=f"candidates_{run_id}")
    draw_candidate(hub.store.read_candidate(run_id, candidates.iloc[marked]["candidate_id"]))


hub = use_hub()
place = open_page("Generate", "The teacher writes a new problem from each chosen seed, and its worked answer.")
sets: pd.DataFrame = hub.store.list_seed_sets()
names = dict(zip(sets["run_id"], sets["name"], strict=True))
selections = hub.store.list_selections()
selections = keep_in_view(selections[selections["seed_set_id"].isin(names)], "selection")
if selections.empty:
    draw_empty("No seeds are chosen yet: the teacher rewrites the ones you select.", "select_page.py", "Select seeds")
    st.stop()
rows = {row["run_id"]: row for row in selections.drop_duplicates("run_id").to_dict("records")}
with st.container(key="two_sides_generate"):
    inputs, output = st.columns([1, 2.4], gap="large")
with inputs:
    selection_run = choose(
        "Selection",
        list(rows),
        param="selection",
        key="generate_selection",
        shown=lambda id_: describe_selection(rows[id_], names),
    )
    row = rows[selection_run]
    view_seed_set(row["seed_set_id"])
    is_scored = not numbers.is_missing(row["student"])
    st.caption(f"Scored by the answers of the student {plain(row['student'])}." if is_scored else "By no score.")
    n_accepted = st.number_input(
        "Candidates to accept",
        1,
        None,
        int(row["k"]),
        step=10,
        key=f"n_accepted_{selection_run}",
        help="Rejected ones are replaced from the next-best seeds.",
    )
    filters = st.multiselect(
        "Filters",
        [name for name in FILTERS if name != ALWAYS],
        [name for name in FILTER_NAMES if name != ALWAYS],
        key="filters",
        help="  \n".join(f"{name}: {FILTERS.get(name).title}" for name in FILTERS),
    )
    st.caption(f"{ALWAYS} always filters too: {FILTERS.get(ALWAYS).title}.")
    st.caption(f"At most {numbers.count(4 * n_accepted)} candidates, two requests each. The built-in teacher is free.")
    with show_errors():
        if st.button(f"Preview {N_PREVIEW}", key="preview", icon=":material/visibility:"):
            st.query_params["run"] = start_generate(
                hub,
                selection_run,
                n_accepted=N_PREVIEW,
                is_preview=True,
                filters=filters,
                round_=int(row["round"]),
            )
            st.rerun()
        label = f"Generate {numbers.count(n_accepted)}"
        if place.button(label, type="primary", key="generate", icon=":material/auto_awesome:"):
            st.query_params["run"] = start_generate(
                hub, selection_run, n_accepted=int(n_accepted), filters=filters, round_=int(row["round"])
            )
            st.rerun()
with output:
    growths = {row["run_id"]: row for row in list_growths(hub, selection_run)}
    if growths:
        run_id = choose(
            "Run", list(growths), param="run", key="generate_run", shown=lambda id_: describe_run(growths[id_])
        )
        draw_growth(hub, run_id)
    else:
        draw_empty(
            f"Nothing is written from this selection yet. **Preview {N_PREVIEW}** shows a handful within seconds; "
            f"**{label}** does the whole of it in the background."
        )
explain(
    "made = failed + rejected + accepted. A candidate *failed* where the teacher's reply could not be read; it was "
    "*rejected* by the first filter named; what is left of the wish is *left*. ROUGE-L is the F measure of the longest "
    "common subsequence with every question that was there when the run was started, and its own (above 0.7 is too "
    "alike). `core.generation.grow`."
)
