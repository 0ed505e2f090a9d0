"""What ``python -m core sweep`` does: the runs of a grid one after the other in this process, a table, and the best.

The same folders as from the page; what was stopped goes on by ``--resume``.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.analysis.sweeps import FIELDS, Winner, find_winner
from core.counting import counted
from core.errors import RunCancelled, RunError, TrainingError
from core.recipes import sweeping
from core.runs.calls import write_call
from core.runs.disk import warn_of_disk
from core.runs.folder import RunFolder
from core.shell import format_percent
from core.shell_carrying import carry_on, carry_out
from core.shell_finetune import make_config, print_first, split_settings
from core.shell_generate import read_settings
from core.training.config import TrainingConfig
from core.training.data import TrainingRow, from_frame, to_frame


def run_sweep(options: argparse.Namespace) -> int:
    """Make or find a sweep, carry out what is missing of it, print the table; 1 where a run failed."""
    home = options.home.resolve()
    folder = find_sweep(home, options.resume) if options.resume else make_sweep(home, options)
    rows = from_frame(folder.read_input("rows"))
    with folder.hold():
        try:
            n_failed = carry_out_cells(home, folder, rows)
        except (RunCancelled, KeyboardInterrupt):
            print_table(home, folder)
            call = write_call(["sweep", "--resume", folder.run_id, "--home", str(home)])
            raise RunCancelled(f"Stopped; to go on: {call}") from None
        finally:
            sweeping.close_sweep(folder, [run.run_id for run in sweeping.find_runs(home, folder.run_id)])
    print_table(home, folder)
    return 1 if n_failed else 0


def find_sweep(home: Path, run_id: str) -> RunFolder:
    """Return the folder of a sweep that was made before and that nobody works on."""
    folder = RunFolder(home / "runs" / run_id)
    if folder.read_run()["kind"] != sweeping.KIND:
        raise RunError(f"The run {run_id} is no sweep; `runs` lists what there is.")
    if folder.is_alive():
        raise RunError(f"The sweep {run_id} is being worked on by another process.")
    return folder


def make_sweep(home: Path, options: argparse.Namespace) -> RunFolder:
    """Return the folder of a new sweep; says what it will do."""
    if options.rows is None or not options.grid:
        raise RunError("Name the rows by --rows and what to try by --grid, or a sweep to go on with by --resume.")
    values = read_grid(options.grid)
    settings = split_settings(options.objective, read_settings(options.set))
    if named := sorted(set(settings["training"]) & {"alpha"}):
        raise TrainingError(f"Give {named[0]} by --alpha; without it alpha follows the rank.")
    rows, config = make_config(home, options, settings)
    grid = sweeping.make_grid(values, config["training"], options.alpha)
    frozen = sweeping.make_sweep_config(home, rows, config, grid)
    print_plan(home, frozen, grid, rows)
    return sweeping.open_sweep(home, rows, frozen)


def read_grid(pairs: Sequence[str]) -> dict[str, list[float]]:
    """Return ``name=a,b`` pairs as name -> numbers; raises TrainingError for what is none."""
    values: dict[str, list[float]] = {}
    for pair in pairs:
        name, mark, text = pair.partition("=")
        name = name.strip()
        if not mark or name not in FIELDS:
            raise TrainingError(f"Write what to try as NAME=A,B with NAME one of {', '.join(FIELDS)}, not {pair!r}.")
        is_whole = name != "learning_rate"
        try:
            numbers = [int(part) if is_whole else float(part) for part in text.split(",")]
        except ValueError:
            what = "whole numbers" if is_whole else "numbers"
            raise TrainingError(f"Write {name} as {what} with a comma between two of them, not {text!r}.") from None
        values[name] = [*values.get(name, []), *numbers]
    return values


def print_plan(home: Path, config: dict[str, Any], grid: sweeping.Grid, rows: Sequence[TrainingRow]) -> None:
    """Say how many runs it will be, what they share, and what the disk says."""
    sizes = " × ".join(f"{len(grid.values[name])} {name.replace('_', ' ')}" for name in FIELDS)
    repeated = f"; {counted(grid.n_repeated, 'repeated value')} left out" if grid.n_repeated else ""
    print(f"{len(grid.cells)} runs ({sizes}){repeated}: {counted(len(rows), 'row')} each, seed {grid.cells[0].seed}")
    print(f"chosen by {counted(config['n_validation'], 'validation problem')}; test problems are not looked at")
    print_first(config, rows)
    if warning := warn_of_disk(home, sweeping.estimate_sweep_bytes(config, grid)):
        print(f"seedbed: {warning}", file=sys.stderr)


def carry_out_cells(home: Path, sweep: RunFolder, rows: Sequence[TrainingRow]) -> int:
    """Carry out every cell that is not done, one after the other; returns how many failed."""
    config = sweep.config
    cells = [TrainingConfig.from_dict(cell) for cell in config["cells"]]
    made = {TrainingConfig.from_dict(run.config["training"]): run for run in sweeping.find_runs(home, sweep.run_id)}
    waiting = [cell for cell in cells if cell not in made or made[cell].read_state().state != "done"]
    n_failed, started = 0, time.monotonic()
    for n_over, cell in enumerate(waiting):
        name = sweeping.name_cell(cell)
        print(f"{n_over + 1} of {len(waiting)}: {name}{tell_rest(waiting, n_over, started)}", flush=True)
        try:
            if cell in made:
                repeat(made[cell])
            else:
                frozen, inputs = sweeping.make_cell_config(config, sweep.run_id, cell), {"rows": to_frame(rows)}
                carry_out(home, "finetune", sweeping.name_cell_run(cell), frozen, inputs=inputs)
        except RunError as error:
            n_failed += 1
            print(f"seedbed: {name} failed: {error}", file=sys.stderr)
    return n_failed


def tell_rest(cells: Sequence[TrainingConfig], n_over: int, started: float) -> str:
    """Return how long the rest will take, by epochs, once a run is over; empty before."""
    passes = sum(cell.epochs for cell in cells[:n_over])
    if not passes:
        return ""
    seconds = (time.monotonic() - started) / passes * sum(cell.epochs for cell in cells[n_over:])
    return f" (about {seconds / 60:.0f} min left)" if seconds >= 90 else f" (about {seconds:.0f} s left)"


def repeat(run: RunFolder) -> None:
    """Give a run that ended without a result one more attempt, from its last checkpoint."""
    run.order("again")
    print(f"run {run.run_id}", flush=True)
    carry_on(run)


def print_table(home: Path, sweep: RunFolder) -> None:
    """Print every cell with its accuracy, the best one, and how to train with its settings."""
    config = sweep.config
    cells = sweeping.read_cells_of(sweeping.find_runs(home, sweep.run_id), config["n_validation"])
    winner = find_winner(cells)
    print(format_cells(cells, winner))
    if winner is None:
        print("No run has ended with an accuracy.")
        return
    print(describe_winner(winner, config["n_validation"], len(config["cells"])))
    settings = " ".join(
        f"{name}={getattr(winner, name):g}" for name in (*FIELDS, "alpha") if config["training"]["weights"] == "lora"
        or name not in ("rank", "alpha")
    )  # fmt: skip
    print(f"train with them: --set {settings.replace(' ', ' --set ')}")
    print(f"its adapter: {home / 'runs' / winner.run_id / 'checkpoints' / 'round-1' / 'adapter'}")


def format_cells(cells: pd.DataFrame, winner: Winner | None) -> str:
    """Return the table: one line per cell, accuracy in per cent with its 95 % interval, the best one marked."""
    lines = [["epochs", "rank", "learning rate", "validation (95 %)", "epoch kept", "state", ""]]
    for row in cells.to_dict("records"):
        known = not pd.isna(row["accuracy"])
        interval = f" ({format_percent(row['low'])} to {format_percent(row['high'])})" if known else ""
        lines.append(
            [
                str(row["epochs"]),
                str(row["rank"]),
                f"{row['learning_rate']:g}",
                f"{format_percent(row['accuracy'] if known else None)}{interval}",
                "–" if pd.isna(row["best_epoch"]) else f"{row['best_epoch']:g}",
                row["state"],
                "best" if winner is not None and row["run_id"] == winner.run_id else "",
            ]
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def describe_winner(winner: Winner, n_validation: int | None, n_cells: int) -> str:
    """Return which cell is best, how sure that is, and what ties were resolved."""
    interval = "" if winner.low is None else f" ({format_percent(winner.low)} to {format_percent(winner.high)})"
    of = "" if n_validation is None else f" of {n_validation:,}"
    said = (
        f"best of {winner.n_ended} of {n_cells} runs: learning rate {winner.learning_rate:g}, rank {winner.rank}, "
        f"{counted(winner.epochs, 'epoch')}: {format_percent(winner.accuracy)}{of}{interval}"
    )
    if winner.before is not None:
        said += f", {format_percent(winner.before)} before training"
    if winner.n_tied:
        others = "another run reaches" if winner.n_tied == 1 else f"{winner.n_tied} other runs reach"
        said += f"\n{others} the same; the smaller rank was taken, then fewer epochs, then the lower learning rate"
    if winner.n_close:
        others = "1 other run lies" if winner.n_close == 1 else f"{winner.n_close} other runs lie"
        said += f"\n{others} within its interval: these problems cannot tell them apart"
    return said
