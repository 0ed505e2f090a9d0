"""The backups of a home: one more, what there is, and how one is restored."""

from pathlib import Path

import streamlit as st

from core.backup.layout import REASONS
from core.hub import Hub
from core.recipes.backing_up import KIND, list_backups, start_backup
from core.runs.calls import write_call
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.disk import draw_need
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE
from pages.components.text import plain

MOST_SENT = 200_000_000
"""Bytes of a backup up to which the browser gets it: it is held in memory as it is sent."""

N_SHOWN = 5


def draw_backups(hub: Hub) -> None:
    """Draw the button that starts a backup, the one under way, and those that there are."""
    st.subheader("Backup", anchor=False)
    st.caption(
        "A backup is one archive with everything in the home that cannot be made again: journals, runs, replies of "
        "teachers. The database and the optimizer states of checkpoints are left out. Work goes on "
        "meanwhile; old archives are removed by hand."
    )
    runs = hub.store.list_runs([KIND], limit=1)
    newest = None if runs.empty else runs.iloc[0].to_dict()
    is_active = newest is not None and newest["state"] in ACTIVE
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Back up this home", key="back_up", icon=":material/archive:", disabled=is_active):
            with show_errors():
                start_backup(hub, has_caches=st.session_state.get("backup_caches", True))
                st.rerun()
        st.checkbox(
            "With caches that can be made again", True, key="backup_caches", help="Scores and answers of students."
        )
    _, totals = hub.measure_disk()
    draw_need(hub, sum(n for name, n in totals.items() if name in ("runs", "cache", "journal", "trash")))
    if is_active:

        def draw() -> bool:
            run = hub.store.read_run(newest["run_id"])
            draw_run(run)
            return run["state"] in ACTIVE

        draw_live(draw, is_active=True)
    elif newest is not None and newest["state"] != "done":
        draw_run(newest)
    for path in list_backups(hub.settings.home)[:N_SHOWN]:
        _draw_backup(hub, path)


def _draw_backup(hub: Hub, path: Path) -> None:
    """Draw one archive: where it is, its size, how to get and to restore it."""
    size = path.stat().st_size
    with st.expander(f"{numbers.moment(path.stat().st_mtime)}, {numbers.size(size)}", icon=":material/archive:"):
        st.caption(plain(path))
        run = hub.store.read_run(path.stem)
        left_out = ((run or {}).get("summary") or {}).get("left_out") or {}
        if left_out:
            told = [f"{numbers.counted(n, 'file')}: {REASONS.get(name, name)}" for name, n in left_out.items()]
            st.caption(plain("Left out: " + "; ".join(told) + "."))
        if size <= MOST_SENT:
            st.download_button(
                "Download", path.read_bytes, path.name, "application/zip", key=f"send_{path.stem}",
                icon=":material/download:", help=f"Offered up to {numbers.size(MOST_SENT)}.",
            )  # fmt: skip
        else:
            st.caption(f"Larger than {numbers.size(MOST_SENT)}: copy it from there.")
        st.caption("Restore it in a shell, into a folder that is not there yet")
        st.code(write_call(["restore", str(path), "--home", "NEW_FOLDER"]), language=None, wrap_lines=True)
