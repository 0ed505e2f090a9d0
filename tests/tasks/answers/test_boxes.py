"""The last box of a text, with braces matched."""

import pytest

from core.tasks.answers.boxes import last_box, list_boxes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"so \boxed{5}.", "5"),
        (r"\boxed{3} no wait \boxed{5}", "5"),
        (r"\boxed{\frac{1}{2}} and \fbox{ \sqrt{2} }", r"\sqrt{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed {7}", "7"),
        (r"\boxed{\boxed{4}}", "4"),
        (r"\boxed{a\\b}", r"a\\b"),
        (r"\boxed{}", ""),
        (r"\boxed{\frac{3}{4}", None),
        (r"\boxed{3} and then \boxed{4", None),
        (r"\boxedtext{5}", None),
        (r"boxed{5}", None),
        ("", None),
        ("\\boxed{\\", None),
    ],
)
def test_last_box(text, expected):
    assert last_box(text) == expected


def test_every_box_is_listed_with_a_gap_for_the_open_one():
    assert list_boxes(r"\boxed{1}, \fbox{\boxed{2}}, \boxed{3") == ["1", r"\boxed{2}", "2", None]
