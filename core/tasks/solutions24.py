"""Every distinct way to make 24 from a few numbers, exact and fast (all 1,820 puzzles over 1..13 in about a second).

The values and forms of every part of the numbers are found once and kept; only the last operation is aimed at 24.
Nothing here knows of tasks, prompts or problems.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations

from core.tasks.arithmetic24 import TARGET, list_steps, parse_expression


@dataclass(frozen=True, slots=True)
class Form:
    """A solution up to order and brackets: a flat sum (plus, minus) or product (times, over) of other forms.

    All values are at least zero. Nothing is lost by that: a negative part can be turned round and its sign given to the
    operation above it, so every expression has a form with the same absolute value.
    """

    value: Fraction
    kind: str
    """``number``, ``sum`` or ``product``."""

    up: tuple["Form", ...]
    """Terms added or factors multiplied, largest first."""

    down: tuple["Form", ...]
    """Terms subtracted or factors divided by, largest first."""

    text: str
    """The expression; equal forms have equal texts."""


def _number_form(value: int) -> Form:
    return Form(Fraction(value), "number", (), (), str(value))


def _sort_forms(forms: Sequence[Form]) -> tuple[Form, ...]:
    return tuple(sorted(forms, key=lambda form: (-form.value, form.text)))


def _split_form(form: Form, kind: str) -> tuple[tuple[Form, ...], tuple[Form, ...]]:
    return (form.up, form.down) if form.kind == kind else ((form,), ())


def _join_forms(kind: str, first: Form, second: Form, is_inverse: bool) -> Form:
    """Join two forms by + or * (``is_inverse``: by - or /); subtracting needs first >= second."""
    up, down = _split_form(first, kind)
    other_up, other_down = _split_form(second, kind)
    if is_inverse:
        other_up, other_down = other_down, other_up
    up, down = [*up, *other_up], [*down, *other_down]
    if kind == "sum":
        value = first.value - second.value if is_inverse else first.value + second.value
        moved = [form for form in down if form.value == 0]  # minus zero is plus zero
    else:
        value = first.value / second.value if is_inverse else first.value * second.value
        moved = down if value == 0 else [form for form in down if form.value == 1]  # over one is times one
    up, down = _sort_forms([*up, *moved]), _sort_forms([form for form in down if form not in moved])
    plus, minus = (" + ", " - ") if kind == "sum" else (" * ", " / ")
    texts = [f"({form.text})" if kind == "product" and form.kind == "sum" else form.text for form in (*up, *down)]
    text = plus.join(texts[: len(up)]) + "".join(minus + part for part in texts[len(up) :])
    return Form(value, kind, up, down, text)


def _combine(first: Form, second: Form) -> list[Form]:
    larger, smaller = (first, second) if first.value >= second.value else (second, first)
    forms = [_join_forms("sum", first, second, False), _join_forms("sum", larger, smaller, True)]
    forms.append(_join_forms("product", first, second, False))
    if second.value:
        forms.append(_join_forms("product", first, second, True))
    if first.value:
        forms.append(_join_forms("product", second, first, True))
    return forms


def _list_parts(numbers: tuple[int, ...]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return every way to part a sorted tuple into two non-empty ones, each pair once."""
    parts = set()
    for size in range(1, len(numbers) // 2 + 1):
        for chosen in combinations(range(len(numbers)), size):
            some = tuple(numbers[i] for i in chosen)
            rest = tuple(numbers[i] for i in range(len(numbers)) if i not in chosen)
            parts.add(tuple(sorted((some, rest), key=lambda part: (len(part), part))))
    return sorted(parts)


@lru_cache(maxsize=8192)
def _forms_by_value(numbers: tuple[int, ...]) -> dict[Fraction, tuple[Form, ...]]:
    """Return every form that uses exactly these numbers (sorted), grouped by value."""
    if len(numbers) == 1:
        return {Fraction(numbers[0]): (_number_form(numbers[0]),)}
    found: dict[str, Form] = {}
    for some, rest in _list_parts(numbers):
        for firsts in _forms_by_value(some).values():
            for seconds in _forms_by_value(rest).values():
                for first in firsts:
                    for second in seconds:
                        found.update((form.text, form) for form in _combine(first, second))
    groups: dict[Fraction, list[Form]] = {}
    for form in found.values():
        groups.setdefault(form.value, []).append(form)
    return {value: tuple(forms) for value, forms in groups.items()}


def _partners(value: Fraction) -> set[Fraction]:
    """Return the values that one operation joins with ``value`` to 24."""
    partners = {abs(TARGET - value), TARGET + value}
    if value:
        partners |= {TARGET / value, value / TARGET, TARGET * value}
    return partners


def solve(numbers: Sequence[int]) -> list[str]:
    """Return every distinct way to reach 24 with each number once, the plainest first; empty where there is none.

    Two expressions are one solution where they differ by order, by brackets that change nothing, by the direction of a
    difference, by a division by one, or by plus and minus zero.

    Args:
        numbers: two to four whole numbers of at least 1, in any order.
    """
    return list(_solve(tuple(sorted(numbers))))


@lru_cache(maxsize=4096)
def _solve(ordered: tuple[int, ...]) -> tuple[str, ...]:
    found: dict[str, Form] = {}
    for some, rest in _list_parts(ordered):
        others = _forms_by_value(rest)
        for value, firsts in _forms_by_value(some).items():
            for partner in _partners(value) & others.keys():
                for first in firsts:
                    for second in others[partner]:
                        found.update((form.text, form) for form in _combine(first, second) if form.value == TARGET)
    return tuple(sorted(found, key=lambda text: (_has_fraction(text), text.count("("), len(text), text)))


def _has_fraction(text: str) -> bool:
    return any("/" in line.split(" = ")[1].split(" (")[0] for line in list_steps(parse_expression(text)))


def needs_fraction(numbers: Sequence[int]) -> bool:
    """Say whether every solution passes through a fraction; False where there is no solution."""
    solutions = solve(numbers)
    return bool(solutions) and _has_fraction(solutions[0])
