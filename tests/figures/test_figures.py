"""Figures are plain values: their traces are checked without a browser."""

import json

import numpy as np
import pandas as pd
import pytest

from core.figures.colours import NEUTRAL, style_of_selector
from core.figures.histograms import Group, draw_signal, find_edges, share_per_bin
from core.figures.rounds import draw_rounds


def test_signal_lays_groups_over_the_pools_bars_as_shares():
    signal = np.array([0.0, 1.0, 2.0, 3.0, np.nan])
    groups = [
        Group("2 at random", signal[[0, 3]], NEUTRAL),
        Group("2 by loss_high", signal[[2, 3]], style_of_selector("loss_high")),
        Group("then", np.array([4.0, np.nan]), style_of_selector("loss_low")),
    ]
    figure = draw_signal(signal, groups, title="Loss", axis="loss, nats per token")
    assert [trace["name"] for trace in figure["data"]] == ["all 4", "2 at random", "2 by loss_high", "then"]
    bars, at_random, chosen, then = figure["data"]
    assert bars["type"] == "bar" and sum(bars["y"]) == pytest.approx(100.0)
    assert chosen["line"]["color"] == style_of_selector("loss_high").colour
    assert bars["x"] == [0.5, 1.5, 2.5, 3.5] and bars["width"] == 1.0
    assert chosen["y"] == [0.0] * 5 + [50.0] * 4 + [0.0] and at_random["y"][:4] == [0.0, 50.0, 50.0, 0.0]
    assert chosen["x"] == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]  # it stands on the axis on both sides
    assert then["x"][-1] == 4.0 and then["y"][-2] == 100.0  # an earlier round's values widen the axis
    json.dumps(figure, allow_nan=False)


def test_right_and_wrong_have_a_bar_each():
    assert find_edges(np.array([0.0, 1.0, 1.0, np.nan])).tolist() == [-0.5, 0.5, 1.5]


def test_bins_cover_everything_once():
    values = np.random.default_rng(0).normal(size=500)
    assert share_per_bin(values, find_edges(values)).sum() == pytest.approx(100.0)
    assert len(find_edges(np.array([2.0, 2.0]))) >= 3
    assert share_per_bin(np.array([np.nan]), find_edges(np.array([np.nan]))).sum() == 0.0


def test_rounds_have_a_band_and_a_line_per_run():
    rows = [("a", "loss_high", 0, 0.3, 0.25, 0.35, 300), ("a", "loss_high", 1, 0.5, 0.45, 0.55, 300)]
    rows += [("b", None, 0, 0.3, 0.25, 0.35, 300), ("b", None, 1, 0.4, 0.35, 0.45, 300)]
    frame = pd.DataFrame(rows, columns=["run_id", "selector", "round", "accuracy", "low", "high", "n"])
    figure = draw_rounds(frame)
    lines = [trace for trace in figure["data"] if trace["mode"] == "lines+markers"]
    assert [line["name"] for line in lines] == ["loss_high", "by hand"]
    assert lines[0]["y"] == [30.0, 50.0]
    assert figure["data"][0]["y"] == pytest.approx([35.0, 55.0, 45.0, 25.0])
    assert "300 problems" in figure["layout"]["title"]["text"]
    json.dumps(figure, allow_nan=False)
