"""Numbers as people read them."""

import math
import time

import pandas as pd
import pytest

from pages.components import numbers


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (numbers.percent(0.5234), "52.3 %"),
        (numbers.points(-0.031), "−3.1 points"),
        (numbers.interval(0.481, 0.564), "48.1 to 56.4 %"),
        (numbers.loss(0.12), "0.120"),
        (numbers.loss(123.4), "123"),
        (numbers.loss(0.0), "0.00"),
        (numbers.loss(1.5e-6), "1.50e-06"),
        (numbers.score(0.431), "0.43"),
        (numbers.tokens(950), "950"),
        (numbers.tokens(12_345), "12.3k"),
        (numbers.tokens(4_500_000), "4.5M"),
        (numbers.duration(0.42), "0.4 s"),
        (numbers.duration(130), "2 min 10 s"),
        (numbers.duration(59.7), "1 min 0 s"),
        (numbers.duration(3_900), "1 h 5 min"),
        (numbers.size(512), "512 B"),
        (numbers.size(12_300_000), "12.3 MB"),
        (numbers.count(7473), "7,473"),
        (numbers.counted(1, "row"), "1 row"),
        (numbers.counted(2, "row"), "2 rows"),
    ],
)
def test_formats(made, wanted):
    assert made.replace("\u00a0", " ") == wanted


@pytest.mark.parametrize("unknown", [None, math.nan, pd.NA])
def test_unknown_is_a_dash_and_never_zero(unknown):
    formats = (numbers.percent, numbers.points, numbers.loss, numbers.count, numbers.tokens, numbers.duration)
    assert {form(unknown) for form in (*formats, numbers.size, numbers.moment, numbers.score)} == {"–"}
    assert numbers.interval(0.1, unknown) == "–"


def test_moment_names_the_day_unless_it_is_today():
    assert len(numbers.moment(time.time())) == 5
    assert " " in numbers.moment(0)
