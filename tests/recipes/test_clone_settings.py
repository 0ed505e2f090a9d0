"""A copy changes one setting: which there are, what each is now, and what follows from a change."""

import pytest

from core.errors import SeedbedError
from core.recipes.clone import CHANGEABLE
from core.recipes.clone_settings import change_field, list_settings
from core.recipes.titles import name_change

CONFIG = {
    "student": "tiny", "objective": "dpo", "settings": {"beta": 0.2}, "training": {"epochs": 2, "seed": 1},
    "policy_training": {"epochs": 5, "seed": 1},
}  # fmt: skip


def settings(config=CONFIG, kind="finetune"):
    return {setting.name: setting for setting in list_settings(config, CHANGEABLE[kind])}


def test_every_field_is_there_with_what_it_is_now():
    found = settings()
    assert (found["training.epochs"].value, found["training.rank"].value) == (2, 32)  # an older run does not name it
    assert (found["settings.beta"].value, found["settings.n_samples"].value) == (0.2, 8)
    assert found["training.schedule"].options[0] == "linear" and found["student"].value == "tiny"
    assert "random" in settings({"selector": "random", "training": {}}, "loop")["selector"].options


def test_there_is_no_policy_to_change_where_none_is_trained_and_no_setting_of_an_unknown_objective():
    found = settings({"student": "tiny", "objective": "from the future", "training": {}})
    assert not any(name.startswith(("policy", "settings")) for name in found)
    assert not any(name.startswith("settings") for name in settings({"training": {}}))  # sft has none


def test_a_change_is_checked_with_all_the_others():
    changed = change_field(CONFIG, "training", "learning_rate", 0.001)
    assert list(changed) == ["training"]
    assert (changed["training"]["learning_rate"], changed["training"]["epochs"]) == (0.001, 2)
    assert change_field(CONFIG, "settings", "beta", 0.5)["settings"]["beta"] == 0.5
    for part, field, value, sentence in (
        ("training", "epochs", 0, "must be at least 1"),
        ("training", "colour", 1, "has no 'colour'"),
        ("settings", "beta", -1.0, "above 0"),
        ("training", "learning_rate", "fast", "must be a number"),
    ):
        with pytest.raises(SeedbedError, match=sentence):
            change_field(CONFIG, part, field, value)


def test_what_a_change_brings_with_it():
    batches = change_field(CONFIG, "training", "batch_size", 9)["training"]
    assert (batches["batch_size"], batches["accumulation_steps"]) == (9, 1)  # 2 parts do not divide it
    both = change_field(CONFIG, "training", "seed", 7)
    assert (both["training"]["seed"], both["policy_training"]["seed"]) == (7, 7)
    assert both["policy_training"]["epochs"] == 5
    assert list(change_field(CONFIG, "policy_training", "epochs", 1)) == ["policy_training"]


def test_a_title_says_what_was_changed_on_the_way_and_each_thing_once():
    title = name_change("Finetune on 60 (word) rows", "learning_rate", 0.002)
    assert title == "Finetune on 60 (word) rows (learning rate: 0.002)"
    title = name_change(name_change(title, "epochs", 3), "learning_rate", 1e-5)
    assert title == "Finetune on 60 (word) rows (epochs: 3; learning rate: 1e-05)"
    assert name_change("Score pens (a, b)", "student", "x/y") == "Score pens (a, b) (student: x/y)"
