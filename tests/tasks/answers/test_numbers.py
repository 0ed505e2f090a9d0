"""Plain numbers, exactly."""

from fractions import Fraction

import pytest

from core.tasks.answers.numbers import MAX_LENGTH, read_number, read_quantity, write_decimal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,000", 1000),
        ("$1000", 1000),
        (r"\$1{,}000.", 1000),
        ("1000.0", 1000),
        ("-5", -5),
        ("\u22125", -5),
        ("-$5", -5),
        ("+5", 5),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("0.1", Fraction(1, 10)),
        ("3/4", Fraction(3, 4)),
        ("-6/8", Fraction(-3, 4)),
        (r"\frac{3}{4}", Fraction(3, 4)),
        (r"-\dfrac34", Fraction(-3, 4)),
        ("1 1/2", Fraction(3, 2)),
        (r"1\tfrac{1}{2}", Fraction(3, 2)),
        ("-1 1/2", Fraction(-3, 2)),
        ("$32,\\!348$", 32348),
        (r"\(7\)", 7),
        ("1.5e3", 1500),
        (r"4.5 \times 10^{3}", 4500),
    ],
)
def test_numbers(text, value):
    assert read_number(text) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "-", "$", "x", "5x", "--5", "1,2", "1,0000", "1/0", r"\frac{1}{0}", "2 or 3", "5+5", "5!", "1.2.3"],
)
def test_anything_else_is_no_number(text):
    assert read_number(text) is None and read_quantity(text) is None


def test_a_very_long_number_is_not_even_looked_at():
    assert read_number("9" * MAX_LENGTH) == 10**MAX_LENGTH - 1
    assert read_number("9" * (MAX_LENGTH + 1)) is None


@pytest.mark.parametrize(
    ("first", "second", "are_equal"),
    [
        ("1,000", "$1000", True),
        ("60%", "60", True),
        ("60%", "6", False),
        ("60%", "0.06", False),
        ("60%", "0.6", True),
        (r"60\%", "60 percent", True),
        ("-5", "5", False),
        ("5 km", "5", True),
        ("5 km", "5 miles", False),
        (r"10\text{ units}", "10 units", True),
        ("18 dollars", "$18", True),
        ("1/3", "0.3333333333", False),
    ],
)
def test_equality_keeps_units_honest(first, second, are_equal):
    assert read_quantity(first).equals(read_quantity(second)) is are_equal
    assert read_quantity(second).equals(read_quantity(first)) is are_equal


@pytest.mark.parametrize("text", ["72", "-0.5", "12.05", "1/3", "-7/6", "0", "0.000244140625"])
def test_numbers_are_written_as_they_are_read(text):
    assert write_decimal(read_number(text)) == text
