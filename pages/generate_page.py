"""Generate: let a teacher write new problems from the chosen seeds; see what is sent, try a few, then all of it."""

from typing import Any

import pandas as pd
import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.recipes.generating import N_PREVIEW, describe_examples, find_turn, make_generate_config, start_generate
from core.recipes.previewing import preview_run
from core.reviewing.methods import count_verdicts
from core.tasks import TASKS
from pages.components import numbers
from pages.components.access import show_errors, use_hub
from pages.components.bringing import PURPOSE, SHOW, draw_bringing, offer_bringing
from pages.components.choosing import name_scorer
from pages.components.estimating import draw_estimate
from pages.components.frame import choose, draw_empty, explain, follow_address, open_page, tell_address
from pages.components.growth import draw_growths, find_newest, follow_runs
from pages.components.limiting import draw_budget, draw_filters
from pages.components.method_table import draw_method_comparison
from pages.components.prompting import draw_method
from pages.components.refilling import offer_refill, refill_anew
from pages.components.sending import draw_messages
from pages.components.spending import draw_prices
from pages.components.subject import keep_in_view, view_seed_set
from pages.components.teaching import draw_team
from pages.components.text import plain

VIEWS = ("Runs", "What is sent", "Compare methods")


def describe_selection(row: dict, names: dict[str, str]) -> str:
    """Return one line for a selection."""
    return (
        f"{row['k']} of {names.get(row['seed_set_id'], '?')} by {row['selector']}, {numbers.moment(row['written_at'])}"
    )


def draw_choices(hub: Hub, seed_set: str, task: str) -> dict[str, Any] | str | None:
    """Draw how the teacher is asked, and who it is; a sentence says what is wrong; None while nobody can be asked."""
    asking = draw_method(TASKS.get(task), count_verdicts(hub.store.list_judged_children(seed_set)))
    team = draw_team(hub)
    limits = draw_filters(hub, seed_set)
    with st.container(horizontal=True, gap="small"):
        limits |= draw_budget()
        draw_prices(hub.settings.home)
    if asking.fault or team is None:
        return asking.fault
    teacher, roles = team
    return {
        "method": asking.method,
        "settings": asking.settings,
        "prompts": asking.prompts,
        "examples_by_hand": draw_examples(hub, seed_set),
        "teacher": teacher,
        "roles": roles,
        **limits,
    }


def draw_examples(hub: Hub, seed_set: str) -> bool:
    """Draw the choice of what a prompt's examples are, where people accepted any candidate; False: seeds."""
    n_accepted = len(hub.store.list_accepted_by_hand(seed_set))
    if not n_accepted:
        return False
    return st.toggle(
        f"Examples from the {numbers.count(n_accepted)} accepted by hand",
        key="examples_by_hand",
        persist_state="session",
        help="A prompt shows five problems as examples: seeds, or what you accepted or edited in Review.",
    )


def make_config(hub: Hub, row: dict, task: str, n_accepted: int, choices: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration that a run of these choices would have, were it started now."""
    choices = dict(choices)
    about = {"seed_set": row["seed_set_id"], "seed_set_name": "", "task": task}
    about |= describe_examples(by_hand=choices.pop("examples_by_hand"))
    turn = find_turn(hub, row["seed_set_id"])
    replicate = int(row["replicate"])
    return make_generate_config(
        hub.settings.home, about, n_accepted=n_accepted, replicate=replicate, turn=turn, **choices
    )


def start(hub: Hub, selection_run: str, **choices: Any) -> None:
    """Start a run, show it, and draw the page anew."""
    st.query_params["run"] = start_generate(hub, selection_run, **choices)
    st.query_params["view"] = VIEWS[0]
    st.rerun()


hub = use_hub()
if st.query_params.get("show") == SHOW["show"]:
    draw_bringing(hub, open_page("Generate", PURPOSE))
    st.stop()
place = open_page("Generate", "A teacher writes new problems from the chosen seeds, and their worked answers.")
sets: pd.DataFrame = hub.store.list_seed_sets()
names = dict(zip(sets["run_id"], sets["name"], strict=True))
tasks = dict(zip(sets["run_id"], sets["task"], strict=True))
selections = hub.store.list_selections()
selections = keep_in_view(selections[selections["seed_set_id"].isin(names)], "selection")
if selections.empty:
    draw_empty("No seeds are chosen yet: the teacher rewrites the ones you select.", "select_page.py", "Select seeds")
    offer_bringing()
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
    st.caption(f"Scored by the answers of {plain(name_scorer(hub, row))}." if is_scored else "By no score.")
    newest = find_newest(hub, selection_run)
    refill_anew(hub, row)
    offer = st.container()
    n_accepted = int(
        st.number_input(
            "Candidates to accept",
            1,
            None,
            int(row["k"]),
            step=10,
            key=f"n_accepted_{selection_run}",
            persist_state="session",
            help="Failed and rejected ones are replaced from the next-best seeds, up to four times as many.",
        )
    )
    estimate = st.container(border=True)
    choices = draw_choices(hub, row["seed_set_id"], tasks[row["seed_set_id"]])
    offer_bringing(seeds=row["seed_set_id"])
is_filled = isinstance(choices, dict)
config, would_be, missing = None, None, None if is_filled else choices or "Fill in what is empty on the left."
with estimate:
    if not is_filled:
        st.caption(f"{plain(choices or 'Fill in whom to ask, below.')} Then what it takes is told here.")
    else:
        try:
            config = make_config(hub, row, tasks[row["seed_set_id"]], n_accepted, choices)
            seeds = hub.store.list_selected(selection_run, int(row["round"])).sort_values("rank")["problem_id"]
            would_be = preview_run(hub, config, seeds.tolist())
            draw_estimate(would_be, config)
        except SeedbedError as error:
            missing = str(error)
            st.error(plain(missing), icon=":material/error:")
if newest is not None:
    with offer:
        label = f"As in the run of {numbers.moment(newest['created_at'])}"
        offer_refill(hub, row, newest, config, label=label, key="refill_newest", says_same=True)
is_ready, label = would_be is not None, f"Generate {numbers.count(n_accepted)}"
with estimate, show_errors():
    if st.button(f"Preview {N_PREVIEW}", key="preview", icon=":material/visibility:", disabled=not is_ready):
        start(hub, selection_run, n_accepted=N_PREVIEW, is_preview=True, round_=int(row["round"]), **choices)
with place, show_errors():
    if st.button(label, type="primary", key="generate", icon=":material/auto_awesome:", disabled=not is_ready):
        start(hub, selection_run, n_accepted=n_accepted, round_=int(row["round"]), **choices)
with output, show_errors():
    follow_address("view", "generate_view", {view: view for view in VIEWS}.get, VIEWS[0])
    view = st.segmented_control(
        "View", VIEWS, required=True, key="generate_view", label_visibility="collapsed", persist_state="session"
    )
    tell_address("view", "generate_view", view, VIEWS[0])
    if view == "Runs":
        draw_growths(hub, row, config, label)
    elif view == "Compare methods":
        draw_method_comparison(hub, selection_run, row, choices if is_filled else None, missing)
    elif would_be is None:
        st.info(f"{plain(missing)} Then the messages stand here as they would be sent.")
    else:
        draw_messages(would_be)
    follow_runs(hub)
explain(
    "made = failed + rejected + accepted. A candidate *failed* where the teacher's reply could not be read, was cut "
    "off, withheld or refused; it was *rejected* by the first filter named; what is left of the wish is *left*. "
    "Filters that cost nothing come first; one that cannot tell rejects nothing and says so. Tokens are counted as if "
    "nothing had been cached (*nominal*); *paid* is what was sent. A budget sets the worst case of every request aside "
    "before it is sent. ROUGE-L is the F measure of the longest common subsequence with every question that was there "
    "when the run was started, and its own (above 0.7 is too alike). `core.generation.grow`, `core.teacher.budget`."
)
