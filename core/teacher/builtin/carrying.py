"""Carries a mistake through a worked calculation: what follows from a changed result is calculated anew.

It finds the equations of an answer (calculator annotations, ``<<48/2=24>>``, with what stands before them, and plain
ones, ``12*5=60``), changes one, and writes the text again. It knows nothing of tasks or of what makes an answer wrong.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from core.tasks.answers.annotations import evaluate

NUMBER = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?!\d)")
_SIDE = r"[-($]*[\d.][\d \t.,()+*/^x×÷%$-]*"
_EQUATION = re.compile(
    rf"(?:(?P<shown>{_SIDE})(?P<gap>=[ \t]*[$€£]?[ \t]*))?<<(?P<side>[^<>=\n]*)=(?P<result>[^<>=\n]*)>>"
    rf"|(?P<chain>{_SIDE}(?:=[ \t]*{_SIDE})+)"
)
_COUNT = re.compile(r"\d+[.)][ \t]+")
"""What numbers a line of a list."""

_OPERATOR = re.compile(r"(?<=[\d)%. ])([-+*/x×÷])(?=[ $(\d.-])")
SIGNS = {"x": "*", "×": "*", "÷": "/"}

MOST_DECIMALS = 2
LARGEST_DENOMINATOR = 100
"""Results that are written with more would give a mistake away."""


@dataclass(frozen=True, slots=True)
class Equation:
    """One calculation of an answer."""

    start: int
    end: int
    """Where it stands in the text; what is shown before an annotation belongs to it."""

    side: str
    """What is calculated."""

    value: Fraction

    shown: str = ""
    """The same calculation as it stands before an annotation, with the equals sign behind it in ``gap``."""

    gap: str = ""
    is_annotation: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to one equation: another calculation, another result, or neither and its line is left out."""

    index: int
    side: Callable[[str], str] | None = None
    """Rewrites what is calculated."""

    slip: Fraction = Fraction(0)
    """Added to the result."""

    stands_in: int | None = None
    """Leave the line out; what takes its result takes this number of its calculation instead (from 0)."""


def find_equations(text: str) -> list[Equation]:
    """Return the equations of a text that hold, in order; those without an operation are none."""
    found = []
    for match in _EQUATION.finditer(text):
        equation = _read_chain(match) if match["chain"] else _read_annotation(match)
        if equation is not None and list_operators(equation.side):
            found.append(equation)
    return found


def _read_annotation(match: re.Match[str]) -> Equation | None:
    value, result = _value_of(match["side"]), _value_of(match["result"])
    if value is None or value != result:
        return None
    shown = match["shown"] or ""
    is_same = bool(shown) and _value_of(shown) == value
    start = match.start() if is_same else match.start("side") - 2
    kept = (shown, match["gap"]) if is_same else ("", "")
    return Equation(start, match.end(), match["side"], value, *kept, is_annotation=True)


def _read_chain(match: re.Match[str]) -> Equation | None:
    """Return the first side of a plain chain and its value; sides before that it does not equal ("9x") are left out."""
    n_skipped = len(count[0]) if (count := _COUNT.match(match["chain"])) else 0
    place, sides = match.start() + n_skipped, match["chain"][n_skipped:].split("=")
    sides[-1] = sides[-1].rstrip(" \t.,(+-*/x")
    while len(sides) > 1 and not _agree(sides):
        place += len(sides.pop(0)) + 1
    if len(sides) == 1:
        return None
    value = _value_of(sides[0])
    return Equation(place, place + len("=".join(sides)), sides[0].strip(), value)


def _agree(sides: list[str]) -> bool:
    values = {_value_of(side) for side in sides}
    return len(values) == 1 and None not in values


def _value_of(side: str) -> Fraction | None:
    try:
        return evaluate(side.strip().rstrip(",. "))
    except ValueError:
        return None


def list_operators(side: str) -> list[str]:
    """Return the operators between the numbers of a calculation, left to right."""
    return [SIGNS.get(match[1], match[1]) for match in _OPERATOR.finditer(side)]


def replace_operator(side: str, place: int, sign: str) -> str:
    """Return the calculation with its operator at a place (from 0) replaced; the spaces around it stay."""
    match = list(_OPERATOR.finditer(side))[place]
    return f"{side[: match.start(1)]}{sign}{side[match.end(1) :]}"


def read_numbers(side: str) -> list[Fraction]:
    """Return the numbers of a calculation, left to right."""
    return [Fraction(match[0].replace(",", "")) for match in NUMBER.finditer(side)]


def write_value(value: Fraction) -> str:
    """Return a value as it is written in a calculation: "7", "2.5", "1/3"."""
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):g}" if _is_decimal(value) else str(value)


def _is_decimal(value: Fraction) -> bool:
    return 10**MOST_DECIMALS % value.denominator == 0


def carry(text: str, equations: list[Equation], change: Change) -> tuple[str, dict[Fraction, Fraction]] | None:
    """Return the text with one equation changed and all that depends on it calculated anew.

    The second value is what became of each result: old -> new, changed ones only. None where a result would be none
    that a person writes down: negative, zero, with many decimals, or a division by zero.
    """
    became: dict[Fraction, Fraction] = {}
    parts, place = [], 0
    is_whole = all(equation.value.denominator == 1 for equation in equations)
    left_out = _line_of(text, equations[change.index]) if change.stands_in is not None else None
    for index, equation in enumerate(equations):
        parts.append(_rename(text[place : equation.start], became))
        place = equation.end
        side = _rename(equation.side, became)
        if index == change.index and change.stands_in is not None:
            value = read_numbers(side)[change.stands_in]
        else:
            is_changed = index == change.index
            side = change.side(side) if is_changed and change.side else side
            value = _value_of(side)
            value = value + change.slip if is_changed and value is not None else value
        if value is None or not _is_plausible(value, equation, is_whole):
            return None
        if value != equation.value:
            became[equation.value] = value
        else:
            became.pop(equation.value, None)
        parts.append(text[equation.start : equation.end] if side == equation.side and value == equation.value
                     else _write(equation, side, value, change if index == change.index else None, became))  # fmt: skip
    parts.append(_rename(text[place:], became))
    return _drop(text, parts, equations, left_out), became


def _is_plausible(value: Fraction, equation: Equation, is_whole: bool) -> bool:
    """Say whether a person would write this result down; where all results are whole numbers, a new one is too."""
    if value <= 0 < equation.value or value.denominator > LARGEST_DENOMINATOR:
        return False
    return value.denominator == 1 or equation.value.denominator != 1 or (not is_whole and _is_decimal(value))


def _write(
    equation: Equation, side: str, value: Fraction, change: Change | None, became: dict[Fraction, Fraction]
) -> str:
    """Return an equation with its new calculation and result, in the form that it had."""
    if not equation.is_annotation:
        return f"{side}={write_value(value)}"
    shown = equation.shown
    if shown and change is not None and change.side:
        try:
            shown = change.side(shown)
        except IndexError:  # it is written with fewer operators than the annotation
            shown = side
    elif shown:
        shown = _rename(shown, {old: new for old, new in became.items() if old != equation.value})
        shown = shown if _value_of(shown) == _value_of(side) else f"{side} "
    return f"{shown}{equation.gap}<<{side}={write_value(value)}>>"


def _rename(text: str, became: dict[Fraction, Fraction]) -> str:
    """Return the text with every number that became another one replaced."""

    def replace(match: re.Match[str]) -> str:
        value = Fraction(match[0].replace(",", ""))
        return write_value(became[value]) if value in became else match[0]

    return NUMBER.sub(replace, text) if became else text


def _line_of(text: str, equation: Equation) -> tuple[int, int]:
    start = text.rfind("\n", 0, equation.start) + 1
    end = text.find("\n", equation.end)
    return start, len(text) if end < 0 else end + 1


def _drop(text: str, parts: list[str], equations: list[Equation], line: tuple[int, int] | None) -> str:
    """Return the parts as one text, without the line that was left out."""
    if line is None:
        return "".join(parts)
    number = text.count("\n", 0, line[0])
    lines = "".join(parts).split("\n")
    return "\n".join(lines[:number] + lines[number + 1 :])
