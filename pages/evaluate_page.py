"""Evaluate: ask students the same problems, see what changed and how sure that is, and read every answer."""

import streamlit as st

from core.hub import Hub
from core.runs.folder import STOPPED
from pages.components.access import show_errors, use_hub
from pages.components.evaluating import draw_form
from pages.components.evaluating_answers import draw_answers
from pages.components.evaluating_numbers import draw_numbers, draw_progress
from pages.components.frame import RUN_TIMES, choose, choose_view, draw_empty, explain, name_run, open_page
from pages.components.standing import ACTIVE

VIEWS = {"ask": "Ask", "numbers": "Numbers", "answers": "Answers"}


def go_to(view: str, run_id: str) -> None:
    """Show a run in a view from now on."""
    st.query_params.from_dict({"show": view, "run": run_id})
    st.rerun()


def draw_orders(hub: Hub, run: dict, place: st.delta_generator.DeltaGenerator) -> None:
    """Draw what can be done with a run now."""
    run_id, state = run["run_id"], run["state"]
    with show_errors():
        if state in ACTIVE and place.button(
            "Cancel", key="cancel", icon=":material/stop:", disabled=state == "cancelling"
        ):
            hub.order(run_id, "cancel")
            st.rerun()
        if state in STOPPED and place.button("Go on", type="primary", key="again"):
            hub.order(run_id, "again")
            st.rerun()


hub = use_hub()
place = open_page("Evaluate", "Ask students the same problems, before and after, and read every answer.")
rows = {row["run_id"]: row for row in hub.store.list_evaluate_runs().to_dict("records")}
usual = "numbers" if st.query_params.get("run") in rows else "ask"
view = choose_view(VIEWS, "evaluate_view", usual)
if view == "ask":
    draw_form(hub, place, go_to)
elif not rows:
    draw_empty("Nothing was evaluated yet. **Ask** starts an evaluation.")
else:
    run_id = choose(
        "Evaluation",
        list(rows),
        param="run",
        key="evaluate_run",
        shown=lambda id_: name_run(rows[id_]),
        help=RUN_TIMES,
    )
    run = hub.store.read_run(run_id)
    draw_orders(hub, run, place)
    if run["state"] != "done":
        draw_progress(hub, run)
    if view == "answers":
        draw_answers(hub, run)
    elif run["state"] == "done":
        draw_numbers(hub, run)
explain(
    "Every student answers the same problems. The checker is the task's: it reads the final answer and compares it "
    "with the reference; where it cannot decide, the answer counts as wrong and says so. Accuracy is the share of "
    "right answers with Wilson's interval; with several drawn answers it is the mean share (mean@n), and problems are "
    "resampled. pass@k is Chen's unbiased estimate, maj@n the accuracy of the majority's final answer. The difference "
    "is paired by problem: its interval is a bootstrap over problems, and McNemar's exact test asks how likely as many "
    "gains and losses are by chance. Tokens per second count only what was generated in the run, nothing that came "
    "from the cache. `core.evaluation`, `core.analysis.evaluations`, `core.analysis.paired`, `core.analysis.votes`."
)
