"""The ledger of a run: every call with what it took and what was paid, one line each.

A call that goes to a server has a line from the moment at which it is sent, which another one replaces when it has
ended: what was on its way when a run was killed is known too, and stays charged to the budget with its worst case. It
knows nothing of files or tables: lines go where it is told.
"""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.teacher.base import TeacherReply, TeacherRequest
from core.teacher.budget import Cost
from core.teacher.prices import Price


class _Entry(NamedTuple):
    """What totals are made of."""

    attempt: int
    purpose: str
    n_input: int | None
    n_output: int | None
    is_cached: bool
    is_open: bool
    error: str | None
    nominal_usd: float | None
    paid_usd: float | None
    charged_tokens: int
    charged_usd: float


@dataclass(slots=True)
class CallTotals:
    """What calls took. Nominal: as if nothing were cached, the latest attempt of each; paid: over all attempts."""

    n_calls: int = 0
    """Different calls, cached ones included."""

    n_cached: int = 0
    """Calls that were answered from the cache in their latest attempt."""

    n_failed: int = 0
    """Calls that ended without a reply in their latest attempt."""

    n_under_way: int = 0
    """Calls that were sent and have not ended; in a run that is over: whose end nobody knows."""

    n_input_tokens: int = 0
    """Nominal prompt tokens, as far as they were counted."""

    n_output_tokens: int = 0
    n_uncounted: int = 0
    """Calls with a reply whose tokens the server did not count."""

    n_paid_input_tokens: int = 0
    n_paid_output_tokens: int = 0
    nominal_usd: float | None = 0.0
    """As far as it is known; None where it is of no call."""

    paid_usd: float | None = 0.0
    n_unpriced: int = 0
    """Calls of all attempts of which nobody knows what was paid: no price, no count, or no end."""


class Ledger:
    """Writes lines and adds them up. Safe between threads.

    Args:
        append: takes one line, without its attempt.
        attempt: number of the attempt that writes now.
        earlier: lines of this run so far, this attempt's included, in the order in which they were written.
    """

    def __init__(
        self,
        append: Callable[[Mapping[str, Any]], None] = lambda line: None,
        attempt: int = 1,
        earlier: Iterable[Mapping[str, Any]] = (),
    ):
        self._append, self._attempt = append, attempt
        self._entries: dict[tuple[str, int], _Entry] = {}
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        for line in earlier:
            key = (line["call_id"], int(line["attempt"]))
            if key not in self._entries and key[1] == attempt:
                self._asked[line["call_id"].partition("-")[0]] += 1
            self._entries[key] = _read_entry(line)

    @property
    def charged(self) -> Cost:
        """What a budget has to count so far: tokens of this attempt, dollars of all; the worst case where unknown."""
        with self._lock:
            entries = list(self._entries.values())
        tokens = sum(entry.charged_tokens for entry in entries if entry.attempt == self._attempt)
        return Cost(tokens, sum(entry.charged_usd for entry in entries))

    def open_call(
        self, request: TeacherRequest, teacher: str, host: str | None, worst: Cost, *, is_written: bool
    ) -> dict[str, Any]:
        """Begin a call; returns its line, to be given to ``close_call``.

        Args:
            request: what is asked.
            teacher: model name.
            host: of the server; None where the answer is made here.
            worst: what it can take at most.
            is_written: whether the line is written now, so that it is known of whatever becomes of this process.
        """
        key = make_call_key(request, teacher)
        with self._lock:
            self._asked[key] += 1
            n = self._asked[key]
        line = {
            "call_id": key if n == 1 else f"{key}-{n}",
            "purpose": request.purpose,
            "task": request.task,
            "teacher": teacher,
            "host": host,
            "sample_index": request.sample_index,
            "is_cached": False,
            "charged_tokens": worst.tokens,
            "charged_usd": worst.usd,
            "written_at": time.time(),
        }
        if is_written:
            self._write(line)
        return line

    def charge(self, line: dict[str, Any], charged: Cost) -> None:
        """Note what an open call has to be charged with should nothing more be heard of it; written where it is new."""
        if (line["charged_tokens"], line["charged_usd"]) != (charged.tokens, charged.usd):
            line |= {"charged_tokens": charged.tokens, "charged_usd": charged.usd}
            self._write(line)

    def close_call(
        self,
        line: dict[str, Any],
        *,
        price: Price | None,
        reply: TeacherReply | None = None,
        error: str | None = None,
        paid_usd: float | None = None,
        charged: Cost,
        seconds: float,
    ) -> None:
        """End a call by its reply or its error.

        Args:
            line: as ``open_call`` returned it.
            price: that was reckoned with; None: unknown.
            reply: what came.
            error: one sentence where none came.
            paid_usd: None where nobody knows.
            charged: what a budget counts for it.
            seconds: from asking to the end, waits included.
        """
        now = time.time()
        line |= {"seconds": round(seconds, 4), "error": error, "paid_usd": paid_usd, "written_at": now}
        line |= {"charged_tokens": charged.tokens, "charged_usd": charged.usd}
        line["price_date"] = price.date or None if price else None
        if reply is not None:
            line |= {
                "n_input_tokens": reply.n_input_tokens,
                "n_output_tokens": reply.n_output_tokens,
                "n_cached_tokens": reply.n_cached_tokens,
                "n_reasoning_tokens": reply.n_reasoning_tokens,
                "is_cached": reply.is_cached,
                "finish_reason": reply.finish_reason,
                "n_attempts": reply.n_attempts,
                "nominal_usd": cost_of(reply, price),
            }
        self._write(line)

    def totals(self) -> CallTotals:
        """Return what all calls took."""
        with self._lock:
            items = list(self._entries.items())
        latest: dict[str, _Entry] = {}
        for (call_id, attempt), entry in items:
            if call_id not in latest or latest[call_id].attempt <= attempt:
                latest[call_id] = entry
        paid = [entry for _, entry in items if not entry.is_cached]
        nominal = list(latest.values())
        answered = [entry for entry in nominal if not entry.is_open and entry.error is None]
        return CallTotals(
            n_calls=len(nominal),
            n_cached=sum(entry.is_cached for entry in nominal),
            n_failed=sum(entry.error is not None for entry in nominal),
            n_under_way=sum(entry.is_open for entry in nominal),
            n_input_tokens=sum(entry.n_input or 0 for entry in nominal),
            n_output_tokens=sum(entry.n_output or 0 for entry in nominal),
            n_uncounted=sum(entry.n_input is None or entry.n_output is None for entry in answered),
            n_paid_input_tokens=sum(entry.n_input or 0 for entry in paid),
            n_paid_output_tokens=sum(entry.n_output or 0 for entry in paid),
            nominal_usd=_sum_known(entry.nominal_usd for entry in answered),
            paid_usd=_sum_known(entry.paid_usd for entry in paid),
            n_unpriced=sum(entry.paid_usd is None for entry in paid),
        )

    def _write(self, line: Mapping[str, Any]) -> None:
        with self._lock:
            self._entries[line["call_id"], self._attempt] = _read_entry({**line, "attempt": self._attempt})
        self._append(line)


def make_call_key(request: TeacherRequest, teacher: str) -> str:
    """Return an id of a request that is the same in every attempt of a run; holds no ``-``."""
    sampling = (request.sample_index, request.temperature, request.max_tokens, request.top_p)
    parts = (teacher, request.purpose, request.task, sampling, request.system, request.earlier, request.prompt)
    return f"k_{hashlib.blake2b(repr(parts).encode(errors='replace'), digest_size=8).hexdigest()}"


def cost_of(reply: TeacherReply, price: Price | None) -> float | None:
    """Return what a reply costs where it is paid, US dollars; None where the price or its tokens are unknown."""
    return price.cost(reply.n_input_tokens, reply.n_output_tokens, reply.n_cached_tokens) if price else None


def _sum_known(values: Iterable[float | None]) -> float | None:
    """Return the sum of what is known; None where there are values and none of them is, 0 where there are none."""
    listed = list(values)
    known = [value for value in listed if value is not None]
    return sum(known) if known or not listed else None


def _read_entry(line: Mapping[str, Any]) -> _Entry:
    is_open = line.get("finish_reason") is None and line.get("error") is None
    return _Entry(
        int(line["attempt"]),
        line["purpose"],
        line.get("n_input_tokens"),
        line.get("n_output_tokens"),
        bool(line.get("is_cached")),
        is_open,
        line.get("error"),
        line.get("nominal_usd"),
        line.get("paid_usd"),
        int(line.get("charged_tokens") or 0),
        float(line.get("charged_usd") or 0.0),
    )
