"""Evaluations with the shipped student, from the shell and as the page starts them: tables, caches, refusals, reads."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.analysis.accuracy import wilson_interval
from core.datasets import ensure_seed_set
from core.errors import DataFormatError, ModelLoadError, RunError, SignalError
from core.evaluation import sets
from core.evaluation.sets import choose_problems, describe_set, find_set
from core.models import generate
from core.models.student import Student
from core.recipes.evaluating import (
    list_students,
    make_evaluate_config,
    read_set,
    start_benchmark,
    start_evaluate,
    start_file,
)
from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from core.tasks import TASKS
from tests.recipes.evaluating_world import N, cut_questions, evaluate, make_run, newest, put_adapter
from tests.runs.world import open_test_hub
from tests.teacher.server import ChatServer, StudentSpeaker, status


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home").resolve()


@pytest.fixture(scope="module")
def questions(seed_files, tmp_path_factory):
    return cut_questions(seed_files, tmp_path_factory.mktemp("questions"))


@pytest.fixture(scope="module")
def adapter(home):
    return put_adapter(home)


@pytest.fixture(scope="module")
def pair(home, questions, adapter):
    """Base and tuned student, greedily; the table of answers and the run."""
    out = home / "pair.parquet"
    assert evaluate(home, questions, out, "--adapter", adapter) == 0
    return pd.read_parquet(out), newest(home)


def test_every_answer_is_a_row_and_the_table_says_what_they_amount_to(home, questions, adapter, pair, capsys, tmp_path):
    frame, run = pair
    assert frame.groupby("student").size().to_dict() == {"base": N, "tuned": N} and (frame["sample"] == 0).all()
    wanted = "question reference reference_final text final is_correct verdict reason is_truncated n_tokens loss grade"
    assert set(wanted.split()) <= set(frame) and frame["reason"].str.len().min() > 10
    asked = [json.loads(line)["question"] for line in questions.read_text().splitlines()]
    assert frame["question"].tolist() == asked * 2
    assert run.config["adapter"] == str(adapter.relative_to(home))  # as the page names it
    assert evaluate(home, questions, tmp_path / "again.parquet", "--adapter", adapter) == 0
    said = capsys.readouterr().out
    base, tuned = (frame[frame["student"] == name]["is_correct"].astype(int).to_numpy() for name in ("base", "tuned"))
    low, high = wilson_interval(int(base.sum()), N)
    assert f"{base.mean():.1%} ({low:.1%} to {high:.1%})" in said
    assert f"{100 * (tuned - base).mean():+.1f} points" in said
    assert f"{((base == 0) & (tuned == 1)).sum()} gained, {((base == 1) & (tuned == 0)).sum()} lost" in said
    assert "McNemar p = " in said and "by Newcombe" in said
    assert {"steps", "type"} <= {line.split()[0] for line in said.splitlines()}
    assert f"{base.sum()} right" in said
    summary = run.read_state().summary
    assert summary["students"]["base"]["accuracy"] == base.mean() and summary["n"] == N
    assert 0 < base.sum() < N and summary["comparison"]["n_gained"] + summary["comparison"]["n_lost"] > 0


def test_what_was_answered_before_is_not_asked_again(home, questions, adapter, pair, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("core.models.generate._decode", None)
    out = tmp_path / "again.parquet"
    assert evaluate(home, questions, out, "--adapter", adapter) == 0
    pd.testing.assert_frame_equal(pd.read_parquet(out), pair[0])
    summary = newest(home).read_state().summary
    for each in summary["students"].values():
        assert (each["n_generated"], each["tokens_per_second"]) == (0, None)
    first = pair[1].read_state().summary["students"]
    for name in ("base", "tuned"):
        tokens = pair[0][pair[0]["student"] == name]["n_tokens"].sum()
        assert (first[name]["n_generated"], first[name]["n_generated_tokens"]) == (N, tokens)
        assert first[name]["tokens_per_second"] == pytest.approx(tokens / first[name]["seconds"])


def test_the_base_can_be_left_out(home, questions, adapter, pair, tmp_path, capsys):
    out = tmp_path / "tuned.parquet"
    assert evaluate(home, questions, out, "--adapter", adapter, "--no-base", "--limit", 10) == 0
    frame, said = pd.read_parquet(out), capsys.readouterr().out
    assert frame["student"].tolist() == ["tuned"] * 10 and "difference" not in said
    assert "10 problems of 14, the first by a hash of seed 0 and problem" in said
    whole = pair[0].set_index(["student", "problem_id"])["text"]
    assert [whole["tuned", id_] for id_ in frame["problem_id"]] == frame["text"].tolist()


def test_a_student_behind_a_server_answers_as_the_local_one(home, questions, pair, tmp_path):
    out = tmp_path / "served.parquet"
    asked = choose_problems(home, {**pair[1].config, "limit": 6})
    refused = asked[3].question
    with ChatServer() as server:
        server.script.speak = StudentSpeaker(Student.load("tiny", device="cpu"))
        server.script.poison[TASKS.get("word_problems").student_prompt(refused)] = status(400, "bad characters")
        assert evaluate(home, questions, out, "--student", server.url, "--limit", 6) == 0
    served, local = pd.read_parquet(out), pair[0][pair[0]["student"] == "base"].set_index("problem_id")
    is_told = (served["question"] != refused).to_numpy()
    assert served["text"][is_told].tolist() == local.loc[served["problem_id"], "text"][is_told].tolist()
    assert served["verdict"][~is_told].tolist() == ["no_answer"] and served["is_correct"][~is_told].isna().all()
    base = newest(home).read_state().summary["students"]["base"]
    assert (base["n_asked"], base["n"], base["n_judged"]) == (6, 5, 5)


@pytest.fixture(scope="module")
def policy_run(home, adapter):
    """A run that trained a policy and went on from it."""
    run = RunFolder.create(home, "finetune", title="DPO", config={"student": "tiny"}, lane="device",
                           run_id="20250102-000000-finetune-0000")  # fmt: skip
    place = run.path / "checkpoints" / "round-1"
    for folder in (place / "adapter", place / "sft" / "adapter"):
        shutil.copytree(adapter, folder)
    run.append("adapters", {"round": 1, "student": "tiny", "path": str((place / "adapter").relative_to(home))})
    return run


def test_an_adapter_is_named_by_its_run_and_so_is_the_policy_before_it(
    home, questions, pair, policy_run, tmp_path, capsys
):
    for name, path in ((policy_run.run_id, "adapter"), (f"{policy_run.run_id}/policy", "sft/adapter")):
        assert evaluate(home, questions, tmp_path / "x.parquet", "--adapter", name, "--limit", 2) == 0
        config = newest(home).config
        assert config["adapter"] == f"runs/{policy_run.run_id}/checkpoints/round-1/{path}"
        assert config["student"] == "tiny"
    assert f"base: tiny, tuned: policy of run {policy_run.run_id}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--no-base"], "nobody is asked"),
        (["--tolerance", "2"], "share from 0 to 1"),
        (["--samples", "5000"], "from 1 to 1,024 answers"),
        (["--adapter", "/nowhere"], "There is no folder and no run '/nowhere'"),
        (["--student", "not a model"], "neither a folder nor a hub id"),
        (["--student", "/nowhere/model"], "There is no model folder /nowhere/model; give a folder, a hub id, or"),
        (["--set", "{empty}"], "empty.csv holds no rows; choose a file with at least one row."),
        (["--set", "{odd}"], "odd.jsonl is no known kind of file (columns: foo)"),
        (["--grader", "/nowhere/model"], "There is no model folder /nowhere/model"),
        (["--grader-model", "gpt"], "write its base URL as --grader."),
        (["--grader", "nobody"], "'nobody' is no address"),
        (["--split", "ood"], "has no splits"),
        (["--adapter", "~nosuchuser/x"], "There is no folder and no run '~nosuchuser/x'"),
        (["--out", "/"], "is a folder"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_no_run(home, questions, tmp_path, capsys, more, sentence):
    files = {"empty": tmp_path / "empty.csv", "odd": tmp_path / "odd.jsonl"}
    files["empty"].write_text("question,answer\n")
    files["odd"].write_text('{"foo": 1}\n')
    before = set((home / "runs").glob("*-evaluate-*"))
    assert evaluate(home, questions, tmp_path / "x.parquet", *(each.format(**files) for each in more)) == 1
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
    assert set((home / "runs").glob("*-evaluate-*")) == before


# -- the run -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chosen(home, questions):
    return find_set(home, str(questions))


def test_cancelling_keeps_what_came_and_a_resumed_run_goes_on(chosen, questions, tmp_path, monkeypatch):
    home, whole = tmp_path.resolve(), generate.generate_answers
    monkeypatch.setattr(generate, "generate_answers", lambda *args, **more: whole(*args, batch_size=4, **more))
    folder = make_run(home, find_set(home, str(questions)), limit=12)
    report = RunFolder.report

    def cancel_soon(self, stage, made, failed, total):
        report(self, stage, made, failed, total)
        if made == 8:
            self.order("cancel")

    monkeypatch.setattr(RunFolder, "report", cancel_soon)
    assert execute(folder) == "cancelled"
    monkeypatch.setattr(RunFolder, "report", report)
    folder.order("again")
    assert execute(folder) == "done"
    base = folder.read_state().summary["students"]["base"]
    assert (base["n_asked"], base["n_generated"]) == (12, 4)
    metrics = [json.loads(line) for line in (folder.path / "records" / "metrics.jsonl").read_text().splitlines()]
    assert {row["name"] for row in metrics} == {"tokens_per_second"} and all(row["value"] > 0 for row in metrics)


def test_who_is_asked_and_how(home, chosen, adapter):
    def config(**choices):
        return make_evaluate_config(home, chosen, **choices)

    inside = str(adapter.relative_to(home))
    assert list_students(config()) == ["base"] and list_students(config(adapter=inside)) == ["base", "tuned"]
    assert list_students(config(adapter=inside, asks_base=False)) == ["tuned"]
    drawn = config(n_samples=4, limit=10)
    assert drawn["temperature"] == 1.0 and config(temperature=0.5)["n_samples"] == 1
    for wrong, error in (
        ({"adapter": "nowhere"}, ModelLoadError),
        ({"temperature": 0.0}, RunError),
        ({"temperature": float("nan")}, RunError),
        ({"limit": 0}, RunError),
        ({"adapter": inside, "server": {"base_url": "http://x/v1", "model": "m", "key_env": ""}}, SignalError),
    ):
        with pytest.raises(error):
            config(**wrong)


def test_a_tolerance_comes_with_the_benchmark_and_only_for_numbers(home, chosen):
    minerva = replace(chosen, benchmark="minerva_math", task="maths")
    assert make_evaluate_config(home, minerva)["tolerance"] == 0.01
    assert make_evaluate_config(home, minerva, tolerance=0)["tolerance"] is None
    assert make_evaluate_config(home, chosen)["tolerance"] is None
    with pytest.raises(RunError, match="no tolerance applies"):
        make_evaluate_config(home, replace(chosen, task="prontoqa"), tolerance=0.1)


def test_problems_without_a_reference_are_counted_and_not_judged(tmp_path):
    home = tmp_path.resolve()
    seed_set = ensure_seed_set(home, "word_problems")
    folder = make_run(home, describe_set(home, seed_set), limit=12)
    whole = sets.load_problems

    def forget_some(*args):
        return [replace(row, final=None) if i % 2 else row for i, row in enumerate(whole(*args))]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sets, "load_problems", forget_some)
        assert execute(folder) == "done"
    summary = folder.read_state().summary
    base = summary["students"]["base"]
    assert base["n_without_reference"] + base["n"] == 12 and base["n_without_reference"] > 0


# -- as the page sees it -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hub(home, pair):
    opened = open_test_hub(home, device_slots=0, teacher_slots=0, light_slots=0)
    opened.step()
    yield opened
    opened.close()


def test_the_store_lists_evaluations_with_their_numbers(hub, pair):
    frame, run = pair
    listed = hub.store.list_evaluate_runs()
    row = listed[listed["run_id"] == run.run_id].iloc[0]
    by_student = frame.groupby("student")["is_correct"].mean()
    assert (row["base_accuracy"], row["tuned_accuracy"]) == (by_student["base"], by_student["tuned"])
    assert (row["set_name"], row["n"], row["n_samples"], row["state"]) == ("test", N, 1, "done")
    assert row["difference"] == pytest.approx(by_student["tuned"] - by_student["base"])
    assert len(hub.store.list_evaluate_runs(seed_set_id="nowhere")) == 0
    assert hub.store.list_faults().empty


def test_problems_are_shown_by_what_became_of_them(hub, pair):
    frame, run = pair
    wide = frame.pivot(index="problem_id", columns="student", values="is_correct").astype(bool)
    wanted = {
        "all": wide.index,
        "gained": wide.index[~wide["base"] & wide["tuned"]],
        "lost": wide.index[wide["base"] & ~wide["tuned"]],
        "wrong": wide.index[~wide["base"] & ~wide["tuned"]],
        "right": wide.index[wide["base"] & wide["tuned"]],
        "disagree": [],
    }
    counts = hub.store.count_evaluated(run.run_id)
    for show, ids in wanted.items():
        rows = hub.store.list_evaluated(run.run_id, show, limit=100)
        assert set(rows["problem_id"]) == set(ids) and counts[show] == len(ids)
    texts = frame.set_index(["student", "problem_id"])
    row = hub.store.list_evaluated(run.run_id, limit=1).iloc[0]
    assert row["question"] == frame["question"][0]
    assert row["base_final"] == texts.loc[("base", row["problem_id"]), "final"]


def test_problems_are_put_in_order_and_paged(hub, pair):
    frame, run = pair
    tuned = frame[frame["student"] == "tuned"]
    best = tuned.sort_values(["is_correct", "loss"], ascending=[False, True])["problem_id"].tolist()
    worst = tuned.sort_values(["is_correct", "loss"], ascending=[True, False])["problem_id"].tolist()

    def read(order, **more):
        return hub.store.list_evaluated(run.run_id, order=order, **more)["problem_id"].tolist()

    assert read("best", limit=100) == best and read("worst", limit=100) == worst
    assert read("best", limit=5) + read("best", limit=5, offset=5) == best[:10]
    assert read("source", limit=100) == frame["problem_id"][:N].tolist()
    lots = [read("random", seed=seed, limit=100) for seed in (0, 0, 1)]
    assert lots[0] == lots[1] != lots[2] and sorted(lots[0]) == sorted(best)
    for wrong in ({"show": "nice"}, {"order": "nice"}):
        with pytest.raises(RunError, match="known: "):
            hub.store.list_evaluated(run.run_id, **wrong)


def test_problems_are_searched_and_grouped(hub, pair):
    frame, run = pair
    word = frame["question"][0].split()[2]
    shown = hub.store.list_evaluated(run.run_id, search=word, limit=100)
    assert set(shown["problem_id"]) >= {frame["problem_id"][0]} and len(shown) < N
    assert hub.store.count_evaluated(run.run_id, search=word)["all"] == len(shown)
    sizes = frame[:N]["type"].value_counts()
    for value, n in sizes.items():
        assert hub.store.count_evaluated(run.run_id, group=("type", value))["all"] == n
    assert hub.store.count_evaluated(run.run_id, group=("split", "train"))["all"] == N
    assert hub.store.count_evaluated(run.run_id, group=("nothing", None))["all"] == N
    assert hub.store.count_evaluated(run.run_id, group=("nothing", "x"))["all"] == 0


def test_every_answer_of_a_problem_can_be_read(hub, pair):
    frame, run = pair
    answers = hub.store.list_answers(run.run_id, frame["problem_id"][0])
    assert answers["student"].tolist() == ["base", "tuned"]
    assert answers["text"][0] == frame["text"][0] and answers["reason"][0] == frame["reason"][0]


def test_the_page_starts_the_same_run_as_the_shell(hub, home, pair, adapter):
    _, run = pair
    chosen = read_set(hub, run.config["seed_set"])
    made = start_evaluate(hub, chosen, adapter=str(adapter.relative_to(home)))
    assert {**RunFolder(home / "runs" / made).config, "seed_set_name": "test"} == run.config
    assert hub.store.read_run(made)["state"] == "queued"


def test_a_benchmark_is_imported_before_it_is_asked(hub, home, questions):
    chosen, imported = start_benchmark(hub, "gsm8k", questions)
    made = start_evaluate(hub, chosen, after=imported, limit=3)
    config = RunFolder(home / "runs" / made).config
    assert (config["seed_set"], config["after"], config["benchmark"]) == (imported, imported, "gsm8k")
    assert execute(RunFolder(home / "runs" / imported)) == "done" and execute(RunFolder(home / "runs" / made)) == "done"
    assert RunFolder(home / "runs" / made).read_state().summary["n"] == 3
    with pytest.raises(DataFormatError, match="There is no file"):
        start_benchmark(hub, "gsm8k", home / "nowhere.jsonl")
    assert np.isfinite(chosen.n_problems)
    assert start_benchmark(hub, "gsm8k", questions)[1] is None  # that very file is there


def test_a_file_is_imported_as_a_whole_before_it_is_asked_and_only_once(hub, home, questions, tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text("".join(f"{line}\n" for line in questions.read_text().splitlines()[:4]))
    chosen, imported = start_file(hub, file)
    assert (chosen.name, chosen.task, chosen.splits) == ("mine", "word_problems", ("train",))
    made = start_evaluate(hub, chosen, after=imported, limit_seed=3, limit=2)
    assert execute(RunFolder(home / "runs" / imported)) == "done" and execute(RunFolder(home / "runs" / made)) == "done"
    assert RunFolder(home / "runs" / made).read_state().summary["n"] == 2
    assert start_file(hub, file) == (find_set(home, str(file)), None)  # the shell takes that import as well
    assert start_file(hub, file, "custom")[1] is not None
    for text, sentence in (("", "is empty"), ('{"foo": 1}\n', "no known kind of file")):
        file.write_text(text)
        with pytest.raises(DataFormatError, match=sentence):
            start_file(hub, file)
    with pytest.raises(DataFormatError, match="There is no file"):
        start_file(hub, home / "nowhere.jsonl")
