"""The lock of a home: one process at a time opens its hub, and the next one learns who holds it."""

import fcntl
import os
from pathlib import Path

from core.store.database import describe_conflict


class HomeLock:
    """Holds ``home/hub.lock`` (flock) and writes this process's pid into it.

    Raises:
        HomeInUseError: another process (or another hub of this one) holds it; the sentence names its pid.
    """

    def __init__(self, home: Path):
        home.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(home / "hub.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(self._fd, 32, 0).decode(errors="replace").strip()
            os.close(self._fd)
            raise describe_conflict(home, pid) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next process have the home."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
