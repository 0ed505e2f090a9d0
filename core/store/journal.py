"""The journals of a home: what a person did that belongs to no run, on the disk before it is a row.

    journal/reviews.jsonl        what a person did with candidates, and undo
    journal/trash_orders.jsonl   trash, restore, empty

Each file feeds the table of its name. Who writes a line knows nothing of the database; the ingest reads it from here.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.lines import LineWriter, read_all
from core.records import JUDGEMENTS, REASONS, REVIEW_ACTIONS, Review

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

    def _append(self, name: str, key: str, records: Sequence[dict[str, Any]]) -> list[str]:
        """Write lines with an id and a time that only grows; return the ids, made where a record brings none."""
        ids = []
        with LineWriter(self.folder / f"{name}.jsonl") as writer:
            for place, record in enumerate(records):
                self._latest = max(time.time(), self._latest + 1e-6)
                made = record.get(f"{key}_id") or f"{key}_{int(self._latest * 1e6):x}_{secrets.token_hex(3)}"
                line = {**record, f"{key}_id": made, "written_at": self._latest}
                writer.append(line, is_durable=place == len(records) - 1)
                ids.append(made)
        return ids

    def add_reviews(
        self, reviews: Sequence[Review], batch_id: str | None = None, review_id: str | None = None
    ) -> list[str]:
        """Write down reviews, all of them or, where one makes no sense, none; return their ids.

        Args:
            reviews: in the order in which they were made.
            batch_id: names one act on several candidates; None: each stands for itself.
            review_id: of the one review, where who sends it has named it already.

        Raises:
            RunError: no such action or reason, or an edit that changes nothing or leaves a blank question or answer.
        """
        for review in reviews:
            _check_review(review)
        records = []
        for review in reviews:
            record = {name: value for name, value in asdict(review).items() if value is not None}
            if review.action != "edit":
                record = {name: value for name, value in record.items() if name not in ("question", "answer", "final")}
            records.append(record | ({"batch_id": batch_id} if batch_id else {}))
        if review_id is not None:
            records[0]["review_id"] = review_id
        return self._append("reviews", "review", records)

    def undo_reviews(self, reviews: Sequence[Mapping[str, Any]], reviewer: str | None = None) -> None:
        """Write down that reviews, rows of the table, are taken back; several of one act together, as that was."""
        lines = [
            {"run_id": row["run_id"], "candidate_id": row["candidate_id"], "action": "undo", "undoes": row["review_id"]}
            | ({"batch_id": row["batch_id"]} if len(reviews) > 1 and row["batch_id"] else {})
            | ({"reviewer": reviewer} if reviewer else {})
            for row in reviews
        ]
        self._append("reviews", "review", lines)

    def add_trash_order(self, action: str, run_id: str | None = None) -> str:
        """Write down trash or restore of a run, or empty (of the whole trash, run_id None)."""
        return self._append("trash_orders", "order", [{"action": action, "run_id": run_id}])[0]


def _check_review(review: Review) -> None:
    """Raise RunError, in one sentence, for a review that makes no sense."""
    if review.action not in REVIEW_ACTIONS:
        raise RunError(f"A review cannot be {review.action!r}; known: {', '.join(REVIEW_ACTIONS)}.")
    if review.reason is not None and review.reason not in REASONS:
        raise RunError(f"There is no reason {review.reason!r}; known: {', '.join(REASONS)}.")
    if review.action == "note" and not (review.note or "").strip():
        raise RunError("The note is empty; write one.")
    if review.action != "edit":
        return
    texts = {"question": review.question, "answer": review.answer}
    blank = [name for name, text in texts.items() if text is not None and not text.strip()]
    if blank:
        raise RunError(f"An edit cannot leave the {blank[0]} empty; write one, or reject the candidate.")
    if not any((*texts.values(), review.final)):
        raise RunError("An edit needs a changed question or answer; write one, or accept the candidate as it is.")


def read_reviews(home: Path, run_id: str) -> dict[str, dict[str, Any]]:
    """Return candidate_id -> what stands of its reviews, by the rule of the view ``latest_reviews``.

    ``action`` is the latest of accept, reject, edit and trash. ``question``, ``answer`` and ``final`` are there where
    an edit changed them: an edited text stays until its edit is undone, and a new answer without a final one has an
    unknown one (None). For processes that have no database.
    """
    lines = [line for line in read_all(home / "journal" / "reviews.jsonl") if line.get("run_id") == run_id]
    undone = {line.get("undoes") for line in lines if line["action"] == "undo"}
    standing = [line for line in lines if line["action"] in JUDGEMENTS]
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
