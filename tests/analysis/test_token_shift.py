"""Total variation distance of tokens, on texts whose tokens a reader can count."""

from collections import Counter

import pytest

from core.analysis.token_shift import count_tokens, list_shifted, measure_shift

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
