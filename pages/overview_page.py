"""Overview: where things stand, what to do next, what runs now, and what the rounds so far brought."""

import pandas as pd
import streamlit as st

from core.figures.rounds import draw_rounds
from core.hub import Hub
from core.runs.folder import STOPPED
from pages.components import numbers
from pages.components.access import show_errors, use_hub
from pages.components.chart import draw_chart
from pages.components.curves import draw_curves
from pages.components.frame import choose, draw_empty, explain, name_set, note_teacher, open_page
from pages.components.pausing import draw_pause
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE, TRAINING, Standing, read_standing
from pages.components.subject import view_seed_set
from pages.components.text import plain
from pages.components.timeline import draw_timeline, read_timeline
from pages.components.tour import offer_tour


def draw_next(standing: Standing, place: st.delta_generator.DeltaGenerator) -> None:
    """Draw what a person would do next, with the button that goes there."""
    step = next(step for step in standing.steps if step.name == standing.next_step)
    st.markdown(f"**{plain(standing.seed_set_name)}** · {standing.sentence}")
    if standing.is_at_work:
        return
    label = "Select the next seeds" if standing.is_round_over else f"Go to {step.name}"
    if place.button(label, type="primary", icon=":material/arrow_forward:", key="go_on"):
        st.switch_page(step.page, query_params=step.query)


def draw_start(hub: Hub, place: st.delta_generator.DeltaGenerator) -> None:
    """Draw the first screen of a home without problems, and start the demo where that is wished."""
    has_runs = not hub.store.list_runs(limit=1).empty
    with st.container(border=True, key="reading_start"):
        st.subheader("No problems are here yet" if has_runs else "Nothing is here yet", anchor=False)
        st.markdown(
            "Seedbed finetunes small language models on problems that a teacher writes for them. The loop: bring in "
            "**seeds**, **select** those the student finds hard, let a teacher **generate** new ones from them, "
            "**review** what came back, **finetune**, and **evaluate** on problems never trained on."
        )
        st.markdown(
            "**Start the demo** runs one whole round on built-in word problems: 100 candidates, a tiny student, a few "
            "minutes on two processor cores. It needs no key, no network and no graphics card."
        )
        note_teacher()
        st.page_link("seeds_page.py", label="Bring in your own seeds instead", icon=":material/grass:")
    if place.button("Start the demo", type="primary", icon=":material/play_arrow:", key="start_demo"):
        from core.recipes.start import start_demo  # brings the teacher's side, which the first page can do without

        with show_errors():
            start_demo(hub)
            st.rerun()


def choose_seed_set(sets: pd.DataFrame, standing: Standing) -> None:
    """Draw the choice of the seed set in view, where there are several."""
    if len(sets) > 1:
        names = {row["run_id"]: name_set(row) for row in sets.to_dict("records")}
        st.query_params["seeds"] = str(standing.seed_set_id)
        view_seed_set(choose("Seed set", list(names), param="seeds", key="overview_seeds", shown=names.get))


def draw_stopped(hub: Hub) -> None:
    """Draw the newest training run where it ended before it was done, or waits, and the button that goes on with it."""
    runs = hub.store.list_runs(TRAINING, limit=1)
    if runs.empty:
        return
    run = runs.iloc[0].to_dict()
    if run["state"] == "done":
        draw_pause(hub, hub.store.read_run(run["run_id"]), key="overview")
    if run["state"] not in STOPPED:
        return
    with st.container(border=True, key="stopped"):
        draw_run(run)
        if run["state"] == "cancelled" and not numbers.is_missing(run["error"]):
            st.caption(plain(run["error"]))
        with show_errors(), st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Go on", key="stopped_again", icon=":material/replay:", help="From its last checkpoint."):
                hub.order(run["run_id"], "again")
                st.rerun()
            st.page_link(
                "runs_page.py",
                label="Open this run",
                icon=":material/open_in_full:",
                query_params={"run": run["run_id"]},
            )


def draw_running(hub: Hub) -> None:
    """Draw what runs now, with its learning curves as they grow."""
    is_active = not hub.store.list_runs(states=ACTIVE, limit=1).empty

    def draw() -> bool:
        runs = hub.store.list_runs(states=ACTIVE)
        for row in runs.iloc[::-1].to_dict("records"):
            with st.container(border=True, key=f"running_{row['run_id']}"):
                draw_run(row)
                if row["kind"] in TRAINING and row["state"] != "queued":
                    draw_curves(hub, row["run_id"], key=f"live_{row['run_id']}")
                st.page_link(
                    "finetune_page.py" if row["kind"] in TRAINING else "runs_page.py",
                    label="Open this run",
                    icon=":material/open_in_full:",
                    query_params={"run": row["run_id"]},
                )
        return not runs.empty

    if is_active:
        st.subheader("Running now", anchor=False)
        draw_live(draw, is_active=True)


def draw_rounds_so_far(hub: Hub, standing: Standing) -> None:
    """Draw accuracy by round and the table behind it; a click on a row opens the run's result."""
    table, evaluations = read_timeline(hub.store, standing.seed_set_id)
    st.subheader("Rounds", anchor=False)
    if table.empty:
        draw_empty("No round is finished yet: here its accuracy will stand, before and after training.")
        return
    draw_chart(draw_rounds(evaluations, view=str(standing.seed_set_id)), key="rounds")
    note_teacher()
    run_id = draw_timeline(table)
    if run_id:
        st.page_link(
            "finetune_page.py",
            label="Open the result of the marked round",
            icon=":material/arrow_forward:",
            query_params={"run": run_id, "show": "result", "seeds": str(standing.seed_set_id)},
        )
    else:
        st.caption("Mark a row to open its result.")


hub = use_hub()
place = open_page("Overview", "Where things stand, and what comes next.")
sets = hub.store.list_seed_sets()
standing = read_standing(hub.store, st.query_params.get("seeds"))
has_problems = bool((sets["n_kept"] > 0).any())
if not has_problems and hub.store.list_runs(states=ACTIVE, limit=1).empty:
    draw_start(hub, place)
    draw_stopped(hub)
else:
    if standing.seed_set_id:
        choose_seed_set(sets, standing)
        draw_next(standing, place)
    draw_stopped(hub)
    draw_running(hub)
    if standing.seed_set_id:
        draw_rounds_so_far(hub, standing)
offer_tour(hub, standing)
explain(
    "Accuracy is the share of the test problems that the student answers rightly, by greedy decoding, before and after "
    "training, on the same problems. The band is the 95 % interval of that share; the gain is paired, problem by "
    "problem. Test problems are never shown to the teacher and never trained on. `core.analysis.accuracy` computes it."
)
