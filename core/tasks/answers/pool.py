"""A pool of processes that compare formulas and are killed when they take too long.

Usable from any thread; a process starts when it is first needed. A request that runs past its deadline, eats too
much memory or takes its process down "could not be decided" (None), and the next one gets a fresh process. Several
requests are sent at a time, so that the pipe never stands still; one that takes its process down costs only itself.
Knows nothing of formulas: :mod:`core.tasks.answers.symbolic` does the work at the other end of the pipe.
"""

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from core.tasks.answers.judgement import Judgement

WORKER = "core.tasks.answers.symbolic"
ROOT = Path(__file__).resolve().parents[3]
START_LIMIT_S = 60.0
"""How long a new process, or a library in it, may take until it is ready, seconds: imports on a busy machine."""

MAX_LENGTH = 2000
"""Longest formula that is looked at, characters."""

CHUNK = 24
"""Requests sent to a process at a time."""

TOO_LONG = Judgement(None, f"An answer of more than {MAX_LENGTH:,} characters is not looked at.")


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a process: compare two tidied answers, or say whether the first can be read."""

    op: str
    gold: str
    target: str = ""
    tolerance: Fraction | None = None

    def to_line(self, number: int, deadline_s: float) -> bytes:
        """Return the request as a line for the pipe."""
        tolerance = None if self.tolerance is None else str(self.tolerance)
        parts = {"id": number, "op": self.op, "gold": self.gold, "target": self.target, "tolerance": tolerance}
        return json.dumps({**parts, "deadline_s": deadline_s}).encode() + b"\n"


class DeadlineError(Exception):
    """No reply in time."""


class Worker:
    """One process and its two pipes; used by one thread at a time."""

    def __init__(self, memory_bytes: int):
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment = {**os.environ, **threads, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER, str(memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        self.n_answered = 0
        self._is_ready = False
        self._rest = b""

    def ask(self, requests: Sequence[Request], deadline_s: float) -> list[Judgement]:
        """Return the results in order; the last one is undecided, with the process dead, where one took it down."""
        results: list[Judgement] = []
        if not self._is_ready and self._read_line(START_LIMIT_S) is None:
            self.kill()
            return [Judgement(None, "The process that compares formulas could not be started.")]
        self._is_ready = True
        lines = [request.to_line(at, deadline_s) for at, request in enumerate(requests)]
        try:
            self.process.stdin.write(b"".join(lines))
            self.process.stdin.flush()
            for _ in requests:
                results.append(self._read_result(deadline_s))
                self.n_answered += 1
        except (OSError, ValueError):  # the process is gone, or close() shut the pipes
            results.append(Judgement(None, "The process that compares formulas died of it."))
            self.kill()
        except DeadlineError:
            results.append(Judgement(None, f"It could not be decided within {deadline_s:g} seconds."))
            self.kill()
        return results

    def _read_result(self, deadline_s: float) -> Judgement:
        line = self._read_line(deadline_s)
        while line is not None and "loading" in (message := json.loads(line)):
            line = self._read_line(START_LIMIT_S if message["loading"] else deadline_s)
        if line is None:
            raise DeadlineError if self.is_alive else OSError
        return Judgement(message["result"], message["reason"])

    def _read_line(self, limit_s: float) -> bytes | None:
        end = time.monotonic() + limit_s
        pipe = self.process.stdout.fileno()
        while b"\n" not in self._rest:
            left = end - time.monotonic()
            poll = select.poll()  # not select(): file numbers may be above 1023
            poll.register(pipe, select.POLLIN)
            if left <= 0 or not poll.poll(left * 1000):
                return None
            data = os.read(pipe, 65536)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    @property
    def is_alive(self) -> bool:
        """Say whether the process still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End the process at once and wait until it is gone."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()


class VerificationPool:
    """At most ``n_workers`` processes, each with a memory ceiling, replaced after ``recycle_after`` requests.

    Args:
        n_workers: requests that can run at the same time; further callers wait for a free process.
        deadline_s: seconds one request may take, starting when its process is free and ready.
        memory_bytes: ceiling of the address space of one process.
        recycle_after: requests after which a process is replaced (sympy's caches grow).
    """

    def __init__(
        self,
        n_workers: int = 1,
        deadline_s: float = 5.0,
        memory_bytes: int = 1 << 30,
        recycle_after: int = 2000,
    ):
        self.deadline_s = deadline_s
        self._n_workers = n_workers
        self._memory_bytes = memory_bytes
        self._recycle_after = recycle_after
        self._slots = threading.BoundedSemaphore(n_workers)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._is_closed = False

    def judge(self, gold: str, target: str, tolerance: Fraction | None = None) -> Judgement:
        """Compare two tidied answers of any kind; undecided where it took too long, too much memory or the process."""
        return self.judge_many([(gold, target)], tolerance)[0]

    def judge_many(self, pairs: Sequence[tuple[str, str]], tolerance: Fraction | None = None) -> list[Judgement]:
        """Compare pairs (reference, answer) in all processes at once; the results are in the order of the pairs."""
        results: list[Judgement | None] = [
            TOO_LONG if max(len(gold), len(target)) > MAX_LENGTH else None for gold, target in pairs
        ]
        waiting = [at for at, result in enumerate(results) if result is None]
        chunks = [waiting[start : start + CHUNK] for start in range(0, len(waiting), CHUNK)]

        def work_off(chunk: list[int]) -> None:
            requests = [Request("judge", *pairs[at], tolerance) for at in chunk]
            for at, result in zip(chunk, self._ask(requests), strict=True):
                results[at] = result

        if len(chunks) < 2 or self._n_workers == 1:
            for chunk in chunks:
                work_off(chunk)
        else:
            with ThreadPoolExecutor(self._n_workers) as threads:
                list(threads.map(work_off, chunks))
        return [result for result in results if result is not None]

    def compare(self, gold: str, target: str) -> bool | None:
        """Say whether two formulas (contents of boxes) are equal; None where it could not be decided."""
        return self.judge(gold, target).is_equal

    def is_readable(self, formula: str) -> bool | None:
        """Say whether the content of a box can be read as a formula; None where it could not be decided."""
        return None if len(formula) > MAX_LENGTH else self._ask([Request("read", formula)])[0].is_equal

    def _ask(self, requests: Sequence[Request]) -> list[Judgement]:
        """Return one result per request; whatever takes a process down leaves the rest to a fresh one."""
        results: list[Judgement] = []
        while len(results) < len(requests):
            with self._slots:
                worker = self._take()
                try:
                    results += worker.ask(requests[len(results) :], self.deadline_s)
                finally:
                    self._give_back(worker)
        return results

    def _take(self) -> Worker:
        with self._lock:
            if self._is_closed:
                raise RuntimeError("This verification pool is closed.")
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive:
                    return worker
                self._drop(worker)
            worker = Worker(self._memory_bytes)
            self._workers.add(worker)
            return worker

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if self._is_closed or not worker.is_alive or worker.n_answered >= self._recycle_after:
                self._drop(worker)
            else:
                self._idle.append(worker)

    def _drop(self, worker: Worker) -> None:
        worker.kill()
        self._workers.discard(worker)

    def list_pids(self) -> list[int]:
        """Return the process ids of the living workers."""
        with self._lock:
            return [worker.process.pid for worker in self._workers if worker.is_alive]

    def close(self) -> None:
        """End every process, also one that another thread waits for (its request is then undecided)."""
        with self._lock:
            self._is_closed = True
            for worker in self._workers:
                # Only the signal: the pipes belong to the thread that may be reading them.
                worker.process.kill()
                worker.process.wait()
            for worker in self._idle:
                self._drop(worker)
            self._idle.clear()


_shared: tuple[int, VerificationPool] | None = None
_shared_lock = threading.Lock()


def shared_pool() -> VerificationPool:
    """Return the pool of this process; it has no workers until somebody asks, and is closed when Python ends."""
    global _shared
    with _shared_lock:
        # A forked child must not write into its parent's pipes.
        if _shared is None or _shared[0] != os.getpid():
            _shared = (os.getpid(), VerificationPool(n_workers=min(2, os.cpu_count() or 1)))
            atexit.register(_shared[1].close)
        return _shared[1]


def close_shared_pool() -> None:
    """End the workers of this process; the next use of :func:`shared_pool` starts anew."""
    global _shared
    with _shared_lock:
        if _shared is not None and _shared[0] == os.getpid():
            _shared[1].close()
        _shared = None
