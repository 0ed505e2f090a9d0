from core.analysis.run_settings import find_differences, flatten

CONFIG = {"student": "tiny", "after": "x", "rows_hash": "aa", "n_rows": 9, "training": {"rank": 32, "epochs": 5}}


def test_a_configuration_is_flat_and_without_what_is_no_setting():
    config = {**CONFIG, "adapter": None, "settings": {}, "filters": ["a", "b"]}
    assert flatten(config) == {
        "student": "tiny", "n_rows": 9, "training.rank": 32, "training.epochs": 5, "filters": ["a", "b"],
    }  # fmt: skip


def test_only_what_differs_is_there_with_every_runs_value():
    other = {**CONFIG, "after": "y", "training": {"rank": 32, "epochs": 3}, "settings": {"beta": 0.1}}
    assert find_differences([CONFIG, other, CONFIG]) == [
        ("training.epochs", [5, 3, 5]),
        ("settings.beta", [None, 0.1, None]),
    ]
    assert find_differences([CONFIG, CONFIG]) == []
    newer = {**CONFIG, "training": {**CONFIG["training"], "dropout": 0.0, "layers": "all-linear", "weight_decay": 0.0}}
    assert find_differences([CONFIG, newer]) == [], "what was done before there was a choice"
    older, newer = ({**each, "policy_training": each["training"]} for each in (CONFIG, newer))
    assert find_differences([older, newer]) == []


def test_other_rows_are_said_where_nothing_else_says_so():
    other = {**CONFIG, "rows_hash": "bb"}
    assert find_differences([CONFIG, other]) == [("rows_hash", ["aa", "bb"])]
    assert find_differences([CONFIG, {**other, "n_rows": 8}]) == [("n_rows", [9, 8])]
