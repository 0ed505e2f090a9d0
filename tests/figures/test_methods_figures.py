"""Figures of prompting methods: what their traces say, without a browser."""

import json

import pandas as pd
import pytest

from core.figures.colours import style_of_method
from core.figures.methods import draw_measure_panels, draw_trade_off, stack_names

TITLES = {"rewrite": "Rewrite", "vs_cot": "<b>VS</b>", "direct": "Direct"}


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "method": ["rewrite", "vs_cot", "direct"],
            "tokens": [900.0, 300.0, None],
            "distance": [0.2, 0.5, 0.3],
            "distance_low": [0.1, None, 0.2],
            "distance_high": [0.4, None, 0.6],
            "accepted_distance": [0.2, 0.4, None],
            "wording": [None, None, None],
        }
    )


def is_plain(figure) -> bool:
    return bool(json.dumps(figure, allow_nan=False)) and all(len(trace["x"]) for trace in figure["data"])


def draw(frame):
    return draw_trade_off(
        frame, TITLES, x="tokens", y="distance", x_axis="tokens", y_axis="distance", title="Distance and tokens"
    )


def test_a_point_per_method_named_with_its_interval_and_none_without_a_value(frame):
    first, second = draw(frame)["data"]
    assert (first["x"], first["y"], first["name"]) == ([900.0], [0.2], "Rewrite")
    bar = first["error_y"]
    assert bar["array"] == pytest.approx([0.2]) and bar["arrayminus"] == pytest.approx([0.1])
    assert "error_x" not in first and "error_y" not in second
    names = draw(frame)["layout"]["annotations"]
    assert [(note["x"], note["y"]) for note in names] == [(900.0, 0.4), (300.0, 0.5)]
    assert [note["text"].split("</span> ")[1] for note in names] == ["Rewrite", "&lt;b&gt;VS&lt;/b&gt;"]
    assert style_of_method("vs_cot").colour in names[1]["text"] and "■" in names[1]["text"]
    assert first["marker"]["color"] == style_of_method("rewrite").colour
    assert second["marker"]["symbol"] == "square" and is_plain(draw(frame))


def test_axes_hold_all_points_and_bars(frame):
    layout = draw(frame)["layout"]
    low, high = layout["yaxis"]["range"]
    assert low < 0.1 and high > 0.5
    low, high = layout["xaxis"]["range"]
    assert low < 300 and high > 900


def test_panels_have_the_same_rows_and_those_without_values_are_left_out(frame):
    panels = draw_measure_panels(frame, TITLES, {"distance": "Distance", "wording": "ROUGE-L"})
    assert list(panels) == ["distance"] and is_plain(panels["distance"])
    traces = panels["distance"]["data"]
    assert [(trace["x"], trace["y"]) for trace in traces] == [([0.2], [0]), ([0.5], [1]), ([0.3], [2])]
    assert panels["distance"]["layout"]["yaxis"]["ticktext"] == ["Rewrite", "&lt;b&gt;VS&lt;/b&gt;", "Direct"]
    accepted = draw_measure_panels(frame, TITLES, {"distance": "Distance"}, prefix="accepted_")["distance"]
    assert [trace["y"] for trace in accepted["data"]] == [[0], [1]]
    assert accepted["layout"]["yaxis"] == panels["distance"]["layout"]["yaxis"]


def test_names_of_close_points_stand_above_one_another():
    assert stack_names([(0.0, 0.0), (0.02, 0.001), (1.0, 1.0), (0.01, 0.002)]) == [0, 2, 0, 1]
    assert stack_names([]) == [] and stack_names([(1.0, 1.0)]) == [0]


def test_a_long_name_takes_two_lines_of_an_axis(frame):
    titles = {**TITLES, "direct": "Wrong solutions that convince nobody at all"}
    ticks = draw_measure_panels(frame, titles, {"distance": "Distance"})["distance"]["layout"]["yaxis"]["ticktext"]
    assert ticks[2] == "Wrong solutions<br>that convince …"


def test_no_panel_goes_far_beyond_one(frame):
    layout = draw_measure_panels(frame.assign(wording=1.0), TITLES, {"wording": "ROUGE-L"})["wording"]["layout"]
    assert 1 < layout["xaxis"]["range"][1] < 1.05


def test_without_any_value_the_figure_is_empty_not_broken(frame):
    figure = draw(frame.assign(tokens=None))
    assert figure["data"] == [] and is_plain(figure)
