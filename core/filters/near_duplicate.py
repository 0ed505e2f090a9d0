"""Drops a candidate whose question means nearly the same as one that was generated before.

Closeness is the cosine of sentence embeddings, which sees a question told in other words where ROUGE-L does not. The
limit is measured (``docs/log.md``): above 0.95 to the closest other one lie 2 of 1,200 questions of GSM8K and 4 of
1,200 of MATH (twins all of them), and none of 400 of ProntoQA, whose common vocabulary brings half of them above 0.9.
Of GSM8K questions with their numbers changed 63 % lie above it, with a word changed all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import ModelLoadError, SeedbedError
from core.filters.base import FILTERS, FilterContext, accept, leave_open, quote, reject
from core.filters.meanings import Closest, VectorList, open_meanings
from core.records import Candidate, Verdict

NOT_PROSE = "Questions of this task are no sentences, so their meaning is not compared."


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Rejects a question with a cosine above the limit to any question generated before, in this batch or earlier."""

    name = "near_duplicate"
    cost = "compute"
    title = "Rejects questions that mean nearly the same as an earlier generated one (embeddings)"

    limit: float = 0.95
    """Largest cosine that is kept, 0 to 1."""

    compares_seeds: bool = False
    """Whether a question that is as close to a seed is rejected too."""

    def __post_init__(self) -> None:
        if not 0 <= self.limit <= 1:
            raise SeedbedError(f"The limit of a cosine is a number from 0 to 1, not {self.limit!r}.")

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the value is the largest cosine, None where nothing was compared.

        None for tasks whose questions are no sentences, and where the encoder cannot be had.
        """
        if not context.task.compares_questions:
            return [leave_open(candidate, self.name, NOT_PROSE) for candidate in candidates]
        meanings = open_meanings(context)
        earlier = context.keep(self.name, VectorList)
        seeds = context.keep(f"{self.name} seeds", VectorList)
        try:
            vectors = meanings.embed([candidate.question or "" for candidate in candidates])
            earlier.hold(context.earlier_questions, meanings)
            if self.compares_seeds:
                seeds.hold([problem.question for problem in context.seeds.values()], meanings)
        except ModelLoadError as error:
            return [leave_open(candidate, self.name, str(error)) for candidate in candidates]
        verdicts = []
        for candidate, vector in zip(candidates, vectors, strict=True):
            verdicts.append(self._judge(candidate, vector, earlier, seeds, context.earlier_noun))
            if candidate.question is not None and not candidate.is_incorrect:
                earlier.add(candidate.question, vector)
        return verdicts

    def _judge(
        self, candidate: Candidate, vector: np.ndarray, earlier: VectorList, seeds: VectorList, earlier_noun: str
    ) -> Verdict:
        if candidate.question is None:
            return leave_open(candidate, self.name, "There is no question to compare.")
        if candidate.is_incorrect:
            return leave_open(candidate, self.name, "A wrong solution answers its seed's own question.")
        found: list[tuple[Closest, str, str]] = []
        for others, noun in ((earlier, earlier_noun), (seeds, "a seed")):
            if (closest := others.find_closest(vector)) is not None:
                found.append((closest, noun, others.texts[closest.index]))
        if not found:
            return accept(candidate, self.name)
        closest, noun, text = max(found, key=lambda each: each[0].cosine)
        if closest.cosine <= self.limit:
            return accept(candidate, self.name, closest.cosine)
        reason = f"The cosine is {closest.cosine:.3f}, above {self.limit}, to {noun}: {quote(text)}."
        return reject(candidate, self.name, reason, closest.cosine)


FILTERS.register(NearDuplicate.name)(NearDuplicate())
