"""Drops a candidate whose question is too close in wording to one that was generated before.

Closeness is ROUGE-L F, the longest common subsequence of tokens (Lin 2004); above 0.7 a question is dropped
(Kessler 2025, section 4.2). It knows nothing of meaning, and nothing of the seeds: only generated questions count.

Exact and fast: each distinct token becomes one character, so that rapidfuzz's bit-parallel subsequence works on plain
strings, and questions whose length alone rules out a better match are not compared.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import count

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from core.filters.base import FILTERS, FilterContext
from core.records import Candidate, Verdict

LIMIT = 0.7
"""Largest ROUGE-L F that is kept (Kessler 2025, section 4.2)."""

_LETTER = r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f])"  # vowel signs are not \w for Python
_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*"  # a number, 1,000.5 in one piece
    r"|[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"  # scripts without spaces: one sign is one token
    rf"|{_LETTER}+(?:['’]{_LETTER}+)*"
    r"|[+*/^%=<>±×÷·−√∞$€£¥\u2190-\u22ff\u27c0-\u27ef\u2900-\u2aff]"
    r"|(?<![^\W\d_])-|-(?![^\W\d_])"  # a minus; between two letters it is a hyphen and only separates
)


def split_tokens(text: str) -> list[str]:
    """Return the lower-cased words, numbers and operators of a text in any script; other punctuation is left out."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


_codes: dict[str, str] = {}
_next_code = count(1)


@lru_cache(maxsize=1 << 16)
def _encode(text: str) -> str:
    """Return the text with each token as one character; the same token has the same character in this process."""
    return "".join(_codes.get(token) or _codes.setdefault(token, _make_code()) for token in split_tokens(text))


def _make_code() -> str:
    """Return a character that no token has yet; halves of surrogate pairs are skipped (no string may hold them)."""
    number = next(_next_code)
    return chr(number if number < 0xD800 else number + 0x800)


def measure_rouge_l(first: str, second: str) -> float:
    """Return the ROUGE-L F of two texts, 0 to 1; two texts without any token count as equal."""
    a, b = _encode(first), _encode(second)
    return 2 * LCSseq.similarity(a, b) / (len(a) + len(b)) if a or b else 1.0


def find_closest(text: str, others: Sequence[str]) -> tuple[float, int] | None:
    """Return the largest ROUGE-L F to any of the other texts and the index of the first that has it.

    None where there are no others. Exact: a pair is left out only where its lengths bound it below the best found.
    """
    if not others:
        return None
    query, choices = _encode(text), [_encode(other) for other in others]
    if not query:
        empty = next((i for i, choice in enumerate(choices) if not choice), None)
        return (0.0, 0) if empty is None else (1.0, empty)
    lengths = np.fromiter(map(len, choices), np.int64, len(choices))
    totals = lengths + len(query)
    bounds = 2 * np.minimum(lengths, len(query)) / totals
    f_values = np.full(len(choices), -1.0)

    def measure(rows: np.ndarray) -> None:
        common = cdist([query], [choices[i] for i in rows], scorer=LCSseq.similarity, dtype=np.int32)[0]
        f_values[rows] = 2 * common / totals[rows]

    near = bounds > LIMIT
    measure(np.flatnonzero(near))
    measure(np.flatnonzero(~near & (bounds >= f_values.max())))
    best = int(np.argmax(f_values))
    return float(f_values[best]), best


class RougeL:
    """Rejects a question with ROUGE-L F above 0.7 to any question generated before, in this batch or earlier."""

    name = "rouge_l"
    title = f"Rejects questions worded like an earlier generated one (ROUGE-L F above {LIMIT})"

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the value is the largest F, None where nothing was compared."""
        if not context.task.compares_questions:
            return [Verdict(candidate.candidate_id, self.name, True, None) for candidate in candidates]
        earlier = list(context.earlier_questions)
        verdicts = []
        for candidate in candidates:
            verdicts.append(self._judge(candidate, earlier))
            earlier.append(candidate.question)
        return verdicts

    def _judge(self, candidate: Candidate, earlier: Sequence[str]) -> Verdict:
        closest = find_closest(candidate.question, earlier)
        if closest is None or closest[0] <= LIMIT:
            return Verdict(candidate.candidate_id, self.name, True, None, closest[0] if closest else None)
        value, index = closest
        excerpt = " ".join(earlier[index].split())
        excerpt = excerpt if len(excerpt) <= 80 else excerpt[:79] + "…"
        reason = f"ROUGE-L F is {value:.2f}, above {LIMIT}, to an earlier generated question: “{excerpt}”"
        return Verdict(candidate.candidate_id, self.name, False, reason, value)


FILTERS.register(RougeL.name)(RougeL())
