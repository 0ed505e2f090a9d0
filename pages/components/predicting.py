"""The form that lets a student answer a seed set: the tiny one, a folder or hub id, or an adapter made before."""

import streamlit as st

from core.hub import Hub
from core.recipes.start import start_predict
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE

TINY = "tiny, the built-in student"
OTHER = "a folder or a Hugging Face id"


def draw_predict_form(hub: Hub, seed_set: str, n: int, *, is_open: bool) -> None:
    """Draw the form; its button puts a predict run in the queue.

    Args:
        hub: of the home.
        seed_set: id.
        n: train problems, for the cost.
        is_open: whether the form stands open: nothing is predicted yet.
    """
    adapters = hub.store.list_adapters(seed_set).to_dict("records")
    made = {f"{row['title']}, round {row['round']}": row for row in adapters}
    with st.expander("Let a student answer the seeds", expanded=is_open, icon=":material/psychology:"):
        choice = st.selectbox("Student", [TINY, *made, OTHER], key="predict_student")
        source = st.text_input("Folder or id", key="predict_source") if choice == OTHER else "tiny"
        st.caption(
            f"Answers {numbers.counted(n, 'problem')} in the background; the tiny student needs about a minute for "
            "1,000, answers given before are kept."
        )
        if st.button("Predict", key="predict", disabled=not source, icon=":material/play_arrow:"):
            with show_errors():
                row = made.get(choice)
                start_predict(
                    hub,
                    seed_set,
                    student=row["student"] if row else source,
                    adapter=row["path"] if row else None,
                    label=f"round-{row['round']}" if row else "base",
                )
                st.rerun()


def follow_predictions(hub: Hub, seed_set: str) -> None:
    """Draw the predict runs of this seed set that are under way, live."""
    ids = hub.store.list_runs(["predict"], ACTIVE, seed_set)["run_id"].tolist()

    def draw() -> bool:
        found = [hub.store.read_run(id_) for id_ in ids]
        for run in found:
            draw_run(run)
        return any(run and run["state"] in ACTIVE for run in found)

    if ids:
        draw_live(draw, is_active=True)
