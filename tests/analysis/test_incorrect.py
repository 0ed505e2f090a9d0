"""Wrong-answer rate and coverage (Zhang 2025, appendix G.6.2) on cases that a reader can count."""

import pytest

from core.analysis.incorrect import measure_incorrect, measure_question
from core.records import Candidate, Problem
from core.tasks import TASKS

WORDS = TASKS.get("word_problems")
SEED = Problem("p", "How many?", "#### 1000", "1000")


def make(number, final, parent="p", failure=None):
    return Candidate(f"c{number}", (parent,), "q", "a", final, failure, "incorrect", "t", None, None, 1, 1)


def test_the_same_number_in_another_spelling_counts_once():
    measured = measure_question(["7", "7.0", "$7", "8", "1,000", None, "1e3"], SEED, WORDS)
    assert (measured.n_asked, measured.n_wrong, measured.n_right, measured.n_undecided) == (7, 4, 2, 1)
    assert measured.n_distinct == 2
    assert measured.rate == pytest.approx(4 / 7) and measured.coverage == pytest.approx(2 / 7)


def test_over_all_questions_the_distinct_ones_of_each_add_up():
    problems = {"p": SEED, "r": Problem("r", "How many?", "#### 2", "2")}
    made = [make(1, "7"), make(2, "7"), make(3, "2", "r"), make(4, "7", "r"), make(5, "9", "r", "It was cut off.")]
    each, together = measure_incorrect(made, problems, WORDS)
    assert each["p"].rate == 1.0 and each["p"].coverage == 0.5
    assert (each["r"].n_right, each["r"].n_wrong, each["r"].n_undecided) == (1, 1, 1)
    assert (together.n_asked, together.n_wrong, together.n_distinct) == (5, 3, 2)
    assert together.rate == pytest.approx(0.6) and together.coverage == pytest.approx(0.4)


def test_nothing_asked_has_no_rate_and_no_reference_no_verdict():
    _, together = measure_incorrect([], {}, WORDS)
    assert together.rate is None and together.coverage is None
    unknown = measure_question(["7"], Problem("p", "How many?", None, None), WORDS)
    assert (unknown.n_wrong, unknown.n_undecided, unknown.rate) == (0, 1, 0.0)


def test_labels_and_expressions_are_compared_as_their_tasks_do():
    deduction = TASKS.get("prontoqa")
    measured = measure_question(["False", "False", "True"], Problem("p", "q", "Answer: True", "True"), deduction)
    assert (measured.n_wrong, measured.n_distinct, measured.n_right) == (2, 1, 1)
    game = TASKS.get("game24")
    puzzle = game.make_problem("4 4 6 8", None, "(4 + 8) * (6 - 4)", {})
    measured = measure_question(["4 + 4 + 6 + 8", "4 + 4 + 6 + 8", "4 * 6", "(6 - 4) * (4 + 8)"], puzzle, game)
    assert (measured.n_wrong, measured.n_distinct, measured.n_right) == (3, 2, 1)
