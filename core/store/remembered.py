"""Answers of the database that hold until its tables change, so that a page drawn again asks nothing twice.

It knows no SQL and no tables; who writes says so (:meth:`Remembered.forget`).
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

MOST_ANSWERS, MOST_ROWS, MOST_ITEMS = 256, 2_000, 20
"""Answers kept at a time, rows of each, and items of a list in a question: larger ones are asked anew."""

MOST_LARGE = 2
"""Answers with more rows that are kept at a time, of those that ask for it: a map of 100,000 texts takes two, 44 MB."""


class Remembered:
    """Question -> answer since the tables last changed; safe in any thread."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forget everything: the tables have changed."""
        self._answers: tuple[dict[Hashable, Any], dict[Hashable, Any]] = {}, {}  # replaced, not emptied: see ``ask``

    def ask(self, question: Sequence[Any], find: Callable[[], T], *, is_large: bool = False) -> T:
        """Return the answer to a question, found anew where it is not known; what comes back must not be changed.

        Args:
            question: all that decides the answer, with numbers, texts, and lists of them.
            find: finds it; its answer has a length.
            is_large: whether it is worth keeping however many rows it has.
        """
        key = _make_key(question)
        small, large = self._answers  # of before we look: a change meanwhile replaces it, and ours is not kept there
        if key is None:
            return find()
        if (known := small.get(key, large.get(key))) is not None:
            return known
        answer = find()
        is_small = len(answer) <= MOST_ROWS
        answers, most = (small, MOST_ANSWERS) if is_small else (large, MOST_LARGE)
        if is_small or is_large:
            if len(answers) >= most:
                answers.clear()  # most of them are of pages that nobody looks at any more
            answers[key] = answer
        return answer


def _make_key(question: Sequence[Any]) -> Hashable | None:
    """Return a question as a key; None where it is too long to be one."""
    parts = []
    for part in question:
        if isinstance(part, list):
            if len(part) > MOST_ITEMS:
                return None
            part = tuple(map(_tell_kind, part))
        parts.append(_tell_kind(part))
    return tuple(parts)


def _tell_kind(value: Any) -> tuple[type, Any]:
    """Return a value with its kind: 1, 1.0 and True are equal, and not the same to a database."""
    return type(value), value
