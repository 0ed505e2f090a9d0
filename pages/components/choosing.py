"""What a person chooses on the page Select: whose scores, a selector, a pick; and whom the try-it box may ask."""

from collections import Counter
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.selection import PICKS, SELECTORS, Pool, can_pick
from core.selection.own import load_selectors
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.frame import choose, follow_address, tell_address
from pages.components.text import plain
from pages.components.trained_students import list_offered


def choose_scores(scored: pd.DataFrame) -> dict | None:
    """Let a person choose whose answers and scores are looked at; None where no student has been asked yet."""
    if scored.empty:
        return None
    by_key = {f"{row['run_id']}/{row['student']}": row for row in scored.to_dict("records")}

    def shown(key: str) -> str:
        row = by_key[key]
        return f"{name_scores(row)}: {numbers.percent(row['accuracy'])} right of {numbers.count(row['n'])}"

    newest = next(iter(by_key))  # in the key: answers that have just come are taken without being asked for
    return by_key[
        choose(
            "Answers and scores of",
            list(by_key),
            param="scored",
            key=f"scores_{newest}",
            shown=shown,
            usual=newest,
            persist_state="session",
        )
    ]


def name_scores(row: Mapping[str, Any]) -> str:
    """Return what people read for whose answers and scores a row of ``store.list_prediction_sets`` holds."""
    return f"{_name_model(row['student_name'])}, {row['student']}, {numbers.moment(row['created_at'])}"


def name_scorer(hub: Hub, selection: Mapping[str, Any]) -> str:
    """Return by whose answers seeds were chosen: ``the student tiny``, with what it was trained in.

    Args:
        hub: of the home.
        selection: row of ``store.list_selections`` that has a student.
    """
    run = hub.store.read_run(selection["prediction_run_id"])
    if run is None:
        return "a run that is no longer there"
    name, adapter = f"the student {_name_model(run['config']['student'])}", run["config"].get("adapter")
    if adapter:
        offered = list_offered(hub).get(adapter)
        return f"{name}, {offered.label if offered else f'with {adapter}'}"
    label = selection["student"]  # of a loop: whose rounds train it
    return name if label == "base" else f"{name} after {label.replace('-', ' ')}"


def say_where(hub: Hub, scored: pd.DataFrame, needs: Set[str]) -> str:
    """Say where scores that a selector needs are to be had: of other answers, or by scoring the seeds."""
    for row in scored.to_dict("records"):
        run = hub.store.read_run(row["run_id"])
        if needs <= {*run["config"].get("signals", ())} - {*((run["summary"] or {}).get("failed") or ())}:
            return f"The scores of **{plain(name_scores(row))}** have it: choose them under **Answers and scores of**."
    return "Take it among the signals of **Score the seeds**; when the run is done, its choice is here."


def choose_selector(hub: Hub, pool: Pool) -> tuple[str, str]:
    """Let a person choose a selector and, where it ranks, a pick; what the pool lacks for one is named beside it."""
    with show_errors():
        load_selectors(hub.settings.selector_files)
    known = set(pool.signals) | set(pool.vectors)
    names = sorted(SELECTORS, key=lambda name: not SELECTORS.get(name).needs <= known)
    usual = "loss_high" if "loss" in known else "random"

    def shown(name: str) -> str:
        missing = sorted(SELECTORS.get(name).needs - known)
        return f"{name} (needs {' and '.join(missing)})" if missing else name

    selector = choose(
        "Selector",
        names,
        param="selector",
        key="selector",
        shown=shown,
        usual=usual,
        persist_state="session",
    )
    st.caption(SELECTORS.get(selector).title)
    if not can_pick(SELECTORS.get(selector)):
        return selector, "argmax"
    picks = list(PICKS)
    follow_address("pick", "pick", {pick: pick for pick in picks}.get, "argmax")
    pick = st.segmented_control(
        "Pick",
        picks,
        required=True,
        key="pick",
        persist_state="session",
        help="argmax takes the best; softmax draws with p ∝ exp(score), which the paper found to be close to chance.",
    )
    tell_address("pick", "pick", pick, "argmax")
    return selector, pick


def list_students(hub: Hub, seed_set: str) -> list[dict]:
    """Return whom the try-it box may ask about a seed set: ``label``, ``student``, ``adapter``, ``server`` of each.

    First the bases, the built-in student before those that have answered here or were finetuned; then the servers that
    have answered here; then every trained adapter; each newest first. Labels are short, and no two are the same.
    """
    trained = {path: each for path, each in list_offered(hub).items() if each.seed_set == seed_set}
    sources, servers = _list_asked(hub, seed_set)
    sources = dict.fromkeys(["tiny", *sources, *(each.student for each in trained.values())])
    found = [  # (short label, one that nothing else has), student, adapter, server
        *((_name_base(source), source, None, None) for source in sources),
        *((_name_server(server), server["model"], None, server) for server in servers),
        *(((each.label, f"{each.label}, {each.run_id}"), each.student, path, None) for path, each in trained.items()),
    ]  # fmt: skip
    counts = Counter(short for (short, _), *_ in found)
    return [
        {"label": short if counts[short] == 1 else whole, "student": student, "adapter": adapter, "server": server}
        for (short, whole), student, adapter, server in found
    ]


def _list_asked(hub: Hub, seed_set: str) -> tuple[list[str], list[dict]]:
    """Return the models (folder or hub id) and the servers that have answered problems of a seed set, newest first.

    A server that was asked for one model with several keys comes once, with the newest.
    """
    sources, servers = [], {}
    for row in hub.store.list_prediction_sets(seed_set).drop_duplicates("run_id").to_dict("records"):
        server = None if row["kind"] == "loop" else hub.store.read_run(row["run_id"])["config"].get("server")
        if server is not None:
            servers.setdefault((server["base_url"], server["model"]), server)
        elif not numbers.is_missing(row["student_name"]):
            sources.append(row["student_name"])
    return sources, list(servers.values())


def _name_base(source: str) -> tuple[str, str]:
    return f"{_name_model(source)}, base", f"{source}, base"


def _name_server(server: Mapping[str, str]) -> tuple[str, str]:
    place = urlsplit(server["base_url"]).netloc
    return f"{_name_model(server['model'])} at {place}", f"{server['model']} at {server['base_url']}"


def _name_model(name: str) -> str:
    """Return a hub id as it is, and the last part of a folder's path."""
    path = Path(name)
    return path.name if path.is_absolute() and path.name else name
