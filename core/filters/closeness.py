"""An index of texts that says which of them is closest in wording to a new one, by ROUGE-L F.

ROUGE-L F is the longest common subsequence of tokens, weighed against both lengths (Lin 2004). Values and decisions are
those of the package rouge-score on the same tokens, to the last bit: where the common part is exactly 0.7 of both
lengths together, its floating-point rounding decides, and so it does here. A text without tokens is close to none.

Exact and fast. Each occurrence of a token (the second "the" is another than the first) has the list of texts that hold
it. A subsequence that is long enough cannot consist of the few commonest tokens of the new text alone, so only texts
that hold enough of its rarer tokens can be close: counting those leaves one pair in some hundreds to some thousands,
and only these are compared, most promising first, by bit-parallel subsequence on strings of one character a token
(rapidfuzz). It knows nothing of candidates, runs, or of what a text is for.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from core.errors import SeedbedError
from core.filters.tokens import TOKENISERS

LIMIT = 0.7
"""Largest ROUGE-L F that is kept (Kessler 2025, section 4.2)."""

COUNTED_SHARE = 1.5
"""List entries that are counted before texts are compared, per text of the index, at least: more of them leave fewer
texts to compare. Measured up to 90,000 texts: from 1 to 2 the time differs by a fifth to a third, at 0.3 it doubles."""

COMPARED_AT_ONCE = 64
"""Texts compared before the best value so far is used to leave out more; then twice as many each time."""

_N_CHARACTERS = 0x110000 - 0x800
"""Tokens that can be told apart by one character each; halves of surrogate pairs are none."""

Sign = str | int
"""What stands for a token: a character; from token 1,112,065 on an integer that is no character's."""

Code = str | tuple[Sign, ...]
Occurrence = Sign | tuple[Sign, int]


@dataclass(frozen=True, slots=True)
class Match:
    """One text of an index, and how close it is."""

    index: int
    """Which text: 0 for the first that was added."""

    value: float
    """ROUGE-L F, above 0 and at most 1."""


def measure_rouge_l(first: str, second: str, tokeniser: str = "unicode") -> float:
    """Return the ROUGE-L F of two texts, 0 to 1; 0 where one of them has no token, as in rouge-score."""
    split = TOKENISERS.get(tokeniser)
    a, b = split(first), split(second)
    return float(_compute_f(LCSseq.similarity(a, b), len(a), np.array([len(b)]))[0]) if a and b else 0.0


class ClosenessIndex:
    """Texts in the order of adding, and which of them is closest to another text.

    Args:
        limit: ROUGE-L F above which a text is too close, 0 to 1.
        tokeniser: a name of ``core.filters.tokens.TOKENISERS``.
        texts: texts to begin with.

    Raises:
        SeedbedError: the limit is no number from 0 to 1.
        UnknownNameError: there is no such tokeniser.
    """

    def __init__(self, limit: float = LIMIT, tokeniser: str = "unicode", texts: Iterable[str] = ()):
        if not 0 <= limit <= 1:
            raise SeedbedError(f"The limit of ROUGE-L F is a number from 0 to 1, not {limit!r}.")
        self.limit = limit
        self.texts: list[str] = []
        """What was added, in order; not to be changed from outside."""

        self.n_compared = 0
        """Pairs whose longest common subsequence was computed so far; all others were ruled out before."""

        self._split = TOKENISERS.get(tokeniser)
        self._signs: dict[str, Sign] = {}
        self._codes: list[Code] = []
        self._lengths = array("q")
        self._holders: dict[Occurrence, array] = {}
        for text in texts:
            self.add(text)

    def __len__(self) -> int:
        return len(self._codes)

    def add(self, text: str) -> int:
        """Add one text; returns its index."""
        code = self._encode(text)
        return self._add(text, code, _list_occurrences(code))

    def find_closest(self, text: str, above: float | None = None) -> Match | None:
        """Return the text with the largest ROUGE-L F, the first where several have it; None: none is above.

        Args:
            text: what to compare with all that were added.
            above: only values greater than this count; None: the limit. The lower it is, the more must be compared:
                at 0 (exact for every text that shares a token) it takes five to ten times as long as at the limit.
        """
        code = self._encode(text)
        return self._find(code, _list_occurrences(code), self.limit if above is None else above)

    def list_close(self, text: str) -> list[Match]:
        """Return every text with a ROUGE-L F above the limit, the closest first, the first added of equal ones."""
        code = self._encode(text)
        indices, _ = self._list_promising(code, _list_occurrences(code), self.limit)
        values = self._measure(code, indices)
        found = [Match(int(i), float(v)) for i, v in zip(indices, values, strict=True) if v > self.limit]
        return sorted(found, key=lambda match: (-match.value, match.index))

    def judge(self, texts: Iterable[str]) -> list[Match | None]:
        """Add texts one after the other; returns for each the closest before it that is above the limit, or None."""
        matches = []
        for text in texts:
            code = self._encode(text)
            occurrences = _list_occurrences(code)
            matches.append(self._find(code, occurrences, self.limit))
            self._add(text, code, occurrences)
        return matches

    def hold(self, texts: Sequence[str]) -> None:
        """Make these the texts of the index, in this order; what it holds of their beginning already is not read again.

        So an index can stay with a growing list: texts that were added behind the common beginning are taken out.
        """
        n_same = len(self)
        if self.texts != texts[:n_same]:
            pairs = zip(self.texts, texts, strict=False)
            n_same = next((i for i, (mine, other) in enumerate(pairs) if mine != other), min(n_same, len(texts)))
            self._cut(n_same)
        for text in texts[n_same:]:
            self.add(text)

    def _encode(self, text: str) -> Code:
        """Return one sign per token, the same for the same token."""
        signs = self._signs
        code = [signs.get(token) or signs.setdefault(token, _make_sign(len(signs))) for token in self._split(text)]
        return "".join(code) if len(signs) <= _N_CHARACTERS else tuple(code)

    def _add(self, text: str, code: Code, occurrences: Sequence[Occurrence]) -> int:
        index = len(self._codes)
        self.texts.append(text)
        self._codes.append(code)
        self._lengths.append(len(code))
        for occurrence in occurrences:
            holders = self._holders.get(occurrence)
            if holders is None:
                holders = self._holders[occurrence] = array("q")
            holders.append(index)
        return index

    def _cut(self, n: int) -> None:
        """Take out all texts but the first n."""
        while len(self._codes) > n:
            self.texts.pop()
            self._lengths.pop()
            for occurrence in _list_occurrences(self._codes.pop()):
                self._holders[occurrence].pop()  # texts are taken out in the opposite order, so it is the last one

    def _find(self, code: Code, occurrences: Sequence[Occurrence], above: float) -> Match | None:
        return self._compare(code, *self._list_promising(code, occurrences, above), above)

    def _list_promising(
        self, code: Code, occurrences: Sequence[Occurrence], above: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what ``_bound`` does; nothing where too few tokens of the text stand in any other."""
        least = _find_least_common(len(code), above)
        lists = sorted([found for each in occurrences if (found := self._holders.get(each))], key=len)
        if len(lists) < least:
            return np.empty(0, np.int64), np.empty(0)
        return self._bound(lists, len(code), least, above)

    def _measure(self, code: Code, indices: np.ndarray) -> np.ndarray:
        """Return (n,) the F of a text with each of these."""
        if not len(indices):
            return np.empty(0)
        codes = [self._codes[i] for i in indices]
        self.n_compared += len(codes)
        common = cdist([code], codes, scorer=LCSseq.similarity, dtype=np.int32)[0]
        return _compute_f(common, len(code), np.array([len(each) for each in codes]))

    def _bound(self, lists: Sequence[array], n_tokens: int, least: int, above: float) -> tuple[np.ndarray, np.ndarray]:
        """Return (indices, F that each has at most) of all texts that may be above, the most promising first.

        Args:
            lists: texts that hold each occurrence of the asking text; the shortest list first.
            n_tokens: length of the asking text.
            least: tokens that a text above has in common with it at least; 1 to ``len(lists)``.
            above: as in ``find_closest``.
        """
        n = len(self)
        n_affordable = bisect_right(list(accumulate(map(len, lists))), COUNTED_SHARE * n)
        n_counted = max(len(lists) - least + 1, n_affordable)
        n_left = len(lists) - n_counted
        counted = np.concatenate([np.frombuffer(each, np.int64) for each in lists[:n_counted]])
        counts = np.bincount(counted, minlength=n)
        indices = np.flatnonzero(counts >= least - n_left)
        lengths = np.frombuffer(self._lengths, np.int64)[indices]
        common = np.minimum(counts[indices] + n_left, lengths)
        may_be = common >= above / 2 * (lengths + n_tokens) - 1e-9
        indices, lengths = indices[may_be], lengths[may_be]
        bounds = _compute_f(common[may_be], n_tokens, lengths)
        order = np.argsort(-bounds, kind="stable")
        order = order[bounds[order] > above]
        return indices[order], bounds[order]

    def _compare(self, code: Code, indices: np.ndarray, bounds: np.ndarray, above: float) -> Match | None:
        """Return the closest of these texts, given in the order of their bounds."""
        best, start, size = None, 0, COMPARED_AT_ONCE
        least_value = np.nextafter(above, 2)
        while start < len(indices) and bounds[start] >= least_value:
            chunk = np.sort(indices[start : start + size][bounds[start : start + size] >= least_value])
            values = self._measure(code, chunk)
            at = int(np.argmax(values))
            found = (float(values[at]), -int(chunk[at]))
            if found[0] > above and (best is None or found > best):
                best, least_value = found, found[0]
            start, size = start + size, 2 * size
        return Match(-best[1], best[0]) if best else None


def _make_sign(number: int) -> Sign:
    """Return what stands for the token of this number, 0 for the first."""
    if number >= _N_CHARACTERS:
        return number + 0x110000
    return chr(number if number < 0xD800 else number + 0x800)


def _list_occurrences(code: Code) -> list[Occurrence]:
    """Return the tokens of a text, each told from its earlier occurrences in the same text."""
    seen: dict[Sign, int] = {}
    occurrences: list[Occurrence] = []
    for token in code:
        nth = seen.get(token, 0)
        seen[token] = nth + 1
        occurrences.append((token, nth) if nth else token)
    return occurrences


def _compute_f(common: np.ndarray | int, n_tokens: int, lengths: np.ndarray) -> np.ndarray:
    """Return F of texts with ``common`` tokens in common, in the order of operations of rouge-score 0.1.2.

    Another order differs in the last bit, and by that at a value of exactly the limit: 7 common tokens of 8 and 12 give
    0.7000000000000001 there, 7 of 10 and 10 give 0.7.
    """
    recall, precision = common / n_tokens, common / lengths
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)


def _find_least_common(n_tokens: int, above: float) -> int:
    """Return how many tokens a text has in common at least if its F is above, whatever its length; at least 1.

    F is largest where the whole other text is common: F = 2c / (n + c), so c > above * n / (2 - above).
    """
    return max(1, int(np.ceil(above * n_tokens / (2 - above) - 1e-9)))
