"""An index of questions by their runs of n words, and how much of each question stands in another text.

Exact up to collisions of 64-bit hashes. A question shorter than one run is found only where a text is the same as a
whole. It knows nothing of benchmarks, candidates, or of what a share means.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.filters.tokens import split_tokens

_BASE = np.uint64(0x9E3779B97F4A7C15)
_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Overlap:
    """One question of an index, and how much of it stands in a text."""

    index: int
    """Which question: 0 for the first."""

    share: float
    """Share of its distinct runs that stand in the text, 0 to 1; 1 where the whole texts are the same."""


class RunIndex:
    """Questions by their runs of ``n_words`` words.

    Args:
        texts: the questions.
        n_words: length of a run, at least 1.
    """

    def __init__(self, texts: Sequence[str], n_words: int):
        self._n_words = n_words
        self._numbers: dict[str, int] = {}
        self._whole: dict[bytes, int] = {}
        hashes, owners = [], []
        for index, text in enumerate(texts):
            numbers = np.array(
                [self._numbers.setdefault(word, len(self._numbers)) for word in split_tokens(text)], np.int64
            )
            if len(numbers):
                self._whole.setdefault(numbers.tobytes(), index)
            hashes.append(np.unique(self._hash(numbers)))
            owners.append(np.full(len(hashes[-1]), index, np.int32))
        self._counts = np.array([len(each) for each in hashes], np.int64)
        joined = np.concatenate([*hashes, np.empty(0, np.uint64)])
        order = np.argsort(joined, kind="stable")
        self._hashes = joined[order]
        self._owners = np.concatenate([*owners, np.empty(0, np.int32)])[order]

    def find_closest(self, text: str) -> Overlap | None:
        """Return the question with the largest share in the text, the first where several have it; None for none."""
        numbers = np.array([self._numbers.get(word, _UNKNOWN) for word in split_tokens(text)], np.int64)
        if (same := self._whole.get(numbers.tobytes())) is not None and len(numbers):
            return Overlap(same, 1.0)
        hashes = np.unique(self._hash(numbers))
        starts = np.searchsorted(self._hashes, hashes, "left")
        lengths = np.searchsorted(self._hashes, hashes, "right") - starts
        found = lengths > 0
        if not found.any():
            return None
        places = np.concatenate([np.arange(a, a + n) for a, n in zip(starts[found], lengths[found], strict=True)])
        indices, n_shared = np.unique(self._owners[places], return_counts=True)
        shares = n_shared / self._counts[indices]
        best = int(np.argmax(shares))
        return Overlap(int(indices[best]), float(shares[best]))

    def _hash(self, numbers: np.ndarray) -> np.ndarray:
        """Return one hash for each run, in order; runs with an unknown word are left out."""
        n_runs = len(numbers) - self._n_words + 1
        if n_runs < 1:
            return np.empty(0, np.uint64)
        values = _scramble(numbers.astype(np.uint64))
        hashes, is_known = np.zeros(n_runs, np.uint64), np.ones(n_runs, bool)
        with np.errstate(over="ignore"):
            for place in range(self._n_words):
                hashes = hashes * _BASE + values[place : place + n_runs]
                is_known &= numbers[place : place + n_runs] != _UNKNOWN
        return hashes[is_known]


def _scramble(values: np.ndarray) -> np.ndarray:
    """Return 64-bit numbers spread evenly (the finaliser of SplitMix64, Steele 2014)."""
    with np.errstate(over="ignore"):
        values = (values + _BASE) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
