"""Which characters of an answer each of its tokens wrote, so that a page can colour a text by surprise.

It knows nothing of models or of what the texts mean.
"""

from collections.abc import Sequence
from typing import Any


class TokenTexts:
    """The text of each token of one tokenizer, looked up once."""

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        self._anchor = tokenizer("a", add_special_tokens=False)["input_ids"]
        self._lead = len(self._decode(self._anchor))
        self._texts: dict[int, str] = {}

    def find_ends(self, ids: Sequence[int], text: str, n: int) -> tuple[int, ...] | None:
        """Return where each token ends in the answer's text, in characters, non-decreasing.

        Args:
            ids: tokens of the text.
            text: what they decode to, outer blanks removed.
            n: tokens of the answer; those behind ``ids`` (end of text) write nothing and end where the text does.

        Returns:
            (n,) ends; None where the tokens cannot be told apart in the text.
        """
        pieces = [self._find_text(id_) for id_ in ids]
        whole = "".join(pieces)
        if whole.strip() == text:
            ends, place = [], whole.find(text)
            at = -place
            for piece in pieces:
                at += len(piece)
                ends.append(at)
        else:  # a character that several tokens share, or a tokenizer that joins words by its own rules
            prefixes = [self._decode(ids[: i + 1]) for i in range(len(ids))]
            if not prefixes or prefixes[-1].strip() != text:
                return None if ids else (0,) * n
            place = prefixes[-1].find(text)
            ends = [len(prefix) - place for prefix in prefixes]
        clipped, highest = [], 0
        for end in ends:
            highest = max(highest, min(end, len(text)))
            clipped.append(highest)
        return (*clipped, *[len(text)] * (n - len(clipped)))

    def _find_text(self, id_: int) -> str:
        """Return a token's text behind another one: some tokenizers drop the blank of a first word."""
        if id_ not in self._texts:
            self._texts[id_] = self._decode([*self._anchor, id_])[self._lead :]
        return self._texts[id_]

    def _decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True)
