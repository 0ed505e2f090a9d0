"""Figures are plain values: their traces are checked without a browser."""

import json

import numpy as np
import pandas as pd
import pytest

from core.figures.colours import NEUTRAL, style_of_selector
from core.figures.curves import draw_loss, draw_validation_accuracy, smooth
from core.figures.histograms import Group, draw_signal, find_edges, share_per_bin
from core.figures.rounds import draw_rounds


@pytest.fixture
def metrics():
    rows = [(1, "loss", step, 2.0 / step) for step in range(1, 21)]
    rows += [(1, "validation_loss", step, 1.0 / step) for step in (10, 20)]
    rows += [(1, "validation_accuracy", step, step / 40) for step in (10, 20)]
    return pd.DataFrame(rows, columns=["round", "name", "step", "value"]).sample(frac=1, random_state=0)


def test_loss_has_raw_smoothed_and_validation_in_order_of_steps(metrics):
    figure = draw_loss(metrics)
    assert [trace["name"] for trace in figure["data"]] == [
        "training loss, raw", "training loss, smoothed", "validation loss",
    ]  # fmt: skip
    raw, smoothed, checked = figure["data"]
    assert raw["x"] == list(range(1, 21)) and raw["y"][0] == 2.0
    assert smoothed["y"][0] == 2.0 and smoothed["y"][-1] > raw["y"][-1]
    assert checked["y"] == [0.1, 0.05]


def test_a_log_axis_moves_the_labels_and_the_zoom_key(metrics):
    linear, log = draw_loss(metrics), draw_loss(metrics, is_log=True)
    assert log["layout"]["yaxis"]["type"] == "log"
    assert log["layout"]["uirevision"] != linear["layout"]["uirevision"]
    assert log["layout"]["annotations"][1]["y"] == pytest.approx(np.log10(0.05))


def test_zoom_key_does_not_depend_on_the_data(metrics):
    fewer = metrics[metrics["step"] < 15]
    assert draw_loss(metrics)["layout"]["uirevision"] == draw_loss(fewer)["layout"]["uirevision"]


def test_no_metrics_yet_draws_an_empty_figure():
    empty = pd.DataFrame(columns=["round", "name", "step", "value"])
    assert draw_loss(empty)["data"] == [] and draw_validation_accuracy(empty)["data"] == []


def test_accuracy_is_drawn_in_percent(metrics):
    assert draw_validation_accuracy(metrics)["data"][0]["y"] == [25.0, 50.0]


def test_smooth_of_a_constant_is_the_constant():
    assert smooth(pd.Series([3.0] * 5)).tolist() == [3.0] * 5


def test_figures_are_json_without_nan(metrics):
    metrics.iloc[0, metrics.columns.get_loc("value")] = np.nan
    assert json.loads(json.dumps(draw_loss(metrics), allow_nan=False))["data"]


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
