"""Baselines: seeds with their own answers, with a teacher's, and who answers without any training."""

import json

import pandas as pd
import pytest

from core.__main__ import main
from core.datasets import ensure_seed_set
from core.errors import RunError
from core.lines import read_all
from core.recipes.experiment import find_children
from core.recipes.experiment_results import read_results
from core.recipes.recipes import make_recipe
from core.runs.folder import RunFolder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def arms(few_files, home, tmp_path_factory):
    """Arm -> its run, of one experiment over every baseline."""
    file = tmp_path_factory.mktemp("files") / "baselines.toml"
    file.write_text(
        f'seed_set = "{few_files["train"]}"\ntest = "{few_files["test"]}"\n[common]\naccepted = 5\nrounds = 2\n'
        'epochs = 1\n[[arm]]\nrecipe = "baseline"\ndata = ["seeds", "answers"]\n[[arm]]\nrecipe = "zero_shot"\n'
        'who = ["teacher", "student"]\n'
    )
    assert main(["experiment", str(file), "--home", str(home)]) == 0
    (path,) = (home / "runs").glob("*-experiment-*")
    return path.name, {run.config["arm"]: run for run in find_children(home, path.name) if "arm" in run.config}


def read_rows(run, number):
    return [row for row in read_all(run.path / "records" / "training_rows.jsonl") if row["round"] == number]


def test_each_trains_on_its_own_answers(arms, few_files):
    seeds = {row["question"]: row for row in map(json.loads, few_files["train"].open(encoding="utf-8"))}
    for name, origin in (("baseline, seeds", "seed"), ("baseline, answers", "candidate")):
        first, second = (read_rows(arms[1][name], number) for number in (1, 2))
        assert len(first) == 5 and len(second) == 10
        assert {row["row_id"] for row in first} < {row["row_id"] for row in second}
        assert {row["origin"] for row in second} == {origin}
        assert all(row["question"] in seeds for row in second)
    assert all(row["answer"] == seeds[row["question"]]["answer"] for row in read_rows(arms[1]["baseline, seeds"], 2))
    taught = read_rows(arms[1]["baseline, answers"], 2)
    calls = read_all(arms[1]["baseline, answers"].path / "records" / "calls.jsonl")
    assert len(taught) == 10 <= len(calls)  # the rules give a seed's own answer again; a model would not


def test_both_draw_the_same_seeds(arms):
    drawn = [{row["question"] for row in read_rows(arms[1][f"baseline, {data}"], 2)} for data in ("seeds", "answers")]
    assert len(drawn[0] & drawn[1]) >= 9  # but for one that the teacher could not answer


def test_counts_add_up(arms):
    for row in arms[1]["baseline, answers"].read_state().summary["rounds"]:
        assert row["requested"] == row["failed"] + row["rejected"] + row["accepted"] and row["accepted"] == 5


def test_the_teacher_is_a_line_of_its_own_and_nothing_of_it_can_be_trained_on(arms, home):
    run = arms[1]["zero_shot, teacher"]
    assert not (run.path / "records" / "candidates.jsonl").exists()
    parts = [pd.read_parquet(path) for path in (run.path / "records" / "predictions").glob("*.parquet")]
    answers = pd.concat(parts)
    (test,) = [row for row in read_all(run.path / "records" / "evaluations.jsonl") if row["split"] == "test"]
    asked = answers[answers["split"] == "test"]
    assert test["n"] == len(asked) and test["n_correct"] == int(asked["is_correct"].sum()) > 0
    points = read_results(home, arms[0]).points.set_index("method")
    assert points.loc["zero_shot, teacher", "accuracy"] == test["accuracy"] > 0.9  # the rules know what they wrote
    assert points.loc["zero_shot, teacher", "size"] == 0
    first = points[points["round"] == 0]["accuracy"]
    assert first["zero_shot, student"] == first["baseline, seeds"] == first["baseline, answers"]


def test_seeds_that_are_used_up_are_told(few_files, tmp_path):
    seed_set = ensure_seed_set(tmp_path, few_files["train"], test=few_files["test"])
    n = RunFolder(tmp_path / "runs" / seed_set).read_state().summary["n_kept"]
    config = make_recipe("baseline", {"accepted": n, "rounds": 3, "epochs": 1}).make_config(
        tmp_path, seed_set, "tiny", 0
    )
    run = RunFolder.create(tmp_path, "baseline", title="b", config=config, lane="device", starts_itself=True)
    from core.recipes.kinds import execute

    assert execute(run) == "done"
    summary = run.read_state().summary
    assert len(summary["rounds"]) == 1
    assert summary["stopped"] == "The seeds were used up after 1 round of 3."


@pytest.mark.parametrize(
    ("recipe", "settings", "sentence"),
    [
        ("baseline", {"data": "questions"}, "it can on: seeds, answers"),
        ("baseline", {"rounds": 0}, "rounds must be at least 1"),
        ("zero_shot", {"who": "nobody"}, "these can: teacher, student"),
    ],
)
def test_what_cannot_be_is_one_sentence(recipe, settings, sentence, tmp_path):
    with pytest.raises(RunError, match=sentence):
        make_recipe(recipe, settings).make_config(tmp_path, "none", "tiny", 0)
