"""Own questions: numbers as numbers, the rest as text."""

import pytest

from core.tasks.base import ReplyError
from core.tasks.custom import Custom

TASK = Custom()


def make(answer, final=None):
    return TASK.make_problem("Which city?", answer, final, {"topic": "cities"})


@pytest.mark.parametrize(
    ("answer", "final", "expected"),
    [
        ("Paris", None, ("Paris", "Paris")),
        (None, " New  York ", ("#### New York", "New York")),
        ("It lies there.\n#### Rome", None, ("It lies there.\n#### Rome", "Rome")),
        ("It lies there.", "Rome", ("It lies there.\n#### Rome", "Rome")),
        ("It costs so much.\nThe answer is 1,200.", None, ("It costs so much.\nThe answer is 1,200.", "1200")),
        ("The one that all roads lead to, as the saying goes.", None, None),
    ],
)
def test_rows(answer, final, expected):
    problem = make(answer, final)
    assert problem.meta == {"topic": "cities"}
    assert (problem.answer, problem.final) == (expected or (answer, answer))


@pytest.mark.parametrize(
    ("gold", "student", "is_correct"),
    [
        ("Paris", "paris.", True),
        ("New York", "new   york", True),
        ("Paris", "London", False),
        ("1200", "$1,200.00", True),
        ("12", "12 apples", True),
        ("12", "twelve", False),
        ("caf\u00e9", "cafe\u0301", True),
        ("?", "!", False),
    ],
)
def test_comparison(gold, student, is_correct):
    assert TASK.is_correct(student, make(None, gold)) is is_correct


def test_answer_of_several_lines_must_state_its_final_answer():
    with pytest.raises(ValueError, match="no final answer"):
        make("It is a city.\nIt is large.")
    with pytest.raises(ReplyError, match="no final answer"):
        TASK.read_answer("It is a city.\nIt is large.")


def test_annotations_are_recomputed_where_there_are_any():
    assert TASK.find_fault("?", "That is <<2*3=7>>7.\n#### 7", {}) == "The calculation '2*3=7' is wrong: 2*3 is 6."
    assert TASK.find_fault("?", "That is <<2*3=6>>6.\n#### 6", {}) is None
