"""Drops a candidate that means what a held-out or benchmark question means, whatever its wording.

Closeness is the cosine of sentence embeddings. The limit is stricter than that of near duplicates, because many more
questions are compared with: at 0.95, of 1,200 GSM8K questions two lie above it to the closest of the others, and both
are twins of them (``docs/log.md``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import ModelLoadError, SeedbedError
from core.filters.base import FILTERS, FilterContext, accept, leave_open, quote, reject
from core.filters.meanings import Meanings, VectorList, open_meanings
from core.filters.near_duplicate import NOT_PROSE
from core.filters.references import Reference, keep_for_references
from core.records import Candidate, Verdict


class KnownMeanings:
    """The references of one run and their vectors."""

    def __init__(self, references: Sequence[Reference], meanings: Meanings):
        self.references = references
        self.vectors = VectorList()
        self.vectors.hold([each.question for each in references], meanings)


@dataclass(frozen=True, slots=True)
class ContaminationEmbedding:
    """Rejects a question with a cosine above the limit to a held-out or benchmark question."""

    name = "contamination_embedding"
    cost = "compute"
    title = "Rejects questions that mean what a held-out or benchmark question means (embeddings)"

    limit: float = 0.95
    """Largest cosine that is kept, 0 to 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.limit <= 1:
            raise SeedbedError(f"The limit of a cosine is a number from 0 to 1, not {self.limit!r}.")

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the value is the largest cosine.

        None where there is nothing to compare with, for tasks whose questions are no sentences, and where the encoder
        cannot be had.
        """
        if not context.task.compares_questions:
            return [leave_open(candidate, self.name, NOT_PROSE) for candidate in candidates]
        meanings = open_meanings(context)
        try:
            known = keep_for_references(context, self.name, lambda references: KnownMeanings(references, meanings))
            if not known.references:
                reason = "There is no held-out problem and no benchmark to compare with."
                return [leave_open(candidate, self.name, reason) for candidate in candidates]
            vectors = meanings.embed([candidate.question or "" for candidate in candidates])
        except ModelLoadError as error:
            return [leave_open(candidate, self.name, str(error)) for candidate in candidates]
        return [self._judge(candidate, vector, known) for candidate, vector in zip(candidates, vectors, strict=True)]

    def _judge(self, candidate: Candidate, vector: np.ndarray, known: KnownMeanings) -> Verdict:
        closest = known.vectors.find_closest(vector)
        if candidate.question is None or closest is None:
            return leave_open(candidate, self.name, "There is no question to compare.")
        if closest.cosine <= self.limit:
            return accept(candidate, self.name, closest.cosine)
        reference = known.references[closest.index]
        reason = f"The cosine is {closest.cosine:.3f}, above {self.limit}, to a question of {reference.source}: "
        return reject(candidate, self.name, f"{reason}{quote(reference.question)}.", closest.cosine)


FILTERS.register(ContaminationEmbedding.name)(ContaminationEmbedding())
