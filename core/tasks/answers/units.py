r"""What stands behind a number: per cent, degrees, measures, counted things, currencies.

A measure that is known here has a dimension and a size, so that 5 km is 5000 m and never 5 kg; any other words are
compared as words ("apples"). Knows nothing of the numbers themselves.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

_SIZES: dict[str, dict[str, str]] = {
    "length": {
        "m meter metre": "1",
        "km kilometer kilometre": "1000",
        "cm centimeter centimetre": "1/100",
        "mm millimeter millimetre": "1/1000",
        "mi mile": "201168/125",
        "ft foot feet": "381/1250",
        "inch inches in": "127/5000",
        "yd yard": "1143/1250",
    },
    "mass": {
        "g gram gramme": "1",
        "kg kilogram": "1000",
        "mg milligram": "1/1000",
        "lb lbs pound": "45359237/100000",
        "oz ounce": "45359237/1600000",
    },
    "time": {
        "s sec second": "1",
        "ms millisecond": "1/1000",
        "min minute": "60",
        "h hr hour": "3600",
        "day": "86400",
        "week wk": "604800",
    },
    "volume": {"l liter litre": "1", "ml milliliter millilitre": "1/1000"},
    "angle": {"degree deg": "1"},
    "money": {"dollar usd buck": "1", "cent": "1/100", "¢": "1/100"},
    "euro": {"euro eur €": "1"},
    "pound sterling": {"gbp £": "1"},
    "yen": {"yen jpy ¥": "1"},
    "calendar": {"month": "1", "year yr": "12"},
}
MEASURES = {
    name: (dimension, Fraction(size))
    for dimension, sizes in _SIZES.items()
    for names, size in sizes.items()
    for name in names.split()
}
"""Name in the singular: dimension and size; "in" and "m" are units only behind a number."""

MAX_LENGTH = 60
"""Longest unit that is read, characters."""

_BARE = re.compile(r"[-+]?[\d.,/]+")
_PERCENT = re.compile(r"\s*(?:%|(?<![A-Za-z])(?:per ?cent(?:age)?(?: points?)?|pct)|\\text\s*\{\s*percent\s*\})$")
_DEGREE = re.compile(
    r"\s*(?:\^\\circ|\\text\s*\{\s*(?:degrees?|deg)\b\.?|(?<![A-Za-z])degrees?\b)\s*"
    r"(?:\}|(?:\\text\s*\{\s*)?(C|F|Celsius|Fahrenheit)\b\s*\}?)?\s*$"
)
_CURRENCY = re.compile(r"^([-+]?)\s*([€£¥])\s*|\s*([€£¥¢])$")
_MARKED = re.compile(  # possessive throughout: a long row of units must not be tried in every division
    r"\s*((?:\\text\s*+\{[^{}]*\}\s*+(?:\^\s*+(?:\d|\{\s*+-?\d\s*+\}))?+\s*+(?:/|\\cdot)?+\s*+)++)$"
)
_NUMBER = (
    r"[-+]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?:\s*(?:\d+\s*)?/\s*\d+|(?:\d*\s*)?\\frac\{\d+\}\{\d+\})?"
)
_PLAIN = re.compile(rf"^({_NUMBER}|[-+]?\\frac\{{-?\d+\}}\{{\d+\}})( ?)([A-Za-z][A-Za-z .'/^0-9{{}}()-]*)$")
_TOKEN = re.compile(r"(/|\\cdot|[A-Za-z€£¥¢.'-]+)(?:\s*\^\s*\{?\s*(-?\d)\s*\}?)?")
_NO_UNITS = frozenset(
    ["pi", "e", "i", "sqrt", "or", "and", "mod", "am", "pm", "a", "p", "choose", "factorial", "x", "to"]
)
_RAISING = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts."""

    name: str
    """"%" for per cent, "" for nothing, else the words in lower case and the singular."""

    dimension: tuple[tuple[str, int], ...] = ()
    """Such as length 1, time -1; empty where the words are no measure."""

    size: Fraction = Fraction(1)
    """In the first measures of the dimension: 1000 for km."""

    def fits(self, other: "Unit") -> bool:
        """Say whether both may count the same: one of them is missing, or both mean one kind of thing."""
        if not self.name or not other.name:
            return True
        if self.dimension or other.dimension:
            return self.dimension == other.dimension
        first, second = set(self.name.split()), set(other.name.split())
        return first <= second or second <= first


NOTHING = Unit("")
PERCENT = Unit("%", (("%", 1),), Fraction(1, 100))
DEGREE = Unit("degree", (("angle", 1),))


def split_unit(text: str) -> tuple[str, Unit]:
    r"""Return a tidied answer without its unit, and the unit; ``NOTHING`` where there is none.

    Words need ``\text{...}`` or a plain number before them, so that ``2k`` and ``5x`` stay formulas.
    """
    if not text or _BARE.fullmatch(text):
        return text, NOTHING
    if match := _PERCENT.search(text):
        return text[: match.start()], PERCENT
    if (match := _DEGREE.search(text)) and match.start():
        scale = (match[1] or "")[:1].lower()
        return text[: match.start()], Unit(f"degree {scale}") if scale else DEGREE
    if (match := _MARKED.search(text)) and match.start():
        unit = read_unit(match[1])
        return (text[: match.start()], unit) if unit else (text, NOTHING)
    if (match := _PLAIN.match(text)) and len(match[3]) <= MAX_LENGTH and (unit := _read_plain(match[3], match[2])):
        return match[1], unit
    return _split_currency(text)


def _split_currency(text: str) -> tuple[str, Unit]:
    match = _CURRENCY.search(text)
    if match is None:
        return text, NOTHING
    sign = match[2] or match[3]
    rest = f"{match[1]}{text[match.end() :]}" if match[2] else text[: match.start()]
    return rest.strip(), read_unit(sign) or NOTHING


def _read_plain(words: str, space: str) -> Unit | None:
    unit = read_unit(words)
    if unit is None or (not space and not unit.dimension):
        return None
    letters = re.match("[A-Za-z]+", words)[0]
    if letters in _NO_UNITS or re.search(r"\b(?:and|or)\b", words):
        return None
    return None if len(letters) == 1 and not (space and unit.dimension) else unit


@lru_cache(maxsize=4096)
def read_unit(text: str) -> Unit | None:
    """Return the unit that words mean; None where they hold something else than words, powers and slashes."""
    text = re.sub(r"\\text\s*\{([^{}]*)\}", r" \1 ", text)
    text = re.sub(r"\bper\b", "/", text).replace("²", "^2").replace("³", "^3").strip(" .")
    if not text or len(text) > MAX_LENGTH or _TOKEN.sub("", text).strip(" (){}."):
        return None
    if text.casefold() == "mph":
        text = "mile / hour"
    dimension: dict[str, int] = {}
    size, words, sign, raised, is_known = Fraction(1), [], 1, 1, True
    for match in _TOKEN.finditer(text):
        word = singular(match[1].casefold().strip(".'"))
        if match[1] in ("/", r"\cdot"):
            sign = -1 if match[1] == "/" else sign
        elif word in _RAISING:
            raised = _RAISING[word]
        elif word in ("squared", "cubed"):
            if words:
                words[-1] += "^2" if word == "squared" else "^3"
            is_known = False
        elif word:
            power = sign * (int(match[2]) if match[2] else raised)
            words.append(word if power == 1 else f"{word}^{power}")
            kind, one = MEASURES.get(word, (None, Fraction(1)))
            is_known &= kind is not None
            dimension[str(kind)] = dimension.get(str(kind), 0) + power
            size, raised = size * one**power, 1
    if not words or words[0] in ("am", "a.m", "pm", "p.m"):  # a time of day counts nothing
        return None
    return Unit(" ".join(words), tuple(sorted(dimension.items())), size) if is_known else Unit(" ".join(words))


def singular(word: str) -> str:
    """Return an English noun without its plural s ("feet" and "inches" are listed as they are)."""
    if word in MEASURES or len(word) < 3 or word.endswith("ss") or not word.endswith("s"):
        return word
    return word[:-2] if word.endswith(("ches", "shes", "xes")) else word[:-1]
