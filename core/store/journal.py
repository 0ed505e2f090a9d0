"""The journals of a home: what a person did that belongs to no run, on the disk before it is a row.

    journal/reviews.jsonl        accept, reject, edit, skip, undo
    journal/trash_orders.jsonl   trash, restore, empty

Each file feeds the table of its name. Who writes a line knows nothing of the database; the ingest reads it from here.
"""

import secrets
import time
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.lines import LineWriter, read_all

REVIEW_ACTIONS = ("accept", "reject", "edit", "skip")
"""What a person can say of a candidate; ``undo`` is said of a review."""

JOURNALS = ("reviews", "trash_orders")
"""Files of ``home/journal``, each feeding the table of its name."""


class Journal:
    """Appends to the journals of a home; every line is on the disk (fsync) when a verb returns."""

    def __init__(self, home: Path):
        self.folder = home / "journal"
        self._latest = 0.0

    def start_after(self, written_at: float | None) -> None:
        """Make later lines later than this time even where the clock was set back: the order is by time."""
        self._latest = max(self._latest, written_at or 0.0)

    def _append(self, name: str, key: str, record: dict[str, Any]) -> str:
        """Write one line with an id and a time that only grows; return the id."""
        self._latest = max(time.time(), self._latest + 1e-6)
        made = f"{key}_{int(self._latest * 1e6):x}_{secrets.token_hex(3)}"
        with LineWriter(self.folder / f"{name}.jsonl") as writer:
            writer.append({f"{key}_id": made, **record, "written_at": self._latest}, is_durable=True)
        return made

    def add_review(self, run_id: str, candidate_id: str, action: str, **texts: str | None) -> str:
        """Write down one review and return its id; texts (question, answer, final) are those of an edit.

        Raises:
            RunError: no such action, or an edit that changes nothing or leaves a blank question or answer.
        """
        if action not in REVIEW_ACTIONS:
            raise RunError(f"A review cannot be {action!r}; known: {', '.join(REVIEW_ACTIONS)}.")
        blank = [name for name in ("question", "answer") if texts.get(name) is not None and not texts[name].strip()]
        if action == "edit" and blank:
            raise RunError(f"An edit cannot leave the {blank[0]} empty; write one, or reject the candidate.")
        if action == "edit" and not any(texts.values()):
            raise RunError("An edit needs a changed question or answer; write one, or accept the candidate as it is.")
        texts = texts if action == "edit" else {}
        record = {"run_id": run_id, "candidate_id": candidate_id, "action": action, **texts}
        return self._append("reviews", "review", record)

    def undo_review(self, run_id: str, candidate_id: str, review_id: str) -> str:
        """Write down that a review is taken back; return the id of this line."""
        record = {"run_id": run_id, "candidate_id": candidate_id, "action": "undo", "undoes": review_id}
        return self._append("reviews", "review", record)

    def add_trash_order(self, action: str, run_id: str | None = None) -> str:
        """Write down trash or restore of a run, or empty (of the whole trash, run_id None)."""
        return self._append("trash_orders", "order", {"action": action, "run_id": run_id})


def read_reviews(home: Path, run_id: str) -> dict[str, dict[str, Any]]:
    """Return candidate_id -> what stands of its reviews, by the rule of the view ``latest_reviews``.

    ``action`` is the latest of accept, reject and edit. ``question``, ``answer`` and ``final`` are there where an edit
    changed them: an edited text stays until its edit is undone, and a new answer without a final one has an unknown
    one (None). For processes that have no database.
    """
    lines = [line for line in read_all(home / "journal" / "reviews.jsonl") if line.get("run_id") == run_id]
    undone = {line.get("undoes") for line in lines if line["action"] == "undo"}
    standing = [line for line in lines if line["action"] in ("accept", "reject", "edit")]
    standing = [line for line in standing if line["review_id"] not in undone]
    found: dict[str, dict[str, Any]] = {}
    for line in sorted(standing, key=lambda line: line["written_at"]):
        review = found.setdefault(line["candidate_id"], {})
        review["action"] = line["action"]
        if line["action"] != "edit":
            continue
        review |= {name: line[name] for name in ("question", "answer") if line.get(name) is not None}
        if line.get("answer") is not None or line.get("final") is not None:
            review["final"] = line.get("final")
    return found
