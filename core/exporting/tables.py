"""Tables with a row for each candidate and all that is known of it: Parquet, and CSV that no spreadsheet runs."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.exporting.base import FORMATS, TRAIN, ExportRow, Format, Record

GUARD = "'"
"""Put before a cell that a spreadsheet would run; most of them do not even show it."""

_RUN = re.compile(rf"{GUARD}*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?")

TYPES = {
    "round": pa.int64(),
    "is_right": pa.bool_(),
    "is_edited": pa.bool_(),
    "parents": pa.list_(pa.string()),
    "messages": pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
}
"""Column -> its type, where it is no text."""


def make_row(row: ExportRow) -> Record:
    """Return a candidate with all its columns."""
    texts = {"id": row.id, "question": row.question, "answer": row.answer, "final": row.final}
    return {**texts, "is_right": row.is_right, **row.about}


def write_parquet_file(records: Sequence[Record], path: Path) -> None:
    """Write records as Parquet; a column keeps its type where all of it is unknown."""
    names = list(records[0]) if records else []
    columns = {name: pa.array([record[name] for record in records], TYPES.get(name, pa.string())) for name in names}
    pq.write_table(pa.table(columns), path, compression="zstd")


def guard_cell(value: Any) -> Any:
    r"""Return what is written for a value: a text that a spreadsheet would take for a formula with GUARD before it.

    That is one that begins with = + - @, a tab or a line end, and is no plain number. One that begins so behind GUARDs
    gets one more, so that taking one away gives every text back: in pandas, with ``dtype=str, keep_default_na=False``,
    ``replace(r"^'(?='*[=+\-@\t\r\n＝＋－＠])", "", regex=True)``.
    """
    if not isinstance(value, str) or not _RUN.match(value) or _NUMBER.fullmatch(value):
        return value
    return GUARD + value


def _write_parquet(splits: Mapping[str, Sequence[Record]], _card: str, path: Path) -> None:
    write_parquet_file(splits[TRAIN], path)


def _write_csv(splits: Mapping[str, Sequence[Record]], _card: str, path: Path) -> None:
    """Write with a byte-order mark, or Excel reads the letters of another alphabet."""
    records = splits[TRAIN]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(list(records[0]) if records else [])
        for record in records:
            writer.writerow([guard_cell(_flatten(value)) for value in record.values()])


def _flatten(value: Any) -> Any:
    return " ".join(value) if isinstance(value, list) else value


FORMATS.register("parquet")(
    Format(
        title="Parquet",
        purpose="For datasets, pandas, DuckDB and Spark: question, answer, final answer, and for every candidate where "
        "it came from and what was said of it. Wrong answers are in it; is_right tells them apart.",
        suffix=".parquet",
        make=lambda row: [make_row(row)],
        write=_write_parquet,
        has_prompt=False,
    )
)
FORMATS.register("csv")(
    Format(
        title="CSV for spreadsheets",
        purpose="For Excel, LibreOffice and Google Sheets: the columns of the Parquet file. A text that a spreadsheet "
        "would run as a formula has an apostrophe before it.",
        suffix=".csv",
        make=lambda row: [make_row(row)],
        write=_write_csv,
        has_prompt=False,
    )
)
