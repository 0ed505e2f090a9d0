"""Looking an experiment through: what cannot be is one sentence, and nothing is left behind in the home."""

import json

import pytest

from core.datasets import ensure_seed_set
from core.errors import RunError, SeedbedError
from core.recipes.experiment_file import make_experiment
from core.recipes.experiment_freezing import check_experiment, freeze_experiment, require_students
from core.recipes.kinds import execute
from core.recipes.recipes import make_recipe
from core.runs.folder import RunFolder

ARMS = [{"selector": ["random", "loss_high"]}]


def make(**content):
    return make_experiment({"seed_set": "word_problems", "arm": ARMS, **content}, "x")


@pytest.mark.parametrize(("content", "sentence"), [
    ({"seed_set": "nope"}, "There is no seed set 'nope': no such file; built-in: word_problems"),
    ({"seed_set": "nope", "test": "core/x"}, "There is no file core/x|neither"),
    ({"test": "no_such.jsonl"}, "There is no file no_such.jsonl"),
    ({"benchmarks": ["maths/tset"]}, "maths has no split 'tset'; it has train, validation, test, ood"),
    ({"benchmarks": ["mats"]}, "no file, seed set or benchmark 'mats'"),
    ({"benchmarks": ["word_problems/test"]}, "the experiment's own seed set"),
    ({"benchmarks": ["gsm8k=none.jsonl"]}, "There is no file none.jsonl"),
    ({"student": "no such"}, "'no such' is neither a folder nor a hub id"),
    ({"arm": [{"student": "/nowhere/it"}]}, "There is no model folder /nowhere/it"),
    ({"arm": [{"selector": "loss_hihg"}]}, "There is no selector named 'loss_hihg'"),
    ({"arm": [{"review": True, "rounds": 1}]}, "review needs rounds = 2 or more"),
    ({"common": {"accepted": 0}}, "accepted must be at least 1"),
    ({"common": {"learning_rate": 0.0}}, "learning_rate must be above 0"),
    ({"common": {"budget_tokens": 10}}, "The budget of 10 tokens allows not one request to the teacher"),
    ({"arm": [{"recipe": "baseline", "data": "answers", "budget_tokens": 10}]}, "allows not one request"),
    ({"arm": [{"recipe": "verbalized", "budget_tokens": 10}]}, "allows not one request"),
    ({"arm": [{"recipe": "sparq", "budget_tokens": 10}]}, "allows not one request"),
    ({"arm": [*ARMS, {"recipe": "steerability", "of": "nope"}]},
     "no arm before it and no run of this home; before it stand: 'active, random', 'active, loss_high'"),
    ({"arm": [{"recipe": "steerability", "of": "nope"}, *ARMS]}, "no arm stands before it"),
])  # fmt: skip
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(tmp_path, content, sentence):
    for look in (check_experiment, freeze_experiment):
        with pytest.raises(SeedbedError, match=sentence):
            look(tmp_path, make(**content))
        assert not list(tmp_path.iterdir())


def test_a_budget_in_dollars_is_held_against_the_first_request_too(tmp_path):
    (tmp_path / "prices.toml").write_text('[[price]]\nmodel = "dear"\ninput = 10.0\noutput = 1000.0\n')
    teacher = {"base_url": "http://127.0.0.1:9/v1", "model": "dear", "key_env": ""}
    with pytest.raises(RunError, match=r"budget of \$0\.01 allows not one request .* could cost \$.* raise budget_usd"):
        check_experiment(tmp_path, make(teacher=teacher, common={"budget_usd": 0.01}))
    check_experiment(tmp_path, make(teacher=teacher, common={"budget_usd": 100.0}))


def test_a_file_of_no_known_task_is_told_before_it_is_imported(tmp_path):
    file = tmp_path / "odd.jsonl"
    file.write_text(json.dumps({"colour": "red"}) + "\n")
    with pytest.raises(SeedbedError, match=r"odd\.jsonl"):
        freeze_experiment(tmp_path / "home", make(seed_set=str(file)))
    assert not (tmp_path / "home").exists()


def test_what_can_be_is_frozen_as_it_was_looked_through(tmp_path, seed_files):
    assert check_experiment(tmp_path, make(benchmarks=["maths/test"])) == []
    assert not list(tmp_path.iterdir())
    files = {"seed_set": str(seed_files["train"]), "test": str(seed_files["test"])}
    made = freeze_experiment(tmp_path, make(**files, benchmarks=["maths/test"]))
    assert made["asked_sets"][0]["name"] == "maths/test" and made["seed_set_name"] == "train"
    named = check_experiment(tmp_path, make(seed_set="train"))
    assert named == [] and len(list((tmp_path / "runs").iterdir())) == 2
    with pytest.raises(SeedbedError, match="imported here: train"):
        check_experiment(tmp_path, make(seed_set="trian"))


def test_a_student_that_this_machine_lacks_is_doubted_and_not_refused(tmp_path):
    (doubt,) = check_experiment(tmp_path, make(student="no/such"))
    assert "no folder 'no/such'" in doubt and "fetched from the hub" in doubt
    assert check_experiment(tmp_path, make(student="no/such", arm=[{"student": "tiny"}])) == []
    with pytest.raises(SeedbedError, match="no folder 'no/such' and no such model on this machine, and the hub cannot"):
        require_students(make(student="no/such"))
    require_students(make(student="no/such", arm=[{"student": "tiny"}]))


@pytest.mark.parametrize(("recipe", "settings"), [("active", {}), ("baseline", {"data": "answers"})])
def test_the_least_that_a_budget_must_allow_is_what_a_run_finds_too(tmp_path, seed_files, recipe, settings):
    """A tenth less than what is asked for here is refused by the run as well, at the first request."""
    seed_set = ensure_seed_set(tmp_path, seed_files["train"], test=seed_files["test"])
    arm = {"recipe": recipe, "accepted": 2, "rounds": 1, "epochs": 1, **settings}
    with pytest.raises(SeedbedError, match=r"could take [0-9,]+") as told:
        check_experiment(tmp_path, make(seed_set=seed_set, arm=[{**arm, "budget_tokens": 1}]))
    least = int(str(told.value).split("could take ")[1].split(" ")[0].replace(",", ""))
    assert check_experiment(tmp_path, make(seed_set=seed_set, arm=[{**arm, "budget_tokens": least}])) == []
    made = make_recipe(recipe, {name: value for name, value in arm.items() if name != "recipe"})
    config = {**made.make_config(tmp_path, seed_set, "tiny", 0), "budget": {"tokens": least * 9 // 10, "usd": None}}
    folder = RunFolder.create(tmp_path, made.kind, title="x", config=config, lane="device", starts_itself=True)
    assert execute(folder) == "failed"
    error = folder.read_state().error
    assert "allows no further request" in error and "0 tokens spent" not in error


def test_arms_that_ask_no_teacher_may_have_any_budget(tmp_path):
    arms = [{"recipe": "baseline", "data": "seeds"}, {"recipe": "zero_shot", "who": "student"}]
    assert check_experiment(tmp_path, make(common={"budget_tokens": 1}, arm=arms)) == []
