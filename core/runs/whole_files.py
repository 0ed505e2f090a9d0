"""Files that a reader sees whole or not at all: written beside their place, then put there."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.lines import to_plain

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file into a folder that is there; it is on the disk when this returns."""
    with _put_in_place(path) as part, part.open("w", encoding="utf-8") as file:
        json.dump(to_plain(value), file, ensure_ascii=False, indent=2, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())


def write_parquet(frame: "pd.DataFrame", path: Path) -> None:
    """Write a DataFrame; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _put_in_place(path) as part:
        frame.to_parquet(part, index=False, compression="zstd")


def write_array(array: "np.ndarray", path: Path) -> None:
    """Write an array of numbers or texts, never a pickle; its folder is made where it is missing."""
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    with _put_in_place(path) as part, part.open("wb") as file:
        np.save(file, array, allow_pickle=False)


@contextmanager
def _put_in_place(path: Path) -> Iterator[Path]:
    """Give the file to write, which takes its place when the block ends without an error."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    yield part
    part.replace(path)
