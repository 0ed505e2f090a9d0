"""Where a training stands: step, epoch, time taken and left, rows, the best so far; what it was told and printed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.recipes.training import POLICY
from core.training.objectives import OBJECTIVES
from pages.components import numbers
from pages.components.queueing import KEPT_NOTE
from pages.components.running import describe_rest, elapsed
from pages.components.stage_words import when_evaluated
from pages.components.text import plain

STEPPING = ("finetune", "policy")
"""Last words of the stages that count optimiser steps."""


def read_training(stages: pd.DataFrame, round_: int) -> dict[str, Any] | None:
    """Return the row of the stage that trains in a round, the latest that moved; None where none began."""
    names = [f"round {round_}: {word}" for word in STEPPING]
    found = stages[stages["stage"].isin(names)]
    return None if found.empty else found.iloc[-1].to_dict()


def draw_standing(hub: Hub, run: Mapping[str, Any], round_: int) -> None:
    """Draw where a training stands: step, epoch, time taken and left, rows, and the best so far."""
    training = read_training(hub.store.list_stages(run["run_id"]), round_)
    points = hub.store.list_curves(run["run_id"])
    points = points[points["round"] == round_]
    is_policy = training is not None and training["stage"].endswith(STEPPING[1])
    prefix, whose = (f"{POLICY}/", "policy") if is_policy else ("", "training")
    best = hub.store.find_best(run["run_id"], round_, f"{prefix}validation_accuracy")
    steps = numbers.MISSING
    if training is not None:
        steps = f"{numbers.count(training['made'])} of {numbers.count(training['total'])}"
    with st.grid(6, min_column_width=135, key="standing"):
        st.metric("Step", steps)
        st.metric("Epoch", _say_epoch(run, points.set_index("name")["last_epoch"]))
        taken = numbers.duration(elapsed(run))
        st.metric("Taken", taken, help="Since this attempt began, loading and answering included.")
        st.metric(f"Left of the {whose}", _say_rest(run, training))
        given, trained = run["config"].get("n_rows"), (run["summary"] or {}).get("n_rows")
        objective = (hub.store.read_adapter(run["run_id"], round_) or {}).get("objective")  # a policy's is another one
        has_pairs = objective in OBJECTIVES and OBJECTIVES.get(objective).form == "pairs"
        st.metric(
            "Rows" if trained is None or not has_pairs else "Pairs",
            numbers.count(_count_rows(hub, run) if trained is None else trained),
            help=None if trained in (None, given) else f"Trained on; {numbers.counted(given, 'row')} were given.",
        )
        accuracy = numbers.MISSING if best is None else numbers.percent(best[1])
        is_over = run["state"] not in ("queued", "running", "cancelling")
        st.metric(
            "Best validation" if is_over else ("Policy's best so far" if is_policy else "Best so far"),
            accuracy,
            help=_say_best(best),
        )


def _say_best(best: tuple[int, float] | None) -> str:
    if best is None:
        return "Validation accuracy of the best checkpoint; it comes with the first one."
    return f"Validation accuracy at step {best[0]}: the checkpoint that is kept; of equal ones that of the lowest loss."


def _say_epoch(run: Mapping[str, Any], last_epochs: pd.Series) -> str:
    """Return ``1.7 of 5``: of the training proper where it has begun, else of the policy's before it."""
    for metric, part in (("loss", "training"), ("sft/loss", "policy_training")):
        if metric in last_epochs.index and not numbers.is_missing(last_epochs[metric]):
            wanted = (run["config"].get(part) or {}).get("epochs")
            return f"{last_epochs[metric]:.1f}" + ("" if wanted is None else f" of {wanted}")
    return numbers.MISSING


def _say_rest(run: Mapping[str, Any], training: Mapping[str, Any] | None) -> str:
    """Return how long the training will still take at its own rate, or that it stops."""
    if run["state"] not in ("running", "cancelling"):
        return numbers.MISSING
    if when_evaluated(run.get("stage")) == "after":
        return "none"  # it is only evaluated now
    if run["state"] == "cancelling" or run.get("is_kept"):
        return "stopping"  # its rate so far says nothing of when it will have stopped
    if training is None:
        return "not begun"
    if training["made"] >= (training["total"] or 0):
        return "none"
    rest = describe_rest(training)
    return rest.removeprefix("some ").removesuffix(" left at this rate") if rest else "measuring"


def _count_rows(hub: Hub, run: Mapping[str, Any]) -> int | None:
    """Return how many rows a run trains on: as frozen, else of its newest adapter."""
    if run["config"].get("n_rows") is not None:
        return run["config"]["n_rows"]
    adapters = hub.store.list_adapters()
    adapters = adapters[adapters["run_id"] == run["run_id"]]
    return None if adapters.empty else adapters.iloc[0]["n_rows"]


def draw_orders(run: Mapping[str, Any]) -> None:
    """Say what a run was told, and what became of it, where that is not the usual course.

    Args:
        run: its row, with ``is_kept``.
    """
    if run["state"] == "running" and run["is_kept"]:
        st.info(KEPT_NOTE, icon=":material/save:")
    stopped = (run["summary"] or {}).get("stopped")
    if isinstance(stopped, str):
        st.info(plain(stopped), icon=":material/save:")
    if run["state"] == "cancelled" and not numbers.is_missing(run["error"]):
        st.caption(plain(run["error"]))


def draw_log(hub: Hub, run: Mapping[str, Any], n_bytes: int) -> None:
    """Draw the end of what a run printed; open where it failed, for the reason may stand there."""
    with st.expander("Log", icon=":material/terminal:", expanded=run["state"] in ("failed", "lost")):
        st.code(hub.read_log(run["run_id"], n_bytes) or "Nothing is printed yet.", language=None, height=220)
