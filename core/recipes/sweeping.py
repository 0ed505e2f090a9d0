"""A sweep: the same rows trained with every setting of a grid, compared on the validation problems.

A sweep is a run folder that is made and finished at once (kind ``sweep``), as a selection is; it holds the grid and the
ids of its runs. Those are ordinary finetunes with ``parent`` in their configuration, the same rows and the same seed.
Test problems are never answered in a sweep: what is chosen by them says nothing about them any more.

The numbers of epochs are runs of their own. They cannot be read off one long run, because the learning rate falls to
the end of the training: after three of five epochs it is not where three epochs end.

Source: Kessler 2025, appendix B.1 (learning rate, rank and epochs, on the validation set).
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from core.analysis.sweeps import FIELDS, tabulate_cells
from core.datasets import load_problems
from core.errors import RunError, TrainingError
from core.hub import Hub
from core.models.student import check_source
from core.recipes.start import start_training
from core.runs.folder import ENDED, STOPPED, RunFolder
from core.training.config import ADAPTER, TrainingConfig
from core.training.data import TrainingRow, hash_rows, to_frame
from core.training.objectives import OBJECTIVES
from core.training.objectives.base import list_shared, trains_on
from core.training.space import WEIGHT_BYTES, count_trained, estimate_training_bytes

KIND = "sweep"

MOST_RUNS = 200
"""Of a grid: more is a slip of the hand, and would fill the queue for days."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What is tried."""

    cells: tuple[TrainingConfig, ...]
    """One per run: all settings, by epochs, rank and learning rate."""

    values: Mapping[str, tuple[float, ...]]
    """Name of FIELDS -> its values, ascending, each once."""

    n_repeated: int
    """Values that were given twice, and are there once."""


def make_grid(
    values: Mapping[str, Sequence[float]], training: TrainingConfig | Mapping[str, Any], alpha: int | None = None
) -> Grid:
    """Return the grid over these values; what is not varied stays as it is.

    Args:
        values: name of FIELDS -> values to try; a name that is missing, or has none, is not varied.
        training: the other settings.
        alpha: of every run; None: as the rank where that is varied, so that the update keeps its scale (Kessler 2025,
            4.1).

    Raises:
        TrainingError: an unknown name, a value that a setting cannot have, or more than MOST_RUNS runs.
    """
    base = training if isinstance(training, TrainingConfig) else TrainingConfig.from_dict(training)
    if unknown := sorted(set(values) - set(FIELDS)):
        raise TrainingError(f"A sweep cannot vary {', '.join(unknown)}; known: {', '.join(FIELDS)}.")
    given = {name: list(values.get(name) or []) or [getattr(base, name)] for name in FIELDS}
    if base.weights == "full" and len(set(given["rank"])) > 1:
        raise TrainingError("The rank is not read where all weights are trained; leave it out of the grid.")
    kept = {name: tuple(sorted(set(tried))) for name, tried in given.items()}
    n_runs = 1
    for tried in kept.values():
        n_runs *= len(tried)
    if n_runs > MOST_RUNS:
        sizes = " × ".join(str(len(kept[name])) for name in FIELDS)
        raise TrainingError(f"This grid has {sizes} = {n_runs:,} runs; try at most {MOST_RUNS}.")
    is_varied = bool(values.get("rank")) and base.weights == "lora"
    cells = tuple(
        replace(base, learning_rate=rate, rank=rank, alpha=alpha or (rank if is_varied else base.alpha), epochs=epochs)
        for epochs, rank, rate in itertools.product(kept["epochs"], kept["rank"], kept["learning_rate"])
    )
    n_repeated = sum(len(given[name]) - len(kept[name]) for name in FIELDS)
    return Grid(cells, kept, n_repeated)


def count_validation(home: Path, config: Mapping[str, Any]) -> int:
    """Return how many problems a finetune of this configuration is validated on; raises TrainingError for none."""
    found = 0
    if config.get("validation_set"):
        found = len(load_problems(home, config["validation_set"]))
    elif config.get("seed_set"):
        found = len(load_problems(home, config["seed_set"], ["validation"]))
    if not found:
        raise TrainingError(
            "A sweep chooses by the validation problems, and there are none; take a seed set that has some, or name "
            "a file of them."
        )
    return found


def make_sweep_config(home: Path, rows: Sequence[TrainingRow], config: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    """Return what the folder of a sweep is frozen with: the finetune's configuration, and the grid.

    Raises TrainingError where there is nothing to choose by, or nothing to choose from.
    """
    if len(grid.cells) < 2:
        raise TrainingError("This grid is a single run; give at least two values of a setting, or start a finetune.")
    made = {name: config["training"][name] for name in ADAPTER}
    if trains_on(OBJECTIVES.get(config["objective"]), config["adapter"]) and any(
        getattr(cell, name) != value for cell in grid.cells for name, value in made.items()
    ):
        raise TrainingError(
            f"Every run goes on from an adapter of rank {made['rank']} and alpha {made['alpha']}, which stay as they "
            "are; leave the rank and alpha out of the grid."
        )
    return {
        **config,
        "evaluates": [],
        "grid": {name: list(tried) for name, tried in grid.values.items()},
        "n_repeated": grid.n_repeated,
        "cells": [asdict(cell) for cell in grid.cells],
        "n_validation": count_validation(home, config),
        "rows_hash": hash_rows(rows),
    }


OWN = ("grid", "cells", "n_repeated", "n_validation")
"""Entries of a sweep's configuration that its runs do not have."""


def make_cell_config(sweep: Mapping[str, Any], sweep_id: str, cell: TrainingConfig) -> dict[str, Any]:
    """Return the configuration of one run of a sweep."""
    config = {name: value for name, value in sweep.items() if name not in OWN}
    training, policy = asdict(cell), config.get("policy_training")
    if policy:
        shared = list_shared(OBJECTIVES.get(config["objective"]))
        config["policy_training"] = {**policy, **{name: training[name] for name in shared}}
    return {**config, "training": training, "parent": sweep_id}


def name_sweep(config: Mapping[str, Any], n_runs: int) -> str:
    """Return the title of a sweep."""
    about = config.get("seed_set_name") or "rows of a file"
    return f"Sweep {config['student']} on {about}, {config['objective']}: {n_runs} runs"


def name_cell(cell: TrainingConfig) -> str:
    """Return what a run of a sweep is called: what it has that others have not."""
    rank = f", rank {cell.rank}" if cell.weights == "lora" else ""
    return f"learning rate {cell.learning_rate:g}{rank}, {cell.epochs} epoch{'' if cell.epochs == 1 else 's'}"


def name_cell_run(cell: TrainingConfig) -> str:
    """Return the title of a run of a sweep."""
    return f"Sweep: {name_cell(cell)}"


def start_sweep(hub: Hub, rows: Sequence[TrainingRow], config: Mapping[str, Any], grid: Grid) -> str:
    """Queue one finetune per cell of a grid; returns the sweep's run id.

    Args:
        hub: of the home.
        rows: trained on by every run.
        config: of a finetune (``make_finetune_config``); its training settings are those of no run.
        grid: from ``make_grid``.

    Raises:
        TrainingError: there are no validation problems, or one cell only.
    """
    frozen = make_sweep_config(hub.settings.home, rows, config, grid)
    folder = open_sweep(hub.settings.home, rows, frozen)
    with folder.hold():
        runs = [
            start_training(hub, rows, make_cell_config(frozen, folder.run_id, cell), name_cell_run(cell))
            for cell in grid.cells
        ]
        close_sweep(folder, runs)
    hub.step()
    return folder.run_id


def open_sweep(home: Path, rows: Sequence[TrainingRow], config: Mapping[str, Any]) -> RunFolder:
    """Make the folder of a sweep; the caller holds it while it makes the runs."""
    title, inputs = name_sweep(config, len(config["cells"])), {"rows": to_frame(rows)}
    return RunFolder.create(home, KIND, title=title, config=config, lane="light", inputs=inputs, starts_itself=True)


def close_sweep(folder: RunFolder, runs: Sequence[str]) -> None:
    """Finish a sweep's folder: its runs are made, whatever becomes of them."""
    folder.finish("done", {"runs": list(runs), "n_runs": len(runs)})


# -- while it works, and after -----------------------------------------------------------------------------------


def cancel_sweep(hub: Hub, sweep_id: str) -> int:
    """Cancel every run of a sweep that is not over; returns how many that were."""
    return _order_all(hub, sweep_id, "cancel", lambda state: state not in ENDED)


def resume_sweep(hub: Hub, sweep_id: str) -> int:
    """Ask for one more attempt of every run that failed, was cancelled or lost; returns how many that were."""
    return _order_all(hub, sweep_id, "again", lambda state: state in STOPPED)


def _order_all(hub: Hub, sweep_id: str, order: str, is_meant: Any) -> int:
    n_told = 0
    for run_id, state in hub.store.list_sweep_runs(sweep_id)[["run_id", "state"]].itertuples(index=False):
        if is_meant(state):
            try:
                hub.order(run_id, order)
            except RunError:  # it has ended, or begun, since it was looked at
                continue
            n_told += 1
    return n_told


def read_cells(hub: Hub, sweep_id: str, n_validation: int | None) -> pd.DataFrame:
    """Return the cells of a sweep as they stand; see ``core.analysis.sweeps``."""
    return tabulate_cells(hub.store.list_sweep_runs(sweep_id).to_dict("records"), n_validation)


def find_runs(home: Path, sweep_id: str) -> list[RunFolder]:
    """Return the runs of a sweep, oldest first, from run folders alone: of a shell, which asks no database."""
    found = []
    for path in sorted((home / "runs").glob("[!.]*-finetune-*")):
        folder = RunFolder(path)
        try:
            if folder.config.get("parent") == sweep_id:
                found.append(folder)
        except RunError:  # a damaged folder is no run of this sweep
            continue
    return found


def read_cells_of(runs: Sequence[RunFolder], n_validation: int | None) -> pd.DataFrame:
    """Return the cells of these runs as they stand."""
    states = [(folder, folder.read_state()) for folder in runs]
    return tabulate_cells(
        [
            {"run_id": folder.run_id, "state": state.state, "error": state.error, "started_at": state.started_at,
             "ended_at": state.ended_at, "config": folder.config, "summary": state.summary}
            for folder, state in states
        ],
        n_validation,
    )  # fmt: skip


# -- before it starts --------------------------------------------------------------------------------------------


def estimate_sweep_seconds(hub: Hub, config: Mapping[str, Any], grid: Grid, n_rows: int) -> float | None:
    """Return how long a sweep will take, one run after the other, by an earlier finetune; None: none is alike.

    A finetune is alike where student, objective and kind of weights are the same, and it was made in one go. Its time
    by given row and epoch, its checkpoints' validation included, is that of every run; what it took besides (to load,
    to train a policy, to draw) goes by the rows alone.
    """
    wanted = (config["student"], config["objective"], grid.cells[0].weights, bool(config.get("adapter")))
    passes = sum(n_rows * cell.epochs for cell in grid.cells)
    for run in hub.store.list_runs(["finetune"], states=["done"], limit=50).to_dict("records"):
        then, summary = json.loads(run["config"]), json.loads(run["summary"])
        training = then.get("training") or {}
        weights, objective = training.get("weights", "lora"), then.get("objective", "sft")
        is_alike = (then.get("student"), objective, weights, bool(then.get("adapter"))) == wanted
        n_given, seconds = then.get("n_rows") or summary.get("n_rows"), summary.get("seconds")
        is_whole = run["attempt"] == 1 and not summary.get("stopped")  # else the seconds are those of a part
        if not (is_alike and is_whole and n_given and seconds):
            continue
        outside = 0.0
        if then.get("evaluates") == []:
            outside = max(run["ended_at"] - run["started_at"] - seconds, 0.0)
        elif OBJECTIVES.get(objective).starts_from_policy:
            continue  # it answered test problems too, and how long it drew cannot be told from that
        return seconds * passes / (n_given * training["epochs"]) + len(grid.cells) * outside * n_rows / n_given
    return None


def estimate_sweep_bytes(config: Mapping[str, Any], grid: Grid) -> int | None:
    """Return what a sweep takes on the disk at most: what every run keeps, and the checkpoints of the one that works.

    None where the student's size is not known yet.
    """
    peaks = [estimate_training_bytes(config["student"], cell) for cell in grid.cells]
    if any(peak is None for peak in peaks):
        return None
    folder = check_source(config["student"])
    return max(peaks) + sum(WEIGHT_BYTES * count_trained(folder, cell) for cell in grid.cells)
