"""Rollouts: how often a student solves a problem, and its right answers to it (SPARQ, arXiv 2506.06499, section 2).

The solve rate is the share of K drawn answers whose final answer is the problem's. Drawing and its cache are those of
the objectives (``core.training.asking``); unlike the signal ``solve_rate``, nothing but the final answer is looked at,
as in the paper. It knows nothing of how problems came about.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.analysis.accuracy import wilson_interval
from core.cache import Cache
from core.recipes.scoring import record_scores
from core.recipes.stages import home_of
from core.runs.folder import RunFolder
from core.selection.solve_rate import find_quality
from core.signals import Scores
from core.signals.solve_rate import SEED
from core.tasks.base import Task
from core.training.data import TrainingRow
from core.training.objectives.drawing import NO_REFERENCE, NO_ROOM, UNDECIDED, Asked, draw_for

if TYPE_CHECKING:
    from core.models.student import Student


@dataclass(frozen=True, slots=True)
class Solved:
    """A problem and what came of a student's attempts at it."""

    asked: Asked
    """The problem, ``row.origin_id`` being what the records call it, and its drawn answers, none without a reference;
    each has the reason why it is not fit to be trained on."""

    rate: float | None
    """Share of the attempts that end right; None where there is no reference, no room, or nothing to tell by."""

    @classmethod
    def judge(cls, asked: Asked) -> "Solved":
        """Return a problem whose answers were drawn with its solve rate."""
        judged = [draw.answer.is_correct for draw in asked.draws]
        if asked.has_no_room or all(is_correct is None for is_correct in judged):
            return cls(asked, None)
        return cls(asked, sum(is_correct is True for is_correct in judged) / len(judged))

    @property
    def quality(self) -> float:
        """1 - solve rate in [0.1, 0.9], else 0; 0 too where the rate is unknown."""
        return 0.0 if self.rate is None else float(find_quality(np.array([self.rate]))[0])

    @property
    def problem_id(self) -> str:
        """What the records call the problem."""
        return str(self.asked.row.origin_id)

    @property
    def right(self) -> list[str]:
        """Right answers fit to be trained on: whole, and each once."""
        return [draw.answer.text for draw in self.asked.list_fit(is_correct=True)]

    def say_unknown(self) -> str | None:
        """Return why there is no rate; None where there is one."""
        if self.rate is not None:
            return None
        return NO_REFERENCE if self.asked.row.final is None else NO_ROOM if self.asked.has_no_room else UNDECIDED


@dataclass(frozen=True, slots=True)
class Solver:
    """A student that attempts problems."""

    folder: RunFolder
    student: "Student"
    task: Task
    n: int
    """K: attempts at each problem."""

    temperature: float
    cache: Cache

    def solve(
        self, rows: Sequence[TrainingRow], stage: str, n_before: int = 0, total: int | None = None
    ) -> list[Solved]:
        """Return what comes of n attempts at each problem.

        The same ones in every replicate: problems differ between them, and a seed's solve rate is measured once.

        Args:
            rows: problems; the answers are not read.
            stage: name of the progress line.
            n_before: problems of the stage that were solved before.
            total: problems of the stage; None: these.
        """
        from core.training.asking import AskingHooks, StudentAsking

        total = len(rows) if total is None else total
        hooks = AskingHooks(
            report=lambda _, done, _all: self.folder.report(stage, n_before + done // self.n, 0, total),
            check=self.folder.check_cancelled,
        )
        asked = [Asked(row) for row in rows]
        asking = StudentAsking(self.student, self.task, SEED, hooks, self.cache)
        draw_for(asked, asking, self.n, self.temperature, {"right"})
        return [Solved.judge(one) for one in asked]


@contextmanager
def open_solver(folder: RunFolder, student: "Student", task: Task, n: int, temperature: float) -> Iterator[Solver]:
    """Yield a solver that remembers what it drew in the home's cache of samples."""
    with Cache(home_of(folder) / "cache" / "samples") as cache:
        yield Solver(folder, student, task, n, temperature, cache)


def record_rates(folder: RunFolder, label: str, solved: Sequence[Solved]) -> None:
    """Write the solve rates into the table ``scores``, with their 95 % intervals (Wilson 1927)."""
    values = np.array([np.nan if one.rate is None else one.rate for one in solved], dtype=np.float64)
    ends = np.full((len(solved), 2), np.nan)
    for place, one in enumerate(solved):
        if one.rate is not None:
            n = len(one.asked.draws)
            ends[place] = wilson_interval(round(one.rate * n), n)
    details = {"solve_rate_low": ends[:, 0], "solve_rate_high": ends[:, 1]}
    scores = Scores(values, details, notes=[one.say_unknown() for one in solved])
    record_scores(folder, label, [one.problem_id for one in solved], "solve_rate", scores)


def record_rollouts(folder: RunFolder, solved: Sequence[Solved], unused: Mapping[str, str]) -> None:
    """Write every drawn answer into the table ``own_answers``, with what became of it.

    Args:
        folder: receives the records.
        solved: problems with their answers.
        unused: problem -> why even its fit answers are not trained on.
    """
    import pandas as pd

    rows = []
    for one in solved:
        for draw in one.asked.draws:
            reason = draw.reason or unused.get(one.problem_id)
            said = {name: getattr(draw.answer, name) for name in ("sample", "text", "final", "is_correct")}
            about = {"round": 1, "problem_id": one.problem_id, "question": one.asked.row.question}
            rows.append({**about, **said, "is_kept": reason is None, "reason": reason})
    if rows:
        folder.write_part("own_answers", pd.DataFrame(rows).astype({"is_correct": "boolean", "reason": "str"}))
