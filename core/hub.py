"""The hub: one per home and process; it owns the database, reads what runs and people write, and starts what is due.

Pages and the lifespan of the app call it; it composes store, journal, queue and trash and knows none of their insides.
A verb that changes something returns when the change is on the disk *and* in the tables.
"""

import sys
import threading
import time
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import HomeInUseError, RunError, SeedbedError
from core.hub_loop import HubLoop
from core.hub_reviews import HubReviews
from core.lines import read_all
from core.runs.disk import DiskMeter
from core.runs.executor import Executor
from core.runs.folder import ENDED, RunFolder
from core.runs.naming import write_name
from core.runs.orders import check_order, refuse_selection
from core.runs.queue import list_waiting, plan_move
from core.runs.trash import Trash
from core.runs.watch import ACTIVE
from core.settings import Settings
from core.store.home_lock import HomeLock
from core.store.journal import Journal
from core.store.store import Store

DATABASE = "seedbed.duckdb"
"""The database's file name in a home; everything in it can be made again from the other files."""

OF_THIS_ONE = ("after", "parent", "arm", "recipe")
"""Of a run's configuration what a copy does not have: what it waited for, and whose part it was."""

LETTING_GO_S = 3.0
"""How long a run that has written its result is given to end its process."""


class Hub(HubReviews, HubLoop):
    """Everything that one process does for one home.

    Args:
        settings: the home and the slots of the lanes.
        executor: how runs are started; processes of this machine by default.
        is_threaded: whether a thread steps by itself; tests may step by hand instead.

    Raises:
        HomeInUseError: another process owns this home; the sentence names its pid.
    """

    def __init__(self, settings: Settings, executor: Executor | None = None, is_threaded: bool = True):
        home = settings.home
        self._home_lock = HomeLock(home)
        try:
            self._trash, self._journal, self._disk = Trash(home), Journal(home), DiskMeter(home)
            self._trash.settle(read_all(home / "journal" / "trash_orders.jsonl"))
            super().__init__(settings, Store(home / DATABASE), executor)
        except Exception:
            self._home_lock.release()
            raise
        self._read_journals()
        self._journal.start_after(self._ingest.latest_journal_time())
        if is_threaded:
            self._thread.start()

    def close(self) -> None:
        """Stop stepping and let the home go; runs go on and are adopted by the next hub."""
        self._stop()
        with self._lock:
            self.store.close()
            self._home_lock.release()

    # -- runs ------------------------------------------------------------------------------------------------

    def submit(
        self,
        kind: str,
        title: str,
        config: Mapping[str, Any],
        *,
        lane: str,
        inputs: Mapping[str, pd.DataFrame] | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> str:
        """Make a run and queue it; return its id. The store shows it when this returns.

        Args:
            kind: a name known to ``core.recipes.kinds``.
            title: one line for people.
            config: JSON values; ``after`` names a run that must be done first.
            lane: device, teacher or light.
            inputs: name -> table that the run is given.
            files: name -> file that the run is given (copied).
        """
        folder = RunFolder.create(
            self.settings.home, kind, title=title, config=config, lane=lane, inputs=inputs, files=files
        )
        with self._lock:
            self._absorb(folder.run_id)
        self._wake.set()
        return folder.run_id

    def clone(self, run_id: str, changes: Mapping[str, Any], title: str | None = None) -> str:
        """Queue a copy of a run, same inputs, with some configuration values changed; return the new id.

        What the original waited for (``after``) and the sweep or experiment that it was part of (``parent``) are not
        copied.

        Raises:
            RunError: no such run, or a selection, which no worker makes.
        """
        folder = self._folder(run_id)
        run = folder.read_run()
        refuse_selection(run)
        config = {name: value for name, value in run["config"].items() if name not in OF_THIS_ONE}
        config |= dict(changes)
        files = {path.name: path for path in sorted((folder.path / "input").iterdir()) if path.is_file()}
        return self.submit(run["kind"], title or run["title"], config, lane=run["lane"], files=files)

    def order(
        self,
        run_id: str,
        order: str,
        budget: Mapping[str, float | None] | None = None,
        *,
        place: float | None = None,
    ) -> None:
        """Tell a run one of ``core.runs.orders``: cancel, again, keep or move.

        Args:
            run_id: the run.
            order: ``again`` is one more attempt, from its last checkpoint where it has one.
            budget: with ``again``: in place of the run's own; what was spent before counts towards it.
            place: with ``move``: see ``RunFolder.order``; :meth:`move` finds it out.

        Raises:
            RunError: no such run or order, an order that makes no sense in the run's state, or a selection.
        """
        with self._lock:
            folder = self._folder(run_id)
            state = folder.read_state()
            check_order(order, folder.read_run(), state.state)
            if (order == "move") != (place is not None):
                raise RunError("A place in the queue belongs to the order to move, and to no other.")
            is_told = (order, state.state) == ("cancel", "cancelling") or (order == "keep" and state.is_kept)
            if not is_told:
                folder.order(order, budget, place=place)
            self._absorb(run_id)
        self._wake.set()

    def move(self, run_id: str, where: str) -> None:
        """Move a waiting run within the queue of its lane: ``first``, ``up`` or ``down``, as ``MOVES`` says.

        Raises:
            RunError: no such run or way to move, or the run does not wait.
        """
        with self._lock:
            folder = self._folder(run_id)
            self._absorb(run_id)  # it may have begun since it was last looked at
            check_order("move", folder.read_run(), folder.read_state().state)
            places = plan_move(self._watch.runs, run_id, where)
            for moved, place in places.items():
                self._folder(moved).order("move", place=place)
            self._absorb(*places)
        self._wake.set()

    def list_waiting(self, lane: str) -> list[str]:
        """Return the queued runs of a lane in the order in which they will start, as far as none waits for another."""
        return list_waiting(dict(self._watch.runs), lane)  # a copy: the hub's thread goes on reading

    def is_kept(self, run_id: str) -> bool:
        """Say whether a running run was told to stop and keep the best so far."""
        seen = self._watch.runs.get(run_id)
        return seen is not None and seen.state.is_kept

    def rename(self, run_id: str, title: str, note: str | None = None) -> None:
        """Give a run of any kind and in any state another title, and a note; both show wherever the run does.

        Raises:
            RunError: no such run, an empty title, or a title or note that is too long.
        """
        with self._lock:
            write_name(self._folder(run_id).path, title, note)
            self._absorb(run_id)

    def _folder(self, run_id: str) -> RunFolder:
        """Return the folder of a known run; raises RunError otherwise."""
        if (
            not run_id
            or Path(run_id).name != run_id
            or not (self.settings.home / "runs" / run_id / "run.json").exists()
        ):
            raise RunError(f"There is no run {run_id!r} in this home.")
        return RunFolder(self.settings.home / "runs" / run_id)

    def read_log(self, run_id: str, n_bytes: int = 20_000) -> str:
        """Return the last ``n_bytes`` of what a run printed."""
        return self.executor.log(self._folder(run_id), n_bytes)

    def measure_disk(self) -> tuple[pd.DataFrame, dict[str, int]]:
        """Return (run_id, bytes, largest first) and totals in bytes: see DiskMeter."""
        with self._lock:
            marks = {i: None if s.state.state in ACTIVE or s.is_hot else s.mark for i, s in self._watch.runs.items()}
        return self._disk.measure(marks)

    # -- the trash -------------------------------------------------------------------------------------------

    def trash(self, run_id: str) -> None:
        """Move a run to the trash: its rows go (reviews stay), its folder can be restored.

        Raises:
            RunError: no such run, or it is alive.
        """
        with self._lock:
            folder = self._folder(run_id)
            if not self._has_let_go(folder):
                raise RunError(f"The run {run_id} is running; cancel it first.")
            self._journal.add_trash_order("trash", run_id)
            self._trash.move_in(run_id)
            self._read_journals()
            self._read_runs()

    def _has_let_go(self, folder: RunFolder) -> bool:
        """Say whether no process works on a run; one that has written its result is given a moment to end."""
        deadline = time.monotonic() + (LETTING_GO_S if folder.read_state().state in ENDED else 0)
        while True:
            process = self.executor.status(folder)
            if not folder.is_alive() and not (process and process.is_alive):
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)

    def restore(self, run_id: str) -> None:
        """Move a run back from the trash, rows and all; raises RunError where it is not there."""
        with self._lock:
            self._trash.check_has(run_id)
            self._journal.add_trash_order("restore", run_id)
            self._trash.move_out(run_id)
            self._read_journals()
            self._read_runs()

    def list_trash(self) -> pd.DataFrame:
        """Return run_id, kind, title, created_at, bytes of the runs in the trash."""
        return self._trash.list_runs()

    def empty_trash(self) -> int:
        """Remove what is in the trash for good; return how many runs that were."""
        with self._lock:
            self._journal.add_trash_order("empty")
            n_removed = self._trash.remove(self._trash.list_ids())
            self._read_journals()
            return n_removed


def rebuild(home: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Delete the database of a home and make it again from journals and run folders.

    Returns:
        table -> rows, and run -> why it could not be read (its rows are missing).

    Raises:
        HomeInUseError: a process has the home open; close it first.
        Exception: whatever kept the journals from being read or the rows from being stored.
    """
    lock = HomeLock(home)
    try:
        for name in (DATABASE, f"{DATABASE}.wal"):
            (home / name).unlink(missing_ok=True)
    finally:
        lock.release()
    hub = Hub(Settings(home=home, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    try:
        hub._read_journals()
        hub._read_runs()  # and no run is started, pressed or failed: only the database changes
        return hub.store.count_rows(), dict(hub.unread)
    finally:
        hub.close()


# One hub for the life of the process. Kept outside this module, which Streamlit may load again after a change.
_process = sys.modules.setdefault("seedbed_process", types.ModuleType("seedbed_process"))
_opening: threading.Lock = _process.__dict__.setdefault("opening", threading.Lock())


def open_hub(settings: Settings, executor: Executor | None = None, is_threaded: bool = True) -> Hub:
    """Return this process's hub, opened where there is none yet; a second call with the same home changes nothing.

    Raises:
        HomeInUseError: another process owns the home, or this one has another home open.
    """
    with _opening:
        hub: Hub | None = _process.__dict__.get("hub")
        if hub is None:
            hub = _process.__dict__["hub"] = Hub(settings, executor, is_threaded)
        elif hub.settings.home.resolve() != settings.home.resolve():
            raise HomeInUseError(f"This process has {hub.settings.home} open; close it before {settings.home}.")
        return hub


def get_hub() -> Hub:
    """Return the open hub; raises SeedbedError where none is."""
    hub = _process.__dict__.get("hub")
    if hub is None:
        raise SeedbedError("No home is open yet; it is opened with the first page, so open one in the browser.")
    return hub


def close() -> None:
    """Close the hub of this process, if there is one."""
    with _opening:
        hub = _process.__dict__.pop("hub", None)
        if hub is not None:
            hub.close()
