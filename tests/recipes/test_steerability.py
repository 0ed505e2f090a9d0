"""Steerability: one child per random seed, scored by a loop's first and last student, as run and as arm."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from core.__main__ import main
from core.datasets import ensure_seed_set
from core.errors import RunError
from core.hub import Hub
from core.lines import read_all
from core.recipes import steerability
from core.recipes.checked_pairs import read_child_scores
from core.recipes.experiment import find_children
from core.recipes.experiment_file import make_experiment
from core.recipes.experiment_freezing import check_experiment, freeze_experiment
from core.recipes.kinds import execute
from core.recipes.recipes import make_recipe
from core.recipes.steerability import start_steerability
from core.runs.folder import RunFolder
from core.settings import Settings


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def file(few_files, tmp_path_factory):
    file = tmp_path_factory.mktemp("files") / "steer.toml"
    file.write_text(
        f'seed_set = "{few_files["train"]}"\ntest = "{few_files["test"]}"\nreplicates = 2\n'
        "[[arm]]\naccepted = 5\nrounds = 2\nepochs = 1\n"
        '[[arm]]\nrecipe = "steerability"\nof = "active"\nsample = 12\n'
    )
    return file


@pytest.fixture(scope="module")
def arms(file, home):
    """(Arm, replicate) -> its run."""
    assert main(["experiment", str(file), "--home", str(home)]) == 0
    (path,) = (home / "runs").glob("*-experiment-*")
    runs = [run for run in find_children(home, path.name) if "arm" in run.config]
    return {(run.config["recipe"], run.config["replicate"]): run for run in runs}


@pytest.fixture(scope="module")
def hub(home, arms):
    hub = Hub(Settings(home=home, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    hub.step()
    yield hub
    hub.close()


def test_each_seed_is_asked_once_and_counted(arms):
    for replicate in (0, 1):
        summary = arms["steerability", replicate].read_state().summary
        assert summary["n_seeds"] == summary["requested"] == 12
        assert summary["requested"] == summary["failed"] + summary["rejected"] + summary["accepted"]
        assert summary["loop"] == arms["active", replicate].run_id
        assert (summary["first"], summary["last"]) == ("base", "round-2")


def test_another_replicate_draws_other_seeds(arms):
    drawn = []
    for replicate in (0, 1):
        rows = read_all(arms["steerability", replicate].path / "records" / "candidates.jsonl")
        drawn.append({row["parents"][0] for row in rows})
        assert len(drawn[-1]) == len(rows) == 12
    assert drawn[0] != drawn[1]


def test_both_students_scored_every_seed_and_every_accepted_child(arms, hub):
    run = arms["steerability", 0]
    scores = hub.store.list_child_scores(run.run_id)
    n = run.read_state().summary["accepted"]
    assert scores.groupby(["student", "signal"]).size().to_dict() == {
        (student, signal): n for student in ("base", "round-2") for signal in ("correct", "loss", "reward")
    }
    assert not scores[["before", "after"]].isna().any().any()
    right = scores[scores["signal"] == "correct"]
    assert (right["after"].astype(bool) == right["is_right_after"]).all()
    parts = pd.concat(map(pd.read_parquet, (run.path / "records" / "predictions").glob("*.parquet")))
    losses = parts.set_index(["student", "problem_id"])["loss"]
    row = scores[scores["signal"] == "loss"].iloc[0]
    assert (row["before"], row["after"]) == (
        losses[row["student"], row["problem_id"]],
        losses[row["student"], row["candidate_id"]],
    )


def test_no_child_is_one_of_the_loops_and_none_is_trained_on(arms):
    own, loops = (
        {row["question"] for row in read_all(arms[recipe, 0].path / "records" / "candidates.jsonl")}
        for recipe in ("steerability", "active")
    )
    assert not own & loops
    assert not (arms["steerability", 0].path / "records" / "training_rows.jsonl").exists()


def test_the_folders_have_the_same_scores_as_the_database(arms, hub):
    for replicate in (0, 1):
        run = arms["steerability", replicate]
        tables = [read_child_scores(run), hub.store.list_child_scores(run.run_id)]
        key = ["student", "signal", "candidate_id"]
        first, second = (table.sort_values(key).reset_index(drop=True)[list(tables[1])] for table in tables)
        pd.testing.assert_frame_equal(first, second, check_dtype=False)


def test_the_shell_writes_a_report_that_knows_the_check(file, arms, home, tmp_path, capsys):
    out = tmp_path / "report.html"
    assert main(["experiment", str(file), "--home", str(home), "--tables", "--report", str(out)]) == 0
    told = capsys.readouterr().out
    assert f"report: {out}" in told and "children of the third of the seeds with the highest loss" in told
    text = out.read_text(encoding="utf-8")
    n = arms["steerability", 1].read_state().summary["accepted"]
    assert f"<td>steerability</td><td>1</td><td>after training</td><td>{n}</td>" in text
    assert "<td>active</td>" in text


def test_it_can_be_asked_of_any_finished_loop(arms, hub, home):
    made = start_steerability(hub, arms["active", 1].run_id, sample=4)
    folder = RunFolder(home / "runs" / made)
    assert execute(folder) == "done"
    hub.step()
    assert folder.read_state().summary["n_seeds"] == 4
    assert made in set(hub.store.list_steerability(folder.config["seed_set"])["run_id"])
    assert hub.store.list_faults().empty


def test_a_run_on_other_seeds_is_refused_before_and_while_it_is_carried_out(home, arms, hub):
    loop = arms["active", 0]
    arm = {"recipe": "steerability", "of": loop.run_id, "sample": 4}
    sentence = f"{loop.run_id} was run on the seed set 'train' .*, and not on '{{}}'.*; check a loop on the same"
    for other in ("game24", import_other(home)):
        n_before = len(list((home / "runs").iterdir()))
        for look in (check_experiment, freeze_experiment):
            with pytest.raises(RunError, match=sentence.format(other if other == "game24" else "train")):
                look(home, make_experiment({"seed_set": other, "arm": [arm]}, "x"))
        assert len(list((home / "runs").iterdir())) == n_before
    own = make_experiment({"seed_set": loop.config["seed_set"], "arm": [arm]}, "x")
    assert freeze_experiment(home, own)["arms"][0]["settings"]["of"] == loop.run_id
    config = {**arms["steerability", 0].config, "of": loop.run_id, "seed_set": import_other(home)}
    run = RunFolder.create(home, "steerability", title="s", config=config, lane="device", starts_itself=True)
    assert execute(run) == "failed"
    assert "check a loop on the same seed set" in run.read_state().error


def import_other(home):
    """Return the id of a seed set of other problems that is called as the loop's is."""
    file = home / "other" / "train.jsonl"
    file.parent.mkdir(exist_ok=True)
    rows = [{"question": f"What is {i} + {i}?", "answer": f"{i}+{i}=<<{i}+{i}={2 * i}>>{2 * i}\n#### {2 * i}"}
            for i in range(40)]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ensure_seed_set(home, file)


def test_which_student_could_not_be_scored_is_told(arms, home, monkeypatch):
    score = steerability.score_stage

    def lose(folder, student, label, *rest):
        table = score(folder, student, label, *rest)
        return replace(table, failed={"reward": f"There is no reward for {label}."}) if label != "base" else table

    monkeypatch.setattr(steerability, "score_stage", lose)
    config = {**arms["steerability", 0].config, "sample": 3}
    run = RunFolder.create(home, "steerability", title="s", config=config, lane="device", starts_itself=True)
    assert execute(run) == "done"
    assert run.read_state().summary["unscored"] == {"round-2": {"reward": "There is no reward for round-2."}}


def test_what_cannot_be_is_one_sentence(home, arms, hub):
    for settings, sentence in (({}, "is that of a loop"), ({"of": "x", "sample": -1}, "at least 0")):
        with pytest.raises(RunError, match=sentence):
            make_recipe("steerability", settings).make_config(home, "none", "tiny", 0)
    with pytest.raises(RunError, match="not grown from one seed each"):
        start_steerability(hub, arms["active", 0].config["seed_set"])
    config = {**arms["steerability", 0].config, "of": "nobody"}
    run = RunFolder.create(home, "steerability", title="s", config=config, lane="device", starts_itself=True)
    assert execute(run) == "failed"
    assert "There is no loop 'nobody'" in run.read_state().error


def test_an_arm_that_checks_no_earlier_one_is_refused_before_anything_runs(few_files, tmp_path, capsys):
    file = tmp_path / "typo.toml"
    file.write_text(f'seed_set = "{few_files["train"]}"\n[[arm]]\n[[arm]]\nrecipe = "steerability"\nof = "actvie"\n')
    assert main(["experiment", str(file), "--home", str(tmp_path)]) == 1
    assert "which is no arm before it and no run of this home" in capsys.readouterr().err
