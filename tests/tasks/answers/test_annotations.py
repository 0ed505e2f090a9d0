"""Calculator annotations and lines of plain arithmetic, recomputed exactly."""

from fractions import Fraction

import pytest

from core.tasks.answers.annotations import (
    check_annotations,
    check_equation,
    check_lines,
    evaluate,
    list_closing_results,
)


@pytest.mark.parametrize(
    "text",
    [
        "48/2=24",
        "1.5+4.35+12.65=18.50",
        "(-17)+43=26",
        "-5+3=-2",
        "20*.01=0.2",
        ".5*8=4",
        "0.1+0.2=0.3",
        "30%*50=15",
        "1/4=25%",
        "1,000*2=2,000",
        "$5*2=$10",
        "2x3=6",
        "2(3+1)=8",
        "180//3=60",
        "007+1=8",
        "2^3=8",
        "5+3=8=8",
        "17=3*5+2",
        "10/3=3.33",
        "20/3=6.67",
        "20/3=6.66",
        "-20/3=-6.67",
        "4/36=1/9",
    ],
)
def test_equations_that_hold(text):
    assert check_equation(text).fault is None


@pytest.mark.parametrize(
    "text",
    ["2*3=7", "10/3=3", "10/3=3.34", "1/3=0.4", "20/3=-6.67", "1/4=20%", "5+3=9=8", "100*1.05=105.1", "17=3*5+1"],
)
def test_equations_that_are_wrong(text):
    assert "is wrong" in check_equation(text).fault


@pytest.mark.parametrize(
    "text",
    ["1/0=3", "abc=3", "3", "=3", "2*=4", "9**9**9=1", "2^99=1", "7%3=1", "__import__('os')=1", "[1]=1", "a.b=1"],
)
def test_what_cannot_be_computed_is_a_fault_and_never_run(text):
    assert check_equation(text).fault.endswith(".")


def test_bombs_are_refused_at_once():
    for bomb in ("9" * 500, "(" * 150 + "1" + ")" * 150, "-" * 190 + "1", "(((9^20)^20)^20)^20", "1e999999999*1"):
        with pytest.raises(ValueError, match="it"):
            evaluate(bomb + "+x")
    with pytest.raises(ValueError, match="too large"):
        evaluate("((9^20)^20)^20")


def test_values_are_exact():
    assert evaluate("0.1+0.2") == Fraction(3, 10)
    assert evaluate("(1/3)*3") == 1


def test_annotations_of_a_text_in_order():
    found = check_annotations("First <<1+1=2>>2, then <<2*2=5>>5 and << >>.")
    assert [(each.value, each.fault is None) for each in found] == [(2, True), (5, False), (None, False)]


def test_lines_that_are_nothing_but_arithmetic():
    text = "- 12*5=60\n- x=48/6=8\nIn all 3=4 are left\n- gcd=1\n$2+2=5$\n1, 2, 3\n3."
    assert [(each.text, each.fault is None) for each in check_lines(text)] == [
        ("12*5=60", True),
        ("48/6=8", True),
        ("2+2=5", False),
    ]


def test_right_results_behind_the_last_annotation():
    assert list_closing_results("<<2*3=6>>6, so 6 + 4 = 10, and $10 x 2 = $20, but 20 - 1 = 18.") == [10, 20]
    assert list_closing_results("2 + 2 = 4, then <<4+1=5>>5.") == []
