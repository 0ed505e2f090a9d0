"""The loop from the shell: the command that the README names, on small files, with the shipped student."""

import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from core.__main__ import main
from core.hub import Hub
from core.lines import read_all
from core.settings import REPOSITORY, Settings

K = 12


def run_shell(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "core", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=280, check=False)


def run_here(*arguments: str) -> subprocess.CompletedProcess:
    """Do the same in this process, which has the libraries loaded."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        state = main(list(arguments))
    return subprocess.CompletedProcess(arguments, state, out.getvalue(), err.getvalue())


def run_loop(files: dict[str, Path], home: Path, *more: str, run=run_here) -> subprocess.CompletedProcess:
    given = ("--seeds", files["train"], "--validation", files["validation"], "--test", files["test"])
    sizes = ("--select", K, "--rounds", 2, "--epochs", 2)
    return run("loop", *map(str, given), *map(str, sizes), "--home", str(home), *more)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def shell(few_files, home) -> subprocess.CompletedProcess:
    return run_loop(few_files, home, "--selector", "loss_high", run=run_shell)


@pytest.fixture(scope="module")
def folder(shell, home) -> Path:
    assert shell.returncode == 0, shell.stderr[-3000:]
    (found,) = (home / "runs").glob("*-loop-*")
    return found


@pytest.fixture(scope="module")
def result(folder) -> dict:
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_the_table_has_a_line_per_round_and_says_what_the_teacher_was(shell, folder):
    assert re.search(r"round +selected +requested +failed +rejected +accepted +training rows", shell.stdout)
    assert [line.split()[0] for line in shell.stdout.splitlines() if re.match(r" *[012]  ", line)] == ["0", "1", "2"]
    assert "rule-based stand-in" in shell.stdout
    assert str(folder / "result.json") in shell.stdout


def test_the_progress_goes_to_the_other_stream_without_bars(shell, folder):
    assert "round 1: teacher" in shell.stderr and "round 2: finetune" in shell.stderr
    assert "\r" not in shell.stderr and "%|" not in shell.stderr


def test_counts_add_up(result):
    for number, row in enumerate(result["rounds"], 1):
        assert row["requested"] == row["failed"] + row["rejected"] + row["accepted"]
        assert row["accepted"] == K and row["selected"] == K
        assert row["training_rows"] == number * K
        assert row["n_input_tokens"] > row["n_output_tokens"] > 0


def test_the_result_has_the_accuracies_before_and_after(result, folder):
    answers = {(row["round"], row["split"]): row for row in read_all(folder / "records" / "evaluations.jsonl")}
    assert result["test_accuracy_before"] == answers[0, "test"]["accuracy"]
    assert result["test_accuracy"] == [answers[1, "test"]["accuracy"], answers[2, "test"]["accuracy"]]
    for number in (1, 2):
        row = answers[number, "test"]
        gained = row["n_gained"] - row["n_lost"]
        assert row["n"] == 10
        assert row["accuracy"] == pytest.approx(result["test_accuracy_before"] + gained / 10)
        assert row["low"] <= row["accuracy"] <= row["high"]
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]


def test_selection_is_by_the_loss_of_the_students_own_answers(folder):
    import pandas as pd

    answers = pd.concat(map(pd.read_parquet, sorted((folder / "records" / "predictions").glob("*.parquet"))))
    seeds = answers[(answers["student"] == "base") & (answers["split"] == "train")].set_index("problem_id")["loss"]
    chosen = [row for row in read_all(folder / "records" / "selected.jsonl") if row["round"] == 1][:K]
    assert {row["problem_id"] for row in chosen} == set(seeds.nlargest(K).index)
    assert all(str(row["rank"]).isdigit() and row["reason"] for row in chosen)


def test_children_are_scored_by_the_student_that_chose_their_seeds(folder, home):
    import pandas as pd

    answers = pd.concat(map(pd.read_parquet, sorted((folder / "records" / "predictions").glob("*.parquet"))))
    losses = answers.set_index(["student", "problem_id"])["loss"].to_dict()
    candidates = {row["candidate_id"]: row for row in read_all(folder / "records" / "candidates.jsonl")}
    assert answers[answers["split"] == "candidate"].groupby("student").size().to_dict() == {"base": K, "round-1": K}
    hub = Hub(Settings(home=home), is_threaded=False)
    try:
        hub.step()
        pairs = hub.store.list_score_pairs([folder.name])
        assert hub.store.list_faults().empty
    finally:
        hub.close()
    assert pairs.groupby(["round", "student", "signal"]).size().to_dict() == {
        (1, "base", "correct"): K, (1, "base", "loss"): K, (2, "round-1", "correct"): K, (2, "round-1", "loss"): K,
    }  # fmt: skip
    for row in pairs[pairs["signal"] == "loss"].to_dict("records"):
        assert row["problem_id"] == candidates[row["candidate_id"]]["parents"][0]
        assert row["before"] == losses[row["student"], row["problem_id"]]
        assert row["after"] == losses[row["student"], row["candidate_id"]]


def test_accepted_candidates_are_right_by_a_check_of_our_own(folder):
    verdicts = read_all(folder / "records" / "verdicts.jsonl")
    rejected = {row["candidate_id"] for row in verdicts if not row["is_accepted"]}
    accepted = [
        row
        for row in read_all(folder / "records" / "candidates.jsonl")
        if row["failure"] is None and row["candidate_id"] not in rejected
    ]
    assert len(accepted) == 2 * K
    for row in accepted:
        steps = re.findall(r"<<([-0-9+*/(). ]+)=(-?[0-9.]+)>>", row["answer"])
        assert steps
        for expression, value in steps:
            fractions = re.sub(r"\d+(\.\d+)?", lambda number: f"Fraction('{number[0]}')", expression)
            assert eval(fractions, {"Fraction": Fraction}) == Fraction(value)  # our own text of four operations
        assert Fraction(row["answer"].split("####")[1].strip()) == Fraction(steps[-1][1])


def test_held_out_problems_reach_neither_teacher_nor_training(folder, held_out_questions):
    candidates = read_all(folder / "records" / "candidates.jsonl")
    assert not held_out_questions & {row["question"] for row in candidates}
    problems = read_problems(folder)
    splits = problems.set_index("problem_id")["split"]
    assert {splits[parent] for row in candidates for parent in row["parents"]} == {"train"}


def read_problems(folder: Path):
    import pandas as pd

    config = json.loads((folder / "run.json").read_text(encoding="utf-8"))["config"]
    (part,) = (folder.parent / config["seed_set"] / "records" / "problems").glob("*.parquet")
    return pd.read_parquet(part)


def test_the_same_replicate_gives_the_same_result(few_files, home, result, folder):
    again = run_loop(few_files, home, "--selector", "loss_high", "--rounds", "1")
    assert again.returncode == 0, again.stderr[-3000:]
    other = max((home / "runs").glob("*-loop-*"))
    repeated = json.loads((other / "result.json").read_text(encoding="utf-8"))
    assert other != folder
    assert repeated["test_accuracy"] == result["test_accuracy"][:1]
    assert len(list((home / "runs").glob("*-import-*"))) == 1, "the same files are imported once"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--selector", "badgr"), "There is no selector named 'badgr'; known: badge"),
        (("--learning-rate", "7"), "learning_rate must be above 0 and at most 1"),
        (("--student", "/nowhere/model"), "There is no model folder /nowhere/model"),
    ],
)
def test_a_wrong_wish_gets_one_sentence(few_files, home, shell, arguments, sentence):
    done = run_loop(few_files, home, *arguments)
    assert done.returncode == 1
    assert (done.stdout + done.stderr).count(sentence) == 1 and sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_what_has_ended_is_repeated_only_where_that_is_said(folder, home):
    refused = run_here("run", str(folder))
    assert refused.returncode == 1 and "is done; add --again to repeat it." in refused.stderr
    assert (folder / "result.json").exists()


def test_a_loop_in_which_nothing_is_accepted_says_why(tmp_path):
    seeds = tmp_path / "own.jsonl"
    rows = [{"question": f"Who wrote the book number {i}?", "answer": f"Author {i}"} for i in range(40)]
    seeds.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run_here("loop", "--seeds", str(seeds), "--select", "2", "--home", str(tmp_path / "home"))
    assert done.returncode == 1
    assert "8 requested, 8 failed, 0 rejected; most often: " in done.stderr
    assert "custom" in done.stderr.splitlines()[-1]


def test_a_damaged_run_does_not_hide_the_others(folder, home):
    broken = home / "runs" / "20200101-000000-loop-aaaa"
    broken.mkdir()
    (broken / "run.json").write_text("{")
    done = run_here("runs", "--home", str(home))
    shutil.rmtree(broken)
    assert folder.name in done.stdout and "is damaged" in done.stderr


def test_an_unknown_seed_set_names_the_built_in_ones(tmp_path):
    done = run_here("loop", "--seeds", "word_problem", "--home", str(tmp_path))
    assert done.returncode == 1
    assert "word_problems, maths, prontoqa, game24" in done.stderr


def test_help_lists_every_verb():
    text = run_shell("--help").stdout
    for verb in ("loop", "score", "select", "import", "run", "runs", "cancel", "again", "rebuild"):
        assert re.search(rf"^ +{verb} ", text, re.MULTILINE), verb
