"""Total variation distance of tokens, on texts whose tokens a reader can count."""

from collections import Counter

import pandas as pd
import pytest

from core.analysis.token_shift import count_tokens, list_shifted, measure_shift, measure_shifts

FIRST = count_tokens(["a a b", "c"], str.split)
SECOND = count_tokens(["a b b b"], str.split)


def test_it_is_half_the_sum_of_the_differences_of_shares():
    assert Counter({"a": 2, "b": 1, "c": 1}) == FIRST
    assert measure_shift(FIRST, SECOND) == pytest.approx((abs(2 - 1) + abs(1 - 3) + abs(1 - 0)) / 4 / 2)
    assert measure_shift(FIRST, SECOND) == measure_shift(SECOND, FIRST)
    assert measure_shift(FIRST, FIRST) == 0 and measure_shift(FIRST, Counter("xyz")) == pytest.approx(1.0)
    assert measure_shift(FIRST, Counter({"a": 4, "b": 2, "c": 2})) == 0, "shares count, not sizes"
    assert measure_shift(FIRST, Counter()) is None


def test_the_tokens_that_contribute_add_up_to_it():
    table = list_shifted(FIRST, SECOND)
    assert table["token"].tolist() == ["b", "a", "c"] and table["part"].tolist() == pytest.approx(
        [0.25, -0.125, -0.125]
    )
    assert table["part"].abs().sum() == pytest.approx(measure_shift(FIRST, SECOND))
    assert list_shifted(FIRST, SECOND, n=1)["token"].tolist() == ["b"]
    assert list_shifted(FIRST, Counter()).empty


def test_over_rounds_everything_so_far_counts():
    rows = [("x", 0, 1, "a a"), ("x", 0, 2, "b c"), ("x", 1, 1, "b b"), ("y", 0, 1, "a a b c")]
    children = pd.DataFrame(rows, columns=["method", "replicate", "round", "text"])
    found = measure_shifts(["a a b", "c"], children, str.split).set_index(["method", "round"])
    once = [measure_shift(FIRST, count_tokens([text], str.split)) for text in ("a a", "b b")]
    assert found.loc[("x", 1), "mean"] == pytest.approx(sum(once) / 2)
    assert found.loc[("x", 1), "se"] == pytest.approx(abs(once[0] - once[1]) / 2) and found.loc[("x", 1), "n"] == 2
    assert found.loc[("x", 2), "mean"] == 0 and pd.isna(found.loc[("x", 2), "se"])
    assert found.loc[("y", 1), "mean"] == 0
    assert measure_shifts(["a"], children[:0], str.split).empty
