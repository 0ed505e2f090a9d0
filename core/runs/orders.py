"""Orders: what a run is told while it waits or works, as lines of its ``inbox.jsonl``.

    cancel   end now; what was made so far stays
    again    one more attempt, from the last checkpoint where there is one; may bring another budget
    keep     end the training now, keep the best checkpoint so far, evaluate it, and end as done
    move     stand elsewhere in the queue: ``place`` counts in place of the time at which the run was made

Every order names the attempt that it speaks of; the next attempt knows nothing of it. The inbox holds names too
(``naming.py``), which speak of none. This file says what the lines mean and which order makes sense when; it starts and
stops nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.lines import LineWriter, read_all

ORDERS = ("cancel", "again", "keep", "move")
INBOX = "inbox.jsonl"

ROUNDS = ("loop", "baseline", "incorrect", "negatives", "sparq", "verbalized")
"""Kinds of run that carry out a recipe's rounds by themselves: grow or draw, train, evaluate."""

KEEPERS = ("finetune", *ROUNDS)
"""Kinds of run that train, and so have a best checkpoint to keep."""

MADE_AT_ONCE: Mapping[str, str] = {
    "select": "a selection, made and finished at once; make a new one on the page Select",
    "experiment": "an experiment, which only holds its replicates together; tell those",
    "sweep": "a sweep, which only holds others together; tell its runs, or all of them on the page Finetune",
}
"""Kinds of run that are made and finished at once, by no worker -> what is said to who would repeat one."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What an inbox says of one attempt."""

    n_wanted: int = 1
    """How many attempts were asked for: 1, and one more for each ``again``."""

    cancelled_at: float | None = None
    """When the attempt was last told to cancel, seconds since the epoch; None: it was not."""

    is_kept: bool = False
    """Whether the attempt was told to stop and keep the best so far."""

    place: float | None = None
    """Where the attempt stands in the queue, in place of the time at which the run was made; None: nobody moved it."""


def read_orders(folder: Path, attempt: int | None = None) -> Orders:
    """Return what a run's inbox says of an attempt; None: of the one that is wanted now."""
    lines = read_all(folder / INBOX)
    n_wanted = 1 + sum(line.get("order") == "again" for line in lines)
    present = [line for line in lines if line.get("attempt") == (n_wanted if attempt is None else attempt)]
    cancels = [line for line in present if line.get("order") == "cancel"]
    return Orders(
        n_wanted=n_wanted,
        cancelled_at=float(cancels[-1].get("written_at") or 0.0) if cancels else None,
        is_kept=any(line.get("order") == "keep" for line in present),
        place=_find_place(present),
    )


def _find_place(lines: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the place of the last ``move``; a line whose place is no number moves nothing."""
    places = [line.get("place") for line in lines if line.get("order") == "move"]
    good = [float(place) for place in places if isinstance(place, int | float) and math.isfinite(place)]
    return good[-1] if good else None


def write_order(folder: Path, line: Mapping[str, Any]) -> None:
    """Append a line to a run's inbox; on the disk when this returns."""
    with LineWriter(folder / INBOX) as writer:
        writer.append(line, is_durable=True)


def check_order(order: str, run: Mapping[str, Any], state: str) -> None:
    """Raise RunError where an order is unknown, or makes no sense for a run in its state.

    Args:
        order: one of ORDERS.
        run: its ``run.json``.
        state: as ``RunFolder.read_state`` derives it.
    """
    if order not in ORDERS:
        raise RunError(f"A run cannot be told {order!r}; known: {', '.join(ORDERS)}.")
    refuse_selection(run)
    run_id, is_over = run["run_id"], state not in ("queued", "running", "cancelling")
    if order == "cancel" and is_over:
        raise RunError(f"The run {run_id} is over ({state}); there is nothing to cancel.")
    if order == "again" and not is_over:
        raise RunError(f"The run {run_id} is {state}; cancel it, or wait for its end, before repeating it.")
    if order == "move" and state != "queued":
        raise RunError(f"The run {run_id} is {state}; only a run that waits in the queue can be moved.")
    if order == "keep":
        _check_keep(run, state)


def _check_keep(run: Mapping[str, Any], state: str) -> None:
    if run["kind"] not in KEEPERS:
        raise RunError(f"The run {run['run_id']} trains nothing ({run['kind']}), so there is no checkpoint to keep.")
    if state == "queued":
        raise RunError(f"The run {run['run_id']} has not begun, so there is nothing to keep yet; cancel it instead.")
    if state == "cancelling":
        raise RunError(f"The run {run['run_id']} is being cancelled; it cannot be told to keep anything any more.")
    if state != "running":
        raise RunError(f"The run {run['run_id']} is over ({state}); what it kept is kept.")


def refuse_selection(run: Mapping[str, Any]) -> None:
    """Raise RunError for a run that no worker knows how to make, so it could only fail: see MADE_AT_ONCE."""
    if run["kind"] in MADE_AT_ONCE:
        raise RunError(f"The run {run['run_id']} is {MADE_AT_ONCE[run['kind']]}.")
