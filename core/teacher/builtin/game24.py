"""Rules of the built-in teacher for the Game of 24: backward reasoning in exact fractions (Kessler 2025, D.2.4).

Two distinct numbers of the seed's solution become unknowns a and b; b is picked, a is solved for, and the pair counts
where a is a whole number of at least 1. New puzzles within 1..13 come first, then those with numbers up to 100.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np

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
from core.teacher.builtin.base import REWRITERS, CannotRewrite, Rewrite

PLAIN_LIMIT = 13
"""Largest number of the game as it is played; preferred."""

LIMIT = 100
"""Largest number that a new puzzle may hold; the paper's own example reaches 26."""

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
    digest = hashlib.sha256(f"{problem_id} {replicate}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    ways = find_ways(parse_expression(expression))
    shuffled = [ways[i] for i in rng.permutation(len(ways))]
    return sorted(shuffled, key=lambda way: max(way.numbers) > PLAIN_LIMIT)


def find_ways(node: Node) -> list[Backward]:
    """Return every way to change two distinct numbers within 1..100; one way for each new multiset of numbers."""
    old = node.numbers()
    found = {tuple(sorted(old)): None}
    for solved, picked in permutations(range(len(old)), 2):
        if old[solved] == old[picked]:
            continue
        for value in range(1, LIMIT + 1):
            numbers = _solve_pair(node, solved, picked, value)
            if numbers:
                found.setdefault(tuple(sorted(numbers)), Backward(solved, picked, numbers))
    return [way for way in found.values() if way]


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
