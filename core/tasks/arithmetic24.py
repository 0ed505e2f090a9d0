"""Exact arithmetic for the Game of 24: reading an expression, its value, its steps, solving backwards.

Values are fractions, never floats, and text is never evaluated: ``ast`` reads it and four operators are allowed.
This file knows nothing of tasks, prompts or problems.
"""

import ast
import operator
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

TARGET = Fraction(24)

MAX_LENGTH = 200
"""Characters of an expression that is read at all; a fair answer has about 25."""

OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}
_AST_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_PLAIN_SIGNS = {
    "×": "*",
    "·": "*",
    "⋅": "*",
    "∗": "*",
    "÷": "/",
    "−": "-",
    "–": "-",
    r"\times": "*",
    r"\cdot": "*",
    r"\div": "/",
    r"\left": "",
    r"\right": "",
    r"\,": " ",
    "$": "",
}


class ExpressionError(ValueError):
    """A text that is not an expression of whole numbers, the four operators and brackets; one sentence."""


@dataclass(frozen=True, slots=True)
class Node:
    """An expression as a tree: a number (``sign`` None) or an operation on two trees."""

    value: Fraction
    sign: str | None = None
    left: "Node | None" = None
    right: "Node | None" = None

    def numbers(self) -> list[int]:
        """Return the numbers from left to right."""
        if self.sign is None:
            return [int(self.value)]
        return [*self.left.numbers(), *self.right.numbers()]


def make_number(value: int) -> Node:
    """Return the tree of one number."""
    return Node(Fraction(value))


def make_operation(sign: str, left: Node, right: Node) -> Node:
    """Return the tree of ``left sign right``; raises ExpressionError for a division by zero."""
    if sign == "/" and right.value == 0:
        raise ExpressionError("The expression divides by zero.")
    return Node(OPERATORS[sign](left.value, right.value), sign, left, right)


def parse_expression(text: str) -> Node:
    r"""Read an expression such as ``(6 - 4) * (4 + 8)``; raises ExpressionError.

    Also read: a last ``= 24``, the signs × · ÷ −, and LaTeX's ``\times``, ``\cdot``, ``\div`` and ``\frac``.
    """
    plain = _make_plain(text)
    if not re.fullmatch(r"[0-9+\-*/() ]+", plain) or "**" in plain or "//" in plain:
        raise ExpressionError(f"{text!r} holds more than whole numbers, + - * / and brackets.")
    try:
        return _to_node(ast.parse(plain.strip(), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError):
        raise ExpressionError(f"{text!r} is not a complete expression.") from None


def _make_plain(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"The expression is longer than {MAX_LENGTH} characters.")
    while (plain := _FRACTION.sub(r"((\1)/(\2))", text)) != text:
        text = plain
    for sign, replacement in _PLAIN_SIGNS.items():
        text = text.replace(sign, replacement)
    text = re.sub(r"(?<=[\d) ])[xX](?=[\d( ])", "*", text)
    return re.sub(r"\s+", " ", re.sub(r"=\s*24\s*\.?\s*$", "", text))


def _to_node(tree: ast.expr) -> Node:
    if isinstance(tree, ast.Constant) and type(tree.value) is int:
        return make_number(tree.value)
    if isinstance(tree, ast.BinOp) and (sign := _AST_SIGNS.get(type(tree.op))):
        return make_operation(sign, _to_node(tree.left), _to_node(tree.right))
    raise ExpressionError("Only + - * / between two values and brackets are allowed.")


def format_expression(node: Node) -> str:
    """Write the tree with no more brackets than it needs: reading the text gives the same tree."""
    if node.sign is None:
        return str(node.value)
    left, right = format_expression(node.left), format_expression(node.right)
    if node.left.sign and PRECEDENCE[node.left.sign] < PRECEDENCE[node.sign]:
        left = f"({left})"
    if node.right.sign and PRECEDENCE[node.right.sign] <= PRECEDENCE[node.sign]:
        right = f"({right})"
    return f"{left} {node.sign} {right}"


def find_error(text: str, numbers: Sequence[int]) -> str | None:
    """Say in one sentence why the expression does not solve these numbers; None where it does."""
    try:
        node = parse_expression(text)
    except ExpressionError as error:
        return str(error)
    if Counter(node.numbers()) != Counter(numbers):
        used, given = (" ".join(map(str, sorted(group))) for group in (node.numbers(), numbers))
        return f"The expression uses {used} instead of each of {given} once."
    if node.value != TARGET:
        return f"The expression makes {node.value}, not 24."
    return None


def list_steps(node: Node) -> list[str]:
    """Return one line per operation, ``4 + 8 = 12 (left: 4 6 12)``, innermost and leftmost first."""
    left = sorted(map(Fraction, node.numbers()))
    lines: list[str] = []

    def walk(part: Node) -> None:
        if part.sign is None:
            return
        walk(part.left)
        walk(part.right)
        left.remove(part.left.value)
        left.remove(part.right.value)
        left.append(part.value)
        left.sort()
        rest = " ".join(map(str, left))
        first, second = _write_operand(part.left.value), _write_operand(part.right.value)
        lines.append(f"{first} {part.sign} {second} = {part.value} (left: {rest})")

    walk(node)
    return lines


def write_worked(expression: str) -> str:
    """Return the worked answer of a solution: one line per operation, then the expression in a box."""
    node = parse_expression(expression)
    return "\n".join([*list_steps(node), rf"Answer: \boxed{{{format_expression(node)}}}"])


_VALUE = r"\(?-?[0-9][0-9./]{0,20}\)?"
STEP = re.compile(
    rf"^[ \t]*({_VALUE}) ([-+*/]) ({_VALUE}) = ({_VALUE}) \(left: ([-0-9./ ]{{1,80}})\)[ \t]*$", re.MULTILINE
)
"""One written step; group by group: first value, sign, second value, result, what is left."""


def find_step_error(answer: str, numbers: Sequence[int]) -> str | None:
    """Say in one sentence which written step is wrong; None where all hold or no step is written.

    A step must take two values that are left, calculate right, and list exactly what is left afterwards.
    """
    left = Counter(map(Fraction, numbers))
    for match in STEP.finditer(answer):
        line = match.group(0).strip()
        try:
            first, second, result = (Fraction(match.group(i).strip("()")) for i in (1, 3, 4))
            written = Counter(map(Fraction, match.group(5).split()))
            made = OPERATORS[match.group(2)](first, second)
        except (ValueError, ZeroDivisionError):
            return f"The step {line!r} cannot be calculated."
        if Counter([first, second]) - left:
            return f"The step {line!r} uses a value that is not left."
        if made != result:
            return f"The step {line!r} is wrong: the result is {made}."
        left = left - Counter([first, second]) + Counter([result])
        if written != left:
            return f"The step {line!r} does not list what is left."
    return None


def _write_operand(value: Fraction) -> str:
    """Return the value in brackets where it is a fraction or negative: ``8 / 1/3`` would read as two divisions."""
    return str(value) if value.denominator == 1 and value >= 0 else f"({value})"


def replace_numbers(node: Node, numbers: Sequence[int]) -> Node:
    """Return the same tree over other numbers, left to right; raises ExpressionError for a division by zero."""
    rest = iter(numbers)

    def build(part: Node) -> Node:
        return (
            make_number(next(rest))
            if part.sign is None
            else make_operation(part.sign, build(part.left), build(part.right))
        )

    return build(node)


def solve_for_number(node: Node, index: int, target: Fraction = TARGET) -> Fraction | None:
    """Return the value that the number at ``index`` (left to right) must have for the tree to make ``target``.

    The other numbers stay. None where no single value does it (something is multiplied by zero on the way).
    """
    if node.sign is None:
        return target
    n_left = len(node.left.numbers())
    if index < n_left:
        other, part, index = node.right.value, node.left, index
        undo = {"+": operator.sub, "-": operator.add, "*": operator.truediv, "/": operator.mul}[node.sign]
        if node.sign in "*/" and other == 0:
            return None
        return solve_for_number(part, index, undo(target, other))
    other, part, index = node.left.value, node.right, index - n_left
    if node.sign in "+*":
        if node.sign == "*" and other == 0:
            return None
        return solve_for_number(part, index, target - other if node.sign == "+" else target / other)
    if node.sign == "/" and (other == 0 or target == 0):
        return None
    return solve_for_number(part, index, other - target if node.sign == "-" else other / target)
