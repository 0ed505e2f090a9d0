"""Maps: every point is drawn once, seeds apart, kinds without a colour together; grids name what they show."""

import base64
from itertools import chain

import numpy as np
import pandas as pd
import pytest

from core.figures.maps import CATEGORIES, GREY, OTHERS, choose_colours, draw_archive, draw_course, draw_map
from core.figures.measures import draw_measure

N = 60


def make_points() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"x": rng.normal(size=N), "y": rng.normal(size=N), "source": np.where(np.arange(N) % 3 == 0, "seed", "grown")}
    )


def unpack(packed: dict) -> np.ndarray:
    assert packed["dtype"] == "f4"
    return np.frombuffer(base64.b64decode(packed["bdata"]), "<f4")


COLOURS = {
    "kinds": pd.Series(np.array(["a", "b", None] * 20, dtype=object)),
    "too many kinds": pd.Series([f"kind {number}" for number in range(N)], dtype=object),
    "a score": pd.Series(np.where(np.arange(N) % 5 == 0, np.nan, np.arange(N) / N)),
    "nothing known": pd.Series(np.full(N, np.nan)),
}


@pytest.mark.parametrize("name", COLOURS)
def test_every_point_is_drawn_once_where_it_lies_and_seeds_have_a_trace_of_their_own(name):
    points, colour = make_points(), COLOURS[name]
    is_lit = np.arange(N) % 7 > 0
    figure, rows = draw_map(points, colour, is_lit, by=name, title="t", view="v")
    assert sorted(chain.from_iterable(rows)) == list(range(N))
    for trace, own in zip(figure["data"], rows, strict=True):
        assert np.allclose(unpack(trace["x"]), points["x"].iloc[own], atol=1e-6)
        sources = set(points["source"].iloc[own])
        assert sources == ({"seed"} if trace["marker"]["symbol"] == "circle-open" else {"grown"}), (
            "drawn by WebGL, a mixture of rings and discs with a number each shows no rings"
        )
        if isinstance(trace["marker"]["color"], dict):
            assert np.allclose(unpack(trace["marker"]["color"]), colour.iloc[own], atol=1e-6)
        elif trace["name"] == OTHERS:
            assert trace["marker"]["color"] == GREY
    shown = [trace["legendgroup"] for trace in figure["data"] if trace["showlegend"]]
    assert len(shown) == len(set(shown)), "one entry of the legend for each kind"


def test_what_is_not_lit_is_grey_and_still_there():
    points, colour = make_points(), COLOURS["kinds"]
    figure, rows = draw_map(points, colour, (colour == "a").to_numpy(), by="type", title="t", view="v")
    grey = [own for trace, own in zip(figure["data"], rows, strict=True) if trace["name"] == OTHERS]
    assert sorted(chain.from_iterable(grey)) == [row for row in range(N) if colour[row] != "a"]


def test_names_are_no_markup():
    points = make_points()
    colour = pd.Series(["<b>bold</b>", "<a href='http://evil.example'>x</a>"] * (N // 2), dtype=object)
    figure, _ = draw_map(points, colour, np.ones(N, bool), by="type", title="t", view="v")
    assert not any("<" in trace["name"] for trace in figure["data"])


def test_kinds_have_their_own_colours_as_long_as_there_are_any():
    few = choose_colours(pd.Series(["b", "a", "b"]), "type")
    assert few == {"b": CATEGORIES[0], "a": CATEGORIES[1]}, "the most frequent first"
    many = choose_colours(pd.Series([f"kind {number}" for number in range(30)]), "type")
    assert len(many) == len(CATEGORIES) + 1 and many[OTHERS] == GREY
    assert list(choose_colours(pd.Series(["10", "2", "2"]), "round")) == ["2", "10"]


def test_a_score_with_both_signs_is_coloured_around_zero():
    points = make_points()
    figure, _ = draw_map(points, pd.Series(np.linspace(-1, 3, N)), np.ones(N, bool), by="s", title="t", view="v")
    marker = figure["data"][0]["marker"]
    assert marker["cmin"] == -marker["cmax"] < 0


def test_the_grid_names_rows_that_begin_alike_and_draws_cells_that_hold_seeds_only():
    long = "x" * 80
    grid = pd.DataFrame(
        [(f"{long} one", 1, 2, 0, np.nan), (f"{long} two", 2, 0, 3, 0.6)],
        columns=["skills", "column", "n_seeds", "n_grown", "quality"],
    )
    figure = draw_archive(grid, [f"{long} one", f"{long} two"], by="fill", view="v")
    heat = figure["data"][0]
    assert heat["y"] == [0, 1] and len(figure["layout"]["yaxis"]["ticktext"]) == 2
    assert heat["z"][0] == [None, 0.0, None, None, None, None] and heat["z"][1][2] == 3
    assert heat["text"][0][1] == "2 seeds" and heat["text"][1][2] == "3"
    assert draw_archive(grid, [f"{long} two"], by="quality", view="v")["data"][0]["z"][0][2] == 0.6


def test_a_course_has_a_line_for_each_run():
    course = pd.DataFrame({"run": ["r1", "r1", "r2"], "n": [1, 2, 1], "qd_score": [0.1, 0.5, 0.2]})
    lines = draw_course(course, {"r1": "<first>", "r2": "second"}, by="qd_score", view="v")["data"]
    assert [line["name"] for line in lines] == ["&lt;first&gt;", "second"] and lines[0]["y"] == [0.1, 0.5]


def test_a_long_name_is_cut_before_its_marks_are_escaped():
    name = "&" * 100
    grid = pd.DataFrame({"skills": [name], "column": [1], "n_seeds": [1], "n_grown": [0], "quality": [np.nan]})
    (label,) = draw_archive(grid, [name], by="fill", view="v")["layout"]["yaxis"]["ticktext"]
    assert label == "&amp;" * 59 + "…"


def test_a_measure_has_its_ends_as_lengths_and_a_missing_interval_has_none():
    rows = pd.DataFrame({
        "name": ["seeds", "<b>x"], "value": [0.5, 0.2], "low": [0.4, np.nan], "high": [0.8, np.nan],
        "colour": ["#000", "#111"],
    })  # fmt: skip
    (dots,) = draw_measure(rows, title="t", axis="a", view="v")["data"]
    assert dots["y"] == ["&lt;b&gt;x", "seeds"] and dots["x"] == [0.2, 0.5], "from the top"
    assert dots["error_x"]["array"] == pytest.approx([0, 0.3])
    assert dots["error_x"]["arrayminus"] == pytest.approx([0, 0.1])
