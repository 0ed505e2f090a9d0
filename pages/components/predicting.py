"""The form that lets a student answer a seed set: the tiny one, a folder or hub id, or an adapter made before."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.recipes.start import start_predict
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE

TINY = "tiny, the built-in student"
OTHER = "a folder or a Hugging Face id"


def draw_predict_form(hub: Hub, seed_set: str, n: int, asked: pd.DataFrame) -> None:
    """Draw the form; its button puts a predict run in the queue.

    It stands open, with the student of the newest finetune chosen, where that student has not been asked yet.

    Args:
        hub: of the home.
        seed_set: id.
        n: train problems, for the cost.
        asked: ``store.list_prediction_sets`` of the seed set.
    """
    adapters = hub.store.list_adapters(seed_set).to_dict("records")
    made = {row["path"]: row for row in adapters}
    newest = adapters[0]["path"] if adapters else None
    is_behind = newest is not None and newest not in set(asked["adapter"])
    if is_behind and not asked.empty:
        st.warning("These answers are from before the last finetune: let the student it made answer the seeds.")
    options = [TINY, *made, OTHER]
    is_open = is_behind or asked.empty
    with st.expander("Let a student answer the seeds", expanded=is_open, icon=":material/psychology:"):
        choice = st.selectbox(
            "Student",
            options,
            options.index(newest) if is_behind else 0,
            key=f"predict_student_{seed_set}_{newest}",
            format_func=lambda option: _name_adapter(made[option]) if option in made else option,
        )
        source = st.text_input("Folder or id", key="predict_source") if choice == OTHER else "tiny"
        st.caption(
            f"Answers {numbers.counted(n, 'problem')} in the background; the tiny student needs some 15 seconds for "
            "1,000 on two cores, answers given before are kept."
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


def _name_adapter(row: Mapping[str, Any]) -> str:
    return f"{row['title']}, {numbers.moment(row['written_at'])}, round {row['round']}"


def follow_predictions(hub: Hub, seed_set: str) -> None:
    """Draw the predict runs of this seed set that are under way, live, and the last one where it failed."""
    runs = hub.store.list_runs(["predict"], seed_set_id=seed_set, limit=10)
    ids = runs[runs["state"].isin(ACTIVE)]["run_id"].tolist()
    if not runs.empty and runs.iloc[0]["state"] in ("failed", "lost"):
        draw_run(runs.iloc[0].to_dict())

    def draw() -> bool:
        found = [hub.store.read_run(id_) for id_ in ids]
        for run in found:
            draw_run(run)
        return any(run and run["state"] in ACTIVE for run in found)

    if ids:
        draw_live(draw, is_active=True)
