"""The benchmark table, on accuracies whose means a reader can reckon."""

import math
import statistics

import pandas as pd
import pytest

from core.analysis.test_sets import order_sets, tabulate_tests

COLUMNS = ["method", "replicate", "split", "round", "accuracy", "n_test"]
ROWS = [
    ("b", 0, "test", 0, 0.2, 100), ("b", 0, "test", 2, 0.4, 100), ("b", 1, "test", 0, 0.2, 100),
    ("b", 1, "test", 3, 0.8, 100), ("b", 0, "ood", 0, 0.1, 50), ("b", 0, "ood", 2, 0.3, 50),
    ("b", 2, "test", 0, 0.2, 100), ("a", 0, "maths", 1, 0.5, 10), ("a", 0, "test", 1, None, 0),
    ("teacher", 0, "test", 0, 0.9, 100),
]  # fmt: skip


def test_each_replicate_counts_after_its_last_round():
    table = tabulate_tests(pd.DataFrame(ROWS, columns=COLUMNS)).set_index(["method", "split"])
    own = table.loc[("b", "test")]
    assert own["accuracy"] == pytest.approx(0.6) and own["before"] == pytest.approx(0.2)
    assert own["se"] == pytest.approx(statistics.stdev([0.4, 0.8]) / math.sqrt(2)) and own["n"] == 2
    assert math.isnan(table.loc[("b", "ood"), "se"]) and table.loc[("b", "ood"), "n_test"] == 50
    assert math.isnan(table.loc[("a", "maths"), "before"]) and ("a", "test") not in table.index
    assert table.loc[("teacher", "test"), "accuracy"] == table.loc[("teacher", "test"), "before"] == 0.9
    assert table.index.tolist() == [("a", "maths"), ("b", "test"), ("b", "ood"), ("teacher", "test")]


def test_ones_own_sets_come_first():
    assert order_sets(["maths", "ood", "game24", "test"]) == ["test", "ood", "game24", "maths"]
    assert tabulate_tests(pd.DataFrame(columns=COLUMNS)).empty
