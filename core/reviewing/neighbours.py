"""Which candidates of a run are worded alike: an index that is made in the background and asked while people read."""

import threading
from collections.abc import Sequence

from core.filters.closeness import ClosenessIndex

MOST_SHOWN = 3


class Neighbours:
    """Questions by how alike they are in wording (ROUGE-L F above the filter's limit).

    Args:
        candidate_ids: of the candidates, in order.
        questions: theirs.
    """

    def __init__(self, candidate_ids: Sequence[str], questions: Sequence[str]):
        self._ids, self._questions = list(candidate_ids), list(questions)
        self._index = ClosenessIndex()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._fill, daemon=True, name="neighbours")
        self._thread.start()

    def _fill(self) -> None:
        for question in self._questions:
            self._index.add(question)

    def list_close(self, candidate_id: str, question: str) -> list[tuple[str, str, float]] | None:
        """Return id, question and ROUGE-L F of the closest others, the closest first; None: the index is being made.

        Args:
            candidate_id: left out.
            question: as it stands.
        """
        if self._thread.is_alive():
            return None
        with self._lock:  # the index names tokens that it meets for the first time
            found = self._index.list_close(question)
        others = [(self._ids[each.index], self._questions[each.index], each.value) for each in found]
        return [each for each in others if each[0] != candidate_id][:MOST_SHOWN]
