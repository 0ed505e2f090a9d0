"""A trained student taken out of its home: the adapter as a download, a merged model, the hub; and what came of it."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.models.publishing import NO_TOKEN, has_token, name_hub
from core.models.weight_files import BYTES, find_dtype
from core.recipes.exporting import (
    LARGEST_ZIP,
    describe_check,
    estimate_export,
    find_model,
    name_zip,
    start_export,
    start_push,
    zip_adapter,
)
from core.recipes.trained import Trained, list_trained
from core.runs.folder import RunFolder
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.disk import draw_warning
from pages.components.queueing import draw_wait
from pages.components.running import draw_bar, draw_live, draw_state
from pages.components.standing import ACTIVE
from pages.components.text import plain

LEAVING = ("export", "push")
"""Kinds of run that take a student out."""

AS_USED = "as the base is used"
"""The choice of a precision that nobody had to make."""

N_SHOWN = 3
"""Exports and pushes that are shown, the newest ones and whatever still works."""


def draw_export(hub: Hub, run_id: str, round_: int | None = None) -> None:
    """Draw the ways to take out what a run has trained; nothing where it has trained nothing that is there.

    Args:
        hub: of the home.
        run_id: a finetune or a loop.
        round_: of a loop, where the page has chosen one; None: chosen here, the last one at first.
    """
    made = {each.round: each for each in list_trained(hub.settings.home, run_id)}
    if not made:
        return
    st.subheader("Take it out", anchor=False)
    if round_ not in made:
        round_ = max(made)
        if len(made) > 1:
            key = f"export_round_{run_id}"
            round_ = st.segmented_control("Of round", list(made), default=round_, required=True, key=key)
    trained = made[round_]
    runs = _list_leaving(hub, trained)
    with st.container(key="two_sides_export"):
        adapter, model, hub_ = st.columns(3, gap="medium")
    with adapter, st.container(border=True, height="stretch"):
        _draw_adapter(hub, trained)
    with model, st.container(border=True, height="stretch"), show_errors():
        _draw_model(hub, trained)
    with hub_, st.container(border=True, height="stretch"), show_errors():
        _draw_hub(hub, trained, runs)
    is_active = any(run["state"] in ACTIVE for run in runs)
    draw_live(lambda: _draw_runs(hub, trained), is_active=is_active)


def _draw_adapter(hub: Hub, trained: Trained) -> None:
    """Draw the download of an adapter; the zip is made when it is asked for."""
    st.markdown("**Adapter**")
    if trained.is_whole:
        st.caption("All weights were trained, so there is no adapter: export the model.")
        return
    size = numbers.size(trained.n_bytes)
    st.caption(f"LoRA weights, {size}, with a card that says what they are; they need their base.")
    if trained.n_bytes > LARGEST_ZIP:
        st.caption("Too large for a browser; copy this folder.")
        st.code(str(trained.folder), language=None, wrap_lines=True)
        return
    st.download_button(
        "Download the adapter",
        partial(zip_adapter, hub.settings.home, trained),
        name_zip(trained),
        "application/zip",
        key=f"download_{trained.run_id}_{trained.round}",
        icon=":material/download:",
        on_click="ignore",
    )


def _draw_model(hub: Hub, trained: Trained) -> None:
    """Draw the form of a merged model, with the room that it takes."""
    st.markdown("**Whole model**")
    what = "All weights" if trained.is_whole else "Base and adapter in one"
    st.caption(f"{what}: a folder that any library loads, checked against what was trained.")
    usual = None
    try:
        estimate_export(trained)  # says what is wrong with the base before anybody waits for a run
        usual = _find_usual(trained)
    except SeedbedError as error:
        st.error(plain(error), icon=":material/error:")
        return
    word = f"{AS_USED} ({usual})" if usual else AS_USED
    chosen = st.selectbox(
        "Precision",
        [AS_USED, *BYTES],
        format_func=lambda name: word if name == AS_USED else name,
        key=f"export_dtype_{trained.run_id}",
        help="bfloat16 and float16 take half the room of float32 and round the weights; the rounding is measured.",
    )
    dtype = None if chosen == AS_USED else chosen
    needed = estimate_export(trained, dtype)
    st.caption(f"About {numbers.size(needed)}." if needed is not None else "The base is fetched from the hub first.")
    draw_warning(hub, needed)
    if st.button("Make the model", key="make_export", icon=":material/merge:"):
        start_export(hub, trained.run_id, trained.round, dtype)
        st.rerun()


def _find_usual(trained: Trained) -> str | None:
    """Return the type that the base is used in; None where it is not on this machine."""
    from core.models.student import check_source

    folder = check_source(str(trained.student))
    return None if folder is None else find_dtype(folder)


def _draw_hub(hub: Hub, trained: Trained, runs: list[dict[str, Any]]) -> None:
    """Draw the form of a push: what, where to, who sees it."""
    st.markdown("**Hugging Face hub**")
    st.caption(f"Uploads to {plain(name_hub())} by one commit.")
    if not has_token():
        st.info(NO_TOKEN, icon=":material/key_off:")
        return
    home = hub.settings.home
    models = [
        run for run in runs if run["kind"] == "export" and find_model(home, RunFolder(home / "runs" / run["run_id"]))
    ]
    subjects = {run["run_id"]: f"the model made {numbers.moment(run['created_at'])}" for run in models}
    if not trained.is_whole:
        subjects = {trained.run_id: "the adapter", **subjects}
    if not subjects:
        st.caption("Make the model first; then it can be pushed.")
        return
    what = st.selectbox("What", list(subjects), format_func=subjects.get, key=f"push_what_{trained.run_id}")
    repo = st.text_input("Repository", key="push_repo", placeholder="owner/name").strip()
    is_private = st.toggle("Private", True, key="push_private", help="Of a repository that is made.")
    if not is_private:
        st.caption(":orange[Everybody will see it.]")
    may_update = st.toggle("It may be there already", key="push_update", help="Files of the same names are replaced.")
    if st.button("Push", key="push", icon=":material/upload:"):
        number = trained.round if what == trained.run_id else None
        start_push(hub, what, repo, round_=number, is_private=is_private, may_update=may_update)
        st.rerun()


# -- what came of it ---------------------------------------------------------------------------------------------


def list_leaving(hub: Hub, kinds: Sequence[str]) -> list[dict[str, Any]]:
    """Return the runs of these kinds, newest first, with their configuration and summary parsed."""
    return [
        {
            **row,
            "config": json.loads(row["config"]),
            "summary": None if numbers.is_missing(row["summary"]) else json.loads(row["summary"]),
        }
        for row in hub.store.list_runs(kinds).to_dict("records")
    ]


def _list_leaving(hub: Hub, trained: Trained) -> list[dict[str, Any]]:
    """Return the exports and pushes of a trained student, newest first, with their configuration and summary parsed."""
    runs = list_leaving(hub, LEAVING)
    exports = {
        run["run_id"]
        for run in runs
        if run["kind"] == "export" and _is_of(run["config"], trained.run_id, trained.round)
    }
    return [
        run
        for run in runs
        if run["run_id"] in exports
        or (run["kind"] == "push" and run["config"]["run"] in exports)
        or (run["kind"] == "push" and _is_of(run["config"], trained.run_id, trained.round))
    ]


def _is_of(config: Mapping[str, Any], run_id: str | None, round_: int | None) -> bool:
    return config["run"] == run_id and config["round"] == round_


def _draw_runs(hub: Hub, trained: Trained) -> bool:
    """Draw every export and push of a trained student; says whether one still works."""
    runs = _list_leaving(hub, trained)
    shown = [run for place, run in enumerate(runs) if place < N_SHOWN or run["state"] in ACTIVE]
    for run in shown:
        with st.container(border=True, key=f"leaving_{run['run_id']}"):
            draw_leaving(hub, run)
    if n_more := len(runs) - len(shown):
        st.caption(f"{numbers.counted(n_more, 'earlier one')} on the page Runs.")
    return any(run["state"] in ACTIVE for run in runs)


def draw_leaving(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw an export or a push: its state, what can be done with it, what came of it.

    Args:
        hub: of the home.
        run: its row, configuration and summary parsed.
    """
    run_id, config, summary = run["run_id"], run["config"], run["summary"] or {}
    where = config["repo"] if run["kind"] == "push" else config["dtype"] or summary.get("dtype") or ""
    words = {"export": "Whole model", "push": f"{config.get('what', '')} to the hub".capitalize()}[run["kind"]]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_state(run["state"])
        st.markdown(f"**{words}** {plain(where)}", width="content")
        st.caption(numbers.moment(run["created_at"]), width="content")
        if run["state"] in ACTIVE:
            if st.button("Cancel", key=f"cancel_{run_id}", icon=":material/stop:", type="tertiary"):
                with show_errors():
                    hub.order(run_id, "cancel")
                    st.rerun()
        elif run["state"] == "done" and run["kind"] == "push":
            st.link_button("Open", summary["url"], icon=":material/open_in_new:", type="tertiary")
        elif run["state"] != "done" and st.button(
            "Again", key=f"again_{run_id}", icon=":material/replay:", type="tertiary"
        ):
            with show_errors():
                hub.order(run_id, "again")
                st.rerun()
    if run["state"] == "queued":
        draw_wait(hub, run)
    elif run["state"] in ACTIVE:
        draw_bar(run)
    elif not numbers.is_missing(run["error"]):
        st.error(plain(run["error"]), icon=":material/error:")
    elif run["kind"] == "export" and run["state"] == "done":
        _draw_model_made(hub, run)


def _draw_model_made(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw where a model lies and how it compares."""
    path = find_model(hub.settings.home, RunFolder(hub.settings.home / "runs" / run["run_id"]))
    if path is None:
        st.caption("The folder of this model is no longer there.")
        return
    st.code(str(path), language=None, wrap_lines=True)
    size = numbers.size(run["summary"]["n_bytes"])
    st.caption(f"{size} in {run['summary']['dtype']}; {describe_check(run['summary'])}.")
    with st.container(horizontal=True, gap="medium"):
        asked = {"show": "ask", "model": str(path)}
        st.page_link("evaluate_page.py", label="Evaluate it", icon=":material/grading:", query_params=asked)
        if path.is_relative_to(hub.settings.home):
            st.page_link("runs_page.py", label="Remove it on Runs", query_params={"run": run["run_id"]})
