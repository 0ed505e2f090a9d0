"""``python -m core verify``: every line with a reference and an answer comes back with a verdict and a reason.

Lines are read and written in blocks, so a file of any size takes little memory; the formulas of a block go to all
worker processes at once. A line that cannot be used comes back too, undecided, with what is wrong with it.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import DataFormatError
from core.lines import to_plain
from core.tasks.answers.compare import Judgement, compare_many, judge_many

BLOCK = 512
"""Lines that are judged at a time."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file."""

    row: Mapping[str, Any]
    """Its fields; of a line that is no JSON object its number and its text."""

    field: str = ""
    """"pred" or "response", whichever is judged; "" where there is a fault."""

    fault: str = ""
    """Why it cannot be judged, in one sentence; "" where it can."""


def verify_file(options: argparse.Namespace) -> int:
    """Judge every line of ``options.file`` ("-": standard input), print each back, and the counts on the other stream.

    ``options.tolerance`` is the largest relative difference of two numbers that count as equal, None for none.

    Raises:
        DataFormatError: the file is not there, is a folder or cannot be read.
    """
    counts: Counter[str] = Counter()
    with open_lines(options.file) as file:
        try:
            for row, kind in judge_lines(file, options.tolerance):
                counts[kind] += 1
                print(write_row(row))
            sys.stdout.flush()
        except BrokenPipeError:  # the reader has seen enough ("| head")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(describe_counts(counts), file=sys.stderr)
    return 0


def open_lines(name: str) -> Any:
    """Return a file to be read as bytes, to be closed by ``with``; raises DataFormatError with one sentence."""
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    path = Path(name)
    if path.is_dir():
        raise DataFormatError(f"{path} is a folder; name a file of JSON lines, or - for standard input.")
    try:
        return path.open("rb")
    except OSError as error:
        raise DataFormatError(f"{path} cannot be read ({error.strerror}); name a file of JSON lines.") from error


def judge_lines(file: BinaryIO | Iterable[bytes], tolerance: float | None) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield every line back with ``is_equal`` and ``reason``, in order, and which count it belongs to."""
    numbered = enumerate(file, 1)
    while lines := [read_line(number, raw) for number, raw in islice(numbered, BLOCK)]:
        for line, judgement in zip(lines, judge_block(lines, tolerance), strict=True):
            row = {**line.row, "is_equal": judgement.is_equal, "reason": judgement.reason}
            kinds = {True: "equal", False: "unequal", None: "undecided"}
            yield row, "unusable" if line.fault else kinds[judgement.is_equal]


def judge_block(lines: list[Line], tolerance: float | None) -> list[Judgement]:
    """Return one judgement per line; the answers of all lines are compared at once."""
    judged = [Judgement(None, line.fault) for line in lines]
    for field, judge in (("pred", compare_many), ("response", judge_many)):
        places = [at for at, line in enumerate(lines) if line.field == field]
        found = judge([(lines[at].row["gold"], lines[at].row[field]) for at in places], tolerance)
        for at, judgement in zip(places, found, strict=True):
            judged[at] = judgement
    return judged


def read_line(number: int, raw: bytes) -> Line:
    """Return one line; nothing is refused, a line that cannot be used carries its fault."""
    text = raw.decode("utf-8", "replace").rstrip("\r\n")
    if number == 1:
        text = text.removeprefix("\ufeff")
    shown = {"line": number, "text": text}
    if not text.strip():
        return Line(shown, fault="The line is empty.")
    try:
        row = json.loads(text)
    except (ValueError, RecursionError, MemoryError):
        return Line(shown, fault="The line is not readable JSON.")
    if not isinstance(row, dict):
        return Line(shown, fault="The line is JSON but no object with gold and pred, or gold and response.")
    if "gold" not in row:
        return Line(row, fault="The line has no gold, so there is nothing to compare with.")
    field = "response" if row.get("pred") is None and "response" in row else "pred"
    if field not in row:
        return Line(row, fault="The line has neither pred nor response, so there is nothing to compare.")
    return Line(row, field)


def write_row(row: Mapping[str, Any]) -> str:
    """Return a row as one line of JSON; a lone surrogate, which no encoding can write, is escaped."""
    try:
        text = json.dumps(to_plain(row), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (UnicodeEncodeError, RecursionError):
        kept = {key: value for key, value in row.items() if not isinstance(value, dict | list)}
        text = json.dumps(to_plain(kept), allow_nan=False)
    return text


def describe_counts(counts: Mapping[str, int]) -> str:
    """Return "9 lines: 4 equal, 3 unequal, 1 undecided, 1 unusable"."""
    n_lines = sum(counts.values())
    parts = [f"{counts.get(kind, 0):,} {kind}" for kind in ("equal", "unequal", "undecided", "unusable")]
    return f"{n_lines:,} {'line' if n_lines == 1 else 'lines'}: {', '.join(parts)}"
