"""A machine that is too small: a disk that takes no more, memory that does not suffice, a cancel while it saves."""

import errno
import resource
from dataclasses import replace

import pytest
import torch

from core.errors import RunCancelled, TrainingError
from core.training.checkpoints import find_checkpoint
from core.training.config import TrainingConfig
from core.training.faults import advise_on_memory
from core.write_faults import find_write_fault
from tests.training.test_train import CONFIG, Notes, train, validate_by_epoch


def test_a_checkpoint_that_cannot_be_written_ends_it_in_one_sentence_and_the_last_whole_one_stays(
    model_folder, tmp_path
):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    given = validate_by_epoch()

    def validate(student, step, epoch):
        if epoch > 1.5:  # the second epoch's checkpoint will not fit
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        return given(student, step, epoch)

    notes = Notes(validate)
    try:
        with pytest.raises(TrainingError) as failed:
            train(model_folder, tmp_path, notes)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "could not be written" in str(failed.value) and "larger than is allowed" in str(failed.value)
    assert "\n" not in str(failed.value)
    (path,) = notes.checkpoints
    assert find_checkpoint((tmp_path / path).parent, notes.checkpoints, tmp_path) == tmp_path / path
    again = Notes(validate_by_epoch())
    outcome = train(model_folder, tmp_path, again, known_checkpoints=notes.checkpoints)
    assert min(step for _, step in again.metrics) == 4 and outcome.n_steps == 9


def test_faults_of_other_libraries_are_known_by_their_text():
    assert find_write_fault(OSError(errno.ENOSPC, "x")) == "the disk is full"
    assert find_write_fault(RuntimeError("I/O error: No space left on device (os error 28)")) == "the disk is full"
    assert "full disk" in find_write_fault(
        RuntimeError("[enforce fail at inline_container.cc] . unexpected pos 64 vs 0")
    )
    assert find_write_fault(RuntimeError("shapes do not match")) is None
    assert find_write_fault(FileNotFoundError(errno.ENOENT, "x")) is None


def test_too_little_memory_says_what_to_change_cheapest_first(model_folder, tmp_path, monkeypatch):
    from core.training.trainers import AnswerTrainer

    def run_out(*_, **__):
        torch.empty(2**60)  # more than any machine has: torch's own error

    monkeypatch.setattr(AnswerTrainer, "compute_loss", run_out)
    with pytest.raises(TrainingError, match=r"2 rows of up to \d+ tokens.*accumulation_steps=4.*a smaller student"):
        train(model_folder, tmp_path, config=replace(CONFIG, accumulation_steps=2))
    advice = advise_on_memory(TrainingConfig(weights="full", batch_size=1, accumulation_steps=1), 900)
    assert "accumulation_steps" not in advice and advice.index("max_length") < advice.index("weights=lora")


def test_cancelled_while_it_saves_it_goes_on_from_the_checkpoint_before(model_folder, tmp_path, monkeypatch):
    """A signal may come at any moment: here in the middle of the second checkpoint."""
    from core.training.trainers import AnswerTrainer

    whole = AnswerTrainer._save_optimizer_and_scheduler
    saved = []

    def save(self, folder):
        saved.append(folder)
        if len(saved) == 2:
            raise RunCancelled("The run was cancelled.")
        whole(self, folder)

    monkeypatch.setattr(AnswerTrainer, "_save_optimizer_and_scheduler", save)
    first = Notes(validate_by_epoch())
    with pytest.raises(RunCancelled):
        train(model_folder, tmp_path, first)
    assert len(first.checkpoints) == 1
    second = Notes(validate_by_epoch())
    train(model_folder, tmp_path, second, known_checkpoints=first.checkpoints)
    assert min(step for _, step in second.metrics) == 4


def test_told_to_keep_what_it_has_it_validates_saves_and_ends(model_folder, tmp_path):
    notes = Notes(validate_by_epoch(0.9, 0.1))
    seen = []
    hooks = replace(notes.hooks, wants_keep=lambda: len(seen) >= 4 or seen.append(1))
    outcome = train(model_folder, tmp_path, type("", (), {"hooks": hooks}))
    assert outcome.is_stopped and outcome.n_steps == 5 and outcome.best_epoch == 1
    assert outcome.validation_accuracy == 0.9 and (outcome.adapter / "adapter_model.safetensors").is_file()
    assert train(model_folder, tmp_path, Notes()) == outcome
