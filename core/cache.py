"""A content-addressed cache of JSON values in append-only files, shared by all processes of a home.

    FOLDER/segment-NAME.jsonl   {"v": 1, "key": ..., "value": ...} a line; one file per writing process, which holds
                                its flock while it lives

A key says everything that decides its value, so two writers can only ever store the same thing: the first one found
counts. Torn lines are skipped. It does not know what is cached, nor how the keys are made.
"""

import asyncio
import fcntl
import json
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import RunError
from core.lines import SCHEMA_VERSION, LineWriter

SYNC_EVERY = 64
"""Entries that are written between two fsyncs; leaving the context syncs the rest."""

LOOK_AGAIN_S = 1.0
"""How long a miss may be unaware of what other processes have written since."""

N_OPEN = 32
"""Segments that are kept open for reading."""


class _Place(NamedTuple):
    """Where a line stands."""

    path: Path
    offset: int
    length: int


class _Segment:
    """The own segment: its writer, the lock that says that we live, and what is not on the disk yet."""

    def __init__(self, folder: Path):
        self.writer, self.lock_fd = _open_segment(folder)
        self.path, self.size = self.writer.path, 0
        self.unsynced: list[str] = []
        """Keys of the entries that no fsync has covered."""

        self.is_listed = False
        """Whether its name is on the disk too."""

        self.fault: str | None = None
        """Why nothing that was not on the disk by then can be relied on; None while all is well."""

    def close(self) -> None:
        self.writer.close()
        os.close(self.lock_fd)


class Cache:
    """The cache in one folder; use it as a context manager. Safe between threads, event loops and processes."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._places: dict[str, _Place] = {}
        self._read_to: dict[Path, int] = {}
        self._looked_at = float("-inf")
        self._lock = threading.RLock()
        self._segment: _Segment | None = None
        self._abandoned: list[_Segment] = []  # closed when no fsync can be under way on them
        self._readers = _Readers()
        self._sync_lock = threading.Lock()  # held during an fsync, so that others may read and write meanwhile
        self._commits: dict[asyncio.AbstractEventLoop, _Commit] = {}

    def __enter__(self) -> "Cache":
        self.refresh()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Return the number of distinct keys known to this process."""
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def get(self, key: str) -> Any | None:
        """Return the value of a key, None where it is not known."""
        with self._lock:
            while (place := self._find(key)) is not None:
                try:
                    return json.loads(self._readers.read(place))["value"]
                except FileNotFoundError:  # its segment was merged into another
                    self._places.pop(key)
                    self.refresh()
            return None

    def put(self, key: str, value: Any) -> None:
        """Store a JSON value; a key that is known already keeps its value. Not on the disk before :meth:`flush`.

        Raises:
            RunError: it could not be written, or what was put since the last flush could not; none of it is known then.
        """
        segment = self._write(key, value)
        if segment is not None and len(segment.unsynced) >= SYNC_EVERY:
            self.flush()

    async def put_durable(self, key: str, value: Any) -> None:
        """Store a JSON value and wait until it is on the disk, without holding up the event loop.

        One fsync serves all that were put before it began. A key that is known already keeps its value.

        Raises:
            RunError: it could not be written; the key is not known then, and may be put again.
        """
        segment = self._write(key, value)
        if segment is None:
            return
        loop = asyncio.get_running_loop()
        if (commit := self._commits.get(loop)) is None:
            self._commits = {one: kept for one, kept in self._commits.items() if not one.is_closed()}
            commit = self._commits[loop] = _Commit(self.flush)
        await commit.wait(loop)
        if segment.fault is not None:
            raise RunError(segment.fault)

    def flush(self) -> None:
        """Wait until everything that was put is on the disk; raises RunError where that cannot be had."""
        with self._sync_lock:
            with self._lock:
                segment = self._segment
                n_covered = len(segment.unsynced) if segment else 0
            if not n_covered:
                return
            try:
                os.fsync(segment.lock_fd)
                if not segment.is_listed:
                    _sync_folder(self.folder)
                    segment.is_listed = True
            except OSError as error:  # what the disk holds now is anybody's guess, also after another fsync
                raise self._abandon(segment, error) from error
            with self._lock:
                del segment.unsynced[:n_covered]

    def refresh(self) -> None:
        """Take in what other processes have written since the last look."""
        with self._lock:
            is_whole = False
            while not is_whole:  # a segment that vanished while we looked stands in a merged one now
                is_whole = all([self._read_segment(path) for path in _list_segments(self.folder)])
            self._looked_at = time.monotonic()

    def close(self) -> None:
        """Sync and let go of the own segment; a later put opens a new one."""
        try:
            self.flush()
        finally:
            with self._sync_lock, self._lock:
                self._readers.close()
                for segment in [*self._abandoned, *([self._segment] if self._segment else [])]:
                    segment.close()
                self._abandoned, self._segment = [], None

    def _write(self, key: str, value: Any) -> _Segment | None:
        """Append an entry and return the segment that it is in; None where it is known, and on the disk."""
        with self._lock:
            if (place := self._places.get(key)) is not None:
                is_own = self._segment is not None and place.path == self._segment.path
                return self._segment if is_own and self._segment.unsynced else None
            try:
                if self._segment is None:
                    self._segment = _Segment(self.folder)
                segment = self._segment
                segment.writer.append({"key": key, "value": value})
                start, segment.size = segment.size, os.fstat(segment.lock_fd).st_size
            except (OSError, RunError) as error:  # part of the line may be there: nothing may be put behind it
                raise self._abandon(self._segment, error) from error
            self._places[key] = _Place(segment.path, start, segment.size - start)
            self._read_to[segment.path] = segment.size
            segment.unsynced.append(key)
            return segment

    def _abandon(self, segment: _Segment | None, error: Exception) -> RunError:
        """Forget what is not on the disk and write into another segment from now on; returns the error to raise."""
        why = (error.strerror if isinstance(error, OSError) else None) or "the disk is full"
        fault = f"{self.folder} could not be written ({why}); free some disk space and run it again."
        with self._lock:
            if segment is not None and segment.fault is None:
                segment.fault = fault
                for key in segment.unsynced:
                    self._places.pop(key, None)
                segment.unsynced.clear()
                self._segment = None
                self._abandoned.append(segment)
        return RunError(fault)

    def _find(self, key: str) -> _Place | None:
        with self._lock:
            if key not in self._places and time.monotonic() - self._looked_at > LOOK_AGAIN_S:
                self.refresh()
            return self._places.get(key)

    def _read_segment(self, path: Path) -> bool:
        """Index the new lines of a segment; False where it is gone."""
        try:
            for key, place in _scan(path, self._read_to.get(path, 0)):
                self._read_to[path] = place.offset + place.length
                if key is not None:
                    self._places.setdefault(key, place)
        except FileNotFoundError:
            return False
        return True


class _Readers:
    """Descriptors of the segments that were read last, so that a hit opens no file."""

    def __init__(self) -> None:
        self._fds: OrderedDict[Path, int] = OrderedDict()

    def read(self, place: _Place) -> bytes:
        """Return a line; raises FileNotFoundError where its segment is gone and not open."""
        fd = self._fds.get(place.path)
        if fd is None:
            fd = self._fds[place.path] = os.open(place.path, os.O_RDONLY)
            if len(self._fds) > N_OPEN:
                os.close(self._fds.popitem(last=False)[1])
        else:
            self._fds.move_to_end(place.path)
        return os.pread(fd, place.length, place.offset)

    def close(self) -> None:
        while self._fds:
            os.close(self._fds.popitem()[1])


class _Commit:
    """Group commit in one event loop: one sync at a time, in a worker thread, for all that came before it."""

    def __init__(self, sync: Callable[[], None]):
        self._sync = sync
        self._waiting: list[asyncio.Future[None]] = []
        self._is_busy = False

    async def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """Return when a sync that began after now has ended; raises what it raised."""
        done = loop.create_future()
        self._waiting.append(done)
        if not self._is_busy:
            self._begin(loop)
        await done

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        served, self._waiting, self._is_busy = self._waiting, [], True
        loop.run_in_executor(None, self._sync).add_done_callback(partial(self._end, loop, served))

    def _end(
        self, loop: asyncio.AbstractEventLoop, served: list[asyncio.Future[None]], job: asyncio.Future[None]
    ) -> None:
        self._is_busy = False
        error = job.exception()
        for done in served:
            if done.done():  # its task was cancelled
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(RunError(str(error)) if isinstance(error, RunError) else error)
        if self._waiting:
            self._begin(loop)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _list_segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("segment-*.jsonl"))


def _scan(path: Path, offset: int) -> Iterator[tuple[str | None, _Place]]:
    """Yield (key, place) of every complete line from ``offset`` on; the key is None for a torn line."""
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield _read_key(line), _Place(path, offset, len(line))
            offset += len(line)


def _read_key(line: bytes) -> str | None:
    try:
        record = json.loads(line)
        return record["key"] if "value" in record else None
    except (ValueError, KeyError, TypeError):
        return None


def _open_segment(folder: Path) -> tuple[LineWriter, int]:
    """Make a segment of our own and lock it; returns its writer and the descriptor that holds the lock."""
    while True:
        path = folder / f"segment-{int(time.time())}-{os.getpid()}-{secrets.token_hex(3)}.jsonl"
        writer = LineWriter(path)
        fd = -1
        try:
            fd = os.open(path, os.O_RDONLY)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink:
                return writer, fd
        except (FileNotFoundError, BlockingIOError):
            pass  # a compaction took the file between its making and our lock: make another
        writer.close()
        if fd >= 0:
            os.close(fd)


def compact(home: Path) -> int:
    """Merge, in each cache of the home, the segments of dead writers into one; returns how many were merged away.

    Safe while others read and write: the merged file is complete on the disk before the old ones go, a living
    writer's segment is left alone, and entries that stand twice for a moment are equal.
    """
    return sum(_compact_folder(folder) for folder in sorted((home / "cache").glob("*/")))


def _compact_folder(folder: Path) -> int:
    guard = os.open(folder / ".compact", os.O_RDWR | os.O_CREAT, 0o644)
    held: list[int] = []
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        dead = []
        for path in _list_segments(folder):
            fd = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                continue
            held.append(fd)
            dead.append(path)
        if len(dead) < 2:
            return 0
        _merge(dead, folder / f"segment-{int(time.time())}-merged-{secrets.token_hex(3)}.jsonl")
        for path in dead:
            path.unlink()
        return len(dead)
    except BlockingIOError:  # another process is at it
        return 0
    finally:
        for fd in [*held, guard]:
            os.close(fd)


def _merge(paths: list[Path], target: Path) -> None:
    """Write one line per distinct key of these segments into a new one that appears complete or not at all."""
    part = target.with_suffix(f".{SCHEMA_VERSION}.part")
    seen: set[str] = set()
    with part.open("wb") as merged:
        for path in paths:
            with path.open("rb") as file:
                for line in file:  # a last line that only lacks its newline is an entry too
                    key = _read_key(line)
                    if key is not None and key not in seen:
                        seen.add(key)
                        merged.write(line.rstrip(b"\n") + b"\n")
        merged.flush()
        os.fsync(merged.fileno())
    part.replace(target)
