"""Tokenisers: how a text is split before two texts are compared word by word.

They know nothing of what is compared, or how.
"""

import re
import unicodedata
from collections.abc import Callable

from core.registry import Registry

Tokeniser = Callable[[str], list[str]]

TOKENISERS: Registry[Tokeniser] = Registry("tokeniser")

_LETTER = r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f])"  # vowel signs are not \w for Python
_UNICODE_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*"  # a number, 1,000.5 in one piece
    r"|[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"  # scripts without spaces: one sign is one token
    rf"|{_LETTER}+(?:['’]{_LETTER}+)*"
    r"|[+*/^%=<>±×÷·−√∞$€£¥\u2190-\u22ff\u27c0-\u27ef\u2900-\u2aff]"
    r"|(?<![^\W\d_])-|-(?![^\W\d_])"  # a minus; between two letters it is a hyphen and only separates
)
_ROUGE_SCORE_TOKEN = re.compile(r"[a-z0-9]+")


@TOKENISERS.register("unicode")
def split_tokens(text: str) -> list[str]:
    """Return the lower-cased words, numbers and operators of a text in any script; other punctuation is left out."""
    return _UNICODE_TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


@TOKENISERS.register("rouge_score")
def split_rouge_score_tokens(text: str) -> list[str]:
    """Return the tokens that the package rouge-score 0.1.2 makes without its stemmer: lower-cased runs of a-z and 0-9.

    Signs and every other script vanish: a question in Cyrillic has no token, "3+4*x" and "3-4/x" have the same ones.
    """
    return _ROUGE_SCORE_TOKEN.findall(text.lower())
