"""Budgets that hold: the worst case of a request is set aside before it is sent, and made the true cost afterwards.

Tokens are counted as if nothing were cached, dollars as they are paid. It knows nothing of prices or requests: it is
told what each could take, and what it took.
"""

import asyncio
import json
import math
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import AskingStopped, TeacherError
from core.teacher.base import TeacherRequest
from core.teacher.prices import word_usd

MESSAGE_OVERHEAD = 16
"""Tokens that a chat template may put around one message."""

TEMPLATE_OVERHEAD = 256
"""Tokens that a chat template may put before all messages, such as a system message of its own."""

ROUNDING_USD = 1e-9
"""By how much a sum of dollars may pass a limit: less than a token of any model costs."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What something takes."""

    tokens: int = 0
    usd: float = 0.0


def bound_input(request: TeacherRequest) -> int:
    """Return tokens that a request's prompt has at most: a token of a byte-level vocabulary is one byte or more."""
    messages = request.list_messages()
    n_bytes = sum(len(message["content"].encode(errors="replace")) for message in messages)
    if request.schema:
        n_bytes += len(json.dumps(request.schema))
    return n_bytes + MESSAGE_OVERHEAD * len(messages) + TEMPLATE_OVERHEAD


def read_budget(value: Any) -> tuple[int | None, float | None]:
    """Return the limits in tokens and in dollars, None where there is none; raises TeacherError for what is none."""
    if value is None:
        return None, None
    if not isinstance(value, Mapping) or value.keys() - {"tokens", "usd"}:
        raise TeacherError('A budget is given like {"tokens": 100000, "usd": 1.5}, either of them or both.')
    for name, limit in value.items():
        is_number = isinstance(limit, int | float) and not isinstance(limit, bool) and math.isfinite(limit)
        if limit is not None and (not is_number or limit <= 0):
            raise TeacherError(f"A budget in {name} must be a number above 0.")
    tokens, usd = value.get("tokens"), value.get("usd")
    return None if tokens is None else int(tokens), None if usd is None else float(usd)


@dataclass(slots=True, eq=False)
class _Waiter:
    """A request that other requests' reservations keep waiting."""

    worst: Cost
    loop: asyncio.AbstractEventLoop
    go: "asyncio.Future[None]"
    goes_first: bool
    is_held: bool = False
    refusal: str | None = None


class Budget:
    """What may be spent, what is, and what is set aside. Safe between threads and event loops.

    Args:
        tokens: limit, None for no limit.
        usd: limit in US dollars, None for no limit.
        spent: what was spent before.
    """

    def __init__(self, tokens: int | None = None, usd: float | None = None, spent: Cost | None = None):
        self.tokens, self.usd = tokens, usd
        self._spent = spent or Cost()
        self._held = Cost()
        self._n_held = 0
        self._waiting: deque[_Waiter] = deque()
        self._lock = threading.Lock()
        self._refusal: str | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return self.tokens is not None or self.usd is not None

    @property
    def spent(self) -> Cost:
        """What is spent; the worst case of what is on its way is not in it."""
        return self._spent

    async def reserve(self, worst: Cost, *, goes_first: bool = False) -> None:
        """Set the worst case of a request aside; waits where only other requests' reservations stand in the way.

        Args:
            worst: what it could take.
            goes_first: before those that wait and do not: what completes something that was paid for already.

        Raises:
            AskingStopped: it would not even fit if all others cost nothing more.
        """
        with self._lock:
            if self._is_beyond(worst):
                raise AskingStopped(self._refuse(worst))
            if not self.is_limited or (not self._waiting and self._fits(worst)):
                self._hold(worst)
                return
            loop = asyncio.get_running_loop()
            waiter = _Waiter(worst, loop, loop.create_future(), goes_first)
            place = sum(one.goes_first for one in self._waiting) if goes_first else len(self._waiting)
            self._waiting.insert(place, waiter)
            self._admit()
        try:
            await waiter.go
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise
        if waiter.refusal is not None:
            raise AskingStopped(waiter.refusal)

    def settle(self, worst: Cost, spent: Cost) -> None:
        """Replace a reservation by what was spent; what waits for it goes on."""
        with self._lock:
            self._n_held -= 1
            self._held = self._held_with(worst, -1) if self._n_held else Cost()
            self._spent = Cost(self._spent.tokens + spent.tokens, self._spent.usd + spent.usd)
            self._admit()

    async def spend(self, cost: Cost) -> None:
        """Spend what is known beforehand, such as the tokens of a cached reply; waits and raises as ``reserve``."""
        await self.reserve(cost)
        self.settle(cost, cost)

    def _hold(self, worst: Cost) -> None:
        self._n_held += 1
        self._held = self._held_with(worst, 1)

    def _held_with(self, worst: Cost, sign: int) -> Cost:
        return Cost(self._held.tokens + sign * worst.tokens, self._held.usd + sign * worst.usd)

    def _fits(self, worst: Cost) -> bool:
        return not self._is_beyond(Cost(worst.tokens + self._held.tokens, worst.usd + self._held.usd))

    def _is_beyond(self, more: Cost) -> bool:
        """Say whether what is spent and so much more passes a limit."""
        if self.tokens is not None and self._spent.tokens + more.tokens > self.tokens:
            return True
        return self.usd is not None and self._spent.usd + more.usd > self.usd + ROUNDING_USD

    def _admit(self) -> None:
        """Let waiting requests go in their order, and refuse those that cannot fit any more."""
        for waiter in [one for one in self._waiting if self._is_beyond(one.worst)]:
            self._waiting.remove(waiter)
            waiter.refusal = self._refuse(waiter.worst)
            _wake(waiter)
        while self._waiting and self._fits(self._waiting[0].worst):
            waiter = self._waiting.popleft()
            if waiter.loop.is_closed():
                continue
            waiter.is_held = True
            self._hold(waiter.worst)
            _wake(waiter)

    def _withdraw(self, waiter: _Waiter) -> None:
        """Take back what a cancelled request waits for, or was just given."""
        if waiter.is_held:
            self.settle(waiter.worst, Cost())
            return
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _refuse(self, worst: Cost) -> str:
        """Return why nothing more may be sent; the first reason stays, so that it is counted as one."""
        if self._refusal is None:
            if self.tokens is not None and self._spent.tokens + worst.tokens > self.tokens:
                limit, numbers, word = self.tokens, (self._spent.tokens, self._held.tokens, worst.tokens), _word_tokens
            else:
                limit, numbers, word = self.usd or 0.0, (self._spent.usd, self._held.usd, worst.usd), word_usd
            spent, held, more = numbers
            aside = f", up to {word(held)} set aside for what is on its way" if held else ""
            reason = f"{word(spent)} spent{aside}, and the next one could take {word(more)}"
            if more > limit:
                reason = f"one alone could take {word(more)}"
            self._refusal = (
                f"The budget of {word(limit)} allows no further request: {reason}; "
                "start again with a larger budget, for nothing that was answered is asked again."
            )
        return self._refusal


def _word_tokens(n: float) -> str:
    return f"{n:,} tokens"


def _wake(waiter: _Waiter) -> None:
    def go() -> None:
        if not waiter.go.done():
            waiter.go.set_result(None)

    if not waiter.loop.is_closed():
        waiter.loop.call_soon_threadsafe(go)
