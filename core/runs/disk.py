"""How much of the disk a home takes, measured cheaply enough for a page, and whether what comes next finds room."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import RunError

if TYPE_CHECKING:
    import pandas as pd

LOW_SHARE = 0.05
"""Of a disk: with less left than this, a warning is shown whatever is planned."""

EXPORTED = "model"
"""Folder of a run that holds a whole exported model."""


def measure_free(path: Path) -> tuple[int, int]:
    """Return the bytes left to us on the disk of a path that need not exist yet, and the bytes of the whole disk."""
    while not path.exists():
        path = path.parent
    usage = shutil.disk_usage(path)
    return usage.free, usage.total


def warn_of_disk(home: Path, needed: int | None = None) -> str | None:
    """Return a sentence where the disk is nearly full, or has not what is needed; None where there is nothing to say.

    Args:
        home: a folder on the disk.
        needed: bytes that something to be started will write; None where nothing is planned or it is not known.
    """
    free, total = measure_free(home)
    if needed is not None and needed > free:
        return (
            f"This needs about {describe_bytes(needed)}, and the disk of {home} has {describe_bytes(free)} left; make "
            "room first: Runs shows what takes most of it."
        )
    if free < LOW_SHARE * total:
        return (
            f"The disk of {home} is nearly full: {describe_bytes(free)} of {describe_bytes(total)} are left; a run "
            "that cannot write its checkpoint fails. Runs shows what takes most of it."
        )
    return None


def require_room(path: Path, needed: int, what: str) -> None:
    """Raise RunError where a disk has not enough room for what is to be written.

    Args:
        path: where it will be.
        needed: bytes.
        what: as the subject of the sentence.
    """
    free, _ = measure_free(path)
    if needed > free:
        raise RunError(
            f"There is no room for {what}: it takes about {describe_bytes(needed)}, and the disk of {path.parent} has "
            f"{describe_bytes(free)} left; make room, or choose another place."
        )


def describe_bytes(n_bytes: int) -> str:
    """Return a size for a sentence: ``512 B``, ``12.3 kB``, ``4.5 GB``."""
    for unit, word in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.1f} {word}"
    return f"{n_bytes} B"


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
        self._resting: dict[str, tuple[object, int, int]] = {}

    def measure(self, marks: dict[str, object | None]) -> "tuple[pd.DataFrame, dict[str, int]]":
        """Return (frame of run_id, bytes, model_bytes, largest first) and totals in bytes.

        ``model_bytes`` is the part of a run that is an exported model, 0 for most. Totals: runs, cache, journal,
        trash, backups, database, free (left on the disk).

        Args:
            marks: run_id -> what changes when the run's files change; None: measure it anew in any case.
        """
        import pandas as pd

        rows = []
        for run_id, mark in marks.items():
            known = self._resting.get(run_id)
            if mark is None or known is None or known[0] != mark:
                folder = self.home / "runs" / run_id
                known = (mark, measure_folder(folder), measure_folder(folder / EXPORTED))
                self._resting[run_id] = known
            rows.append((run_id, *known[1:]))
        frame = pd.DataFrame(rows, columns=["run_id", "bytes", "model_bytes"])
        frame = frame.sort_values("bytes", ascending=False, ignore_index=True)
        totals = {name: measure_folder(self.home / name) for name in ("cache", "journal", "trash", "backups")}
        totals["runs"] = int(frame["bytes"].sum())
        totals["database"] = sum(path.stat().st_size for path in self.home.glob("seedbed.duckdb*"))
        totals["free"] = measure_free(self.home)[0]
        return frame, totals
