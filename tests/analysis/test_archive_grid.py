"""The archive: cells, the course over time and the next targets, by hand-worked cases."""

import numpy as np
import pandas as pd
import pytest

from core.analysis.archive_grid import ALWAYS, NEVER, find_column, make_grid, measure_course, suggest_targets
from core.analysis.skills import count_skill_sets, measure_qd_score
from core.selection.solve_rate import find_quality

ITEMS = pd.DataFrame(
    [
        ("s1", "add", 0.2, True), ("s2", "add", 0.25, True), ("s3", "add", 0.65, True), ("s4", "ages", 0.95, True),
        ("s5", "ages", 0.8, True), ("s6", "ages", None, True), ("g1", "add", 0.22, False), ("g2", "add", 0.28, False),
        ("g3", "add", 0.0, False), ("g4", "ages", 1.0, False),
    ],
    columns=["item_id", "skills", "rate", "is_seed"],
).astype({"rate": float})  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "column"),
    [(0.0, NEVER), (0.0999, NEVER), (0.1, 1), (0.3, 2), (0.5, 3), (0.7, 4), (0.9, 4), (0.91, ALWAYS), (1.0, ALWAYS)],
)
def test_both_ends_of_the_useful_range_lie_inside(rate, column):
    assert find_column(np.array([rate, np.nan])).tolist() == [column, -1]


def test_a_cell_counts_seeds_and_children_and_knows_the_best_child():
    grid = make_grid(ITEMS).set_index(["skills", "column"])
    assert grid.loc[("add", 1)].tolist() == [2, 2, pytest.approx(0.78)]
    assert grid.loc[("add", NEVER)].tolist() == [0, 1, 0.0], "never solved: no quality"
    assert grid.loc[("ages", 4), "n_grown"] == 0 and np.isnan(grid.loc[("ages", 4), "quality"])
    assert grid["n_seeds"].sum() == 5, "a seed that nobody answered is in no cell"


def test_the_course_adds_up_as_problems_are_made():
    grown = ITEMS[~ITEMS["is_seed"]].assign(run="r")
    course = measure_course(grown)
    assert course["n"].tolist() == [1, 2, 3, 4]
    assert course["coverage"].tolist() == [1, 1, 1, 2]
    assert course["cells"].tolist() == [1, 1, 1, 1]
    assert course["qd_score"].tolist() == pytest.approx([0.78, 0.78, 0.78, 0.78])
    many = pd.concat([grown] * 100, ignore_index=True)
    assert len(measure_course(many)) <= 61 and measure_course(many)["n"].iloc[-1] == 400


def test_unknown_skills_count_for_nothing_in_course_and_totals_alike():
    grown = ITEMS[~ITEMS["is_seed"]].assign(run="r")
    grown.loc[grown["item_id"].isin(["g2", "g3"]), "skills"] = ""
    last = measure_course(grown).iloc[-1]
    sets = [(text,) if text else () for text in grown["skills"]]
    score = measure_qd_score(sets, find_quality(grown["rate"].to_numpy()).tolist())
    assert (last["coverage"], last["qd_score"]) == (count_skill_sets(sets), pytest.approx(score)) == (2, 0.78)


def test_empty_cells_with_seeds_in_them_come_first_then_those_beside():
    found = [(each.skills, each.column, each.is_inside, list(each.seeds)) for each in suggest_targets(ITEMS)]
    assert found == [
        ("add", 3, True, ["s3"]),
        ("ages", 4, True, ["s5"]),
        ("add", 2, False, ["s2", "s1", "s3"]),
        ("ages", 3, False, ["s5"]),
        ("add", 4, False, ["s3"]),
    ]
    assert len(suggest_targets(ITEMS, most=2)) == 2


def test_no_seed_no_target():
    assert suggest_targets(ITEMS[~ITEMS["is_seed"]]) == []
