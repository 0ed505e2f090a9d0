"""Compare solutions of the Game of 24: any expression that makes 24 from the same numbers is as good as the reference.

Knows nothing of the puzzle's question: the numbers are those that the reference uses. A reference that is just "24"
leaves them open.
"""

import re
from collections import Counter

from core.tasks.answers.judgement import Judgement
from core.tasks.arithmetic24 import TARGET, ExpressionError, Node, parse_expression

_LIKELY = re.compile(r"[-+*/()\d\s=.]|\\(?:times|cdot|div|frac)|[{}]")


def match_solutions(gold: str, other: str) -> Judgement | None:
    """Compare two tidied answers where the reference is a solution; None where it is none."""
    if gold == "24":
        node = _read_solution(other)
        return Judgement(True, "The expression makes 24.") if node and node.value == TARGET else None
    wanted = _read_solution(gold)
    if wanted is None or wanted.value != TARGET:
        return None
    if other == str(TARGET):
        return Judgement(None, "The reference solves a Game of 24, and the bare 24 shows no solution.")
    node = _read_solution(other)
    if node is None:
        return Judgement(False, "The reference solves a Game of 24, the answer is no expression of four numbers.")
    if Counter(node.numbers()) != Counter(wanted.numbers()):
        return Judgement(False, "The expression does not use the numbers of the reference, each once.")
    if node.value != TARGET:
        return Judgement(False, f"The expression makes {node.value}, not 24.")
    return Judgement(True, "The expression makes 24 from the same numbers.")


def _read_solution(text: str) -> Node | None:
    """Return an expression of four whole numbers."""
    if len(text) > 120 or (not text[:1].isdigit() and text[:1] not in "(\\") or _LIKELY.sub("", text):
        return None
    try:
        node = parse_expression(text)
    except (ExpressionError, ValueError):
        return None
    return node if len(node.numbers()) == 4 else None
