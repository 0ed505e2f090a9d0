"""Compare two answers of any kind, part by part, and say how it was decided.

Numbers and words are decided here, exactly. What needs the value of a formula is asked of ``ask``, which the caller
brings: the worker process works it out, the app refuses and sends the whole pair to a worker. The reference comes
first, since it says what was asked for: a unit or a name that the other leaves out is no fault.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

from core.tasks.answers.compounds import match_compounds
from core.tasks.answers.judgement import Judgement
from core.tasks.answers.kinds import Answer, TooManyError, plain_words, read_answer
from core.tasks.answers.numbers import read_tidy_quantity
from core.tasks.answers.tidy import squeeze

Ask = Callable[[str, str, str], "bool | None"]
"""``ask(question, gold, other)``: "equal" formulas, the same "equation" or "relation"; None where it cannot be told."""

SAME_TEXT = Judgement(True, "Both are written alike.")
UNSCALED = "Whether the bare number counts millions, or dollars and not cents, could not be decided."
_ORDERED = frozenset(["tuple", "interval", "matrix"])
_SEVERAL = frozenset(["list", "set", "tuple", "interval", "matrix", "union"])


def match_texts(gold: str, other: str, ask: Ask, tolerance: Fraction | None = None) -> Judgement:
    """Compare two tidied answers; see :class:`Matcher`."""
    if squeeze(gold) == squeeze(other):
        return SAME_TEXT
    found = _match_decimal_comma(gold, other) or _match_decimal_comma(other, gold)
    if found := found or match_compounds(gold, other, tolerance):
        return found
    try:
        first, second = read_answer(gold), read_answer(other)
    except TooManyError as error:
        return Judgement(None, str(error))
    return Matcher(ask, tolerance).match(first, second)


class Matcher:
    """Compares answers by their kinds.

    Args:
        ask: decides formulas.
        tolerance: largest relative difference of two numbers that count as equal; None for none at all.
    """

    def __init__(self, ask: Ask, tolerance: Fraction | None = None):
        self.ask, self.tolerance = ask, tolerance

    def match(self, gold: Answer, other: Answer) -> Judgement:
        """Return whether ``other`` is what the reference ``gold`` says."""
        if gold.text and squeeze(gold.text) == squeeze(other.text) and gold.unit.fits(other.unit):
            return SAME_TEXT
        for decide in (self._match_choices, self._match_words, self._match_names, self._match_special):
            if (found := decide(gold, other)) is not None:
                return found
        if gold.kind in _SEVERAL or other.kind in _SEVERAL:
            return self._match_several(gold, other)
        if "equation" in (gold.kind, other.kind) or "relation" in (gold.kind, other.kind):
            return self._match_equations(gold, other)
        return self._match_formulas(gold, other)

    def _match_choices(self, gold: Answer, other: Answer) -> Judgement | None:
        if gold.kind == other.kind == "choice":
            return _decided(gold.sign == other.sign, "the choice", f"({gold.sign})", f"({other.sign})")
        if "choice" not in (gold.kind, other.kind):
            return None
        choice, rest = (gold, other) if gold.kind == "choice" else (other, gold)
        if rest.kind == "truth" and not choice.items and choice.sign in "AB":
            is_equal = (choice.sign == "A") == (rest.sign == "true")
            return Judgement(is_equal, f"Choice (A) stands for true and (B) for false: the answer is {_name(other)}.")
        if choice.items:
            return self.match(choice.items[0], other) if choice is gold else self.match(gold, choice.items[0])
        if rest.kind in ("assignment", "formula"):
            letter = Answer("formula", choice.sign)
            return self.match(letter, other) if choice is gold else self.match(gold, letter)
        return Judgement(False, f"One is the choice ({choice.sign}), the other is {_name(rest)}.")

    def _match_words(self, gold: Answer, other: Answer) -> Judgement | None:
        if gold.kind == other.kind == "truth":
            return _decided(gold.sign == other.sign, "the truth value", gold.sign, other.sign)
        kinds = {gold.kind, other.kind}
        if "none" in kinds:
            is_equal = gold.kind == other.kind
            return Judgement(
                is_equal, "Both say that there is none." if is_equal else f"Only one is {_name(gold, other)}."
            )
        if not kinds & {"text", "truth"} or kinds & (_SEVERAL | {"assignment"}):
            return None
        is_equal = plain_words(gold.text) == plain_words(other.text)
        return _decided(is_equal, "the words", gold.text, other.text)

    def _match_names(self, gold: Answer, other: Answer) -> Judgement | None:
        """``x = 5`` is ``5``, but not ``y = 5``; ``y = 2x`` may also be written as another equation."""
        names = [each for each in (gold, other) if each.kind == "assignment"]
        if not names:
            return None
        if "equation" in (gold.kind, other.kind):
            return self._match_equations(gold, other)
        if len(names) == 2 and _are_other_letters(gold.sign, other.sign):
            if any(each.items[0].kind == "formula" for each in names):
                return self._match_equations(gold, other)
            return Judgement(False, f"One is about {gold.sign}, the other about {other.sign}.")
        values = [each.items[0] if each.kind == "assignment" else each for each in (gold, other)]
        return self.match(*values)

    def _match_special(self, gold: Answer, other: Answer) -> Judgement | None:
        kinds = {gold.kind, other.kind}
        if "based" in kinds:
            if gold.kind == other.kind:
                is_equal = gold.text == other.text
            else:  # the base may be left out, as a unit may
                is_equal = (gold.sign or gold.text) == (other.sign or other.text)
            return _decided(is_equal, "the digits in one base", gold.text, other.text)
        if "time" in kinds:
            return _match_times(gold, other)
        if "ratio" not in kinds or kinds & _SEVERAL:
            return None
        if "to" in (gold.sign, other.sign) and ":" not in (gold.sign, other.sign):
            is_alike = gold.kind == other.kind and _as_ratio(gold) == _as_ratio(other)
            return Judgement(is_alike, "Both are written alike." if is_alike else "The ratios or ranges differ.")
        values = [_as_ratio(each) for each in (gold, other)]
        if None in values or len(values[0]) != len(values[1]):
            return Judgement(False, f"One is {_name(gold)}, the other is {_name(other)}.")
        is_time = all(each.kind == "ratio" and _looks_like_time(each.text) for each in (gold, other))
        first, second = values
        crossed = all(first[i] * second[j] == first[j] * second[i] for i, j in combinations(range(len(first)), 2))
        return _decided(first == second if is_time else crossed, "the ratio", gold.text, other.text)

    def _match_several(self, gold: Answer, other: Answer) -> Judgement:
        if "set" in (gold.kind, other.kind) and {gold.kind, other.kind} & {"tuple", "interval", "matrix"}:
            return Judgement(False, "One is a set, the other is in order.")
        if gold.kind == "interval" or other.kind == "interval":
            if {gold.kind, other.kind} <= {"interval", "tuple"} and gold.sign != other.sign:
                return Judgement(False, f"The brackets differ: {gold.text} and {other.text}.")
            if "union" in (gold.kind, other.kind):
                return Judgement(False, "One is a single interval, the other is a union.")
        first, second = _items(gold), _items(other)
        if gold.kind in _ORDERED or other.kind in _ORDERED:
            if gold.kind == "matrix" and other.kind == "matrix" and len(first) != len(second):
                return Judgement(False, f"The reference has {len(first)} rows, the answer has {len(second)}.")
            if gold.kind == "matrix" or other.kind == "matrix":
                first, second = _as_rows(first, second)
            return self._match_in_order(first, second)
        return self._match_in_any_order(first, second, is_set="set" in (gold.kind, other.kind))

    def _match_in_order(self, gold: tuple[Answer, ...], other: tuple[Answer, ...]) -> Judgement:
        if len(gold) != len(other):
            return Judgement(False, f"The reference has {len(gold)} parts, the answer has {len(other)}.")
        undecided = None
        for at, (first, second) in enumerate(zip(gold, other, strict=True), 1):
            found = self.match(first, second)
            if found.is_equal is False:
                return Judgement(False, f"Part {at} differs: {found.reason}")
            undecided = undecided or (found if found.is_equal is None else None)
        return undecided or Judgement(True, f"All {len(gold)} parts are equal, in order.")

    def _match_in_any_order(self, gold: tuple[Answer, ...], other: tuple[Answer, ...], is_set: bool) -> Judgement:
        """Pair every item with an equal one; in sets, an item that is written twice counts once."""
        if not is_set and len(gold) != len(other):
            return Judgement(False, f"The reference has {len(gold)} answers, the answer has {len(other)}.")
        left, undecided = list(other), None
        used: list[Answer] = []
        for item in gold:
            found = None
            for candidate in [*left, *(used if is_set else ())]:
                judgement = self.match(item, candidate)
                if judgement.is_equal:
                    found = candidate
                    break
                undecided = undecided or (judgement if judgement.is_equal is None else None)
            if found is None:
                return undecided or Judgement(False, f"The answer lacks {item.text}.")
            if any(found is each for each in left):
                left = [each for each in left if each is not found]
                used.append(found)
        for extra in left:
            if not any(self.match(item, extra).is_equal for item in gold):
                return undecided or Judgement(False, f"The answer also has {extra.text}.")
        return Judgement(True, f"All {len(gold)} answers are there, in any order.")

    def _match_equations(self, gold: Answer, other: Answer) -> Judgement:
        if other.kind not in ("equation", "relation", "assignment") or gold.kind not in (
            "equation",
            "relation",
            "assignment",
        ):
            return Judgement(False, f"One is {_name(gold)}, the other is {_name(other)}.")
        if (gold.kind == "relation") != (other.kind == "relation"):
            return Judgement(False, "One is an equation, the other is an inequality.")
        question = "relation" if gold.kind == "relation" else "equation"
        return _asked(self.ask(question, gold.text, other.text), f"the {question}", gold.text, other.text)

    def _match_formulas(self, gold: Answer, other: Answer) -> Judgement:
        first, second = gold.quantity, other.quantity
        if first is not None and second is not None:
            if not first.measure.fits(second.measure) and "%" not in (first.unit, second.unit):
                return Judgement(False, f"The units differ: {first.unit} and {second.unit}.")
            is_equal = first.equals(second, self.tolerance)
            if not is_equal and first.lacks_scale(second):
                return Judgement(None, UNSCALED)
            return _decided(is_equal, "the number", gold.text, other.text)
        if not gold.unit.fits(other.unit):
            return Judgement(False, f"The units differ: {gold.unit.name} and {other.unit.name}.")
        texts = [each.text for each in (gold, other)]
        if gold.kind == "number" and gold.unit.name:
            texts[0] = _bare(gold)
        if other.kind == "number" and other.unit.name:
            texts[1] = _bare(other)
        is_equal = self.ask("equal", *texts)
        if is_equal is False and 1 in (len(gold.unit.name), len(other.unit.name)):
            is_equal = self.ask("equal", gold.text, other.text)  # "5 m" may be metres or five times m
        if is_equal is False and _is_in_degrees(gold) != _is_in_degrees(other):
            turned = [
                rf"({text})\cdot\pi/180" if _is_in_degrees(each) else text
                for text, each in zip(texts, (gold, other), strict=True)
            ]
            is_equal = self.ask("equal", *turned) if r"\pi" in "".join(texts) else False
        return _asked(is_equal, "the formula", gold.text, other.text)


def _match_decimal_comma(first: str, second: str) -> Judgement | None:
    """Compare 2,05 with 2.05; None where the first is no decimal with a comma, or of another value.

    It is undecided where the first may be several answers as well: 2,5 is 2.5, or 2 and 5. No item of a list begins
    with a zero that says nothing.
    """
    if not (re.fullmatch(r"-?\d+,\d+", first) and re.fullmatch(r"-?\d+\.\d+", second)):
        return None
    if read_tidy_quantity(first) is not None or Fraction(first.replace(",", ".")) != Fraction(second):
        return None
    if re.search(r",0\d", first):
        return Judgement(True, "The numbers are equal, one with a decimal comma.")
    return Judgement(None, f"Whether {_short(first)} is a decimal or two answers could not be decided.")


def _bare(answer: Answer) -> str:
    """Return a number without its unit; a percentage as the number that stands before the sign."""
    value = answer.quantity.value * (100 if answer.unit.name == "%" else 1)
    return str(value)


def _is_in_degrees(answer: Answer) -> bool:
    return answer.unit.name == "degree"


def _items(answer: Answer) -> tuple[Answer, ...]:
    return answer.items if answer.kind in _SEVERAL else (answer,)


def _as_rows(first: tuple[Answer, ...], second: tuple[Answer, ...]) -> tuple[tuple[Answer, ...], tuple[Answer, ...]]:
    """Return two matrices as rows, and a matrix of one row or column beside a tuple as its numbers."""
    if all(row.kind in ("tuple", "interval") for row in (*first, *second)) and len(first) == len(second):
        return _as_tuples(first), _as_tuples(second)
    return _as_vector(first), _as_vector(second)


def _as_tuples(rows: tuple[Answer, ...]) -> tuple[Answer, ...]:
    return tuple(replace(row, kind="tuple", sign="()", text="") for row in rows)


def _as_vector(rows: tuple[Answer, ...]) -> tuple[Answer, ...]:
    if all(row.kind == "tuple" and len(row.items) == 1 for row in rows):
        return tuple(row.items[0] for row in rows)
    return rows[0].items if len(rows) == 1 and rows[0].kind == "tuple" else rows


def _as_ratio(answer: Answer) -> list[Fraction] | None:
    if answer.kind == "ratio":
        values = [item.quantity.value if item.quantity else None for item in answer.items]
        return None if None in values else values
    return [answer.quantity.value, Fraction(1)] if answer.quantity is not None else None


def _match_times(gold: Answer, other: Answer) -> Judgement:
    """Compare times of day; the half of the day may be left out, as a unit may, and 16:30 is 4:30 p.m."""
    first, second = _list_moments(gold), _list_moments(other)
    return _decided(bool(first & second), "the time", gold.text, other.text)


def _list_moments(answer: Answer) -> set[tuple[int, int, int]]:
    """Return the hours, minutes and seconds that an answer may mean; a bare number is an hour by the clock's face."""
    time, _, half = answer.sign.partition(" ") if answer.kind == "time" else (answer.text, "", "")
    parts = time.replace(" ", "").split(":")
    if not all(part.isdigit() for part in parts) or len(parts) > 3:
        return set()
    hour, minute, second = [*map(int, parts), 0, 0][:3]
    if half:
        return {(hour % 12 + 12 * (half == "pm"), minute, second)}
    if 1 <= hour <= 12:
        return {(hour % 12, minute, second), (hour % 12 + 12, minute, second)}
    return {(hour % 24, minute, second)} if len(parts) > 1 else set()


def _looks_like_time(text: str) -> bool:
    hours, _, minutes = text.partition(":")
    return len(minutes) == 2 and hours.isdigit() and minutes.isdigit() and int(hours) <= 24 and int(minutes) < 60


def _are_other_letters(first: str, second: str) -> bool:
    """Say whether two names are different letters; a word or ``f(x)`` may stand for any."""
    return (
        all(squeeze(name).replace("\\", "").isalpha() and "(" not in name for name in (first, second))
        and (len(first) == len(second) == 1 or first.startswith("\\") or second.startswith("\\"))
        and first.casefold() != second.casefold()
    )


def _decided(is_equal: bool, what: str, gold: str, other: str) -> Judgement:
    if is_equal:
        return Judgement(True, f"Both are {what} {_short(gold)}.")
    return Judgement(False, f"Not {what} {_short(gold)} but {_short(other)}.")


def _asked(is_equal: bool | None, what: str, gold: str, other: str) -> Judgement:
    if is_equal is None:
        return Judgement(None, f"It could not be decided whether {_short(other)} is {what} {_short(gold)}.")
    verb = "has the value of" if is_equal else "differs from"
    return Judgement(is_equal, f"The answer {_short(other)} {verb} {what} {_short(gold)}.")


def _name(*answers: Answer) -> str:
    words = {"truth": "true or false", "none": "no solution", "text": "words", "based": "a number in a base"}
    answer = next((each for each in answers if each.kind == "none"), answers[0])
    return words.get(answer.kind) or f"{'an' if answer.kind[0] in 'aeiou' else 'a'} {answer.kind}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
