"""Figures of an evaluation: what is drawn of whom, and where."""

import json
import math

import pytest

from core.figures.colours import DARK_BACKGROUND, LIGHT_BACKGROUND
from core.figures.evaluations import STUDENT_STYLES, draw_groups, draw_passes
from tests.figures.test_colours import contrast


def row(field, value, student, accuracy, n=20):
    spread = None if accuracy is None else 0.1
    ends = (None, None) if accuracy is None else (max(0, accuracy - spread), min(1, accuracy + spread))
    return {"field": field, "value": value, "student": student, "n": n, "accuracy": accuracy, "low": ends[0],
            "high": ends[1]}  # fmt: skip


NAMES = {"base": "base", "tuned": "after"}
ROWS = [
    row("level", "1", "base", 0.8), row("level", "1", "tuned", 0.9), row("level", "2", "base", 0.25),
    row("level", "2", "tuned", None, n=0), row("level", None, "base", 0.0), row("type", "<b>Algebra</b>", "base", 0.5),
]  # fmt: skip


@pytest.mark.parametrize("background", [LIGHT_BACKGROUND, DARK_BACKGROUND])
def test_both_students_can_be_seen_on_both_backgrounds(background):
    assert all(contrast(style.colour, background) >= 3.0 for style in STUDENT_STYLES.values())
    assert len(set(STUDENT_STYLES.values())) == 2


def test_each_value_is_a_row_and_what_is_unknown_has_no_point():
    figure = draw_groups(ROWS, "level", NAMES)
    base, tuned = figure["data"]
    assert (base["name"], tuned["name"]) == ("base", "after") and tuned["customdata"][0].startswith("after: ")
    assert base["x"] == [80.0, 25.0, 0.0] and tuned["x"] == [90.0]
    assert [round(place) for place in base["y"]] == [0, 1, 2] and base["y"][0] < 0 < tuned["y"][0]
    assert base["error_x"]["array"][1] == pytest.approx(10) and base["error_x"]["arrayminus"][2] == 0
    assert figure["layout"]["yaxis"]["ticktext"] == ["1, n 20", "2, n 20", "(none), n 20"]
    assert figure["layout"]["showlegend"] and "%" in figure["layout"]["xaxis"]["title"]["text"]
    json.dumps(figure, allow_nan=False)


def test_one_student_stands_in_the_middle_and_names_are_text():
    figure = draw_groups(ROWS, "type", NAMES)
    assert figure["data"][0]["y"] == [0.0] and not figure["layout"]["showlegend"]
    assert figure["layout"]["yaxis"]["ticktext"] == ["&lt;b&gt;Algebra&lt;/b&gt;, n 20"]


def test_pass_at_k_is_a_line_with_its_band():
    passes = [{"k": k, "n": 9, "accuracy": k / 10, "low": k / 20, "high": k / 9} for k in (1, 2, 4)]
    figure = draw_passes({"base": passes, "tuned": [{**passes[0], "accuracy": None}]}, NAMES)
    band, line = figure["data"]
    assert line["x"] == [1, 2, 4] and line["y"] == [10.0, 20.0, 40.0] and len(band["x"]) == 6
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert figure["layout"]["annotations"][0]["x"] == pytest.approx(math.log10(4))
    json.dumps(figure, allow_nan=False)
