"""Drops a candidate whose answer is not the one that the teacher mostly gives: it is asked again, several times.

The majority of several answers to one question is more often right than any one of them (Wang 2023,
"self-consistency"). Answers count as equal where the task says so. Requests go out in parallel, but never more than
could still settle the matter, so a teacher that agrees is asked about half as often as the setting says.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import AskingStopped, SeedbedError, TeacherError
from core.filters.base import FILTERS, FilterContext, FilterStep, accept, leave_open, quote, reject, shorten
from core.filters.wrong import is_equal_final
from core.records import Candidate, Problem, Verdict
from core.tasks.base import NewQuestion, ReplyError, Task
from core.teacher.base import Hint, TeacherRequest

MOST_SAMPLES = 100
"""Largest number of further answers."""

FIRST_SAMPLE = 10**15
"""Where the sample indices of further answers start: no growth comes so far, so none gets the first answer again."""

MAX_CHARACTERS = 50_000
"""Longest question or answer that anybody is asked about."""

UNUSABLE = frozenset({"length", "content_filter", "refusal"})
"""Finish reasons of replies that are no answer."""


@dataclass(slots=True)
class Ballot:
    """The answers to one question so far."""

    n_left: int
    """Further answers that may still be asked for."""

    n_agreeing: int = 1
    """Usable answers that are the candidate's, its own included."""

    others: Counter[str] = field(default_factory=Counter)
    """Usable answers that are another one, as they were written."""

    faults: list[str] = field(default_factory=list)
    """Why replies brought no usable answer, one sentence each."""

    @property
    def n_votes(self) -> int:
        """Return the usable answers."""
        return self.n_agreeing + self.others.total()

    def count_to_settle(self) -> int:
        """Return the fewest further answers that could settle whether more than half agree; 0: it is settled."""
        n_most = self.n_votes + self.n_left
        n_for = n_most // 2 + 1 - self.n_agreeing
        n_against = (n_most + 1) // 2 - self.others.total()
        return max(0, min(n_for, n_against, self.n_left))

    def describe(self, final: str) -> str:
        """Return the counts as one sentence."""
        rivals = self.others.most_common(1)
        rival = f", {rivals[0][1]} say {quote(rivals[0][0], 40)}" if rivals else ""
        tie = " (a tie)" if self.others.total() == self.n_agreeing else ""
        faults = f"; {len(self.faults)} more could not be used" if self.faults else ""
        return f"{self.n_agreeing} of {self.n_votes} answers are {quote(final, 40)}{rival}{tie}{faults}."


@dataclass(frozen=True, slots=True)
class Agrees:
    """Rejects a candidate whose final answer is not that of more than half of the teacher's answers."""

    name = "agrees"
    cost = "teacher"
    title = "Rejects answers that the teacher does not give again when it is asked several times"

    n_samples: int = 4
    """Further answers asked for at most, 1 to 100; the candidate's own counts as one more."""

    min_votes: int = 3
    """Usable answers, the candidate's own included, below which nothing is decided."""

    temperature: float = 0.7
    """Of the further requests: at 0 a teacher only repeats itself."""

    def __post_init__(self) -> None:
        if not 1 <= self.n_samples <= MOST_SAMPLES:
            raise SeedbedError(f"Ask for 1 to {MOST_SAMPLES} further answers, not {self.n_samples!r}.")
        if self.min_votes < 1 or self.temperature < 0:
            raise SeedbedError("A majority needs at least 1 vote, and a temperature of at least 0.")

    def list_steps(self, task: Task, is_incorrect: bool) -> tuple[FilterStep, ...]:
        """Return the further answers: the fewest where all agree, the most where they do not."""
        settled = max((self.n_samples + 1) // 2, min(self.min_votes - 1, self.n_samples))
        return () if is_incorrect else (FilterStep("answer", (f"{task.name}_answer",), settled, self.n_samples),)

    async def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; the value is the share of agreeing answers when it was settled.

        None where there is no teacher, no final answer, too few usable answers, or where nothing more may be sent.
        """
        return list(await asyncio.gather(*(self._judge(candidate, context) for candidate in candidates)))

    async def _judge(self, candidate: Candidate, context: FilterContext) -> Verdict:
        if (unasked := _find_obstacle(candidate, context)) is not None:
            return leave_open(candidate, self.name, unasked)
        final = _read_final(candidate, context)
        ballot = Ballot(self.n_samples)
        try:
            while n := max(ballot.count_to_settle(), min(self.min_votes - ballot.n_votes, ballot.n_left), 0):
                await self._ask(n, ballot, candidate, context)
        except AskingStopped as error:
            return leave_open(candidate, self.name, str(error))
        share = round(ballot.n_agreeing / ballot.n_votes, 4)
        if ballot.n_votes < min(self.min_votes, self.n_samples + 1) and ballot.faults:
            reason = f"Only {ballot.n_votes} of {self.n_samples + 1} answers could be used: {ballot.faults[-1]}"
            return leave_open(candidate, self.name, shorten(reason, 300), share)
        if 2 * ballot.n_agreeing > ballot.n_votes:
            return accept(candidate, self.name, share)
        return reject(candidate, self.name, ballot.describe(final), share)

    async def _ask(self, n: int, ballot: Ballot, candidate: Candidate, context: FilterContext) -> None:
        """Ask for n further answers at the same time and count them in the order of asking.

        Raises:
            AskingStopped: nothing more may be sent, and what came does not settle it.
        """
        first = FIRST_SAMPLE + candidate.sample_index * MOST_SAMPLES + self.n_samples - ballot.n_left
        requests = [self._make_request(first + i, candidate, context) for i in range(n)]
        replies = await asyncio.gather(*(_ask_for_final(each, context) for each in requests), return_exceptions=True)
        stopped: AskingStopped | None = None
        for reply in replies:
            if isinstance(reply, AskingStopped):
                stopped = reply
            elif isinstance(reply, BaseException):
                raise reply
            else:
                ballot.n_left -= 1
                await _count_vote(*reply, ballot, candidate, context)
        if stopped is not None and ballot.count_to_settle():
            raise stopped

    def _make_request(self, sample_index: int, candidate: Candidate, context: FilterContext) -> TeacherRequest:
        parents = tuple(context.seeds[each] for each in candidate.parents if each in context.seeds)
        return TeacherRequest(
            purpose="answer",
            task=context.task.name,
            prompt=context.task.answer_prompt(NewQuestion(candidate.question, candidate.meta), context.prompts),
            subject=parents[0] if parents else None,
            sample_index=sample_index,
            temperature=self.temperature,
            hint=Hint(parents=parents, asked_as=candidate.sample_index),
        )


def _find_obstacle(candidate: Candidate, context: FilterContext) -> str | None:
    """Return why nothing can be asked about a candidate, None where it can."""
    if candidate.question is None or candidate.answer is None:
        return f"There is no {'question' if candidate.question is None else 'answer'}."
    if candidate.is_incorrect:
        return "The answer is meant to be wrong, so no teacher is to agree with it."
    if context.teacher is None:
        return "There is no teacher to ask."
    if max(len(candidate.question), len(candidate.answer)) > MAX_CHARACTERS:
        return f"Nobody is asked about a text of more than {MAX_CHARACTERS:,} characters."
    return (
        None if _read_final(candidate, context) else "The answer states no final answer that others could agree with."
    )


def _read_final(candidate: Candidate, context: FilterContext) -> str | None:
    return candidate.final or context.task.extract_final(candidate.answer)


async def _ask_for_final(request: TeacherRequest, context: FilterContext) -> tuple[str | None, str]:
    """Return the final answer of the reply to one request, or None and why there is none; raises AskingStopped."""
    try:
        reply = await context.teacher.complete(request)
        if reply.finish_reason in UNUSABLE:
            return None, f"A reply ended in {reply.finish_reason}."
        final = context.task.extract_final(context.task.read_answer(reply.text))
    except AskingStopped:
        raise
    except (TeacherError, ReplyError) as error:
        return None, str(error)
    return final, "A reply states no final answer."


async def _count_vote(
    final: str | None, fault: str, ballot: Ballot, candidate: Candidate, context: FilterContext
) -> None:
    """Count one answer as agreeing, as another, or as unusable."""
    own = _read_final(candidate, context)
    if not final:
        ballot.faults.append(fault)
        return
    is_same = await asyncio.to_thread(are_equal, context.task, candidate.question, own, final)  # may take a second
    if is_same is None:
        ballot.faults.append(f"Whether {quote(final, 40)} is {quote(own, 40)} could not be decided.")
    elif is_same:
        ballot.n_agreeing += 1
    else:
        ballot.others[final] += 1


def are_equal(task: Task, question: str, first: str, second: str) -> bool | None:
    """Say whether two final answers to a question are the same to the task; None where that cannot be decided.

    Two right solutions of a Game of 24 are.
    """
    if first == second:
        return True
    ways = [is_equal_final(task, a, Problem("", question, None, b)) for a, b in ((first, second), (second, first))]
    return None if None in ways else all(ways)


FILTERS.register(Agrees.name)(Agrees())
