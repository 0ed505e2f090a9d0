"""Executors: how the process of a run is started, watched, ended and its output read.

An executor knows run folders and processes, nothing of queues, tables or what the runs do. To add one (a cluster),
write the methods of :class:`Executor`; the run folder on shared storage stays the only channel.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from core.lines import read_all
from core.runs.folder import RunFolder
from core.runs.whole_files import write_json
from core.settings import REPOSITORY

SAME_PROCESS_S = 2.0
"""Start times of one process read at two moments differ by less; a reused pid started later than this."""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What the system says of the process of a run."""

    is_alive: bool
    attempt: int = 0
    """The attempt that it was started for; 0 where that is not known."""

    exit_code: int | None = None
    """None while it lives, and where somebody else started it."""


class Executor(Protocol):
    """Starts and ends the processes of runs."""

    def submit(self, folder: RunFolder) -> None:
        """Start a process for the run's next attempt; it outlives the caller."""
        ...

    def status(self, folder: RunFolder) -> ProcessState | None:
        """Return the state of the latest process of this run; None where none was started that is known of."""
        ...

    def cancel(self, folder: RunFolder, is_forced: bool = False) -> None:
        """Ask the process and its children to end; ``is_forced`` ends them at once. Nothing where none lives."""
        ...

    def end_orphans(self, folder: RunFolder) -> None:
        """End what is left of a run whose leading process is gone."""
        ...

    def log(self, folder: RunFolder, n_bytes: int = 20_000) -> str:
        """Return the last ``n_bytes`` of what the run printed."""
        ...


def read_log(folder: RunFolder, n_bytes: int = 20_000) -> str:
    """Return the end of ``log.txt``, from a line's beginning on; empty where nothing was printed."""
    path = folder.path / "log.txt"
    if not path.exists():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - n_bytes))
        data = file.read(n_bytes)
    if size > n_bytes and b"\n" in data:
        data = data[data.index(b"\n") + 1 :]
    return data.decode("utf-8", errors="replace")


def find_process(pid: int | None, is_right: Callable[[float], bool]) -> psutil.Process | None:
    """Return the live process with this pid whose start time is right; a zombie is not alive."""
    if not pid:
        return None
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE and is_right(process.create_time()):
            return process
    except psutil.NoSuchProcess:
        pass
    return None


@dataclass(slots=True)
class Child:
    """A process that this executor started; the process leads a session and a group of its own."""

    popen: subprocess.Popen
    attempt: int
    exit_code: int | None = None


class LocalExecutor:
    """Runs on this machine: one detached process group for each run.

    Args:
        command: what to start; the run folder's path is appended. Tests give a script of their own.
        on_end: called, in another thread, when a process that this executor started has ended.
    """

    def __init__(self, command: Sequence[str] | None = None, on_end: Callable[[str], None] = lambda run_id: None):
        self.command = list(command or [sys.executable, "-m", "core", "run"])
        self.on_end = on_end
        self._children: dict[str, Child] = {}

    def submit(self, folder: RunFolder) -> None:
        """Start the process and note its pid and start time in ``launch.json``, for whoever adopts the run."""
        home = folder.path.parent.parent
        log = os.open(folder.path / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            popen = subprocess.Popen(
                [*self.command, str(folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                env={**os.environ, "SEEDBED_HOME": str(home), "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
                close_fds=True,
            )
        finally:
            os.close(log)
        child = Child(popen, folder.n_wanted_attempts())
        self._children[folder.run_id] = child
        process = find_process(popen.pid, lambda started: True)
        started = process.create_time() if process else time.time()
        launch = {"pid": popen.pid, "create_time": started, "attempt": child.attempt}
        write_json(folder.path / "launch.json", launch)
        threading.Thread(target=self._reap, args=(folder.run_id, child), daemon=True, name="reaper").start()

    def _reap(self, run_id: str, child: Child) -> None:
        """Wait for a process, end what is left of its group, then let the system forget it.

        The group is ended while the process is still a zombie: only so can its number not belong to another yet.
        """
        pid = child.popen.pid
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        child.exit_code = child.popen.wait()
        self.on_end(run_id)

    def _leader(self, folder: RunFolder) -> psutil.Process | None:
        """Return the live process of this run, whoever started it."""
        launch = _read_launch(folder)
        if launch and (found := find_process(launch["pid"], lambda t: abs(t - launch["create_time"]) < SAME_PROCESS_S)):
            return found
        attempts = read_all(folder.path / "records" / "attempts.jsonl")
        if not attempts or not folder.is_alive():
            return None
        last = attempts[-1]
        return find_process(last.get("pid"), lambda t: t < last.get("started_at", 0) + SAME_PROCESS_S)

    def status(self, folder: RunFolder) -> ProcessState | None:
        """Return whether the run's process lives; processes of an earlier app and of a shell are found too."""
        child = self._children.get(folder.run_id)
        launch = _read_launch(folder)
        attempt = launch["attempt"] if launch else 0
        is_unreaped = child is not None and child.exit_code is None  # what is left of its group may live yet
        if is_unreaped or self._leader(folder):
            return ProcessState(True, attempt)
        if child:
            return ProcessState(False, child.attempt, child.exit_code)
        return ProcessState(False, attempt) if launch else None

    def cancel(self, folder: RunFolder, is_forced: bool = False) -> None:
        """Signal the whole process group; a process from a shell that leads no group is signalled alone."""
        number = signal.SIGKILL if is_forced else signal.SIGTERM
        leader = self._leader(folder)
        if leader is None:
            self.end_orphans(folder)
            return
        if leader.pid == os.getpid():
            return  # a run inside this very process: it reads its inbox itself
        with contextlib.suppress(ProcessLookupError):
            is_group = os.getpgid(leader.pid) == leader.pid
            (os.killpg if is_group else os.kill)(leader.pid, number)

    def end_orphans(self, folder: RunFolder) -> None:
        """End children that outlive a killed worker (a forked one would hold the run's lock for ever).

        Call it for a run that was seen alive lately: its group's number then cannot belong to another, because the
        system gives a number to no new process while the group has members.
        """
        launch = _read_launch(folder)
        if launch is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            leader = psutil.Process(launch["pid"])
            is_other = abs(leader.create_time() - launch["create_time"]) > SAME_PROCESS_S
            if is_other or leader.status() != psutil.STATUS_ZOMBIE:
                return  # the number went to another process, or the leader lives and looks after its own
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(launch["pid"], signal.SIGKILL)

    def log(self, folder: RunFolder, n_bytes: int = 20_000) -> str:
        """Return the end of ``log.txt``."""
        return read_log(folder, n_bytes)


def _read_launch(folder: RunFolder) -> dict | None:
    """Return ``launch.json``; None where no executor has started this run."""
    path: Path = folder.path / "launch.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
