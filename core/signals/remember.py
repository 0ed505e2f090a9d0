"""What signals share: values that are remembered by content, and keys that say everything a value depends on.

It knows nothing of what the values mean; they are JSON.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from core.models.rendering import RENDERING_VERSION
from core.signals.base import Scoring


def make_key(scoring: Scoring, signal: str, version: int, *parts: Any) -> str | None:
    """Return the cache key of one value of this student; None where the student changes under our hands."""
    if scoring.student.fingerprint is None:
        return None
    about = [scoring.student.fingerprint, scoring.student.dtype_name, RENDERING_VERSION, scoring.task.name]
    return hash_parts(signal, version, *about, *parts)


def hash_parts(*parts: Any) -> str:
    """Return one hash of JSON values."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def remember(
    scoring: Scoring,
    keys: Sequence[str | None],
    rows: Sequence[int],
    compute: Callable[[list[int]], Iterable[Sequence[tuple[int, Any]]]],
    keep: Callable[[int, Any], Any] = lambda row, value: value,
) -> dict[int, Any]:
    """Return the value of each row, from the cache where it was computed before.

    Args:
        scoring: brings the cache and is told of the progress.
        keys: key of every problem; rows with the same key are computed once, those without (None) each.
        rows: which problems can be scored at all; the others count as done.
        compute: rows that are missing -> batches of (row, JSON value); a row may be missing from them (unknown).
        keep: called with each row and its JSON value; what it returns is returned. Wide values are put elsewhere here,
            so that they are not held twice.
    """
    found: dict[int, Any] = {}
    first: dict[str, int] = {}
    followers: dict[int, list[int]] = {}
    missing = []
    for row in rows:
        key = keys[row]
        if key is not None and (value := scoring.cache.get(key)) is not None:
            found[row] = keep(row, value)
        elif key is not None and key in first:
            followers.setdefault(first[key], []).append(row)
        else:
            missing.append(row)
            if key is not None:
                first[key] = row
    n_done = len(scoring.problems) - len(missing)
    scoring.report(n_done, len(scoring.problems))
    for batch in compute(missing) if missing else ():
        for row, value in batch:
            if keys[row] is not None:
                scoring.cache.put(keys[row], value)
            for one in (row, *followers.get(row, ())):
                found[one] = keep(one, value)
        n_done += len(batch)
        scoring.report(n_done, len(scoring.problems))
    return found
