"""Drops a candidate that holds phrases which must not appear: the prompt's own words, and a person's list.

Kessler 2025, appendix D.2, tells the teacher that "given instruction" and "rewritten instruction" are not allowed; Lion
refuses any question with the word "instruction" (Jiang 2023): put it on the list for that.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.errors import SeedbedError
from core.filters.base import FILTERS, FilterContext, accept, leave_open, quote, reject
from core.records import Candidate, Verdict

PROMPT_PHRASES = (
    "given instruction",
    "given instructions",
    "rewritten instruction",
    "rewritten instructions",
    "given prompt",
    "rewritten prompt",
    "instruction creator",
)
"""Words of the prompts that have no place in a problem."""

READ_CHARACTERS = 100_000
"""How much of a text is searched."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Rejects a candidate whose question or answer holds a forbidden phrase as whole words, in any case and spacing."""

    name = "forbidden"
    cost = "none"
    title = "Rejects texts that hold words of the prompt or of your own list"

    phrases: tuple[str, ...] = ()
    """Your own list, beside the words of the prompts."""

    allows_prompt_words: bool = False
    """True: only your own list counts."""

    in_answers: bool = True
    """Whether answers are searched too."""

    def __post_init__(self) -> None:
        if isinstance(self.phrases, str) or not all(isinstance(each, str) and each.strip() for each in self.phrases):
            raise SeedbedError('Forbidden phrases are a list of texts, ["one phrase", "another"], none of them empty.')
        object.__setattr__(self, "phrases", tuple(self.phrases))

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the reason quotes the phrase where it stands."""
        pattern = make_pattern((() if self.allows_prompt_words else PROMPT_PHRASES) + self.phrases)
        return [self._judge(candidate, pattern) for candidate in candidates]

    def _judge(self, candidate: Candidate, pattern: re.Pattern[str] | None) -> Verdict:
        if candidate.question is None:
            return leave_open(candidate, self.name, "There is no question to search.")
        for what, text in (("question", candidate.question), ("answer", candidate.answer if self.in_answers else None)):
            folded = fold(text[:READ_CHARACTERS]) if text else ""
            if pattern is not None and (match := pattern.search(folded)):
                where = quote(folded[max(0, match.start() - 20) : match.end() + 20])
                return reject(candidate, self.name, f"The {what} holds the phrase {quote(match[0])}: {where}.")
        return accept(candidate, self.name)


def fold(text: str) -> str:
    """Return the text without differences in case, spacing and compatible characters."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(maxsize=64)
def make_pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return what finds any of the phrases as whole words in a folded text; None for no phrases."""
    folded = sorted({fold(phrase) for phrase in phrases}, key=len, reverse=True)
    # A phrase of signs, or in a script without spaces, has no word edges to look for.
    parts = [
        (r"(?<!\w)" if _has_edge(each[0]) else "") + re.escape(each) + (r"(?!\w)" if _has_edge(each[-1]) else "")
        for each in folded
    ]
    return re.compile("|".join(parts)) if parts else None


def _has_edge(character: str) -> bool:
    return character.isalnum() and character < "\u2e80"


FILTERS.register(Forbidden.name)(Forbidden())
