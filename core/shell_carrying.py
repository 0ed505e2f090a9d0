"""Carrying a run out in the shell's own process, with its progress on the other stream.

The run's folder is the same as one that the queue starts; what a run does is known elsewhere.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.errors import RunCancelled, RunError
from core.recipes.kinds import execute
from core.runs.finding import find_alike
from core.runs.folder import STOPPED, RunFolder
from core.shell_stopping import stopped_by_hand


class WatchedRun(RunFolder):
    """A run folder that also tells its progress on the other stream: a bar per stage, or a line where nobody looks."""

    def __init__(self, path: Path):
        super().__init__(path)
        self._stage, self._bar, self._told = "", None, ""

    def report(self, stage: str, made: int, failed: int, total: int | None) -> None:
        """Record the progress and move the bar."""
        from tqdm import tqdm

        super().report(stage, made, failed, total)
        if stage != self._stage:
            self.end_stage()
            self._stage = stage
            self._bar = tqdm(total=total, desc=stage, unit="", file=sys.stderr, mininterval=0.5, disable=None)
        self._told = describe_stage(stage, made, failed, total)
        self._bar.n = min(made, total or made)  # beyond its total tqdm draws no bar
        if failed:
            self._bar.set_postfix_str(f"{failed} failed or rejected", refresh=False)
        self._bar.update(0)

    def end_stage(self) -> None:
        """End the bar of the present stage; where no terminal shows one, write how the stage ended."""
        if self._bar is None:
            return
        if self._bar.disable:
            print(self._told, file=sys.stderr, flush=True)
        self._bar.refresh()
        self._bar.close()
        self._stage, self._bar = "", None


def describe_stage(stage: str, made: int, failed: int, total: int | None) -> str:
    """Return how far a stage is as a line: ``answers: 12 of 60``, ``round 1: teacher: 12 of 12, 3 failed ...``."""
    counts = f"{made:,}"
    if total is not None:  # a call that brings several candidates may bring more than were wanted
        counts += f", of {total:,} wanted" if made > total else f" of {total:,}"
    lost = f", {failed:,} failed or rejected" if failed else ""
    return f"{stage}: {counts}{lost}" if made or failed or total else stage


def carry_out(
    home: Path,
    kind: str,
    title: str,
    config: Mapping[str, Any],
    *,
    inputs: Mapping[str, Any] | None = None,
    files: Mapping[str, Path] | None = None,
    on_end: Callable[[RunFolder], None] = lambda folder: None,
    goes_on: bool = False,
) -> RunFolder:
    """Make a run and carry it out in this process, with its progress on the other stream; returns it when it is done.

    Args:
        home: the workspace.
        kind: what the run does.
        title: one line for people.
        config: what the run reads.
        inputs: name -> DataFrame, its input tables.
        files: name -> file that the run keeps a copy of.
        on_end: called with the run however it ended, before anything is raised.
        goes_on: whether a run of this home with the same configuration that did not come to its end is gone on with.

    Raises:
        RunError: it failed; the sentence is the run's own.
        RunCancelled: it was told to stop.
    """
    made = find_alike(home, kind, config, STOPPED) if goes_on else None
    if made is None:
        made = RunFolder.create(
            home, kind, title=title, config=config, lane="device", inputs=inputs, files=files, starts_itself=True
        )
        print(f"run {made.run_id}", flush=True)
    else:
        made.order("again")
        print(f"run {made.run_id}: goes on where it was stopped", flush=True)
    return carry_on(made, on_end)


def carry_on(made: RunFolder, on_end: Callable[[RunFolder], None] = lambda folder: None) -> RunFolder:
    """Carry a run that is made out in this process, as ``carry_out`` does; returns it when it is done."""
    folder = WatchedRun(made.path)
    try:
        with stopped_by_hand(folder):
            state = execute(folder)
    finally:
        folder.end_stage()
    on_end(folder)
    require_done(folder, state)
    return folder


def require_done(folder: RunFolder, state: str) -> None:
    """Raise in a run's own words why an attempt that has ended is not done; see ``carry_out``."""
    if state == "cancelled":
        raise RunCancelled("The run was cancelled.")
    if state != "done":
        raise RunError(folder.read_state().error)
