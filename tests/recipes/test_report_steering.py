"""What a report says of seeds and children: right answers so far, of the rounds and of the checks, by every score."""

import json

import numpy as np
import pytest

from core.analysis.steering import order_children
from core.recipes.checked_pairs import read_checked_pairs
from core.recipes.report import make_report
from core.runs.folder import RunFolder
from tests.pages import home as homes
from tests.recipes.test_report import HOSTILE, Reader, make_experiment


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return homes.fill_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def read(place):
    return Reader(make_report(place, make_experiment(place)))


@pytest.fixture(scope="module")
def cumulative(read):
    """The figures of right answers so far, in the order of the report."""
    figures = json.loads(read.scripts[0]).values()
    return [each for each in figures if each["layout"]["yaxis"]["title"]["text"] == "right so far, %"]


def test_right_answers_so_far_are_drawn_of_the_rounds_and_of_both_students_of_a_check(cumulative):
    orders = [each["layout"]["xaxis"]["title"]["text"] for each in cumulative]
    assert ["loss" in orders[0], "loss" in orders[1], "reward" in orders[2]] == [True] * 3 and len(orders) == 3
    named = [[trace["name"] for trace in each["data"] if "name" in trace] for each in cumulative]
    assert named == [["random"], ["before training", "after training"], ["before training", "after training"]]


def test_a_check_is_drawn_over_its_replicates(place, cumulative):
    runs = [RunFolder(path) for path in sorted((place / "runs").glob("*-steerability-bbbb"))]
    curves = []
    for run in runs:
        pairs = read_checked_pairs(run)["first"]
        curves.append(order_children(pairs["loss_seed"], pairs["right_child"], "loss"))
    line = next(trace for trace in cumulative[1]["data"] if trace.get("name") == "before training")
    assert len(runs) == 3 and line["y"][50] == pytest.approx(100 * np.mean([curve[24] for curve in curves]), abs=0.01)
    assert sum(trace["line"].get("width") == 1 for trace in cumulative[1]["data"]) == 2 * 3


def test_the_pairs_of_one_round_are_told_with_a_p_value(read):
    text = "".join(read.text)
    assert "Right: random, replicate 0: ρ 0." in text and ", p " in text
    assert f"{HOSTILE}, random seeds, highest loss of the seed first." in text
    table = next(table for table in read.tables if table[0][0] == "check")
    assert table[0][-3:] == ["ρ of losses", "its 95 %", "p"] and table[1][-1] == "< 0.001"
