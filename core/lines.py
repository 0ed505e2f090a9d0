"""Append-only files of JSON lines: the form of every journal, run record and cache segment.

One record is one ``os.write`` whose count is checked. A torn last line (a writer died in the middle) is closed by
the next writer and skipped by every reader. Unknown is ``null``: NaN and infinities never reach a file.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import RunError

SCHEMA_VERSION = 1
"""Written into every record as ``v``; a later reader can tell old lines from new ones."""


def to_plain(value: Any) -> Any:
    """Return the value with numpy scalars made Python's, tuples made lists, and non-finite floats made None."""
    if value is None or isinstance(value, str | int):  # most values: asking whether they are mappings takes longer
        return value
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return to_plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class LineWriter:
    """Appends records to one file; safe for several writers of the same file (O_APPEND, one write a line)."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            self._write(b"\n")

    def append(self, record: Mapping[str, Any], *, is_durable: bool = False) -> None:
        """Write one record; ``is_durable`` waits until it is on the disk (fsync)."""
        line = json.dumps({"v": SCHEMA_VERSION, **to_plain(record)}, ensure_ascii=False, allow_nan=False)
        self._write(line.encode(errors="replace") + b"\n")  # half a character, which a text can hold, stands in no file
        if is_durable:
            os.fsync(self._fd)

    def _write(self, data: bytes) -> None:
        if os.write(self._fd, data) != len(data):
            raise RunError(f"{self.path} could not be written whole; free some disk space and run it again.")

    def close(self) -> None:
        """Close the file; the writer cannot be used afterwards."""
        os.close(self._fd)

    def __enter__(self) -> "LineWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class LinesRead:
    """What one read found."""

    records: list[dict[str, Any]]
    offset: int
    """Where the next read goes on: just behind the last complete line."""

    n_torn: int
    """Complete lines that were not JSON objects: left by a writer that died in the middle of one."""


def read_lines(path: Path, offset: int = 0, limit: int = 16 << 20) -> LinesRead:
    """Read complete lines from ``offset`` on, about ``limit`` bytes of them; a last line without newline waits.

    A single line longer than ``limit`` is read whole rather than stalling the file.
    """
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(limit)
        while data and b"\n" not in data and (more := file.read(limit)):
            data += more
    end = data.rfind(b"\n") + 1
    records, n_torn = [], 0
    for line in data[:end].split(b"\n"):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError:
            n_torn += 1
            continue
        if isinstance(record, dict):
            records.append(record)
        else:
            n_torn += 1
    return LinesRead(records, offset + end, n_torn)


def read_all(path: Path) -> list[dict[str, Any]]:
    """Read every complete record of a file; an absent file has none."""
    if not path.exists():
        return []
    records: list[dict[str, Any]] = []
    offset = 0
    while True:
        found = read_lines(path, offset)
        if found.offset == offset:
            return records
        records += found.records
        offset = found.offset
