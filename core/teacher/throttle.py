"""How many requests may be on their way to one server, and how soon after one another they are sent.

Additive increase, multiplicative decrease (Chiu and Jain 1989): a server that pushes back gets half as many requests at
once, and some more after each round of answers, a round being as many as go at once. Just below the number that was too
many the last time it waits for some rounds, as BIC does (Xu 2004), so that it is seldom too many again. It knows
nothing of HTTP: it is told what became of each request.
"""

import asyncio
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import count
from time import monotonic, time

HOSTED_CONCURRENCY = 64
"""Requests on their way at the same time to a server that many use, as long as it takes them."""

CUT = 0.5
"""What is left of the limit after a push-back. By 0.75 a server whose limit halves pushes back five times as often,
and where it asks for a pause of 1 s each time, half as much gets through (simulated; 64 at once, 200 ms each)."""

N_ROUNDS_UP = 16
"""Rounds of answers in which the limit would grow from nothing to its ceiling."""

N_ROUNDS_BELOW = 10
"""Rounds for which it stays just below the number of requests at which the server pushed back last."""

COOL_DOWN_S = 0.2
"""Longest pause after a push-back that names none; doubled with each further one in a row, as nothing is answered."""

MAX_COOL_DOWN_S = 30.0
"""Longest pause that is chosen by us; a server may ask for a longer one."""

SPREAD_S = 0.25
"""By how much a pause that the server asks for is exceeded at most, so that not all its clients return at once."""

CATCH_UP_S = 0.05
"""How far sending may lag behind its pace and still catch up: timers are late by a millisecond or so."""


@dataclass(frozen=True, slots=True)
class ThrottleState:
    """What a throttle is doing at one moment."""

    limit: int
    """Requests that may be on their way now."""

    n_in_flight: int
    """Requests that are on their way."""

    n_waiting: int
    """Requests that wait to be sent, for the first time or again."""

    n_pushbacks: int
    """Times that the server pushed back since the beginning."""

    paused_until: float | None
    """When sending goes on, seconds since 1970; None where it is not paused."""

    ceiling: int
    """Requests that may be on their way where the server never pushes back."""


class Turn:
    """One request's place in the queue, kept for its further attempts: whoever came first is sent first again.

    ``async with turn`` waits until an attempt may be sent and holds its slot until it is over. A wait that was
    cancelled ends the turn.
    """

    __slots__ = ("_go", "_loop", "_n_sent_before", "_throttle", "is_on_its_way", "n_attempts", "n_tokens", "number")

    def __init__(self, throttle: "Throttle", number: int, n_tokens: int):
        self._throttle, self.number, self.n_tokens = throttle, number, n_tokens
        self.is_on_its_way, self.n_attempts = False, 0
        self._n_sent_before = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._go: asyncio.Future[None] | None = None

    async def __aenter__(self) -> "Turn":
        if not self._throttle._line_up(self):
            try:
                await self._go
            except asyncio.CancelledError:
                self._throttle._give_up(self)
                raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._throttle._release(self)

    def take_answer(self, n_tokens: int | None = None) -> None:
        """Tell that the server answered, with the tokens that it counts; None where it does not."""
        self._throttle._take_answer(self, n_tokens)

    def take_pushback(self, retry_after_s: float | None = None) -> None:
        """Tell that the server wants fewer requests, and for how long it wants none; None where it does not say."""
        self._throttle._take_pushback(self, retry_after_s)


class Throttle:
    """Lets requests to one server go, in the order in which they came.

    One throttle serves any number of clients, threads and event loops: its limits hold for all of them together.

    Args:
        max_concurrency: requests on their way at the same time, at least 1: where the limit starts, and its ceiling.
        requests_per_minute: requests that are sent within any 60 s at most, evenly spaced; above 0; None: no cap.
        tokens_per_minute: tokens of the requests that are sent within any 60 s at most, but for those of a single
            request; above 0; None: no cap.
    """

    def __init__(
        self,
        max_concurrency: int = HOSTED_CONCURRENCY,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ):
        self.max_concurrency = max_concurrency
        self._limit = float(max_concurrency)
        self._too_many = max_concurrency + 1  # requests at once when the server pushed back last
        self._requests, self._tokens = _Pace(requests_per_minute), _Pace(tokens_per_minute)
        self._paused_until, self._n_cuts_in_a_row = float("-inf"), 0
        self._n_in_flight = self._n_sent = self._n_sent_at_cut = self._n_pushbacks = 0
        self._numbers = count()
        self._queue: list[tuple[int, Turn]] = []  # a heap; turns that were given up are skipped when they come up
        self._n_waiting = 0
        self._alarm: tuple[Turn, float] | None = None
        self._lock = threading.RLock()

    def take_turn(self, n_tokens: int = 0) -> Turn:
        """Return a place at the end of the queue for one request.

        Args:
            n_tokens: tokens that it may take, prompt and answer together, as far as can be told before it is sent.
        """
        return Turn(self, next(self._numbers), n_tokens)

    @property
    def state(self) -> ThrottleState:
        """What it is doing now."""
        with self._lock:
            left = self._paused_until - monotonic()
            paused_until = time() + left if left > 0 else None
            counts = (self._n_in_flight, self._n_waiting, self._n_pushbacks)
            return ThrottleState(int(self._limit), *counts, paused_until, self.max_concurrency)

    def _line_up(self, turn: Turn) -> bool:
        """Send a turn at once (True), or put it into the queue."""
        with self._lock:
            if not self._n_waiting and self._has_room() and self._get_ready_at() <= monotonic():
                self._send(turn)
                return True
            turn._loop = asyncio.get_running_loop()
            turn._go = turn._loop.create_future()
            heappush(self._queue, (turn.number, turn))
            self._n_waiting += 1
            self._send_next()
            return False

    def _give_up(self, turn: Turn) -> None:
        """Take a cancelled turn out of the queue; one that was sent in that very moment gives its slot back."""
        with self._lock:
            if turn.is_on_its_way:
                self._release(turn)
            elif turn._go is not None:
                turn._go = None
                self._n_waiting -= 1
                self._send_next()

    def _release(self, turn: Turn) -> None:
        with self._lock:
            turn.is_on_its_way = False
            self._n_in_flight -= 1
            self._send_next()

    def _has_room(self) -> bool:
        return self._n_in_flight < int(self._limit)

    def _get_ready_at(self) -> float:
        return max(self._paused_until, self._requests.ready_at, self._tokens.ready_at)

    def _send(self, turn: Turn) -> None:
        now = monotonic()
        turn.is_on_its_way, turn._n_sent_before = True, self._n_sent
        turn.n_attempts += 1
        self._n_in_flight += 1
        self._n_sent += 1
        self._requests.spend(1, now)
        self._tokens.spend(turn.n_tokens, now)

    def _send_next(self) -> None:
        """Send from the head of the queue what may be sent now, and set the alarm for what may be later."""
        while self._queue:
            turn = self._queue[0][1]
            if turn._go is None or turn._loop.is_closed():
                heappop(self._queue)
                self._n_waiting -= turn._go is not None
                continue
            if not self._has_room():
                return  # a release comes by here again
            ready_at = self._get_ready_at()
            if ready_at > monotonic():
                self._set_alarm(turn, ready_at)
                return
            heappop(self._queue)
            self._n_waiting -= 1
            self._send(turn)
            _run_in(turn._loop, partial(_wake, turn._go))

    def _set_alarm(self, turn: Turn, due: float) -> None:
        """Come by again when the head of the queue may be sent; in its own loop, which lives as long as it waits."""
        if self._alarm is None or self._alarm[0] is not turn or self._alarm[1] > due:
            self._alarm = (turn, due)
            _run_in(turn._loop, lambda: turn._loop.call_later(max(0.0, due - monotonic()), self._ring))

    def _ring(self) -> None:
        with self._lock:
            self._alarm = None
            self._send_next()

    def _take_answer(self, turn: Turn, n_tokens: int | None) -> None:
        with self._lock:
            if n_tokens is not None:
                self._tokens.correct(n_tokens - turn.n_tokens)
            self._n_cuts_in_a_row = 0
            is_tried = turn._n_sent_before >= self._n_sent_at_cut and self._n_in_flight >= int(self._limit)
            if is_tried:  # else it was sent under an earlier limit, or tells nothing of so many at once
                step = min(1.0, self._get_growth() / int(self._limit))
                self._limit = min(float(self.max_concurrency), self._limit + step)

    def _get_growth(self) -> float:
        """Return by how much the limit grows in one round of answers."""
        is_just_below = int(self._limit) < self._too_many <= int(self._limit) + 1
        return 1 / N_ROUNDS_BELOW if is_just_below else self.max_concurrency / N_ROUNDS_UP

    def _take_pushback(self, turn: Turn, retry_after_s: float | None) -> None:
        with self._lock:
            self._n_pushbacks += 1
            self._tokens.correct(-turn.n_tokens)
            pause = 0.0
            if turn._n_sent_before >= self._n_sent_at_cut:  # the others of one crowd tell nothing new
                self._too_many = min(int(self._limit), self._n_in_flight)
                self._limit = max(1.0, CUT * self._too_many)
                self._n_sent_at_cut = self._n_sent
                pause = min(MAX_COOL_DOWN_S, COOL_DOWN_S * 2**self._n_cuts_in_a_row) * random.uniform(0.5, 1.0)
                self._n_cuts_in_a_row += 1
            if retry_after_s is not None:
                pause = retry_after_s + random.uniform(0.0, SPREAD_S)
            self._paused_until = max(self._paused_until, monotonic() + pause)


class _Pace:
    """An even pace: each amount that is spent takes its time (the generic cell rate algorithm, ITU-T I.371).

    What sending may lag behind is added to the minute, twice to be sure, so that no 60 s hold more than the cap.
    """

    def __init__(self, per_minute: float | None):
        self._seconds_each = (60.0 + 2 * CATCH_UP_S) / per_minute if per_minute else 0.0
        self.ready_at = float("-inf")

    def spend(self, amount: float, now: float) -> None:
        if self._seconds_each:
            self.ready_at = max(self.ready_at, now - CATCH_UP_S) + amount * self._seconds_each

    def correct(self, amount: float) -> None:
        """Spend so much more, or less, than was said when it was spent."""
        self.ready_at += amount * self._seconds_each


def _wake(go: "asyncio.Future[None]") -> None:
    if not go.done():
        go.set_result(None)


def _run_in(loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> None:
    """Call it in that loop: at once where it is the running one."""
    try:
        is_here = asyncio.get_running_loop() is loop
    except RuntimeError:
        is_here = False
    if is_here:
        callback()
    else:
        loop.call_soon_threadsafe(callback)
