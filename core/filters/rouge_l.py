"""Drops a candidate whose question is too close in wording to one that was generated before.

Closeness is ROUGE-L F; above 0.7 a question is dropped (Kessler 2025, section 4.2). Every question generated earlier in
the same experiment counts, accepted or not; the seeds count only where that is asked for. How closeness is measured,
and how that stays fast, is in ``core.filters.closeness``. It knows nothing of meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.filters.base import FILTERS, FilterContext, accept, leave_open, quote
from core.filters.closeness import LIMIT, ClosenessIndex, Match
from core.records import Candidate, Verdict

SHOWN_UP_TO = 10_000
"""Earlier questions up to which the closest one is looked for below the limit too, so that its value can be shown.

With more of them an accepted candidate has no value: its closest one is known to be at or below the limit only. (At
10,000 looking costs 1 to 2 ms a question, at 100,000 it would cost 10 to 20.)
"""


@dataclass(frozen=True, slots=True)
class RougeL:
    """Rejects a question with ROUGE-L F above the limit to any question generated before, in this batch or earlier."""

    limit: float = LIMIT
    """Largest ROUGE-L F that is kept, 0 to 1."""

    tokens: str = "unicode"
    """A name of ``core.filters.tokens.TOKENISERS``."""

    compares_seeds: bool = False
    """Whether a question that is as close to a seed is rejected too."""

    name = "rouge_l"
    cost = "none"

    def __post_init__(self) -> None:
        """Refuse settings that no index can have."""
        self.open_index()

    @property
    def title(self) -> str:
        """Return what it rejects, in one line."""
        others = "an earlier generated one or a seed" if self.compares_seeds else "an earlier generated one"
        return f"Rejects questions worded like {others} (ROUGE-L F above {self.limit})"

    def open_index(self) -> ClosenessIndex:
        """Return an empty index with these settings."""
        return ClosenessIndex(self.limit, self.tokens)

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order.

        The value is the largest F to any question compared with: 0 where no token is shared, None where there was
        nothing to compare with, or where it is at or below the limit and there are more than SHOWN_UP_TO of them.
        """
        if not context.task.compares_questions:
            return [Verdict(candidate.candidate_id, self.name, True, None) for candidate in candidates]
        key = f"{self.name} {self.limit} {self.tokens}"
        earlier = context.keep(key, self.open_index)
        earlier.hold(context.earlier_questions)
        seeds = context.keep(f"{key} seeds", self.open_index)
        if self.compares_seeds:
            seeds.hold([problem.question for problem in context.seeds.values()])
        verdicts = []
        for candidate in candidates:
            if candidate.question is None:
                verdicts.append(leave_open(candidate, self.name, "There is no question to compare."))
                continue
            if candidate.is_incorrect:  # its question is the seed's own, as often as it is answered wrongly
                verdicts.append(accept(candidate, self.name))
                continue
            verdicts.append(self._judge(candidate, earlier, seeds, context.earlier_noun))
            earlier.add(candidate.question)
        return verdicts

    def _judge(
        self, candidate: Candidate, earlier: ClosenessIndex, seeds: ClosenessIndex, earlier_noun: str
    ) -> Verdict:
        n_compared = len(earlier) + len(seeds)
        is_shown = n_compared <= SHOWN_UP_TO
        found: list[tuple[Match, str, str]] = []
        for index, noun in ((earlier, earlier_noun), (seeds, "a seed")):
            match = index.find_closest(candidate.question, 0 if is_shown else self.limit)
            if match:
                found.append((match, noun, index.texts[match.index]))
        if not found:
            return Verdict(candidate.candidate_id, self.name, True, None, 0.0 if is_shown and n_compared else None)
        match, noun, text = max(found, key=lambda each: each[0].value)
        if match.value <= self.limit:
            return Verdict(candidate.candidate_id, self.name, True, None, match.value)
        reason = f"ROUGE-L F is {match.value:.2f}, above {self.limit}, to {noun}: {quote(text)}"
        return Verdict(candidate.candidate_id, self.name, False, reason, match.value)


FILTERS.register(RougeL.name)(RougeL())
