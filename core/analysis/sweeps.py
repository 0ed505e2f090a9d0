"""The cells of a sweep and the best of them, by accuracy on the validation problems that all of them answered.

Source: Kessler 2025, appendix B.1 (a grid over learning rate, rank and epochs). It knows nothing of runs or tables.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.analysis.accuracy import wilson_interval

FIELDS = ("learning_rate", "rank", "epochs")
"""Settings that a sweep varies."""

COLUMNS = (*FIELDS, "alpha", "run_id", "state", "error", "accuracy", "low", "high", "before", "best_epoch",
           "seconds")  # fmt: skip
"""Of the table of cells; ``before`` is the accuracy of what the run started from, ``seconds`` what its latest attempt
took from begin to end, loading and validation included."""

STOPPED = "stopped"
"""State of a run that was told to keep its best before its last epoch: its learning rate never came to its end, so it
is not what the cell says, and has no accuracy here."""


@dataclass(frozen=True, slots=True)
class Winner:
    """The cell with the highest validation accuracy so far."""

    run_id: str
    learning_rate: float
    rank: int
    alpha: int
    epochs: int
    accuracy: float
    low: float | None
    """Of the 95 % interval (Wilson 1927); None where the number of problems is not known."""

    high: float | None
    before: float | None
    """Accuracy of what it started from; None where that was not measured."""

    n_tied: int
    """Other cells of the same accuracy: the smaller rank won, then fewer epochs, then the lower learning rate."""

    n_close: int
    """Other cells whose accuracy lies within its interval: the problems are too few to tell them from it."""

    n_ended: int
    """Cells with an accuracy."""


def tabulate_cells(runs: Iterable[Mapping[str, Any]], n_validation: int | None) -> pd.DataFrame:
    """Return one line per run of a sweep with COLUMNS, by epochs, rank and learning rate; unknown is NaN or None.

    Args:
        runs: run_id, state, error, started_at, ended_at, config and summary, the last two parsed or as JSON text; no
            summary before the end.
        n_validation: problems that each accuracy is a share of; None: not known.
    """
    lines = []
    for run in runs:
        training, summary = _parse(run["config"])["training"], _parse(run["summary"]) or {}
        stopped = summary.get("stopped")
        accuracy = summary.get("validation_accuracy") if run["state"] == "done" and not stopped else None
        low, high = (None, None)
        if accuracy is not None and n_validation:
            low, high = wilson_interval(round(accuracy * n_validation), n_validation)
        lines.append(
            {
                **{name: training[name] for name in (*FIELDS, "alpha")},
                "run_id": run["run_id"],
                "state": STOPPED if stopped and run["state"] == "done" else run["state"],
                "error": stopped or (None if pd.isna(run["error"]) else run["error"]),
                "accuracy": accuracy,
                "low": low,
                "high": high,
                "before": summary.get("validation_accuracy_before"),
                "best_epoch": summary.get("best_epoch"),
                "seconds": _measure_seconds(run["started_at"], run["ended_at"]),
            }
        )
    cells = pd.DataFrame(lines, columns=list(COLUMNS))
    numbers = ["accuracy", "low", "high", "before", "best_epoch", "seconds"]
    cells[numbers] = cells[numbers].astype("float64")
    return cells.sort_values(["epochs", "rank", "learning_rate"], ignore_index=True)


def _measure_seconds(started_at: float | None, ended_at: float | None) -> float | None:
    """Return what the notice of the run's end tells; None where it never began, or has not ended."""
    return None if pd.isna(started_at) or pd.isna(ended_at) else max(ended_at - started_at, 0.0)


def _parse(value: Any) -> Any:
    if isinstance(value, str):
        return json.loads(value)
    return value if isinstance(value, Mapping) else None


def find_winner(cells: pd.DataFrame) -> Winner | None:
    """Return the best cell; None where none has ended.

    Of equal ones the smaller rank is taken, then fewer epochs, then the lower learning rate: the cheaper adapter.
    """
    ended = cells[cells["accuracy"].notna()]
    if ended.empty:
        return None
    order = ended.sort_values(
        ["accuracy", "rank", "epochs", "learning_rate"], ascending=[False, True, True, True], kind="stable"
    )
    best = order.iloc[0]
    low, high, before = (None if pd.isna(best[name]) else float(best[name]) for name in ("low", "high", "before"))
    n_close = 0 if low is None else int((ended["accuracy"] >= low).sum()) - 1
    return Winner(
        run_id=best["run_id"],
        learning_rate=float(best["learning_rate"]),
        rank=int(best["rank"]),
        alpha=int(best["alpha"]),
        epochs=int(best["epochs"]),
        accuracy=float(best["accuracy"]),
        low=low,
        high=high,
        before=before,
        n_tied=int((ended["accuracy"] == best["accuracy"]).sum()) - 1,
        n_close=n_close,
        n_ended=len(ended),
    )
