"""Answers in words that stand for values: times of day, parts of a whole, cents; and where a response states them."""

import pytest

from core.tasks.answers.compare import compare, judge_response
from core.tasks.answers.number_words import read_number_words


@pytest.mark.parametrize(
    ("gold", "pred", "is_equal"),
    [
        (r"\text{4:30 p.m.}", "4:30", True),
        (r"\text{4:30 p.m.}", "16:30", True),
        (r"\text{4:30 p.m.}", "4:30 AM", False),
        (r"\text{4:30 p.m.}", "4:31", False),
        (r"9\text{ a.m.}", "9 AM", True),
        (r"9\text{ a.m.}", "9:00 a.m.", True),
        (r"9\text{ a.m.}", "9", True),
        (r"9\text{ a.m.}", "9 p.m.", False),
        ("12 a.m.", "0:00", True),
        ("12 p.m.", "0:00", False),
        ("3/4", "three quarters", True),
        ("2/3", "two-thirds", True),
        ("5/2", "two and a half", True),
        ("3", "third", False),
        ("24", "two dozen", True),
        ("500", "five hundred apples", True),
        ("3 hours", "three hours", True),
        ("three hours", "180 minutes", True),
        ("three hours", "3 km", False),
        ("500", "five hundred and one apples", False),
        (r"\$0.50", "50 cents", True),
        ("0.5", "51 cents", False),
        (r"\text{(A), (C)}", "C, A", True),
        (r"\text{(A), (C)}", "A, B", False),
        ("3:4", "3 to 4", True),
        ("3:4", "4 to 3", False),
        ("10101_2", r"10101_{\text{two}}", True),
        ("10101_2", r"10101_{\text{three}}", False),
        ("42<<6*7=42>>", "42", True),
        ("≈42", "42", True),
    ],
)
def test_values_in_words(gold, pred, is_equal):
    assert compare(gold, pred).is_equal is is_equal


@pytest.mark.parametrize("text", ["third", "a", "and a half", "half half", "one and", "dozen dozen", "two and a"])
def test_what_is_no_number_is_none(text):
    assert read_number_words(text) is None


@pytest.mark.parametrize(
    ("gold", "response", "is_equal"),
    [
        ("Thursday", "The day is Thursday.", True),
        ("Thursday", "The day is Tuesday.", False),
        (r"\text{no solution}", "So there is no solution.", True),
        (r"\text{no solution}", "So the solution is 4.", False),
        ("C", "A and B are wrong.\n\n(C)", True),
        ("True", "It was shown above.\nFalse", False),
        ("5", '{"answer": 5}', True),
        ("5", '```json\n{"reasoning": "2 + 4", "final_answer": "6"}\n```', False),
        ("540", "He runs 3*3=9 sprints.\n9*60=540 meters", True),
        ("54", "He runs 3*3=9 sprints.\n9*60=540 meters", False),
        ("540", "He runs 3*3=9 sprints.\nThat is 540 meters and", False),
    ],
)
def test_values_in_responses(gold, response, is_equal):
    assert judge_response(gold, response).is_equal is is_equal
