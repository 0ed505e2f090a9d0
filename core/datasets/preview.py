"""A look at a file before it is imported: what it is taken for, its first problems and its first faults.

Only the beginning is parsed, so that a page can call it while a person changes the mapping.
"""

from dataclasses import dataclass, field
from pathlib import Path

from core.datasets.problems import choose_mapping, make_problem
from core.datasets.reading import Fault, read_rows
from core.datasets.recognise import N_LOOKED_AT, ColumnMapping
from core.errors import DataFormatError
from core.records import Problem
from core.tasks import TASKS


@dataclass(slots=True)
class Preview:
    """What the beginning of a file shows."""

    columns: list[str]
    n_rows: int
    """Rows looked at, bad ones included."""

    is_whole: bool
    """Whether that was the whole file."""

    task: str | None = None
    """Registry name; None where it is not known yet."""

    mapping: ColumnMapping | None = None
    """None where it is not known yet."""

    why: str = ""
    """One sentence: what the file was taken for, or what has to be chosen by hand."""

    problems: list[Problem] = field(default_factory=list)
    """The first good rows."""

    faults: list[Fault] = field(default_factory=list)
    """Bad rows among those looked at."""


def preview_file(
    source: Path | bytes,
    task: str | None = None,
    mapping: ColumnMapping | None = None,
    n: int = 20,
    name: str | None = None,
) -> Preview:
    """Look at the first rows of a file.

    Args:
        source: path, or the bytes of an upload.
        task: registry name chosen by hand; None: recognised.
        mapping: chosen by hand; None: recognised.
        n: problems shown, at most.
        name: file name of an upload.

    Raises:
        DataFormatError: the file cannot be read at all. A file that is not recognised is no error: ``why`` says what
            to choose.
    """
    rows = read_rows(source, name, n_max=max(n, N_LOOKED_AT))
    preview = Preview(rows.columns, len(rows.rows) + len(rows.faults), rows.is_whole, faults=list(rows.faults))
    try:
        chosen = choose_mapping(rows, task, mapping)
    except DataFormatError as error:
        preview.task, preview.mapping, preview.why = task, mapping, str(error)
        return preview
    preview.task, preview.mapping, preview.why = chosen.task, chosen.mapping, chosen.why
    for line, row in zip(rows.lines, rows.rows, strict=True):
        if len(preview.problems) >= n:
            break
        try:
            preview.problems.append(make_problem(row, TASKS.get(chosen.task), chosen.mapping, "train"))
        except ValueError as error:
            preview.faults.append(Fault(line, str(error)))
    preview.faults.sort(key=lambda fault: fault.line)
    return preview
