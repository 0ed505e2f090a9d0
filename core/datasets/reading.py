"""Read the rows of a JSONL, JSON, CSV, Parquet or Arrow file with their line numbers, and list what cannot be read.

A bad line never stops the file: it becomes a fault with its number and a reason, and the good ones are kept. This file
knows nothing of questions, tasks or columns that mean something.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import DataFormatError

EXCERPT = 120
"""Characters of a bad line that are shown."""

_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that cannot be used."""

    line: int
    """Line where it starts, from 1; in a Parquet file or a JSON array its number among the rows, from 1."""

    reason: str
    """One sentence."""

    excerpt: str = ""
    """Its beginning."""


@dataclass(slots=True)
class Rows:
    """What a file holds; ``rows`` and ``lines`` are aligned."""

    name: str
    """Of the file, for messages."""

    columns: list[str] = field(default_factory=list)
    """Every column that occurs, in the order of first occurrence."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Where each row starts, counted as in Fault.line."""

    faults: list[Fault] = field(default_factory=list)
    is_whole: bool = True
    """False where reading stopped at ``n_max`` rows."""

    def add(self, item: "tuple[int, dict[str, Any]] | Fault") -> None:
        """Take in one row with its line, or one fault."""
        if isinstance(item, Fault):
            self.faults.append(item)
        else:
            self.lines.append(item[0])
            self.rows.append(item[1])


Item = tuple[int, dict[str, Any]] | Fault


def read_rows(source: Path | bytes, name: str | None = None, n_max: int | None = None) -> Rows:
    """Read a file, or its content.

    Args:
        source: path, or the bytes of an uploaded file.
        name: file name for messages and for its ending; None: the path's.
        n_max: stop after that many good rows; None reads all.

    Raises:
        DataFormatError: the file is absent, a folder, empty, or no such table at all.
    """
    name = name or (source.name if isinstance(source, Path) else "the file")
    data = source if isinstance(source, bytes) else _read_bytes(source)
    rows = Rows(name)
    for item in _list_items(data, name):
        if n_max is not None and len(rows.rows) >= n_max:
            rows.is_whole = False
            break
        rows.add(item)
    if not rows.rows and not rows.faults:
        raise DataFormatError(f"{name} holds no rows; choose a file with at least one row.")
    rows.columns = list(dict.fromkeys(key for row in rows.rows for key in row))
    return rows


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise DataFormatError(f"{path} is a folder; name one JSONL, CSV or Parquet file in it.")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataFormatError(f"There is no file {path}; check its path.") from None
    except OSError as error:
        raise DataFormatError(f"{path} cannot be read: {error.strerror}.") from error


def _list_items(data: bytes, name: str) -> Iterator[Item]:
    """Choose the reader by content first, then by the ending of the name."""
    suffix = Path(name).suffix.lower()
    if not data.strip():
        raise DataFormatError(f"{name} is empty; choose a file with at least one row.")
    if data[:4] == b"PAR1" or suffix in (".parquet", ".pq"):
        return _read_parquet(data, name)
    if suffix == ".arrow":
        return _read_arrow(data, name)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataFormatError(f"{name} is UTF-16; save it as UTF-8 and choose it again.")
    if data[:2] == b"\x1f\x8b" or data[:4] in (b"PK\x03\x04", b"\x28\xb5\x2f\xfd"):
        raise DataFormatError(f"{name} is compressed or a spreadsheet; save it as a plain JSONL, CSV or Parquet file.")
    data = data.removeprefix(_BOM)
    start = data.lstrip()[:1]
    if suffix in (".csv", ".tsv"):
        return _read_csv(data, name)
    if start == b"[":
        return _read_array(data, name)
    if start == b"{" or suffix in (".jsonl", ".ndjson", ".json"):
        return _read_json_lines(data, name)
    raise DataFormatError(f"{name} is no table that Seedbed reads; choose a JSONL, CSV or Parquet file.")


def _cut(text: str | bytes) -> str:
    """Return the beginning of a bad line as text that any file can hold."""
    if isinstance(text, bytes):
        text = text[: EXCERPT * 4].decode(errors="replace")
    return _SURROGATE.sub("\ufffd", text[:EXCERPT])


# -- JSON ------------------------------------------------------------------------------------------------------


def _read_json_lines(data: bytes, name: str) -> Iterator[Item]:
    if b"\n" in data.strip() and _is_one_object(data):
        raise DataFormatError(f"{name} holds one JSON object, not rows; write one object a line, or a list of objects.")
    for number, line in enumerate(io.BytesIO(data), 1):
        if line.strip():
            yield _read_json_line(number, line.rstrip(b"\r\n"))


def _is_one_object(data: bytes) -> bool:
    """Say whether the text is a single object written over several lines (its first line is then no object)."""
    first = data.lstrip().split(b"\n", 1)[0].strip()
    if first.endswith(b"}"):
        return False
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def _read_json_line(number: int, line: bytes) -> Item:
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError:
        return Fault(number, "The line is not UTF-8.", _cut(line))
    except (ValueError, RecursionError):
        return Fault(number, "The line is not complete JSON.", _cut(line))
    return _check_object(number, value, b"\\ud" in line.lower(), line)


def _check_object(number: int, value: Any, may_have_surrogates: bool, source: bytes | str) -> Item:
    if not isinstance(value, dict):
        return Fault(number, "It is not a JSON object with named columns.", _cut(source))
    if may_have_surrogates and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        return Fault(number, "The text holds half of a two-part character, which is not UTF-8.", _cut(source))
    return number, value


def _read_array(data: bytes, name: str) -> Iterator[Item]:
    """Read a list of objects; a break in the middle ends the file, as nothing says where the next object starts."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataFormatError(f"{name} is not UTF-8 (line {line}); save it as UTF-8 and choose it again.") from None
    decoder, position, number = json.JSONDecoder(), text.index("[") + 1, 0
    gap = re.compile(r"[\s,]*")
    while (position := gap.match(text, position).end()) < len(text) and text[position] != "]":
        number += 1
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            line = text.count("\n", 0, position) + 1
            reason = f"The list breaks off here, in line {line}; what follows cannot be read."
            yield Fault(number, reason, _cut(text[position : position + EXCERPT]))
            return
        item = text[position:end]
        yield _check_object(number, value, "\\ud" in item.lower(), item)
        position = end
    if position >= len(text):
        yield Fault(number + 1, "The list is never closed; the file seems to be cut off.")
    elif rest := text[position + 1 :].strip():
        yield Fault(number + 1, "There is more text behind the end of the list; it cannot be read.", _cut(rest))


# -- CSV -------------------------------------------------------------------------------------------------------


def _read_csv(data: bytes, name: str) -> Iterator[Item]:
    # Bad bytes become lone surrogates, so that one of them cannot shift the rows after it.
    lines = list(io.StringIO(data.decode(errors="surrogateescape"), newline="\n"))
    csv.field_size_limit(1 << 30)
    delimiter = max(",;\t", key=lines[0].count)
    _, header, n_used = next(_split_records(lines, 0, delimiter))
    columns = _name_columns(header, name)
    for line, cells, _ in _split_records(lines, n_used, delimiter):
        if isinstance(cells, Fault):
            yield cells
        elif len(cells) != len(columns):
            reason = f"The row has {len(cells)} cells, the header {len(columns)}."
            yield Fault(line, reason, _cut(delimiter.join(cells)))
        elif any(map(_SURROGATE.search, cells)):
            yield Fault(line, "The row is not UTF-8.", _cut(delimiter.join(cells)))
        else:
            yield line, {column: cell if cell != "" else None for column, cell in zip(columns, cells, strict=True)}


def _name_columns(header: list[str] | Fault, name: str) -> list[str]:
    if isinstance(header, Fault) or any(map(_SURROGATE.search, header)):
        raise DataFormatError(f"The first line of {name} is no readable header; it must name the columns in UTF-8.")
    columns = [cell.strip() or f"column_{i}" for i, cell in enumerate(header, 1)]
    if twice := next((column for column in columns if columns.count(column) > 1), None):
        raise DataFormatError(f"{name} has two columns named {twice!r}; rename one of them.")
    return columns


def _split_records(lines: list[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str] | Fault, int]]:
    """Yield (line number, cells or fault, lines used so far) for each record from line index ``start`` on.

    A stray quote would swallow the rows behind it: its line becomes a fault, and reading starts again on the next one.
    """
    done = start
    while done < len(lines):
        start = done
        reader = csv.reader(map(lines.__getitem__, range(start, len(lines))), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                line, done = done + 1, start + reader.line_num
                if cells:
                    yield line, cells, done
        except csv.Error as error:
            is_unclosed = "unexpected end" in str(error)
            reason = "A quote that opens here is never closed." if is_unclosed else f"The row is no CSV: {error}."
            done += 1
            yield done, Fault(done, reason, _cut(lines[done - 1])), done


# -- Parquet ---------------------------------------------------------------------------------------------------


def _read_parquet(data: bytes, name: str) -> Iterator[Item]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        number = 0
        for batch in file.iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, OSError) as error:
        raise DataFormatError(f"{name} is not a complete Parquet file; write it again.") from error


def _read_arrow(data: bytes, name: str) -> Iterator[Item]:
    """Read what ``Dataset.save_to_disk`` writes."""
    import pyarrow as pa

    try:
        number = 0
        for batch in pa.ipc.open_stream(data):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, OSError) as error:
        raise DataFormatError(f"{name} is not a complete Arrow file; write it again.") from error
