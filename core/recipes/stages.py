"""The stages of a round, each writing what it did into a run folder.

The single-stage runs that pages start and the whole loop use the same stages, so both leave the same records. A
stage does not know who started the run, who watches it, or what comes next.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core.analysis.accuracy import evaluate
from core.cache import Cache
from core.datasets import load_problems
from core.filters.base import is_rejected
from core.filters.held_out import is_known, make_held_out_keys
from core.models.base import AnsweringStudent
from core.models.predict import predict
from core.records import Candidate, Prediction, Problem, Verdict
from core.runs.folder import RunFolder
from core.selection import choose
from core.selection.base import Pool, Selection
from core.tasks import TASKS
from core.tasks.base import Task

LOADING = "loading the model"
"""What a run reports before its first stage: a large model takes minutes to come."""

SPARES_PER_SEED = 3
"""Seeds kept in reserve per chosen one: rejected candidates are replaced from the next-best, up to 4m requests."""


TESTED = ("test", "ood")
"""Splits that are answered before and after training, as far as a seed set has them."""


CANDIDATE_SPLIT = "candidate"
"""Split under which a student's answers to candidates are recorded; their problem id is the candidate's."""


def make_child(candidate: Candidate) -> Problem:
    """Return a candidate as a problem that a student can be asked."""
    id_, text = candidate.candidate_id, candidate.question
    return Problem(id_, text, candidate.answer, candidate.final, CANDIDATE_SPLIT, candidate.meta)


def home_of(folder: RunFolder) -> Path:
    """Return the workspace that a run folder lies in."""
    return folder.path.parent.parent


def predict_stage(
    folder: RunFolder,
    student: AnsweringStudent,
    label: str,
    task: Task,
    problems: Sequence[Problem],
    stage: str,
    on_batch: Callable[[int, int], None] | None = None,
) -> dict[str, Prediction]:
    """Let the student answer the problems and record it; returns problem_id -> prediction.

    Args:
        folder: receives the table ``predictions`` and the progress.
        student: loaded, with or without adapter.
        label: what the run calls this student: ``base``, ``round-1``, ...
        task: brings prompt, extraction and comparison.
        problems: answered in this order.
        stage: name of the progress line.
        on_batch: called with (answered, all) in place of reporting the progress.
    """
    import pandas as pd

    with Cache(home_of(folder) / "cache" / "predictions") as cache:
        predictions = predict(
            student,
            task,
            problems,
            cache=cache,
            on_batch=on_batch or (lambda done, total: folder.report(stage, done, 0, total)),
            check=folder.check_cancelled,
        )
    splits = {problem.problem_id: problem.split for problem in problems}
    rows = [
        {
            **{name: value for name, value in asdict(row).items() if not name.startswith("token_")},
            "surprises": write_surprises(row),
            "student": label,
            "split": splits[row.problem_id],
        }
        for row in predictions
    ]
    if rows:  # a part without rows has no columns
        folder.write_part("predictions", pd.DataFrame(rows))
    return {row.problem_id: row for row in predictions}


def write_surprises(row: Prediction) -> str | None:
    """Return where each token of an answer ends and how much it surprised, as JSON; None where that is not known."""
    if row.token_ends is None or row.token_losses is None:
        return None
    return json.dumps(list(zip(row.token_ends, row.token_losses, strict=True)), separators=(",", ":"))


def select_with_spares(
    pool: Pool, selector: str, k: int, rng: np.random.Generator, pick: str = "argmax"
) -> tuple[Selection, list[int]]:
    """Choose k rows (fewer where the pool is smaller), then the next-best as spares, in the same order of preference.

    A selector that puts rows in an order is asked once for all of them: the first k are its choice of k. One that draws
    from parts is asked again for the spares, so that the chosen ones keep their shares.

    Returns:
        The selection of the chosen rows, and the rows of the spares.
    """
    n_free = int(pool.is_free.sum())
    k = min(k, n_free)
    n_spare = min(SPARES_PER_SEED * k, n_free - k)
    state = rng.bit_generator.state
    chosen = choose(pool, selector, k, rng, pick=pick)
    if not n_spare:
        return chosen, []
    if chosen.group is not None:
        return chosen, choose(pool.without(chosen.indices), selector, n_spare, rng, pick=pick).indices.tolist()
    rng.bit_generator.state = state
    rows = choose(pool, selector, k + n_spare, rng, pick=pick).indices
    taken = set(chosen.indices.tolist())  # a selector of somebody's own may order otherwise when asked for more
    return chosen, [row for row in rows.tolist() if row not in taken][:n_spare]


def record_selection(
    folder: RunFolder,
    round_: int,
    problems: Sequence[Problem],
    selection: Selection,
    spares: Sequence[int],
    about: Mapping[str, object],
) -> list[Problem]:
    """Write the tables ``selections`` and ``selected``; returns the seeds, chosen ones first, then the spares.

    Args:
        folder: receives the records.
        round_: number of the round, from 1.
        problems: the pool's problems, aligned with the selection's indices.
        selection: the chosen rows.
        spares: rows in reserve.
        about: the other columns of ``selections`` (seed_set_id, selector, k, replicate, ...).
    """
    folder.append(
        "selections",
        {
            **about,
            "round": round_,
            "n_pool": len(problems),
            "n_topped_up": selection.n_topped_up,
            "written_at": time.time(),
        },
    )
    rows = [*selection.indices.tolist(), *spares]
    reasons = [*selection.reason, *["spare: asked only where an earlier one was rejected"] * len(spares)]
    for rank, (row, reason) in enumerate(zip(rows, reasons, strict=True)):
        folder.append(
            "selected",
            {
                "round": round_,
                "rank": rank,
                "problem_id": problems[row].problem_id,
                "priority": None if selection.priority is None else float(selection.priority[row]),
                "group": None if selection.group is None else str(selection.group[row]),
                "reason": reason,
            },
        )
    return [problems[row] for row in rows]


class CandidateRecorder:
    """Writes each judged candidate of a round as it comes, and keeps the progress: made, failed, left."""

    def __init__(self, folder: RunFolder, round_: int, n_accepted: int, stage: str):
        self.folder, self.round, self.n_wanted, self.stage = folder, round_, n_accepted, stage
        self.n_accepted = self.n_lost = self.position = 0
        self.questions: list[str] = []
        """Every question so far, accepted or not, in the order of asking."""

        self.wrong_ones: list[Candidate] = []
        """Candidates of the method that asks for wrong solutions, failed ones included."""

    def __call__(self, candidate: Candidate, verdicts: Sequence[Verdict]) -> None:
        """Record one candidate and what the filters said of it, and tell the progress."""
        self.keep(candidate, verdicts)
        self.report()

    def keep(self, candidate: Candidate, verdicts: Sequence[Verdict]) -> None:
        """Record one candidate and what the filters said of it."""
        for verdict in verdicts:  # first: a candidate without verdicts would count as accepted for a moment
            self.folder.append("verdicts", asdict(verdict))
        row = {**asdict(candidate), "round": self.round, "position": self.position, "written_at": time.time()}
        self.folder.append("candidates", row)
        self.position += 1
        if candidate.method == "incorrect":
            self.wrong_ones.append(candidate)
        elif candidate.question is not None:
            self.questions.append(candidate.question)
        is_accepted = candidate.failure is None and not is_rejected(verdicts)
        self.n_accepted += is_accepted
        self.n_lost += not is_accepted

    def report(self) -> None:
        """Tell the progress."""
        self.folder.report(self.stage, self.n_accepted, self.n_lost, self.n_wanted)


def evaluate_stage(
    folder: RunFolder,
    round_: int,
    split: str,
    before: Mapping[str, Prediction],
    after: Mapping[str, Prediction],
) -> dict[str, object]:
    """Compare the same problems before and after training and record it; returns the row of ``evaluations``."""
    ids = list(before)
    row = evaluate([before[id_] for id_ in ids], [after[id_] for id_ in ids])
    row = {**row, "round": round_, "split": split, "written_at": time.time()}
    folder.append("evaluations", row)
    return row


def list_tests(
    folder: RunFolder, task: Task, problems: Mapping[str, Sequence[Problem]]
) -> dict[str, tuple[Task, Sequence[Problem]]]:
    """Return name -> task and problems of everything that a run tests on: splits of its own, and other sets.

    Args:
        folder: its configuration names the other sets (``asked_sets``: name, seed_set, task and splits of each).
        task: of the run's own seed set.
        problems: split -> problems of that one; of them the TESTED ones are asked.
    """
    tests = {split: (task, problems[split]) for split in TESTED if problems.get(split)}
    for each in folder.config.get("asked_sets", ()):
        asked = load_problems(home_of(folder), each["seed_set"], each["splits"])
        tests[each["name"]] = (TASKS.get(each["task"]), asked)
    return tests


def leave_out_asked(folder: RunFolder, task: Task, problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems whose question is in none of the other sets that a run tests on; what is lost is printed."""
    keys: frozenset[str] = frozenset()
    for each in folder.config.get("asked_sets", ()):
        asked = load_problems(home_of(folder), each["seed_set"])
        keys |= make_held_out_keys(TASKS.get(each["task"]), asked)
    kept = [problem for problem in problems if not is_known(task, problem.question, keys)]
    if n_lost := len(problems) - len(kept):
        print(f"{n_lost:,} of {len(problems):,} seeds were left out: a set that is tested on has their question.")
    return kept


def ask_before(
    folder: RunFolder, student: AnsweringStudent, tests: Mapping[str, tuple[Task, Sequence[Problem]]]
) -> dict[str, dict[str, Prediction]]:
    """Let the student answer what it will be tested on, before any training; returns name of the test -> predictions.

    Args:
        folder: receives predictions, and round 0 of the table ``evaluations``.
        student: loaded, without an adapter.
        tests: of ``list_tests``.
    """
    before = {}
    for name, (task, asked) in tests.items():
        before[name] = predict_stage(folder, student, "base", task, asked, f"{name}, before")
        evaluate_stage(folder, 0, name, before[name], before[name])
    return before


def ask_after(
    folder: RunFolder,
    round_: int,
    student: AnsweringStudent,
    tests: Mapping[str, tuple[Task, Sequence[Problem]]],
    before: Mapping[str, Mapping[str, Prediction]],
) -> dict[str, dict[str, object]]:
    """Let the student of a round answer the same problems; returns name of the test -> row of ``evaluations``.

    Args:
        folder: receives predictions and evaluations.
        round_: its number, from 1.
        student: loaded with the round's adapter.
        tests: of ``list_tests``.
        before: of ``ask_before``.
    """
    rows = {}
    for name, (task, asked) in tests.items():
        stage = f"{name}, after round {round_}"
        after = predict_stage(folder, student, f"round-{round_}", task, asked, stage)
        rows[name] = evaluate_stage(folder, round_, name, before[name], after)
    return rows
