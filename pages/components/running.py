"""Runs as people see them: state, stage, how much is made, failed and left; drawn live only while something moves."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import streamlit as st

from core.figures.colours import style_of_state
from core.hub import Hub
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.stage_words import say_stage, when_evaluated
from pages.components.standing import ACTIVE
from pages.components.text import plain

REFRESH_S = 1.0
MEASURED_S = 3.0
"""How long a stage must have been measured before its rest is told."""


def draw_live(draw: Callable[[], bool], *, is_active: bool) -> None:
    """Draw a part of a page, once a second while it is active; the page is drawn anew when that ends.

    Args:
        draw: draws, and says whether there is still something to wait for.
        is_active: whether it should refresh itself.
    """

    def draw_once() -> None:
        is_still_active = is_active
        with show_errors():
            is_still_active = draw()
        if is_active and not is_still_active:
            st.rerun()

    st.fragment(draw_once, run_every=REFRESH_S if is_active else None)()


def follow_runs(hub: Hub, run_ids: Collection[str]) -> None:
    """Draw runs that are under way, live, each with a button that cancels it; nothing where there are none."""

    def draw() -> bool:
        found = [run for id_ in run_ids if (run := hub.store.read_run(id_)) is not None]  # not what went to the trash
        for run in found:
            draw_run(run)
            if run["state"] in ACTIVE and st.button("Cancel", key=f"cancel_{run['run_id']}"):
                hub.order(run["run_id"], "cancel")
        return any(run["state"] in ACTIVE for run in found)

    if run_ids:
        draw_live(draw, is_active=True)


def draw_state(state: str) -> None:
    """Draw the state of a run as a badge: icon, word and colour."""
    style = style_of_state(state)
    st.badge(style.word, icon=style.icon, color=style.name)


def describe_counts(run: Mapping[str, Any]) -> str:
    """Return ``34 made · 3 failed · 63 left`` for the latest stage of a run, ``34 of 100`` where nothing failed.

    What is not known is left out.
    """
    if numbers.is_missing(run.get("made")):
        return ""
    if numbers.is_missing(run.get("total")) and run["made"] + run["failed"] == 0:
        return ""  # loading, say: there is nothing to count
    stage = str(run.get("stage"))
    is_growth = stage.endswith(("generate", "teacher"))  # there lost ones are replaced
    if run["failed"] == 0 and not numbers.is_missing(run.get("total")):
        return f"{numbers.count(run['made'])} of {numbers.count(run['total'])}"
    words = ("accepted", "failed or rejected") if is_growth or stage == "bring" else ("made", "failed")
    parts = [f"{numbers.count(run[name])} {word}" for name, word in zip(("made", "failed"), words, strict=True)]
    if not numbers.is_missing(run.get("total")):
        gone = 0 if is_growth else run["failed"]
        parts.append(f"{numbers.count(max(int(run['total'] - run['made'] - gone), 0))} left")
    return " · ".join(parts)


def elapsed(run: Mapping[str, Any]) -> float | None:
    """Return how long the run's latest attempt took, or has taken so far, seconds; None before it started."""
    if numbers.is_missing(run["started_at"]):
        return None
    if run["state"] in ("running", "cancelling"):
        return time.time() - run["started_at"]
    return None if numbers.is_missing(run["ended_at"]) else run["ended_at"] - run["started_at"]


def draw_run(run: Mapping[str, Any], *, has_title: bool = True) -> None:
    """Draw one run: state, title, stage with its progress bar, and its error if it has one."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_state(run["state"])
        if has_title:
            st.markdown(f"**{plain(run['title'])}**", width="content")
        st.caption(_say_elapsed(run), width="content")
    if run["state"] in ACTIVE:
        draw_bar(run)
    if run["state"] in ("failed", "lost") and not numbers.is_missing(run["error"]):
        st.error(plain(run["error"]), icon=":material/error:")


def _say_elapsed(run: Mapping[str, Any]) -> str:
    """Return how long a run has taken; of one that waits or never began, that."""
    if run["state"] == "queued" and run["attempt"] > 0:
        return f"attempt {run['attempt'] + 1}, not begun"
    if numbers.is_missing(run["started_at"]):
        return "not begun"
    taken = elapsed(run)  # of a lost one nobody knows
    return f"began {numbers.moment(run['started_at'])}" if taken is None else numbers.duration(taken)


def draw_bar(run: Mapping[str, Any]) -> None:
    """Draw the progress bar of a run's present stage."""
    if run["state"] == "queued":
        goes_on = " to go on" if run["attempt"] > 0 else ""
        st.progress(0.0, text=f"Waits for its turn in the queue{goes_on}.")
        return
    stage = "starts" if numbers.is_missing(run.get("stage")) else run["stage"]
    has_total = not numbers.is_missing(run.get("total")) and run["total"] > 0
    share = min(run["made"] / run["total"], 1.0) if has_total else 0.0
    parts = [plain(say_stage(stage)), describe_counts(run), describe_rest(run)]
    st.progress(share, text=" · ".join(part for part in parts if part))


def describe_rest(run: Mapping[str, Any]) -> str:
    """Return how long the present stage will still take at its rate so far; empty where that cannot be told.

    Args:
        run: row of a run or stage; of one that is stopping (``state``, and ``is_kept`` where it is known) nothing is
            told: the rate so far says nothing of when it will have stopped.
    """
    is_stopping = run.get("is_kept") and not when_evaluated(run.get("stage"))  # what was kept is evaluated as ever
    if run.get("state") == "cancelling" or is_stopping:
        return ""
    fields = ("began_at", "began_made", "progress_at", "made", "total")
    if any(numbers.is_missing(run.get(name)) for name in fields):
        return ""
    n_made, seconds = run["made"] - run["began_made"], run["progress_at"] - run["began_at"]
    if n_made < 1 or seconds < MEASURED_S or run["made"] >= run["total"]:
        return ""
    return f"some {numbers.duration(seconds / n_made * (run['total'] - run['made']))} left at this rate"
