r"""Read plain numbers exactly: integers, decimals, fractions and mixed numbers, as people and LaTeX write them.

"1,000", "$1000" and "1000.0" are one answer; "60%" is sixty hundredths, so it is "0.6" and never "60"; "-5" is not "5";
"5 km" is not "5 m", but either may be the bare "5" that a question asks for. Knows nothing of formulas: what is
not a plain number is None here and goes to the symbolic comparison.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

MAX_LENGTH = 80
"""Longest text read as a number, characters: no honest final answer is longer, and big integers stay small."""

WHOLE = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
PART = r"(?:\{\s*(-?\d+)\s*\}|(\d))"
DECIMAL = re.compile(rf"({WHOLE}?)\.(\d*)|({WHOLE})")
SCIENTIFIC = re.compile(rf"({WHOLE}(?:\.\d+)?)\s*(?:[eE]|(?:\*|\\times|\\cdot|×)\s*10\s*\^)\s*\{{?([+-]?\d{{1,2}})\}}?")
SLASH = re.compile(rf"({WHOLE})\s*/\s*(-?{WHOLE})")
FRACTION = re.compile(rf"\\[dt]?frac\s*{PART}\s*{PART}")
MIXED = re.compile(rf"(\d+)\s*(?:\s+(\d+)\s*/\s*(\d+)|\\[dt]?frac\s*{PART}\s*{PART})")
UNIT = re.compile(
    r"(?:\s*(\\?%|percent\b)|\s*\\(?:text|mathrm|mbox|textrm)\s*\{([^{}]*)\}|\s+([A-Za-z][A-Za-z .-]+))\s*$"
)
SPACING = re.compile(r"\\[,!;: ]|~|\\(?:left|right)(?![a-zA-Z])")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and what it counts."""

    value: Fraction
    """Exact; a percentage is divided by 100."""

    unit: str = ""
    """"%" for a percentage, the words behind the number in lower case, "" where there are none ($ counts as none)."""

    def equals(self, other: "Quantity") -> bool:
        """Say whether both are one answer: the same value, and no two different units ("%" is part of the value)."""
        units = {unit for unit in (self.unit, other.unit) if unit not in ("", "%")}
        return self.value == other.value and len(units) < 2


def read_quantity(text: str) -> Quantity | None:
    r"""Return the number a text consists of, with its unit; None where it is anything but one plain number."""
    text = tidy_number(text)
    if not text or len(text) > MAX_LENGTH:
        return None
    unit = ""
    if (match := UNIT.search(text)) and match.start() > 0:
        unit = "%" if match[1] else " ".join((match[2] or match[3] or "").casefold().split()).rstrip(". ")
        text = text[: match.start()].strip()
    value = read_number(text)
    if value is None:
        return None
    return Quantity(value / 100 if unit == "%" else value, unit)


def read_number(text: str) -> Fraction | None:
    """Return the exact value of a number without a unit, None for anything else; never raises."""
    text = tidy_number(text)
    if not text or len(text) > MAX_LENGTH:
        return None
    sign = -1 if text[0] in "-−–" else 1
    text = text.lstrip("$").strip() if text[0] not in "+-−–" else text[1:].strip().lstrip("$").strip()
    value = _read_unsigned(text)
    return None if value is None else sign * value


def tidy_number(text: str) -> str:
    r"""Return the text without maths delimiters, currency signs, LaTeX spacing and a closing full stop."""
    text = SPACING.sub("", text.strip()).replace("{,}", ",").replace(r"\$", "$")
    text = re.sub(r"\s*\.$", "", text.strip())
    if len(text) > 1 and text.startswith("$") and text.endswith("$"):
        text = text[1:-1]
    elif text.startswith((r"\(", r"\[")) and text.endswith((r"\)", r"\]")):
        text = text[2:-2]
    return text.strip()


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
        return Fraction((plain or f"{whole or 0}.{decimals or 0}").replace(",", ""))
    if match := SCIENTIFIC.fullmatch(text):
        return Fraction(match[1].replace(",", "")) * Fraction(10) ** int(match[2])
    if match := SLASH.fullmatch(text):
        return _divide(0, match[1], match[2])
    if match := FRACTION.fullmatch(text):
        return _divide(0, match[1] or match[2], match[3] or match[4])
    if match := MIXED.fullmatch(text):
        _, top, bottom, *parts = match.groups()
        return _divide(int(match[1]), top or parts[0] or parts[1], bottom or parts[2] or parts[3])
    return None


def _divide(whole: int, top: str, bottom: str) -> Fraction | None:
    divisor = int(bottom.replace(",", ""))
    return None if divisor == 0 else whole + Fraction(int(top.replace(",", "")), divisor)
