"""Tests of McNemar's test and the bootstrap against scipy, by hand and at the limits."""

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from core.analysis.paired import bootstrap_mean, mcnemar


@pytest.mark.parametrize(("gained", "lost"), [(1, 0), (3, 3), (5, 12), (12, 5), (0, 9), (40, 61), (700, 650)])
def test_mcnemar_is_the_sign_test_of_the_changed_problems(gained, lost):
    assert mcnemar(gained, lost) == pytest.approx(binomtest(gained, gained + lost, 0.5).pvalue, rel=1e-9)


def test_mcnemar_by_hand_and_without_a_change():
    assert mcnemar(6, 1) == pytest.approx(2 * (1 + 7) / 128)
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(2000, 0) == 0.0 or mcnemar(2000, 0) < 1e-300  # no overflow


def test_the_interval_is_that_of_scipy_within_what_lots_decide():
    rng = np.random.default_rng(3)
    for values in (rng.choice([-1.0, 0.0, 1.0], size=300, p=[0.1, 0.7, 0.2]), rng.random(120)):
        theirs = bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=1).confidence_interval
        mean, low, high = bootstrap_mean(values)
        assert mean == pytest.approx(values.mean())
        spread = values.std() / np.sqrt(len(values))
        step = 1 / len(values) if len(np.unique(values)) == 3 else 0.0  # means of whole numbers lie on a grid
        np.testing.assert_allclose((low, high), theirs, atol=0.08 * spread + step)


def test_the_same_values_in_another_order_have_the_same_interval():
    values = np.random.default_rng(0).choice([0.0, 0.25, 1.0], size=50)
    assert bootstrap_mean(values) == bootstrap_mean(np.sort(values)) == bootstrap_mean(values[::-1])
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values)


def test_limits_of_the_bootstrap():
    assert bootstrap_mean(np.array([])) is None
    assert bootstrap_mean(np.full(7, 0.5)) == (0.5, 0.5, 0.5)
    assert bootstrap_mean(np.array([1.0])) == (1.0, 1.0, 1.0)
    narrow, wide = bootstrap_mean(np.arange(9.0), level=0.5), bootstrap_mean(np.arange(9.0), level=0.99)
    assert wide[1] < narrow[1] < 4.0 < narrow[2] < wide[2]


def test_many_distinct_values_are_drawn_in_blocks(monkeypatch):
    values = np.random.default_rng(0).random(400)
    whole = bootstrap_mean(values, n_resamples=1000)
    monkeypatch.setattr("core.analysis.paired.BLOCK", 4000)  # ten resamples at a time
    np.testing.assert_allclose(bootstrap_mean(values, n_resamples=1000), whole, atol=0.003)
