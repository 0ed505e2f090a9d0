"""Pieces of append-only files: complete lines from a given byte on, with the byte at which each record begins.

It knows nothing of tables; what a record must look like is checked in ``rows.py``.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHUNK_BYTES = 16 << 20
"""How much of a file is read at a time; a longer single line is read whole."""

HEAD_BYTES = 4096
"""How much of the first line tells one file from another under the same name."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Complete lines of a file, parsed."""

    records: list[dict[str, Any]]
    places: list[int]
    """Byte at which each record begins."""

    n_torn: int
    end: int


def parse_piece(data: bytes, start: int) -> Piece:
    """Parse complete lines; lines that are no JSON objects were torn by a dying writer and are counted."""
    records, places, n_torn, place = [], [], 0, start
    for line in data.split(b"\n")[:-1]:
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if isinstance(record, dict):
                records.append(record)
                places.append(place)
            else:
                n_torn += 1
        place += len(line) + 1
    return Piece(records, places, n_torn, place)


def read_piece(path: Path, start: int) -> bytes:
    """Return complete lines from ``start`` on, about CHUNK_BYTES of them; empty where there is no complete line."""
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(CHUNK_BYTES)
        while data and b"\n" not in data and (more := file.read(CHUNK_BYTES)):
            data += more
    return data[: data.rfind(b"\n") + 1]


def read_head(path: Path) -> str:
    """Return the hash of the file's first line (of its first 4 KB)."""
    with path.open("rb") as file:
        line = file.readline(HEAD_BYTES)
    return hashlib.sha256(line).hexdigest()[:16]
