"""What a restored home has of trainings: the finetuned student answers alike, a stopped training starts anew."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from core.__main__ import main
from core.backup import restore_home, write_backup
from core.datasets import ensure_seed_set, load_problems
from core.models.student import Student
from core.recipes.kinds import execute
from core.recipes.start import make_training
from core.runs.folder import RunFolder
from core.settings import REPOSITORY
from core.tasks import TASKS

N_ROWS = 24


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def finetune(home, few_files) -> RunFolder:
    files = {split: few_files[split] for split in ("validation", "test")}
    seed_set = ensure_seed_set(home, few_files["train"], **files)
    train = load_problems(home, seed_set, ["train"])[:N_ROWS]
    rows = [("by-hand", row.problem_id, row.question, row.answer) for row in train]
    training = make_training("tiny", "word_problems", {"epochs": 2})
    return RunFolder.create(
        home,
        "finetune",
        title="Finetune",
        config={
            "seed_set": seed_set,
            "task": "word_problems",
            "student": "tiny",
            "training": training,
            "evaluates": [],
        },
        lane="device",
        inputs={"rows": pd.DataFrame(rows, columns=["candidate_run_id", "candidate_id", "question", "answer"])},
    )


def answer(home: Path, folder: RunFolder) -> list[str]:
    [adapter] = (home / "runs" / folder.run_id).glob("checkpoints/round-1/adapter")
    task, test = TASKS.get("word_problems"), load_problems(home, folder.config["seed_set"], ["test"])[:3]
    student = Student.load("tiny", adapter=adapter)
    prompts = [task.student_prompt(row.question) for row in test]
    answers = {place: each.text for batch in student.answer(prompts, 60) for place, each in batch}
    return [answers[place] for place in range(len(test))]


def test_the_finetuned_student_of_a_restored_home_answers_alike(home, finetune, tmp_path):
    assert execute(finetune) == "done", finetune.read_state().error
    write_backup(home, tmp_path / "b.zip")
    restore_home(tmp_path / "b.zip", tmp_path / "new")
    assert answer(tmp_path / "new", finetune) == answer(home, finetune)


def test_a_stopped_training_of_a_restored_home_starts_anew(home, finetune, tmp_path, capfd):
    known = finetune.path / "records" / "checkpoints.jsonl"
    command = [sys.executable, "-m", "core", "run", str(finetune.path)]
    with subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True) as process:
        deadline = time.monotonic() + 120
        while not known.exists():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
    assert list(finetune.path.rglob("optimizer.pt"))
    written = write_backup(home, tmp_path / "b.zip")
    assert written.left_out["optimizer"] >= 3
    assert restore_home(tmp_path / "b.zip", tmp_path / "new").n_stopped == 1
    folder = RunFolder(tmp_path / "new" / "runs" / finetune.run_id)
    assert folder.read_state().state == "lost"
    assert not list(folder.path.rglob("optimizer.pt")) and list(folder.path.rglob("trainer_state.json"))
    assert main(["run", str(folder.path), "--again"]) == 0
    assert "the training starts anew" in capfd.readouterr().out
    assert folder.read_state().summary["n_steps"] == 2 and not list(folder.path.rglob("checkpoint-*"))
