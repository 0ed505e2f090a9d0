"""The run folder: the one protocol between whoever starts a run, the run itself, and whoever watches it.

    run.json            frozen configuration, written once
    input/NAME.parquet  what the run was given (other files may stand there too: an uploaded seed file)
    records/TABLE.jsonl rows for the table of that name, append-only
    records/TABLE/      larger rows as Parquet parts, renamed into place when complete
    inbox.jsonl         orders to the run: cancel, again (with another budget), keep, move; names that it was given
    prices.json         prices that its costs are reckoned with, where it asks a server
    pushbacks.json      how often its servers pushed back (status 429, 503 or 529), and how far that held it back
    log.txt             what the process printed
    lock                flock, held while the run is alive
    result.json         written last; its existence means that the attempt it names has ended
    checkpoints/        what a resumed attempt starts from; adapter/ holds what a finetune made

It knows nothing of what the runs do, of the database, or of how processes are started.
"""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import RunBusy, RunCancelled, RunError
from core.lines import SCHEMA_VERSION, LineWriter, read_all
from core.runs.naming import read_name
from core.runs.orders import INBOX, Orders, read_orders, write_order
from core.runs.whole_files import write_json, write_parquet

LANES = ("device", "teacher", "light")
"""Queues that do not hold one another up: finetunes and predictions, generation, previews and imports."""

STOPPED = ("failed", "cancelled", "lost")
"""States of a run that is over and did not come to its end; ``again`` goes on with it."""

ENDED = ("done", *STOPPED)
"""States in which nothing more happens by itself."""


RESULT_FIELDS = ("v", "run_id", "state", "attempt", "ended_at", "error")
"""Fields of ``result.json`` that every run has; the others are what this kind of run reports."""

PROBE_PATIENCE_S = 1.0
"""How long a starting worker tries for its lock: a watcher's probe holds it for some microseconds."""


@dataclass(frozen=True, slots=True)
class RunState:
    """What the files of a run folder say about it."""

    state: str
    """queued, running, cancelling, done, failed, cancelled or lost."""

    attempt: int
    """The attempt that the state speaks of; 0 while the first has not started."""

    pid: int | None = None
    started_at: float | None = None
    """Start of that attempt, seconds since the epoch."""

    ended_at: float | None = None
    error: str | None = None
    """One sentence for a failed run."""

    summary: Mapping[str, Any] | None = None
    """What the run reports as its result; None before it is done."""

    is_kept: bool = False
    """Whether a running one was told to stop and keep the best so far."""

    place: float | None = None
    """Where a queued one stands in its lane, in place of the time at which it was made; None: nobody moved it."""


def new_run_id(kind: str) -> str:
    """Return an id that sorts by time and reads as what it is: ``20251120-130501-loop-3fa2``."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{kind}-{secrets.token_hex(2)}"


def _open_draft(runs: Path, kind: str, run_id: str | None) -> str:
    """Make the empty draft of a run and return its id: a new one, where none is given, that no other run has.

    Of a hundred runs made within a second two would share their id one time in thirteen.
    """
    while True:
        name = run_id or new_run_id(kind)
        try:
            if run_id is None and (runs / name).exists():
                continue
            (runs / f".draft-{name}" / "input").mkdir(parents=True)
        except FileExistsError:  # another process is making it
            if run_id is not None:
                raise
            continue
        (runs / f".draft-{name}" / "records").mkdir()
        return name


def _lock_within(fd: int, patience_s: float) -> bool:
    """Try to take the exclusive lock until the patience ends; say whether it was taken."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)


def _read_ended(result: Mapping[str, Any], begun: Mapping[str, Any]) -> RunState:
    """Return the state that a ``result.json`` tells."""
    return RunState(
        result["state"],
        **begun,
        ended_at=result["ended_at"],
        error=result["error"],
        summary={key: value for key, value in result.items() if key not in RESULT_FIELDS} or None,
    )


class RunFolder:
    """One run folder, as its starter, its worker or a watcher sees it."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self.attempt = 1
        self._writers: dict[str, LineWriter] = {}
        self._stages: dict[str, tuple[float, int]] = {}
        self._inbox_size = -1
        self._orders = Orders()

    # -- what the starter does -------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        home: Path,
        kind: str,
        *,
        title: str,
        config: Mapping[str, Any],
        lane: str,
        inputs: Mapping[str, Any] | None = None,
        files: Mapping[str, Path] | None = None,
        run_id: str | None = None,
        starts_itself: bool = False,
    ) -> "RunFolder":
        """Make a folder with its frozen configuration; it appears in ``home/runs`` complete or not at all.

        Args:
            home: the workspace.
            kind: what the run does; a name known to ``core.recipes.kinds``.
            title: one line for people.
            config: JSON values; the run reads nothing else but its inputs.
            lane: one of LANES.
            inputs: name -> DataFrame, stored as ``input/NAME.parquet``.
            files: file name -> existing file, copied to ``input/``.
            run_id: given only by tests; made from time and kind otherwise.
            starts_itself: True where the caller holds the run at once, in its own process (a shell): no queue may
                start its first attempt then.
        """
        if lane not in LANES:
            raise RunError(f"There is no lane {lane!r}; known: {', '.join(LANES)}.")
        run_id = _open_draft(home / "runs", kind, run_id)
        final = home / "runs" / run_id
        draft = home / "runs" / f".draft-{run_id}"
        for name, frame in (inputs or {}).items():
            write_parquet(frame, draft / "input" / f"{name}.parquet")
        for name, source in (files or {}).items():
            shutil.copyfile(source, draft / "input" / name)
        write_json(
            draft / "run.json",
            {
                "v": SCHEMA_VERSION,
                "run_id": run_id,
                "kind": kind,
                "title": title,
                "lane": lane,
                "config": config,
                "created_at": time.time(),
                "starts_itself": starts_itself,
            },
        )
        draft.rename(final)
        return cls(final)

    def order(
        self, order: str, budget: Mapping[str, float | None] | None = None, *, place: float | None = None
    ) -> None:
        """Tell the run something; on the disk when this returns.

        Args:
            order: one of ``core.runs.orders``.
            budget: with ``again``: in place of the one that the run was started with.
            place: with ``move``: counts in the queue in place of the time at which the run was made.
        """
        line = {"order": order, "attempt": self.n_wanted_attempts() + (order == "again"), "written_at": time.time()}
        if budget is not None:
            line["budget"] = dict(budget)
        if place is not None:
            line["place"] = place
        write_order(self.path, line)

    # -- what anybody may read -------------------------------------------------------------------------------

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.path.name

    def read_run(self) -> dict[str, Any]:
        """Return the frozen ``run.json``, with the title and the ``note`` that somebody gave the run since."""
        try:
            return json.loads((self.path / "run.json").read_text(encoding="utf-8")) | read_name(self.path)
        except FileNotFoundError as error:
            raise RunError(f"{self.path} is not a run folder: it has no run.json.") from error
        except ValueError as error:
            raise RunError(f"The run.json of {self.path} is damaged; restore it, or remove the folder.") from error

    @property
    def config(self) -> dict[str, Any]:
        """The frozen configuration."""
        return self.read_run()["config"]

    def read_budget(self) -> Mapping[str, float | None]:
        """Return ``tokens`` and ``usd`` that the run may spend: of the latest order that named them, else as frozen."""
        orders = read_all(self.path / INBOX)
        return next(
            (line["budget"] for line in reversed(orders) if line.get("budget")), self.config.get("budget") or {}
        )

    def read_input(self, name: str) -> Any:
        """Return ``input/NAME.parquet`` as a DataFrame; raises RunError where the run was not given it."""
        import pandas as pd

        path = self.path / "input" / f"{name}.parquet"
        if not path.exists():
            raise RunError(f"The run {self.run_id} was not given {name!r}.")
        return pd.read_parquet(path)

    def n_wanted_attempts(self) -> int:
        """Return how many attempts were asked for: 1, and one more for each ``again``."""
        return read_orders(self.path).n_wanted

    def is_alive(self) -> bool:
        """Say whether a process holds the run's lock."""
        try:
            fd = os.open(self.path / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def read_result(self) -> dict[str, Any] | None:
        """Return ``result.json``; None where the present attempt has not ended."""
        path = self.path / "result.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def read_state(self) -> RunState:
        """Derive the state from the files alone; a run that died without a word is ``lost``."""
        is_alive = self.is_alive()  # first: a run that ends between two looks has then written its result
        attempts = read_all(self.path / "records" / "attempts.jsonl")
        last = attempts[-1] if attempts else {}
        started = int(last.get("attempt", 0))
        orders = read_orders(self.path)
        wanted, is_cancelled = orders.n_wanted, orders.cancelled_at is not None
        begun = {"attempt": started, "pid": last.get("pid"), "started_at": last.get("started_at")}
        if is_alive and started == wanted:
            return RunState("cancelling" if is_cancelled else "running", **begun, is_kept=orders.is_kept)
        result = self.read_result()
        if result and result["attempt"] >= wanted:
            return _read_ended(result, begun)
        if is_cancelled and result:  # an attempt that never began changes nothing of the one before
            return _read_ended(result, begun)
        if is_cancelled:
            return RunState("cancelled", **begun, ended_at=orders.cancelled_at)
        if started < wanted:
            return RunState("queued", started, place=orders.place)
        if self.is_alive():  # it started between the first look and this one
            return self.read_state()
        why = "The process ended without a word, or the run came here by a backup; tell it to go on."
        return RunState("lost", **begun, error=why)

    # -- what the worker does --------------------------------------------------------------------------------

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the run's lock and open a new attempt; raises RunBusy where another process holds it."""
        fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)  # not inherited by children
        if not _lock_within(fd, PROBE_PATIENCE_S):
            os.close(fd)
            raise RunBusy(f"The run {self.run_id} is already running in another process.")
        try:
            self.attempt = self.n_wanted_attempts()
            result = self.path / "result.json"
            if result.exists():
                result.rename(self.path / f"result-{self.attempt - 1}.json")
            self.append("attempts", {"pid": os.getpid(), "started_at": time.time()})
            yield
        finally:
            for writer in self._writers.values():
                writer.close()
            self._writers.clear()
            os.close(fd)

    def append(self, table: str, record: Mapping[str, Any]) -> None:
        """Append one row for ``table``; its columns are those of the migration that made the table."""
        if table not in self._writers:
            self._writers[table] = LineWriter(self.path / "records" / f"{table}.jsonl")
        self._writers[table].append({"attempt": self.attempt, **record})

    def write_part(self, table: str, frame: Any) -> None:
        """Add many rows for ``table`` at once, as a Parquet part that appears complete or not at all."""
        folder = self.path / "records" / table
        number = len(list(folder.glob("*.parquet"))) if folder.exists() else 0
        write_parquet(frame.assign(attempt=self.attempt), folder / f"part-{number:05d}.parquet")

    def report(self, stage: str, made: int, failed: int, total: int | None) -> None:
        """Say how far a stage is: items made, failed, and in all (None where the total is not known)."""
        now = time.time()
        began_at, began_made = self._stages.setdefault(stage, (now, made))
        self.append(
            "progress",
            {
                "stage": stage,
                "made": made,
                "failed": failed,
                "total": total,
                "written_at": now,
                "began_at": began_at,
                "began_made": began_made,
            },
        )

    def _look_into_inbox(self) -> Orders:
        """Return what this attempt was told; read again only when the file has grown."""
        path = self.path / INBOX
        size = path.stat().st_size if path.exists() else 0
        if size != self._inbox_size:
            self._inbox_size = size
            self._orders = read_orders(self.path, self.attempt)
        return self._orders

    def check_cancelled(self) -> None:
        """Raise RunCancelled where the inbox holds a cancel order for this attempt; cheap enough for every step."""
        if self._look_into_inbox().cancelled_at is not None:
            raise RunCancelled("The run was cancelled.")

    def wants_keep(self) -> bool:
        """Say whether this attempt was told to end its training and keep the best so far; cheap, as above."""
        return self._look_into_inbox().is_kept

    def finish(self, state: str, summary: Mapping[str, Any] | None = None, error: str | None = None) -> None:
        """Write ``result.json``: the attempt is over. Call it last, inside ``hold``."""
        write_json(
            self.path / "result.json",
            {
                "v": SCHEMA_VERSION,
                "run_id": self.run_id,
                "state": state,
                "attempt": self.attempt,
                "ended_at": time.time(),
                "error": error,
                **{key: value for key, value in (summary or {}).items() if key not in RESULT_FIELDS},
            },
        )
