"""Finetuning a random model for real: TRL and PEFT run, nothing is faked but the student's size."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from math import cos, pi
from pathlib import Path

import pytest
import torch

from core.errors import ModelLoadError, RunCancelled, TrainingError
from core.lines import read_all
from core.models.predict import predict
from core.models.student import Student, hash_model_files
from core.training.checkpoints import find_checkpoint
from core.training.config import TrainingConfig
from core.training.data import TrainingRow
from core.training.hooks import TrainingHooks
from core.training.objectives import make_objective
from core.training.train import train as train_by
from tests.models.tiny import EchoTask, make_problem

TASK = EchoTask()
ROWS = [TrainingRow(f"Tom has {i} apples and buys {i + 2} more", f"He has {2 * i + 2}") for i in range(10)]
SFT = make_objective("sft")
CONFIG = TrainingConfig(rank=4, alpha=4, learning_rate=1e-2, epochs=3, batch_size=4, seed=7)
STEPS_PER_EPOCH = 3

WORKER = """
import sys, time
from pathlib import Path
from core.lines import LineWriter
from core.training.hooks import TrainingHooks
from core.training.train import train
from tests.training.test_train import CONFIG, ROWS, SFT, TASK, validate_by_epoch
metrics, checkpoints = (LineWriter(Path(sys.argv[2]) / f"{name}.jsonl") for name in ("metrics", "checkpoints"))
def note(name, step, value, epoch):
    if name == "tokens_per_second":
        return
    metrics.append({"name": name, "step": step, "value": value})
    if name == "loss":
        print(step, flush=True)
        time.sleep(0.05)
hooks = TrainingHooks(
    validate=validate_by_epoch(), on_metric=note,
    on_checkpoint=lambda step, path, sha256: checkpoints.append({"path": path, "sha256": sha256}),
)
train(sys.argv[1], ROWS, TASK, CONFIG, Path(sys.argv[2]), objective=SFT, hooks=hooks, device="cpu")
"""


def validate_by_epoch(*accuracies: float):
    """Return a validation that answers with given accuracies, or one that depends on the weights alone.

    With given ones, what it starts from gets all right, and is not kept all the same.
    """
    left = list(accuracies)

    def validate(student: Student, step: int, epoch: float) -> dict[str, float]:
        if left:
            return {"validation_accuracy": left.pop(0) if step else 1.0}
        weights = sum(float(w.detach().double().sum()) for n, w in student.model.named_parameters() if "lora_B" in n)
        return {"validation_accuracy": round(abs(weights) % 1, 4)}

    return validate


class Notes:
    """Collects what the hooks report."""

    def __init__(self, validate=None, check=None):
        self.metrics: dict[tuple[str, int], float] = {}
        self.n_metrics = 0
        self.speeds: dict[int, float] = {}
        self.checkpoints: dict[str, str] = {}
        self.hooks = TrainingHooks(validate, self.note_metric, on_checkpoint=self.note_checkpoint, check=check)

    def note_metric(self, name, step, value, epoch):
        if name == "tokens_per_second":  # never twice the same
            self.speeds[step] = value
            return
        self.n_metrics += 1
        self.metrics[name, step] = value
        assert step / STEPS_PER_EPOCH <= epoch + 0.01 < (step + 1) / STEPS_PER_EPOCH  # by rows, the last step has fewer

    def note_checkpoint(self, step, path, sha256):
        self.checkpoints[path] = sha256

    def losses(self) -> list[float]:
        return [value for (name, _), value in sorted(self.metrics.items()) if name == "loss"]


def train(model_folder, folder, notes=None, *, config=CONFIG, rows=ROWS, **options):
    hooks = None if notes is None else notes.hooks
    options = {"objective": SFT, **options}
    return train_by(model_folder, rows, TASK, config, folder, hooks=hooks, device="cpu", **options)


@pytest.fixture(scope="module")
def trained(model_folder, tmp_path_factory):
    """One whole training, and what it reported."""
    notes = Notes(validate_by_epoch())
    folder = tmp_path_factory.mktemp("trained")
    return train(model_folder, folder, notes, validation_rows=ROWS[:3]), notes, folder


def test_metrics_are_streamed_at_each_step_and_each_epoch(trained):
    outcome, notes, _ = trained
    steps = list(range(1, 3 * STEPS_PER_EPOCH + 1))
    assert sorted(notes.speeds) == steps and min(notes.speeds.values()) > 0
    for name in ("loss", "learning_rate", "grad_norm"):
        assert [step for metric, step in notes.metrics if metric == name] == steps
    for name in ("validation_loss", "validation_accuracy"):
        assert [step for metric, step in notes.metrics if metric == name] == [0, *steps[2::3]]
    assert [step for metric, step in notes.metrics if metric == "padding_share"] == steps[2::3]
    assert notes.n_metrics == len(notes.metrics)
    assert outcome.n_steps == 9 and outcome.n_rows == 10 and outcome.left_out == ()


def test_it_learns(trained):
    _, notes, _ = trained
    losses = notes.losses()
    assert sum(losses[-3:]) < 0.95 * sum(losses[:3])
    assert notes.metrics["validation_loss", 9] < notes.metrics["validation_loss", 3]


def test_the_rate_warms_up_over_its_share_and_then_falls(trained):
    _, notes, _ = trained
    rates = [value for (name, _), value in sorted(notes.metrics.items()) if name == "learning_rate"]
    assert rates[0] == 0 and rates[2] == pytest.approx(CONFIG.learning_rate)  # 15 % of 9 steps, rounded up: 2
    assert rates[2:] == sorted(rates[2:], reverse=True) and rates[-1] < 0.2 * CONFIG.learning_rate


def test_the_cosine_ends_at_its_lowest_rate(model_folder, tmp_path, monkeypatch):
    from core.training import trainer as trainers

    made, make = [], trainers.make_trainer
    monkeypatch.setattr(trainers, "make_trainer", lambda *args: made.append(make(*args)) or made[0])
    notes = Notes()
    config = replace(CONFIG, schedule="cosine_with_min_lr", warmup=0.0, epochs=1)
    train(model_folder, tmp_path, notes, config=config)
    rates = [value for (name, _), value in sorted(notes.metrics.items()) if name == "learning_rate"]
    assert config.min_learning_rate == 1e-9
    assert rates == pytest.approx([1e-9 + (1e-2 - 1e-9) * (1 + cos(pi * step / 3)) / 2 for step in range(3)])
    assert made[0][0].lr_scheduler.get_last_lr()[0] == pytest.approx(1e-9)  # after the last step


def test_the_best_and_the_last_checkpoint_are_on_the_disk_and_no_other(model_folder, tmp_path):
    on_disk = []

    def look(step, path, sha256):
        on_disk.append(sorted(int(folder.name.split("-")[1]) for folder in tmp_path.glob("checkpoints/*/checkpoint-*")))

    notes = Notes(validate_by_epoch(0.1, 0.9, 0.2, 0.3, 0.9))
    hooks = replace(notes.hooks, on_checkpoint=look)
    outcome = train(model_folder, tmp_path, type("", (), {"hooks": hooks}), config=replace(CONFIG, epochs=5))
    assert on_disk == [[3], [3, 6], [6, 9], [6, 12], [6, 15]] and outcome.best_step == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter", "trained.json"]


def test_the_base_is_left_as_it_was_and_the_adapter_is_not_empty(trained, model_folder):
    from safetensors.torch import load_file

    outcome, _, folder = trained
    base = hash_model_files(model_folder)
    assert json.loads((outcome.adapter / "origin.json").read_text())["base_fingerprint"] == base
    assert Student.load(model_folder, device="cpu").fingerprint == base
    weights = load_file(outcome.adapter / "adapter_model.safetensors")
    assert len(weights) == 2 * 2 * 7 and all(torch.isfinite(w).all() for w in weights.values())
    assert all(w.abs().sum() > 0 for name, w in weights.items() if "lora_B" in name)
    assert sorted(path.name for path in folder.iterdir()) == ["adapter", "trained.json"]


def test_the_adapter_answers_as_the_live_student_did(model_folder, tmp_path):
    problems, live = [make_problem(question) for question in (row.question for row in ROWS)], []

    def validate(student, step, epoch):
        live.append(predict(student, TASK, problems))
        return {"validation_accuracy": float(len(live))}

    outcome = train(model_folder, tmp_path, Notes(validate))
    student = Student.load(model_folder, adapter=outcome.adapter, device="cpu")
    later = predict(student, TASK, problems)
    assert [row.text for row in later] == [row.text for row in live[-1]]
    assert [row.loss for row in later] == pytest.approx([row.loss for row in live[-1]], abs=1e-4)
    assert [row.text for row in later] != [row.text for row in predict(Student.load(model_folder), TASK, problems)]


def test_same_seed_same_losses_and_another_seed_others(trained, model_folder, tmp_path):
    _, first, _ = trained
    again, other = Notes(validate_by_epoch()), Notes()
    train(model_folder, tmp_path / "a", again, validation_rows=ROWS[:3])
    train(model_folder, tmp_path / "b", other, config=replace(CONFIG, seed=8))
    assert again.metrics == first.metrics
    assert other.losses() != first.losses()


def test_the_quick_loss_is_trls_loss(trained, model_folder, tmp_path, monkeypatch):
    from trl import SFTTrainer

    from core.training.trainers import AnswerTrainer

    _, quick, _ = trained
    monkeypatch.setattr(AnswerTrainer, "compute_loss", SFTTrainer.compute_loss)
    slow = Notes()
    train(model_folder, tmp_path, slow)
    assert slow.losses() == pytest.approx(quick.losses(), abs=1e-4)


@pytest.mark.parametrize(
    ("accuracies", "losses", "best"),
    [
        ((0.2, 0.5, 0.4), (1.0, 3.0, 2.0), 2),
        ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0), 1),
        ((0.0, 0.0, 0.0), (3.0, 1.0, 2.0), 2),
        ((0.1, 0.2, 0.3), (1.0, 2.0, 3.0), 3),
    ],
)
def test_the_best_epoch_is_kept_of_equals_the_lowest_loss_then_the_earlier(
    model_folder, tmp_path, accuracies, losses, best
):
    from safetensors.torch import load_file

    kept: list[dict[str, torch.Tensor]] = []
    given = validate_by_epoch(*accuracies)

    def validate(student, step, epoch):
        if step:
            kept.append({n: w.detach().clone() for n, w in student.model.named_parameters() if "lora_" in n})
        return {**given(student, step, epoch), "validation_loss": losses[len(kept) - 1] if step else 0.0}

    outcome = train(model_folder, tmp_path, Notes(validate))
    assert (outcome.best_epoch, outcome.validation_accuracy) == (best, max(accuracies))
    assert outcome.validation_accuracy_before == 1.0
    saved = load_file(outcome.adapter / "adapter_model.safetensors")
    for name, weights in kept[best - 1].items():
        assert torch.equal(saved[name.replace(".default", "")], weights)


def test_without_validation_the_last_epoch_is_kept(model_folder, tmp_path):
    outcome = train(model_folder, tmp_path)
    assert (outcome.best_epoch, outcome.validation_accuracy) == (3, None)
    assert outcome.validation_accuracy_before is None


def test_rows_that_are_too_long_are_reported(model_folder, tmp_path):
    outcome = train(
        model_folder, tmp_path, rows=[*ROWS[:4], TrainingRow("Tom " * 400, "3")], config=replace(CONFIG, epochs=1)
    )
    assert outcome.n_rows == 4 and [row.position for row in outcome.left_out] == [4]
    with pytest.raises(TrainingError, match="The one training row cannot be used: "):
        train(model_folder, tmp_path / "b", rows=[TrainingRow("Tom " * 400, "3")])
    with pytest.raises(TrainingError, match="nothing to train on"):
        train(model_folder, tmp_path / "c", rows=[])
    with pytest.raises(ModelLoadError):
        train(tmp_path / "no model", tmp_path / "d")


def test_a_repeated_call_returns_what_is_there(trained, model_folder, monkeypatch):
    outcome, _, folder = trained
    notes = Notes()
    assert train(model_folder, folder, notes, validation_rows=ROWS[:3]) == outcome
    assert not notes.metrics


def test_another_adapter_in_its_place_is_not_taken_for_the_outcome(model_folder, tmp_path):
    config = replace(CONFIG, epochs=1)
    train(model_folder, tmp_path, config=config)
    with (tmp_path / "adapter" / "adapter_model.safetensors").open("ab") as file:
        file.write(b"x")
    notes = Notes()
    train(model_folder, tmp_path, notes, config=config)
    assert len(notes.losses()) == 3


def stop_at(step: int):
    seen = []

    def check():
        seen.append(1)
        if len(seen) == step:
            raise RunCancelled("The run was cancelled.")

    return check


def test_cancelling_ends_it_and_the_next_attempt_goes_on_from_the_last_epoch(trained, model_folder, tmp_path):
    outcome, whole, _ = trained
    first = Notes(validate_by_epoch(), stop_at(8))
    with pytest.raises(RunCancelled):
        train(model_folder, tmp_path, first, validation_rows=ROWS[:3])
    assert len(first.checkpoints) == 2 and not (tmp_path / "adapter").exists()
    second = Notes(validate_by_epoch())
    resumed = train(model_folder, tmp_path, second, validation_rows=ROWS[:3], known_checkpoints=first.checkpoints)
    assert min(step for _, step in second.metrics) == 7
    assert {**first.metrics, **second.metrics} == pytest.approx(whole.metrics)
    measured = {
        "seconds": 0,
        "step_seconds": 0,
        "tokens_per_second": 0,
        "padding_share": 0,
        "metrics_share": 0,
    }  # of the last attempt
    assert replace(resumed, adapter=outcome.adapter, **measured) == replace(outcome, **measured)


@pytest.mark.parametrize("damage", ["unknown", "changed", "best is gone"])
def test_a_checkpoint_that_is_not_ours_is_not_resumed(model_folder, tmp_path, damage):
    notes = Notes(validate_by_epoch(0.9, 0.1, 0.1), stop_at(8))
    with pytest.raises(RunCancelled):
        train(model_folder, tmp_path, notes)
    known = dict(notes.checkpoints)
    parent = tmp_path / Path(next(iter(known))).parent
    assert find_checkpoint(parent, known, tmp_path).name == "checkpoint-6"
    if damage == "unknown":
        known = {}
    elif damage == "changed":
        for path in known:
            with (tmp_path / path / "optimizer.pt").open("ab") as file:
                file.write(b"x")
    else:
        (parent / "checkpoint-3" / "adapter_model.safetensors").unlink()
    assert find_checkpoint(parent, known, tmp_path) is None
    again = Notes(validate_by_epoch(0.9, 0.1, 0.1))
    train(model_folder, tmp_path, again, known_checkpoints=known)
    assert len(again.losses()) == 9


def test_killed_in_the_middle_it_goes_on_and_every_step_is_there_once(model_folder, tmp_path):
    command = [sys.executable, "-c", WORKER, str(model_folder), str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    worker = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], env=environment
    )
    for line in worker.stdout:
        if line.strip() == "5":
            break
    worker.send_signal(signal.SIGKILL)
    assert worker.wait(10) == -signal.SIGKILL
    worker.stdout.close()
    known = {row["path"]: row["sha256"] for row in read_all(tmp_path / "checkpoints.jsonl")}
    before = {(row["name"], row["step"]): row["value"] for row in read_all(tmp_path / "metrics.jsonl")}
    assert len(known) == 1 and ("loss", 5) in before and not (tmp_path / "adapter").exists()

    notes, whole = Notes(validate_by_epoch()), Notes(validate_by_epoch())
    outcome = train(model_folder, tmp_path, notes, known_checkpoints=known)
    expected = train(model_folder, tmp_path / "whole", whole)
    assert min(step for _, step in notes.metrics) == 4  # the first epoch is not repeated
    # the killed worker had one thread, this process has as many as the machine: sums differ in their last digits
    assert before | notes.metrics == pytest.approx(whole.metrics, rel=1e-3)
    assert (outcome.best_epoch, outcome.n_steps) == (expected.best_epoch, 9)
    assert (outcome.adapter / "adapter_model.safetensors").is_file()
