"""A run that grows candidates, live: what came of the requests, what it cost, seed beside child as they arrive."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.hub import Hub
from core.recipes.generating import N_PREVIEW, start_retry
from core.runs.folder import ENDED, RunFolder
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.candidates import draw_candidate, draw_candidate_table, draw_counts, draw_pair, draw_reasons
from pages.components.frame import choose, draw_empty, note_teacher
from pages.components.refilling import offer_refill
from pages.components.running import draw_live, draw_run
from pages.components.spending import draw_calls, draw_spending
from pages.components.standing import ACTIVE, GROWING
from pages.components.text import plain

N_LISTED = 500
"""Candidates in the table, at most."""

FOLLOW_S = 4.0
"""How often it is looked whether a run was started elsewhere: in another tab, from a shell."""

ENDED_NOW = "It has ended; what came of it is on its way."

N_ARRIVING = 3
"""Newest candidates that are shown beside their seeds while a run works."""


def draw_growth(hub: Hub, run_id: str) -> None:
    """Draw one run, live while it works; when it has ended, its candidates as a table with one beside its seed."""
    run = hub.store.read_run(run_id)

    is_active = run["state"] in ACTIVE

    def draw() -> bool:
        now = hub.store.read_run(run_id)
        if is_active and now["state"] not in ACTIVE:
            st.caption(ENDED_NOW)  # in place of the whole live view, parts of which would stay in sight, greyed
            return False
        with st.container():
            _draw_progress(hub, now)
        return is_active

    draw_live(draw, is_active=is_active)
    if not is_active:
        _draw_candidates(hub, run)


def list_growths(hub: Hub, selection_run: str) -> dict[str, dict]:
    """Return the runs that grew this selection, by id, newest first; a loop grows its own."""
    runs = hub.store.list_runs(GROWING, limit=None)
    is_growth = (runs["selection_run_id"] == selection_run) | (runs["run_id"] == selection_run)
    return {row["run_id"]: row for row in runs[is_growth].to_dict("records")}


def describe_growth(row: Mapping[str, Any], growths: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one line for a run that grew candidates; its state, which changes, is drawn below the choice.

    Args:
        row: of ``list_growths``.
        growths: as ``list_growths`` returns them, to tell which run a retry is of.
    """
    first = json.loads(row["config"]).get("retry_of")
    if first in growths:
        kind = f"retry of {numbers.moment(growths[first]['created_at'])}"
    elif first:
        kind = "retry"
    else:
        kind = "preview" if row["is_preview"] else "full run" if row["kind"] == "generate" else row["kind"]
    return f"{kind}, {numbers.moment(row['created_at'])}"


def draw_growths(hub: Hub, row: Mapping[str, Any], config: Mapping[str, Any] | None, label: str) -> None:
    """Draw one of the runs that grew a selection, and offer its settings.

    Args:
        hub: of the home.
        row: of ``store.list_selections``.
        config: what the fields of the page say now; None where no run can be made of them yet.
        label: of the button that starts a run.
    """
    growths = list_growths(hub, row["run_id"])
    if not growths:
        draw_empty(
            f"Nothing is written from this selection yet. **Preview {N_PREVIEW}** shows a handful within seconds; "
            f"**{label}** does the whole of it in the background."
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        run_id = choose(
            "Run",
            list(growths),
            param="run",
            key="generate_run",
            shown=lambda id_: describe_growth(growths[id_], growths),
        )
        if growths[run_id]["kind"] == "generate":
            run = hub.store.read_run(run_id)
            offer_refill(hub, row, run, config, label="Use the settings of this run", key="refill_shown")
    draw_growth(hub, run_id)


def find_newest(hub: Hub, selection_run: str) -> dict[str, Any] | None:
    """Return the newest generate run of this selection, else of all; None where there is none."""
    mine = [id_ for id_, row in list_growths(hub, selection_run).items() if row["kind"] == "generate"]
    found = mine or hub.store.list_runs(["generate"], limit=1)["run_id"].tolist()
    return hub.store.read_run(found[0]) if found else None


def follow_runs(hub: Hub) -> None:
    """Draw the page anew when a run was started, or starts again, elsewhere; it costs one look at the newest runs."""

    def find_newest() -> list[str]:
        newest, moving = hub.store.list_runs(GROWING, limit=1), hub.store.list_runs(GROWING, ACTIVE, limit=1)
        return [*newest["run_id"], *moving["run_id"]]

    def look() -> None:
        if find_newest() != drawn:
            st.rerun()

    drawn = find_newest()
    st.fragment(look, run_every=FOLLOW_S)()


def _draw_progress(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw how far a run is, what it cost so far, and why candidates were lost."""
    run_id, counts = run["run_id"], hub.store.count_candidates(run["run_id"])
    draw_run(run, has_title=False)
    _draw_orders(hub, run)
    draw_counts(counts, run["config"].get("n_accepted") or run["config"].get("k"))
    _draw_end(run, counts)
    draw_spending(hub, run_id, counts["accepted"])
    draw_calls(hub, run_id)
    draw_reasons(hub.store.list_failures(run_id))
    _draw_wrong_ones(run["summary"] or {})
    if run["state"] in ACTIVE:
        _draw_arriving(hub, run_id, counts["made"])


def _draw_end(run: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """Say why a run that is done accepted fewer than were wished for, where nothing else says it."""
    config = run["config"]
    left = (config.get("n_accepted") or 0) - counts["accepted"]
    if run["state"] != "done" or left <= 0 or (run["summary"] or {}).get("stopped"):
        return
    if config.get("is_preview") or config.get("retry_of"):
        st.caption(":material/info: None is replaced here: so many were asked for, and no more.")
    else:
        asked = numbers.counted(config.get("max_requests"), "candidate")
        st.caption(f":material/info: It ended short, at its limit of {asked}: most often for the first reason below.")


def _draw_wrong_ones(summary: Mapping[str, Any]) -> None:
    """Say how wrong, and how differently wrong, solutions are that were asked to be."""
    if summary.get("wrong_rate") is not None:
        st.caption(
            f"{numbers.percent(summary['wrong_rate'])} of the solutions asked for are wrong, as they were to be; "
            f"different wrong answers are {numbers.percent(summary['wrong_coverage'])} of those asked for "
            "(Zhang 2025, G.6.2)."
        )


def _draw_orders(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw what a person can tell the run now: stop; go on; ask again for what failed; go on with a larger budget."""
    run_id, state = run["run_id"], run["state"]
    stopped = (run["summary"] or {}).get("stopped")
    if stopped:
        st.warning(plain(stopped), icon=":material/front_hand:")
    with st.container(horizontal=True, gap="small"):
        if state in ("queued", "running"):
            help_ = "What is on its way is waited for, so that nothing paid for is lost."
            if st.button("Stop", key=f"stop_{run_id}", icon=":material/stop:", help=help_):
                hub.order(run_id, "cancel")
        if run["kind"] != "generate" or state not in ENDED:
            return
        draw_going_on(hub, run)
        n_failed = hub.store.count_candidates(run_id)["failed"]
        if n_failed and run["selection_run_id"]:
            _draw_retry(hub, run_id, n_failed)


def draw_going_on(hub: Hub, run: Mapping[str, Any]) -> None:
    """Offer to go on with a run that has ended short: as it is, and with a larger budget where it had one."""
    run_id, stopped = run["run_id"], (run["summary"] or {}).get("stopped")
    help_ = "Goes through it again; replies that came before are kept and cost nothing."
    is_open = run["state"] != "done" or stopped
    if is_open and st.button("Resume", key=f"resume_{run_id}", icon=":material/play_arrow:", help=help_):
        with show_errors():
            hub.order(run_id, "again")
            st.rerun()
    if stopped and run["config"].get("budget"):
        _draw_larger_budget(hub, run_id)


def _draw_retry(hub: Hub, run_id: str, n_failed: int) -> None:
    """Offer to ask again, by a run of its own, for the candidates that failed and for no others."""
    help_ = "The same seeds once more, in the same way; the other candidates stay as they are."
    label = f"Retry {numbers.counted(n_failed, 'failed one')}"
    if st.button(label, key=f"retry_{run_id}", icon=":material/replay:", help=help_):
        with show_errors():
            st.query_params["run"] = start_retry(hub, run_id)
            st.rerun()


def _draw_larger_budget(hub: Hub, run_id: str) -> None:
    """Offer to go on with a larger budget: what was asked before comes from the cache, and what was spent counts."""
    budget = RunFolder(hub.settings.home / "runs" / run_id).read_budget()
    with st.popover("Go on with a larger budget", icon=":material/savings:"):
        st.caption("The same run goes on; what it asked before is kept and costs nothing, what it spent counts.")
        larger: dict[str, float | None] = {}
        if budget.get("tokens"):
            start = 2 * int(budget["tokens"])
            larger["tokens"] = int(st.number_input("Tokens in all", 1, None, start, 10_000, key=f"more_{run_id}"))
        if budget.get("usd"):
            start = 2.0 * float(budget["usd"])
            larger["usd"] = st.number_input("Dollars in all", 0.01, None, start, 0.5, key=f"more_usd_{run_id}")
        if st.button("Go on", key=f"go_on_{run_id}"):
            with show_errors():
                hub.order(run_id, "again", {**budget, **larger})
                st.rerun()


def _draw_arriving(hub: Hub, run_id: str, n_made: int) -> None:
    """Draw the newest candidates beside their seeds."""
    if not n_made:
        return
    newest = hub.store.list_candidates(run_id=run_id, limit=N_ARRIVING, offset=max(n_made - N_ARRIVING, 0))
    st.caption("Arriving")
    for row in reversed(newest.to_dict("records")):
        draw_pair(row)


def _draw_candidates(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw all candidates of a run that has ended."""
    run_id = run["run_id"]
    candidates = hub.store.list_candidates(run_id=run_id, limit=N_LISTED)
    candidates = candidates.sort_values("status", kind="stable", ignore_index=True)  # accepted, failed, rejected
    if candidates.empty:
        st.info("This run made no candidates.")
        return
    if run["config"].get("teacher", "built-in") == "built-in":
        note_teacher()
    n_made = hub.store.count_candidates(run_id)["made"]
    if n_made > len(candidates):
        st.caption(f"The first {numbers.count(len(candidates))} of {numbers.count(n_made)} candidates.")
    marked = draw_candidate_table(candidates, key=f"candidates_{run_id}")
    draw_candidate(hub.store.read_candidate(run_id, candidates.iloc[marked]["candidate_id"]))
