"""The two figures of a wish: the same axes, shares of each group, means in their names, only JSON values."""

import json
import math

import numpy as np

from core.figures.colours import NEUTRAL, SELECTOR_STYLES
from core.figures.steering import draw_moved, style_of_wish


def draw(**more):
    rng = np.random.default_rng(0)
    seeds = rng.random(40)
    seeds[0] = math.nan
    looks = {"noun": "hard seeds", "axis": "loss", "style": style_of_wish("hard")}
    return draw_moved(seeds, seeds + 0.5, np.arange(40) < 15, **{**looks, **more})


def test_seeds_and_children_have_the_same_axes_and_bins():
    seeds, children = draw()
    for axis in ("xaxis", "yaxis"):
        assert seeds["layout"][axis]["range"] == children["layout"][axis]["range"]
    assert seeds["data"][0]["x"] == children["data"][0]["x"]
    json.dumps([seeds, children], allow_nan=False)


def test_every_group_is_shared_out_over_the_bins_and_named_with_its_mean():
    seeds, _ = draw()
    bars, steps = seeds["data"]
    assert abs(sum(bars["y"]) - 100) < 0.01
    assert abs(sum(steps["y"][1:-1:2]) - 100) < 0.01
    assert bars["name"].startswith("all 39, mean 0.") and steps["name"].startswith("14 hard seeds, mean 0.")
    assert [shape["line"]["color"] for shape in seeds["layout"]["shapes"]] == [NEUTRAL.colour, steps["line"]["color"]]


def test_a_wish_has_the_colour_of_its_selector_and_unknown_values_draw_nothing():
    assert style_of_wish("hard") == SELECTOR_STYLES["loss_high"]
    assert style_of_wish("type:x") == style_of_wish("type:x") != NEUTRAL
    unknown = np.full(12, math.nan)
    figures = draw_moved(unknown, unknown, np.zeros(12, bool), noun="x", axis="y", style=NEUTRAL)
    assert figures[0]["layout"]["shapes"] == [] and json.dumps(figures, allow_nan=False)
