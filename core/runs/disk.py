"""How much of the disk a home takes, measured cheaply enough for a page."""

import os
import shutil
from pathlib import Path

import pandas as pd


def measure_folder(path: Path) -> int:
    """Return the bytes of all files under a folder; 0 where there is none. Files that vanish meanwhile count 0."""
    total, open_folders = 0, [str(path)]
    while open_folders:
        try:
            entries = list(os.scandir(open_folders.pop()))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    open_folders.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
    return total


class DiskMeter:
    """Measures a home; a run that rests is measured once."""

    def __init__(self, home: Path):
        self.home = home
        self._resting: dict[str, tuple[object, int]] = {}

    def measure(self, marks: dict[str, object | None]) -> tuple[pd.DataFrame, dict[str, int]]:
        """Return (frame of run_id, bytes, largest first) and totals in bytes.

        Totals: runs, cache, journal, trash, database, free (left on the disk).

        Args:
            marks: run_id -> what changes when the run's files change; None: measure it anew in any case.
        """
        rows = []
        for run_id, mark in marks.items():
            known = self._resting.get(run_id)
            if mark is None or known is None or known[0] != mark:
                known = (mark, measure_folder(self.home / "runs" / run_id))
                self._resting[run_id] = known
            rows.append((run_id, known[1]))
        frame = pd.DataFrame(rows, columns=["run_id", "bytes"]).sort_values("bytes", ascending=False, ignore_index=True)
        totals = {name: measure_folder(self.home / name) for name in ("cache", "journal", "trash")}
        totals["runs"] = int(frame["bytes"].sum())
        totals["database"] = sum(path.stat().st_size for path in self.home.glob("seedbed.duckdb*"))
        totals["free"] = shutil.disk_usage(self.home).free
        return frame, totals
