"""Figures of steering: cumulative right answers with their diagonal, gaps, pairs, and each arm's data as a point."""

import json

import numpy as np
import pandas as pd
import pytest

from core.analysis.steering import accumulate_right, correlate_ranks, measure_gap
from core.figures.colours import NEUTRAL, Style
from core.figures.experiment_steering import draw_cumulative, draw_gaps, draw_pairs, draw_sets, say_order

STYLES = {"a": Style("#D55E00"), "<b>": NEUTRAL}
RNG = np.random.default_rng(0)
CURVES = {
    name: [accumulate_right(RNG.random(n), RNG.random(n) < 0.4, is_high_first=True) for n in sizes]
    for name, sizes in {"a": (40, 50, 60), "<b>": (200,)}.items()
}


def test_right_answers_so_far_end_at_the_accuracy_as_a_random_order_does():
    figure = draw_cumulative(CURVES, STYLES, "loss")
    lines = {trace["name"]: trace for trace in figure["data"] if "name" in trace}
    assert list(lines) == ["a", "&lt;b&gt;"]
    for name, curves in (("a", CURVES["a"]), ("&lt;b&gt;", CURVES["<b>"])):
        accuracy = 100 * np.mean([curve[-1] for curve in curves])
        assert lines[name]["x"] == list(range(101)) and lines[name]["y"][0] == 0
        assert lines[name]["y"][-1] == pytest.approx(accuracy, abs=0.001)
        assert any(each["x"] == [0, 100] and each["y"] == [0, lines[name]["y"][-1]] for each in figure["data"])
    thin = [trace for trace in figure["data"] if trace["line"].get("width") == 1]
    assert len(thin) == 3 and np.mean([each["y"] for each in thin], axis=0) == pytest.approx(lines["a"]["y"], abs=0.002)
    half = lines["&lt;b&gt;"]["y"][50]
    assert half == pytest.approx(100 * CURVES["<b>"][0][100], abs=0.001)
    json.dumps(figure, allow_nan=False)


def test_one_replicate_has_the_range_of_random_orders_and_several_have_none():
    bands = [trace for trace in draw_cumulative(CURVES, STYLES, "loss")["data"] if trace.get("fill") == "toself"]
    assert len(bands) == 1
    band, n = bands[0], len(bands[0]["x"]) // 2
    high, low = np.array(band["y"][:n]), np.array(band["y"][n:][::-1])
    assert (high >= low).all() and high[0] == low[0] == 0 and high[-1] == low[-1]
    diagonal = np.array(band["x"][:n]) / 100 * high[-1]
    assert (low <= diagonal).all() and (diagonal <= high).all() and high[n // 2] - low[n // 2] > 5


def test_the_axis_says_by_what_children_are_ordered():
    assert say_order("loss") == "highest loss of the seed first"
    assert say_order("reward") == "lowest reward of the seed first"
    assert say_order("correct") == "seeds answered wrongly first"
    for draw in (draw_cumulative(CURVES, STYLES, "reward"),
                 draw_gaps({"a": measure_gap(CURVES["a"])}, STYLES, "reward")):  # fmt: skip
        assert "lowest reward of the seed first" in draw["layout"]["xaxis"]["title"]["text"]


def test_a_gap_has_its_standard_error_as_a_band():
    gaps = {name: measure_gap(curves) for name, curves in CURVES.items()}
    figure = draw_gaps(gaps, STYLES, "loss")
    assert [trace.get("name") for trace in figure["data"]] == [None, "a", "&lt;b&gt;"]  # of one replicate there is none
    band, line = figure["data"][:2]
    assert max(band["y"]) == pytest.approx((gaps["a"]["mean"] + gaps["a"]["se"]).max(), abs=0.001)
    assert line["y"][50] == pytest.approx(gaps["a"]["mean"][50], abs=0.001)
    json.dumps(figure, allow_nan=False)


def test_pairs_have_their_line_of_best_fit_and_sets_have_a_point_each():
    pairs = pd.DataFrame({"before": [1.0, 2, 3, 4, None], "after": [2.0, 4, 6, 8, 1]})
    found = correlate_ranks(pairs["before"], pairs["after"])
    points, line = draw_pairs(pairs, found, "loss", NEUTRAL, name="<b>")["data"]
    assert points["name"] == "&lt;b&gt;" and points["x"] == [1, 2, 3, 4]
    assert line["x"] == [1, 4] and line["y"] == pytest.approx([2, 8])
    alike = pairs.assign(before=1.0)
    assert (
        len(draw_pairs(alike, correlate_ranks(alike["before"], alike["after"]), "loss", NEUTRAL, name="a")["data"]) == 1
    )
    middles = pd.DataFrame({"method": ["a", "a", "<b>"], "before": [0.1, 0.2, 0.3], "after": [0.2, 0.1, 0.4]})
    figure = draw_sets(middles, "correct", STYLES, is_share=True)
    assert [(trace["name"], len(trace["x"])) for trace in figure["data"]] == [("&lt;b&gt;", 1), ("a", 2)]
    assert figure["layout"]["title"]["text"].startswith("Share of correct")
    json.dumps(figure, allow_nan=False)


def test_points_upon_one_another_are_one_that_grows():
    pairs = pd.DataFrame({"before": [0.0, 0, 0, 0, 1], "after": [1.0, 1, 1, 1, 0]})
    found = correlate_ranks(pairs["before"], pairs["after"])
    points = draw_pairs(pairs, found, "correct", NEUTRAL, name="a")["data"][0]
    assert (points["x"], points["y"], points["customdata"]) == ([0, 1], [1, 0], [4, 1])
    assert points["marker"]["size"] == [12, 6]
    many = draw_pairs(pairs.sample(900, replace=True, random_state=0), found, "correct", NEUTRAL, name="a")["data"][0]
    assert max(many["marker"]["size"]) == 48
