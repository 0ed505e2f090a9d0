"""Drops a candidate that a reviewer would turn down at first sight: a text that nobody should train on.

What is looked for stands in ``text_faults``. It knows nothing of whether a question makes sense or an answer is right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.filters.base import FILTERS, FilterContext, accept, leave_open, quote, reject, shorten
from core.filters.text_faults import CHECKS, find_fault
from core.records import Candidate, Verdict
from core.tasks.game24 import read_numbers
from core.tasks.prontoqa import split_question

SHAPES: Mapping[str, Callable[[str], object]] = {"game24": read_numbers, "prontoqa": split_question}
"""Task -> what reads a question of its own shape and raises ValueError with a sentence for any other."""


@dataclass(frozen=True, slots=True)
class WellFormed:
    """Rejects a question or answer with leftovers, open brackets, a cut-off end or nothing in it."""

    name = "well_formed"
    cost = "none"
    title = "Rejects texts with leftovers of the prompt, open brackets or a cut-off end"

    max_characters: int = 100_000
    """A longer text is rejected unread; the longest answer of OlympiadBench has 11,837 characters."""

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; None where the question is well-formed and no answer is there."""
        return [self._judge(candidate, context) for candidate in candidates]

    def _judge(self, candidate: Candidate, context: FilterContext) -> Verdict:
        question, answer = candidate.question, candidate.answer
        if question is None:
            return reject(candidate, self.name, "There is no question.")
        fault = self._find_fault(question, "question") or _find_shape_fault(question, context.task.name)
        if fault is None and answer is not None:
            fault = self._find_fault(answer, "answer")
            if fault is None and question.strip() == answer.strip():
                fault = f"The answer only repeats the question: {quote(answer)}."
        if fault is not None:
            return reject(candidate, self.name, fault)
        if answer is None:
            return leave_open(candidate, self.name, "The question is well-formed, but there is no answer to look at.")
        return accept(candidate, self.name)

    def _find_fault(self, text: str, what: str) -> str | None:
        if len(text) > self.max_characters:
            return f"The {what} has {len(text):,} characters, more than {self.max_characters:,}: {quote(text, 40)}."
        return find_fault(text, what, CHECKS)


def _find_shape_fault(question: str, task: str) -> str | None:
    try:
        SHAPES.get(task, str)(question)
    except ValueError as error:
        return shorten(str(error), 200)
    return None


FILTERS.register(WellFormed.name)(WellFormed())
