"""Numbers in the reasons beside chosen seeds: three significant digits, whatever the selector."""

import re

import numpy as np
import pytest

from core.selection import SELECTORS, Pool, can_pick, choose
from core.selection.order import say_value
from core.signals import SIGNALS

N = 40


def make_pool() -> Pool:
    """Values with many digits, large and small."""
    rng = np.random.default_rng(0)
    names = [name for name in SIGNALS if not SIGNALS.get(name).is_vector]
    signals = {name: rng.normal(size=N) * 10.0 ** rng.integers(-3, 3, N) for name in names}
    signals |= {"correct": rng.integers(0, 2, N).astype(float), "solve_rate": rng.integers(0, 17, N) / 16}
    vectors = {name: rng.normal(size=(N, 6)).astype(np.float32) for name in SIGNALS if name not in names}
    return Pool(np.array([f"p{i}" for i in range(N)]), signals, vectors=vectors)


def list_picks(name: str) -> list[str]:
    return ["argmax", "softmax"] if can_pick(SELECTORS.get(name)) else ["argmax"]


@pytest.mark.parametrize(("name", "pick"), [(name, pick) for name in SELECTORS for pick in list_picks(name)])
def test_numbers_in_reasons_have_three_digits(name, pick):
    pool, rng = make_pool(), np.random.default_rng(1)
    for reason in choose(pool, name, N, rng, pick=pick).reason:
        for number in re.findall(r"\d+\.\d+", reason):
            assert len(number.replace(".", "").lstrip("0")) == 3, reason


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.2345678, "1.23"), (-0.05, "-0.0500"), (0.0, "0.00"), (123.4, "123"), (999.9, "1,000"), (12_345.6, "12,300"),
        (0.00012345, "0.000123"), (1.2345e-6, "1.23e-06"), (-1.2345e7, "-1.23e+07"),
    ],
)  # fmt: skip
def test_a_value_is_said_with_three_digits(value, said):
    assert say_value(value) == said


def test_the_values_of_a_scored_pool_are_said_so():
    pool = Pool(np.array(["a", "b"]), {"loss": np.array([1.2345678, 0.5])})
    said = choose(pool, "loss_high", 2, np.random.default_rng(0)).reason
    assert list(said) == ["loss 1.23, the highest of 2", "loss 0.500, 2nd highest of 2"]


def test_a_solve_rate_keeps_what_sixteen_attempts_tell():
    pool = Pool(np.array(["a", "b", "c"]), {"solve_rate": np.array([1 / 16, 2 / 3, 0.5])})
    said = [reason.split(" of the")[0] for reason in choose(pool, "solve_rate", 3, np.random.default_rng(0)).reason]
    assert said == ["solved in 50%", "solved in 66.7%", "solved in 6.25%"]
