"""Rows of a dataset on the Hugging Face Hub, or in a local folder of the ``datasets`` library.

Without a network the answer is one sentence, soon. It knows nothing of questions or tasks.
"""

import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.datasets.reading import Rows
from core.errors import DataFormatError
from core.paths import expand

PATIENCE_S = 5.0
"""How long the Hub is waited for before it counts as out of reach."""

MAX_ROWS = 1_000_000
"""Rows of one split that are read; a seed set is far smaller."""

SOURCE_SPLITS = {
    "train": ("train",),
    "validation": ("validation", "dev", "valid"),
    "test": ("test",),
}
"""Our split -> what datasets call it, where the user names none."""


def read_hub(dataset_id: str, config: str | None = None, splits: Mapping[str, str] | None = None) -> dict[str, Rows]:
    """Return our split -> rows; a row's line is its number in the dataset's split, from 1.

    Args:
        dataset_id: ``owner/name``, or the path of a local folder.
        config: the dataset's configuration (its "subset"); None: its only one.
        splits: our split -> the dataset's split; None: those of the same meaning, and an only split as ``train``.

    Raises:
        DataFormatError: out of reach, unknown, or without the splits that were named.
    """
    is_local = expand(dataset_id).is_dir()
    if not is_local and not os.environ.get("HF_HUB_OFFLINE") and not _is_hub_reachable():
        raise DataFormatError(
            f"The Hugging Face Hub cannot be reached to load {dataset_id!r}; go online, choose a file or a built-in "
            "seed set, or set HF_HUB_OFFLINE=1 where it was downloaded before."
        )
    found = _load(dataset_id, config, is_local)
    chosen = splits or _choose_splits(list(found))
    for source in chosen.values():
        if source not in found:
            raise DataFormatError(f"{dataset_id!r} has no split {source!r}; it has {', '.join(found)}.")
        if found[source].num_rows > MAX_ROWS:
            raise DataFormatError(f"The split {source!r} of {dataset_id!r} has over {MAX_ROWS:,} rows; choose less.")
    return {split: _to_rows(found[source], f"{dataset_id} ({source})") for split, source in chosen.items()}


def _is_hub_reachable() -> bool:
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        with urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=PATIENCE_S):
            return True
    except urllib.error.HTTPError:  # it answers, if only with an error
        return True
    except (OSError, ValueError):
        return False


def _load(dataset_id: str, config: str | None, is_local: bool) -> dict[str, Any]:
    """Return the dataset's splits by name."""
    import datasets

    path = str(expand(dataset_id)) if is_local else dataset_id
    try:
        if is_local and any((Path(path) / name).exists() for name in ("dataset_dict.json", "state.json")):
            loaded = datasets.load_from_disk(path)
        else:
            loaded = datasets.load_dataset(path, config)
    except Exception as error:  # whatever the library or the network raises: it is all one to the user
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = reason if len(reason) <= 200 else reason[:199] + "…"
        raise DataFormatError(
            f"The dataset {dataset_id!r} cannot be loaded; check its id and configuration, or go online ({reason})."
        ) from error
    return dict(loaded) if isinstance(loaded, dict) else {"train": loaded}


def _choose_splits(names: list[str]) -> dict[str, str]:
    if len(names) == 1:
        return {"train": names[0]}
    chosen = {ours: next((name for name in theirs if name in names), None) for ours, theirs in SOURCE_SPLITS.items()}
    if chosen["train"] is None:
        raise DataFormatError(f"Say which split to grow problems from: the dataset has {', '.join(names)}.")
    return {ours: name for ours, name in chosen.items() if name}


def _to_rows(split: Any, name: str) -> Rows:
    rows = split.to_list()
    return Rows(name, list(split.column_names), rows, list(range(1, len(rows) + 1)))
