"""Wrong solutions of the Game of 24: a step that does not come to what it says, or a number that was not given."""

import random
from collections.abc import Iterator, Sequence

from core.records import Problem
from core.tasks.arithmetic24 import (
    OPERATORS,
    TARGET,
    ExpressionError,
    Node,
    format_expression,
    list_steps,
    make_operation,
    parse_expression,
    replace_numbers,
    write_worked,
)
from core.tasks.game24 import read_numbers
from core.tasks.solutions24 import solve
from core.teacher.builtin.base import CannotRewrite
from core.teacher.builtin.game24 import PLAIN_LIMIT, find_ways
from core.teacher.builtin.wrong import WRONG, Wrong

N_SOLUTIONS = 4
"""Right solutions that mistakes are made in, the plainest ones."""

NEAR = range(12, 49)
"""What may be taken for 24 by mistake."""


@WRONG.register("game24")
def spoil_game24(problem: Problem, rng: random.Random) -> Iterator[Wrong]:
    """Yield solutions that miss 24 or use other numbers, both sorts by turns; see ``WrongRules``."""
    try:
        solutions = solve(read_numbers(problem.question))[:N_SOLUTIONS]
    except ValueError as error:
        raise CannotRewrite(str(error)) from None
    if not solutions:
        raise CannotRewrite("The numbers cannot make 24, so there is no solution to make a mistake in.")
    nodes = [parse_expression(text) for text in solutions]
    missed = [wrong for node in nodes for wrong in _miss(node)]
    other = list(_use_others(nodes[0], read_numbers(problem.question)))
    rng.shuffle(missed)
    rng.shuffle(other)
    while missed or other:
        for rest in (missed, other):
            if rest:
                yield rest.pop()


def _miss(node: Node) -> Iterator[Wrong]:
    """Yield the solution with one operation taken for another; the last step claims 24 all the same."""
    for changed in _swap(node):
        if changed.value == TARGET or changed.value not in NEAR:
            continue
        *steps, last = list_steps(changed)
        made = last.split(" = ")[0]
        claimed = [*steps, f"{made} = {TARGET} (left: {TARGET})"]
        text = "\n".join([*claimed, rf"Answer: \boxed{{{format_expression(changed)}}}"])
        yield Wrong(text, f"believe that {made} makes 24")


def _swap(node: Node) -> Iterator[Node]:
    """Yield the tree with one operator replaced."""
    if node.sign is None:
        return
    for sign in OPERATORS:
        if sign != node.sign:
            yield from _make(sign, node.left, node.right)
    for left in _swap(node.left):
        yield from _make(node.sign, left, node.right)
    for right in _swap(node.right):
        yield from _make(node.sign, node.left, right)


def _make(sign: str, left: Node, right: Node) -> Iterator[Node]:
    try:
        yield make_operation(sign, left, right)
    except ExpressionError:
        return


def _use_others(node: Node, numbers: Sequence[int]) -> Iterator[Wrong]:
    """Yield solutions that do make 24, with two numbers changed on the way."""
    for way in find_ways(node):
        if max(way.numbers) <= PLAIN_LIMIT:
            strange = sorted(set(way.numbers) - set(numbers)) or [way.numbers[way.solved]]
            expression = format_expression(replace_numbers(node, way.numbers))
            yield Wrong(write_worked(expression), f"use {strange[0]}, which is not there")
