"""Grow a batch of candidates until enough are accepted: ask, judge, replace what failed or was rejected.

Seeds are asked in the order given (the selector's priority). Rejected and failed ones are replaced from the next seeds;
when all have been asked, it goes round again with the next sample index (Kessler 2025, section 4.2: m accepted
candidates a round). It knows nothing of run folders, models, or how seeds were chosen.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from core.errors import TeacherError
from core.filters.base import Filter, FilterContext
from core.filters.held_out import make_held_out_keys
from core.generation.base import PromptingMethod
from core.records import Candidate, Problem, Verdict
from core.tasks.base import Task
from core.teacher.base import ROUNDS_PER_REPLICATE, SWEEPS_PER_ROUND, Teacher

BATCH = 32
"""Seeds asked before the next look at how many are still needed, at most."""

REQUESTS_PER_ACCEPTED = 4
"""Candidates asked for at most, per accepted one wanted."""


def first_sample_index(replicate: int, round_number: int) -> int:
    """Return where a round's sample indices start, so that no two rounds or replicates repeat a request."""
    return (replicate * ROUNDS_PER_REPLICATE + round_number) * SWEEPS_PER_ROUND


@dataclass(slots=True)
class GrowOutcome:
    """What came of it; ``requested == accepted + rejected + failed`` at every moment."""

    candidates: list[Candidate] = field(default_factory=list)
    """The accepted ones, in the order of asking."""

    requested: int = 0
    """Candidates that were asked for and judged."""

    failed: int = 0
    """Candidates without a usable question and answer."""

    rejected: int = 0
    """Usable candidates that at least one filter turned down."""

    n_input_tokens: int = 0
    """Prompt tokens of all candidates, failed and rejected ones included, nominal."""

    n_output_tokens: int = 0
    """Completion tokens of all candidates, nominal."""

    reasons: Counter[str] = field(default_factory=Counter)
    """Why it failed, or the name of the first filter that rejected -> candidates lost by it."""

    @property
    def accepted(self) -> int:
        """Number of accepted candidates."""
        return len(self.candidates)

    def add(self, candidate: Candidate, verdicts: Sequence[Verdict]) -> None:
        """Count one judged candidate."""
        self.requested += 1
        self.n_input_tokens += candidate.n_input_tokens
        self.n_output_tokens += candidate.n_output_tokens
        rejection = next((verdict for verdict in verdicts if not verdict.is_accepted), None)
        if candidate.failure is not None:
            self.failed += 1
            self.reasons[candidate.failure] += 1
        elif rejection:
            self.rejected += 1
            self.reasons[rejection.filter] += 1
        else:
            self.candidates.append(candidate)


def grow(
    seeds: Sequence[Problem],
    task: Task,
    method: PromptingMethod,
    teacher: Teacher,
    filters: Sequence[Filter],
    *,
    n_accepted: int,
    pool: Sequence[Problem],
    rng: np.random.Generator,
    max_requests: int | None = None,
    earlier_questions: Sequence[str] = (),
    held_out: Sequence[Problem] = (),
    on_candidate: Callable[[Candidate, Sequence[Verdict]], None] = lambda candidate, verdicts: None,
    check_cancelled: Callable[[], None] = lambda: None,
    sample_index: int = 0,
    salt: str = "",
) -> GrowOutcome:
    """Ask for candidates until ``n_accepted`` pass every filter or ``max_requests`` were judged.

    Args:
        seeds: train problems in the order of priority, spares included.
        task: brings prompts, parsing and verification.
        method: makes one candidate per seed.
        teacher: answers the requests.
        filters: each gives a verdict on every usable candidate; one rejection rejects it.
        n_accepted: accepted candidates wanted, at least 1.
        pool: train problems that few-shot examples are drawn from.
        rng: draws the few-shot examples.
        max_requests: limit on candidates; None: REQUESTS_PER_ACCEPTED times n_accepted.
        earlier_questions: questions generated before in the same experiment, oldest first.
        held_out: validation and test problems; only the ``held_out`` filter sees them.
        on_candidate: called with each candidate and its verdicts as it is judged.
        check_cancelled: called between candidates; may raise RunCancelled.
        sample_index: that of the first sweep over the seeds, see ``first_sample_index``.
        salt: makes candidate ids unique per run and round.

    Raises:
        TeacherError: there are no seeds.
    """
    if not seeds:
        raise TeacherError("There are no seeds to grow candidates from; select some problems first.")
    limit = max_requests if max_requests is not None else REQUESTS_PER_ACCEPTED * n_accepted
    judge = _Judge(task, list(earlier_questions), make_held_out_keys(task, held_out), filters, on_candidate)
    outcome = judge.outcome

    def count_wanted() -> int:
        return min(n_accepted - outcome.accepted, limit - outcome.requested)

    async def ask() -> None:
        for batch, index in _list_batches(seeds, sample_index, count_wanted):
            check_cancelled()
            async with aclosing(method.generate(batch, task, teacher, pool, index, rng, salt)) as candidates:
                async for candidate in candidates:
                    judge(candidate)
                    check_cancelled()

    asyncio.run(ask())
    return outcome


def _list_batches(
    seeds: Sequence[Problem], sample_index: int, count_wanted: Callable[[], int]
) -> Iterator[tuple[Sequence[Problem], int]]:
    """Yield (seeds, sample index) in the order of the seeds, round and round, for as long as candidates are wanted."""
    for index in count(sample_index):
        position = 0
        while position < len(seeds):
            size = min(BATCH, count_wanted())
            if size <= 0:
                return
            yield seeds[position : position + size], index
            position += size


@dataclass(slots=True)
class _Judge:
    """Judges candidates one by one against all that came before, counts them, and tells the caller."""

    task: Task
    questions: list[str]
    held_out_keys: frozenset[str]
    filters: Sequence[Filter]
    on_candidate: Callable[[Candidate, Sequence[Verdict]], None]
    outcome: GrowOutcome = field(default_factory=GrowOutcome)

    def __call__(self, candidate: Candidate) -> None:
        """Run every filter; a failed candidate is counted without verdicts."""
        context = FilterContext(self.task, self.questions, self.held_out_keys)
        usable = [candidate] if candidate.failure is None else []
        verdicts = [verdict for judge in self.filters for verdict in judge(usable, context)]
        self.outcome.add(candidate, verdicts)
        if candidate.question is not None:
            self.questions.append(candidate.question)
        self.on_candidate(candidate, verdicts)
