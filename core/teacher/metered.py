"""A teacher whose every request is paid for: set aside before, written down as it is sent, settled afterwards.

It stands below the cache, so that whatever comes by here is really sent. It knows nothing of roles.
"""

from asyncio import CancelledError
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any

from core.errors import AskingStopped, TeacherError
from core.teacher.base import Teacher, TeacherReply, TeacherRequest
from core.teacher.budget import Budget, Cost, bound_input
from core.teacher.endpoint import SHORTEST_SECRET
from core.teacher.faults import EndpointDenied, RequestRefused
from core.teacher.ledger import Ledger, cost_of
from core.teacher.prices import FREE, Price
from core.teacher.schema import SCHEMA_PURPOSE
from core.teacher.stopping import ErrorStop

CANCELLED = "The run was stopped while this call was on its way."


class _Held:
    """The reservation of one request, made anew for each attempt after one whose reply was lost, and its line.

    It watches the attempts as ``core.teacher.client`` tells of them: what waits to be sent, for the first time or
    again, has nothing to pay for but what was lost before.

    Args:
        budget: of the run.
        stop: once it has stopped, no further attempt is made.
        ledger: gets the line when the first attempt is sent.
        open_line: begins it.
        worst: what an attempt can take at most.
        goes_first: see ``Budget.reserve``.
    """

    def __init__(
        self,
        budget: Budget,
        stop: ErrorStop,
        ledger: Ledger,
        open_line: Callable[[], dict[str, Any]],
        worst: Cost,
        goes_first: bool,
    ):
        self.worst, self.n_lost = worst, 0
        self.line: dict[str, Any] | None = None
        """None until it is sent."""

        self.is_out = False
        """Whether the last attempt may have to be paid for."""

        self._budget, self._stop, self._ledger, self.open_line = budget, stop, ledger, open_line
        self._is_held, self._goes_first = False, goes_first

    async def reserve(self) -> None:
        await self._budget.reserve(self.worst, goes_first=self._goes_first)
        self._is_held = True

    def note_sent(self) -> None:
        """Write down that an attempt is sent; raises AskingStopped where none may be any more."""
        self._stop.check()
        self.is_out = True
        if self.line is None:
            self.line = self.open_line()
        self._ledger.charge(self.line, self._charge(self.worst))

    def note_unpaid(self) -> None:
        """Write down that nothing has to be paid for the attempt."""
        self.is_out = False
        self._ledger.charge(self.line, self._charge(Cost()))

    async def note_lost(self) -> None:
        """Count an attempt as paid in full, for nobody knows, and set as much aside for the next one."""
        self.n_lost += 1
        self._is_held = self.is_out = False
        self._budget.settle(self.worst, self.worst)
        await self.reserve()

    def settle(self, spent: Cost) -> Cost:
        """End the last attempt; returns what is charged for all of them."""
        if self._is_held:
            self._budget.settle(self.worst, spent)
        return self._charge(spent if self._is_held else Cost())

    def _charge(self, last: Cost) -> Cost:
        return Cost(last.tokens + self.n_lost * self.worst.tokens, last.usd + self.n_lost * self.worst.usd)


class MeteredTeacher:
    """Passes requests on, as far as budget and errors allow.

    Args:
        teacher: who answers; one behind a server takes a ``watch``, see ``core.teacher.client``.
        ledger: gets a line for each request that is sent.
        budget: of the run.
        stop: watches the errors of all teachers of the run.
        price: of the model; None: unknown.
        host: of the server, without secrets; None where the answer is made here: free, and nothing to stop for.
        key: that is sent with each request; taken out of whatever the server says.
    """

    def __init__(
        self,
        teacher: Teacher,
        *,
        ledger: Ledger,
        budget: Budget,
        stop: ErrorStop,
        price: Price | None = FREE,
        host: str | None = None,
        key: str | None = None,
    ):
        self.name = teacher.name
        self.price = price
        self.host = host
        self._teacher, self._ledger, self._budget, self._stop = teacher, ledger, budget, stop
        self._key = key if key and len(key) >= SHORTEST_SECRET else None

    def cache_salt(self, request: TeacherRequest) -> str:
        """Return what a reply depends on besides the request."""
        return self._teacher.cache_salt(request) if hasattr(self._teacher, "cache_salt") else ""

    def bound(self, request: TeacherRequest) -> Cost:
        """Return the most that a request can take."""
        n_input = bound_input(request)
        usd = self.price.worst(n_input, request.max_tokens) if self.price else 0.0
        return Cost(n_input + request.max_tokens, usd)

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer one request.

        Raises:
            AskingStopped: it may not be sent, or was denied as every other one will be.
            TeacherError: no reply can be had.
        """
        self._stop.check()
        held = self._hold(request)
        await held.reserve()
        try:
            self._stop.check()  # something may have happened while this one waited
        except AskingStopped:
            held.settle(Cost())
            raise
        self._stop.begin()
        started = monotonic()
        try:
            watch = {"watch": held} if self.host is not None else {}
            reply = self._redact(await self._teacher.complete(request, **watch))
        except BaseException as error:
            sentence = self._note_end(request, error)
            paid_usd = None if held.is_out or held.n_lost else 0.0
            charged = held.settle(held.worst if held.is_out else Cost())
            if held.line is not None or not isinstance(error, AskingStopped | CancelledError):
                self._close(held, started, charged, error=sentence, paid_usd=paid_usd)
            if isinstance(error, EndpointDenied):
                raise AskingStopped(sentence) from error.__cause__
            raise
        spent, paid_usd = self._count(request, reply, held)
        self._close(held, started, held.settle(spent), reply=reply, paid_usd=paid_usd)
        self._stop.note_reply()
        self._check_limits(request, reply)
        return reply

    def _hold(self, request: TeacherRequest) -> _Held:
        """Return the reservation of a request, not made yet."""
        worst, is_written = self.bound(request), self.host is not None

        def open_line() -> dict[str, Any]:
            return self._ledger.open_call(request, self.name, self.host, worst, is_written=is_written)

        return _Held(self._budget, self._stop, self._ledger, open_line, worst, request.purpose != "question")

    def _close(self, held: _Held, started: float, charged: Cost, **fields: Any) -> None:
        line = held.line or held.open_line()
        self._ledger.close_call(line, price=self.price, charged=charged, seconds=monotonic() - started, **fields)

    def _count(self, request: TeacherRequest, reply: TeacherReply, held: _Held) -> tuple[Cost, float | None]:
        """Return what a reply took, the worst case where nobody counted, and what was paid for it.

        A prompt that the server's filter turned down was read at most: no answer to it was written.
        """
        paid_usd = cost_of(reply, self.price)
        if reply.n_input_tokens is not None and reply.n_output_tokens is not None:
            return Cost(reply.n_input_tokens + reply.n_output_tokens, paid_usd or 0.0), paid_usd
        if self.host is None:
            return held.worst, 0.0
        return held.worst if held.is_out else self.bound(replace(request, max_tokens=0)), paid_usd

    def _check_limits(self, request: TeacherRequest, reply: TeacherReply) -> None:
        """Stop where a server writes more than it was asked for: then no budget can be kept there."""
        if self.host is None or not self._budget.is_limited:
            return
        n_output, n_input = reply.n_output_tokens or 0, reply.n_input_tokens or 0
        if n_output > request.max_tokens:
            self._stop.stop(
                f"Stopped, as {self.name} at {self.host} wrote {n_output:,} tokens where at most "
                f"{request.max_tokens:,} were asked for: no budget can be kept there; choose another server, or none."
            )
        elif n_input > bound_input(request):
            self._stop.stop(
                f"Stopped, as {self.name} at {self.host} counted {n_input:,} tokens in a prompt that has at most "
                f"{bound_input(request):,}: no budget can be kept there; choose another server, or no budget."
            )

    def _note_end(self, request: TeacherRequest, error: BaseException) -> str:
        """Tell the error stop of a request that brought no reply; returns the sentence for its line."""
        if isinstance(error, CancelledError):
            self._stop.note_nothing()
            return CANCELLED
        if not isinstance(error, TeacherError):
            self._stop.note_nothing()
            return f"The call ended by an error of ours: {type(error).__name__}."
        sentence = self._strike(str(error))
        is_answer = request.purpose == SCHEMA_PURPOSE and isinstance(error, RequestRefused)
        if self.host is None or is_answer or isinstance(error, AskingStopped):
            self._stop.note_nothing()
        else:
            self._stop.note_error(sentence)
        if isinstance(error, EndpointDenied):
            self._stop.stop(sentence)
        return sentence

    def _redact(self, reply: TeacherReply) -> TeacherReply:
        """Return the reply without the key, should the server repeat it."""
        if self._key is None or (self._key not in reply.text and self._key not in reply.finish_reason):
            return reply
        return replace(reply, text=self._strike(reply.text), finish_reason=self._strike(reply.finish_reason))

    def _strike(self, text: str) -> str:
        return text if self._key is None else text.replace(self._key, "***")
