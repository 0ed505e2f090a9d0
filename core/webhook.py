"""Tells an address that a run has ended: one small JSON document by POST, for chat tools and scripts.

A thread of its own sends, with a short patience and a few tries, so that no step of the hub waits for a server. What
waits when the app is closed is not sent, and a restart sends nothing twice: an end is told by the hub that saw it
happen, or by none. A server that answered too late may have taken a document that is then sent again.
"""

import json
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from logging import Logger
from typing import Any
from urllib.parse import urlsplit

from core.runs.ends import End

TIMEOUT_S = 5.0
"""How long a server may take to answer."""

PAUSES_S = (1.0, 5.0)
"""Waits between one try and the next, so three tries in all."""

N_WAITING = 100
"""Ends that may wait for one another; those beyond are counted and not sent."""

PASSING = (408, 429)
"""Statuses below 500 that may be over at the next try."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as a GET without its document, and look delivered."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Webhook:
    """Posts the ends of runs to one address, one after the other.

    Args:
        address: http or https; None: nothing is posted.
        log: gets a line when posting begins to fail, and when it works again.
        timeout_s: how long a server may take to answer.
        pauses_s: waits between tries; one try more than there are waits.
    """

    def __init__(
        self,
        address: str | None,
        log: Logger,
        *,
        timeout_s: float = TIMEOUT_S,
        pauses_s: tuple[float, ...] = PAUSES_S,
    ):
        self.address, self._log = address, log
        self.timeout_s, self.pauses_s = timeout_s, pauses_s
        self.n_sent = 0
        self.n_failed = 0
        self.fault: str | None = None
        """Why the last one could not be posted, in one sentence; None where it could."""
        self._waiting: queue.Queue[Mapping[str, Any]] = queue.Queue(N_WAITING)
        self._is_closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._opener = urllib.request.build_opener(_NoRedirect)
        if address and not self.host:
            self.fault = "SEEDBED_WEBHOOK is no http or https address, so no end of a run is posted; correct it."
            self._log.error("webhook: %s", self.fault)

    @property
    def host(self) -> str | None:
        """Who is posted to, without what may be secret in the address; None where nobody is."""
        try:
            parts = urlsplit(self.address or "")
            return parts.hostname if parts.scheme in ("http", "https") else None
        except ValueError:
            return None

    def post(self, end: End) -> None:
        """Have an end posted; returns at once."""
        if not self.host or self._is_closing.is_set():
            return
        try:
            self._waiting.put_nowait(make_document(end))
        except queue.Full:
            self._fail(f"More than {N_WAITING} ends of runs wait to be posted to {self.host}; this one is not.")
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._send_all, daemon=True, name="webhook")
            self._thread.start()

    def close(self) -> None:
        """Stop; what still waits is not sent, and the log says how many that is."""
        if not self._is_closing.is_set() and (n_waiting := self._waiting.qsize()):
            self._log.error("webhook: %d ends were not posted: the dashboard was closed while they waited.", n_waiting)
        self._is_closing.set()

    def _send_all(self) -> None:
        while not self._is_closing.is_set():
            try:
                document = self._waiting.get(timeout=0.5)
            except queue.Empty:
                continue
            try:
                self._send(document)
            except Exception as error:  # a bug must not end the thread in silence
                self._fail(f"The end of {document['run_id']} was not posted to {self.host}: {error!r}.")

    def _send(self, document: Mapping[str, Any]) -> None:
        """Post one document, and again where that may help."""
        for pause in (*self.pauses_s, None):
            reason, may_pass = self._try(document)
            if reason is None:
                self._succeed()
                return
            if pause is None or not may_pass or self._is_closing.wait(pause):
                break
        self._fail(f"The end of {document['run_id']} was not posted to {self.host}: {reason}.")

    def _try(self, document: Mapping[str, Any]) -> tuple[str | None, bool]:
        """Post once; return why it failed (None: it did not), and whether another try may help."""
        request = urllib.request.Request(
            self.address,
            data=json.dumps(document, ensure_ascii=False).encode(errors="replace"),
            headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "Seedbed"},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=self.timeout_s):
                return None, True
        except urllib.error.HTTPError as error:
            error.close()
            return f"it answered with status {error.code}", error.code >= 500 or error.code in PASSING
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                return f"it did not answer within {self.timeout_s:g} seconds", True
            return f"it cannot be reached ({getattr(reason, 'strerror', None) or reason})", True

    def _succeed(self) -> None:
        if self.fault is not None:
            self._log.error("webhook: %s takes posts again; %d were not delivered.", self.host, self.n_failed)
        self.fault = None
        self.n_sent += 1  # last, as below: who sees the count sees what belongs to it

    def _fail(self, sentence: str) -> None:
        """Count it, and say it in the log where the one before could be sent."""
        if self.fault is None:
            self._log.error("webhook: %s Further ones are counted on the page Runs.", sentence)
        self.fault = sentence
        self.n_failed += 1


def make_document(end: End) -> dict[str, Any]:
    """Return what is posted of an end; ``text`` is the one field that chat tools show."""
    return {
        "run_id": end.run_id,
        "kind": end.kind,
        "title": end.title,
        "state": end.state,
        "error": end.error,
        "seconds": None if end.seconds is None else round(end.seconds, 1),
        "text": describe_end(end),
    }


def describe_end(end: End) -> str:
    """Return an end as one line: ``Finetune tiny on 90 rows: done after 2 min 10 s``."""
    after = "" if end.seconds is None else f" after {_say_duration(end.seconds)}"
    reason = f" {end.error}" if end.error else ""
    return f"{end.title}: {end.state}{after}.{reason}"


def _say_duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
