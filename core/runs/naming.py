"""Names that people give to runs: another title than the one a run was made with, and a note.

A line of the run's ``inbox.jsonl``, for ``run.json`` is frozen; the last one counts. Unlike the orders beside it, it
speaks of no attempt: a run keeps its name when it is repeated. This file knows nothing of the database.
"""

import time
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.lines import read_all
from core.runs.orders import INBOX, write_order

NAME = "name"
"""``order`` of such a line."""

LONGEST_TITLE, LONGEST_NOTE = 200, 2000
"""Characters."""


def read_name(folder: Path) -> dict[str, Any]:
    """Return ``title`` and ``note`` (None: none) that somebody gave to a run; empty where nobody did."""
    lines = [line for line in read_all(folder / INBOX) if line.get("order") == NAME]
    title, note = (lines[-1].get("title"), lines[-1].get("note")) if lines else (None, None)
    if not isinstance(title, str) or not title:
        return {}
    return {"title": title, "note": note if isinstance(note, str) and note else None}


def write_name(folder: Path, title: str, note: str | None = None) -> None:
    """Give a run a title and a note; on the disk when this returns.

    Args:
        folder: of the run.
        title: one line; blanks and line ends are made single spaces.
        note: any text; None or empty: none.

    Raises:
        RunError: an empty title, or a title or note that is too long.
    """
    title, note = " ".join(title.split()), (note or "").strip()
    if not title:
        raise RunError("A run needs a title; write one.")
    for what, text, longest in (("title", title, LONGEST_TITLE), ("note", note, LONGEST_NOTE)):
        if len(text) > longest:
            raise RunError(f"The {what} has {len(text):,} characters; shorten it to {longest:,} at most.")
    write_order(folder, {"order": NAME, "title": title, "note": note or None, "written_at": time.time()})
