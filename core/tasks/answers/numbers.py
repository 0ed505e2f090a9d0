r"""Read plain numbers exactly: integers, decimals, fractions and mixed numbers, as people and LaTeX write them.

"1,000", "$1000" and "1000.0" are one answer; "60%" is sixty hundredths, "0.6", and the bare "60" where per cent are
asked for; "-5" is not "5"; "5 km" is "5000 m" and not "5 m", but the unit may be left out. Knows nothing of formulas:
"1.5 million" is 1500000. What is not a plain number is None here.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from core.tasks.answers.number_words import SCALES
from core.tasks.answers.tidy import tidy_answer
from core.tasks.answers.units import NOTHING, Unit, read_unit, split_unit

COUNTS = {**SCALES, "dozen": 12}
"""Words behind a number that multiply it."""

CENT = read_unit("cent")

MAX_LENGTH = 80
"""Longest text read as a number, characters: no honest final answer is longer, and big integers stay small."""

WHOLE = r"(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d+)"
PART = rf"(?:\{{\s*(-?{WHOLE}(?:\.\d*)?)\s*\}}|(\d))"
PLAIN = re.compile(r"-?\d{1,18}")
DECIMAL = re.compile(rf"({WHOLE}?)\.(\d*)|({WHOLE})")
SCIENTIFIC = re.compile(
    rf"({WHOLE}(?:\.\d*)?|\.\d+)\s*(?:[eE]|(?:[*xX]|\\times|\\cdot)\s*10\s*(?:\^|\*\*))\s*(?:\{{\s*([+-]?\d{{1,3}})\s*\}}|\(?([+-]?\d{{1,3}})\)?)"
)
POWER_OF_TEN = re.compile(r"10\s*(?:\^|\*\*)\s*(?:\{\s*(-?\d{1,3})\s*\}|(-?\d{1,3}))")
SLASH = re.compile(rf"({WHOLE}(?:\.\d*)?|\.\d+)\s*/\s*(-?{WHOLE}(?:\.\d+)?)")
FRACTION = re.compile(rf"\\frac\s*{PART}\s*{PART}")
MIXED = re.compile(rf"(\d+)\s*(?:(?:\s|\s?\+\s?)(\d+)\s*/\s*(\d+)|\\frac\s*{PART}\s*{PART})")
REPEATING = re.compile(r"(\d*)\.(\d*)\\(?:overline|bar|dot)\s*\{?(\d+)\}?")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and what it counts."""

    value: Fraction
    """Exact; a percentage is divided by 100."""

    unit: str = ""
    """"%" for a percentage, the words behind the number in lower case, "" where there are none ($ counts as none)."""

    measure: Unit = NOTHING
    """The same unit with its dimension and size."""

    scale: int = 1
    """What a word behind the number multiplies it by, a million in "1.5 million"; ``value`` is multiplied already."""

    def equals(self, other: "Quantity", tolerance: Fraction | None = None) -> bool:
        """Say whether ``other`` answers what this reference asks for.

        The same value in units that fit, either of which may be left out. A sign of per cent may be left out too: "60%"
        is 0.6, and the bare "60" where a percentage was asked for (so read by every public checker); beside a bare
        reference it is left out only above 1, since "0.5%" is no half.

        Args:
            other: the answer.
            tolerance: largest difference, relative to this value; None for none at all.
        """
        if "%" in (self.unit, other.unit):
            return self._is_percentage(other, tolerance)
        if not self.measure.fits(other.measure):
            return False
        is_measured = bool(self.measure.dimension and other.measure.dimension)
        sizes = (self.measure.size, other.measure.size) if is_measured else (1, 1)
        return is_close(self.value * sizes[0], other.value * sizes[1], tolerance)

    def lacks_scale(self, other: "Quantity") -> bool:
        """Say whether both are the same number but for a word such as "million" or "cents" that one of them has."""
        for bare, counted in ((self, other), (other, self)):
            if not bare.unit and counted.measure == CENT and bare.value == counted.value / 100:
                return True
        return (
            self.scale != other.scale
            and 1 in (self.scale, other.scale)
            and self.value * other.scale == other.value * self.scale
        )

    def _is_percentage(self, other: "Quantity", tolerance: Fraction | None) -> bool:
        if is_close(self.value, other.value, tolerance):
            return True
        if self.unit == other.unit or (self.unit != "%" and abs(self.value) <= 1):
            return False
        gold, value = (100 * each.value if each.unit == "%" else each.value for each in (self, other))
        return is_close(gold, value, tolerance)


def is_close(gold: Fraction, value: Fraction, tolerance: Fraction | None) -> bool:
    """Say whether two values are equal, or differ by at most ``tolerance`` times the first."""
    return gold == value or (tolerance is not None and abs(gold - value) <= tolerance * abs(gold))


def read_quantity(text: str) -> Quantity | None:
    r"""Return the number a text consists of, with its unit; None where it is anything but one plain number."""
    return read_tidy_quantity(tidy_answer(text)) if len(text) <= 4 * MAX_LENGTH else None


@lru_cache(maxsize=8192)
def read_tidy_quantity(text: str) -> Quantity | None:
    """Do the same with an answer that is tidied already."""
    if not text or len(text) > 2 * MAX_LENGTH:
        return None
    if PLAIN.fullmatch(text):
        return Quantity(Fraction(int(text)))
    number, unit = split_unit(text)
    value = _read_signed(number)
    if value is None:
        return None
    scale, unit = _split_scale(unit)
    return Quantity(value / 100 if unit.name == "%" else value * scale, unit.name, unit, scale)


def _split_scale(unit: Unit) -> tuple[int, Unit]:
    """Return what "million" or "million dollars" multiplies by, and the unit without that word."""
    first, _, rest = unit.name.partition(" ")
    if first not in COUNTS:
        return 1, unit
    return COUNTS[first], (read_unit(rest) if rest else None) or NOTHING


def read_number(text: str) -> Fraction | None:
    """Return the exact value of a number without a unit, None for anything else; never raises."""
    return _read_signed(tidy_answer(text)) if len(text) <= 4 * MAX_LENGTH else None


def _read_signed(text: str) -> Fraction | None:
    text = text.strip()
    if not text or len(text) > MAX_LENGTH:
        return None
    sign = -1 if text[0] == "-" else 1
    value = _read_unsigned(text[1:].lstrip() if text[0] in "+-" else text)
    return None if value is None else sign * value


def write_decimal(value: Fraction) -> str:
    """Return the one form of a number in word problems: "72", "12.5", and "1/3" where decimals never end."""
    denominator, power = value.denominator, 0
    while denominator > 1 and power <= 12 and 10**power % denominator:
        power += 1
    if denominator == 1 or 10**power % denominator:
        return str(value)
    digits = str(abs(value.numerator) * (10**power // denominator)).rjust(power + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-power]}.{digits[-power:]}"


def _read_unsigned(text: str) -> Fraction | None:
    if match := DECIMAL.fullmatch(text):
        whole, decimals, plain = match.groups()
        if plain is None and not (whole or decimals):
            return None
        return _read_digits(plain or f"{whole or 0}.{decimals or 0}")
    if match := SCIENTIFIC.fullmatch(text):
        return _read_digits(match[1]) * Fraction(10) ** int(match[2] or match[3])
    if match := POWER_OF_TEN.fullmatch(text):
        return Fraction(10) ** int(match[1] or match[2])
    if match := SLASH.fullmatch(text):
        return _divide(0, match[1], match[2])
    if match := FRACTION.fullmatch(text):
        return _divide(0, match[1] or match[2], match[3] or match[4])
    if match := MIXED.fullmatch(text):
        _, top, bottom, *parts = match.groups()
        return _divide(int(match[1]), top or parts[0] or parts[1], bottom or parts[2] or parts[3])
    if match := REPEATING.fullmatch(text):
        whole, fixed, period = match.groups()
        tail = Fraction(int(period), 10 ** len(fixed) * (10 ** len(period) - 1))
        return _read_digits(f"{whole or 0}.{fixed or 0}") + tail
    return None


def _read_digits(text: str) -> Fraction:
    text = text.replace(",", "").replace(" ", "")
    return Fraction(f"{text}0" if text.endswith(".") else text)


def _divide(whole: int, top: str, bottom: str) -> Fraction | None:
    divisor = _read_digits(bottom)
    return None if divisor == 0 else whole + _read_digits(top) / divisor
