"""What a question means, as a vector of length 1; for selectors that want problems about different things."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.models.embedder import NAME, WIDTH, Embedder
from core.models.sketch import pack_sketch, unpack_sketch
from core.signals.base import SIGNALS, Scores, Scoring
from core.signals.remember import hash_parts, remember

CHUNK = 256
"""Questions that are embedded between two reports of the progress."""


@dataclass(frozen=True, slots=True)
class EmbeddingSignal:
    """Embeds every question by a sentence encoder; the student plays no part."""

    title: str = "Meaning of the question"
    unit: str = ""
    needs: frozenset[str] = frozenset()
    is_vector: bool = True
    version: int = 1

    def __call__(self, scoring: Scoring) -> Scores:
        """Return (n, 384) float32 unit vectors of all-MiniLM-L6-v2."""
        questions = [problem.question for problem in scoring.problems]
        keys = [hash_parts("embedding", NAME, self.version, question) for question in questions]

        def compute(missing: list[int]) -> Iterator[list[tuple[int, dict]]]:
            embedder = Embedder.load()
            for start in range(0, len(missing), CHUNK):
                scoring.check()
                rows = missing[start : start + CHUNK]
                vectors = embedder.embed([questions[row] for row in rows])
                yield [(row, pack_sketch(vector)) for row, vector in zip(rows, vectors, strict=True)]

        vectors = np.full((len(questions), WIDTH), np.nan, dtype=np.float32)

        def keep(row: int, packed: dict) -> None:
            vectors[row] = unpack_sketch(packed)

        remember(scoring, keys, range(len(questions)), compute, keep)
        return Scores(vectors)


SIGNALS.register("embedding")(EmbeddingSignal())
