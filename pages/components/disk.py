"""How the disk is used: what the home takes, what is left, the largest runs, and a warning before it runs out."""

import streamlit as st

from core.hub import Hub
from core.runs.disk import measure_free, warn_of_disk
from pages.components import numbers
from pages.components.text import plain

N_LARGEST = 5

NAMES = {
    "models": "exported models",
    "runs": "runs, checkpoints among them",
    "cache": "caches",
    "trash": "trash",
    "backups": "backups",
    "database": "database",
    "journal": "journals",
}
"""Parts of a home, in the order in which they are shown."""


def draw_warning(hub: Hub, needed: int | None = None) -> None:
    """Draw a warning where the disk is nearly full, or has not the room that is needed (bytes; None: not known)."""
    if sentence := warn_of_disk(hub.settings.home, needed):
        st.warning(plain(sentence), icon=":material/hard_drive:")


def draw_need(hub: Hub, needed: int | None) -> None:
    """Draw what something to be started takes on the disk (bytes; None: not known), and what is left."""
    draw_warning(hub, needed)
    free, _ = measure_free(hub.settings.home)
    if needed is not None and needed <= free:
        st.caption(f"Takes at most {numbers.size(needed)} on the disk while it works; {numbers.size(free)} are left.")


def draw_disk(hub: Hub) -> None:
    """Draw the use of the disk, part by part, and the largest runs with links to where they are removed."""
    frame, totals = hub.measure_disk()
    models = int(frame["model_bytes"].sum())
    parts = {**totals, "models": models, "runs": totals["runs"] - models}
    draw_warning(hub)
    used = sum(parts[name] for name in NAMES)
    st.markdown(f"**{numbers.size(used)}** used by this home, **{numbers.size(totals['free'])}** left on its disk.")
    st.caption(" · ".join(f"{name} {numbers.size(parts[key])}" for key, name in NAMES.items() if parts[key]))
    largest = frame[frame["bytes"] > 0].head(N_LARGEST)
    if largest.empty:
        return
    titles = hub.store.list_runs(limit=None).set_index("run_id")["title"]
    st.caption("The largest runs; a run goes to the trash on its own page, and the room is free when that is emptied.")
    for run_id, n_bytes in zip(largest["run_id"], largest["bytes"], strict=True):
        label = f"{numbers.size(n_bytes)} · {plain(titles.get(run_id, run_id))}"
        st.page_link("runs_page.py", label=label, icon=":material/folder_open:", query_params={"run": run_id})
