"""``python -m core verify``: every line with a reference and an answer comes back with a verdict and a reason.

Lines are read and written in blocks, so a file of any size takes little memory; the formulas of a block go to all
worker processes at once. A line that cannot be used comes back too, undecided, with what is wrong with it.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from core.counting import counted
from core.errors import RunCancelled
from core.shell_rows import LineFaultError, list_texts, open_lines, parse_line, write_row
from core.tasks.answers.compare import compare_many, judge_many
from core.tasks.answers.judgement import Judgement

BLOCK = 512
"""Lines that are judged at a time."""

UNREAD = " The response was not read, as the line has a pred."
"""Behind the reason for a line that has both."""


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
        RunCancelled: by Ctrl-C; the lines printed until then stand.
    """
    counts: Counter[str] = Counter()
    with open_lines(options.file) as file:
        try:
            for row, kind in judge_lines(file, options.tolerance):
                counts[kind] += 1
                sys.stdout.write(f"{write_row(row)}\n")
            sys.stdout.flush()
        except BrokenPipeError:  # the reader has seen enough ("| head")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except KeyboardInterrupt:
            sys.stdout.flush()
            raise RunCancelled(f"Stopped after {describe_counts(counts)}.") from None
    print(describe_counts(counts), file=sys.stderr)
    return 0


def judge_lines(file: BinaryIO | Iterable[bytes], tolerance: float | None) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield every line back with ``is_equal`` and ``reason``, in order, and which count it belongs to."""
    texts = list_texts(file)
    while lines := [read_line(number, text) for number, text in islice(texts, BLOCK)]:
        for line, judgement in zip(lines, judge_block(lines, tolerance), strict=True):
            has_unread = line.field == "pred" and line.row.get("response") is not None
            reason = judgement.reason + (UNREAD if has_unread else "")
            row = {**line.row, "is_equal": judgement.is_equal, "reason": reason}
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


def read_line(number: int, text: str) -> Line:
    """Return one line; nothing is refused, a line that cannot be used carries its fault."""
    shown = {"line": number, "text": text}
    try:
        row = parse_line(text)
    except LineFaultError as error:
        return Line(shown, fault=f"The line {error}.")
    if not isinstance(row, dict):
        return Line(shown, fault="The line is JSON but no object with gold and pred, or gold and response.")
    if "gold" not in row:
        return Line(row, fault="The line has no gold, so there is nothing to compare with.")
    field = "response" if row.get("pred") is None and "response" in row else "pred"
    if field not in row:
        return Line(row, fault="The line has neither pred nor response, so there is nothing to compare.")
    return Line(row, field)


def describe_counts(counts: Mapping[str, int]) -> str:
    """Return "9 lines: 4 equal, 3 unequal, 1 undecided, 1 unusable"."""
    parts = [f"{counts.get(kind, 0):,} {kind}" for kind in ("equal", "unequal", "undecided", "unusable")]
    return f"{counted(sum(counts.values()), 'line')}: {', '.join(parts)}"
