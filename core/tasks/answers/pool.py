"""A pool of processes that compare formulas and are killed when they take too long.

Usable from any thread; a process starts when it is first needed. A request that runs past its deadline, eats too
much memory or takes its process down "could not be decided" (None), and the next one gets a fresh process. Knows
nothing of formulas: :mod:`core.tasks.answers.symbolic` does the work at the other end of the pipe.
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
from pathlib import Path

WORKER = Path(__file__).with_name("symbolic.py")
START_LIMIT_S = 60.0
"""How long a new process may take until it is ready, seconds: imports on a busy machine."""

MAX_LENGTH = 2000
"""Longest formula that is looked at, characters."""


class Worker:
    """One process and its two pipes; used by one thread at a time."""

    def __init__(self, memory_bytes: int):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
        # -P: the folder of the script holds a numbers.py, which must not hide the standard library's.
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER), str(memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        self.n_answered = 0
        self._is_ready = False
        self._rest = b""

    def ask(self, op: str, gold: str, target: str, deadline_s: float) -> bool | None:
        """Return the result; None, with the process dead, where none came in time."""
        self.n_answered += 1
        if not self._is_ready:
            if self._read_line(START_LIMIT_S) is None:
                self.kill()
                return None
            self._is_ready = True
        request = {"id": self.n_answered, "op": op, "gold": gold, "target": target, "deadline_s": deadline_s}
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            line = self._read_line(deadline_s)
        except (OSError, ValueError):  # the process is gone, or close() shut the pipes
            line = None
        if line is None:
            self.kill()
            return None
        return json.loads(line)["result"]

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
        recycle_after: int = 500,
    ):
        self.deadline_s = deadline_s
        self._memory_bytes = memory_bytes
        self._recycle_after = recycle_after
        self._slots = threading.BoundedSemaphore(n_workers)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._is_closed = False

    def compare(self, gold: str, target: str) -> bool | None:
        """Say whether two formulas (contents of boxes) are equal; None where it could not be decided."""
        if max(len(gold), len(target)) > MAX_LENGTH:
            return None
        return self._ask("equal", gold, target)

    def is_readable(self, formula: str) -> bool | None:
        """Say whether the content of a box can be read as a formula; None where it could not be decided."""
        return None if len(formula) > MAX_LENGTH else self._ask("read", formula, "")

    def _ask(self, op: str, gold: str, target: str) -> bool | None:
        with self._slots:
            worker = self._take()
            try:
                return worker.ask(op, gold, target, self.deadline_s)
            finally:
                self._give_back(worker)

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
            _shared = (os.getpid(), VerificationPool())
            atexit.register(_shared[1].close)
        return _shared[1]


def close_shared_pool() -> None:
    """End the workers of this process; the next use of :func:`shared_pool` starts anew."""
    global _shared
    with _shared_lock:
        if _shared is not None and _shared[0] == os.getpid():
            _shared[1].close()
        _shared = None
