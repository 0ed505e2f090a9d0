"""Which runs have come to an end since a hub began to look, each end once.

A run ends more than once where it is told ``again``. What had ended before the hub began is no news: a restart tells
nothing twice. It knows run states only; who is told is the business of others (``core/webhook.py``, the pages).
"""

import time
from dataclasses import dataclass

from core.runs.folder import ENDED
from core.runs.orders import MADE_AT_ONCE
from core.runs.watch import Watched

N_REMEMBERED = 200
"""Ends that a page may still ask for."""


@dataclass(frozen=True, slots=True)
class End:
    """One attempt of a run that is over."""

    number: int
    """Counts the ends that this hub has seen, from 1."""

    run_id: str
    kind: str
    title: str
    state: str
    """done, failed, cancelled or lost."""

    error: str | None
    """One sentence for a failed or a lost run."""

    seconds: float | None
    """From the start of the attempt to its end; None where it never began, or nobody knows when it ended."""

    is_quiet: bool
    """Whether nobody is told: a preview or a problem tried out, which a page shows at once; an arm of an experiment,
    whose replicate is told."""


class Ends:
    """Remembers what is over, and notices what comes to be."""

    def __init__(self) -> None:
        self.began_at = time.time()
        self._seen: set[str] = set()
        self._known: dict[str, tuple[int, float | None]] = {}  # run -> attempt and time of its last known end
        self._ends: tuple[End, ...] = ()  # replaced, never changed: pages read it from other threads

    @property
    def latest(self) -> int:
        """Number of the last end; 0 before the first."""
        return self._ends[-1].number if self._ends else 0

    def list_after(self, number: int) -> list[End]:
        """Return the ends that came after the one of this number, oldest first."""
        return [end for end in self._ends if end.number > number]

    def see(self, seen: Watched) -> End | None:
        """Look at a run that may have changed; return its end where that is news."""
        run_id, state = seen.folder.run_id, seen.state
        is_first = run_id not in self._seen
        self._seen.add(run_id)
        mark = (state.attempt, state.ended_at)
        if state.state not in ENDED or self._known.get(run_id) == mark:
            return None
        self._known[run_id] = mark
        # nobody knows when a lost run ended: it is news where it was seen alive before
        is_news = not is_first if state.ended_at is None else state.ended_at >= self.began_at
        if not is_news or seen.run["kind"] in MADE_AT_ONCE:  # nothing was waited for
            return None
        return self._add(seen)

    def _add(self, seen: Watched) -> End:
        run, state = seen.run, seen.state
        times = (state.started_at, state.ended_at)
        end = End(
            number=self.latest + 1,
            run_id=seen.folder.run_id,
            kind=run["kind"],
            title=run["title"],
            state=state.state,
            error=state.error,
            seconds=None if None in times else max(state.ended_at - state.started_at, 0.0),
            is_quiet=run["kind"] == "try" or bool(run["config"].get("is_preview")) or "arm" in run["config"],
        )
        self._ends = (*self._ends, end)[-N_REMEMBERED:]
        return end
