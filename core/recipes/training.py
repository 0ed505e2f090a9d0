"""The training stage: accepted candidates in, an adapter and its learning curves out."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.lines import read_all
from core.models.predict import predict
from core.models.student import Student
from core.recipes.stages import home_of
from core.records import Candidate, Problem
from core.runs.folder import RunFolder
from core.tasks.base import Task
from core.training.config import TrainingConfig
from core.training.sft import TrainingHooks, TrainingOutcome, train_sft

if TYPE_CHECKING:
    import pandas as pd

SETTINGS_BY_TASK = {
    "word_problems": "gsm8k-synthetic",
    "maths": "math-synthetic",
    "prontoqa": "prontoqa-synthetic",
    "game24": "game24-synthetic",
    "custom": "gsm8k-synthetic",
}
"""Preset of a real student by task; the shipped student has its own."""


def choose_preset(student: str, task: str) -> str:
    """Return the name of the preset that a finetune of this student on this task starts from."""
    return "tiny" if student == "tiny" else SETTINGS_BY_TASK[task]


def rows_from_candidates(run_id: str, candidates: Sequence[Candidate]) -> "pd.DataFrame":
    """Return the training rows of a run's accepted candidates: candidate_run_id, candidate_id, question, answer.

    Of several with the same question and answer only the first is there.
    """
    import pandas as pd

    first = {}
    for row in candidates:
        first.setdefault((row.question.strip(), row.answer.strip()), row)
    rows = [(run_id, row.candidate_id, row.question, row.answer) for row in first.values()]
    return pd.DataFrame(rows, columns=["candidate_run_id", "candidate_id", "question", "answer"])


def train_stage(
    folder: RunFolder,
    round_: int,
    *,
    task: Task,
    source: str,
    rows: "pd.DataFrame",
    validation: Sequence[Problem],
    training: Mapping[str, Any],
) -> TrainingOutcome:
    """Train a fresh adapter of the round, or go on where an earlier attempt stopped.

    Args:
        folder: receives training_rows, metrics, checkpoints, adapters and the progress, counted in optimiser steps.
        round_: number of the round, from 1.
        task: renders questions as prompts.
        source: the base student.
        rows: candidate_run_id, candidate_id, question, answer.
        validation: problems whose accuracy decides which epoch is kept; may be empty.
        training: fields of TrainingConfig.
    """
    config = TrainingConfig.from_dict(training)
    place = folder.path / "checkpoints" / f"round-{round_}"
    place.mkdir(parents=True, exist_ok=True)
    outcome = train_sft(
        source,
        list(zip(rows["question"], rows["answer"], strict=True)),
        task,
        config,
        place,
        validation_rows=[(row.question, row.answer) for row in validation if row.answer],
        hooks=_make_hooks(folder, round_, task, validation, config, len(rows)),
        known_checkpoints=_read_checkpoints(folder, round_),
    )
    reasons = {left_out.position: left_out.reason for left_out in outcome.left_out}
    for position, row in enumerate(rows.itertuples()):
        if position in reasons:
            print(f"round {round_}: training row {position + 1} left out: {reasons[position]}")
            continue
        record = {"candidate_run_id": row.candidate_run_id, "candidate_id": row.candidate_id}
        folder.append("training_rows", {"round": round_, "position": position, **record})
    folder.append(
        "adapters",
        {
            "round": round_,
            "student": source,
            "path": str(outcome.adapter.relative_to(home_of(folder))),
            "n_rows": outcome.n_rows,
            "best_epoch": outcome.best_epoch,
            "validation_accuracy": outcome.validation_accuracy,
            "written_at": time.time(),
        },
    )
    return outcome


def _make_hooks(
    folder: RunFolder, round_: int, task: Task, validation: Sequence[Problem], config: TrainingConfig, n_rows: int
) -> TrainingHooks:
    """Return what the training tells the run folder, and how it is validated and stopped."""
    n_steps = config.epochs * -(-n_rows // config.batch_size)

    def on_metric(name: str, step: int, value: float, epoch: float) -> None:
        record = {"round": round_, "name": name, "step": step, "value": value, "epoch": epoch}
        folder.append("metrics", {**record, "written_at": time.time()})
        if name == "loss":
            folder.report(f"round {round_}: finetune", step, 0, max(n_steps, step))

    def validate(student: Student) -> dict[str, float | None]:
        predictions = predict(student, task, validation, check=folder.check_cancelled)
        losses = [row.loss for row in predictions if row.loss is not None]
        return {
            "validation_accuracy": float(np.mean([bool(row.is_correct) for row in predictions])),
            "own_answer_loss": float(np.mean(losses)) if losses else None,
        }

    def on_checkpoint(step: int, path: str, sha256: str) -> None:
        folder.append("checkpoints", {"round": round_, "step": step, "path": path, "sha256": sha256})

    return TrainingHooks(
        validate=validate if validation else None,
        on_metric=on_metric,
        on_checkpoint=on_checkpoint,
        check=folder.check_cancelled,
    )


def _read_checkpoints(folder: RunFolder, round_: int) -> dict[str, str]:
    """Return path -> hash of the checkpoints that earlier attempts of this run recorded."""
    records = read_all(folder.path / "records" / "checkpoints.jsonl")
    return {row["path"]: row["sha256"] for row in records if row["round"] == round_}
