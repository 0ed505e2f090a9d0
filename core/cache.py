"""A content-addressed cache of JSON values in append-only files, shared by all processes of a home.

    FOLDER/segment-NAME.jsonl   {"v": 1, "key": ..., "value": ...} a line; one file per writing process, which holds
                                its flock while it lives

A key says everything that decides its value, so two writers can only ever store the same thing: the first one found
counts. Torn lines are skipped. It does not know what is cached, nor how the keys are made.
"""

import fcntl
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from core.lines import SCHEMA_VERSION, LineWriter

SYNC_EVERY = 64
"""Entries that are written between two fsyncs; leaving the context syncs the rest."""

LOOK_AGAIN_S = 1.0
"""How long a miss may be unaware of what other processes have written since."""


class _Place(NamedTuple):
    """Where a line stands."""

    path: Path
    offset: int
    length: int


class Cache:
    """The cache in one folder; use it as a context manager. Safe between threads and between processes."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._places: dict[str, _Place] = {}
        self._read_to: dict[Path, int] = {}
        self._looked_at = float("-inf")
        self._lock = threading.RLock()
        self._writer: LineWriter | None = None
        self._lock_fd = -1
        self._size = 0
        self._n_unsynced = 0

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
                    with place.path.open("rb") as file:
                        file.seek(place.offset)
                        return json.loads(file.read(place.length))["value"]
                except FileNotFoundError:  # its segment was merged into another
                    self._places.pop(key)
                    self.refresh()
            return None

    def put(self, key: str, value: Any) -> None:
        """Store a JSON value; a key that is known already keeps its value. Not on the disk before :meth:`flush`."""
        with self._lock:
            if key in self._places:
                return
            if self._writer is None:
                self._writer, self._lock_fd = _open_segment(self.folder)
            self._writer.append({"key": key, "value": value})
            start, self._size = self._size, os.fstat(self._lock_fd).st_size
            self._places[key] = _Place(self._writer.path, start, self._size - start)
            self._read_to[self._writer.path] = self._size
            self._n_unsynced += 1
            if self._n_unsynced >= SYNC_EVERY:
                self.flush()

    def flush(self) -> None:
        """Wait until everything that was put is on the disk."""
        with self._lock:
            if self._n_unsynced:
                os.fsync(self._lock_fd)
                self._n_unsynced = 0

    def refresh(self) -> None:
        """Take in what other processes have written since the last look."""
        with self._lock:
            is_whole = False
            while not is_whole:  # a segment that vanished while we looked stands in a merged one now
                is_whole = all([self._read_segment(path) for path in _list_segments(self.folder)])
            self._looked_at = time.monotonic()

    def close(self) -> None:
        """Sync and let go of the own segment; a later put opens a new one."""
        with self._lock:
            if self._writer is not None:
                self.flush()
                self._writer.close()
                os.close(self._lock_fd)
                self._writer, self._lock_fd, self._size = None, -1, 0

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
