import itertools
import math

import numpy as np
import pytest

from core.analysis.accuracy import correlate_loss_with_error, evaluate, paired_difference, wilson_interval
from core.records import Prediction


def make(marks: str, losses=None, truncated: str = "") -> list[Prediction]:
    """One prediction per mark: + right, - wrong, ? no reference."""
    judged = {"+": True, "-": False, "?": None}
    return [
        Prediction(str(i), "", None, judged[mark], None if losses is None else losses[i], 3, str(i) in truncated)
        for i, mark in enumerate(marks)
    ]


def test_wilson_interval_agrees_with_published_values():
    # Newcombe 1998a, table I: 81/263, 15/148, 0/20, 1/29 by the score method without continuity correction
    for n_correct, n, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)]:  # fmt: skip # noqa: E501
        assert wilson_interval(n_correct, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("n_correct", "n"), [(0, 7), (3, 7), (7, 7), (150, 300)])
def test_wilson_limits_are_where_the_score_test_turns(n_correct, n):
    for limit in wilson_interval(n_correct, n):
        if 0 < limit < 1:
            z = (n_correct / n - limit) / math.sqrt(limit * (1 - limit) / n)
            assert abs(z) == pytest.approx(1.959963984540054, abs=1e-9)


def test_paired_difference_agrees_with_published_values():
    # Newcombe 1998, table II, method 10; the last is Bentur et al. 2009 as worked in Fagerland et al. 2017, chapter 8
    for counts, low, high in [
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((20, 12, 2, 16), 0.0562, 0.3292),
        ((1, 1, 7, 12), -0.507, -0.026),
    ]:
        difference, below, above = paired_difference(*counts)
        assert difference == pytest.approx((counts[1] - counts[2]) / sum(counts))
        assert (below, above) == pytest.approx((low, high), abs=5e-4)


def test_paired_interval_covers_about_95_percent_by_exact_enumeration():
    n, (both, gained, lost) = 20, (0.45, 0.25, 0.10)
    covered = total = 0.0
    for a, b, c in itertools.product(range(n + 1), repeat=3):
        if a + b + c > n:
            continue
        d = n - a - b - c
        ways = math.factorial(n) / math.prod(math.factorial(x) for x in (a, b, c, d))
        share = ways * both**a * gained**b * lost**c * (1 - both - gained - lost) ** d
        _, low, high = paired_difference(a, b, c, d)
        total += share
        covered += share * (low <= gained - lost <= high)
    assert total == pytest.approx(1)
    assert 0.93 <= covered <= 0.98


@pytest.mark.parametrize("counts", [(0, 5, 0, 0), (5, 0, 0, 0), (0, 0, 0, 5), (0, 0, 5, 0), (1, 0, 0, 0), (2, 0, 0, 3)])
def test_paired_interval_is_finite_at_the_edges_and_holds_the_difference(counts):
    difference, low, high = paired_difference(*counts)
    assert -1 <= low <= difference <= high <= 1


def test_paired_difference_turns_its_sign_with_the_roles():
    difference, low, high = paired_difference(30, 12, 5, 13)
    assert paired_difference(30, 5, 12, 13) == pytest.approx((-difference, -high, -low))


def test_evaluate_counts_by_hand():
    record = evaluate(make("++--?-"), make("+-+-++", truncated="3"))
    assert (record["n"], record["n_correct"], record["n_gained"], record["n_lost"]) == (5, 3, 2, 1)
    assert record["accuracy"] == 0.6 and record["difference"] == pytest.approx(0.2)
    assert record["n_truncated"] == 1
    assert record["low"] < 0.6 < record["high"] and record["difference_low"] < 0.2 < record["difference_high"]


def test_evaluate_of_a_student_with_itself_is_no_difference():
    record = evaluate(make("++-"), make("++-"))
    assert record["difference"] == 0 and record["n_gained"] == record["n_lost"] == 0
    assert record["accuracy"] == pytest.approx(2 / 3)


def test_evaluate_without_references_has_no_shares():
    record = evaluate(make("??"), make("??"))
    assert record["n"] == 0 and record["accuracy"] is None and record["difference_low"] is None


def test_evaluate_refuses_other_problems():
    with pytest.raises(ValueError, match="same problems"):
        evaluate(make("++"), make("+"))


def test_evaluate_gives_the_columns_of_its_table():
    assert set(evaluate(make("+"), make("+"))) == {
        "n", "n_correct", "accuracy", "low", "high", "difference", "difference_low", "difference_high",
        "n_gained", "n_lost", "n_truncated",
    }  # fmt: skip


def signals(marks: str, losses: list[float]) -> tuple[np.ndarray, np.ndarray]:
    judged = {"+": 1.0, "-": 0.0, "?": np.nan}
    return np.array(losses, float), np.array([judged[mark] for mark in marks])


def test_correlation_agrees_with_ranks_by_hand():
    ranks, errors = np.array([4, 1, 3, 2]), np.array([3.5, 1.5, 3.5, 1.5])
    expected = np.corrcoef(ranks, errors)[0, 1]
    assert correlate_loss_with_error(*signals("-+-+", [4, 1, 3, 2])) == pytest.approx(expected)
    assert correlate_loss_with_error(*signals("-?+-+", [4, 9, 1, 3, 2])) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("marks", "losses"),
    [("++", [1, 2]), ("+++", [1, 2, 3]), ("+-+", [1, 1, 1]), ("?-+", [1, 2, 3]), ("-+-", [np.nan] * 3)],
)
def test_correlation_is_unknown_where_it_means_nothing(marks, losses):
    assert correlate_loss_with_error(*signals(marks, losses)) is None
