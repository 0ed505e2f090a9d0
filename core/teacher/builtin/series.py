"""The instances of one call, one after another: the same ones however many are asked for at a time, in any process.

Each instance is drawn anew until it is worded differently enough from those before it. Nothing here knows how a
problem is made, or in what form it is written down.
"""

import re
from collections.abc import Callable

from core.teacher.builtin.base import CannotRewrite, Rewrite

Make = Callable[[int, int], Rewrite]
"""Makes the instance of a position (from 0) and an attempt (from 0); raises CannotRewrite."""

N_TRIES = 6
"""Draws for one instance; the one that is least like those before it is taken where none is far enough from them."""

FAR_ENOUGH = 0.6
"""Share of words in common (ROUGE-L F) up to which two instances are different: well below the 0.7 of the filter."""

_WORD = re.compile(r"\w+|[^\w\s]")


def measure_likeness(first: str, second: str) -> float:
    """Return the share of words that two texts have in common in the same order, 0 to 1 (ROUGE-L F)."""
    from rapidfuzz.distance import LCSseq

    one, other = (_WORD.findall(text.lower()) for text in (first, second))
    return 2 * LCSseq.similarity(one, other) / max(len(one) + len(other), 1)


class Series:
    """A list of instances that grows as it is read.

    Args:
        make: see ``Make``.
        compares: whether wording is compared; where it is not, two instances only must not be the same question.
    """

    def __init__(self, make: Make, compares: bool = True):
        self._make = make
        self._compares = compares
        self._made: list[Rewrite] = []
        self._end: CannotRewrite | None = None

    def get(self, position: int) -> Rewrite:
        """Return one instance; raises CannotRewrite where the rules give no further one."""
        while len(self._made) <= position:
            if self._end is not None:
                raise self._end
            try:
                self._made.append(self._draw(len(self._made)))
            except CannotRewrite as error:
                self._end = error
        return self._made[position]

    def read(self, start: int, n: int) -> list[Rewrite]:
        """Return up to n instances from a position on, at least one; raises CannotRewrite where there is none."""
        found = [self.get(start)]
        try:
            found += [self.get(start + i) for i in range(1, n)]
        except CannotRewrite:
            found = self._made[start:]
        return found

    def _draw(self, position: int) -> Rewrite:
        failure = CannotRewrite(f"The rules give only {position} different problems here.")
        best: tuple[float, Rewrite] | None = None
        for attempt in range(N_TRIES if position else 1):  # the first has nothing to differ from
            try:
                drawn = self._make(position, attempt)
            except CannotRewrite as error:
                failure = failure if position else error
                continue
            likeness = self._measure(drawn)
            if likeness <= FAR_ENOUGH:
                return drawn
            if likeness < 1 and (best is None or likeness < best[0]):
                best = (likeness, drawn)
        if best is None:
            raise failure
        return best[1]

    def _measure(self, drawn: Rewrite) -> float:
        """Return the likeness to the instance that is most like it; 1 for the same question."""
        if any(drawn.question == each.question for each in self._made):
            return 1.0
        if not self._compares:
            return 0.0
        return max((measure_likeness(drawn.question, each.question) for each in self._made), default=0.0)
