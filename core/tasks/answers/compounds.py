r"""Compare measures that are written in several units: "1 hour 30 minutes", "3 dollars and 50 cents".

Units stand from the largest to the smallest, and each number is less than one of the unit before. Commas between them
are left to lists: "3 hours, 20 minutes" may be two answers. Knows nothing of formulas.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from core.tasks.answers.judgement import Judgement
from core.tasks.answers.numbers import MAX_LENGTH, is_close, read_tidy_quantity
from core.tasks.answers.units import MEASURES, singular

_PART = r"(\d+(?:\.\d+)?)\s?([A-Za-z]+)\.?"
_COMPOUND = re.compile(rf"{_PART}(?:(?: and)? {_PART}){{1,3}}")
_PARTS = re.compile(_PART)


@dataclass(frozen=True, slots=True)
class Compound:
    """A measure in several units."""

    dimension: str
    total: Fraction
    """In the first measures of the dimension, see ``units``."""

    sizes: tuple[Fraction, ...]
    """Of its units in those measures, the largest first."""


def read_compound(text: str) -> Compound | None:
    """Return what a tidied answer says in two to four units of one dimension; None for anything else."""
    plain = " ".join(re.sub(r"\\text\s*\{([^{}]*)\}", r" \1 ", text).split()) if len(text) <= 2 * MAX_LENGTH else ""
    if not _COMPOUND.fullmatch(plain):
        return None
    parts = [(Fraction(number), MEASURES.get(singular(word.casefold()))) for number, word in _PARTS.findall(plain)]
    if any(unit is None for _, unit in parts) or len({unit[0] for _, unit in parts}) > 1:
        return None
    sizes = tuple(unit[1] for _, unit in parts)
    values = [number * size for (number, _), size in zip(parts, sizes, strict=True)]
    if any(value >= size for value, size in zip(values[1:], sizes, strict=False)):
        return None
    return Compound(parts[0][1][0], sum(values, Fraction(0)), sizes)


def match_compounds(gold: str, other: str, tolerance: Fraction | None) -> Judgement | None:
    """Compare two tidied answers where one is in several units; None where neither is, or the other is no measure.

    A bare number beside it is undecided where it is the value in one of the units: nobody says which was asked for.
    """
    found = read_compound(gold), read_compound(other)
    if found == (None, None):
        return None
    if None not in found:
        first, second = found
        return _judge(first.dimension == second.dimension, first.total, second.total, tolerance)
    compound, text = (found[0], other) if found[0] is not None else (found[1], gold)
    quantity = read_tidy_quantity(text)
    if quantity is None:
        return None
    if not quantity.unit:
        if any(compound.total == quantity.value * size for size in compound.sizes):
            return Judgement(None, f"In which unit {text} counts is not said, so it could not be decided.")
        return Judgement(False, "The bare number is the measure in none of its units.")
    totals = compound.total, quantity.value * quantity.measure.size
    is_same_kind = quantity.measure.dimension == ((compound.dimension, 1),)
    return _judge(is_same_kind, *(totals if found[0] is not None else totals[::-1]), tolerance)


def _judge(is_same_kind: bool, gold: Fraction, other: Fraction, tolerance: Fraction | None) -> Judgement:
    if not is_same_kind:
        return Judgement(False, "The measures are of different kinds.")
    is_equal = is_close(gold, other, tolerance)
    return Judgement(is_equal, "The measures are equal." if is_equal else "The measures differ.")
