"""Figures are plain values: their traces are checked without a browser."""

import json
import re

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


def make_evaluations(*runs) -> pd.DataFrame:
    """Runs of one round, from 30 % to what is given: name, selector and accuracy of each."""
    rows = []
    for name, selector, accuracy in runs:
        about = (f"run-{name}", name, f"Finetune <{name}>", selector)
        rows += [(*about, 0, 0.3, 0.25, 0.35, 300), (*about, 1, accuracy, accuracy - 0.05, accuracy + 0.05, 300)]
    columns = ["run_id", "name", "title", "selector", "round", "accuracy", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns)


def test_rounds_have_a_band_and_a_line_per_run():
    figure = draw_rounds(make_evaluations(("A", "loss_high", 0.5), ("B", None, 0.4)))
    lines = [trace for trace in figure["data"] if trace["mode"] == "lines+markers"]
    assert [line["name"] for line in lines] == ["A loss_high", "B"]
    assert lines[0]["y"] == [30.0, 50.0] and "Finetune &lt;A&gt;" in lines[0]["hovertemplate"]
    assert figure["data"][0]["y"] == pytest.approx([35.0, 55.0, 45.0, 25.0])
    assert "300 problems" in figure["layout"]["title"]["text"]
    assert [label["text"] for label in figure["layout"]["annotations"]] == ["A loss_high", "B"]
    json.dumps(figure, allow_nan=False)


def test_runs_that_end_close_to_one_another_share_a_label():
    runs = [("A", "random", 0.41), ("B", "loss_high", 0.5), ("C", "loss_high", 0.49), ("D", "loss_high", 0.5)]
    labels = draw_rounds(make_evaluations(*runs))["layout"]["annotations"]
    assert [re.sub("<.*?>", "", label["text"]) for label in labels] == ["B, C, D", "A random"]
    assert labels[0]["y"] == 50.0
    many = [(f"R{number:02d}", "loss_high", 0.5) for number in range(40)]
    (label,) = draw_rounds(make_evaluations(*many))["layout"]["annotations"]
    assert re.sub("<.*?>", "", label["text"]) == "R00, R01, R02, R03, R04, R05 and 34 more"
