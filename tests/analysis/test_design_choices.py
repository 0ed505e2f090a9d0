"""The ablation of design choices, on points whose means a reader can reckon."""

import math
import statistics

import pandas as pd
import pytest

from core.analysis.design_choices import Design, find_design, reads_references, tabulate_designs
from core.selection import SELECTORS

COLUMNS = ["method", "replicate", "round", "size", "accuracy", "selector", "pick"]
ROWS = [
    ("a", 0, 1, 5, 0.4, "loss_high", "argmax"), ("a", 1, 1, 5, 0.6, "loss_high", "argmax"),
    ("a", 0, 2, 10, 0.5, "loss_high", "argmax"), ("a", 1, 2, 10, 0.8, "loss_high", "argmax"),
    ("b", 0, 1, 5, 0.7, "loss_truth_low", "softmax"), ("b", 0, 2, 10, 0.7, "loss_truth_low", "softmax"),
    ("c", 0, 1, 5, 0.9, "badge", "argmax"), ("d", 0, 1, 5, 0.9, None, None),
]  # fmt: skip


def test_every_score_selector_has_a_design_and_no_other():
    assert find_design("loss_truth_low", "softmax") == Design("loss", "low", "reference", "softmax")
    assert str(find_design("reward_high", None)) == "reward high, own, argmax"
    told = {name for name in SELECTORS if find_design(name, "argmax")}
    assert told == {f"{score}{truth}_{end}" for score in ("loss", "reward") for truth in ("", "_truth")
                    for end in ("high", "low")}  # fmt: skip
    assert find_design(None, None) is None and find_design("one that is gone", "argmax") is None


def test_what_reads_references_is_known_by_its_signals():
    reading = {name for name in SELECTORS if reads_references(name)}
    assert {"incorrect", "evokd", "loss_truth_high", "badge_truth"} <= reading
    assert not {"random", "loss_high", "reward_low", "badge", "lion", "judge_hard"} & reading
    assert not reads_references(None)


def test_designs_are_compared_at_the_last_size_that_all_have():
    table = tabulate_designs(pd.DataFrame(ROWS, columns=COLUMNS).assign(data_set="pens")).set_index("method")
    assert table.index.tolist() == ["b", "a"]
    assert table["budget"].tolist() == [10, 10]
    assert table.loc["a", "accuracy"] == pytest.approx(0.65)
    assert table.loc["a", "se"] == pytest.approx(statistics.stdev([0.5, 0.8]) / math.sqrt(2))
    assert math.isnan(table.loc["b", "se"]) and table["n"].to_dict() == {"a": 2, "b": 1}
    less = [row for row in ROWS if row[:3] != ("b", 0, 2)]
    assert tabulate_designs(pd.DataFrame(less, columns=COLUMNS).assign(data_set="pens"))["budget"].tolist() == [5, 5]


def test_one_design_is_no_comparison():
    table = tabulate_designs(
        pd.DataFrame([row for row in ROWS if row[0] != "b"], columns=COLUMNS).assign(data_set="pens")
    )
    assert table.empty and "accuracy" in table
