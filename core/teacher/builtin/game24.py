"""Rules of the built-in teacher for the Game of 24: backward reasoning in exact fractions (Kessler 2025, D.2.4).

Two distinct numbers of the seed's solution become unknowns a and b; b is picked, a is solved for, and the pair counts
where a is a whole number of at least 1. New puzzles within 1..13 come first, then those with numbers up to 100.
"""

import operator
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

from core.records import Problem
from core.tasks.arithmetic24 import (
    TARGET,
    ExpressionError,
    Node,
    format_expression,
    parse_expression,
    replace_numbers,
    solve_for_number,
    write_worked,
)
from core.teacher.base import ROUNDS_PER_REPLICATE, SWEEPS_PER_ROUND
from core.teacher.builtin.base import REWRITERS, CannotRewrite, Rewrite, make_rng

PLAIN_LIMIT = 13
"""Largest number of the game as it is played; preferred."""

LIMIT = 100
"""Largest number that a new puzzle may hold; the paper's own example reaches 26."""

ROUGH = 1e-6
"""How far from a whole number a sum in floats may be that is worked out in fractions."""

STRIDE = 3
"""Ways set aside for one round: the next round starts behind them, so that it does not repeat the round before."""


@dataclass(frozen=True, slots=True)
class Backward:
    """One way to change two numbers of a solution so that it still makes 24."""

    solved: int
    """Place of a in the expression, counted from the left."""

    picked: int
    """Place of b."""

    numbers: tuple[int, ...]
    """All numbers of the new expression, left to right."""


@REWRITERS.register("game24")
def rewrite_game24(seed: Problem, sample_index: int) -> Rewrite:
    """Return a new puzzle with its steps; raises CannotRewrite where backward reasoning finds no further puzzle."""
    try:
        node = parse_expression(seed.final or "")
    except ExpressionError as error:
        raise CannotRewrite(f"The seed brings no solution to reason backwards from: {error}") from None
    if node.value != TARGET:
        raise CannotRewrite(f"The seed's solution makes {node.value}, not 24.")
    block, sweep = divmod(sample_index, SWEEPS_PER_ROUND)
    replicate, round_number = divmod(block, ROUNDS_PER_REPLICATE)
    ways = _order_ways(seed.problem_id, format_expression(node), replicate)
    if not ways:
        raise CannotRewrite(
            "Backward reasoning finds no new puzzle: the solution has no two distinct numbers to change."
        )
    if sweep >= len(ways):
        raise CannotRewrite(f"Backward reasoning finds only {len(ways)} new puzzles from this solution, all used.")
    way = ways[(STRIDE * round_number + sweep) % len(ways)]
    expression = format_expression(replace_numbers(node, way.numbers))
    return Rewrite(
        question_reply=_write_reasoning(node, way, expression),
        question=" ".join(map(str, sorted(way.numbers))),
        answer_reply=write_worked(expression),
    )


@lru_cache(maxsize=512)
def _order_ways(problem_id: str, expression: str, replicate: int) -> list[Backward]:
    """Return the ways in the order in which a replicate takes them: 1..13 first, shuffled within each half."""
    rng = make_rng(f"{problem_id} {replicate}")
    ways = find_ways(parse_expression(expression))
    shuffled = [ways[i] for i in rng.permutation(len(ways))]
    return sorted(shuffled, key=lambda way: max(way.numbers) > PLAIN_LIMIT)


def find_ways(node: Node) -> list[Backward]:
    """Return every way to change two distinct numbers within 1..100; one way for each new multiset of numbers."""
    old, tree = node.numbers(), _to_tree(node)[0]
    found = {tuple(sorted(old)): None}
    for solved, picked in permutations(range(len(old)), 2):
        if old[solved] == old[picked]:
            continue
        numbers = list(map(float, old))
        for value in range(1, LIMIT + 1):
            numbers[picked] = value
            guess = _solve_roughly(tree, numbers, solved, float(TARGET))
            if guess is not None and abs(guess - round(guess)) < ROUGH and 1 <= round(guess) <= LIMIT:
                exact = _solve_pair(node, solved, picked, value)
                if exact:
                    found.setdefault(tuple(sorted(exact)), Backward(solved, picked, exact))
    return [way for way in found.values() if way]


Tree = tuple[str, "Tree | int", "Tree | int", int] | int
"""An expression for quick sums: sign, left, right, place of the first number on the right; or the place of a number."""


def _to_tree(node: Node, place: int = 0) -> tuple[Tree, int]:
    """Return the expression as a Tree and the place behind its last number."""
    if node.sign is None:
        return place, place + 1
    left, middle = _to_tree(node.left, place)
    right, end = _to_tree(node.right, middle)
    return (node.sign, left, right, middle), end


def _work_out(tree: Tree, numbers: list[float]) -> float:
    if isinstance(tree, int):
        return numbers[tree]
    sign, left, right, _ = tree
    return _FLOAT_SIGNS[sign](_work_out(left, numbers), _work_out(right, numbers))


def _solve_roughly(tree: Tree, numbers: list[float], place: int, target: float) -> float | None:
    """Return about what the number at a place must be; None where something is divided by zero on the way."""
    try:
        while not isinstance(tree, int):
            sign, left, right, middle = tree
            if place < middle:
                tree, target = left, _UNDO_LEFT[sign](target, _work_out(right, numbers))
            else:
                tree, target = right, _UNDO_RIGHT[sign](target, _work_out(left, numbers))
    except ZeroDivisionError:
        return None
    return target


_FLOAT_SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_UNDO_LEFT = {"+": operator.sub, "-": operator.add, "*": operator.truediv, "/": operator.mul}
_UNDO_RIGHT = {
    "+": operator.sub,
    "-": lambda target, other: other - target,
    "*": operator.truediv,
    "/": lambda target, other: other / target,
}


def _solve_pair(node: Node, solved: int, picked: int, value: int) -> tuple[int, ...] | None:
    """Return the numbers with b = value and a solved for; None where a is no whole number within 1..100."""
    numbers = node.numbers()
    numbers[picked] = value
    try:
        answer = solve_for_number(replace_numbers(node, numbers), solved)
        if answer is None or answer.denominator != 1 or not 1 <= answer <= LIMIT:
            return None
        numbers[solved] = int(answer)
        return tuple(numbers) if replace_numbers(node, numbers).value == TARGET else None
    except ExpressionError:
        return None


def _write_reasoning(node: Node, way: Backward, expression: str) -> str:
    """Return the reply: the equation with two unknowns, the pick, the solution, and the new equation in a box."""
    old = node.numbers()
    letters = {way.solved: "a", way.picked: "b"}
    places = iter(range(len(old)))
    text = format_expression(node)
    unknown = re.sub(r"\d+", lambda match: letters.get(next(places), match.group(0)), text)
    b, a = way.numbers[way.picked], way.numbers[way.solved]
    return (
        f"The current solution is {text} = 24. Take the numbers {old[way.solved]} and {old[way.picked]} "
        f"and call them a and b: {unknown} = 24.\n"
        f"Pick b = {b}; solving for a gives a = {a}.\n"
        rf"The new equation is \boxed{{{expression} = 24}}."
    )
