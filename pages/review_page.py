"""Review: read what the teacher wrote, one at a time, by keyboard; every verdict is stored at once."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.hub import Hub
from core.store.queue_filter import QueueFilter
from pages.components import numbers
from pages.components.access import use_hub
from pages.components.bringing import LABEL, SHOW
from pages.components.frame import (
    RUN_TIMES,
    choose,
    choose_view,
    draw_empty,
    explain,
    name_run,
    note_teacher,
    open_page,
)
from pages.components.pausing import draw_passing, draw_paused, draw_way_back, find_pause
from pages.components.review_asking import follow_student, offer_student
from pages.components.review_export import draw_taking_out
from pages.components.review_filter import draw_filter, recall_reviewer, say_filter
from pages.components.review_log import draw_log
from pages.components.review_quality import draw_quality
from pages.components.review_queue import forget_queue, open_queue
from pages.components.review_reading import draw_reading
from pages.components.review_table import draw_table
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE, REVIEWED
from pages.components.subject import keep_in_view, view_seed_set
from pages.components.text import plain

ALL = "all"
"""The choice of every run in the box, in the address too."""

VIEWS = {"read": "Read", "table": "Table", "export": "Export", "quality": "How good?", "log": "Log"}


def wait_for_candidates(hub: Hub, known: set[str]) -> None:
    """Follow the runs that will bring the first candidates, and draw the page anew when they are there.

    Args:
        hub: of the home.
        known: runs whose candidates the page has seen; others may have come while it was drawn.
    """

    def draw() -> bool:
        running = hub.store.list_runs(REVIEWED, ACTIVE, has_previews=False)
        for run in running.to_dict("records"):
            draw_run(run)
        if {*hub.store.count_passed()["run_id"]} != known:
            st.rerun()
        return not running.empty

    draw_live(draw, is_active=not hub.store.list_runs(REVIEWED, ACTIVE, has_previews=False).empty)


def choose_runs(rows: Mapping[str, Mapping[str, Any]], waiting: set[str]) -> list[str]:
    """Draw the box of runs; returns the ids of those whose candidates are looked at: one, or all of a seed set.

    Args:
        rows: run id -> row, what waits first.
        waiting: ids of runs that wait for a person.
    """
    subjects = [row["seed_set_id"] for row in rows.values() if not numbers.is_missing(row["seed_set_id"])]
    together = [id_ for id_, row in rows.items() if row["seed_set_id"] in subjects[:1]]
    options = [*([ALL] if len(together) > 1 else []), *rows]
    if st.session_state.get("review_run") not in options:
        st.session_state["review_run"] = next(iter(rows))  # all is for who asks for it

    def show(option: str) -> str:
        if option == ALL:
            return f"All {len(together)} runs of this seed set"
        return f"{name_run(rows[option])}{' · waits for you' if option in waiting else ''}"

    asked = st.query_params.get("run")
    if asked not in (None, ALL, *options):
        st.toast(f"The run {plain(asked)} of the address is not here; another one is shown.", icon=":material/info:")
    chosen = choose("Run", options, param="run", key="review_run", shown=show, help=RUN_TIMES)
    return together if chosen == ALL else [chosen]


def draw_going_on(hub: Hub, chosen: list[str], waiting: list[Mapping[str, Any]]) -> int | None:
    """Draw the primary button, and the ways back; returns the round after which the one run in view waits.

    Args:
        hub: takes the order.
        chosen: runs in view.
        waiting: rows of ``list_paused_runs`` of those of them that wait for a person.
    """
    if len(chosen) == 1:
        run = hub.store.read_run(chosen[0])
        draw_way_back(run)
        number = find_pause(run)
        if number is not None:
            st.caption(plain(run["summary"]["stopped"]))
            with place:
                unread = hub.store.count_candidates(chosen)["waiting"]
                draw_passing(hub, chosen[0], number, unread, key="pass_review", type="primary")
            return number
    else:
        draw_paused(waiting)
    about = {} if numbers.is_missing(seed_set) else {"seeds": seed_set}
    if place.button("Finetune on these", type="primary", key="to_finetune", icon=":material/arrow_forward:"):
        st.switch_page("finetune_page.py", query_params={"sources": chosen} | about)
    return None


def read(hub: Hub, asked: QueueFilter, task: str, pause: int | None) -> None:
    """Draw the reading of what is asked for, beginning with the candidate of the address."""
    wanted = st.query_params.pop("candidate", None)
    if wanted is not None:
        forget_queue()
    queue = open_queue(hub, asked, reviewer, is_blind=is_blind, wanted=wanted)
    draw_reading(hub, queue, task, pause)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(say_filter(len(queue.keys), asked)), width="content")
        if st.button("Look again", key="review_again", icon=":material/refresh:", type="tertiary"):
            forget_queue()
            st.rerun()


hub = use_hub()
place = open_page("Review", "Read what the teacher wrote; what you reject is not trained on.")
paused = {row["run_id"]: row for row in hub.store.list_paused_runs().to_dict("records")}
passed = {*hub.store.count_passed()["run_id"]}
runs = hub.store.list_runs(REVIEWED, has_previews=False, limit=None)
runs = runs[runs["run_id"].isin(passed)]
is_opened = runs["run_id"].isin([*paused, st.query_params.get("run")])  # no arm that neither waits nor was opened
is_opened |= "area" in st.query_params  # a map has those of all runs
runs = keep_in_view(runs[runs["parent_id"].isna() | is_opened], "run")
runs = runs.sort_values("run_id", key=lambda ids: ~ids.isin(list(paused)), kind="stable")  # what waits comes first
draw_paused([row for id_, row in paused.items() if id_ not in set(runs["run_id"])])
if runs.empty:
    if not paused:
        nothing = "There is nothing to review yet: no candidate has passed the filters."
        draw_empty(nothing, "generate_page.py", "Generate")
        st.page_link("generate_page.py", label=LABEL, icon=":material/upload_file:", query_params=SHOW)
    wait_for_candidates(hub, passed)
    st.stop()
rows = {row["run_id"]: row for row in runs.to_dict("records")}
chosen = choose_runs(rows, set(paused))
seed_set = rows[chosen[0]]["seed_set_id"]
if not numbers.is_missing(seed_set):  # what was asked for without seeds is about none
    view_seed_set(seed_set)
configs = [json.loads(rows[id_]["config"]) for id_ in chosen]
task = configs[0]["task"]  # runs of one seed set have one task
view = choose_view(VIEWS, "review_view", "read")
if view in ("read", "table", "export"):
    with st.container(horizontal=True, vertical_alignment="bottom", key="review_filter"):
        asked, reviewer, is_blind = draw_filter(hub, chosen, "kept" if view == "export" else "any")
        if not numbers.is_missing(seed_set):
            offer_student(hub, asked, seed_set)
    with st.container():  # there in any case: what stands below keeps its place
        follow_student(hub, chosen)
else:
    asked, reviewer, is_blind = (
        QueueFilter(run=",".join(chosen)),
        st.query_params.get("by") or recall_reviewer()[0],
        False,
    )
number = draw_going_on(hub, chosen, [row for id_, row in paused.items() if id_ in chosen])
if view == "table":
    draw_table(hub, asked, reviewer, task, is_blind=is_blind)
elif view == "export":
    draw_taking_out(hub, asked)
elif view == "quality":
    draw_quality(hub, chosen)
elif view == "log":
    draw_log(hub, chosen, reviewer)
else:
    read(hub, asked, task, number)
if any(config.get("teacher", "built-in") == "built-in" for config in configs):
    note_teacher()
explain(
    "Only candidates that passed the filters come here, unless **Filter** asks for others. A verdict is one line in "
    "the home's journal, on the disk before the browser lets go of it; an undo is one more line. Words on red stand "
    "only in the seed, words on green only in the candidate; a formula counts as one word, and where hardly a word was "
    "kept nothing is marked. An edited answer is checked again by its task's rules. What is read is as it was when the "
    "page was opened; **Look again** brings what came since."
)
