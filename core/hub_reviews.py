"""What the hub does for reviews: every verb returns when the act is on the disk and in the tables.

It knows the journal and the store, and nothing of runs, queues of work, or pages.
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Any

from core.errors import RunError
from core.records import JUDGEMENTS, Review
from core.store.journal import Journal
from core.store.store import Store


class HubReviews:
    """Base of the hub: what people do with candidates."""

    store: Store
    _journal: Journal
    _lock: threading.RLock
    _read_journals: Callable[[], None]

    def add_review(
        self, run_id: str, candidate_id: str, action: str, *, review_id: str | None = None, **more: Any
    ) -> str:
        """Store what a person does with a candidate; return the review's id.

        Args:
            run_id: the run that made the candidate.
            candidate_id: the candidate.
            action: one of ``core.records.REVIEW_ACTIONS``.
            review_id: where who sends it has named it: a second one of that name changes nothing.
            more: further fields of ``core.records.Review``.

        Raises:
            RunError: no such candidate, action or reason, an edit without a text or with an empty one, or the
                candidate is locked.
        """
        with self._lock:
            if review_id is not None and self.store.has_review(review_id):
                return review_id
            if not self.store.has_candidate(run_id, candidate_id):
                raise RunError(f"The run {run_id} has no candidate {candidate_id!r}.")
            if action in JUDGEMENTS and self.store.is_locked(run_id, candidate_id):
                raise RunError("This candidate is locked; unlock it first.")
            review = Review(run_id, candidate_id, action, **more)
            (made,) = self._journal.add_reviews([review], review_id=review_id)
            self._read_journals()
            return made

    def add_reviews(self, reviews: Sequence[Review]) -> str | None:
        """Store one act on several candidates, none of them where one makes no sense; locked ones are left alone.

        Returns:
            The batch's id, for ``undo_batch``; None where nothing was left to do.
        """
        with self._lock:
            locked = self.store.list_locked()
            open_ = [
                review
                for review in reviews
                if review.action not in JUDGEMENTS or (review.run_id, review.candidate_id) not in locked
            ]
            if not open_:
                return None
            batch_id = f"batch_{secrets.token_hex(8)}"
            self._journal.add_reviews(open_, batch_id)
            self._read_journals()
            return batch_id

    def undo_review(self, run_ids: Sequence[str], reviewer: str | None = None) -> list[dict[str, Any]]:
        """Take back the latest standing act of a reviewer on these runs' candidates: one review, or a batch.

        Returns:
            The reviews that were taken back, none where there were none.
        """
        with self._lock:
            last = self.store.last_review(run_ids, reviewer)
            if last is None:
                return []
            rows = [last] if last["batch_id"] is None else self.store.list_batch(last["batch_id"])
            return self._take_back(rows, reviewer)

    def undo_batch(self, batch_id: str, reviewer: str | None = None) -> int:
        """Take back what still stands of one act on several candidates; returns how many reviews that were."""
        with self._lock:
            return len(self._take_back(self.store.list_batch(batch_id), reviewer))

    def undo_one(self, review_id: str, reviewer: str | None = None) -> list[dict[str, Any]]:
        """Take back one review; returns it, nothing where it does not stand."""
        with self._lock:
            return self._take_back(self.store.list_standing([review_id]), reviewer)

    def undo_trash(self, keys: Sequence[tuple[str, str]], reviewer: str | None = None) -> int:
        """Take candidates out of the trash, to what was said of them before; returns how many that were."""
        with self._lock:
            wanted = set(keys)
            rows = [row for row in self.store.list_trashing() if (row["run_id"], row["candidate_id"]) in wanted]
            self._take_back(rows, reviewer)
            return len({(row["run_id"], row["candidate_id"]) for row in rows})

    def _take_back(self, rows: list[dict[str, Any]], reviewer: str | None) -> list[dict[str, Any]]:
        if rows:
            self._journal.undo_reviews(rows, reviewer)
            self._read_journals()
        return rows
