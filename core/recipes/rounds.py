"""Rounds as every recipe records them, and the plain kind: training anew on ever more of one set.

A round is a training from the base student and what it answers afterwards. Whatever a recipe is, its rounds have the
same records, so that experiments compare them: ``accepted`` counts what the round added to the budget (candidates, or
problems whose answers are trained on), ``training_rows`` what was trained on.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.analysis.accuracy import wilson_interval
from core.generation.grow import GrowOutcome
from core.models.student import Student
from core.recipes.stages import LOADING, ask_after, ask_before, list_tests
from core.recipes.training import Plan, train_stage
from core.records import Prediction, Problem
from core.runs.folder import RunFolder
from core.tasks.base import Task
from core.training.data import TrainingRow
from core.training.train import TrainingOutcome

COUNTS = ("selected", "requested", "failed", "rejected", "accepted", "n_input_tokens", "n_output_tokens")
"""What a round counts; the tokens are nominal, of the teacher."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What one round trains on: everything up to here, not only what is new."""

    rows: Sequence[TrainingRow]
    counts: Mapping[str, int]
    """Of COUNTS, what this round added; one that is not named is 0."""


def count_growth(outcome: GrowOutcome, n_selected: int) -> dict[str, int]:
    """Return what a round's growing adds to COUNTS."""
    names = ("requested", "failed", "rejected", "accepted", "n_input_tokens", "n_output_tokens")
    return {"selected": n_selected, **{name: getattr(outcome, name) for name in names}}


def run_portions(
    folder: RunFolder,
    task: Task,
    problems: Mapping[str, Sequence[Problem]],
    portions: Iterable[Portion],
    plan: Plan,
) -> dict[str, Any]:
    """Train the base student anew on each portion and ask it; returns the summary that becomes ``result.json``.

    A round that is told to keep what it has is the last one.

    Args:
        folder: receives the records of every round; its configuration names the student.
        task: of the problems.
        problems: split -> problems.
        portions: growing; each is taken once the one before was trained on, so it may be made only then.
        plan: objective and training settings.
    """
    source = folder.config["student"]
    folder.report(LOADING, 0, 0, None)
    tests = list_tests(folder, task, problems)
    before = ask_before(folder, Student.load(source), tests)
    rows, validation = [], problems.get("validation", ())
    started = time.time()
    for number, portion in enumerate(portions, 1):
        trained = train_stage(
            folder, number, task=task, source=source, rows=portion.rows, validation=validation, plan=plan
        )
        student = Student.load(source, adapter=trained.adapter)
        test = ask_after(folder, number, student, tests, before).get("test", {})
        rows.append(record_round(folder, number, portion.counts, trained, test, len(validation), started))
        if trained.is_stopped:
            break
        started = time.time()
    stopped = f"It was told in round {len(rows)} to keep what it had." if rows and trained.is_stopped else None
    return {**summarise_rounds(before, rows), "stopped": stopped}


def record_round(
    folder: RunFolder,
    number: int,
    counts: Mapping[str, int],
    trained: TrainingOutcome,
    test: Mapping[str, Any],
    n_validation: int,
    started: float,
) -> dict[str, Any]:
    """Write the row of the table ``rounds``; returns it with the interval of the validation accuracy.

    Args:
        folder: receives the row.
        number: of the round, from 1.
        counts: of COUNTS, what the round added.
        trained: what came of its training.
        test: row of ``evaluations`` of the test problems; empty where there are none.
        n_validation: problems that the validation accuracy is of.
        started: when the round began, seconds since the epoch.
    """
    row = {
        "round": number,
        **{name: counts.get(name, 0) for name in COUNTS},
        "training_rows": trained.n_rows,
        "validation_accuracy": trained.validation_accuracy,
        "test_accuracy": test.get("accuracy"),
        "test_low": test.get("low"),
        "test_high": test.get("high"),
        "seconds": time.time() - started,
        "written_at": time.time(),
    }
    folder.append("rounds", row)
    accuracy, low, high = trained.validation_accuracy, None, None
    if accuracy is not None:
        low, high = wilson_interval(round(accuracy * n_validation), n_validation)
    return {**row, "validation_low": low, "validation_high": high}


def summarise_rounds(
    before: Mapping[str, Mapping[str, Prediction]], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what a run of rounds reports: test accuracy before and after each, and the rows of ``record_round``."""
    test = before.get("test", {}).values()
    return {
        "test_accuracy_before": float(np.mean([bool(row.is_correct) for row in test])) if test else None,
        "n_test": len(test),
        "test_accuracy": [row["test_accuracy"] for row in rows],
        "rounds": list(rows),
    }
