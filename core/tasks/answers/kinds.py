r"""Read what kind of answer a text is: number, formula, words, choice, list, set, tuple, interval, matrix, equation.

Bare lists (``1, -2``, ``x=1 or x=-2``) are several answers in any order, as problems ask for them; round brackets are
a tuple in order, braces a set. ``(1, 2)`` may be a point or an open interval and is read as either. Inequalities about
one letter are the intervals they mean. Knows nothing of equality: see :mod:`core.tasks.answers.matching`.
"""

import re
from dataclasses import dataclass, replace

from core.tasks.answers.number_words import BELOW_HUNDRED, MAX_WORDS, PARTS, SCALES, read_number_words
from core.tasks.answers.numbers import Quantity, read_tidy_quantity
from core.tasks.answers.units import NOTHING, Unit, split_unit

MAX_DEPTH = 8
"""Deepest nesting of lists in lists."""

MAX_ITEMS = 60
"""Largest number of items of one list."""

TRUE = frozenset(["true", "yes", "correct", "right"])
FALSE = frozenset(["false", "no", "incorrect", "wrong"])
EMPTY = frozenset(
    ["no solution", "no solutions", "none", "no real solutions", "no real solution", "empty set", "the empty set"]
)
UNDEFINED = frozenset(["dne", "does not exist", "undefined", "not defined", "the limit does not exist"])
ALL_REALS = frozenset(["all real numbers", "all reals", "real numbers", "all real number"])
INFINITE = frozenset([r"\infty", r"+\infty", "infinity", "+infinity", "inf", "oo"])

_NAME = r"\\?[A-Za-z]+'*(?:_\{?[A-Za-z0-9,\\ {}]+\}?)?'*"
NAME = re.compile(
    rf"(?:\\text\s*\{{[^{{}}]*\}}|{_NAME}|\\angle\s*[A-Z]+)\s*(?:\(\s*{_NAME}(?:,\s*{_NAME})*\s*\))?|\([A-Za-z, ]+\)"
)
LETTER = re.compile(r"(?![ei]$)[A-Za-z]'*(?:_\{?[A-Za-z0-9]+\}?)?'*")
"""One letter that is no constant, with its index."""

CHOICE = re.compile(
    r"(?:(?:option|choice|answer)\s+)?(?:\(\s*([A-Za-z])\s*\)|([A-Z])(?=[.):]|$))\s*[.):]*\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
BASED = re.compile(
    r"-?\(?(?:\\text\s*\{)?([0-9A-Fa-f]+(?:\.[0-9A-Fa-f]+)?)\}?\)?\s*_\s*(?:\{\s*)?(?:\\text\s*\{)?\(?(\w{1,12})\)?\}{0,2}"
)
RATIO = re.compile(r"-?[\d.]+(?:\s*(?::|\\text\s*\{\s*:\s*\}|\bto\b)\s*-?[\d.]+)+")
TIME = re.compile(
    r"(?<![\d:.,])(0?[1-9]|1[0-2])(?::([0-5]\d))?(?::([0-5]\d))?\s*([ap])\.?\s?m(?:\.|(?![A-Za-z]))", re.IGNORECASE
)
MATRIX = re.compile(r"\\begin\{([pbBv]?matrix|array)\}(?:\{[lcr|]*\})?(.*)\\end\{\1\}", re.DOTALL)
RELATION = re.compile(r"(\\le(?![A-Za-z])|\\ge(?![A-Za-z])|\\ne(?![A-Za-z])|<=|>=|!=|<|>)")
SEPARATOR = re.compile(r",|;|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])")
SPACED = re.compile(r",\s|;|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])")
WORDS = re.compile(
    r"(?<![\\A-Za-z])(?!(?:arc|a)?(?:sin|cos|tan|cot|sec|csc)h?\b|sqrt|log|exp|mod|abs|pi\b)[^\W\d_]{3,}"
)
PRODUCT = re.compile(r"[a-df-hj-np-tv-z]{2,4}")
"""Letters that are a product in a formula ("xyz"): few, small, and without a vowel but a."""

CALCULATES = re.compile(
    r"point|over|under|minus|plus|times|divided|less|more|fewer|than|out|of|by|to|and|or|is|"
    rf".*(?:dredth|sandth|ionth|teenth|tieth)s?|(?:{'|'.join(PARTS)})s?|{'|'.join([*BELOW_HUNDRED, *SCALES])}"
)
"""Words behind a number that make another number of it."""

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_FLIPPED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le", r"\ne": r"\ne"}
_LEAD = re.compile(
    r"(?:\\approx|\\sim|\\therefore|\\Rightarrow|=|approximately|about|roughly|exactly|is)\s*(?=\S)", re.I
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and its kind."""

    kind: str
    """"number", "formula", "text", "choice", "truth", "list", "set", "tuple", "interval", "union", "matrix",
    "assignment", "equation", "relation", "based", "ratio", "time" (of day) or "none" (no solution)."""

    text: str
    """As it was read, tidied; of a formula without its unit."""

    items: tuple["Answer", ...] = ()
    """Of lists, sets, tuples, unions, the rows of a matrix, both ends of an interval, the value of an assignment, what
    stands behind the letter of a choice."""

    sign: str = ""
    """Brackets of a tuple or interval, name of an assignment, letter of a choice, "true" or "false", digits,
    "4:30:00 pm" of a time, ":" or "to" of a ratio (a "to" may as well be a range)."""

    quantity: Quantity | None = None
    """Of a number."""

    unit: Unit = NOTHING
    """Of a number or formula."""


class TooManyError(ValueError):
    """An answer of more parts than are looked at."""


def read_answer(text: str, depth: int = 0) -> Answer:
    """Return a tidied text as the kind of answer it is; raises TooManyError for lists that are too long or too deep."""
    if depth > MAX_DEPTH:
        raise TooManyError("The answer is nested too deeply.")
    text = _LEAD.sub("", text.strip(), count=1) if _LEAD.match(text.strip()) else text.strip()
    if (match := re.fullmatch(r"\\text\s*\{([^{}]*[\d,;][^{}]*)\}", text)) or r"\approx" in text:
        return read_answer(match[1] if match else text.split(r"\approx")[0], depth + 1)
    if (time := read_time(text)) is not None:
        return time
    if (quantity := read_tidy_quantity(text)) is not None:
        return Answer("number", text, quantity=quantity, unit=quantity.measure)
    for read in (_read_words, _read_matrix, _read_special, _read_union, _read_list, _read_relation, _read_equation):
        if (found := read(text, depth)) is not None:
            return found
    return _read_brackets(text, depth) or _read_plus_minus(text, depth) or _read_formula(text)


def plain_words(text: str) -> str:
    r"""Return a text without ``\text{}``, case, articles, outer punctuation and doubled spaces."""
    text = re.sub(r"\\text\s*\{([^{}]*)\}", r" \1 ", text)
    text = " ".join(text.replace("\\ ", " ").casefold().split()).strip(" .,;:!?\"'`*")
    return re.sub(r"^(?:the|an?) (?=\w{2})", "", text)


def split_top(text: str, pattern: re.Pattern) -> list[str]:
    """Return the parts between the matches that stand outside of all brackets; the matches themselves are dropped."""
    parts, start, depth, at = [], 0, 0, 0
    while at < len(text):
        sign = text[at]
        if sign == "\\" and text[at + 1 : at + 2] not in ("{", "}") and not pattern.match(text, at):
            at += 2
            continue
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if depth == 0 and (match := pattern.match(text, at)):
            parts.append(text[start:at])
            start = at = match.end()
            continue
        at += 1
    return [*parts, text[start:]]


def _read_words(text: str, depth: int) -> Answer | None:
    words = plain_words(text)
    plain = text.casefold().strip(" .")
    if (number := read_number_words(words) or read_number_words(plain)) is not None:
        return read_answer(str(number))
    if words in TRUE or words in FALSE:
        return Answer("truth", text, sign="true" if words in TRUE else "false")
    if words in EMPTY or text in (r"\emptyset", r"\{\}", r"\{ \}"):
        return Answer("none", text)
    if words in UNDEFINED:
        return Answer("text", "undefined")
    if words in ALL_REALS or text == r"\mathbb{R}":
        return _interval(_infinite("-"), _infinite(""), "()")
    if text.replace(" ", "") in INFINITE or words in INFINITE:
        return _infinite("")
    if text.replace(" ", "") in (r"-\infty", "-infinity", "-inf", "-oo"):
        return _infinite("-")
    return _read_counted(words) or _read_choice(text, depth)


def _read_counted(words: str) -> Answer | None:
    """Return "five hundred apples" as the number and its unit; what goes on to reckon with it is none."""
    if words.split(" ", 1)[0].split("-")[0] not in BELOW_HUNDRED:
        return None
    parts = words.split()
    for n in range(min(len(parts) - 1, MAX_WORDS), 0, -1):
        if (number := read_number_words(" ".join(parts[:n]))) is None:
            continue
        if any(CALCULATES.fullmatch(word) for word in parts[n:]):
            return None
        quantity = read_tidy_quantity(text := f"{number} {' '.join(parts[n:])}")
        return quantity and Answer("number", text, quantity=quantity, unit=quantity.measure)
    return None


def _infinite(sign: str) -> Answer:
    return Answer("text", rf"{sign}\infty")


def _interval(left: Answer, right: Answer, brackets: str) -> Answer:
    return Answer("interval", f"{brackets[0]}{left.text},{right.text}{brackets[1]}", (left, right), brackets)


def _read_choice(text: str, depth: int) -> Answer | None:
    bare = re.sub(r"\\text\s*\{([^{}]*)\}", r"\1 ", text).strip() if "\\text" in text else text
    match = CHOICE.fullmatch(bare) if len(bare) < 400 else None
    if match is None:
        return None
    letter, rest = match[1] or match[2], match[3].strip()
    is_marked = letter.isupper() or bare[match.end(2) : match.end(2) + 1] == ")"
    if (match[2] and not is_marked) or (match[1] and rest and rest[0] in "+-*/^=_!(,;"):
        return None
    if match[2] and bare[match.end(2) : match.end(2) + 1] == ":" and not rest:
        return None
    items = (read_answer(rest, depth + 1),) if rest else ()
    return Answer("choice", text, items, letter.upper())


def _read_matrix(text: str, depth: int) -> Answer | None:
    match = MATRIX.fullmatch(text)
    if match is None or match[1] == "vmatrix" or r"\begin" in match[2]:
        return None
    rows = [row for row in re.split(r"\\\\|\\cr(?![a-z])", match[2].replace(r"\hline", "")) if row.strip()]
    if len(rows) > MAX_ITEMS:
        raise TooManyError(f"The matrix has more than {MAX_ITEMS} rows.")
    cells = [tuple(read_answer(cell, depth + 1) for cell in row.split("&")[: MAX_ITEMS + 1]) for row in rows]
    return Answer("matrix", text, tuple(Answer("tuple", "", row, "()") for row in cells))


def read_time(text: str) -> Answer | None:
    """Return a time of day with its half, "4:30 p.m." or "9 AM"."""
    if text[-1:] not in ("m", "M", ".", "}"):
        return None
    if (match := TIME.fullmatch(re.sub(r"\\text\s*\{([^{}]*)\}", r" \1 ", text).strip())) is None:
        return None
    hour, minute, second, half = match.groups()
    return Answer("time", text, sign=f"{int(hour)}:{minute or '00'}:{second or '00'} {half.lower()}m")


def _read_special(text: str, depth: int) -> Answer | None:
    if (match := BASED.fullmatch(text)) and re.search(r"\d", match[1]):
        digits = f"{'-' * text.startswith('-')}{match[1].lower()}"
        base = read_number_words(match[2].lower()) or match[2].lower()
        return Answer("based", f"{digits}_{base}", sign=digits)
    if RATIO.fullmatch(text):
        parts = tuple(read_answer(part, depth + 1) for part in re.split(r"[^\d.-]+", text))
        return Answer("ratio", text, parts, "to" if "to" in text else ":")
    return None


def _read_union(text: str, depth: int) -> Answer | None:
    if match := re.fullmatch(r"\\mathbb\{R\}\s*(?:\\setminus|\\backslash|-|\\)\s*\\\{(.*)\\\}", text):
        return _all_but(read_answer(match[1], depth + 1))
    if r"\cup" not in text and not re.search(r"[\])]\s*U\s*[\[(]", text):
        return None
    text = re.sub(r"^[A-Za-z]\s*\\in(?![A-Za-z])\s*", "", text)
    parts = split_top(text, re.compile(r"\\cup(?![A-Za-z])|(?<=[\])])\s*U\s*(?=[\[(])"))
    if len(parts) < 2 or len(parts) > MAX_ITEMS:
        return None
    return Answer("union", text, tuple(_as_interval(read_answer(part, depth + 1)) for part in parts))


def _as_interval(answer: Answer) -> Answer:
    if answer.kind == "tuple" and len(answer.items) == 2:
        return replace(answer, kind="interval")
    return answer


def _all_but(hole: Answer) -> Answer | None:
    """Return all real numbers but one."""
    if hole.kind not in ("number", "formula"):
        return None
    return Answer("union", "", (_interval(_infinite("-"), hole, "()"), _interval(hole, _infinite(""), "()")))


def _read_list(text: str, depth: int) -> Answer | None:
    if not SEPARATOR.search(text):
        return None
    # Where a space follows some of the commas, one without a space may stand for thousands.
    separator = SPACED if SPACED.search(text) and len(split_top(text, SPACED)) > 1 else SEPARATOR
    parts = [part.strip() for part in split_top(text, separator)]
    parts = [part for part in parts if part]
    if len(parts) < 2:
        return None
    if len(parts) > MAX_ITEMS:
        raise TooManyError(f"The list has more than {MAX_ITEMS} items.")
    items = _flatten(tuple(read_answer(part, depth + 1) for part in parts))
    if all(item.kind in ("interval", "union") and item.sign != "" for item in items) and RELATION.search(text):
        return Answer("union", text, items)
    if items[0].kind == "assignment" and all(item.kind in ("number", "formula") for item in items[1:]):
        items = (items[0].items[0], *items[1:])  # "x = 1, 2"
    return Answer("list", text, items)


def _flatten(items: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """Return the items with those that are two (``1 ± 2``) in their place."""
    return tuple(part for item in items for part in (item.items if item.kind == "list" else (item,)))


def _read_relation(text: str, depth: int) -> Answer | None:
    if not RELATION.search(text):
        return None
    signs = [{"<=": r"\le", ">=": r"\ge", "!=": r"\ne"}.get(sign, sign) for sign in RELATION.findall(text)]
    parts = [part.strip() for part in split_top(text, RELATION)]
    if len(parts) != len(signs) + 1 or not all(parts) or len(parts) > 3:
        return None
    if len(parts) == 2:
        if NAME.fullmatch(parts[1]) and not NAME.fullmatch(parts[0]):
            parts, signs = parts[::-1], [_FLIPPED[signs[0]]]
        if not NAME.fullmatch(parts[0]):
            return Answer("relation", text)
        return _half_line(signs[0], read_answer(parts[1], depth + 1), text)
    if not NAME.fullmatch(parts[1]) or {sign[-1] for sign in signs} not in (
        {"<"},
        {"e"},
        {"<", "e"},
        {">"},
        {">", "e"},
    ):
        return Answer("relation", text)
    if signs[0] in (">", r"\ge"):
        parts, signs = parts[::-1], [_FLIPPED[sign] for sign in signs[::-1]]
    if not set(signs) <= {"<", r"\le"}:
        return Answer("relation", text)
    brackets = ("(" if signs[0] == "<" else "[") + (")" if signs[1] == "<" else "]")
    return _interval(read_answer(parts[0], depth + 1), read_answer(parts[2], depth + 1), brackets)


def _half_line(sign: str, end: Answer, text: str) -> Answer:
    if sign == r"\ne":
        return _all_but(end) or Answer("relation", text)
    if sign in ("<", r"\le"):
        return _interval(_infinite("-"), end, "()" if sign == "<" else "(]")
    return _interval(end, _infinite(""), "()" if sign == ">" else "[)")


def _read_equation(text: str, depth: int) -> Answer | None:
    text = re.sub(r"\\(?:implies|Rightarrow|iff|equiv)(?![A-Za-z])", "=", text)
    if match := re.match(rf"(?:{NAME.pattern})\s*\\in(?![A-Za-z])\s*", text):
        return read_answer(text[match.end() :], depth + 1)
    if "=" not in text:
        return None
    sides = [side.strip() for side in split_top(text, re.compile("="))]
    if len(sides) < 2 or not all(sides):
        return None
    if NAME.fullmatch(sides[0]) and not PRODUCT.fullmatch(sides[0]):
        return Answer("assignment", text, (read_answer(sides[-1], depth + 1),), sides[0].replace(" ", ""))
    if not re.search(r"(?<![\\A-Za-z])[A-Za-z]", "".join(sides[:-1])):
        if len(sides) == 2 and LETTER.fullmatch(sides[1]):  # "5 = x"
            return Answer("assignment", text, (read_answer(sides[0], depth + 1),), sides[1].replace(" ", ""))
        return read_answer(sides[-1], depth + 1)  # "3 + 4 = 7"
    return Answer("equation", text)


def _read_brackets(text: str, depth: int) -> Answer | None:
    for opening, closing in (("\\{", "\\}"), ("(", ")"), ("[", "]"), ("(", "]"), ("[", ")"), ("]", "["), ("{", "}")):
        if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening) + len(closing):
            inner = text[len(opening) : -len(closing)].strip()
            if opening == "]" or _is_balanced(inner):
                return _read_inner(inner, opening[-1], closing[-1], text, depth)
    return None


def _is_balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if depth < 0:
            return False
    return depth == 0


def _read_inner(inner: str, opening: str, closing: str, text: str, depth: int) -> Answer | None:
    if opening == "{" and (builder := split_top(inner, re.compile(r"\||:"))) and len(builder) == 2:
        return read_answer(builder[1], depth + 1)
    parts = [part.strip() for part in split_top(inner, re.compile("[,;]"))]
    if len(parts) > MAX_ITEMS:
        raise TooManyError(f"The answer has more than {MAX_ITEMS} items.")
    if not all(parts):
        return None
    items = tuple(read_answer(part, depth + 1) for part in parts)
    if opening == "{":
        return Answer("set", text, _flatten(items))
    if len(items) == 1:
        return items[0] if opening + closing in ("()", "[]") else None
    if opening + closing in ("()", "[]") and (len(items) != 2 or opening == "("):
        return Answer("tuple", text, items, opening + closing)
    if any(item.items for item in items):
        return Answer("list", text, items)
    brackets = {"]": "("}.get(opening, opening) + {"[": ")"}.get(closing, closing)
    return Answer("interval", text, items, brackets) if len(items) == 2 else None


def _read_plus_minus(text: str, depth: int) -> Answer | None:
    if not re.search(r"\\(?:pm|mp)(?![A-Za-z])|\+/-|\+-", text):
        return None
    text = text.replace("+/-", r"\pm").replace("+-", r"\pm")
    both = [re.sub(r"\\pm(?![A-Za-z])", sign, re.sub(r"\\mp(?![A-Za-z])", other, text)) for sign, other in ("+-", "-+")]
    return Answer("list", text, tuple(read_answer(each.lstrip("+ "), depth + 1) for each in both))


def _read_formula(text: str) -> Answer:
    rest, unit = split_unit(text)
    if unit is not NOTHING and rest.strip():
        text = rest.strip()
    if is_wordy(text):
        return Answer("text", text)
    return Answer("formula", text, unit=unit)


def is_wordy(text: str) -> bool:
    r"""Say whether a text is words and no formula; a sympy parser would multiply their letters."""
    if re.fullmatch(r"\\text\s*\{[^{}]*\}", text):
        return True
    if re.search(r"\\(?:int|sum|prod|lim)(?![A-Za-z])", text):
        return False
    bare = re.sub(r"\\text\s*\{([^{}]*)\}", r" \1 ", text)
    runs = WORDS.findall(re.sub(r"\\[A-Za-z]+|[_^]\s*\{[^{}]*\}", " ", bare))
    return any(not PRODUCT.fullmatch(run) for run in runs) or (bool(runs) and not re.search(r"[\d+*/^_=()-]", bare))
