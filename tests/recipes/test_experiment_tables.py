"""The tables of an experiment on points whose answer is known: equal sizes, who is missing, who meets whom."""

import pandas as pd

from core.recipes.experiment_tables import list_curves, list_differences, list_needs, list_tables, list_tests, list_wins


def make_points(arm, curves, sizes, student="tiny", split="test", selector=None):
    rows = [
        {"data_set": "pens", "method": arm, "replicate": replicate, "round": number, "size": sizes[number],
         "accuracy": accuracy, "split": split, "n_test": 100, "n_tokens": 0, "student": student,
         "selector": selector, "pick": None}
        for replicate, curve in enumerate(curves) for number, accuracy in enumerate(curve)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def grow(sizes, n=3):
    """A learner whose accuracy is settled by how much data it has, and a little by the replicate."""
    return [[0.2 + size / 1000 + replicate / 100 for size in sizes] for replicate in range(n)]


FEW, MANY = (0, 50, 100), (0, 100, 200)


def test_arms_of_unequal_rounds_are_compared_where_both_had_as_much():
    points = pd.concat([make_points("few", grow(FEW), FEW), make_points("many", grow(MANY), MANY)])
    (table,) = list_curves(points, ["many", "few"])
    assert table.lines[0] == ["accepted", "0", "50", "100", "200"]
    assert [line[0] for line in table.lines[1:]] == ["many", "few"], "as the file names them"
    assert [line[2] for line in table.lines[1:]] == ["–", "26.0 ± 0.6"]
    assert [line[3] for line in table.lines[1:]] == ["31.0 ± 0.6"] * 2
    (table,) = list_differences(points, ["few", "many"])
    assert table.lines[0][1] == "at 100" and table.lines[1][:2] == ["many", "0.0"]
    ((rates, table),) = list_wins(points, ["few", "many"])
    assert rates.wins.to_numpy().sum() == 0 and "2 points met none" in table.note
    (table,) = list_needs(points, ["few", "many"])
    assert table.lines[1][4] == "100 %"


def test_others_are_held_against_the_first_arm_of_the_file_unless_one_is_random_or_told():
    points = pd.concat([make_points(arm, grow(FEW), FEW) for arm in ("none", "direct", "cot")])
    (table,) = list_differences(points, ["cot", "direct"])
    assert "less that of none" in table.caption, "right answers alone"
    (table,) = list_differences(points[points["method"] != "none"], ["direct", "cot"])
    assert "less that of direct" in table.caption
    (table,) = list_needs(points, ["direct", "cot", "none"], "cot")
    assert table.lines[0][3] == "cot's data"


def test_students_are_not_held_against_one_another():
    points = pd.concat([
        make_points(f"{arm}, {student}", grow(FEW), FEW, student)
        for student in ("big", "small") for arm in ("random", "badge")
    ])  # fmt: skip
    arms = ["random, big", "badge, big", "random, small", "badge, small"]
    found = list(list_differences(points, arms))
    assert [table.caption.endswith(f"student {name}") for table, name in zip(found, ("big", "small"), strict=True)]
    assert [[line[0] for line in table.lines[1:]] for table in found] == [["badge, big"], ["badge, small"]]
    assert len(list(list_wins(points, arms))) == 2


def test_a_mean_of_fewer_replicates_says_so():
    points = make_points("a", grow(FEW), FEW)
    points = points[~((points["replicate"] == 2) & (points["round"] == 2))]
    (table,) = list_curves(points, ["a"])
    assert table.lines[1][-1].endswith(" (2 of 3)") and "In brackets" in table.note
    whole = next(list_curves(make_points("a", grow(FEW), FEW), ["a"])).note
    assert "In brackets" not in whole and "one is 1.0 points" in whole


def test_a_curve_of_one_point_and_one_replicate_are_told_in_a_sentence():
    points = pd.concat([make_points("a", grow(FEW), FEW), make_points("b", grow((0,)), (0,))])
    assert not list(list_needs(points, ["a", "b"])), "what was never trained has no curve and no table"
    late = make_points("b", grow((100,)), (100,)).assign(round=1)
    (table,) = list_needs(pd.concat([make_points("a", grow(FEW), FEW), late]), ["a", "b"])
    assert not table.lines and "No curve yet of b, or of a" in table.note
    lone = pd.concat([make_points(arm, grow(FEW, 1), FEW) for arm in ("a", "b")])
    ((_, table),) = list_wins(lone, ["a", "b"])
    assert not table.lines and "4 points with one replicate left out" in table.note
    (table,) = list_differences(lone, ["a", "b"])
    assert table.lines[1] == ["b", "0.0", "–", "–", "0.0", "–", "–", "1"]
    apart = pd.concat([make_points("a", grow(FEW), FEW), make_points("b", grow((0, 70)), (0, 70))])
    assert not list(list_differences(apart, ["a", "b"]))


def test_every_test_set_has_its_tables_with_its_name():
    both = [
        make_points(arm, grow(FEW), FEW, split=split) for arm in ("a", "b") for split in ("test", "ood", "maths/test")
    ]
    found = list(list_tables(pd.concat(both), ["a", "b"]))
    captions = [table.caption for table in found if table.name in ("curves", "differences", "needs")]
    assert len(captions) == len(set(captions)) == 9
    assert (
        sum("out of distribution" in each for each in captions)
        == sum("on maths/test" in each for each in captions)
        == 3
    )
    (table,) = list_tests(pd.concat(both), ["b", "a"])
    assert table.lines[0][1:] == ["test", "ood", "maths/test"] and table.lines[1][0] == "b"
    assert table.lines[1][1] == "31.0 ± 0.6 (21.0)"
