"""Synthetic problems by quality and diversity, with the shipped student and teacher on small files."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, replace

import pandas as pd
import pytest

from core.__main__ import main
from core.datasets import ensure_seed_set, load_problems
from core.errors import SeedbedError, TeacherError, TrainingError
from core.hub import Hub
from core.lines import read_all
from core.recipes.clone import start_clone
from core.recipes.experiment import find_children
from core.recipes.experiment_file import read_experiment
from core.recipes.experiment_rate import estimate_seconds
from core.recipes.experiment_results import read_results
from core.recipes.kinds import execute
from core.recipes.searching import Search
from core.recipes.sparq import Portions, Sparq
from core.records import SPLITS
from core.runs.folder import RunFolder
from core.settings import REPOSITORY, Settings
from core.tasks import TASKS

K, ROUNDS, GENERATED, BATCH, N = 3, 2, 32, 8, 6
SMALL = Sparq(accepted=K, rounds=ROUNDS, generated=GENERATED, batch=BATCH, n_rollouts=N, epochs=1)
SMALL_DIVERSE = {
    "algorithm": "dynamic_diverse",
    "keep": "quality_diversity",
    "per_skill_set": 2,
    "generated": GENERATED,
}
FILE = f"""
title = "Small"
seed_set = "{{train}}"
validation = "{{validation}}"
test = "{{test}}"
[common]
accepted = {K}
rounds = {ROUNDS}
generated = {GENERATED}
batch = {BATCH}
n_rollouts = {N}
epochs = 1
[[arm]]
recipe = "sparq"
algorithm = "static_uniform"
[[arm]]
recipe = "sparq"
algorithm = "dynamic_diverse"
per_skill_set = 2
keep = "quality_diversity"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def seed_set(seed_files, home):
    files = {split: seed_files[split] for split in ("validation", "test")}
    return ensure_seed_set(home, seed_files["train"], **files)


@pytest.fixture(scope="module")
def file(seed_files, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "small.toml"
    path.write_text(FILE.format(**seed_files))
    return path


def list_runs(home):
    (experiment,) = (home / "runs").glob("*-experiment-*")
    runs = [run for run in find_children(home, experiment.name) if "arm" in run.config]
    return {run.config["algorithm"]: run for run in runs}


@pytest.fixture(scope="module")
def runs(file, home, seed_set):
    """The two arms, after their process was killed in the second one's search and gone on with."""
    command = [sys.executable, "-m", "core", "experiment", str(file), "--home", str(home)]
    log = file.with_suffix(".log")
    with (
        log.open("w") as told,
        subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True, stdout=told, stderr=told) as process,
    ):
        deadline = time.monotonic() + 200
        while len(list((home / "runs").glob("*-sparq-*/records/candidates.jsonl"))) < 2:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    assert list_runs(home)["dynamic_diverse"].read_state().state == "lost"
    assert main(["experiment", str(file), "--home", str(home)]) == 0
    return list_runs(home)


def read_parts(run, table):
    return pd.concat(map(pd.read_parquet, sorted((run.path / "records" / table).glob("*.parquet"))), ignore_index=True)


def read_now(run, table):
    """Return the lines of the attempt that came to its end."""
    return [
        line for line in read_all(run.path / "records" / f"{table}.jsonl") if line["attempt"] == run.n_wanted_attempts()
    ]


def test_a_killed_search_goes_on_and_pays_for_nothing_again(runs, home):
    attempts = {name: run.read_state().attempt for name, run in runs.items()}
    assert attempts == {"static_uniform": 1, "dynamic_diverse": 2}
    calls = read_all(runs["dynamic_diverse"].path / "records" / "calls.jsonl")
    paid = {(call["purpose"], call["sample_index"], call["call_id"]) for call in calls if call["attempt"] == 1}
    assert paid, "the first attempt had asked the teacher"
    by_attempt = Counter((call["attempt"], call["is_cached"]) for call in calls if call["finish_reason"])
    n_all = 60 + 2 * GENERATED  # skills of the seeds, then a mutation and its skills each
    assert by_attempt[2, True] >= by_attempt[1, False] > 60
    assert by_attempt[2, True] + by_attempt[2, False] == n_all
    assert by_attempt[2, False] == n_all - by_attempt[2, True] < 2 * GENERATED
    keys = [line["key"] for path in (home / "cache" / "samples").glob("*.jsonl") for line in read_all(path)]
    assert len(keys) == len(set(keys)) > N * (60 + GENERATED), "every attempt was drawn once"


@pytest.mark.parametrize("name", ["static_uniform", "dynamic_diverse"])
def test_everything_that_was_generated_is_accounted_for(runs, name):
    run = runs[name]
    summary, rounds = run.read_state().summary, read_now(run, "rounds")
    candidates, verdicts = read_now(run, "candidates"), read_now(run, "verdicts")
    rejected = {line["candidate_id"] for line in verdicts if line["is_accepted"] is False}
    failed = [line for line in candidates if line["failure"] is not None]
    assert summary["n_requested"] == len(candidates) == len({line["candidate_id"] for line in candidates})
    assert (summary["n_failed"], summary["n_rejected"]) == (len(failed), len(rejected))
    n_generated = len(candidates) - len(failed) - len(rejected) - summary["n_repeated"]
    assert summary["n_generated"] == n_generated == GENERATED
    parts = ("n_never", "n_always", "n_unknown", "n_useful", "n_outside")
    assert sum(summary[part] for part in parts) == n_generated
    for row in rounds:
        assert row["requested"] == row["failed"] + row["rejected"] + row["accepted"]
    assert sum(row["requested"] for row in rounds) == len(candidates)
    assert sum(row["accepted"] for row in rounds) == summary["n_kept"] == K * ROUNDS
    assert [line["position"] for line in candidates] == list(range(len(candidates)))


@pytest.mark.parametrize("name", ["static_uniform", "dynamic_diverse"])
def test_what_is_trained_on_are_the_right_attempts_at_problems_of_quality(runs, name):
    run = runs[name]
    task = TASKS.get("word_problems")
    candidates = {line["candidate_id"]: line for line in read_now(run, "candidates")}
    drawn = read_parts(run, "own_answers").drop_duplicates(["problem_id", "sample"], keep="last")
    rates = {}
    for id_, answers in drawn.groupby("problem_id"):
        assert sorted(answers["sample"]) == list(range(N))
        finals = [task.extract_final(text) for text in answers["text"]]
        rates[id_] = sum(final == candidates[id_]["final"] for final in finals) / N
    scores = read_parts(run, "scores").query("signal == 'solve_rate'").drop_duplicates("problem_id", keep="last")
    told = scores.set_index("problem_id")["value"]
    assert {id_: told[id_] for id_ in rates} == rates and len(rates) == GENERATED
    rows = [line for line in read_now(run, "training_rows") if line["round"] == ROUNDS]
    kept = list(dict.fromkeys(line["origin_id"] for line in rows))
    assert len(kept) == K * ROUNDS and all(0.1 <= rates[id_] <= 0.9 for id_ in kept)
    for id_ in kept:
        answers = drawn[drawn["problem_id"] == id_]
        right = [text for text in answers["text"] if task.extract_final(text) == candidates[id_]["final"]]
        trained = [line["answer"] for line in rows if line["origin_id"] == id_]
        assert sorted(trained) == sorted({" ".join(text.split()): text for text in reversed(right)}.values())
        assert answers["is_kept"].sum() == len(trained)
    assert {line["origin"] for line in rows} == {"own"}
    assert (
        drawn[~drawn["problem_id"].isin(kept)]["is_kept"].sum() == 0
        and drawn[~drawn["is_kept"]]["reason"].notna().all()
    )
    first = [line["origin_id"] for line in read_now(run, "training_rows") if line["round"] == 1]
    assert list(dict.fromkeys(first)) == kept[:K], "a round goes on from the one before"


def test_parents_come_from_where_the_algorithm_says(runs, home, seed_set):
    seeds = {row.problem_id for row in load_problems(home, seed_set) if row.split == "train"}
    for name, run in runs.items():
        candidates = read_now(run, "candidates")
        own = {line["candidate_id"] for line in candidates}
        parents = {parent for line in candidates for parent in line["parents"]}
        assert parents <= (seeds | own if name == "dynamic_diverse" else seeds)
    grown = runs["dynamic_diverse"]
    rates = read_parts(grown, "scores").query("signal == 'solve_rate'").drop_duplicates("problem_id")
    assert seeds <= set(rates["problem_id"]), "seeds hold their place by their own solve rates"
    texts = read_parts(grown, "score_texts")
    assert seeds == set(texts["problem_id"]) and (texts["text"] != "").all()
    found = search(home, seed_set, replace(SMALL, algorithm="dynamic_uniform", working_set=4))
    useful = {id_ for id_ in found.candidates if found.solved[id_].quality > 0}
    later = [set(one.parents) for one in list(found.candidates.values())[BATCH:]]
    assert any(parents & useful for parents in later), "what was grown is mutated in its turn"
    assert not any(parents & (found.candidates.keys() - useful) for parents in later)


def test_diversity_is_counted_over_what_was_generated_and_kept(runs):
    for run in runs.values():
        summary = run.read_state().summary
        skills = {line["candidate_id"]: tuple(line["meta"]["skills"]) for line in read_now(run, "candidates")}
        kept = {line["origin_id"] for line in read_now(run, "training_rows")}
        for name, ids in (("generated", skills), ("kept", kept)):
            assert summary[f"{name}_skill_sets"] == len({skills[id_] for id_ in ids})
            assert summary[f"{name}_skills"] == len({skill for id_ in ids for skill in skills[id_]})
            assert 0 < summary[f"{name}_qd_score"] <= summary[f"{name}_skill_sets"]
            assert summary[f"{name}_without_skills"] == 0


def test_no_mutation_is_held_out(runs, held_out_questions):
    for run in runs.values():
        assert {line["question"] for line in read_now(run, "training_rows")}.isdisjoint(held_out_questions)


def test_the_experiment_and_the_database_know_the_runs(runs, home, file):
    (experiment,) = (home / "runs").glob("*-experiment-*")
    results = read_results(home, experiment.name)
    assert results.excluded.empty and results.ended_early.empty
    assert results.points.groupby("method")["size"].apply(list).tolist() == [[0, K, K * ROUNDS]] * 2
    hub = Hub(Settings(home=home, device_slots=0), is_threaded=False)
    try:
        hub.step()
        assert hub.store.list_faults().empty
        times = hub.store.list_round_times()  # of the run that went on nothing is told
        assert times["size"].tolist() == [K * number for number in range(ROUNDS, 0, -1)]
        assert set(times["n_searched"]) == {GENERATED} and (times["seconds"] > 0).all()
        estimate = estimate_seconds(times, read_experiment(file))
        assert estimate.seconds == pytest.approx(len(runs) * times["seconds"].sum()) and not estimate.unknown
        points = hub.store.list_experiment_points(experiment.name)
        pd.testing.assert_frame_equal(points[results.tests.columns], results.tests, check_dtype=False)
        run = runs["dynamic_diverse"]
        assert hub.store.count_candidates(run.run_id)["accepted"] == GENERATED
        row = hub.store.list_training_rows(run.run_id, limit=1).iloc[0]
        assert hub.store.read_candidate(run.run_id, row["origin_id"])["status"] == "accepted"
        assert len(hub.store.list_own_answers([run.run_id])) == N * GENERATED
        with pytest.raises(SeedbedError, match="There is no algorithm named 'static'"):
            start_clone(hub, run.run_id, "algorithm", "static")
        copy = RunFolder(home / "runs" / start_clone(hub, run.run_id, "keep", "random"))
        assert {**copy.config, "keep": "quality_diversity"}.items() >= SMALL_DIVERSE.items()
        hub.order(copy.run_id, "cancel")
    finally:
        hub.close()


# -- searches alone, without any training --------------------------------------------------------------------------


def search(home, seed_set, settings, replicate=0, student="tiny"):
    """Return a search that was carried out, in a run folder of its own."""
    config = settings.make_config(home, seed_set, student, replicate)
    folder = RunFolder.create(home, "sparq", title="t", config=config, lane="device", starts_itself=True)
    problems = load_problems(home, seed_set)
    by_split = {split: [row for row in problems if row.split == split] for split in SPLITS}
    found = Search(folder, config, TASKS.get(config["task"]), by_split)
    with folder.hold():
        found.run()
    return found


def list_rows(found, **changes):
    portions = Portions(found)
    found.config = {**found.config, **changes}
    portions.keep()
    return [(row.origin_id, row.origin, row.answer) for id_ in portions.kept for row in portions.make_rows(id_)]


@pytest.fixture(scope="module")
def found(runs, home, seed_set):
    return search(home, seed_set, SMALL)


def test_a_replicate_is_the_same_again_and_another_one_is_another(runs, found, home, seed_set):
    again = [line["candidate_id"] for line in read_now(runs["static_uniform"], "candidates")]
    assert list(found.candidates) == [id_ for id_ in again if id_ in found.candidates]
    rows = [line for line in read_now(runs["static_uniform"], "training_rows") if line["round"] == ROUNDS]
    assert list_rows(found) == [(line["origin_id"], line["origin"], line["answer"]) for line in rows]
    other = search(home, seed_set, replace(SMALL, generated=8), replicate=1)
    assert other.candidates.keys().isdisjoint(found.candidates)


def test_pairs_are_attempts_or_the_generators_own_answers(found):
    answers = {id_: one.answer for id_, one in found.candidates.items()}
    own = list_rows(found, pairs="answers")
    assert own and all((origin, answer) == ("candidate", answers[id_]) for id_, origin, answer in own)
    every = list_rows(found, pairs="rollouts")
    first = {id_: answer for id_, _, answer in reversed(every)}
    assert list_rows(found, pairs="one_rollout") == [
        (id_, "own", first[id_]) for id_ in dict.fromkeys(r[0] for r in every)
    ]


def test_nothing_of_use_is_said_in_one_sentence(found):
    for one in found.solved.values():
        found.solved[one.problem_id] = replace(one, rate=1.0)
    with pytest.raises(
        TrainingError, match=r"none of 32 problems was solved in 10% to 90% of 6 attempts \(0 never, 32 always"
    ):
        list_rows(found)


def test_a_solver_may_be_an_adapter(runs, home, seed_set):
    path = read_now(runs["static_uniform"], "adapters")[0]["path"]
    found = search(home, seed_set, replace(SMALL, generated=8, solver=path, algorithm="dynamic_uniform"))
    assert found.label == "solver"
    base = (
        read_parts(runs["dynamic_diverse"], "scores").query("signal == 'solve_rate'").set_index("problem_id")["value"]
    )
    rates = read_parts(found.folder, "scores").query("signal == 'solve_rate' and student == 'solver'")
    rates = rates.set_index("problem_id")["value"]
    assert len(rates) == 60 and (rates != base[~base.index.duplicated()][rates.index]).any()


def test_a_student_that_cannot_write_problems_ends_the_run_by_one_sentence(home, seed_set):
    config = replace(SMALL, generator="student", generated=8, accepted=1).make_config(home, seed_set, "tiny", 0)
    assert config["teacher"] == {"student": "tiny"}
    folder = RunFolder.create(home, "sparq", title="t", config=config, lane="device", starts_itself=True)
    assert execute(folder) == "failed"
    assert folder.read_state().error.startswith("No problem came of 24 mutations: 24 failed, 0 rejected; most often: ")
    lines = read_all(folder.path / "records" / "candidates.jsonl")
    assert len(lines) == 24 and all(line["failure"] for line in lines)
    assert {line["teacher"] for line in lines} == {"tiny"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"algorithm": "static"}, "There is no algorithm named 'static'"),
        ({"keep": "best"}, "There is no way to keep problems named 'best'"),
        ({"pairs": "both"}, "pairs must be rollouts or one_rollout or answers, not 'both'."),
        ({"generator": "me"}, "generator must be teacher or student, not 'me'."),
        ({"accepted": 0}, "accepted must be at least 1, not 0."),
        ({"batch": 0}, "batch must be at least 1, not 0."),
        ({"generated": 5}, "Of 5 generated problems 2 rounds of 3 cannot be kept; raise generated."),
        ({"n_rollouts": 1}, "n_rollouts must be at least 2"),
        ({"temperature": 0.0}, "a temperature above 0"),
        ({"quality_mean": 0.95}, "quality_mean must be from 0.1 to 0.9, not 0.95."),
        ({"n_parents": 9}, "A batch of 8 mutations draws too few parents for 9 of each."),
        ({"generated": 2000, "batch": 8}, "may take more than 999 of them; raise batch."),
        ({"solver": "nowhere"}, "nowhere"),
        ({"epochs": 0}, "epochs must be at least 1"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_told_before_anything_runs(home, seed_set, settings, sentence):
    n_before = len(list((home / "runs").iterdir()))
    with pytest.raises(SeedbedError) as told:
        replace(SMALL, **settings).make_config(home, seed_set, "tiny", 0)
    assert sentence in str(told.value) and "\n" not in str(told.value)
    assert len(list((home / "runs").iterdir())) == n_before


def test_a_configuration_says_all_that_is_done(home, seed_set):
    config = SMALL.make_config(home, seed_set, "tiny", 3)
    names = set(asdict(SMALL)) - {"accepted", "rounds", "n_parents", "epochs", "learning_rate"}
    assert all(config[name] == getattr(SMALL, name) for name in names)
    assert (config["k"], config["rounds"], config["replicate"]) == (K, ROUNDS, 3)
    assert config["method_settings"] == {"n_parents": 1, "labels_skills": True}
    assert "held_out" in config["filters"] and config["training"]["epochs"] == 1
    assert {"selector", "pick", "reward"}.isdisjoint(config) and json.dumps(config)


def test_nothing_at_all_is_said_in_one_sentence(home, seed_set):
    settings = replace(SMALL, n_parents=3, batch=4)
    problems = {split: [] for split in SPLITS}
    config = settings.make_config(home, seed_set, "tiny", 0)
    folder = RunFolder.create(home, "sparq", title="t", config=config, lane="device", starts_itself=True)
    with pytest.raises(TeacherError, match="There are no seeds to grow candidates from"), folder.hold():
        Search(folder, config, TASKS.get(config["task"]), problems).run()
