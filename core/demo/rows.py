"""Writes made rows to the files of a built-in seed set; knows nothing of what the rows mean."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_splits(folder: Path, splits: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write ``<split>.jsonl`` for every split, one row a line, UTF-8; what was there is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in splits.items():
        (folder / f"{split}.jsonl").write_bytes(encode_rows(rows))
        print(f"{folder / split}.jsonl: {len(rows)} rows")


def encode_rows(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the rows as JSON lines; equal rows give equal bytes."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
