"""Training rows out of a file: JSON lines, a JSON list, CSV or Parquet, ours and other people's.

Each line that cannot be trained on is listed with its number and the reason; a file with none that can fails in one
sentence. It knows nothing of homes, runs or objectives; what the columns may be called stands in ``line_forms``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from core.datasets.reading import Rows, read_rows
from core.errors import DataFormatError
from core.records import Problem
from core.tasks.answers.compare import compare
from core.tasks.answers.final_line import find_final
from core.tasks.base import Task
from core.training.data import ORIGINS, POSITIVE, TrainingRow
from core.training.line_forms import read_line


class LineLeftOut(NamedTuple):
    """A line that is not trained on."""

    line: int
    """From 1; in a Parquet file or a JSON list its number among the rows."""

    reason: str
    """One sentence."""


class RepeatedLine(LineLeftOut):
    """A line that could be trained on, but that another one says too."""

    __slots__ = ()


class RowsFile(NamedTuple):
    """What a file gave; every line but an empty one is in one of the two."""

    rows: list[TrainingRow]
    left_out: list[LineLeftOut]
    """By line."""


def read_rows_file(source: Path | bytes, task: Task | None = None, name: str | None = None) -> RowsFile:
    r"""Read the training rows of a file; of lines that say the same the first, or the first that has a final answer.

    Args:
        source: path, or the content of an uploaded file.
        task: reads the final answer out of an answer that has none beside it, and says where the two contradict
            each other; None: as :func:`find_final` reads and ``compare`` compares.
        name: of the file, for its ending and for messages; None: the path's.

    Raises:
        DataFormatError: the file is absent, a folder, no such table at all, or has no line that can be trained on.
    """
    table = read_rows(source, name)
    left_out = [LineLeftOut(fault.line, fault.reason) for fault in table.faults]
    kept: dict[tuple, tuple[int, TrainingRow]] = {}
    for line, cells in zip(table.lines, table.rows, strict=True):
        try:
            row = make_row(cells, line, task)
        except ValueError as error:
            left_out.append(LineLeftOut(line, str(error)))
            continue
        if row.texts not in kept:
            kept[row.texts] = line, row
            continue
        earlier, first = kept[row.texts]
        if first.final is None and row.final is not None:
            del kept[row.texts]  # so that it stands where it was found
            kept[row.texts] = line, row
            left_out.append(RepeatedLine(earlier, f"Line {line} repeats it, and has a final answer."))
        else:
            left_out.append(RepeatedLine(line, f"It repeats line {earlier}."))
    left_out.sort()
    if not kept:
        raise DataFormatError(_say_none(table, left_out))
    return RowsFile([row for _, row in kept.values()], left_out)


def make_row(cells: Mapping[str, Any], line: int, task: Task | None = None) -> TrainingRow:
    """Return the row of one line; raises ValueError with one sentence for a line that cannot be trained on."""
    texts = read_line(cells)
    origin, run_id, id_ = _read_origin(cells, line)
    about = {"origin": origin, "origin_run_id": run_id, "origin_id": id_}
    row = TrainingRow(texts.question, texts.answer, texts.final, texts.label, texts.rejected, **about)
    if cells.get("row_id") == row.row_id:  # as we wrote it, so it was looked at before
        return row
    return replace(row, final=_settle_final(row, cells, task))


def to_line(row: TrainingRow) -> dict[str, Any]:
    """Return a row as the fields of a line, which ``read_rows_file`` reads back as the same row."""
    return {"row_id": row.row_id, **asdict(row)}


def _settle_final(row: TrainingRow, cells: Mapping[str, Any], task: Task | None) -> str | None:
    """Return the final answer of the question; raises ValueError where the line says two things of it."""
    final, stated = row.final, _read_final(row.answer, task)
    if final is not None and ("####" in final or "\\boxed" in final):  # a worked reference in place of a final one
        final = _read_final(final, task) or final
    if row.label != POSITIVE:
        if str(cells.get("label")).lower() == "false" and row.answer.rstrip(" .").lower().endswith("false"):
            raise ValueError(
                "The label is false and so is the answer: name a final answer final, or write the label as -1."
            )
        return final
    if final is not None and stated is not None and _contradicts(stated, final, row.question, task):
        raise ValueError(f"The answer ends in {stated[:40]!r}, but the final answer is given as {final[:40]!r}.")
    return stated if final is None else final


def _read_final(answer: str, task: Task | None) -> str | None:
    return find_final(answer) if task is None else task.extract_final(answer)


def _contradicts(stated: str, final: str, question: str, task: Task | None) -> bool:
    """Say whether two final answers are certainly not the same."""
    if stated == final:
        return False
    if task is None:
        return compare(final, stated).is_equal is False
    return task.judge_final(stated, Problem("", question, None, final)) is False


def _read_origin(cells: Mapping[str, Any], line: int) -> tuple[str, str | None, str | None]:
    """Return origin, run and id: of a line of ours what it says, of one that ``generate`` wrote its candidate."""
    said = cells.get("origin")
    if "row_id" in cells and said in ORIGINS and said != "file":
        run_id, id_ = cells.get("origin_run_id"), cells.get("origin_id")
        return said, str(run_id) if run_id else None, str(id_) if id_ else None
    if cells.get("candidate_id") and "is_accepted" in cells:
        return "candidate", None, str(cells["candidate_id"])
    return "file", None, str(line)


def _say_none(table: Rows, left_out: list[LineLeftOut]) -> str:
    number, reason = left_out[0]
    if len(left_out) == 1:
        return f"The one line of {table.name} cannot be trained on: {reason}"
    return f"None of the {len(left_out):,} lines of {table.name} can be trained on; the first, line {number}: {reason}"


def guess_task(rows: Sequence[TrainingRow]) -> str:
    """Return the task whose answers these are, by how most of them end; ``custom`` where that says nothing."""
    marks = {"word_problems": "\n####", "maths": "\\boxed{"}
    for task, mark in marks.items():
        if 2 * sum(mark in f"\n{row.answer}" for row in rows) > len(rows):
            return task
    return "custom"
