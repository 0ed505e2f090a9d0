"""Check calculator annotations, ``<<48/2=24>>``, and plain lines of arithmetic, exactly and without ``eval``.

An expression is parsed with ``ast`` and computed in fractions; every literal is read from its text, so 0.1 is a tenth.
A result that was written with decimals may be rounded or cut off in its last place; a whole one must be exact.
"""

import ast
import contextlib
import operator
import re
from dataclasses import dataclass
from fractions import Fraction

from core.tasks.answers.numbers import read_number

ANNOTATION = re.compile(r"<<([^<>]*)>>")
LINE = re.compile(
    r"^[ \t]*+(?:[-*•][ \t]++)?+\$?+(?:[a-zA-Z] ?=)?+(?=[-+*/^=().,\d \t]*\d)([-+*/^=().,\d \t]++)\$?[ \t]*$",
    re.MULTILINE,
)
"""A line that is nothing but an equation; nothing in it is tried twice, as a line may have a million digits."""

INLINE = re.compile(r"([$(\d.][-+*/x×÷%$().,\d ]{0,200})=\s*(\$?-?\d[\d,]*(?:\.\d+)?%?)")

NOTHING_TO_RECOMPUTE = "The answer holds no calculation that can be recomputed."
"""Why an answer in which no fault is found may still be wrong."""

MAX_LENGTH = 200
"""Longest expression, characters."""

MAX_DIGITS = 60
"""Largest number of digits in any intermediate result: no word problem needs more, and 9**9**9 never runs."""

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


@dataclass(frozen=True, slots=True)
class Annotation:
    """One equation as it was written, and what it comes to."""

    text: str
    """Without the angle brackets."""

    value: Fraction | None
    """Exact value of the right-hand side as written; None where it is not a number."""

    fault: str | None
    """What is wrong, in one sentence; None where the equation holds."""


def check_annotations(text: str) -> list[Annotation]:
    """Return every calculator annotation of a text in order, each checked."""
    return [check_equation(match[1].strip()) for match in ANNOTATION.finditer(text)]


def check_lines(text: str) -> list[Annotation]:
    """Return every line that is nothing but an equation of numbers ("- 12*5=60", "x=48/6=8"), each checked."""
    found = [match[1].strip() for match in LINE.finditer(text)]
    return [check_equation(line.rstrip(".,")) for line in found if "=" in line]


def list_closing_results(text: str) -> list[Fraction]:
    """Return the results of right calculations in the running text behind the last annotation, in order.

    GSM8K often leaves the last step without an annotation ("so 12 - 10 = 2 are left"). Running text is too free to
    call an equation in it wrong (on GSM8K, 2 % would be called so, nearly all of them misread): only right ones count.
    """
    closing = text[max((match.end() for match in ANNOTATION.finditer(text)), default=0) :]
    found = [check_equation(f"{match[1].strip()}={match[2].rstrip(',')}") for match in INLINE.finditer(closing)]
    return [each.value for each in found if each.fault is None and each.value is not None]


def check_equation(text: str) -> Annotation:
    """Check ``expression = result`` (or a longer chain); the result is the last side."""
    *sides, result = text.split("=")
    given = _read_result(result)
    if not sides:
        return Annotation(text, given, f"The calculation {text!r} has no equals sign.")
    if given is None:
        return Annotation(text, None, f"The calculation {text!r} gives no number.")
    for side in sides:
        try:
            exact = evaluate(side)
        except ValueError as error:
            return Annotation(text, given, f"The calculation {text!r} cannot be checked: {error}")
        if not _is_result(given, exact, _last_place(result)):
            return Annotation(text, given, f"The calculation {text!r} is wrong: {side.strip()} is {_show(exact)}.")
    return Annotation(text, given, None)


def evaluate(expression: str) -> Fraction:
    """Return the exact value of an expression of numbers, ``+ - * /``, ``^``, brackets and percentages.

    Raises:
        ValueError: it is anything else, too long, too large, or divides by zero; the message is one sentence.
    """
    source = _to_python(expression) if len(expression) <= 2 * MAX_LENGTH else expression
    if len(source) > MAX_LENGTH:
        raise ValueError("it is too long.")
    try:
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        raise ValueError("it is not arithmetic.") from None
    return _walk(tree.body, source)


def _to_python(expression: str) -> str:
    text = expression.strip().replace("$", "").replace("×", "*").replace("÷", "/").replace("−", "-")
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"(\d+(?:\.\d*)?|\.\d+)\s*%", r"(\1/100)", text)
    text = re.sub(r"(?<=[\d)])\s*[xX]\s*(?=[\d(.])", "*", text)
    text = re.sub(r"(?<![\d.])0+(?=\d)", "", text)
    return re.sub(r"(?<=[\d)])\s*(?=\()", "*", text).replace("^", "**")


def _walk(node: ast.expr, source: str) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        literal = ast.get_source_segment(source, node)
        if not re.fullmatch(r"[\d.]+", literal):  # 1e999999999 would be written out, 0x10 and 1_000 are code
            raise ValueError("it is not arithmetic.")
        return _bounded(Fraction(literal))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _walk(node.operand, source)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        left, right = _walk(node.left, source), _walk(node.right, source)
        return _bounded(_apply(node.op, left, right))
    raise ValueError("it is not arithmetic.")


def _apply(sign: ast.operator, left: Fraction, right: Fraction) -> Fraction:
    if isinstance(sign, ast.Pow):
        if right.denominator != 1 or abs(right) > 20 or (left == 0 and right < 0):
            raise ValueError("it holds a power that is out of reach.")
        return left ** int(right)
    if type(sign) not in OPERATORS:
        raise ValueError("it is not arithmetic.")
    if isinstance(sign, ast.Div | ast.FloorDiv) and right == 0:
        raise ValueError("it divides by zero.")
    return Fraction(OPERATORS[type(sign)](left, right))


def _bounded(value: Fraction) -> Fraction:
    if max(abs(value.numerator), value.denominator) >= 10**MAX_DIGITS:
        raise ValueError("its numbers are too large.")
    return value


def _read_result(text: str) -> Fraction | None:
    text = text.strip().strip("$").strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    if text.endswith("%"):
        value = read_number(text[:-1])
        return None if value is None else value / 100
    value = read_number(text)
    if value is None and text:
        with contextlib.suppress(ValueError):
            return evaluate(text)  # "17=3*5+2"
    return value


def _is_result(given: Fraction, exact: Fraction, place: Fraction) -> bool:
    """Say whether a written result is the exact one, rounded or cut off at its last decimal place."""
    is_cut_off = 0 <= abs(exact) - abs(given) < place and exact * given >= 0
    return given == exact or (place > 0 and (is_cut_off or 2 * abs(exact - given) <= place))


def _last_place(result: str) -> Fraction:
    """Return one unit of the last decimal place that was written, 0 for a whole number or a fraction."""
    match = re.fullmatch(r"[^.]*\.(\d+)\s*(%?)\)?\s*", result)
    return Fraction(1, 10 ** (len(match[1]) + 2 * len(match[2]))) if match else Fraction(0)


def _show(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"about {float(value):.6g}"
