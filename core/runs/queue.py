"""The queue: which run starts next, which process is pressed to end, which run can never start.

It decides from run folders and processes alone, so a new app takes over where the last one died. Lanes do not hold
one another up; within a lane runs start in the order in which they were made, unless a person moved one, and a run that
waits for another lets those behind it pass. It knows nothing of the database.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.errors import RunError
from core.runs.executor import Executor
from core.runs.folder import ENDED, RunFolder
from core.runs.orders import read_orders
from core.runs.watch import ACTIVE, Watched
from core.settings import Settings

GRACE_S = 3.0
"""How long a cancelled run may take to end by itself before it is sent SIGTERM."""

FORCE_S = 8.0
"""How long after the order it is killed."""

SHELL_PATIENCE_S = 60.0
"""How long a run that a shell made for itself may take to start."""

MOVES = ("first", "up", "down")
"""Ways to move a run that waits: before all others, before the one in front of it, behind the one after it."""


@dataclass(slots=True)
class Pressed:
    """What was done to make a process end."""

    ordered_at: float
    is_asked: bool = False
    is_killed_at: float = 0.0


@dataclass(slots=True)
class Queue:
    """Dispatches the runs of one home."""

    settings: Settings
    executor: Executor
    grace_s: float = GRACE_S
    force_s: float = FORCE_S
    _pressed: dict[str, Pressed] = field(default_factory=dict)
    _was_active: set[str] = field(default_factory=set)
    _leaving: dict[str, float] = field(default_factory=dict)
    """Runs that are over and whose processes are not known to be gone, with the time since when."""

    def step(self, runs: Mapping[str, Watched]) -> list[str]:
        """Start, press and fail what is due; return the ids of runs whose files this has changed."""
        starting = self._list_starting(runs)
        self._sweep(runs)
        changed = self._press(runs, starting)
        changed += self._fail_unstarted(runs, starting)
        return changed + self._dispatch(runs, starting)

    def _list_starting(self, runs: Mapping[str, Watched]) -> set[str]:
        """Return runs that a live process works for although their files do not say so (yet, or any more)."""
        starting = set()
        for run_id, seen in runs.items():
            is_doubtful = seen.state.state == "cancelled" and (seen.is_hot or run_id in self._pressed)
            if seen.state.state == "queued" or is_doubtful:
                status = self.executor.status(seen.folder)
                if status and status.is_alive:
                    starting.add(run_id)
        return starting

    def _sweep(self, runs: Mapping[str, Watched]) -> None:
        """End the children of dead workers, and workers that are over but do not go."""
        active = {run_id for run_id, seen in runs.items() if seen.state.state in ACTIVE}
        now = time.time()
        self._leaving |= {run_id: now for run_id in self._was_active - active if run_id in runs}
        self._was_active = active
        for run_id in [*active, *self._leaving]:
            if run_id not in runs:
                del self._leaving[run_id]  # moved to the trash meanwhile
                continue
            folder = runs[run_id].folder
            status = self.executor.status(folder)
            if status is None or not status.is_alive:
                self.executor.end_orphans(folder)
                self._leaving.pop(run_id, None)
            elif now - self._leaving.get(run_id, now) > self.force_s:
                self.executor.cancel(folder, is_forced=True)

    def _press(self, runs: Mapping[str, Watched], starting: Iterable[str]) -> list[str]:
        """Send cancelled processes SIGTERM after the grace, SIGKILL after that."""
        due = [run_id for run_id, seen in runs.items() if seen.state.state == "cancelling"]
        due += [run_id for run_id in starting if runs[run_id].state.state == "cancelled"]
        now = time.time()
        for run_id in due:
            folder = runs[run_id].folder
            pressed = self._pressed.setdefault(run_id, Pressed(find_cancel_time(folder)))
            if now - pressed.ordered_at >= self.grace_s and not pressed.is_asked:
                pressed.is_asked = True
                self.executor.cancel(folder)
            is_due = now - pressed.ordered_at >= self.force_s and now - pressed.is_killed_at >= 1.0
            if is_due and not works_within(runs[run_id]):  # that would be the end of the others in that process too
                pressed.is_killed_at = now
                self.executor.cancel(folder, is_forced=True)
        for run_id in set(self._pressed) - set(due):
            del self._pressed[run_id]
        return due

    def _fail_unstarted(self, runs: Mapping[str, Watched], starting: set[str]) -> list[str]:
        """Fail queued runs whose process died before it began, or whose predecessor never came to an end."""
        failed = []
        for run_id, seen in runs.items():
            if seen.state.state == "queued" and run_id not in starting:
                sentence = self._why_it_cannot_start(runs, seen)
                if sentence and fail_queued(seen.folder, sentence):
                    failed.append(run_id)
        return failed

    def _why_it_cannot_start(self, runs: Mapping[str, Watched], seen: Watched) -> str | None:
        """Return the sentence for a run that can never start; None where it can."""
        status = self.executor.status(seen.folder)
        if status and status.exit_code is not None and status.attempt > seen.state.attempt:
            return f"The process ended before it began (exit code {status.exit_code}); its log says why."
        if starts_itself(seen) and time.time() - seen.run["created_at"] > SHELL_PATIENCE_S:
            return "The command that made this run ended before the run began; give the command again."
        after = seen.run["config"].get("after")
        if not after:
            return None
        if after not in runs:
            return f"It was to start after {after}, which is no longer there."
        state = runs[after].state.state
        if state in ENDED and state != "done":
            return f"It was to start after {after}, which is {state}; repeat that one, then this one."
        return None

    def _dispatch(self, runs: Mapping[str, Watched], starting: set[str]) -> list[str]:
        """Start the oldest queued runs of every lane while it has slots (a process on its way out still fills one)."""
        free = {
            "device": self.settings.device_slots,
            "teacher": self.settings.teacher_slots,
            "light": self.settings.light_slots,
        }
        for run_id, seen in runs.items():
            is_active = seen.state.state in ACTIVE and not works_within(seen)
            if is_active or run_id in starting or run_id in self._leaving:
                free[seen.run["lane"]] -= 1
        started = []
        queued = [run_id for run_id, seen in runs.items() if seen.state.state == "queued" and run_id not in starting]
        for run_id in sort_by_place(runs, queued):
            seen = runs[run_id]
            if free[seen.run["lane"]] > 0 and may_start(runs, seen):
                free[seen.run["lane"]] -= 1
                self.executor.submit(seen.folder)
                started.append(run_id)
        return started


def find_place(seen: Watched) -> float:
    """Return where a run stands in its lane's queue, lowest first: when it was made, or where it was moved to."""
    return float(seen.run["created_at"]) if seen.state.place is None else seen.state.place


def sort_by_place(runs: Mapping[str, Watched], run_ids: Iterable[str]) -> list[str]:
    """Return the runs in the order in which their lane starts them."""
    return sorted(run_ids, key=lambda run_id: (find_place(runs[run_id]), run_id))


def list_waiting(runs: Mapping[str, Watched], lane: str) -> list[str]:
    """Return the queued runs of a lane, the next one first."""
    return sort_by_place(runs, [i for i, s in runs.items() if s.state.state == "queued" and s.run["lane"] == lane])


def plan_move(runs: Mapping[str, Watched], run_id: str, where: str) -> dict[str, float]:
    """Return which runs of the lane must get which place so that one moves: nothing where it stands there already.

    The place is the mean of its new neighbours'; where no number lies between those two, all waiting ones get new
    places, a second apart.

    Args:
        runs: of the home.
        run_id: a queued one.
        where: one of MOVES.

    Raises:
        RunError: no such way to move.
    """
    if where not in MOVES:
        raise RunError(f"A run cannot be moved {where!r}; known: {', '.join(MOVES)}.")
    waiting = list_waiting(runs, runs[run_id].run["lane"])
    at = waiting.index(run_id)
    to = {"first": 0, "up": max(at - 1, 0), "down": min(at + 1, len(waiting) - 1)}[where]
    if to == at:
        return {}
    others = [other for other in waiting if other != run_id]
    places = [find_place(runs[other]) for other in others]
    low = places[to - 1] if to else places[0] - 2.0
    high = places[to] if to < len(places) else places[-1] + 2.0
    place = (low + high) / 2
    if low < place < high:
        return {run_id: place}
    return {id_: places[0] + i for i, id_ in enumerate([*others[:to], run_id, *others[to:]])}


def starts_itself(seen: Watched) -> bool:
    """Say whether a shell made this run to work on it itself, and has not begun yet."""
    return bool(seen.run.get("starts_itself")) and seen.folder.n_wanted_attempts() == 1


def works_within(seen: Watched) -> bool:
    """Say whether a run is an arm that its replicate's process carries out: it has none of its own, needs no slot."""
    return "arm" in seen.run["config"] and not (seen.folder.path / "launch.json").exists()


def may_start(runs: Mapping[str, Watched], seen: Watched) -> bool:
    """Say whether nothing but a slot is missing; a last look at the files, for they may have moved on."""
    after = seen.run["config"].get("after")
    if starts_itself(seen) or (after and (after not in runs or runs[after].state.state != "done")):
        return False
    return not seen.folder.is_alive() and seen.folder.read_state().state == "queued"


def find_cancel_time(folder: RunFolder) -> float:
    """Return when the run was last told to cancel; now, where that cannot be read."""
    return read_orders(folder.path).cancelled_at or time.time()


def fail_queued(folder: RunFolder, sentence: str) -> bool:
    """End a run that cannot start; False where it has moved on by itself."""
    if folder.read_state().state != "queued":
        return False
    try:
        with folder.hold():
            folder.finish("failed", error=sentence)
    except RunError:
        return False
    return True
