"""Drops a candidate that is in another language or script than its seeds.

How a language is told stands in ``languages``; this file knows nothing of words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import SeedbedError
from core.filters.base import FILTERS, FilterContext, accept, leave_open, quote, reject
from core.filters.languages import MIN_WORDS, Reading, read_language
from core.records import Candidate, Verdict


@dataclass(frozen=True, slots=True)
class SeedLanguage:
    """Rejects a question or answer that is not in a language of the candidate's parents."""

    name = "language"
    cost = "none"
    title = "Rejects texts in another language or script than their seed's"

    max_foreign_share: float = 0.15
    """Largest share of words in a script that no parent uses, 0 to 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.max_foreign_share <= 1:
            raise SeedbedError(f"The share of foreign words is a number from 0 to 1, not {self.max_foreign_share!r}.")

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the value is the share of words in a foreign script.

        None where the language of the parents or of the question cannot be told, and where there are no parents. An
        answer is often too mathematical to tell; then it is passed over.
        """
        return [self._judge(candidate, context) for candidate in candidates]

    def _judge(self, candidate: Candidate, context: FilterContext) -> Verdict:
        parents = [context.seeds[each] for each in candidate.parents if each in context.seeds]
        if candidate.question is None or not parents:
            what = "question" if candidate.question is None else "seed"
            return leave_open(candidate, self.name, f"There is no {what} whose language could be compared.")
        seeds = [read_language(parent.question) for parent in parents]
        texts = {"question": candidate.question, "answer": candidate.answer or ""}
        for what, text in texts.items():
            if (found := self._find_fault(what, text, seeds)) is not None:
                return reject(candidate, self.name, *found)
        question = read_language(candidate.question)
        share = self._measure_foreign(question, seeds)[0]
        if question.language is None or not any(seed.language for seed in seeds):
            what = "question" if question.language is None else "seed"
            reason = f"The {what} has too few words to tell its language: {quote(texts.get(what) or '', 40)}."
            if what == "seed":
                reason = f"The seed has too few words to tell its language: {quote(parents[0].question, 40)}."
            return leave_open(candidate, self.name, reason, share)
        return accept(candidate, self.name, share)

    def _find_fault(self, what: str, text: str, seeds: Sequence[Reading]) -> tuple[str, float | None] | None:
        """Return the sentence and the share of foreign words."""
        reading = read_language(text)
        share, script = self._measure_foreign(reading, seeds)
        if script is not None and share > self.max_foreign_share:
            ours = " and ".join(sorted({name for seed in seeds for name in seed.scripts}))
            reason = f"{share:.0%} of the {what} are written in {script} script, and the seed in {ours}: {quote(text)}."
            return reason, share
        known = {seed.language for seed in seeds} - {None}
        if reading.language is None or not known or reading.language in known:
            return None
        ours = " and ".join(sorted(known))
        return f"The {what} is in {reading.language}, and the seed in {ours}: {quote(text)}.", share

    def _measure_foreign(self, reading: Reading, seeds: Sequence[Reading]) -> tuple[float | None, str | None]:
        """Return the share of words in scripts that no seed uses, and the commonest of these; None: nothing to tell."""
        known = {name for seed in seeds for name in seed.scripts}
        if reading.n_words < MIN_WORDS or not known:
            return None, None
        foreign = {name: n for name, n in reading.scripts.items() if name not in known}
        share = round(sum(foreign.values()) / reading.n_words, 4)
        return share, max(foreign, key=lambda name: foreign[name], default=None)


FILTERS.register(SeedLanguage.name)(SeedLanguage())
