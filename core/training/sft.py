"""Supervised finetuning of a student with LoRA, by TRL's SFTTrainer and PEFT (Kessler 2025, section 4.1).

A fresh adapter on every linear layer of the base, loss on the answers only, the epoch with the best validation
accuracy kept. It writes into one folder and knows nothing of runs, tables or where its rows come from:

    FOLDER/adapter/         the adapter as safetensors, with the fingerprint of its base
    FOLDER/checkpoints/     one per epoch (the best and the last are kept), gone when the adapter is complete
    FOLDER/trained.json     the outcome; written last, so a repeated call with the same inputs returns it at once
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import TrainingError
from core.models.rendering import RENDERING_VERSION
from core.models.student import ADAPTER_ORIGIN, Student
from core.tasks.base import Task
from core.training.checkpoints import find_checkpoint, hash_folder
from core.training.config import TrainingConfig
from core.training.hooks import TrainingHooks
from core.training.rows import EncodedRow, LeftOut, encode_rows

ADAPTER_FILES = ("adapter_model.safetensors", "adapter_config.json")
OUTCOME = "trained.json"


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What a finetune made."""

    adapter: Path
    """Folder with the kept adapter."""

    n_rows: int
    """Rows trained on."""

    left_out: tuple[LeftOut, ...]
    """Rows that were too long, with the reason for each."""

    n_steps: int
    """Optimiser steps of the whole training."""

    best_epoch: float
    """Epoch that was kept: the best by validation accuracy, the last where there was no validation."""

    validation_accuracy: float | None
    """Of the kept epoch; None where there was no validation."""

    seconds: float
    """Duration of the attempt that ended it, without loading the libraries."""


def train_sft(
    source: str | Path,
    rows: Sequence[tuple[str, str]],
    task: Task,
    config: TrainingConfig,
    folder: Path,
    *,
    validation_rows: Sequence[tuple[str, str]] = (),
    hooks: TrainingHooks | None = None,
    known_checkpoints: Mapping[str, str] | None = None,
    device: str | None = None,
) -> TrainingOutcome:
    """Train a fresh adapter on the base student, or go on where an earlier attempt stopped.

    Args:
        source: the base student, as for Student.load.
        rows: (question, answer) to train on.
        task: renders the questions as prompts.
        config: settings.
        folder: gets adapter, checkpoints and outcome; the same folder and inputs resume.
        validation_rows: (question, reference answer) for the validation loss; may be empty.
        hooks: what the caller sees and decides.
        known_checkpoints: path -> hash, as ``on_checkpoint`` reported them in earlier attempts. No other
            checkpoint is read.
        device: torch device; None takes the first GPU where there is one.

    Raises:
        TrainingError: no usable rows, or an empty answer among them.
        ModelLoadError: the base student cannot be loaded.
        RunCancelled: from ``hooks.check``; what the epochs before made can be resumed.
    """
    hooks = hooks or TrainingHooks()
    student = Student.load(source, device=device)
    inputs = _hash_inputs(student, task, config, rows, validation_rows)
    if (outcome := _read_outcome(folder, inputs)) is not None:
        return outcome
    base_fingerprint, student.fingerprint = student.fingerprint, None  # its weights are about to change
    max_length = min(config.max_length, student.context_length or config.max_length)
    usable, left_out = encode_rows(student.tokenizer, task, rows, max_length)
    if not usable:
        raise TrainingError(_say_why_none(rows, left_out))
    held_out, _ = encode_rows(student.tokenizer, task, validation_rows, max_length)
    checkpoints = folder / "checkpoints" / inputs[:12]
    resumed = find_checkpoint(checkpoints, known_checkpoints or {}, folder)
    started = time.monotonic()
    state = _train(student, usable, held_out, config, checkpoints, folder, hooks, resumed)
    best_step = state.best_global_step or state.global_step
    _keep_adapter(checkpoints / f"checkpoint-{best_step}", folder / "adapter", base_fingerprint, str(source))
    outcome = TrainingOutcome(
        adapter=folder / "adapter",
        n_rows=len(usable),
        left_out=tuple(left_out),
        n_steps=state.global_step,
        best_epoch=round(config.epochs * best_step / state.max_steps, 6),
        validation_accuracy=state.best_metric,
        seconds=time.monotonic() - started,
    )
    _write_outcome(folder, inputs, outcome)
    shutil.rmtree(folder / "checkpoints")
    return outcome


def _train(
    student: Student,
    rows: Sequence[EncodedRow],
    held_out: Sequence[EncodedRow],
    config: TrainingConfig,
    checkpoints: Path,
    folder: Path,
    hooks: TrainingHooks,
    resumed: Path | None,
) -> Any:
    """Run the trainer to its end and return its state; the libraries are imported here."""
    from core.training.trainer import make_trainer

    trainer = make_trainer(student, rows, held_out, config, checkpoints, folder, hooks)
    trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
    return trainer.state


def _say_why_none(rows: Sequence[tuple[str, str]], left_out: Sequence[LeftOut]) -> str:
    if not rows:
        return "There is nothing to train on: accept some candidates first."
    return f"None of the {len(rows):,} training rows can be used: {left_out[0].reason}"


def _keep_adapter(checkpoint: Path, target: Path, base_fingerprint: str | None, source: str) -> None:
    """Copy the adapter out of its checkpoint, with a note of its base; it appears complete or not at all."""
    part = target.with_name(f".adapter.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name in ADAPTER_FILES:
        shutil.copyfile(checkpoint / name, part / name)
    settings = json.loads((part / "adapter_config.json").read_text(encoding="utf-8"))
    settings["base_model_name_or_path"] = source
    (part / "adapter_config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
    origin = {"source": source, "base_fingerprint": base_fingerprint}
    (part / ADAPTER_ORIGIN).write_text(json.dumps(origin, indent=2), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    part.replace(target)


def _hash_inputs(
    student: Student,
    task: Task,
    config: TrainingConfig,
    rows: Sequence[tuple[str, str]],
    validation_rows: Sequence[tuple[str, str]],
) -> str:
    """Return a hash of all that decides the training; what was made from other inputs is never gone on with."""
    prompts = [(task.student_prompt(question), answer) for question, answer in [*rows, *validation_rows]]
    parts = [RENDERING_VERSION, student.fingerprint, student.dtype_name, asdict(config), len(rows), prompts]
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
    return TrainingOutcome(**{**record, "adapter": adapter, "left_out": left_out})
