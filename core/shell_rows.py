"""Files of JSON lines that a person brings and takes away: every line that is read comes back, whatever is in it.

What reads a line says what is wrong with it rather than dropping it; what writes one never fails on what was read. A
file is written under a name of its own and takes the place of an older one only when it is whole.
"""

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from core.errors import DataFormatError
from core.lines import to_plain

MAX_DEPTH = 100
"""Deepest nesting of lists and objects that is read; Python itself gives up at a few hundred."""


class LineFaultError(ValueError):
    """A line that holds no JSON value; the message is the end of "The line ...", without a full stop."""


def open_lines(name: str) -> Any:
    """Return a file to be read as bytes, to be closed by ``with``; "-" is standard input.

    Raises:
        DataFormatError: the file is not there, is a folder or cannot be read.
    """
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    path = Path(name)
    if path.is_dir():
        raise DataFormatError(f"{path} is a folder; name a file of JSON lines, or - for standard input.")
    try:
        return path.open("rb")
    except OSError as error:
        raise DataFormatError(f"{path} cannot be read ({error.strerror}); name a file of JSON lines.") from error


def list_texts(file: BinaryIO | Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, text without its end) of every line, empty ones too; bytes that are no UTF-8 become �."""
    for number, raw in enumerate(file, 1):
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        yield number, text.removeprefix("\ufeff") if number == 1 else text


def parse_line(text: str) -> Any:
    """Return the JSON value of a line; raises LineFaultError."""
    if not text.strip():
        raise LineFaultError("is empty")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError, MemoryError):
        raise LineFaultError("is not readable JSON") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value):
        raise LineFaultError(f"is nested more than {MAX_DEPTH} deep")
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [part for each in level if isinstance(each, dict | list) for part in _list_parts(each)]
        if not level:
            return False
    return True


def _list_parts(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def write_row(row: Mapping[str, Any]) -> str:
    """Return a row as one line of JSON; half a character (a lone surrogate), which no encoding has, is escaped."""
    text = json.dumps(to_plain(row), ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(to_plain(row), allow_nan=False)
    return text


@contextmanager
def open_out(path: Path) -> Iterator[TextIO]:
    """Yield a file to write that takes its name when all of it is written; until then it is ``NAME.part``.

    Where the block raises, an older file of that name stays as it is, and what was written stays in the part. What is
    no file (a pipe, /dev/stdout) is written to at once.
    """
    if path.is_relative_to("/dev") or (path.exists() and not path.is_file()):
        with path.open("w", encoding="utf-8") as file:
            yield file
        return
    target = path.resolve()
    part = target.with_name(f"{target.name}.part")
    with part.open("w", encoding="utf-8") as file:
        yield file
    if target.exists():
        shutil.copymode(target, part)
    part.replace(target)
