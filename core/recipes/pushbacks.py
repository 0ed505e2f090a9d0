"""How far servers hold a run back: what its throttles did, kept in its folder while it works.

It knows nothing of requests; the throttles tell it what they are doing when somebody asks.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from time import monotonic

from core.runs.folder import RunFolder
from core.runs.whole_files import write_json
from core.teacher.throttle import ThrottleState

FILE = "pushbacks.json"
"""File in a run folder: ``MODEL at BASE_URL`` -> fields of ``Pushbacks``; there is none where no server pushed back."""

EVERY_S = 1.0
"""Seconds between two looks at the throttles."""


@dataclass(frozen=True, slots=True)
class Pushbacks:
    """What one server did to the requests of a run."""

    n: int
    """Times that it pushed back (status 429, 503 or 529), in all attempts of the run."""

    limit: int
    """Requests that it was asked at the same time when last looked at."""

    ceiling: int
    """Requests that it is asked at the same time at most."""


def read_pushbacks(folder: RunFolder) -> dict[str, Pushbacks]:
    """Return ``MODEL at BASE_URL`` -> what that server did, for those that pushed back.

    What is written otherwise, by another version say, is passed over: a run does not end for it.
    """
    try:
        kept = json.loads((folder.path / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    found = {}
    for name, row in kept.items() if isinstance(kept, dict) else ():
        numbers = [row.get(each.name) for each in fields(Pushbacks)] if isinstance(row, dict) else [None]
        if all(isinstance(number, int) for number in numbers):
            found[name] = Pushbacks(*numbers)
    return found


class PushbackRecord:
    """Keeps the file of one run, written where something has changed.

    Args:
        folder: of the run; what it did before is counted on.
        snapshot: says what the throttles are doing now.
    """

    def __init__(self, folder: RunFolder, snapshot: Callable[[], Mapping[str, ThrottleState]]):
        self._path, self._snapshot = folder.path / FILE, snapshot
        self._before = self._kept = read_pushbacks(folder)
        self._due = monotonic() + EVERY_S

    def look(self) -> None:
        """Keep what the throttles did, where it is time for that; cheap enough for every request."""
        if monotonic() >= self._due:
            self.keep()

    def keep(self) -> None:
        """Keep what the throttles did until now."""
        self._due = monotonic() + EVERY_S
        found = dict(self._before)
        for name, state in self._snapshot().items():
            if state.n_pushbacks:
                n_before = self._before[name].n if name in self._before else 0
                found[name] = Pushbacks(n_before + state.n_pushbacks, state.limit, state.ceiling)
        if found != self._kept:
            self._kept = found
            write_json(self._path, {name: asdict(one) for name, one in found.items()})
