"""The trash of a home: run folders moved to ``home/trash``, back again, or removed for good.

The journal line of an order is written before anything moves (see ``core/store/journal.py``); :func:`settle` finishes
what a crash left half done. It knows nothing of the database.
"""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import RunError
from core.runs.folder import RunFolder


class Trash:
    """The folders in ``home/trash``."""

    def __init__(self, home: Path):
        self.runs = home / "runs"
        self.folder = home / "trash"

    def move_in(self, run_id: str) -> None:
        """Move a run folder to the trash."""
        self.folder.mkdir(exist_ok=True)
        (self.runs / run_id).rename(self.folder / run_id)

    def move_out(self, run_id: str) -> None:
        """Move a run folder back among the runs."""
        (self.folder / run_id).rename(self.runs / run_id)

    def check_has(self, run_id: str) -> None:
        """Raise RunError where this run is not in the trash, or its place among the runs is taken."""
        if run_id not in self.list_ids():
            raise RunError(f"The run {run_id} is not in the trash.")
        if (self.runs / run_id).exists():
            raise RunError(f"There is a run {run_id} again; the one in the trash cannot be moved back beside it.")

    def list_ids(self) -> list[str]:
        """Return the runs in the trash, oldest first."""
        if not self.folder.exists():
            return []
        return sorted(path.name for path in self.folder.iterdir() if (path / "run.json").exists())

    def list_runs(self) -> pd.DataFrame:
        """Return run_id, kind, title, created_at, bytes of what is in the trash."""
        rows = []
        for run_id in self.list_ids():
            run = RunFolder(self.folder / run_id).read_run()
            size = sum(path.stat().st_size for path in (self.folder / run_id).rglob("*") if path.is_file())
            rows.append((run_id, run["kind"], run["title"], run["created_at"], size))
        return pd.DataFrame(rows, columns=["run_id", "kind", "title", "created_at", "bytes"])

    def remove(self, run_ids: Iterable[str]) -> int:
        """Remove folders for good; return how many."""
        n_removed = 0
        for run_id in run_ids:
            # run.json goes last with its folder: a half-removed run must not look like a whole one
            doomed = self.folder / f".removing-{run_id}"
            (self.folder / run_id).rename(doomed)
            shutil.rmtree(doomed)
            n_removed += 1
        return n_removed

    def settle(self, orders: Iterable[Mapping[str, Any]]) -> None:
        """Finish what a crash left between a journal line and its move.

        Args:
            orders: all lines of the journal ``trash_orders`` in their order.
        """
        latest: dict[str, str] = {}
        for order in orders:
            names = [*latest] if order["action"] == "empty" else [order["run_id"]]
            latest.update((name, order["action"]) for name in names)
        for run_id, action in latest.items():
            is_in_trash = (self.folder / run_id).exists()
            is_among_runs = (self.runs / run_id).exists()
            if action == "trash" and is_among_runs and not is_in_trash and not RunFolder(self.runs / run_id).is_alive():
                self.move_in(run_id)
            elif action == "restore" and is_in_trash and not is_among_runs:
                self.move_out(run_id)
            elif action == "empty" and is_in_trash:
                self.remove([run_id])
        for half_removed in self.folder.glob(".removing-*"):
            shutil.rmtree(half_removed)
