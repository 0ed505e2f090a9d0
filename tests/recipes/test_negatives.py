"""The recipe of positives and negatives: one objective at growing numbers of problems, killed and gone on with."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, fields

import pandas as pd
import pytest

from core.__main__ import main
from core.datasets import ensure_seed_set, load_problems
from core.errors import SeedbedError, TeacherError
from core.hub import Hub
from core.lines import read_all
from core.models.student import hash_model_files
from core.recipes.clone import start_clone
from core.recipes.experiment import find_children
from core.recipes.experiment_results import read_results
from core.recipes.grown_portions import Stock, draw_seeds, grow_portions, say_short
from core.recipes.negatives import OF_OBJECTIVE, Negatives, list_brought
from core.recipes.recipes import RECIPES, make_recipe
from core.recipes.rounds import COUNTS
from core.records import SPLITS
from core.runs.folder import RunFolder
from core.runs.orders import ROUNDS
from core.settings import REPOSITORY, Settings
from core.training.objectives import OBJECTIVES, make_objective

K, N_ROUNDS, N_SAMPLES = 8, 2, 6
DRAWS = f"n_samples = {N_SAMPLES}"
FILE = f"""
title = "Small"
seed_set = "{{train}}"
validation = "{{validation}}"
test = "{{test}}"
[common]
accepted = {K}
rounds = {N_ROUNDS}
epochs = 1
[[arm]]
recipe = "negatives"
objective = "sft"
[[arm]]
recipe = "negatives"
objective = "rft"
{DRAWS}
[[arm]]
recipe = "negatives"
objective = "dpo"
preference_epochs = 1
{DRAWS}
[[arm]]
recipe = "negatives"
objective = "per_step_dpo"
preference_epochs = 1
n_rollouts = 2
{DRAWS}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def told(few_files, home, tmp_path_factory):
    """What the shell says of the experiment after its process was killed in the second round of an arm with pairs."""
    file = tmp_path_factory.mktemp("files") / "small.toml"
    file.write_text(FILE.format(**few_files))
    command = [sys.executable, "-m", "core", "experiment", str(file), "--home", str(home)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True, **quiet) as process:
        deadline = time.monotonic() + 500
        while not any(row["round"] == 2 and row["name"] == "loss" for row in read_metrics(home, "dpo")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    lines = io.StringIO()
    with contextlib.redirect_stdout(lines):
        assert main(command[3:]) == 0
    return lines.getvalue()


def read_metrics(home, objective):
    return [row for run in list_runs(home).get(objective, ()) for row in read(run, "metrics")]


def list_runs(home):
    """Return objective -> its runs."""
    found = {}
    for path in sorted((home / "runs").glob("*-negatives-*")):
        if (path / "run.json").exists():
            found.setdefault(RunFolder(path).config["objective"], []).append(RunFolder(path))
    return found


def read(run, table):
    return read_all(run.path / "records" / f"{table}.jsonl")


KEYS = {
    "candidates": ("candidate_id",),
    "training_rows": ("round", "position"),
    "policy_rows": ("round", "position"),
    "own_answers": ("round", "problem_id", "sample"),
}


def read_last(run, table):
    """Return the rows as they stand: a later attempt's take the place of an earlier one's."""
    return list({tuple(row[name] for name in KEYS[table]): row for row in read(run, table)}.values())


@pytest.fixture(scope="module")
def runs(told, home):
    found = list_runs(home)
    assert list(found) == ["sft", "rft", "dpo", "per_step_dpo"]
    return {objective: run for objective, (run,) in found.items()}


def test_it_went_on_in_the_arm_in_which_it_was_killed_and_paid_for_nothing_twice(runs, home):
    attempts = {objective: run.read_state().attempt for objective, run in runs.items()}
    assert attempts == {"sft": 1, "rft": 1, "dpo": 2, "per_step_dpo": 1}
    assert all(run.read_state().state == "done" for run in runs.values())
    for name in ("replies", "samples", "predictions"):
        keys = [row["key"] for path in (home / "cache" / name).glob("*.jsonl") for row in read_all(path)]
        assert keys and max(Counter(keys).values()) == 1, name
    calls = {(objective, row["attempt"]): [] for objective, run in runs.items() for row in read(run, "calls")}
    for objective, run in runs.items():
        for row in read(run, "calls"):
            calls[objective, row["attempt"]].append(row["is_cached"])
    assert not any(calls.pop(("sft", 1))) and len(calls) == 4 and all(all(each) for each in calls.values())
    trained = [(row["attempt"], row["round"]) for row in read(runs["dpo"], "metrics") if row["name"] == "loss"]
    assert set(trained) == {(1, 1), (1, 2), (2, 2)}, "the first round is not trained again"


def test_arms_train_on_the_same_problems_in_the_same_order(runs):
    grown = [
        [(row["round"], row["parents"], row["question"], row["answer"]) for row in read_last(run, "candidates")]
        for run in runs.values()
    ]
    assert grown[0] and all(each == grown[0] for each in grown[1:])
    sft = [(row["round"], row["row_id"]) for row in read(runs["sft"], "training_rows")]
    for objective in ("rft", "dpo", "per_step_dpo"):
        assert [(row["round"], row["row_id"]) for row in read_last(runs[objective], "policy_rows")] == sft
        for number in (1, 2):
            place = f"checkpoints/round-{number}"
            policy, alone = runs[objective].path / place / "sft" / "adapter", runs["sft"].path / place / "adapter"
            assert hash_model_files(policy) == hash_model_files(alone)


def test_counts_add_up_and_nothing_is_left_out_without_a_reason(runs):
    for objective, run in runs.items():
        summary = run.read_state().summary
        assert (summary["objective"], summary["teacher"], summary["short"]) == (objective, "built-in", [])
        candidates, used = read_last(run, "candidates"), read_last(run, "training_rows")
        for row in summary["rounds"]:
            assert row["requested"] == row["failed"] + row["rejected"] + row["accepted"]
            own = [each for each in candidates if each["round"] == row["round"]]
            assert (row["selected"], row["accepted"], row["requested"]) == (K, K, len(own))
            assert row["n_output_tokens"] == sum(each["n_output_tokens"] for each in own)
            assert set(COUNTS) < set(row)
            lines = [each for each in used if each["round"] == row["round"]]
            assert row["training_rows"] == sum(each["is_used"] for each in lines) > 0
            assert all(each["is_used"] or each["reason"] for each in lines)
            assert len({each["question"] for each in lines}) == K * row["round"], "each problem is told of"
        if objective != "sft":
            drawn = read_last(run, "own_answers")
            assert len(drawn) == N_SAMPLES * (K + 2 * K)
            assert all(each["is_kept"] or each["reason"] for each in drawn)
        assert {row["objective"] for row in read(run, "adapters")} == {objective}


def test_what_is_trained_on_is_what_the_objective_says(runs):
    used = {name: [row for row in read_last(run, "training_rows") if row["is_used"]] for name, run in runs.items()}
    given = {row["question"]: row["answer"] for row in used["sft"]}
    right = {(row["question"], row["text"]) for row in read(runs["rft"], "own_answers") if row["is_correct"]}
    wrong = {(row["question"], row["text"]) for row in read_last(runs["dpo"], "own_answers") if not row["is_correct"]}
    assert all((row["question"], row["answer"]) in right and row["rejected"] is None for row in used["rft"])
    assert all(given[row["question"]] == row["answer"] for name in ("dpo", "per_step_dpo") for row in used[name])
    assert all((row["question"], row["rejected"]) in wrong for row in used["dpo"])
    for row in used["per_step_dpo"]:
        assert any(row["question"] == question and text.startswith(row["rejected"]) for question, text in wrong)


def test_the_supervised_arm_is_a_loop_that_selects_at_random(runs, few_files, home):
    files = [f"--{split}={few_files[name]}" for split, name in (("seeds", "train"), ("validation", "validation"))]
    more = [f"--test={few_files['test']}", f"--select={K}", f"--rounds={N_ROUNDS}", "--epochs=1", f"--home={home}"]
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["loop", *files, *more]) == 0
    (path,) = (home / "runs").glob("*-loop-*")
    loop, sft = RunFolder(path).read_state().summary, runs["sft"].read_state().summary
    assert loop["test_accuracy"] == sft["test_accuracy"]
    alike = [(one["selected"], one["requested"], one["training_rows"]) for one in loop["rounds"]]
    assert alike == [(one["selected"], one["requested"], one["training_rows"]) for one in sft["rounds"]]


def test_the_tables_and_the_database_have_the_same_points(told, runs, home):
    assert "sft's data" in told and "multiplier" in told
    parent = runs["sft"].config["parent"]
    assert {run.run_id for run in runs.values()} < {run.run_id for run in find_children(home, parent)}
    results = read_results(home, parent)
    hub = Hub(Settings(home=home), is_threaded=False)
    try:
        hub.step()
        points = hub.store.list_experiment_points(parent)
        assert hub.store.list_faults().empty
    finally:
        hub.close()
    pd.testing.assert_frame_equal(points[results.tests.columns], results.tests, check_dtype=False)
    assert points["selector"].isna().all() and set(points["size"]) == {0, K, 2 * K}
    assert results.pairs.empty and results.excluded.empty


# -- settings ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory, few_files):
    """A home with the small seed set, its id, and its problems by split."""
    place = tmp_path_factory.mktemp("world")
    seed_set = ensure_seed_set(place, few_files["train"], validation=few_files["validation"], test=few_files["test"])
    problems = load_problems(place, seed_set)
    return place, seed_set, {split: [row for row in problems if row.split == split] for split in SPLITS}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"objective": "signed"}, "signed needs wrong answers .* choose one of: sft, rft, dpo, per_step_dpo."),
        ({"objective": "unlikelihood"}, "unlikelihood needs wrong answers"),
        ({"objective": "magic"}, "magic"),
        ({"beta": 0.1}, "The objective sft has no setting beta"),
        ({"objective": "dpo", "n_rollouts": 2}, "The objective dpo has no setting n_rollouts"),
        ({"objective": "dpo", "beta": 0.0}, "beta must be above 0"),
        ({"objective": "rft", "preference_epochs": 2}, "rft trains on no pairs; leave preference_epochs out"),
        ({"objective": "dpo", "preference_epochs": 0}, "epochs must be at least 1"),
        ({"objective": "dpo", "learning_rate": 7.0}, "learning_rate must be above 0"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"accepted": 0}, "accepted must be at least 1, not 0."),
        ({"rounds": 0}, "rounds must be at least 1, not 0."),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(world, settings, sentence):
    place, seed_set, _ = world
    with pytest.raises(SeedbedError, match=sentence) as caught:
        make_recipe("negatives", settings).make_config(place, seed_set, "tiny", 0)
    assert "\n" not in str(caught.value)


def test_every_setting_of_every_objective_is_offered_and_reaches_it(world):
    place, seed_set, _ = world
    assert set(OF_OBJECTIVE) == {field.name for name in list_brought() for field in fields(OBJECTIVES.get(name))}
    for name in list_brought():
        usual = asdict(make_objective(name))
        assert (
            make_recipe("negatives", {"objective": name}).make_config(place, seed_set, "tiny", 0)["settings"] == usual
        )
        for field, value in usual.items():
            other = "own" if isinstance(value, str) else value + 1 if isinstance(value, int) else value / 2 + 0.1
            made = make_recipe("negatives", {"objective": name, field: other}).make_config(place, seed_set, "tiny", 0)
            assert made["settings"] == {**usual, field: other}


def test_trainings_have_the_settings_that_they_are_given(world):
    place, seed_set, _ = world

    def make(objective, **settings):
        return Negatives(objective, **settings).make_config(place, seed_set, "tiny", 3)

    sft, rft = (make(name, epochs=2, learning_rate=1e-3) for name in ("sft", "rft"))
    dpo = make("dpo", epochs=2, learning_rate=1e-3, preference_epochs=7)
    assert sft["policy_training"] is None
    assert sft["training"] == rft["training"] == rft["policy_training"] == dpo["policy_training"]
    assert (sft["training"]["epochs"], sft["training"]["learning_rate"]) == (2, 1e-3)
    assert dpo["training"] == {**make("dpo")["training"], "epochs": 7} and dpo["preset"] == "tiny-dpo"
    assert make("per_step_dpo")["preset"] == "tiny-per-step-dpo"
    assert not {"selector", "reward"} & set(sft) and (sft["replicate"], sft["k"]) == (3, 100)


def test_a_copy_may_have_other_settings(world):
    place, seed_set, _ = world
    hub = Hub(Settings(home=place, device_slots=0), is_threaded=False)
    try:
        run_id = make_folder(place, seed_set, objective="dpo").run_id
        hub.step()
        for name, value in (("settings.beta", 0.3), ("policy_training.epochs", 2), ("training.seed", 4), ("k", 7)):
            made = hub.store.read_run(start_clone(hub, run_id, name, value))["config"]
            part, _, field = name.partition(".")
            assert (made[part][field] if field else made[part]) == value
            assert made["policy_training"]["seed"] == made["training"]["seed"]
        with pytest.raises(SeedbedError, match="cannot change 'objective'"):
            start_clone(hub, run_id, "objective", "sft")
    finally:
        hub.close()


def test_its_kind_is_one_of_rounds():
    assert RECIPES.get("negatives") is Negatives and RECIPES.get("negatives").kind in ROUNDS


# -- problems ------------------------------------------------------------------------------------------------------


def make_folder(place, seed_set, replicate=0, more=None, **settings):
    config = Negatives(**settings).make_config(place, seed_set, "tiny", replicate)
    return RunFolder.create(place, "negatives", title="t", config={**config, **(more or {})}, lane="device")


def test_seeds_are_those_of_the_replicate_whatever_the_objective(world):
    place, seed_set, problems = world

    def draw(replicate, number, **settings):
        folder = make_folder(place, seed_set, replicate, accepted=K, **settings)
        seeds, n = draw_seeds(folder, number, problems["train"])
        kept = [row["problem_id"] for row in read(folder, "selected")]
        assert n == K and [seed.problem_id for seed in seeds] == kept and len(kept) == 4 * K
        (about,) = read(folder, "selections")
        assert (about["selector"], about["k"], about["student"]) == ("random", K, None)
        return kept

    first = draw(0, 1)
    assert draw(0, 1, objective="dpo") == first
    assert len({tuple(each) for each in (first, draw(1, 1), draw(0, 2))}) == 3


STRICT = {"filter_settings": {"rouge_l": {"limit": 0.25}}}
"""Hardly any question is unlike all others by this much."""


def test_rounds_that_are_short_of_problems_say_so_and_the_next_go_on(world, capsys):
    place, seed_set, problems = world
    folder = make_folder(place, seed_set, more=STRICT, accepted=20, rounds=2)
    stock = Stock(20)
    portions = [(len(each.rows), each.counts) for each in grow_portions(folder, problems, stock)]
    candidates = read(folder, "candidates")
    n_before = 0
    for number, (n_rows, counts) in enumerate(portions, 1):
        own = [row for row in candidates if row["round"] == number]
        assert counts["requested"] == len(own) == counts["failed"] + counts["rejected"] + counts["accepted"]
        assert n_rows == n_before + counts["accepted"]
        n_before = n_rows
    (sentence,) = stock.short
    assert sentence.startswith(f"round 2: {n_before} of 40 problems to train on; of this round 80 requested, ")
    assert f"{counts['rejected']} rejected" in sentence and capsys.readouterr().out.splitlines() == stock.short


def test_a_round_without_any_problem_says_why(tmp_path):
    seeds, place = tmp_path / "own.jsonl", tmp_path / "home"
    rows = [{"question": f"Who wrote the book number {i}?", "answer": f"Author {i}"} for i in range(40)]
    seeds.write_text("".join(json.dumps(row) + "\n" for row in rows))
    seed_set = ensure_seed_set(place, seeds)
    train = [row for row in load_problems(place, seed_set) if row.split == "train"]
    with pytest.raises(TeacherError, match=r"There is nothing to train on\. round 1: 0 of 2 problems .* 8 failed"):
        next(grow_portions(make_folder(place, seed_set, accepted=2), {"train": train}, Stock(2)))


def test_problems_with_the_same_texts_are_counted(world):
    from core.generation.grow import GrowOutcome
    from core.records import Candidate

    twins = [Candidate(str(i), ("p",), "1 + 1?", "2", "2", None, "rewrite", "built-in", "", "", 1, 1) for i in range(2)]
    outcome = GrowOutcome(twins, requested=2)
    sentence = say_short(1, 2, twins, ["a row"], outcome)
    assert sentence == (
        "round 1: 1 of 2 problems to train on (1 more with the texts of an earlier one); of this round 2 requested, "
        "0 failed, 0 rejected."
    )
    assert say_short(1, 1, twins, ["a row"], outcome) is None
