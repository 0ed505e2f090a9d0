"""Figures of several choices: what their traces say, without a browser."""

import json

import numpy as np
import pandas as pd
import pytest

from core.analysis.choices import Choice, compare_shares, measure_overlap
from core.figures.choices import VIRIDIS, draw_kinds, draw_overlap, draw_score_panels
from core.figures.colours import NEUTRAL, style_of_selector


@pytest.fixture
def choices():
    made = [
        Choice("loss_high", "argmax", np.array([4, 5, 6, 7])),
        Choice("loss_low", "softmax", np.array([0, 1, 2, 7])),
        Choice("random", "argmax", np.array([0, 3, 5, 9])),
    ]
    return {choice.label: choice for choice in made}


@pytest.fixture
def rows(choices):
    return {label: choice.rows for label, choice in choices.items()}


LOSS = np.array([0.0, 0.1, 0.2, 0.3, 2.1, 2.2, 2.3, 2.4, np.nan, 1.0])


def is_plain(figure) -> bool:
    """JSON without NaN, and an x in every trace: the chart component counts its points."""
    return bool(json.dumps(figure, allow_nan=False)) and all(len(trace["x"]) for trace in figure["data"])


def test_overlap_is_labelled_and_its_diagonal_empty(rows):
    figure = draw_overlap(measure_overlap(rows))
    (trace,) = figure["data"]
    assert trace["z"] == [[None, 25.0, 25.0], [25.0, None, 25.0], [25.0, 25.0, None]]
    labels = [(note["x"], note["y"], note["text"]) for note in figure["layout"]["annotations"]]
    assert labels == [(j, i, "25") for i in range(3) for j in range(3) if i != j]
    assert figure["layout"]["yaxis"]["ticktext"][1].startswith("loss_low · softmax")
    assert figure["layout"]["yaxis"]["autorange"] == "reversed"
    assert is_plain(figure)


def test_the_scale_of_the_overlap_begins_at_nothing_and_holds_the_most(rows):
    def top(*shares):
        frame = pd.DataFrame([[1.0, shares[0]], [shares[0], 1.0]], index=["a", "b"], columns=["a", "b"])
        trace = draw_overlap(frame)["data"][0]
        return trace["zmin"], trace["zmax"]

    assert [top(0.0), top(0.25), top(0.251), top(1.0)] == [(0, 25), (0, 25), (0, 50), (0, 100)]
    assert top(np.nan) == (0, 25)


def luminance(parts) -> float:
    """Relative luminance by WCAG 2, of red, green and blue in [0, 1]."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def parts_of(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def test_the_scale_rises_evenly_in_lightness():
    steps = np.diff([116 * luminance(parts_of(colour)) ** (1 / 3) - 16 for colour in VIRIDIS])
    assert (steps > 0).all() and steps.max() < 2 * steps.min()


@pytest.mark.parametrize("share", np.linspace(0, 1, 41))
def test_every_number_stands_out_from_its_cell(share):
    frame = pd.DataFrame([[1.0, share], [1.0, 1.0]], index=["a", "b"], columns=["a", "b"])  # 100 % fixes the scale
    ink = draw_overlap(frame)["layout"]["annotations"][0]["font"]["color"]
    scale = np.array([parts_of(colour) for colour in VIRIDIS])
    cell = [np.interp(share, np.linspace(0, 1, len(VIRIDIS)), scale[:, channel]) for channel in range(3)]
    high, low = sorted((luminance(cell), luminance(parts_of(ink))), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_panels_share_their_axes_and_show_pool_random_and_one_choice(choices):
    panels = draw_score_panels(LOSS, choices, axis="loss, nats per token")
    assert list(panels) == list(choices)
    first = panels["loss_high"]
    assert [trace["name"] for trace in first["data"]] == ["all", "random", "loss_high"]
    assert [trace["name"] for trace in panels["random"]["data"]] == ["all", "random"]
    assert len({json.dumps([panel["layout"][axis] for axis in ("xaxis", "yaxis")]) for panel in panels.values()}) == 1
    assert first["layout"]["xaxis"]["range"] == [0.0, 2.4]
    assert all(is_plain(panel) for panel in panels.values())


def test_panels_use_the_selector_s_colour_and_leave_a_drawn_choice_hollow(choices):
    panels = draw_score_panels(LOSS, choices, axis="loss")
    at_random, chosen = panels["loss_high"]["data"][1:]
    assert chosen["line"]["color"] == style_of_selector("loss_high").colour and chosen["fill"] == "tozeroy"
    assert at_random["line"]["color"] == NEUTRAL.colour and at_random["line"]["dash"] == "dash"
    assert panels["loss_low · softmax"]["data"][2]["fill"] == "none"


def test_outlines_hold_all_of_a_choice(choices):
    panels = draw_score_panels(LOSS, choices, axis="loss")
    bars, _, outline = panels["loss_high"]["data"]
    assert sum(bars["y"]) == pytest.approx(100, abs=0.01)
    assert sum(outline["y"]) == pytest.approx(100, abs=0.01) and outline["y"][0] == outline["y"][-1] == 0.0
    assert len(outline["x"]) == len(outline["y"])
    upper = [y for x, y in zip(outline["x"], outline["y"], strict=True) if x < 1.0]
    assert sum(upper) == 0.0  # it took the four losses above 2


def test_right_and_wrong_are_two_bins_with_words(choices):
    values = np.array([1.0, 0.0] * 5)
    panel = draw_score_panels(values, choices, axis="correct", words=("wrong", "right"))["loss_high"]
    assert panel["layout"]["xaxis"]["ticktext"] == ["wrong", "right"]
    assert panel["data"][0]["y"] == [50.0, 50.0]


def test_an_unknown_signal_is_drawn_empty_not_broken(choices):
    panels = draw_score_panels(np.full(10, np.nan), choices, axis="judge")
    assert sum(panels["loss_high"]["data"][2]["y"]) == 0.0
    assert all(is_plain(panel) for panel in panels.values())


def test_without_random_no_panel_has_its_outline(choices):
    del choices["random"]
    panels = draw_score_panels(LOSS, choices, axis="loss")
    assert [trace["name"] for trace in panels["loss_high"]["data"]] == ["all", "loss_high"]


@pytest.fixture
def kinds(rows):
    values = pd.Series(["<b>one</b>"] * 4 + ["two"] * 5 + ["three"])
    return compare_shares(rows, values, np.ones(10, bool))


def test_kinds_have_the_range_of_chance_the_pool_and_a_point_each(kinds, choices):
    figure = draw_kinds(kinds, choices, title="Type of the chosen seeds")
    band, pool, *points = figure["data"]
    assert pool["x"] == [50.0, 40.0, 10.0]
    first = kinds.iloc[0]
    assert (band["base"][0], band["x"][0]) == (100 * first["low"], pytest.approx(100 * (first["high"] - first["low"])))
    assert [trace["name"] for trace in points] == list(choices)
    assert points[0]["x"] == [100.0, 0.0, 0.0] and points[1]["x"] == [25.0, 75.0, 0.0]
    assert is_plain(figure)


def test_kinds_escape_what_files_brought(kinds, choices):
    figure = draw_kinds(kinds, choices, title="t")
    assert figure["layout"]["yaxis"]["ticktext"] == ["two", "&lt;b&gt;one&lt;/b&gt;", "three"]
    assert "<b>one" not in json.dumps(figure)


def test_members_of_a_family_and_picks_differ_in_their_points(kinds, choices):
    points = draw_kinds(kinds, choices, title="t")["data"][2:]
    assert [trace["marker"]["symbol"] for trace in points] == ["circle", "square-open", "diamond-open"]
    assert points[0]["marker"]["color"] == points[1]["marker"]["color"] == style_of_selector("loss_low").colour


def test_points_of_one_kind_lie_inside_its_row(kinds, choices):
    points = draw_kinds(kinds, choices, title="t")["data"][2:]
    heights = np.array([trace["y"] for trace in points])
    assert (np.abs(heights - np.arange(3)) < 0.43).all()
    np.testing.assert_allclose(np.diff(heights, axis=1), 1.0)
    assert len(set(heights[:, 0])) == len(choices)


def test_a_long_name_is_cut_on_the_axis_alone(choices, rows):
    name = "a very long name of a kind of problem that no axis can hold"
    shares = compare_shares(rows, pd.Series([name] * 5 + ["short"] * 5), np.ones(10, bool))
    figure = draw_kinds(shares, choices, title="t")
    assert max(map(len, figure["layout"]["yaxis"]["ticktext"])) <= 26
    assert any(name in text for text in figure["data"][2]["text"])
