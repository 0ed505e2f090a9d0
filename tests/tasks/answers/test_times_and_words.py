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
        ("36", "3 dozen", True),
        ("3", "3 dozen", None),
        ("100", "a hundred", True),
        ("1/3", "a third", True),
        ("-5", "minus five", True),
        ("5", "minus five", False),
        ("B", "b)", True),
        ("500", "five hundred apples", True),
        ("3 hours", "three hours", True),
        ("three hours", "180 minutes", True),
        ("three hours", "3 km", False),
        ("500", "five hundred and one apples", False),
        ("1", "one point five", False),
        ("0", "zero point five", False),
        ("1", "one over two", False),
        ("5", "five hundredths", False),
        ("2", "two thousandths", False),
        ("2", "two less than x", False),
        ("2", "two plus two", False),
        ("2", "two out of five", False),
        ("6", "six feet two inches", False),
        ("7", "seven thirty", False),
        ("3 months", "three months", True),
        ("3 seconds", "three seconds", True),
        ("4", "twenty-fifth", False),
        ("10", "thirty-third", False),
        ("2/5", "two fifth", False),
        ("2/5", "two fifths", True),
        ("0.5", "50 cents", None),
        ("50 cents", "$0.50", None),
        ("50", "50 cents", True),
        ("0.5", "51 cents", False),
        ("17", "5 pm", False),
        ("5 pm", "5", True),
        ("1 pm", "13 pm", False),
        ("12 a.m.", "24:00", True),
        (r"\text{(A), (C)}", "C, A", True),
        (r"\text{(A), (C)}", "A, B", False),
        ("3:4", "3 to 4", True),
        ("3:4", "4 to 3", False),
        ("5 to 10", "1 to 2", False),
        ("5 to 10", "10 to 5", False),
        ("3.5", "7 to 2", False),
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
        ("no solution", "The answer is x = 3; the other case has no solution.", False),
        ("no solution", "Therefore x = 4 is the only one, as for x = 0 there is no solution.", False),
        ("odd", "So x is odd.", True),
        ("odd", "So it is false that x is odd.", False),
        ("Thursday", "So it is not the case that the day is Thursday.", False),
        ("5 pm", "They arrive at 5 pm.", True),
        ("5:30 p.m.", "Therefore, the train leaves at 5:30 p.m.", True),
        ("5:30 p.m.", "Therefore, the train leaves at 5:30 a.m.", False),
        ("C", "A and B are wrong.\n\n(C)", True),
        ("True", "It was shown above.\nFalse", False),
        ("5", '{"answer": 5}', True),
        ("5", '{"final": true, "answer": 5}', True),
        ("5", 'Here it is:\n```json\n{"answer": 5}\n```', True),
        ("5", '[{"Answer": "5"}]', True),
        ("1, 2", '{"answer": ["1", "2"]}', True),
        ("12345678901234567890.5", '{"answer": 12345678901234567890.5}', True),
        (r"\frac{1}{2}", r'{"answer": "\frac{1}{2}"}', True),
        (r"\frac{1}{2}", r'{"answer": "\\frac{1}{2}"}', True),
        (r"\sqrt{2}", r'{"answer": "\sqrt{2}"}', True),
        ("5", '```json\n{"reasoning": "2 + 4", "final_answer": "6"}\n```', False),
        ("540", "He runs 3*3=9 sprints.\n9*60=540 meters", True),
        ("3/4", "We simplify.\n6/8 = 3/4", True),
        ("5", "Let us see.\nf(2) = 5", True),
        ("-3", "Count.\n5 - 8 = - 3", True),
        ("6", "Count.\n2 + 3 = 5 or 6", False),
        ("3:4", "So the ratio is 3 to 4.", True),
        ("3:4", "Therefore the ratio of boys to girls is 4:3.", False),
        ("0.5", "So she pays 50 cents.", None),
        ("54", "He runs 3*3=9 sprints.\n9*60=540 meters", False),
        ("540", "He runs 3*3=9 sprints.\nThat is 540 meters and", False),
    ],
)
def test_values_in_responses(gold, response, is_equal):
    assert judge_response(gold, response).is_equal is is_equal


@pytest.mark.parametrize(
    "response", ['{"answer": 5}' + 180_000 * "\n" + "Done.", "3\n" + 40_000 * r"\(" + 40_000 * r"\)" + "x"]
)
def test_a_long_end_is_read_once(response):
    """Read in every division, either would take minutes."""
    assert judge_response("5", response).is_equal is False
