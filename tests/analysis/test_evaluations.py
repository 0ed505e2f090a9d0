"""Tests of what an evaluation says: worked by hand on few problems, and where there is little to say."""

import numpy as np
import pytest

from core.analysis.accuracy import paired_difference, wilson_interval
from core.analysis.agreement import measure_agreement
from core.analysis.evaluations import Marks, compare_marks, measure_accuracy, measure_groups, measure_samples
from core.analysis.paired import bootstrap_mean, mcnemar

NAN = np.nan


def column(*values):
    return Marks(np.array(values, dtype=np.float64)[:, None])


def test_one_answer_a_problem_has_wilsons_interval():
    found = measure_accuracy(column(1, 0, 1, 1, NAN))
    assert (found["n"], found["accuracy"]) == (4, 0.75)
    assert (found["low"], found["high"]) == wilson_interval(3, 4)
    assert measure_accuracy(column(NAN, NAN)) == {"n": 0, "accuracy": None, "low": None, "high": None}
    assert measure_samples(column(1, 0)) == {}


def test_several_answers_a_problem_are_no_independent_evidence():
    marks = Marks(np.array([[1, 1, 1, 1], [0, 0, 0, 0]] * 10, dtype=np.float64), votes=np.tile([1.0, 0.0], 10))
    found = measure_accuracy(marks)
    assert found["n"] == 20 and found["accuracy"] == 0.5
    assert (found["low"], found["high"]) == bootstrap_mean(np.tile([1.0, 0.0], 10))[1:]
    assert found["high"] - found["low"] > 1.5 * np.diff(wilson_interval(40, 80))[0]


def test_mean_pass_and_majority_of_four_answers():
    right = np.array([[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [NAN, 1, NAN, 0]])
    marks = Marks(right, votes=np.array([0.0, 1.0, 0.0, 1.0]), n_tied=2)
    assert measure_accuracy(marks)["accuracy"] == pytest.approx((0.25 + 0.75 + 0 + 0.5) / 4)
    found = measure_samples(marks)
    assert [row["k"] for row in found["pass_at"]] == [1, 2, 4]
    one, two, four = found["pass_at"]
    assert one["n"] == two["n"] == 4 and four["n"] == 3  # two answers of the last problem were not judged
    assert one["accuracy"] == pytest.approx(0.375)
    assert two["accuracy"] == pytest.approx((0.5 + 1 + 0 + 1) / 4)
    assert four["accuracy"] == pytest.approx(2 / 3)
    assert (found["majority"]["n"], found["majority"]["accuracy"], found["majority"]["n_tied"]) == (4, 0.5, 2)


def test_where_every_answer_is_wrong_an_interval_is_left():
    found = measure_accuracy(Marks(np.zeros((10, 8)), votes=np.zeros(10)))
    assert (found["accuracy"], found["low"]) == (0.0, 0.0) and found["high"] == wilson_interval(0, 10)[1]


def test_a_paired_comparison_by_hand():
    before, after = column(1, 1, 0, 0, 0, 0, NAN, 1), column(1, 0, 1, 1, 1, 0, 1, NAN)
    found = compare_marks(before, after)
    assert (found["n"], found["n_gained"], found["n_lost"], found["n_unchanged"]) == (6, 3, 1, 2)
    assert found["difference"] == pytest.approx(2 / 6)
    assert (found["accuracy_before"], found["accuracy_after"]) == (pytest.approx(2 / 6), pytest.approx(4 / 6))
    assert (found["low"], found["high"]) == bootstrap_mean(np.array([0.0, -1, 1, 1, 1, 0]))[1:]
    assert (found["newcombe_low"], found["newcombe_high"]) == paired_difference(1, 3, 1, 1)[1:]
    assert found["p_value"] == mcnemar(3, 1) and (found["n_test_gained"], found["n_test_lost"]) == (3, 1)


def test_several_answers_are_tested_by_their_majority():
    before = Marks(np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 0]]), votes=np.array([0.0, 1, 0]))
    after = Marks(np.array([[1.0, 1, 0], [1, 0, 0], [0, 0, 0]]), votes=np.array([1.0, 0, 0]))
    found = compare_marks(before, after)
    assert (found["n_gained"], found["n_lost"], found["n_unchanged"], found["difference"]) == (1, 1, 1, 0.0)
    assert (found["n_test_gained"], found["n_test_lost"], found["p_value"]) == (1, 1, 1.0)
    assert found["newcombe_low"] is None


def test_nothing_in_common_is_unknown_and_not_zero():
    found = compare_marks(column(1, NAN), column(NAN, 1))
    assert found["n"] == 0 and found["difference"] is None and found["p_value"] is None


def test_the_same_student_twice_has_gained_nothing():
    marks = column(1, 0, 1, 0)
    found = compare_marks(marks, marks)
    assert (found["difference"], found["low"], found["high"], found["p_value"]) == (0.0, 0.0, 0.0, 1.0)
    assert found["newcombe_low"] < 0 < found["newcombe_high"]


def test_groups_have_their_n_and_come_in_order():
    problems = [{"level": 10, "type": "a"}, {"level": 2, "type": "a"}, {"level": 2.0, "type": "a"}, {"type": "a"}]
    rows = measure_groups(problems, {"base": column(1, 0, 1, 0), "tuned": column(1, 1, 1, NAN)})
    assert {row["field"] for row in rows} == {"level"}  # all of one type
    shown = [(row["value"], row["student"], row["n"], row["accuracy"]) for row in rows]
    assert shown == [
        ("2", "base", 2, 0.5), ("2", "tuned", 2, 1.0), ("10", "base", 1, 1.0), ("10", "tuned", 1, 1.0),
        (None, "base", 1, 0.0), (None, "tuned", 0, None),
    ]  # fmt: skip
    many = [{"type": str(number)} for number in range(31)]
    assert measure_groups(many, {"base": column(*[1] * 31)}) == []


def test_agreement_by_hand_and_beyond_chance():
    ours = [True] * 20 + [True] * 5 + [False] * 10 + [False] * 15 + [None, True]
    theirs = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15 + [True, None]
    found = measure_agreement(ours, theirs)  # Cohen's example: 0.7 agree, 0.5 by chance
    counts = [found[f"n{name}"] for name in ("", "_both_right", "_only_checker", "_only_grader", "_both_wrong")]
    assert counts == [50, 20, 5, 10, 15]
    assert found["share"] == 0.7 and found["kappa"] == pytest.approx(0.4)
    assert (found["low"], found["high"]) == wilson_interval(35, 50)
    assert measure_agreement([True, True], [True, True])["kappa"] is None
    assert measure_agreement([True, False], [False, True])["kappa"] == -1.0
    assert measure_agreement([None], [True])["share"] is None
