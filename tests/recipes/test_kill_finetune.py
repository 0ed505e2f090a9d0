"""kill -9 of a real finetune in the middle: it is lost, goes on from its checkpoint, and every metric is there once."""

import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from core.datasets import ensure_seed_set, load_problems
from core.hub import Hub
from core.lines import read_all
from core.recipes.start import make_training
from core.runs.folder import RunFolder
from core.settings import Settings

EPOCHS = 3
N_ROWS = 36
N_STEPS = EPOCHS * 2  # 36 rows in batches of 24


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def finetune(home, seed_files) -> dict:
    """Configuration and inputs of a small finetune on the seeds themselves."""
    files = {split: seed_files[split] for split in ("validation", "test")}
    seed_set = ensure_seed_set(home, seed_files["train"], **files)
    problems = load_problems(home, seed_set)
    train = [row for row in problems if row.split == "train"][:N_ROWS]
    rows = [("by-hand", row.problem_id, row.question, row.answer) for row in train]
    training = make_training("tiny", "word_problems", {"epochs": EPOCHS})
    return {
        "title": "Finetune to be killed",
        "config": {"seed_set": seed_set, "task": "word_problems", "student": "tiny", "training": training},
        "lane": "device",
        "inputs": {"rows": pd.DataFrame(rows, columns=["candidate_run_id", "candidate_id", "question", "answer"])},
    }


def wait_until(is_true, patience_s: float = 120) -> None:
    deadline = time.monotonic() + patience_s
    while not is_true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def read_losses(folder: RunFolder) -> list[dict]:
    lines = read_all(folder.path / "records" / "metrics.jsonl")
    return [line for line in lines if line["name"] == "loss"]


@pytest.mark.soak  # the normal suite kills a finetune in tests/training/test_sft.py, workers in tests/runs
@pytest.mark.parametrize("n_before", [1, 3, 5])
def test_a_killed_finetune_goes_on_and_no_metric_is_lost_or_doubled(home, finetune, n_before):
    hub = Hub(Settings(home=home))
    try:
        run_id = hub.submit("finetune", **finetune)
        folder = RunFolder(home / "runs" / run_id)
        wait_until(lambda: len(read_losses(folder)) >= n_before)
        os.kill(hub.store.read_run(run_id)["pid"], signal.SIGKILL)
        wait_until(lambda: hub.store.read_run(run_id)["state"] == "lost")
        n_stored = len(read_losses(folder))
        hub.order(run_id, "again")
        wait_until(lambda: hub.store.read_run(run_id)["state"] == "done")
        stored = hub.store.read_metrics(run_id, ["loss"])
    finally:
        hub.close()
    lines = read_losses(folder)
    assert len(lines) >= n_stored, "what was written before the kill is still there"
    assert stored["step"].tolist() == list(range(1, N_STEPS + 1)), "each step once"
    latest = {line["step"]: line["value"] for line in lines}  # a repeated step replaces the earlier one
    assert stored["value"].tolist() == pytest.approx([latest[step] for step in range(1, N_STEPS + 1)])
    attempts = {line["attempt"] for line in lines}
    assert attempts == {1, 2}
    repeated = [line["step"] for line in lines if line["attempt"] == 2]
    assert min(repeated) > 1 or n_before < 2 + 2, "the second attempt went on from a checkpoint"
    assert (folder.path / "checkpoints" / "round-1" / "adapter" / "adapter_model.safetensors").exists()
    assert folder.read_result()["n_rows"] == N_ROWS
