"""The arithmetic of a word problem: which operation takes which results, and numbers that come out sensible.

A *shape* is a sequence of steps whose operands are earlier results or constants; a *sum* is a shape with its numbers.
Nothing here knows a word of English.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

LARGEST = 120
"""No result of a drawn sum is larger."""

PERCENTAGES = (10, 20, 25, 30, 40, 50, 60, 75, 80, 90)
"""What a percentage may be; each is exact with two decimals."""

MAX_DRAWS = 40
"""Fresh starts before an operation that finds no numbers is replaced."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation."""

    op: str
    """``+``, ``-``, ``*``, ``/`` or ``%`` (a percentage, left, of an amount, right)."""

    left: int | None
    """Index of the earlier step whose result it takes; None for a constant."""

    right: int | None
    """As ``left``."""

    @property
    def form(self) -> str:
        """Return the key of its sentence forms: operands as r (result) or c (constant), then the operation."""
        return f"{'c' if self.left is None else 'r'}{'c' if self.right is None else 'r'}{self.op}"

    @property
    def refs(self) -> tuple[int, ...]:
        """Return the indices of the results that it takes."""
        return tuple(ref for ref in (self.left, self.right) if ref is not None)


Shape = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """A shape with its numbers; the last result is the answer."""

    shape: Shape

    numbers: tuple[tuple[int, int, int], ...]
    """Left operand, right operand and result of each step; the left of ``%`` is in percent."""

    def expression(self, index: int) -> str:
        """Return one step as it is written in a calculator annotation, without the result."""
        left, right, _ = self.numbers[index]
        if self.shape[index].op == "%":
            return f"{left / 100:g}*{right}"
        return f"{left}{self.shape[index].op}{right}"


class NoNumbers(ValueError):
    """A step for which no sensible numbers are left; carries its index."""

    def __init__(self, index: int):
        super().__init__(f"No sensible numbers are left for step {index + 1}.")
        self.index = index


def tidy_shape(steps: Sequence[Step]) -> Shape:
    """Return the steps that the last one depends on, renumbered, with operands in the order that the forms expect.

    Constants come second in sums and products; a result with itself becomes a result with a constant.
    """
    needed = {len(steps) - 1}
    for index in range(len(steps) - 1, -1, -1):
        if index in needed:
            needed.update(steps[index].refs)
    places = {old: new for new, old in enumerate(sorted(needed))}
    return tuple(_tidy_step(steps[old], places) for old in sorted(needed))


def _tidy_step(step: Step, places: dict[int, int]) -> Step:
    left = None if step.left is None else places[step.left]
    right = None if step.right is None else places[step.right]
    op = step.op
    if left is not None and left == right:
        op, right = {"+": "*", "*": "*", "-": "-", "/": "/", "%": "*"}[op], None
    if op in "+*" and left is None and right is not None:
        left, right = right, None
    if op == "%" and left is not None:
        left, right = (None, left) if right is None else (left, right)
        op = op if left is None else "*"
    return Step(op, left, right)


def draw_shape(n_steps: int, rng: random.Random) -> Shape:
    """Return a random shape of that many steps in which every result is used."""
    steps: list[Step] = []
    free: list[int] = []  # results that no step has taken yet
    for index in range(n_steps):
        left = n_steps - index - 1
        kinds, weights = [], []
        if not free or len(free) <= left - (1 if n_steps < 3 else 0):
            kinds.append("root")
            weights.append(10.0 if not free else 1.2)
        if free and len(free) - 1 <= left:
            kinds.append("constant")
            weights.append(4.0)
        if len(free) >= 2:
            kinds.append("merge")
            weights.append(2.5)
        if free and index > len(free) and len(free) - 1 <= left:
            kinds.append("again")
            weights.append(0.8)
        steps.append(_draw_step(rng.choices(kinds, weights)[0], free, index, rng))
        free = [ref for ref in free if ref not in steps[-1].refs] + [index]
    return tidy_shape(steps)


def _draw_step(kind: str, free: list[int], index: int, rng: random.Random) -> Step:
    if kind == "root":
        return Step(rng.choices("+-*/%", (3, 3, 4, 2, 0.4))[0], None, None)
    if kind == "constant":
        op = rng.choices("+-*/%", (4, 4, 3, 2, 0.5))[0]
        ref = free[-1] if rng.random() < 0.75 else rng.choice(free)
        if op == "%" or (op in "-/" and rng.random() < 0.12):
            return Step(op, None, ref)
        return Step(op, ref, None)
    one = free[-1]
    other = rng.choice([ref for ref in range(index) if ref != one and (kind == "again" or ref in free)])
    op = rng.choices("+-*/", (6, 4, 0.5, 0.5))[0]
    return Step(op, one, other) if rng.random() < 0.5 else Step(op, other, one)


def draw_sum(shape: Shape, rng: random.Random) -> Sum:
    """Return the shape with fresh numbers: positive whole results, none above LARGEST.

    Where an operation finds no numbers in MAX_DRAWS fresh starts (a product of two large results, say), it is replaced
    by an easier one, so the shape of the sum can differ from the one given.
    """
    shape = tuple(shape)
    for _ in range(60):
        failed = 0
        for _ in range(MAX_DRAWS):
            try:
                return _try_numbers(shape, rng)
            except NoNumbers as stuck:
                failed = stuck.index
        step = shape[failed]
        easier = "-" if step.op == "+" else "+"
        shape = tidy_shape((*shape[:failed], replace(step, op=easier), *shape[failed + 1 :]))
    raise NoNumbers(len(shape) - 1)


def _try_numbers(shape: Shape, rng: random.Random) -> Sum:
    numbers: list[tuple[int, int, int]] = []
    steps: list[Step] = []
    for index, step in enumerate(shape):
        left = None if step.left is None else numbers[step.left][2]
        right = None if step.right is None else numbers[step.right][2]
        if step.form == "rr-" and left < right:
            step, left, right = replace(step, left=step.right, right=step.left), right, left
        found = _DRAWERS[step.op](left, right, rng)
        if found is None or not 1 < found[2] <= LARGEST or found[0] > LARGEST:
            raise NoNumbers(index)
        numbers.append(found)
        steps.append(step)
    return Sum(tuple(steps), tuple(numbers))


Drawn = tuple[int, int, int] | None


def _draw_plus(left: int | None, right: int | None, rng: random.Random) -> Drawn:
    left = rng.randint(3, 30) if left is None else left
    right = rng.randint(2, 30) if right is None else right
    return left, right, left + right


def _draw_minus(left: int | None, right: int | None, rng: random.Random) -> Drawn:
    if left is None:
        left = rng.randint(6, 60) if right is None else right + rng.randint(2, 30)
    if left < 4:
        return None
    right = rng.randint(2, min(left - 2, 30)) if right is None else right
    return left, right, left - right


def _draw_times(left: int | None, right: int | None, rng: random.Random) -> Drawn:
    if left is None:
        left = rng.randint(2, 12)
    if right is None:
        right = rng.randint(2, 9)
    return left, right, left * right


def _draw_over(left: int | None, right: int | None, rng: random.Random) -> Drawn:
    if left is None:
        right = rng.randint(2, 12) if right is None else right
        return right * (ratio := rng.randint(2, 12)), right, ratio
    if right is None:
        divisors = [number for number in range(2, 13) if left % number == 0 and left > number]
        right = rng.choice(divisors) if divisors else 0
    return (left, right, left // right) if right and left % right == 0 else None


def _draw_share(left: int | None, right: int | None, rng: random.Random) -> Drawn:
    right = 10 * rng.randint(1, 10) if right is None else right
    whole = [number for number in PERCENTAGES if number * right % 100 == 0]
    left = rng.choice(whole) if whole and left is None else left
    return None if left is None or left * right % 100 else (left, right, left * right // 100)


_DRAWERS = {"+": _draw_plus, "-": _draw_minus, "*": _draw_times, "/": _draw_over, "%": _draw_share}
