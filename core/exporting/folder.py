"""A folder as the Hugging Face hub has datasets: a card, and Parquet files by split."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.exporting.base import FORMATS, ExportRow, Format, Record, require_right
from core.exporting.conversations import make_messages
from core.exporting.tables import make_row, write_parquet_file

CARD = "README.md"


def name_data(split: str) -> str:
    """Return the path in the folder of a split's file."""
    return f"data/{split}-00000-of-00001.parquet"


def _make(row: ExportRow) -> list[Record]:
    """Return all columns but whose verdict it was: a dataset is for others, who need no names of people."""
    record = make_row(require_right(row))
    del record["is_right"], record["reviewer"]
    return [{"id": record.pop("id"), "messages": make_messages(row), **record}]


def _write(splits: Mapping[str, Sequence[Record]], card: str, path: Path) -> None:
    (path / "data").mkdir(parents=True)
    for split, records in splits.items():
        write_parquet_file(records, path / name_data(split))
    (path / CARD).write_text(card, encoding="utf-8")


FORMATS.register("dataset")(
    Format(
        title="Hugging Face dataset",
        purpose="A folder for datasets.load_dataset and for the hub: messages, question, answer and origin of each "
        "candidate as Parquet, with a card that says how it was made and what became of everything else.",
        suffix="",
        make=_make,
        write=_write,
    )
)
