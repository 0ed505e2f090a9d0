"""Grow candidates until enough are accepted: ask, judge, replace what failed or was rejected.

Seeds are asked in the order given (the selector's priority). Rejected and failed ones are replaced from the next seeds;
when all have been asked, it goes round again with the next sample index (Kessler 2025, section 4.2: m accepted
candidates a round). It knows nothing of run folders, models, or how seeds were chosen.

Many calls are on their way at once, but candidates are judged in the order of asking, and never more calls are made
than are needed if all that are on their way were accepted: which candidates come of it, and how many are asked for,
depends neither on how fast replies come nor on how many may be on their way.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from core.errors import AskingStopped, RunCancelled, TeacherError
from core.filters.base import Filter, FilterContext, is_rejected
from core.filters.judging import ask_filters, judge
from core.generation.base import Brief, Call, PromptingMethod
from core.records import Candidate, Problem, Verdict
from core.teacher.base import ROUNDS_PER_REPLICATE, SWEEPS_PER_ROUND, Teacher

REQUESTS_PER_ACCEPTED = 4
"""Candidates asked for at most, per accepted one wanted."""

N_IN_FLIGHT = 64
"""Calls on their way at the same time, at most; an endpoint may allow fewer requests."""

CHECK_S = 0.3
"""How often it is looked whether the run was cancelled while no reply comes, seconds."""

GRACE_S = 5.0
"""How long a cancelled run waits for replies that are on their way, and paid for, so that they reach the cache."""

TOLD_TO_STOP = "The run was told to stop."
"""Why what is not answered of a cancelled run is no candidate of it."""

CALLS_PER_SWEEP = 1_000_000
"""Sample indices set aside for the calls of one fixed prompt within one sweep."""


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
    """Prompt tokens of all candidates, failed and rejected ones included, nominal, as far as they were counted."""

    n_output_tokens: int = 0
    """Completion tokens of all candidates, nominal, as far as they were counted."""

    n_uncounted: int = 0
    """Candidates behind which is a reply whose tokens the server did not count."""

    stopped: str | None = None
    """Why nothing more was asked although more was wanted (a budget, too many errors), in one sentence."""

    reasons: Counter[str] = field(default_factory=Counter)
    """Why it failed, or the name of the first filter that rejected -> candidates lost by it."""

    @property
    def accepted(self) -> int:
        """Number of accepted candidates."""
        return len(self.candidates)

    def add(self, candidate: Candidate, verdicts: Sequence[Verdict]) -> None:
        """Count one judged candidate."""
        self.requested += 1
        self.n_input_tokens += candidate.n_input_tokens or 0
        self.n_output_tokens += candidate.n_output_tokens or 0
        self.n_uncounted += candidate.n_input_tokens is None or candidate.n_output_tokens is None
        if candidate.failure is not None:
            self.failed += 1
            self.reasons[candidate.failure] += 1
        elif is_rejected(verdicts):
            self.rejected += 1
            self.reasons[next(verdict.filter for verdict in verdicts if verdict.is_accepted is False)] += 1
        else:
            self.candidates.append(candidate)


def grow(
    seeds: Sequence[Problem],
    brief: Brief,
    method: PromptingMethod,
    teacher: Teacher,
    filters: Sequence[Filter],
    *,
    n_accepted: int,
    rng: np.random.Generator,
    context: FilterContext | None = None,
    max_requests: int | None = None,
    on_candidate: Callable[[Candidate, Sequence[Verdict]], None] = lambda candidate, verdicts: None,
    check_cancelled: Callable[[], None] = lambda: None,
    sample_index: int = 0,
    n_in_flight: int = N_IN_FLIGHT,
) -> GrowOutcome:
    """Ask for candidates until ``n_accepted`` pass every filter or ``max_requests`` were judged.

    Where a call brings several candidates, the last one may bring up to that many less one beyond either number;
    who compares at a number of accepted ones takes the first of them (``core.recipes.grown_portions.Stock``).

    Args:
        seeds: train problems in the order of priority, spares included; not read by a method without parents.
        brief: task, examples, prompts and settings.
        method: makes the candidates of each call.
        teacher: answers the requests.
        filters: as ``make_filters`` orders them; one rejection rejects.
        n_accepted: accepted candidates wanted, at least 1.
        rng: draws few-shot examples and further parents.
        context: what the filters compare with; its ``earlier_questions`` grow by every question generated here.
        max_requests: limit on candidates; None: REQUESTS_PER_ACCEPTED times n_accepted.
        on_candidate: called with each candidate and its verdicts as it is judged, in the order of asking.
        check_cancelled: called between candidates and while waiting; may raise RunCancelled.
        sample_index: that of the first sweep over the seeds, see ``first_sample_index``.
        n_in_flight: calls on their way at the same time.

    Raises:
        TeacherError: there are no seeds, or fewer than a call needs.
    """
    require_seeds(seeds, method, brief)
    context = context or FilterContext(brief.task)
    limit = max_requests if max_requests is not None else REQUESTS_PER_ACCEPTED * n_accepted
    calls = list_calls(seeds, brief, method, rng, sample_index)
    growth = _Growth(
        brief, method, teacher, filters, context, calls, n_accepted, limit, n_in_flight, on_candidate, check_cancelled
    )
    asyncio.run(growth.run())
    return growth.outcome


def require_seeds(seeds: Sequence[Problem], method: PromptingMethod, brief: Brief) -> None:
    """Raise TeacherError where there are no seeds, or fewer than a call of the method needs."""
    n_parents = method.count_parents(brief.settings)
    if n_parents and not seeds:
        raise TeacherError("There are no seeds to grow candidates from; select some problems first.")
    if len(seeds) < n_parents:
        raise TeacherError(
            f"{method.title} takes {n_parents} parents at a time, and there are only {len(seeds)} seeds; "
            "select more, or lower the number of parents."
        )


def list_calls(
    seeds: Sequence[Problem], brief: Brief, method: PromptingMethod, rng: np.random.Generator, sample_index: int
) -> Iterator[Call]:
    """Yield calls in the order of the seeds, round and round with the next sample index; never ends."""
    n_parents = method.count_parents(brief.settings)
    if not n_parents:
        for number in count(sample_index * CALLS_PER_SWEEP):
            yield method.open_call((), brief, number, rng)
    for index in count(sample_index):
        for place, seed in enumerate(seeds):
            others = rng.choice(len(seeds) - 1, n_parents - 1, replace=False) if n_parents > 1 else ()
            more = [seeds[int(other) + (other >= place)] for other in others]
            yield method.open_call((seed, *more), brief, index, rng)


@dataclass(slots=True)
class _Judged:
    """A candidate that the free filters have seen; ``dearer`` is on its way where more are to see it."""

    candidate: Candidate
    verdicts: list[Verdict]
    dearer: asyncio.Task[list[Verdict]] | None


@dataclass(slots=True)
class _Growth:
    """One growth under way: calls, then free filters in order, then dearer ones, then the count, in order again."""

    brief: Brief
    method: PromptingMethod
    teacher: Teacher
    filters: Sequence[Filter]
    context: FilterContext
    calls: Iterator[Call]
    n_accepted: int
    limit: int
    n_in_flight: int
    on_candidate: Callable[[Candidate, Sequence[Verdict]], None]
    check_cancelled: Callable[[], None]
    outcome: GrowOutcome = field(default_factory=GrowOutcome)
    asked: deque[asyncio.Task[list[Candidate]]] = field(default_factory=deque)
    judged: deque[_Judged] = field(default_factory=deque)
    n_waiting: int = 0
    """Candidates asked for and not counted yet."""

    n_on_the_way: int = 0
    """Calls that have not ended."""

    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Ask and judge until nothing is on its way and nothing more is wanted."""
        try:
            while True:
                self._launch()
                if self._advance():
                    continue
                if not self.asked and not self.judged:
                    return
                self.check_cancelled()
                self.moved.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(CHECK_S):
                        await self.moved.wait()
        except BaseException as error:
            await self._let_arrive()
            if isinstance(error, RunCancelled):
                self._count_arrived()
            raise

    def _launch(self) -> None:
        """Make calls for as long as all that are on their way would not be enough."""
        per_call = self.method.count_candidates(self.brief.settings)
        while self.outcome.stopped is None and self.n_on_the_way < self.n_in_flight:
            outcome = self.outcome
            if self.n_waiting >= min(self.n_accepted - outcome.accepted, self.limit - outcome.requested):
                return
            task = asyncio.ensure_future(self.method.carry_out(next(self.calls), self.brief, self.teacher))
            task.add_done_callback(self._note_end)
            self.asked.append(task)
            self.n_waiting += per_call
            self.n_on_the_way += 1

    def _note_end(self, task: asyncio.Task[list[Candidate]]) -> None:
        self.n_on_the_way -= 1
        self.moved.set()
        if not task.cancelled() and isinstance(task.exception(), AskingStopped):
            self.outcome.stopped = self.outcome.stopped or str(task.exception())

    def _advance(self) -> bool:
        """Judge and count what stands first in line; say whether anything did."""
        has_moved = False
        while self.asked and self.asked[0].done():
            self._judge(self.asked.popleft())
            has_moved = True
        while self.judged and (self.judged[0].dearer is None or self.judged[0].dearer.done()):
            self._count(self.judged.popleft())
            self.check_cancelled()
            has_moved = True
        return has_moved

    def _judge(self, task: asyncio.Task[list[Candidate]]) -> None:
        """Let the filters that ask nobody see the candidates of one call."""
        try:
            candidates = task.result()
        except AskingStopped:
            self.n_waiting -= self.method.count_candidates(self.brief.settings)
            return
        for candidate in candidates:
            [verdicts] = judge([candidate], self.filters, self.context)
            if candidate.question is not None and not candidate.is_incorrect:
                self.context.earlier_questions.append(candidate.question)
            dearer = None
            if self._has_dearer() and candidate.failure is None and not is_rejected(verdicts):
                dearer = asyncio.ensure_future(ask_filters(candidate, self.filters, self.context))
                dearer.add_done_callback(lambda _: self.moved.set())
            self.judged.append(_Judged(candidate, verdicts, dearer))

    def _has_dearer(self) -> bool:
        return any(one.cost == "teacher" for one in self.filters)

    def _count(self, judged: _Judged) -> None:
        verdicts = [*judged.verdicts, *(judged.dearer.result() if judged.dearer else ())]
        self.n_waiting -= 1
        self.outcome.add(judged.candidate, verdicts)
        self.on_candidate(judged.candidate, verdicts)

    async def _let_arrive(self) -> None:
        """Give replies that are on their way a moment to reach the cache, then drop the rest."""
        if hasattr(self.teacher, "stop"):  # what is on its way may arrive, but nothing more is sent
            self.teacher.stop(TOLD_TO_STOP)
        tasks = [*self.asked, *(one.dearer for one in self.judged if one.dearer)]
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _count_arrived(self) -> None:
        """Count what is whole although something asked for earlier is not: it was paid for, and is there to be seen."""
        if not self._has_dearer():  # those could not be asked any more
            for task in self.asked:
                if not task.cancelled() and task.exception() is None:
                    self._judge(task)
        for judged in self.judged:
            is_whole = judged.dearer is None or not (judged.dearer.cancelled() or judged.dearer.exception())
            if is_whole and TOLD_TO_STOP not in (judged.candidate.failure or ""):
                self._count(judged)
