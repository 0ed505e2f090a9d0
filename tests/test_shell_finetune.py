"""``finetune`` as a person runs it: what it writes, what it refuses before it begins, and a disk that takes no more."""

import argparse
import json
import resource
import subprocess
import sys

import pytest

from core.__main__ import main
from core.models.student import Student
from core.recipes.start import make_finetune_config
from core.runs.folder import RunFolder
from core.settings import REPOSITORY
from core.shell_finetune import make_config, print_plan, split_settings
from core.training.data import TrainingRow, hash_rows
from core.training.rows_file import read_rows_file
from tests.models.tiny import save_random_student

LINES = [{"question": f"What is {n} + 3?", "answer": f"{n} + 3 = {n + 3}\nso {n + 3}"} for n in range(6)]
QUICK = ("epochs=3", "batch_size=6", "accumulation_steps=1", "rank=4", "alpha=4")


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return save_random_student(tmp_path_factory.mktemp("student"))


@pytest.fixture
def finetune(tmp_path, student, capsys):
    """Run the verb on rows of a file; returns the status and what was told."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(line) + "\n" for line in LINES), encoding="utf-8")

    def run(*more, settings=QUICK, **named):
        given = {"rows": rows, "student": student, "out": tmp_path / "out", "home": tmp_path / "home", "task": "custom"}
        given |= named
        arguments = [str(word) for name, value in given.items() for word in (f"--{name}", value)]
        chosen = [word for setting in settings for word in ("--set", setting)]
        status = main(["finetune", *arguments, *chosen, *more])
        return status, capsys.readouterr()

    return run


def find_run(home):
    (path,) = (home / "runs").glob("*-finetune-*")
    return RunFolder(path)


def test_it_writes_the_adapter_its_rows_its_metrics_and_what_the_run_was_told(finetune, tmp_path, student):
    status, told = finetune("--set", "learning_rate=0.01")
    assert status == 0, told.err
    out, folder = tmp_path / "out", find_run(tmp_path / "home")
    about = json.loads((out / "finetune.json").read_text())
    given = read_rows_file(tmp_path / "rows.jsonl").rows
    assert about["run_id"] == folder.run_id and about["rows_hash"] == hash_rows(given)
    assert {name: about[name] for name in folder.config} == folder.config
    assert (about["training"]["rank"], about["training"]["learning_rate"], about["training"]["epochs"]) == (4, 0.01, 3)
    assert about["result"]["n_rows"] == 6 and about["result"]["n_steps"] == 3
    rows = [json.loads(line) for line in (out / "training_rows.jsonl").read_text().splitlines()]
    assert [(row["question"], row["answer"], row["is_used"]) for row in rows] == [
        (row.question, row.answer, True) for row in given
    ]
    metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    losses = [row["value"] for row in metrics if row["name"] == "loss"]
    assert len(losses) == 3 and losses[-1] < losses[0]
    assert f"rows {hash_rows(given)[:12]}" in told.out and "LoRA rank 4, learning rate 0.01, 3 epochs" in told.out
    assert "no validation problems" in told.out and f"trained: {out}" in told.out
    card = (out / "README.md").read_text()
    assert hash_rows(given) in card and "(given: 6 lines of a file)" in card and str(tmp_path) not in card
    tuned = Student.load(str(student), adapter=out)
    assert tuned.fingerprint != Student.load(str(student)).fingerprint


@pytest.mark.parametrize(
    ("named", "settings", "sentence"),
    [
        ({"rows": "nowhere.jsonl"}, QUICK, "nowhere.jsonl"),
        ({"student": "/nowhere/model"}, QUICK, "There is no model folder /nowhere/model"),
        ({"objective": "magic"}, QUICK, "There is no objective named 'magic'; known: "),
        ({"preset": "magic"}, QUICK, "There is no preset 'magic'; known: tiny"),
        ({}, ("colour=red",), "There is no setting colour of sft; known: "),
        ({}, ("epochs=0",), "epochs must be at least 1, not 0"),
        ({}, ("epochs",), "Write a setting as NAME=VALUE, not 'epochs'"),
        ({"objective": "signed"}, QUICK, "have no wrong answers"),
        ({"adapter": "/nowhere/adapter"}, QUICK, "There is no folder and no run '/nowhere/adapter'"),
        ({"test": "test.jsonl"}, QUICK, "A --test file goes with --seeds"),
    ],
)
def test_what_cannot_begin_is_one_sentence_and_no_run(finetune, tmp_path, named, settings, sentence):
    status, told = finetune(settings=settings, **named)
    assert status == 1 and sentence in told.err and "Traceback" not in told.err
    assert told.err.strip().count("\n") == 0
    assert not list((tmp_path / "home" / "runs").glob("*-finetune-*"))


def test_the_summed_signed_likelihood_has_a_preset_of_its_own_and_the_shell_sets_adapters(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "Q?", "answer": "1"}\n{"question": "Q?", "answer": "2", "label": -1}\n')
    options = argparse.Namespace(
        objective="signed", student="tiny", task=None, seeds=None, rows=rows, validation=None, test=None, preset=None
    )
    given = {"layers": "attention", "dropout": 0.1, "weight_decay": 0.01}
    for is_normalised, preset, rate in ((True, "tiny-signed", 1.6e-3), (False, "tiny-signed-summed", 2e-4)):
        settings = split_settings("signed", {"is_normalised": is_normalised, **given})
        _, config = make_config(tmp_path, options, settings)
        assert (config["preset"], config["training"]["learning_rate"]) == (preset, rate)
        assert {name: config["training"][name] for name in given} == given


def test_rows_that_hold_nothing_and_a_folder_that_holds_something(finetune, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    status, told = finetune(rows=empty)
    assert status == 1 and "empty.jsonl is empty" in told.err
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"question": "Why?"}\nnot json\n')
    status, told = finetune(rows=bad)
    assert status == 1 and "Traceback" not in told.err
    (tmp_path / "out" / "kept.txt").write_text("mine")
    status, told = finetune()
    assert status == 1 and "is not empty; name a new one for --out" in told.err
    assert (tmp_path / "out" / "kept.txt").read_text() == "mine"


def test_what_is_trained_and_drawn_first_is_told_before_it_starts(student, capsys):
    rows = [TrainingRow("What is 0 + 3?", "3", "3"), TrainingRow("What is 0 + 3?", "4", label=-1)]
    config = make_finetune_config(
        str(student), "custom", rows, objective="per_step_dpo", settings={"n_samples": 2}, training={"rank": 4}
    )
    print_plan(config, rows)
    plan, policy, answers, rollouts, unread = capsys.readouterr().out.splitlines()
    assert plan.startswith("Per-step preferences (per-step DPO), preset preferences: LoRA rank 4, learning rate 5e-06")
    assert policy.startswith(
        "first a policy is trained on 1 right answer: LoRA rank 4, learning rate 0.0001, 10 epochs"
    )
    assert answers == "2 answers of the student are drawn before the training"
    assert "continuations, as if every answer were wrong and long" in rollouts
    assert unread.startswith("1 row") and "Per-step" in unread
    print_plan(make_finetune_config(str(student), "custom", rows[:1]), rows[:1])
    assert len(capsys.readouterr().out.splitlines()) == 1, "nothing comes before a supervised finetune"


def test_a_disk_that_takes_no_more_fails_the_run_in_one_sentence_and_it_goes_on_where_there_is_room(finetune, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        status, told = finetune()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == 1 and "A checkpoint could not be written" in told.err
    folder = find_run(tmp_path / "home")
    assert folder.read_state().state == "failed" and not list((tmp_path / "out").iterdir())
    assert main(["run", str(folder.path), "--again"]) == 0
    assert folder.read_state().summary["n_steps"] == 3


def test_the_same_command_goes_on_with_what_was_stopped(finetune, tmp_path, monkeypatch):
    append, is_first = RunFolder.append, [True]

    def press(folder, table, record):
        if table == "metrics" and record["name"] == "loss" and record["step"] == 3 and is_first:
            is_first.clear()
            raise KeyboardInterrupt
        append(folder, table, record)

    with monkeypatch.context() as pressed:
        pressed.setattr(RunFolder, "append", press)
        status, told = finetune()
    assert status == 130 and "give the same command again to go on from the last checkpoint" in told.err
    folder = find_run(tmp_path / "home")
    assert folder.read_state().state == "cancelled" and not list((tmp_path / "out").iterdir())
    status, told = finetune()
    assert status == 0 and f"run {folder.run_id}: goes on where it was stopped" in told.out
    assert (
        find_run(tmp_path / "home").read_state().attempt == 2
        and (tmp_path / "out" / "adapter_model.safetensors").exists()
    )
    losses = [json.loads(line) for line in (folder.path / "records" / "metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row["attempt"]) for row in losses if row["name"] == "loss"] == [(1, 1), (2, 1), (3, 2)]
    status, told = finetune(out=tmp_path / "another")
    assert status == 0 and len(list((tmp_path / "home" / "runs").glob("*-finetune-*"))) == 2, "one that is done is over"
    status, told = finetune("--set", "learning_rate=0.01", "seed=1", out=tmp_path / "third")
    assert status == 0 and len(list((tmp_path / "home" / "runs").glob("*-finetune-*"))) == 3


def test_rows_that_are_too_long_are_told_before_anything_is_loaded(finetune, tmp_path, monkeypatch):
    status, told = finetune("--set", "max_length=3")
    assert status == 1 and "Every row is too long: more than 3 tokens with the question (row " in told.err
    assert not list((tmp_path / "home" / "runs").glob("*-finetune-*"))


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    for number in range(3):
        RunFolder.create(tmp_path, "try", title="x" * 100, config={"number": number}, lane="light")
    listing = [sys.executable, "-m", "core", "runs", "--home", str(tmp_path)]
    with subprocess.Popen(listing, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 0
