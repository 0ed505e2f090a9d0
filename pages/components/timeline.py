"""The rounds of every loop and finetune as one table: seeds, candidates, training rows, accuracy before and after.

Every run has a letter, by which the table says which line of the figure is its own.
"""

from typing import Any

import pandas as pd
import streamlit as st

from core.store.store import Store
from pages.components import numbers
from pages.components.curves import letter
from pages.components.frame import RUN_TIMES

COLUMNS = ["run_id", "name", "title", "made", "selector", "round", "seeds", "candidates", "rows", "before", "after",
           "interval", "gain"]  # fmt: skip


def read_timeline(store: Store, seed_set_id: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what the overview shows of one seed set.

    Returns:
        The table (COLUMNS, newest run first; texts for people but run_id and round), and the evaluations on test
        problems with their selector and the name of their run, as ``core.figures.rounds`` draws them. Runs are named
        from the oldest on, so that a new one leaves the others their names.
    """
    evaluations = store.list_evaluations()
    evaluations = evaluations[(evaluations["seed_set_id"] == seed_set_id) & (evaluations["split"] == "test")]
    selectors = _find_selectors(store, evaluations["run_id"].unique().tolist())
    oldest_first = evaluations.sort_values(["created_at", "run_id"])["run_id"].unique()
    names = {run_id: letter(place) for place, run_id in enumerate(oldest_first)}
    evaluations = evaluations.assign(
        selector=evaluations["run_id"].map(selectors), name=evaluations["run_id"].map(names)
    )
    before = evaluations[evaluations["round"] == 0].set_index("run_id")["accuracy"]
    rounds = store.list_rounds().set_index(["run_id", "round"])
    adapters = store.list_adapters(seed_set_id).set_index(["run_id", "round"])
    rows = [
        _make_row(row, before.get(row["run_id"]), rounds, adapters)
        for row in evaluations[evaluations["round"] > 0].to_dict("records")
    ]
    return pd.DataFrame(rows, columns=COLUMNS), evaluations


def _find_selectors(store: Store, run_ids: list[str]) -> dict[str, str | None]:
    """Return run -> selector: the loop's own, or that of the runs that a finetune's candidates came from."""
    found: dict[str, str | None] = {}
    for run_id in run_ids:
        config = (store.read_run(run_id) or {}).get("config") or {}
        names = {config.get("selector")} - {None}
        for source in config.get("generate_runs", []):
            names.add(((store.read_run(source) or {}).get("config") or {}).get("selector"))
        names -= {None}
        found[run_id] = names.pop() if len(names) == 1 else None
    return found


def _make_row(
    row: dict[str, Any], before: float | None, rounds: pd.DataFrame, adapters: pd.DataFrame
) -> dict[str, Any]:
    key = (row["run_id"], row["round"])
    counts = rounds.loc[key] if key in rounds.index else {}
    adapter = adapters.loc[key] if key in adapters.index else {}
    n_rows = adapter.get("n_rows") if len(adapter) else counts.get("training_rows")
    return {
        "run_id": row["run_id"],
        "name": row["name"],
        "title": row["title"],
        "made": numbers.moment(row["created_at"]),
        "selector": numbers.MISSING if numbers.is_missing(row["selector"]) else row["selector"],
        "round": int(row["round"]),
        "seeds": numbers.count(counts.get("selected")),
        "candidates": numbers.count(counts.get("accepted")),
        "rows": numbers.count(n_rows),
        "before": numbers.percent(before),
        "after": numbers.percent(row["accuracy"]),
        "interval": numbers.interval(row["low"], row["high"]),
        "gain": numbers.points(row["difference"]),
    }


def draw_timeline(table: pd.DataFrame) -> str | None:
    """Draw the table without the columns that have no value; returns the run that was clicked, if any."""
    right = {"alignment": "right"}
    event = st.dataframe(
        table,
        hide_index=True,
        key="timeline",
        on_select="rerun",
        selection_mode="single-row",
        column_order=[name for name in COLUMNS if name != "run_id" and (table[name] != numbers.MISSING).any()],
        column_config={
            "name": st.column_config.TextColumn("line", width="small", pinned=True, help="In the figure above."),
            "title": st.column_config.TextColumn("run", width="medium"),
            "made": st.column_config.TextColumn("made", width="small", help=RUN_TIMES),
            "selector": "chosen by",
            "round": st.column_config.NumberColumn("round", width="small"),
            "seeds": st.column_config.TextColumn("seeds", **right),
            "candidates": st.column_config.TextColumn("accepted", **right),
            "rows": st.column_config.TextColumn("training rows", **right),
            "before": st.column_config.TextColumn("before", **right),
            "after": st.column_config.TextColumn("after", **right),
            "interval": st.column_config.TextColumn("95 % interval", **right),
            "gain": st.column_config.TextColumn("gain, paired", **right),
        },
    )
    chosen = event.selection.rows
    return str(table.iloc[chosen[0]]["run_id"]) if chosen and chosen[0] < len(table) else None
