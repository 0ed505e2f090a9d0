"""Finetune: train the student on what was accepted, watch it, and see whether it paid off."""

import streamlit as st

from core.hub import Hub
from core.training.space import estimate_training_bytes
from pages.components import numbers
from pages.components.access import show_errors, use_hub
from pages.components.disk import draw_need
from pages.components.exporting import draw_export
from pages.components.frame import RUN_TIMES, choose, choose_view, draw_empty, explain, name_run, open_page
from pages.components.result import draw_result
from pages.components.run_actions import draw_note, draw_rename
from pages.components.standing import TRAINING
from pages.components.subject import keep_in_view, view_seed_set
from pages.components.sweeping import draw_sweep_form, draw_sweeps
from pages.components.training_form import draw_training_form, launch
from pages.components.training_refilling import offer_clone
from pages.components.training_rows import draw_rows_of_run
from pages.components.watching import draw_watch

VIEWS = {"train": "Train", "watch": "Watch", "rows": "Rows", "result": "Result", "sweeps": "Sweeps"}


def draw_form(hub: Hub, place: st.delta_generator.DeltaGenerator) -> None:
    """Draw the form and launch what it asks for."""
    alert = st.container()  # above the form: below it nobody would see why nothing started
    wish = draw_training_form(hub)
    label = f"Finetune on {wish.label}"
    if place.button(label, type="primary", key="launch", disabled=not wish.is_ready, icon=":material/model_training:"):
        with alert, show_errors():
            go_to("watch", launch(hub, wish))
    if wish.is_ready:
        draw_need(hub, estimate_training_bytes(wish.student, wish.training))
    st.caption("Runs in the background, one at a time on this machine.")
    draw_sweep_form(hub, wish)


def go_to(view: str, run_id: str) -> None:
    """Show a run in a view from now on."""
    st.query_params.from_dict({"show": view, "run": run_id})
    st.rerun()


hub = use_hub()
place = open_page("Finetune", "Train a fresh adapter on what was accepted, and compare before with after.")
every = hub.store.list_runs(TRAINING)
is_chosen = every["parent_id"].isna() | (every["run_id"] == st.query_params.get("run"))
runs = keep_in_view(every[is_chosen], "run")  # of a sweep only the run that was opened from it
rows = {row["run_id"]: row for row in runs.to_dict("records")}
view = choose_view(VIEWS, "finetune_view", "watch" if st.query_params.get("run") in rows else "train")
if view == "train":
    draw_form(hub, place)
elif view == "sweeps":
    draw_sweeps(hub)
elif not rows:
    draw_empty("Nothing was trained yet. **Train** starts a finetune.")
else:
    with st.container(horizontal=True, vertical_alignment="bottom", key="finetune_subject"):
        run_id = choose(
            "Run", list(rows), param="run", key="finetune_run", shown=lambda id_: name_run(rows[id_]), help=RUN_TIMES
        )
        draw_rename(hub, rows[run_id], key="finetune")
    draw_note(rows[run_id])
    seed_set = rows[run_id]["seed_set_id"]
    if not numbers.is_missing(seed_set):
        view_seed_set(seed_set)
    if view == "watch":
        draw_watch(hub, run_id, rows, place, go_to)
    elif view == "rows":
        offer_clone(hub.store.read_run(run_id), key="clone_form")
        draw_rows_of_run(hub, run_id)
    else:
        draw_result(hub, run_id)
        draw_export(hub, run_id)
        if not numbers.is_missing(seed_set) and place.button(
            "Choose the next seeds", type="primary", key="next_round", icon=":material/arrow_forward:"
        ):
            st.switch_page("select_page.py", query_params={"seeds": seed_set})
explain(
    "Training loss of supervised objectives is the mean over the answer tokens of a batch; of others it is what they "
    "minimise. The thin line is as measured, the thick one an exponential mean over as many steps as are chosen, of "
    "all points. Validation is measured after every epoch, and the epoch with the best validation accuracy is kept "
    "(the star), of equal ones that of the lowest validation loss. The time left is that of the training alone, at "
    "its own rate so far. Before and after are greedy "
    "answers to the same problems; the paired difference counts problems gained and lost. `core.training`, "
    "`core.figures.curves`, `core.analysis.accuracy`."
)
