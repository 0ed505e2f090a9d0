"""The turning part of the hub: look at run folders and journals, commit what is new, start what is due, again.

It composes watch, ingest and queue and knows none of their insides; what people ask of the hub is in ``core/hub.py``.
"""

import contextlib
import logging
import shutil
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from core.runs.ends import Ends
from core.runs.executor import Executor, LocalExecutor
from core.runs.folder import ENDED
from core.runs.queue import Queue
from core.runs.watch import Watch
from core.settings import Settings
from core.store.ingest import Ingest
from core.store.journal import JOURNALS
from core.store.store import Store
from core.webhook import Webhook

STEP_S = 0.25
"""How often the hub looks for news."""

STALE_DRAFT_S = 3600.0
"""Age from which a half-made run folder is taken for the remains of a crash."""


class HubLoop:
    """Keeps the tables of a home up to its files, and its lanes busy.

    Args:
        settings: the home and the slots of the lanes.
        store: the open database.
        executor: how runs are started; processes of this machine by default.
    """

    def __init__(self, settings: Settings, store: Store, executor: Executor | None):
        self.settings, self.store = settings, store
        self.revision = 0
        """Grows whenever rows changed; a key for whatever was computed from them."""
        self.executor = executor or LocalExecutor(on_end=self._hear_of_end)
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._is_closing = threading.Event()
        self._log = _open_log(settings.home / "hub.log")
        self._noted: dict[str, str] = {}
        self.unread: dict[str, str] = {}
        """run -> why it cannot be read now; its rows are missing or old."""
        self._gone: set[str] = set()  # runs whose folders went and whose rows are still there
        _sweep_drafts(settings.home / "runs")
        self._watch = Watch(settings.home)
        self.ends = Ends()
        """Runs that have ended since this hub began."""
        self.webhook = Webhook(settings.webhook, self._log)
        self._ingest = Ingest(store.database, settings.home)
        self._queue = Queue(settings, self.executor)
        self._thread = threading.Thread(target=self._loop, daemon=True, name="hub")
        self._forget_vanished()

    def _forget_vanished(self) -> None:
        """Delete the rows of runs whose folders went while no hub was looking."""
        for run_id in self._ingest.list_run_ids():
            if not (self.settings.home / "runs" / run_id).exists():
                self._ingest.forget_run(run_id)

    def _loop(self) -> None:
        """Step until closed; an error is logged and never ends the thread."""
        self.step()
        self._compact_cache()
        while not self._is_closing.is_set():
            self._wake.wait(STEP_S)
            self._wake.clear()
            if not self._is_closing.is_set():
                self.step()

    def step(self) -> None:
        """Read what is new and start what is due, once."""
        with self._lock:
            if self._is_closing.is_set():
                return
            for part in (self._read_journals, self._read_runs, self._dispatch):
                try:
                    part()
                except Exception as error:  # a bug or a full disk: said in the log, tried again at the next step
                    self._note(part.__name__.strip("_"), error)

    def _note(self, where: str, error: Exception) -> None:
        """Log an error, once for as long as it stays the same."""
        if self._noted.get(where) != repr(error):
            self._noted[where] = repr(error)
            self._log.error("%s: %r", where, error, exc_info=error)

    def _read_journals(self) -> None:
        with self._ingest.commit_after():
            has_rows = any([self._ingest.read_journal(name) for name in JOURNALS])
        self.revision += has_rows

    def _read_runs(self) -> None:
        self._gone |= set(self._watch.list_gone())
        for run_id in sorted(self._gone):
            self.revision += self._ingest.forget_run(run_id)
            self._gone.remove(run_id)
        self._absorb(*self._watch.list_changed())
        runs = self.settings.home / "runs"  # a folder that nobody could read and somebody removed is no news any more
        self.unread = {run_id: reason for run_id, reason in self.unread.items() if (runs / run_id).exists()}

    def _absorb(self, *run_ids: str) -> None:
        """Bring the rows of runs up to their files, in one transaction.

        A run's state is read first and stored with its records, so that no state is ever ahead of the records.
        The watch takes a run for seen when it is read: whatever was not stored then is read again at the next step.
        """
        has_changed, is_stored, n_failed = False, False, self._ingest.n_failed_commits
        try:
            with self._ingest.commit_after():
                for run_id in run_ids:
                    try:
                        seen = self._watch.read(run_id)
                        has_changed |= self._ingest.read_records(run_id)
                        has_changed |= self._ingest.put_run(run_id, seen.run, seen.state)
                        self.unread.pop(run_id, None)
                    except Exception as error:  # one broken folder must not keep the others from being read
                        self._watch.touch(run_id)
                        self.unread[run_id] = str(error)
                        self._note(run_id, error)
            is_stored = self._ingest.n_failed_commits == n_failed  # much is committed in between, inside the loop
        finally:
            for run_id in () if is_stored else run_ids:
                self._watch.touch(run_id)
            self.revision += has_changed
        if is_stored:
            self._tell_ends(run_ids)

    def _tell_ends(self, run_ids: Iterable[str]) -> None:
        """Notice which of these runs have just ended; their rows are stored, so whoever hears of it can look."""
        for run_id in run_ids:
            seen = self._watch.runs.get(run_id)
            end = seen and self.ends.see(seen)
            if end:
                self.webhook.post(end)

    def _dispatch(self) -> None:
        self._absorb(*self._queue.step(self._watch.runs))

    def _hear_of_end(self, run_id: str) -> None:
        """A process ended (told by another thread): look now rather than at the next tick."""
        self._watch.touch(run_id)
        self._wake.set()

    def _compact_cache(self) -> None:
        """Tidy the caches that ended processes left; a failure costs disk space only."""
        try:
            from core.cache import compact

            compact(self.settings.home)
        except Exception as error:
            self._note("compact the cache", error)

    def wait_idle(self, timeout_s: float = 60.0) -> None:
        """Step until no run is queued or active.

        Raises:
            TimeoutError: it took longer; the message names the runs.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            self.step()
            waiting = [i for i, seen in list(self._watch.runs.items()) if seen.state.state not in ENDED]
            if not waiting:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"Still waiting for {', '.join(waiting)}.")
            time.sleep(0.05)

    def _stop(self) -> None:
        """End the thread and let the log file go."""
        self._is_closing.set()
        self.webhook.close()
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=30)
        for handler in list(self._log.handlers):
            handler.close()
            self._log.removeHandler(handler)


def _open_log(path: Path) -> logging.Logger:
    """Return a logger of its own for one home."""
    log = logging.getLogger(f"seedbed.hub.{path}")
    log.propagate = False
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    return log


def _sweep_drafts(runs: Path) -> None:
    """Remove half-made run folders that a crash left."""
    for draft in runs.glob(".draft-*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime > STALE_DRAFT_S:
                shutil.rmtree(draft)
