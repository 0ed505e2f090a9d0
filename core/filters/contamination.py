"""Drops a candidate whose wording is that of a held-out or benchmark question.

Overlap of word runs: the share of the held-out question's runs of n words that also stand in the candidate. Runs of 13
words are Brown 2020's (GPT-3, appendix C); runs of 8 and "at least 70 % of them" are Chowdhery 2022's (PaLM, section 8)
and the default here. A question shorter than one run counts where the whole texts are the same. Words are lower-case
tokens with operators and without other punctuation, drawings in ``[asy]`` are left out. Questions that are the same to
the task (the four numbers of a Game of 24 in any order, the facts and rules of a ProntoQA context) count whatever their
wording.

It knows nothing of meaning: the same problem in other words is for ``contamination_embedding``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import SeedbedError
from core.filters.base import FILTERS, FilterContext, accept, leave_open, quote, reject
from core.filters.held_out import list_keys
from core.filters.references import Reference, keep_for_references
from core.filters.runs_of_words import RunIndex
from core.filters.text_faults import cut_drawings
from core.records import Candidate, Verdict
from core.tasks.base import Task

READ_CHARACTERS = 20_000
"""How much of a question is looked at."""


class KnownQuestions:
    """The references of one run, ready to be searched."""

    def __init__(self, task: Task, references: Sequence[Reference], n_words: int):
        self._task = task
        self._references = references
        self._runs = RunIndex([_plain(each.question) for each in references], n_words)
        self._keys: dict[str, int] = {}
        for index, each in enumerate(references):
            for key in list_keys(task, each.question):
                self._keys.setdefault(key, index)

    def __len__(self) -> int:
        return len(self._references)

    def find_closest(self, question: str) -> tuple[Reference, float] | None:
        """Return the closest question and the share of its runs, 1 where it is the same; None: nothing is shared."""
        text = question[:READ_CHARACTERS]
        for key in list_keys(self._task, text):
            if key in self._keys:
                return self._references[self._keys[key]], 1.0
        overlap = self._runs.find_closest(_plain(text))
        return None if overlap is None else (self._references[overlap.index], overlap.share)


@dataclass(frozen=True, slots=True)
class Contamination:
    """Rejects a question that shares most of its wording with a held-out or benchmark question."""

    name = "contamination"
    cost = "none"
    title = "Rejects questions worded like a held-out or benchmark question (runs of words)"

    n_words: int = 8
    """Length of a run of words."""

    min_share: float = 0.7
    """Share of a held-out question's runs from which a candidate is rejected, above 0 and at most 1."""

    def __post_init__(self) -> None:
        if not (isinstance(self.n_words, int) and self.n_words >= 1 and 0 < self.min_share <= 1):
            raise SeedbedError("Contamination needs runs of at least 1 word and a share above 0 and at most 1.")

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the value is the largest share, 0 where nothing is shared.

        None where there is neither a held-out problem nor a benchmark to compare with.
        """
        known = keep_for_references(
            context,
            f"{self.name} {self.n_words}",
            lambda references: KnownQuestions(context.task, references, self.n_words),
        )
        return [self._judge(candidate, known) for candidate in candidates]

    def _judge(self, candidate: Candidate, known: KnownQuestions) -> Verdict:
        if candidate.question is None or not len(known):
            what = "question" if candidate.question is None else "held-out problem and no benchmark"
            return leave_open(candidate, self.name, f"There is no {what} to compare with.")
        found = known.find_closest(candidate.question)
        if found is None:
            return accept(candidate, self.name, 0.0)
        reference, share = found
        share = round(share, 4)
        if share < self.min_share:
            return accept(candidate, self.name, share)
        reason = (
            f"It holds {share:.0%} of the wording of a question of {reference.source}: {quote(reference.question)}."
        )
        return reject(candidate, self.name, reason, share)


def _plain(question: str) -> str:
    return cut_drawings(question) or question


FILTERS.register(Contamination.name)(Contamination())
