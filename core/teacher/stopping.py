"""When to stop asking: too large a share of the requests fails, or the server denies every one of them.

Only requests that were answered or failed are counted, and those on their way count as answered until they are not: a
server that refuses at once and answers slowly would otherwise seem to do nothing but refuse. It knows nothing of HTTP.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.errors import AskingStopped, TeacherError


@dataclass(frozen=True, slots=True)
class StopRule:
    """When too many requests fail."""

    window: int = 100
    """Requests that ended last, which are looked at."""

    minimum: int = 20
    """Requests that must have ended before anything is concluded."""

    share: float = 0.5
    """It stops where more than this share failed, those on their way counted as answered; 1: never."""


def read_stop_rule(value: Any) -> StopRule:
    """Return the rule that a configuration's ``error_stop`` says; raises TeacherError for what is none."""
    if value is None:
        return StopRule()
    known = {each.name for each in fields(StopRule)}
    if not isinstance(value, Mapping) or value.keys() - known:
        raise TeacherError('The error stop is given like {"window": 100, "minimum": 20, "share": 0.5}.')
    rule = StopRule(**value)
    for name in ("window", "minimum"):
        if type(getattr(rule, name)) is not int or getattr(rule, name) < 1:
            raise TeacherError(f"{name} of the error stop must be a whole number of at least 1.")
    if rule.minimum > rule.window:
        raise TeacherError("minimum of the error stop cannot be above its window.")
    if isinstance(rule.share, bool) or not isinstance(rule.share, int | float) or not 0 <= rule.share <= 1:
        raise TeacherError("share of the error stop must be a number from 0 to 1.")
    return rule


class ErrorStop:
    """Watches how requests end; once it has stopped, every further one is refused. Safe between threads.

    Args:
        rule: when too many fail.
        count_unsent: how many of the requests that have begun wait to be sent: they say nothing yet.
    """

    def __init__(self, rule: StopRule | None = None, count_unsent: Callable[[], int] = lambda: 0):
        self.rule = rule or StopRule()
        self._count_unsent = count_unsent
        self._ended: deque[str | None] = deque(maxlen=self.rule.window)
        self._n_under_way = 0
        self._sentence: str | None = None
        self._lock = threading.Lock()

    @property
    def sentence(self) -> str | None:
        """Why it has stopped; None while it has not."""
        return self._sentence

    def check(self) -> None:
        """Raise AskingStopped where nothing more may be sent."""
        if self._sentence is not None:
            raise AskingStopped(self._sentence)

    def begin(self) -> None:
        """Note that a request begins; exactly one of the next four follows."""
        with self._lock:
            self._n_under_way += 1

    def note_reply(self) -> None:
        """Note a reply: one that was cut off or a refusal is one, too."""
        with self._lock:
            self._n_under_way -= 1
            self._ended.append(None)

    def note_error(self, error: str) -> None:
        """Note a request that failed."""
        with self._lock:
            self._n_under_way -= 1
            self._ended.append(error)
            self._judge()

    def note_nothing(self) -> None:
        """Note a request that was given up before it told anything."""
        with self._lock:
            self._n_under_way -= 1

    def stop(self, sentence: str) -> None:
        """Stop for a reason that leaves no doubt; the first reason stays."""
        self._sentence = self._sentence or sentence

    def _judge(self) -> None:
        errors = [error for error in self._ended if error is not None]
        n_ended, n_failed = len(self._ended), len(errors)
        n_open = max(0, self._n_under_way - self._count_unsent())
        if n_ended >= self.rule.minimum and n_failed > self.rule.share * (n_ended + n_open):
            (error, n), *others = Counter(errors).most_common()
            how_often = f"most often ({n} times)" if others else "each time"
            self.stop(
                f"Stopped, as {n_failed} of the last {n_ended} requests failed, {how_often} because: "
                f"{error.rstrip('.')}; mend that and start again."
            )
