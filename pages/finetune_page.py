"""Finetune: train the student on what was accepted, watch it, and see whether it paid off."""

import streamlit as st

from core.hub import Hub
from core.recipes.start import start_finetune
from pages.components import numbers
from pages.components.access import show_errors, use_hub
from pages.components.curves import draw_curves
from pages.components.frame import choose, draw_empty, explain, open_page
from pages.components.result import draw_result
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE, TRAINING
from pages.components.subject import keep_in_view, view_seed_set
from pages.components.training_form import draw_training_form

VIEWS = {"train": "Train", "watch": "Watch", "result": "Result"}
LOG_BYTES = 4000


def draw_form(hub: Hub, place: st.delta_generator.DeltaGenerator) -> None:
    """Draw the form and launch what it asks for."""
    wish = draw_training_form(hub)
    if wish is None:
        return
    label = f"Finetune on {numbers.count(len(wish.rows))} rows"
    is_ready = bool(len(wish.rows)) and bool(wish.student)
    if place.button(label, type="primary", key="launch", disabled=not is_ready, icon=":material/model_training:"):
        with show_errors():
            run_id = start_finetune(
                hub, wish.generate_runs, policy=wish.policy, student=wish.student, training=wish.training
            )
            go_to("watch", run_id)
    st.caption(
        "Runs in the background, one at a time on this machine; one to two minutes for 300 rows of the tiny student."
    )


def go_to(view: str, run_id: str) -> None:
    """Show a run in a view from now on."""
    st.query_params.from_dict({"show": view, "run": run_id})
    st.rerun()


def draw_watch(hub: Hub, run_id: str, place: st.delta_generator.DeltaGenerator) -> None:
    """Draw a run: its state, its curves as they grow, its log, the configuration it was frozen with."""
    run = hub.store.read_run(run_id)
    is_active = run["state"] in ACTIVE
    is_log = st.toggle("Logarithmic loss axis", key="log_axis")

    def draw() -> bool:
        now = hub.store.read_run(run_id)
        draw_run(now)
        if not draw_curves(hub, run_id, key="watch", is_log=is_log):
            st.caption("The curves begin with the first training step.")
        with st.expander("Log", icon=":material/terminal:"):
            st.code(hub.read_log(run_id, LOG_BYTES) or "Nothing is printed yet.", language=None, height=220)
        return now["state"] in ACTIVE

    draw_live(draw, is_active=is_active)
    with st.expander("Frozen configuration", icon=":material/lock:"):
        st.json(run["config"])
    with show_errors():
        if is_active and place.button(
            "Cancel this run", key="cancel", icon=":material/stop:", disabled=run["state"] == "cancelling"
        ):
            hub.order(run_id, "cancel")
            st.rerun()
        if run["state"] == "done" and place.button("See the result", type="primary", key="see_result"):
            go_to("result", run_id)
        if run["state"] in ("failed", "cancelled", "lost") and place.button("Go on", type="primary", key="again"):
            hub.order(run_id, "again")
            st.rerun()


hub = use_hub()
place = open_page("Finetune", "Train a fresh adapter on what was accepted, and compare before with after.")
runs = keep_in_view(hub.store.list_runs(TRAINING), "run")
rows = {row["run_id"]: row for row in runs.to_dict("records")}
wanted = st.query_params.get("show") or ("watch" if st.query_params.get("run") in rows else "train")
if st.session_state.get("finetune_shown") != wanted and wanted in VIEWS:
    st.session_state["finetune_view"] = wanted
view = st.segmented_control(
    "View", list(VIEWS), format_func=VIEWS.get, key="finetune_view", required=True, label_visibility="collapsed"
)
st.session_state["finetune_shown"] = st.query_params["show"] = view
if view == "train":
    draw_form(hub, place)
elif not rows:
    draw_empty("Nothing was trained yet. **Train** starts a finetune.")
else:
    run_id = choose(
        "Run",
        list(rows),
        param="run",
        key="finetune_run",
        shown=lambda id_: f"{rows[id_]['title']}, {numbers.moment(rows[id_]['created_at'])}",
    )
    view_seed_set(rows[run_id]["seed_set_id"])
    if view == "watch":
        draw_watch(hub, run_id, place)
    else:
        draw_result(hub, run_id)
        if place.button("Choose the next seeds", type="primary", key="next_round", icon=":material/arrow_forward:"):
            st.switch_page("select_page.py", query_params={"seeds": rows[run_id]["seed_set_id"]})
explain(
    "Training loss is the mean over the answer tokens of a batch; the thin line is as measured, the thick one an "
    "exponential mean of about fifteen points. Validation is measured after every epoch, and the epoch with the best "
    "validation accuracy is kept. Before and after are greedy answers to the same problems; the paired difference "
    "counts problems gained and lost. `core.training`, `core.analysis.accuracy`."
)
