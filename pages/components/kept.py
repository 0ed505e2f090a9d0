"""Which checkpoint a training ended with: its step, why it is that one, and of which part of the training it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.hub import Hub
from core.recipes.training import POLICY
from pages.components import numbers


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint that was kept."""

    step: int
    n_steps: int
    """Steps that the training made."""

    accuracy: float | None
    """On the validation problems; None where there were none: then it is the last one."""

    accuracy_before: float | None
    """Of what the run started from, on the same problems; None: not known."""

    phase: str
    """Prefix of its training's metrics: empty, or that of the policy, where nothing further was trained."""


def read_kept(hub: Hub, run: Mapping[str, Any], round_: int) -> Kept | None:
    """Return what was kept in a round; None before its training is over."""
    kept = hub.store.read_adapter(run["run_id"], round_)
    if kept is None:
        return None
    is_policy = kept["objective"] == POLICY != run["config"].get("objective", POLICY)
    phase, prefix = (POLICY, f"{POLICY}/") if is_policy else ("", "")
    curves = hub.store.list_curves(run["run_id"])
    last = curves[(curves["round"] == round_) & (curves["name"] == f"{prefix}loss")]["last_step"]
    best = hub.store.find_best(run["run_id"], round_, f"{prefix}validation_accuracy")
    if last.empty:
        return None
    step, accuracy = best or (int(last.iloc[0]), None)
    return Kept(step, int(last.iloc[0]), accuracy, kept["validation_accuracy_before"], phase)


def draw_kept(kept: Kept | None) -> None:
    """Say which checkpoint was kept; nothing where none was yet."""
    if kept is None:
        return
    why = "the last one" if kept.accuracy is None else f"the best on validation: {numbers.percent(kept.accuracy)}"
    if kept.accuracy is not None and not numbers.is_missing(kept.accuracy_before):
        why += f", before the training {numbers.percent(kept.accuracy_before)}"
    whose = " of the policy" if kept.phase else ""
    if kept.phase:
        st.info("This is the policy (supervised) alone: the training after it had not begun when the run ended.")
    st.caption(
        f":material/star: Kept: the checkpoint of step {numbers.count(kept.step)} of "
        f"{numbers.count(kept.n_steps)}{whose}, {why}."
    )
