"""Review: read what the teacher wrote, one at a time, by keyboard; every verdict is stored at once."""

import streamlit as st

from core.hub import Hub
from pages.components import reviewing
from pages.components.access import use_hub
from pages.components.frame import RUN_TIMES, choose, draw_empty, explain, name_run, note_teacher, open_page
from pages.components.pausing import draw_passing, draw_paused, draw_way_back, find_pause
from pages.components.record import draw_buttons, draw_finished, draw_progress, draw_record
from pages.components.reviewing import PLACE
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE, REVIEWED
from pages.components.subject import keep_in_view, view_seed_set
from pages.components.text import plain


def wait_for_candidates(hub: Hub) -> None:
    """Follow the runs that will bring the first candidates, and draw the page anew when they are there."""

    def draw() -> bool:
        running = hub.store.list_runs(REVIEWED, ACTIVE, has_previews=False)
        for run in running.to_dict("records"):
            draw_run(run)
        return hub.store.count_passed().empty and not running.empty

    draw_live(draw, is_active=not hub.store.list_runs(states=ACTIVE).empty)


hub = use_hub()
place = open_page("Review", "Read what the teacher wrote; what you reject is not trained on.")
paused = {row["run_id"]: row for row in hub.store.list_paused_runs().to_dict("records")}
runs = hub.store.list_runs(REVIEWED, has_previews=False, limit=None)
runs = runs[runs["run_id"].isin(hub.store.count_passed()["run_id"])]
is_opened = runs["run_id"].isin([*paused, st.query_params.get("run")])  # no arm that neither waits nor was opened
runs = keep_in_view(runs[runs["parent_id"].isna() | is_opened], "run")
runs = runs.sort_values("run_id", key=lambda ids: ~ids.isin(list(paused)), kind="stable")  # what waits comes first
draw_paused([row for id_, row in paused.items() if id_ not in set(runs["run_id"])])
if runs.empty:
    if not paused:
        nothing = "There is nothing to review yet: no candidate has passed the filters."
        draw_empty(nothing, "generate_page.py", "Generate")
    wait_for_candidates(hub)
    st.stop()
rows = {row["run_id"]: row for row in runs.to_dict("records")}
run_id = choose(
    "Run",
    list(rows),
    param="run",
    key="review_run",
    shown=lambda id_: f"{name_run(rows[id_])}{' · waits for you' if id_ in paused else ''}",
    help=RUN_TIMES,
)
view_seed_set(rows[run_id]["seed_set_id"])
if st.session_state.get("review_of") != run_id:
    st.session_state["review_of"] = run_id
    reviewing.show(st.query_params.get("candidate"))
queue = reviewing.read_queue(hub, run_id)
if queue.place is not None and st.session_state.get(PLACE) != queue.ids[queue.place]:
    st.session_state[PLACE] = queue.ids[queue.place]
if queue.place is not None:
    st.query_params["candidate"] = queue.ids[queue.place]
run = hub.store.read_run(run_id)
config = run["config"]
draw_way_back(run)
if (number := find_pause(run)) is not None:
    st.caption(plain(run["summary"]["stopped"]))
    with place:
        draw_passing(hub, run_id, number, len(queue.waiting), key="pass_review", type="primary")
elif place.button("Finetune on these", type="primary", key="to_finetune", icon=":material/arrow_forward:"):
    st.switch_page("finetune_page.py", query_params={"sources": run_id, "seeds": rows[run_id]["seed_set_id"]})
draw_buttons(hub, queue)
if queue.place is None:
    draw_finished(queue)
else:
    draw_record(hub, queue, config["task"])
draw_progress(hub, queue)
if config.get("teacher", "built-in") == "built-in":
    note_teacher()
explain(
    "Only candidates that passed the filters come here. A verdict is one line in the home's journal, on the disk "
    "before the next candidate is shown; an undo is one more line. Words on red stand only in the seed, words on green "
    "only in the candidate; a formula counts as one word. An edited answer is checked again by its task's rules."
)
