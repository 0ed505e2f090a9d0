"""Asking a teacher about many problems: a few at a time, each request again until its reply can be read.

It knows nothing of what is asked, nor of what a reply means. Replies come through the cache that the teacher stands
behind (``core.teacher.cached``), so nothing is kept here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from core.errors import SignalError, TeacherError
from core.signals.base import Scoring
from core.teacher.base import TeacherRequest

T = TypeVar("T")

N_IN_FLIGHT = 8
"""Problems that are asked about at the same time; the requests about one problem follow one another."""

N_TRIES = 3
"""How often one request is made, each time with another sample index, until its reply can be read."""

N_ALIKE_AT_FIRST = 8
"""So many problems at the beginning, all failed in the same words, end it all: the key or the address is wrong."""

N_ALIKE_LATER = 3 * N_IN_FLIGHT
"""So many failures in a row and in the same words end it all at any time: the budget is used up, the server gone."""

NO_ANSWER = "(no answer)"
"""What a teacher is shown where the student wrote nothing."""

UNFINISHED = {
    "length": "was cut off at its token limit",
    "content_filter": "was withheld by the teacher's content filter",
    "refusal": "was a refusal",
}
"""Finish reasons that leave nothing to read, as the end of a sentence."""


@dataclass(slots=True)
class Asked(Generic[T]):
    """What came of one request so far; filled in place, so that it outlives an error."""

    value: T | None = None
    """What was read out of the last reply; None where nothing could be."""

    text: str | None = None
    """The last reply as it came; None where none came."""

    fault: str | None = None
    """Why the last reply has no value, as the end of a sentence; None where it has, or none came."""

    n_asked: int = 0
    """Requests made, those that failed included."""

    async def fill(self, scoring: Scoring, request: TeacherRequest, read: Callable[[str], T | None]) -> bool:
        """Ask until ``read`` gives a value, N_TRIES times at most; say whether it did.

        Raises:
            TeacherError: no reply can be had.
            Exception: whatever ``scoring.check`` raises.
        """
        for sample_index in range(N_TRIES):
            scoring.check()
            self.n_asked += 1
            reply = await scoring.teacher.complete(replace(request, sample_index=sample_index))
            self.text = reply.text
            if reply.finish_reason in UNFINISHED:  # cut off within "10", the reply would say 1
                self.fault = UNFINISHED[reply.finish_reason]
            elif (value := read(reply.text)) is None:
                self.fault = "could not be read"
            else:
                self.value, self.fault = value, None
                return True
        return False

    def describe_fault(self, what: str) -> str | None:
        """Return one sentence on why there is no value; None where there is one, or where no reply came.

        Args:
            what: the reply in question, as the beginning of the sentence: "The grader's reply".
        """
        if self.fault is None:
            return None
        return f"{what} {self.fault}, although it was asked for {self.n_asked} times."


class _Failures:
    """The errors of n problems; raises one that is no matter of a single problem."""

    def __init__(self, n_problems: int):
        self.sentences: list[str | None] = [None] * n_problems
        self._n_first = min(N_ALIKE_AT_FIRST, n_problems)
        self._n_in_a_row, self._last = 0, ""

    def note_success(self) -> None:
        """End the row of failures."""
        self._n_in_a_row = 0

    def add(self, i: int, error: TeacherError) -> None:
        """Keep the error of problem i; raises it where the first problems, or many in a row, failed in its words."""
        words = self.sentences[i] = str(error)
        self._n_in_a_row = self._n_in_a_row + 1 if words == self._last else 1
        self._last = words
        have_first_failed = self.sentences[: self._n_first] == [words] * self._n_first
        if (i < self._n_first and have_first_failed) or self._n_in_a_row >= N_ALIKE_LATER:
            raise error


def ask_about_all(scoring: Scoring, ask: Callable[[int], Awaitable[None]]) -> list[str | None]:
    """Run ``ask(i)`` for each of the n problems, N_IN_FLIGHT at a time, and report each that is done.

    A TeacherError of one problem leaves the others alone. It ends everything where it is no matter of one problem: the
    first N_ALIKE_AT_FIRST problems (all, where there are fewer) failed in the same words, or N_ALIKE_LATER in a row did
    at any time. What was answered until then is in the teacher's cache.

    Returns:
        (n,) the error of each problem as one sentence, None where there was none.

    Raises:
        SignalError: there is no teacher.
        TeacherError: the failures look alike as described.
        Exception: whatever else ``ask``, ``check`` or ``report`` of the scoring raise; requests in flight are dropped.
    """
    if scoring.teacher is None:
        raise SignalError("This signal asks a teacher, and none was given; choose one and score again.")
    return asyncio.run(_ask_about_all(scoring, ask))


async def _ask_about_all(scoring: Scoring, ask: Callable[[int], Awaitable[None]]) -> list[str | None]:
    n_problems, n_done = len(scoring.problems), 0
    failures = _Failures(n_problems)
    left = iter(range(n_problems))

    async def work() -> None:
        nonlocal n_done
        for i in left:
            try:
                await ask(i)
                failures.note_success()
            except TeacherError as error:
                failures.add(i, error)
            n_done += 1
            scoring.report(n_done, n_problems)

    workers = [asyncio.ensure_future(work()) for _ in range(min(N_IN_FLIGHT, n_problems))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return failures.sentences
