"""Which run folders to look at: a watcher that sees every change and costs next to nothing where nothing moves.

A run that is queued or over can only change through three files: an order in ``inbox.jsonl``, a start in
``records/attempts.jsonl``, or a file made or renamed in the folder itself (``lock``, ``result.json``). So those are
compared now and then, and everything else is read only where they differ. It knows nothing of the database.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.runs.folder import LANES, RunFolder, RunState
from core.runs.naming import read_name

ACTIVE = ("running", "cancelling")
"""States in which a run's files grow."""

QUIET_S = 2.0
"""How old a change must be before a comparison of times is trusted (file times are coarse)."""

GLANCE_S = 1.0
"""How often a run in which nothing moves is looked at."""


@dataclass(slots=True)
class Watched:
    """One run as it was last seen."""

    folder: RunFolder
    run: dict[str, Any]
    """As ``RunFolder.read_run`` has it: the frozen ``run.json``, and the name that somebody gave the run."""

    state: RunState
    mark: tuple[int, ...] = ()
    glanced_at: float = 0.0
    is_hot: bool = True
    """Whether to read it at the next step whatever its files say."""


def read_mark(path: Path) -> tuple[tuple[int, ...], float]:
    """Return what changes when a resting run changes, and when (seconds since the epoch) it last did."""
    folder = path.stat()
    mark, changed_at = [folder.st_mtime_ns], folder.st_mtime
    for name in ("inbox.jsonl", "records/attempts.jsonl"):
        try:
            found = os.stat(f"{path}/{name}")  # noqa: PTH116 - a hundred times a second
        except FileNotFoundError:
            mark.append(-1)
            continue
        mark += [found.st_size, found.st_mtime_ns]
        changed_at = max(changed_at, found.st_mtime)
    return tuple(mark), changed_at


def check_run(run: dict[str, Any]) -> dict[str, Any]:
    """Return the ``run.json`` if the queue can work with it; raises RunError otherwise."""
    wanted = {"kind": str, "title": str, "config": dict, "created_at": (int, float)}
    for name, type_ in wanted.items():
        if not isinstance(run.get(name), type_):
            raise RunError(f"The run.json of {run.get('run_id')} has no usable {name!r}; it was not made by Seedbed.")
    if run.get("lane") not in LANES:
        raise RunError(f"The run.json of {run.get('run_id')} names no lane; known: {', '.join(LANES)}.")
    return run


class Watch:
    """Remembers every run folder of a home."""

    def __init__(self, home: Path):
        self.folder = home / "runs"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.runs: dict[str, Watched] = {}
        self._names: set[str] = set()
        self._listed_mark = -1

    def _list_names(self) -> set[str]:
        """Return the names of the run folders; listed again only when the folder of folders has changed."""
        stat = self.folder.stat()
        if stat.st_mtime_ns != self._listed_mark:
            is_old = time.time() - stat.st_mtime > QUIET_S
            found = os.scandir(self.folder)
            self._names = {e.name for e in found if e.name[0] != "." and e.name.isprintable() and e.is_dir()}
            self._listed_mark = stat.st_mtime_ns if is_old else -1
        return self._names

    def list_gone(self) -> list[str]:
        """Return the runs whose folders are no longer there, and forget them."""
        gone = [*self.runs.keys() - self._list_names()]
        for run_id in gone:
            del self.runs[run_id]
        return gone

    def list_changed(self) -> Iterator[str]:
        """Yield the runs whose files may have changed since they were last read."""
        now = time.monotonic()
        for run_id in sorted(self._list_names()):
            seen = self.runs.get(run_id)
            if seen is None or seen.is_hot or seen.state.state in ACTIVE:
                yield run_id
            elif now - seen.glanced_at >= GLANCE_S:
                seen.glanced_at = now
                if read_mark(seen.folder.path)[0] != seen.mark:
                    yield run_id

    def read(self, run_id: str) -> Watched:
        """Read state and configuration anew; raises RunError where the folder is none."""
        seen = self.runs.get(run_id)
        folder = seen.folder if seen else RunFolder(self.folder / run_id)
        mark, changed_at = read_mark(
            folder.path
        )  # before the state: a change in between is then seen at the next glance
        run = seen.run | read_name(folder.path) if seen else check_run(folder.read_run())
        is_hot = time.time() - changed_at < QUIET_S
        found = Watched(folder, run, folder.read_state(), mark, time.monotonic(), is_hot)
        self.runs[run_id] = found
        return found

    def touch(self, run_id: str) -> None:
        """Have a run read at the next step: its process has just ended, or what was read of it was not stored."""
        if seen := self.runs.get(run_id):
            seen.is_hot = True
