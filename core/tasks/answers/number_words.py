"""Read numbers that are written in English words: "twelve", "one hundred and five", "three quarters", "a dozen".

It knows nothing of digits, units or signs; whatever is not exactly one such number is None.
"""

from fractions import Fraction

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"

BELOW_HUNDRED = {name: value for value, name in enumerate(_SMALL.split())} | {
    name: 10 * value for value, name in enumerate(_TENS.split(), 2)
}
SCALES = {"trillion": 10**12, "billion": 10**9, "million": 10**6, "thousand": 10**3, "hundred": 100}
"""From the largest on, as they stand in a number."""

PARTS = {
    **{"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7},
    **{"eighth": 8, "ninth": 9, "tenth": 10},
}
"""What a whole is divided by."""

MAX_WORDS = 30
"""Longest number that is read, words."""


def read_number_words(text: str) -> int | Fraction | None:
    """Return the value of a number in lower-case words."""
    words = text.replace("-", " ").split(maxsplit=MAX_WORDS)
    if not words or len(words) > MAX_WORDS:
        return None
    if words[0] in ("minus", "negative"):
        number = read_number_words(" ".join(words[1:]))
        return None if number is None or number < 0 else -number
    if words[0] == "a" and len(words) > 1 and words[1] in SCALES:
        words[0] = "one"
    if words[-1] in PARTS or words[-1].removesuffix("s") in PARTS:
        return _read_parts(words[:-1], words[-1])
    if words[-1] == "dozen":
        many = 1 if words[:-1] in ([], ["a"]) else _read(words[:-1])
        return None if many is None else 12 * many
    return _read(words) if words[0] in BELOW_HUNDRED else None


def _read_parts(words: list[str], part: str) -> Fraction | None:
    """Return "two thirds", "two and a half" or "half"; "third" and "twenty-fifth" are places in a row."""
    divisor = PARTS.get(part) or PARTS[part.removesuffix("s")]
    if not words:
        return Fraction(1, 2) if part == "half" else None
    whole = 0
    if "and" in words[:-1]:
        at = len(words) - 1 - words[::-1].index("and")
        whole, words = _read(words[:at]), words[at + 1 :]
    many = 1 if words in (["a"], ["an"]) else _read(words)
    if whole is None or many is None or not 0 < many < 100 or (many == 1) != (part in PARTS and part != "halves"):
        return None
    return whole + Fraction(many, divisor)


def _read(words: list[str]) -> int | None:
    for name, size in SCALES.items():
        if name not in words:
            continue
        at = words.index(name)
        rest = words[at + 1 :]
        rest = rest[1:] if len(rest) > 1 and rest[0] == "and" else rest
        many, more = _read(words[:at]), _read(rest) if rest else 0
        if many is None or more is None or not many or more >= size:
            return None
        return many * size + more if many < 100 or size > 100 else None
    return _read_below_hundred(words)


def _read_below_hundred(words: list[str]) -> int | None:
    values = [BELOW_HUNDRED.get(word) for word in words]
    if None in values or not values or len(values) > 2:
        return None
    if len(values) == 1:
        return values[0]
    is_pair = values[0] >= 20 and 1 <= values[1] <= 9
    return values[0] + values[1] if is_pair else None
