"""A teacher whose every request is paid for: set aside before, sent, settled and written down afterwards.

It stands below the cache, so that whatever comes by here is really sent. It knows nothing of roles.
"""

from asyncio import CancelledError
from dataclasses import replace
from time import monotonic

from core.errors import AskingStopped, TeacherError
from core.teacher.base import Teacher, TeacherReply, TeacherRequest
from core.teacher.budget import Budget, Cost, bound_input
from core.teacher.faults import EndpointDenied, RequestRefused, ServerUnavailable
from core.teacher.ledger import Ledger, cost_of
from core.teacher.prices import FREE, Price
from core.teacher.stopping import ErrorStop

SHORTEST_SECRET = 12
"""Keys shorter than this are placeholders such as ``ollama``, which a reply may well say."""

CANCELLED = "The run was stopped while this call was on its way."

SCHEMA_PURPOSE = "schema"
"""Purpose of the one small call that finds out whether a server keeps to a JSON schema; a refusal is an answer."""


class _Held:
    """The reservation of one request, made anew for each attempt after one whose reply was lost."""

    def __init__(self, budget: Budget, worst: Cost, goes_first: bool):
        self.worst, self.n_lost = worst, 0
        self._budget, self._is_held, self._goes_first = budget, False, goes_first

    async def reserve(self) -> None:
        await self._budget.reserve(self.worst, goes_first=self._goes_first)
        self._is_held = True

    async def lose(self) -> None:
        """Count an attempt as paid in full, for nobody knows, and set as much aside for the next one."""
        self.n_lost += 1
        self._is_held = False
        self._budget.settle(self.worst, self.worst)
        await self.reserve()

    def settle(self, spent: Cost) -> Cost:
        """End the last attempt; returns what is charged for all of them."""
        if self._is_held:
            self._budget.settle(self.worst, spent)
        last = spent if self._is_held else Cost()
        return Cost(last.tokens + self.n_lost * self.worst.tokens, last.usd + self.n_lost * self.worst.usd)


class MeteredTeacher:
    """Passes requests on, as far as budget and errors allow.

    Args:
        teacher: who answers; one behind a server takes ``on_lost``, see ``core.teacher.client``.
        ledger: gets a line for each request.
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
            AskingStopped: it may not be sent.
            TeacherError: no reply can be had.
        """
        self._stop.check()
        held = _Held(self._budget, self.bound(request), goes_first=request.purpose != "question")
        await held.reserve()
        is_sent = self.host is not None
        try:
            self._stop.check()  # something may have happened while this one waited
            line = self._ledger.open_call(request, self.name, self.host, held.worst, is_written=is_sent)
        except BaseException:
            held.settle(Cost())
            raise
        self._stop.begin()
        started, spent, fields = monotonic(), held.worst if is_sent else Cost(), {"error": CANCELLED}
        try:
            watch = {"on_lost": held.lose} if is_sent else {}
            reply = self._redact(await self._teacher.complete(request, **watch))
            spent, paid_usd = self._count(reply, held.worst)
            fields = {"reply": reply, "paid_usd": paid_usd}
            self._stop.note_reply()
            self._check_limits(request, reply)
            return reply
        except TeacherError as error:
            is_paid = is_sent and _may_be_paid(error)
            spent = held.worst if is_paid else Cost()
            is_free = not is_paid and not held.n_lost
            fields = {"error": self._strike(str(error)), "paid_usd": 0.0 if is_free else None}
            self._note_error(request, error)
            raise
        except BaseException as error:
            if not isinstance(error, CancelledError):
                fields = {"error": f"The call ended by an error of ours: {type(error).__name__}."}
            self._stop.note_nothing()
            raise
        finally:
            charged = held.settle(spent)
            self._ledger.close_call(line, price=self.price, charged=charged, seconds=monotonic() - started, **fields)

    def _count(self, reply: TeacherReply, worst: Cost) -> tuple[Cost, float | None]:
        """Return what a reply took, the worst case where nobody counted, and what was paid for it."""
        paid_usd = cost_of(reply, self.price)
        if reply.n_input_tokens is None or reply.n_output_tokens is None:
            return worst, paid_usd if self.host is not None else 0.0
        return Cost(reply.n_input_tokens + reply.n_output_tokens, paid_usd or 0.0), paid_usd

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

    def _note_error(self, request: TeacherRequest, error: TeacherError) -> None:
        sentence = self._strike(str(error))
        if self.host is None or request.purpose == SCHEMA_PURPOSE or isinstance(error, AskingStopped):
            self._stop.note_nothing()
        else:
            self._stop.note_error(sentence)
        if isinstance(error, EndpointDenied):
            self._stop.stop(sentence)

    def _redact(self, reply: TeacherReply) -> TeacherReply:
        """Return the reply without the key, should the server repeat it."""
        if self._key is None or (self._key not in reply.text and self._key not in reply.finish_reason):
            return reply
        return replace(reply, text=self._strike(reply.text), finish_reason=self._strike(reply.finish_reason))

    def _strike(self, text: str) -> str:
        return text if self._key is None else text.replace(self._key, "***")


def _may_be_paid(error: TeacherError) -> bool:
    """Say whether a request that ended so may have to be paid for."""
    if isinstance(error, ServerUnavailable):
        return error.may_be_paid
    return not isinstance(error, RequestRefused | EndpointDenied | AskingStopped)
