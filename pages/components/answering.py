"""Letting a teacher answer seeds, from the page Finetune: whom, how often, how far; and the runs under way, live."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.recipes.answering import MOST_PER_SEED, start_answers
from core.recipes.training_choice import ALL_SEEDS
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.frame import note_teacher
from pages.components.running import draw_run, follow_runs
from pages.components.scoring import BUILT_IN, SERVER
from pages.components.serving import draw_server_form
from pages.components.setting_fields import NARROWEST
from pages.components.standing import ACTIVE
from pages.components.text import plain

FAULT = "answering_fault"
"""Key of the session: why the last run could not be started."""


def draw_asking(
    hub: Hub, seed_set: Mapping[str, Any], selections: Mapping[str, str], *, is_open: bool, wanted: str
) -> None:
    """Draw the form that starts a run, and the runs under way.

    Args:
        hub: of the home.
        seed_set: row of ``store.list_seed_sets``.
        selections: run id -> what people read.
        is_open: whether it stands open.
        wanted: key of the session that gets the id of a run that was started.
    """
    follow_answers(hub, seed_set["run_id"])
    with st.expander("Let a teacher answer the seeds", expanded=is_open, icon=":material/school:", key="answering"):
        options = {ALL_SEEDS: f"all {numbers.counted(seed_set['n_train'], 'seed')}", **selections}
        which = st.selectbox(
            "Which seeds", list(options), format_func=options.get, key="answering_seeds", persist_state="session"
        )
        who = st.selectbox("Who answers them", [BUILT_IN, SERVER], key="answering_teacher", persist_state="session")
        teacher = draw_server_form("answering_server", home=hub.settings.home) if who == SERVER else "built-in"
        if who == BUILT_IN:
            note_teacher()
            st.caption("To a seed it gives the reference answer again.")
        with st.grid(3, min_column_width=NARROWEST, key="answering_limits"):
            n_per_seed = int(
                st.number_input("Answers to each", 1, MOST_PER_SEED, 1, key="answering_n", persist_state="session")
            )
            none = {"placeholder": "no limit", "persist_state": "session"}
            tokens = st.number_input("Tokens, at most", 1, None, None, 10_000, key="answering_tokens", **none)
            usd = st.number_input("Dollars, at most", 0.01, None, None, 0.5, key="answering_usd", **none)
        ids = list_seeds(hub, seed_set["run_id"], which)
        n = len(ids) * n_per_seed
        st.caption(
            "Each answer is compared with the seed's reference: right ones become rows, the others are counted with "
            "the reason. What was answered once is not asked, or paid for, again."
        )
        if fault := st.session_state.pop(FAULT, None):
            st.error(plain(fault), icon=":material/error:")
        st.button(
            f"Ask for {numbers.counted(n, 'answer')}",
            key="answering_start",
            disabled=teacher is None or not n,
            icon=":material/school:",
            on_click=_start,
            args=(hub, seed_set["run_id"], ids, wanted),
            kwargs={"teacher": teacher, "n_per_seed": n_per_seed, "budget": {"tokens": tokens, "usd": usd}},
        )


def _start(hub: Hub, seed_set: str, ids: list[str], wanted: str, **choices: Any) -> None:
    try:
        run_id = start_answers(hub, seed_set, ids, **choices)
    except SeedbedError as error:
        st.session_state[FAULT] = str(error)
        return
    st.session_state[wanted] = [*st.session_state.get(wanted, ()), run_id]


def list_seeds(hub: Hub, seed_set: str, which: str) -> list[str]:
    """Return the ids of the train problems that a teacher would be asked."""
    if which != ALL_SEEDS:
        return hub.store.list_chosen(which)
    return hub.store.list_problems(seed_set, "train", limit=None)["problem_id"].tolist()


def follow_answers(hub: Hub, seed_set: str) -> None:
    """Draw the runs under way, live, and the last one where it failed or ended early; say what it brought."""
    runs = hub.store.list_runs(["answers"], seed_set_id=seed_set, limit=10)
    ids = runs[runs["state"].isin(ACTIVE)]["run_id"].tolist()
    if not runs.empty and not ids:
        _tell_last(hub.store.read_run(runs.iloc[0]["run_id"]))
    with show_errors():
        follow_runs(hub, ids)


def _tell_last(run: Mapping[str, Any]) -> None:
    summary = run["summary"] or {}
    if run["state"] in ("failed", "lost"):
        draw_run(run)
    if "right" in summary:
        st.caption(
            f"The last run, {numbers.moment(run['created_at'])}: {numbers.count(summary['requested'])} asked, "
            f"{numbers.count(summary['right'])} right, {numbers.count(summary['wrong'])} wrong, "
            f"{numbers.count(summary['undecided'])} undecided, {numbers.count(summary['failed'])} failed."
        )
        if summary.get("stopped"):
            st.warning(f"It ended early: {plain(summary['stopped'])}", icon=":material/info:")
