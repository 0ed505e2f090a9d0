"""An experiment as the shell and the hub carry it out: shared seeds, arms in one process, going on, what it brought."""

import random
import re
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from core.__main__ import main
from core.hub import Hub
from core.lines import read_all
from core.recipes import experiment as experiments
from core.recipes.experiment_file import make_experiment, read_experiment
from core.recipes.experiment_results import read_results
from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from core.settings import Settings
from core.shell_experiment import find_or_open
from tests.teacher.server import ChatServer, Spoken

CONTENT = {
    "replicates": 2,
    "common": {"accepted": 6, "rounds": 2, "epochs": 1},
    "arm": [{"selector": ["random", "loss_high"]}],
}


def list_children(home, experiment, kind):
    runs = [run for run in experiments.find_children(home, experiment) if run.read_run()["kind"] == kind]
    return {(run.config.get("arm"), run.config["replicate"]): run for run in runs}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def file(few_files, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "small.toml"
    path.write_text(
        f'title = "Small"\nseed_set = "{few_files["train"]}"\ntest = "{few_files["test"]}"\nreplicates = 2\n'
        '[common]\naccepted = 6\nrounds = 2\nepochs = 1\n[[arm]]\nselector = ["random", "loss_high"]\n'
    )
    return path


@pytest.fixture(scope="module")
def told(file, home):
    """What the shell says of an experiment that is stopped in its second arm and gone on with by the same command."""
    import contextlib
    import io

    append, lines = RunFolder.append, io.StringIO()

    def press(folder, table, record):
        if table == "metrics" and folder.config["arm"] == "loss_high" and record["round"] == 2:
            raise KeyboardInterrupt
        append(folder, table, record)

    with pytest.MonkeyPatch.context() as pressed, contextlib.redirect_stderr(lines), contextlib.redirect_stdout(lines):
        pressed.setattr(RunFolder, "append", press)
        assert main(["experiment", str(file), "--home", str(home)]) == 130
    with contextlib.redirect_stdout(lines), contextlib.redirect_stderr(lines):
        assert main(["experiment", str(file), "--home", str(home)]) == 0
    return lines.getvalue()


@pytest.fixture(scope="module")
def experiment(told, home):
    (path,) = (home / "runs").glob("*-experiment-*")
    return path.name


def test_it_goes_on_and_repeats_nothing(told, home, experiment):
    assert "give the same command again to go on" in told
    order = [told.index(f"replicate {number}, {arm}: run ") for number in (0, 1) for arm in ("random", "loss_high")]
    assert order == sorted(order), "what is told of rounds stands below the arm's name"
    loops = list_children(home, experiment, "loop")
    assert set(loops) == {(arm, number) for arm in ("random", "loss_high") for number in (0, 1)}
    attempts = {key: run.read_state().attempt for key, run in loops.items()}
    assert attempts == {("random", 0): 1, ("loss_high", 0): 2, ("random", 1): 1, ("loss_high", 1): 1}
    assert all(run.read_state().state == "done" for run in loops.values())
    assert {run.config["seed_set"] for run in loops.values()} == {
        RunFolder(home / "runs" / experiment).config["seed_set"]
    }
    assert {key[1]: run.read_state().summary for key, run in list_children(home, experiment, "replicate").items()} == {
        number: {"n_arms": 2, "failed": {}, "busy": []} for number in (0, 1)
    }


def test_the_tables_are_told(told):
    assert "test accuracy, % of " in told and "mean, lower is better" in told
    assert "accuracy on every test set" not in told  # there is only one
    assert "data needed for the highest test accuracy that an arm" in told and "(Spearman)" in told


def test_the_results_are_those_of_the_runs(home, experiment):
    results = read_results(home, experiment)
    assert results.excluded.empty and results.n_left == 0
    points = results.points.set_index(["method", "replicate", "round"])
    for (arm, replicate), run in list_children(home, experiment, "loop").items():
        summary = run.read_state().summary
        accuracies = [summary["test_accuracy_before"], *summary["test_accuracy"]]
        assert points.loc[(arm, replicate), "accuracy"].tolist() == accuracies
        assert points.loc[(arm, replicate), "size"].tolist() == [0, 6, 12]
        tokens = [row["n_input_tokens"] + row["n_output_tokens"] for row in summary["rounds"]]
        assert points.loc[(arm, replicate), "n_tokens"].tolist() == [0, tokens[0], sum(tokens)]


def test_the_database_has_the_same_pairs_of_scores(home, experiment):
    results = read_results(home, experiment)
    loops = {run.run_id: key for key, run in list_children(home, experiment, "loop").items()}
    hub = Hub(Settings(home=home), is_threaded=False)
    try:
        hub.step()
        stored = hub.store.list_score_pairs(list(loops))
        signals = hub.store.list_paired_signals(list(loops))
        losses = hub.store.list_score_pairs(list(loops), ["loss"], 2)
        texts, few = (hub.store.list_grown_texts(list(loops), most) for most in (None, 2))
        points = hub.store.list_experiment_points(experiment)
        runs = hub.store.list_experiment_runs(experiment)
        (row,) = hub.store.list_experiments().to_dict("records")
        assert hub.store.list_faults().empty
    finally:
        hub.close()
    assert signals[0] == "loss" and set(signals) == set(stored["signal"])
    second = stored[(stored["signal"] == "loss") & (stored["round"] == 2)]
    assert losses.equals(second.reset_index(drop=True)) and len(losses) == 4 * 6
    assert len(texts) == 4 * 2 * 6 and few.groupby(["run_id", "round"]).size().tolist() == [2] * 8
    assert len(few.merge(texts.drop_duplicates(), on=["run_id", "round", "text"])) == len(few)
    stored["method"], stored["replicate"] = zip(*stored["run_id"].map(loops), strict=True)
    columns = ["method", "replicate", "round", "signal", "before", "after"]
    tables = [each[columns].sort_values(columns).reset_index(drop=True) for each in (stored, results.pairs)]
    pd.testing.assert_frame_equal(*tables, check_dtype=False)
    pd.testing.assert_frame_equal(points[results.tests.columns], results.tests, check_dtype=False)
    assert set(points["round"]) == {0, 1, 2} and set(points["split"]) == {"test"}
    assert set(points["run_id"]) == set(loops) and set(points["selector"]) == {"random", "loss_high"}
    assert runs["method"].isna().tolist() == [True, False, False] * 2
    assert runs["replicate"].tolist() == [0] * 3 + [1] * 3
    assert (row["n_runs"], row["n_done"], row["n_failed"], row["n_left"]) == (4, 4, 0, 0)
    assert len(results.pairs) == 2 * 2 * 2 * 6 * 2  # arms, replicates, rounds, children, signals


def test_the_scores_of_chosen_seeds_and_the_texts_are_those_of_the_records(home, experiment):
    loops = list_children(home, experiment, "loop")
    run = loops["loss_high", 1]
    hub = Hub(Settings(home=home), is_threaded=False)
    try:
        hub.step()
        scores = hub.store.list_chosen_scores([run.run_id], "loss", 2)
        texts = hub.store.list_grown_texts([run.run_id])
        seeds = hub.store.list_seed_texts(run.config["seed_set"])
    finally:
        hub.close()
    parts = pd.concat(map(pd.read_parquet, (run.path / "records" / "predictions").glob("*.parquet")))
    own = parts[(parts["student"] == "round-1") & (parts["split"] == "train")].set_index("problem_id")["loss"]
    assert scores.set_index("problem_id")["value"].to_dict() == own.to_dict() and len(seeds) == len(own)
    selected = [row for row in read_all(run.path / "records" / "selected.jsonl") if row["round"] == 2]
    assert set(scores[scores["is_chosen"]]["problem_id"]) == {row["problem_id"] for row in selected[:6]}
    candidates = {row["candidate_id"]: row for row in read_all(run.path / "records" / "candidates.jsonl")}
    lost = {row["candidate_id"] for row in read_all(run.path / "records" / "verdicts.jsonl") if not row["is_accepted"]}
    good = [row for id_, row in candidates.items() if row["failure"] is None and id_ not in lost]
    assert sorted(texts["text"]) == sorted(f"{row['question']}\n{row['answer']}" for row in good)
    assert texts["round"].value_counts().to_dict() == {1: 6, 2: 6}


def test_an_arm_that_fails_costs_no_other_and_is_excluded_and_counted(home, experiment, monkeypatch):
    folder = RunFolder(home / "runs" / experiment)
    title, config = experiments.describe_replicate(folder, 7)
    run = RunFolder.create(home, "replicate", title=title, config=config, lane="device", starts_itself=True)

    def refuse(loop, *_):
        raise ValueError("a stone") if loop.config["arm"] == "random" else InterruptedError

    monkeypatch.setattr("core.recipes.active.run_round", refuse)
    assert execute(run) == "done"
    assert set(run.read_state().summary["failed"]) == {"random", "loss_high"}
    excluded = read_results(home, experiment).excluded
    assert set(excluded["method"]) == {"random", "loss_high"} and set(excluded["state"]) == {"failed"}
    assert set(excluded["replicate"]) == {7} and excluded["error"].str.contains("a stone").any()


def test_a_replicate_that_is_told_to_end_ends_its_arm_which_goes_on_later(home, experiment, monkeypatch):
    folder = RunFolder(home / "runs" / experiment)
    title, config = experiments.describe_replicate(folder, 8)
    run = RunFolder.create(home, "replicate", title=title, config=config, lane="device", starts_itself=True)
    append = RunFolder.append

    def tell(arm, table, record):
        append(arm, table, record)
        if table == "rounds":
            run.order("cancel")

    monkeypatch.setattr(RunFolder, "append", tell)
    assert execute(run) == "cancelled"
    monkeypatch.undo()
    arms = {key: arm.read_state().state for key, arm in list_children(home, experiment, "loop").items() if key[1] == 8}
    assert arms == {("random", 8): "cancelled"}
    run.order("again")
    assert execute(run) == "done"
    arms = {key: arm.read_state().state for key, arm in list_children(home, experiment, "loop").items() if key[1] == 8}
    assert arms == {("random", 8): "done", ("loss_high", 8): "done"}


def test_arms_that_wait_for_a_person_are_told_and_only_their_own_order_passes_the_pause(few_files, tmp_path, capsys):
    file = tmp_path / "waiting.toml"
    file.write_text(
        f'seed_set = "{few_files["train"]}"\ntest = "{few_files["test"]}"\n'
        '[[arm]]\naccepted = 4\nrounds = 2\nepochs = 1\nreview = true\nselector = "judge_hard"\n'
    )
    home = tmp_path / "home"
    assert main(["experiment", str(file), "--home", str(home)]) == 0
    told = capsys.readouterr().out
    assert "active, replicate 0, waits for a review after round 1\n" in told and "ended early" not in told
    page = tmp_path / "report.html"
    assert main(["experiment", str(file), "--home", str(home), "--report", str(page)]) == 0
    told = capsys.readouterr().out
    assert "waits for a review after round 1" in told and "still to come" not in told, "its own command stands there"
    text = page.read_text(encoding="utf-8")
    assert "active, replicate 0, waits for a review after round 1 and counts so far." in text
    assert "ended early" not in text and "still to come" not in text and "none is still" not in text
    (folder,) = re.findall(r"go on: cd \S+ && \S+ -m core run (\S+) --again", told)
    assert main(["run", folder, "--again"]) == 0
    capsys.readouterr()
    assert main(["experiment", str(file), "--home", str(home)]) == 0
    told = capsys.readouterr().out
    assert "ended early" not in told and "waits for" not in told and "still to come" not in told
    (path,) = (home / "runs").glob("*-experiment-*")
    (arm,) = list_children(home, path.name, "loop").values()
    assert len(arm.read_state().summary["rounds"]) == 2 and arm.read_state().attempt == 2
    points = read_results(home, path.name).tests
    own = [row["n_input_tokens"] + row["n_output_tokens"] for row in arm.read_state().summary["rounds"]]
    assert points["n_tokens"].iloc[1] > own[0]  # what the judge took is counted too
    hub = Hub(Settings(home=home), is_threaded=False)
    try:
        hub.step()
        pd.testing.assert_frame_equal(
            hub.store.list_experiment_points(path.name)[points.columns], points, check_dtype=False
        )
        total = hub.store.total_calls(arm.run_id)
    finally:
        hub.close()
    assert points["n_tokens"].iloc[-1] == total["n_input_tokens"] + total["n_output_tokens"]


WORDS = [
    "apples",
    "bolts",
    "cards",
    "drums",
    "eggs",
    "figs",
    "gloves",
    "hats",
    "inks",
    "jars",
    "kites",
    "lamps",
    "mugs",
    "nuts",
    "oars",
    "pens",
]


def tell_stories(prompt, body, number):
    """Tell a story with words of its own for each new question, and add its numbers for each answer."""
    draw = random.Random(prompt)
    if "Rewritten Instruction" in prompt:
        first, second, third = draw.sample(WORDS, 3)
        text = f"{draw.randint(2, 9)} {first} and {draw.randint(2, 9)} {second} lie by {third}. How many are there?"
    else:
        a, b = re.findall(r"\d+", prompt.partition("Question:")[2])[:2]
        text = f"There are {a}+{b}=<<{a}+{b}={int(a) + int(b)}>>{int(a) + int(b)}.\n#### {int(a) + int(b)}"
    return Spoken([(text.encode(), -0.1)])


def test_a_teacher_behind_a_server_is_asked_by_every_arm(few_files, tmp_path, capsys):
    with ChatServer(speak=tell_stories) as server:
        file = tmp_path / "served.toml"
        file.write_text(
            f'seed_set = "{few_files["train"]}"\ntest = "{few_files["test"]}"\n'
            f'[teacher]\nbase_url = "{server.url}"\nmodel = "model"\nkey_env = ""\n'
            '[common]\naccepted = 3\nrounds = 1\nepochs = 1\n[[arm]]\nselector = ["random", "loss_high"]\n'
        )
        assert main(["experiment", str(file), "--home", str(tmp_path / "home")]) == 0
        told = capsys.readouterr().out
        assert "stand-in" not in told and server.bodies
        (path,) = (tmp_path / "home" / "runs").glob("*-experiment-*")
        arms = list_children(tmp_path / "home", path.name, "loop")
    assert {key[0] for key in arms} == {"random", "loss_high"}
    for arm in arms.values():
        calls = read_all(arm.path / "records" / "calls.jsonl")
        assert {call["host"].partition(":")[0] for call in calls} == {"127.0.0.1"}
        assert arm.read_state().summary["rounds"][0]["accepted"] == 3
    assert main(["experiment", str(file), "--home", str(tmp_path / "other")]) == 1
    assert "Nothing listens at 127.0.0.1" in capsys.readouterr().err


def test_a_replicate_that_there_is_not_is_refused(file, home, told, capsys):
    assert main(["experiment", str(file), "--home", str(home), "--replicates", "0", "9"]) == 1
    assert "has no replicate 9; it has: 0, 1." in capsys.readouterr().err


def test_two_processes_that_begin_it_at_once_share_one(file, tmp_path):
    read = read_experiment(file)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: find_or_open(tmp_path, read, only_find=False).run_id, range(4)))
    assert len(set(found)) == 1 and len(list((tmp_path / "runs").glob("*-import-*"))) == 1


def test_the_hub_queues_a_run_for_each_replicate_and_refuses_what_cannot_be(tmp_path, few_files):
    hub = Hub(Settings(home=tmp_path, device_slots=0), is_threaded=False)
    try:
        content = {**CONTENT, "seed_set": str(few_files["train"])}
        made = experiments.start_experiment(hub, make_experiment(content, "From the page"))
        runs = hub.store.list_runs(["replicate"])
        assert runs["state"].tolist() == ["queued"] * 2 and set(runs["parent_id"]) == {made}
        assert hub.store.read_run(made)["summary"] == {"n_replicates": 2, "n_runs": 4}
        from core.errors import SeedbedError

        for wrong, sentence in (({"student": "no such"}, "no such"), ({"arm": [{"selector": "x"}]}, "selector")):
            with pytest.raises(SeedbedError, match=sentence):
                experiments.start_experiment(hub, make_experiment({**content, **wrong}, "x"))
    finally:
        hub.close()
