"""Drops a candidate whose question or answer is too short or too long, in words, in characters, or beside its seed.

Words are the tokens of ``core.filters.tokens``: numbers and signs count, and so does each sign of a script without
spaces. Defaults come from what people wrote (``docs/log.md``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.filters.base import FILTERS, FilterContext, accept, leave_open, quote, reject
from core.filters.tokens import split_tokens
from core.records import Candidate, Verdict


@dataclass(frozen=True, slots=True)
class Length:
    """Rejects a question or answer outside its limits; the value is the length at fault, or that of the question."""

    name = "length"
    cost = "none"
    title = "Rejects questions and answers that are too short or too long"

    min_question_words: int = 4
    """Fewest words of a question; Lion refuses three or fewer (Jiang 2023)."""

    max_question_characters: int = 5_000
    """Most characters of a question; the longest of GSM8K has 985, of MATH 4,309."""

    min_answer_words: int = 1
    """Fewest words of an answer."""

    max_answer_characters: int = 12_000
    """Most characters of an answer; the longest of GSM8K has 1,228, of MATH 6,767, of OlympiadBench 11,837."""

    max_times_seed: float | None = 4.0
    """Most words of a question, as a multiple of its longest parent's; None: no limit."""

    seed_slack: int = 60
    """Words that a question may have above its longest parent's whatever the multiple says."""

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; None where no answer is there and the question is fine."""
        return [self._judge(candidate, context) for candidate in candidates]

    def _judge(self, candidate: Candidate, context: FilterContext) -> Verdict:
        question, answer = candidate.question, candidate.answer
        if question is None:
            return leave_open(candidate, self.name, "There is no question to measure.")
        fault = self._find_fault("question", question, self.min_question_words, self.max_question_characters)
        fault = fault or self._find_growth(candidate, context)
        if fault is None and answer is not None:
            fault = self._find_fault("answer", answer, self.min_answer_words, self.max_answer_characters)
        if fault is not None:
            return reject(candidate, self.name, *fault)
        n_words = len(split_tokens(question))
        if answer is None:
            return leave_open(candidate, self.name, "There is no answer to measure; the question is fine.", n_words)
        return accept(candidate, self.name, n_words)

    def _find_fault(self, what: str, text: str, fewest: int, most: int) -> tuple[str, float] | None:
        """Return the sentence and the measured length; characters come first, as counting words takes a while."""
        if len(text) > most:
            return f"The {what} has {len(text):,} characters, more than {most:,}: {quote(text, 40)}.", len(text)
        n_words = len(split_tokens(text))
        if n_words < fewest:
            return f"The {what} has {_count(n_words)}, fewer than {fewest}: {quote(text, 40)}.", n_words
        return None

    def _find_growth(self, candidate: Candidate, context: FilterContext) -> tuple[str, float] | None:
        parents = [context.seeds[each].question for each in candidate.parents if each in context.seeds]
        if self.max_times_seed is None or not parents:
            return None
        n_words, n_seed = len(split_tokens(candidate.question)), max(len(split_tokens(parent)) for parent in parents)
        if n_words <= max(n_seed * self.max_times_seed, n_seed + self.seed_slack):
            return None
        return (
            f"The question has {_count(n_words)}, and its seed has {n_seed}: {quote(candidate.question, 40)}.",
            n_words,
        )


def _count(n: int) -> str:
    return f"{n:,} word" + ("" if n == 1 else "s")


FILTERS.register(Length.name)(Length())
