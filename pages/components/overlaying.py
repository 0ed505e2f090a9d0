"""Several runs over one another: the choice of the others, and a table of what they differ in and what came of it."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.run_settings import find_differences
from core.figures.curves import RUN_COLOURS
from core.hub import Hub
from pages.components import numbers
from pages.components.curves import Shown, colour_of, letter, list_phases, show_run
from pages.components.frame import RUN_TIMES, follow_address, name_run, tell_address, tell_apart
from pages.components.frozen import name_setting, say_value
from pages.components.running import elapsed

LINE = "━━"


def choose_others(rows: Mapping[str, Mapping[str, Any]], run_id: str) -> list[str]:
    """Draw the choice of runs that are laid over the one in view, each with its letter; the address keeps it."""
    options = [id_ for id_, row in rows.items() if id_ != run_id and not numbers.is_missing(row["started_at"])]
    if not options:
        return []

    def read(text: str) -> list[str]:
        return [id_ for id_ in text.split(",") if id_ in options][: len(RUN_COLOURS) - 1]

    follow_address("with", "overlaid", read, [])
    kept = [id_ for id_ in st.session_state.get("overlaid") or [] if id_ in options]
    st.session_state["overlaid"] = kept
    show = tell_apart(options, lambda id_: name_run(rows[id_]))
    others = st.multiselect(
        "Lay over it",
        options,
        key="overlaid",
        format_func=show,
        max_selections=len(RUN_COLOURS) - 1,
        placeholder="other trainings, one colour each",
        help=RUN_TIMES,
        persist_state="session",
    )
    st.html(f"<style>{''.join(map(_style_chip, range(len(others))))}</style>")
    tell_address("with", "overlaid", ",".join(others), "")
    return others


def _style_chip(place: int) -> str:
    """Return what gives a chosen run its letter and colour; the first run of a figure is the one in view."""
    chip = f'.st-key-overlaid [data-tag-index="{place}"]'
    mark = f'{chip}::before {{content: "{letter(place + 1)}"; font-weight: 700; margin-right: .4rem;}}'
    return f"{mark} {chip} {{background: {colour_of(place + 1)}; color: white;}}"


def show_runs(hub: Hub, run_ids: Sequence[str], phase: str, round_: int) -> list[Shown]:
    """Return what is drawn of several runs: the first one's round and phase, of the others their latest round.

    A run that has nothing of the phase shows its training proper.
    """
    found = []
    for place, run_id in enumerate(run_ids):
        curves = hub.store.list_curves(run_id)
        number = round_ if place == 0 else 1 if curves.empty else int(curves["round"].max())
        phases = list_phases(curves, number)
        one = show_run(hub.store.read_run(run_id), number, phase if phase in phases else "")
        is_alone = len(run_ids) == 1
        found.append(one if is_alone else _name(one, place))
    return found


def _name(one: Shown, place: int) -> Shown:
    return replace(one, name=letter(place), colour=colour_of(place))


def draw_names(hub: Hub, shown: Sequence[Shown]) -> None:
    """Draw which line is which run: its colour, its letter, and its whole title."""
    name = _tell_apart(hub, shown)
    names = [
        f'<span style="color:{one.colour};white-space:nowrap"><b>{LINE} {one.name}</b></span> '
        f"{html.escape(name(one.run_id))}"
        for one in shown
    ]
    lines = "".join(f"<div>{name}</div>" for name in names)
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.15rem 1.4rem">{lines}</div>')


def _tell_apart(hub: Hub, shown: Sequence[Shown]) -> Callable[[str], str]:
    """Return run -> its time and title, so that no two of these read alike."""
    runs = {one.run_id: hub.store.read_run(one.run_id) for one in shown}
    return tell_apart(list(runs), lambda run_id: name_run(runs[run_id]))


def draw_differences(hub: Hub, shown: Sequence[Shown]) -> None:
    """Draw the table: one row a run, how each ended, and the settings in which they differ."""
    runs = [hub.store.read_run(one.run_id) for one in shown]
    table = pd.DataFrame(
        {
            "line": [f"{LINE} {one.name}" for one in shown],
            "run": list(map(_tell_apart(hub, shown), (one.run_id for one in shown))),
            "state": [run["state"] for run in runs],
        }
    )
    results = pd.DataFrame([_read_result(hub, one, run) for one, run in zip(shown, runs, strict=True)])
    table = pd.concat([table, results], axis=1)
    differences = find_differences([run["config"] for run in runs])
    for name, values in differences:
        label = name_setting(name)
        table[label if label not in table else name] = [say_value(value) for value in values]
    if not differences:
        st.caption("These runs have the same settings and rows.")
    colours = [f"color: {one.colour}" for one in shown]
    st.dataframe(
        table.style.apply(lambda column: colours, subset=["line"]),
        hide_index=True,
        height="content",
        column_config={
            "line": st.column_config.TextColumn("line", pinned=True),
            "run": st.column_config.TextColumn("run", width="medium"),
        }
        | {name: st.column_config.TextColumn(name, alignment="right") for name in results},
    )


def _read_result(hub: Hub, one: Shown, run: Mapping[str, Any]) -> dict[str, str]:
    """Return how one run ended, as far as it has: texts for people."""
    best = hub.store.find_best(one.run_id, one.round)
    losses = hub.store.read_metrics(one.run_id, ["validation_loss"], round_=one.round)["value"].dropna()
    test = hub.store.list_evaluations(one.run_id)
    test = test[test["split"] == "test"].set_index("round")["accuracy"]
    return {
        "best validation": numbers.MISSING if best is None else f"{numbers.percent(best[1])}, step {best[0]}",
        "last validation loss": numbers.loss(losses.iloc[-1] if len(losses) else None),
        "test before": numbers.percent(test.get(0)),
        "test after": numbers.percent(test.get(one.round)),
        "took": numbers.duration(elapsed(run)),
    }
