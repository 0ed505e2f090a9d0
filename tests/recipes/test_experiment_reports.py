"""What runs report beside accuracy, on summaries whose means a reader can reckon."""

from core.recipes.experiment_reports import list_reports, take_reports
from core.recipes.recipes import RECIPES

ARMS = [
    {"name": "diverse", "recipe": "sparq"}, {"name": "wrong", "recipe": "incorrect"},
    {"name": "loop", "recipe": "active"},
]  # fmt: skip


def test_each_recipe_says_what_of_its_summary_is_told():
    ended = [
        ("diverse", {"kept_skill_sets": 10, "kept_qd_score": None, "accuracy": 0.5}),
        ("diverse", {"kept_skill_sets": 14}),
        ("wrong", {"wrong_rate": 0.75}),
        ("loop", {"kept_skill_sets": 99}),
    ]
    (table,) = list_reports(take_reports(ARMS, ended), ["wrong", "diverse", "loop"])
    assert table.lines == [
        ["", "skill-sets kept", "asked for wrong and wrong, %"],
        ["wrong", "–", "75.0"],
        ["diverse", "12.0 ± 2.0", "–"],
    ]


def test_nothing_is_told_where_no_arm_reports_anything():
    assert not list(list_reports(take_reports(ARMS, [("loop", {"n_test": 4})]), ["loop"]))
    assert not list(list_reports(take_reports(ARMS, []), []))


def test_what_a_recipe_tells_has_one_name_each():
    told = [getattr(RECIPES.get(name), "reports", {}) for name in RECIPES]
    assert any(told) and all(len(set(each.values())) == len(each) for each in told)
