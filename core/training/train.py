"""Finetuning of a student by an objective, with TRL's trainers and PEFT (Kessler 2025, section 4.1).

A fresh adapter on every linear layer of the base (or all weights), the epoch with the best validation accuracy kept.
It writes into one folder and knows nothing of runs, tables or where its rows come from:

    FOLDER/adapter/         the adapter (or whole model) as safetensors, with the fingerprint of its base
    FOLDER/checkpoints/     one per epoch (the best and the last are kept), gone when the adapter is complete
    FOLDER/trained.json     the outcome; written last, so a repeated call with the same inputs returns it at once
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import TrainingError
from core.models.rendering import RENDERING_VERSION
from core.models.student import ADAPTER_ORIGIN, Student, hash_adapted, hash_model_files, is_whole_model
from core.tasks.base import Task
from core.training.checkpoints import find_checkpoint, hash_folder
from core.training.config import TrainingConfig, list_decisive
from core.training.data import TrainingRow
from core.training.faults import translated_faults
from core.training.hooks import TrainingHooks
from core.training.objectives.base import Objective
from core.training.rows import EncodedPair, EncodedRow, LeftOut, encode_pairs, encode_rows

KEPT_FILES = (
    "*.safetensors",
    "*.safetensors.index.json",
    "adapter_config.json",
    "config.json",
    "generation_config.json",
)
"""What of a checkpoint is the trained student; the tokenizer stays the base's."""

OUTCOME = "trained.json"


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What a finetune made."""

    adapter: Path
    """Folder with what was kept: an adapter, or the whole model."""

    n_rows: int
    """Rows trained on."""

    left_out: tuple[LeftOut, ...]
    """Rows that were not, with the reason for each."""

    n_steps: int
    """Optimiser steps that were made."""

    best_epoch: float
    """Epoch that was kept: the best by validation accuracy, the last where there was no validation."""

    best_step: int
    """Optimiser step at its end."""

    validation_accuracy: float | None
    """Of the kept epoch; None where there was no validation."""

    validation_accuracy_before: float | None
    """Of what it started from; None where there was no validation."""

    is_stopped: bool
    """Whether it was told to keep what it has before the last step."""

    seconds: float
    """Duration of the attempt that ended it, without loading the libraries."""

    step_seconds: float
    """Time of the training steps alone: no validation, no checkpoints."""

    tokens_per_second: float | None
    """Tokens of the rows by that time; None where no step was made."""

    padding_share: float | None
    """Share of what was computed that was padding."""

    metrics_share: float | None
    """Share of the step time that telling the metrics took."""


def train(
    source: str | Path,
    rows: Sequence[TrainingRow],
    task: Task,
    config: TrainingConfig,
    folder: Path,
    *,
    objective: Objective,
    start: Path | None = None,
    validation_rows: Sequence[TrainingRow] = (),
    hooks: TrainingHooks | None = None,
    known_checkpoints: Mapping[str, str] | None = None,
    device: str | None = None,
) -> TrainingOutcome:
    """Train a student, or go on where an earlier attempt stopped.

    Args:
        source: the base student, as for Student.load.
        rows: what an objective's ``prepare`` returned.
        task: renders the questions as prompts.
        config: settings.
        folder: gets adapter, checkpoints and outcome; the same folder and inputs resume.
        objective: what is minimised.
        start: what to go on from, as a finetune wrote it; None: from the base, with a fresh adapter.
        validation_rows: question and reference answer for the validation loss; may be empty.
        hooks: what the caller sees and decides.
        known_checkpoints: path -> hash, as ``on_checkpoint`` reported them in earlier attempts. No other
            checkpoint is read.
        device: torch device; None takes the first GPU where there is one.

    Raises:
        TrainingError: no usable rows; a loss that is no number; too little memory or disk.
        ModelLoadError: the base student cannot be loaded.
        RunCancelled: from ``hooks.check``; what the epochs before made can be resumed.
    """
    hooks = hooks or TrainingHooks()
    base = Student.load(source, device=device)
    inputs = _hash_inputs(base, start, task, config, objective, rows, validation_rows)
    if (outcome := _read_outcome(folder, inputs)) is not None:
        return outcome
    student = _open_for_training(base, source, start, config, device)
    max_length = find_longest_row(student, config)
    usable, positions, left_out = _encode(student, task, rows, max_length, objective, hooks)
    held_out, _, _ = encode_rows(student.tokenizer, task, validation_rows, max_length)
    checkpoints = folder / "checkpoints" / inputs[:12]
    resumed = _find_start(checkpoints, known_checkpoints or {}, folder)
    started = time.monotonic()

    from core.training.trainer import Encoded, make_trainer

    encoded = Encoded(usable, positions, held_out)
    with translated_faults(checkpoints, config, usable):
        trainer, watch = make_trainer(student, start, encoded, objective, config, checkpoints, folder, hooks)
        trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
        best_step = trainer.state.best_global_step or trainer.state.global_step
        _keep(checkpoints / f"checkpoint-{best_step}", folder / "adapter", base.fingerprint, str(source))
    outcome = _describe(folder, len(usable), left_out, trainer.state, watch, best_step, config, started)
    _write_outcome(folder, inputs, outcome)
    shutil.rmtree(folder / "checkpoints")
    return outcome


def _find_start(checkpoints: Path, known: Mapping[str, str], folder: Path) -> Path | None:
    """Return the checkpoint to go on from; where none will do, what lies there is taken away."""
    found = find_checkpoint(checkpoints, known, folder)
    if found is None and checkpoints.exists():  # torn by a crash, or a backup left out what goes on needs
        print("The checkpoints that were there cannot be gone on from; the training starts anew.")
        shutil.rmtree(checkpoints)
    return found


def find_longest_row(student: Student, config: TrainingConfig) -> int:
    """Return how many tokens a row may have, prompt and answer together: longer ones are left out."""
    return min(config.max_length, student.context_length or config.max_length)


def _describe(
    folder: Path,
    n_rows: int,
    left_out: Sequence[LeftOut],
    state: Any,
    watch: Any,
    best_step: int,
    config: TrainingConfig,
    started: float,
) -> TrainingOutcome:
    """Return what a training that has just ended made."""
    return TrainingOutcome(
        adapter=folder / "adapter",
        n_rows=n_rows,
        left_out=tuple(left_out),
        n_steps=state.global_step,
        best_epoch=round(config.epochs * best_step / state.max_steps, 6),
        best_step=best_step,
        validation_accuracy=state.best_metric,
        validation_accuracy_before=watch.accuracy_before,
        is_stopped=watch.is_stopped and state.global_step < state.max_steps,
        seconds=time.monotonic() - started,
        step_seconds=watch.step_seconds,
        tokens_per_second=watch.n_tokens / watch.step_seconds if watch.step_seconds else None,
        padding_share=1 - watch.n_tokens / watch.n_cells if watch.n_cells else None,
        metrics_share=watch.metric_seconds / watch.step_seconds if watch.step_seconds else None,
    )


def _open_for_training(
    base: Student, source: str | Path, start: Path | None, config: TrainingConfig, device: str | None
) -> Student:
    """Return the student whose weights are about to change, with the fingerprint of what it starts from."""
    student = base if start is None else replace(base, fingerprint=hash_adapted(base.fingerprint, start))
    if start is not None and is_whole_model(start):
        if config.weights != "full":
            raise TrainingError("What it goes on from is a whole model, so all weights must be trained: weights=full.")
        student = Student.load(source, adapter=start, device=device)
    elif start is not None and config.weights == "full":
        raise TrainingError("What it goes on from is an adapter, so only that can be trained on: weights=lora.")
    if config.weights == "full":
        student.model.float()  # steps of 1e-6 are lost in the rounding of bfloat16
    return student


def _encode(
    student: Student,
    task: Task,
    rows: Sequence[TrainingRow],
    max_length: int,
    objective: Objective,
    hooks: TrainingHooks,
) -> tuple[list[EncodedRow] | list[EncodedPair], list[int], list[LeftOut]]:
    """Return the rows as this objective's trainer reads them, and tell the others; raises TrainingError for none."""
    if objective.form == "pairs":
        is_whole = objective.rejects_whole
        found = encode_pairs(student.tokenizer, task, rows, max_length, is_rejected_whole=is_whole)
    else:
        found = encode_rows(student.tokenizer, task, rows, max_length)
    usable, _, left_out = found
    if hooks.on_rows is not None:
        hooks.on_rows(left_out)
    if not rows:
        raise TrainingError("There is nothing to train on: accept some candidates first.")
    if not usable:
        raise TrainingError(say_why_none(len(rows), left_out[0].position, left_out[0].reason))
    return found


def say_why_none(n_rows: int, place: int, reason: str) -> str:
    """Return the sentence for rows none of which can be used, with the first one's place and reason."""
    if n_rows == 1:
        return f"The one training row cannot be used: {reason}"
    return f"None of the {n_rows:,} training rows can be used; row {place + 1}: {reason}"


def _keep(checkpoint: Path, target: Path, base_fingerprint: str | None, source: str) -> None:
    """Copy what was trained out of its checkpoint, with a note of its base; it appears complete or not at all."""
    part = target.with_name(f".adapter.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for path in [path for pattern in KEPT_FILES for path in checkpoint.glob(pattern)]:
        shutil.copyfile(path, part / path.name)
    about = part / "adapter_config.json"
    if about.is_file():
        settings = json.loads(about.read_text(encoding="utf-8"))
        settings["base_model_name_or_path"] = source
        if isinstance(settings.get("target_modules"), list):  # a set, whose order is another one in each process
            settings["target_modules"].sort()  # the same weights are to have the same fingerprint
        about.write_text(json.dumps(settings, indent=2), encoding="utf-8")
    origin = {"source": source, "base_fingerprint": base_fingerprint}
    (part / ADAPTER_ORIGIN).write_text(json.dumps(origin, indent=2), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    part.replace(target)


def _hash_inputs(
    student: Student,
    start: Path | None,
    task: Task,
    config: TrainingConfig,
    objective: Objective,
    rows: Sequence[TrainingRow],
    validation_rows: Sequence[TrainingRow],
) -> str:
    """Return a hash of all that decides the training; what was made from other inputs is never gone on with."""
    texts = [
        (task.student_prompt(row.question), row.answer, row.label, row.rejected) for row in [*rows, *validation_rows]
    ]
    before = None if start is None else hash_model_files(start)
    way = [type(objective).__name__, asdict(objective)]
    settings = list_decisive(config)
    parts = [RENDERING_VERSION, student.fingerprint, student.dtype_name, before, way, settings, len(rows), texts]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _write_outcome(folder: Path, inputs: str, outcome: TrainingOutcome) -> None:
    record = {**asdict(outcome), "adapter": hash_folder(outcome.adapter), "inputs": inputs}
    part = folder / f".{OUTCOME}.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / OUTCOME)


def _read_outcome(folder: Path, inputs: str) -> TrainingOutcome | None:
    """Return the outcome of an earlier attempt with the same inputs; None where it is absent or its adapter changed."""
    if not (folder / OUTCOME).is_file():
        return None
    record = json.loads((folder / OUTCOME).read_text(encoding="utf-8"))
    adapter = folder / "adapter"
    if record.pop("inputs") != inputs or not adapter.is_dir() or record["adapter"] != hash_folder(adapter):
        return None
    left_out = tuple(LeftOut(**row) for row in record["left_out"])
    unsaid = {"validation_accuracy_before": None}  # what outcomes of before do not say
    return TrainingOutcome(**{**unsaid, **record, "adapter": adapter, "left_out": left_out})
