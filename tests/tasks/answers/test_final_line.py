"""Where a text states its final answer."""

import pytest

from core.tasks.answers.final_line import find_final, find_hash_final


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3+4=7\n#### 7", "7"),
        ("#### 1\nwait\n#### 2  ", "2"),
        ("####   \n", None),
        ("no line", None),
    ],
)
def test_hash_line(text, expected):
    assert find_hash_final(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\boxed{1} The answer is 3." + "\n#### 2", "2"),
        (r"The answer is 3, so \boxed{1}", "1"),
        (r"The answer is 3, so \boxed{1", None),
        ("We add.\nThe answer is 42.", "42."),
        ("We add.\n**Answer:** 42", "42"),
        ("We add.\nThe final answer to the question is: $4.50", "$4.50"),
        ("We add.\nA: Rome", "Rome"),
        ("42", "42"),
        ("First there are 5.\nThen there are 7.", None),
        ("It is a long way from the first number, 5, to the last, 7", None),
    ],
)
def test_forms_in_their_order(text, expected):
    assert find_final(text) == expected
