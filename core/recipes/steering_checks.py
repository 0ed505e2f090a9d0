"""What a page needs before a check of steerability: the loops that can be checked, and how long a check takes."""

from dataclasses import dataclass

import pandas as pd

from core.errors import RunError
from core.hub import Hub
from core.recipes.answer_rate import estimate_answers
from core.recipes.start import fix_model
from core.recipes.steerability import CHECKED, find_last_adapter, require_over
from core.runs.folder import RunFolder

N_STUDENTS = 2
"""The first and the last one of a loop."""

ENOUGH = 20
"""Seeds of an earlier check, at least, for its time to be told of another."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a check will take."""

    seconds: float
    is_whole: bool
    """Whether an earlier check tells it; else it is what the students' answers alone take."""


def list_loops(hub: Hub, seed_set_id: str) -> pd.DataFrame:
    """Return the finished loops of a seed set that trained a student, newest first: the columns of ``list_runs``.

    Those of experiments are among them.
    """
    runs = hub.store.list_runs(CHECKED, ["done"], seed_set_id, limit=None)
    return runs[[_has_trained(hub, run_id) for run_id in runs["run_id"]]]


def _has_trained(hub: Hub, run_id: str) -> bool:
    try:
        _, adapter = find_last_adapter(require_over(RunFolder(hub.settings.home / "runs" / run_id)))
    except RunError:
        return False
    return adapter.is_dir()


def estimate_check(hub: Hub, student: str, n_seeds: int) -> Estimate | None:
    """Return how long a check takes, by the newest one of this student; None where nothing was measured here.

    Args:
        hub: of the home.
        student: as the runs name it.
        n_seeds: to be asked for.
    """
    for run in hub.store.list_steerability().to_dict("records"):
        if run["state"] != "done" or run["attempt"] != 1:
            continue
        run = hub.store.read_run(run["run_id"])
        n_then = (run["summary"] or {}).get("n_seeds") or 0
        if n_then >= ENOUGH and run["config"].get("student") == fix_model(student):
            return Estimate((run["ended_at"] - run["started_at"]) / n_then * n_seeds, is_whole=True)
    seconds = estimate_answers(hub, student, 2 * N_STUDENTS * n_seeds)
    return None if seconds is None else Estimate(seconds, is_whole=False)
