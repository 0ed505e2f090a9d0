"""Vectors of what texts mean, kept and cached by text, and the closest of many to one.

Vectors are those of ``core.models.embedder``; an entry of the cache is the one that the signal ``embedding`` makes of
the same question. It knows nothing of candidates, or of how close is too close.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.filters.base import FilterContext, ValueCache
from core.models.embedder import NAME, WIDTH, Embedder
from core.models.sketch import pack_sketch, unpack_sketch

READ_CHARACTERS = 8_000
"""How much of a text is embedded; the encoder cuts at 256 tokens."""

ROUNDING = 1e-6
"""Cosines that differ by less count as equal: the same two vectors may give either, by where they stand."""

N_KEPT = 8_192
"""Vectors that are held in memory besides those of the lists."""


@dataclass(frozen=True, slots=True)
class Closest:
    """One text of a list, and how close it is."""

    index: int
    """0 for the first that was added."""

    cosine: float
    """Cosine of the two vectors, to three digits; -1 to 1."""


class Meanings:
    """Vectors of texts: from memory, else from the cache, else from the encoder, which is loaded when first needed.

    Every vector went through the form that the cache has, so that it is the same whether it was cached or not.
    """

    def __init__(self, cache: ValueCache | None = None):
        self._cache = cache
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()
        self._embedder: Embedder | None = None

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, 384) float32 vectors of length 1; raises ModelLoadError where the encoder cannot be had."""
        cut = [_clean(text) for text in texts]
        vectors = {text: vector for text in dict.fromkeys(cut) if (vector := self._find(text)) is not None}
        if missing := [text for text in dict.fromkeys(cut) if text not in vectors]:
            self._embedder = self._embedder or Embedder.load()
            for text, fresh in zip(missing, self._embedder.embed(missing), strict=True):
                packed = pack_sketch(fresh)
                if self._cache is not None:
                    self._cache.put(make_key(text), packed)
                vectors[text] = unpack_sketch(packed)
        for text, vector in vectors.items():
            self._kept[text] = vector
            self._kept.move_to_end(text)
        while len(self._kept) > N_KEPT:
            self._kept.popitem(last=False)
        return np.array([vectors[text] for text in cut], np.float32).reshape(len(cut), WIDTH)

    def _find(self, text: str) -> np.ndarray | None:
        if text in self._kept or self._cache is None:
            return self._kept.get(text)
        packed = self._cache.get(make_key(text))
        return None if packed is None else unpack_sketch(packed)


def _clean(text: str) -> str:
    """Return what is read of a text, without halves of surrogate pairs, which no encoder takes."""
    return text[:READ_CHARACTERS].encode(errors="replace").decode()


def make_key(text: str) -> str:
    """Return the cache key of a text's vector, the same as that of the signal ``embedding``."""
    from core.signals.embedding import EmbeddingSignal  # here, as all signals come with it
    from core.signals.remember import hash_parts

    return hash_parts("embedding", NAME, EmbeddingSignal().version, text)


def open_meanings(context: FilterContext) -> Meanings:
    """Return the vectors that all filters of a run share."""
    return context.keep("meanings", lambda: Meanings(context.cache))


class VectorList:
    """Texts and their vectors in the order of adding; grows in place."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._vectors = np.empty((64, WIDTH), np.float32)

    def __len__(self) -> int:
        return len(self.texts)

    def hold(self, texts: Sequence[str], meanings: Meanings) -> None:
        """Make these the texts of the list; what it holds of their beginning already is not embedded again."""
        if self.texts != list(texts[: len(self.texts)]):
            pairs = zip(self.texts, texts, strict=False)
            n_same = next((i for i, (mine, other) in enumerate(pairs) if mine != other), min(len(self), len(texts)))
            del self.texts[n_same:]
        more = texts[len(self.texts) :]
        for text, vector in zip(more, meanings.embed(more) if more else (), strict=True):
            self.add(text, vector)

    def add(self, text: str, vector: np.ndarray) -> None:
        """Add one text."""
        if len(self.texts) == len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
        self._vectors[len(self.texts)] = vector
        self.texts.append(text)

    def find_closest(self, vector: np.ndarray) -> Closest | None:
        """Return the text with the largest cosine, the first where several have it; None where there is none."""
        if not self.texts:
            return None
        cosines = self._vectors[: len(self.texts)] @ vector
        largest = cosines.max()
        return Closest(int(np.argmax(cosines >= largest - ROUNDING)), round(float(largest), 3))
