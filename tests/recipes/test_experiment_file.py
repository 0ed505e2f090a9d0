"""Experiments as files: what they are read as, how arms are called, and one sentence for what cannot be."""

import tomllib
from dataclasses import fields

import pytest

from core.errors import SeedbedError
from core.recipes.experiment_file import make_experiment, read_experiment, write_experiment
from core.recipes.recipes import RECIPES, make_recipe
from core.setting_docs import read_docs

USUAL = {"seed_set": "word_problems", "arm": [{"selector": "random"}]}


def names(**content):
    return [arm.name for arm in make_experiment({**USUAL, **content}, "x").arms]


def test_a_file_is_read_with_lists_as_arms_and_common_settings_where_an_arm_has_them(tmp_path):
    seeds = tmp_path / "pens.jsonl"
    seeds.write_text("{}\n")
    (tmp_path / "test.jsonl").write_text("{}\n")
    file = tmp_path / "small.toml"
    file.write_text(
        'seed_set = "pens.jsonl"\ntest = "test.jsonl"\nvalidation = "/away/it.jsonl"\nreplicates = [3, 1]\n'
        "[common]\naccepted = 20\nrounds = 2\n"
        '[[arm]]\nselector = ["random", "loss_high"]\n[[arm]]\nselector = "loss_high"\npick = "softmax"\nrounds = 3\n'
    )
    found = read_experiment(file)
    assert (found.title, found.seed_set, found.student, found.replicates) == ("small", str(seeds), "tiny", (1, 3))
    assert (found.test, found.validation) == (str(tmp_path / "test.jsonl"), "/away/it.jsonl")
    assert [arm.name for arm in found.arms] == [
        "random, rounds 2", "loss_high, rounds 2", "loss_high, rounds 3, softmax",
    ]  # fmt: skip
    assert found.arms[2].settings == {"accepted": 20, "rounds": 3, "selector": "loss_high", "pick": "softmax"}


def test_arms_are_called_by_what_sets_them_apart():
    assert names(arm=[{"selector": ["random", "badge"]}]) == ["random", "badge"]
    assert names(arm=[{"selector": "badge", "accepted": [10, 20]}]) == ["accepted 10", "accepted 20"]
    assert names(arm=[{"selector": ["loss_high", "loss_low"], "pick": ["argmax", "softmax"]}]) == [
        "loss_high, argmax", "loss_high, softmax", "loss_low, argmax", "loss_low, softmax",
    ]  # fmt: skip
    assert names() == ["active"]


@pytest.mark.parametrize(("content", "sentence"), [
    ({"arms": []}, "An experiment has no 'arms'"),
    ({"arm": []}, r"needs at least one \[\[arm\]\]"),
    ({"arm": {"selector": "random"}}, r"needs at least one \[\[arm\]\]"),
    ({"seed_set": 3}, "needs seed_set, as a text"),
    ({"test": 3}, "test must be the name of a file"),
    ({"replicates": 0}, "replicates must be a number from 1 to 100"),
    ({"replicates": [0, -1]}, "replicates must be"),
    ({"replicates": 10**12}, "replicates must be"),
    ({"arm": [{"recipe": ["active"]}]}, "must be one name"),
    ({"arm": [{"selector": []}]}, "must make 1 to 100 arms, not 0"),
    ({"arm": [{"accepted": list(range(1, 12)), "rounds": list(range(1, 12))}]}, "not 121"),
    ({"replicates": True}, "replicates must be"),
    ({"common": 3}, "must be a table"),
    ({"common": {"acepted": 3}}, "No arm has the setting 'acepted'"),
    ({"arm": [{"recipe": "magic"}]}, "no recipe named 'magic'; known: active"),
    ({"arm": [{"selecter": "random"}]}, "The recipe active has no setting 'selecter'; it has: selector, pick"),
    ({"arm": [{"rounds": "two"}]}, "rounds must be a whole number, not 'two'"),
    ({"arm": [{"selector": ["random", "random"]}]}, "The arm 'random' is there twice"),
    ({"arm": [{"selector": ["random", "random", "badge"]}]}, "The arm 'random' is there twice"),
    ({"title": " "}, "The title of an experiment is empty"),
    ({"seed_set": ""}, "The seed set of an experiment is empty"),
    ({"replicates": [0, 0, 1]}, "replicates names 0 twice"),
    ({"arm": [{"selector": ["loss_high", "loss_low"]}, {"recipe": "steerability", "of": "loss"}]},
     "of = 'loss' may be each of these arms: 'active, loss_high', 'active, loss_low'; write more of the name"),
])  # fmt: skip
def test_what_cannot_be_is_one_sentence(content, sentence):
    with pytest.raises(SeedbedError, match=sentence):
        make_experiment({**USUAL, **content}, "x")


@pytest.mark.parametrize(("content", "sentence"), [
    (None, "There is no file .*x.toml; name the TOML file"),
    (b"\xff\xfe\x00", "x.toml is no text file"),
    (b"a = [", "is no TOML at line 1, 'a = \\['"),
    (b"title = \"T\"\nrounds = = 1\n", "is no TOML at line 2, 'rounds = = 1': invalid value; a setting is written as"),
])  # fmt: skip
def test_a_file_that_is_none_is_one_sentence(tmp_path, content, sentence):
    file = tmp_path / "x.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SeedbedError, match=sentence):
        read_experiment(file)


def test_what_an_arm_checks_may_be_a_part_of_an_arm_s_name():
    loops = [{"selector": ["random", "loss", "loss_high"]}, {"recipe": "baseline", "data": "seeds"}]

    def checked(of):
        arms = make_experiment({**USUAL, "arm": [*loops, {"recipe": "steerability", "of": of}]}, "x").arms
        return [arm.settings["of"] for arm in arms if "of" in arm.settings]

    assert checked(["random", "active, random"]) == ["active, random"] * 2
    assert checked(["loss_high", "loss"]) == ["active, loss_high", "active, loss"], "a whole part comes first"
    assert checked(["rand", "20260101-000000-loop-abcd"]) == ["active, random", "20260101-000000-loop-abcd"]


def test_switches_are_called_by_their_names():
    assert names(arm=[{"review": [True, False]}]) == ["review", "no review"]
    assert names(arm=[{"static": [False, True], "selector": "badge"}]) == ["no static", "static"]


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_setting_of_a_recipe_says_what_it_is(name):
    recipe = RECIPES.get(name)
    assert set(read_docs(recipe)) >= {each.name for each in fields(recipe)}
    assert recipe.__doc__ and make_recipe(name, {}) is not None


def test_an_arm_may_have_students_of_its_own():
    content = {"seed_set": "x", "arm": [{"student": ["tiny", "models/mine"], "selector": ["random", "badge"]}]}
    made = make_experiment(content, "x")
    assert [(arm.name, arm.options.student) for arm in made.arms] == [
        ("tiny, random", "tiny"), ("tiny, badge", "tiny"), ("models/mine, random", "models/mine"),
        ("models/mine, badge", "models/mine"),
    ]  # fmt: skip
    assert all("student" not in arm.settings for arm in made.arms)
    assert make_experiment({"seed_set": "x", "arm": [{}]}, "x").arms[0].options.student is None
    with pytest.raises(SeedbedError, match="student"):
        make_experiment({"seed_set": "x", "arm": [{"student": 3}]}, "x")


def test_arms_of_several_recipes_are_told_apart_by_what_differs_within_each():
    content = {"seed_set": "x", "common": {"accepted": 5, "rounds": 1}}
    content["arm"] = [{"recipe": "baseline", "data": ["seeds", "answers"]}, {"recipe": "zero_shot"}, {}]
    names = [arm.name for arm in make_experiment(content, "x").arms]
    assert names == ["baseline, seeds", "baseline, answers", "zero_shot", "active"]


def test_an_arm_of_any_recipe_may_have_a_budget():
    content = {"seed_set": "x", "common": {"budget_tokens": 900}, "arm": [{}, {"recipe": "sparq", "budget_usd": 2.5}]}
    first, second = make_experiment(content, "x").arms
    assert first.options.make_budget() == {"tokens": 900, "usd": None} and "budget_tokens" not in first.settings
    assert second.options.make_budget() == {"tokens": 900, "usd": 2.5} and second.name == "sparq, budget usd 2.5"
    for wrong in ({"budget_tokens": 0}, {"budget_usd": -1.0}, {"budget_tokens": "many"}):
        with pytest.raises(SeedbedError, match="budget"):
            make_experiment({"seed_set": "x", "arm": [wrong]}, "x")


@pytest.mark.parametrize("recipe", [name for name in RECIPES if RECIPES.get(name).varies])
def test_a_written_file_is_read_as_it_was_meant(recipe, tmp_path):
    values = RECIPES.get(recipe).list_choices()
    assert len(set(values)) == len(values) >= 2
    title = 'A "quoted" \\ title\nwith ü'
    text = write_experiment(title, "word_problems", recipe, values, accepted=9, rounds=3, replicates=2)
    (tmp_path / "written.toml").write_text(text, encoding="utf-8")
    made = read_experiment(tmp_path / "written.toml")
    assert made.title == title and made.replicates == (0, 1)
    assert [arm.name for arm in made.arms] == values
    if "accepted" in {field.name for field in fields(RECIPES.get(recipe))}:
        assert all(arm.settings["accepted"] == 9 and arm.settings["rounds"] == 3 for arm in made.arms)


def test_a_written_file_may_check_each_of_its_arms():
    text = write_experiment(
        "x", "maths", "active", ["loss", "badge"], accepted=9, rounds=3, replicates=2, is_checked=True
    )
    arms = make_experiment(tomllib.loads(text), "x").arms
    assert [arm.settings.get("of") for arm in arms] == [None, None, "active, loss", "active, badge"]
