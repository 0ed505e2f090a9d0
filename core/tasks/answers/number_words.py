"""Read whole numbers that are written in English words: "twelve", "twenty-five", "one hundred and five".

It knows nothing of digits, units or signs; whatever is not exactly one such number is None.
"""

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

MAX_WORDS = 30
"""Longest number that is read, words."""


def read_number_words(text: str) -> int | None:
    """Return the value of a number in lower-case words."""
    words = text.replace("-", " ").split(maxsplit=MAX_WORDS)
    if not words or words[0] not in BELOW_HUNDRED or len(words) > MAX_WORDS:
        return None
    return _read(words)


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
