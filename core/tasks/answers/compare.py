"""The one public comparison of answers: a reference against an answer, or against what a whole response states.

Numbers, words, choices, and lists of them are decided here, exactly and at once; what holds a formula goes to worker
processes with a deadline (:mod:`core.tasks.answers.pool`). Every pair gets a verdict or a reason why there is none:
nothing raises, nothing hangs. By default values must be equal: 0.333333 is not a third, and 1.414 is not the root
of two; ``tolerance`` admits rounded answers where a data set has them (Minerva, OlympiadBench).

Conventions, where people differ: a bare list (``1, -2``) is several answers in any order, round brackets are in order;
a unit, a currency or a percent sign may be left out but not changed; ``x = 5`` is ``5``; a missing answer is wrong.
What may be either of two things is not decided: ``2,5`` beside ``2.5``, ``5`` beside ``5 million``, ``90`` beside
``1 hour 30 minutes``, the bare 24 beside a solution of a Game of 24.
"""

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from core.tasks.answers.annotations import ANNOTATION
from core.tasks.answers.final_line import MAX_READ, Extraction, extract_answer, reduce_sentence
from core.tasks.answers.games import match_solutions
from core.tasks.answers.judgement import Judgement
from core.tasks.answers.kinds import (
    EMPTY,
    RATIO,
    SEPARATOR,
    TIME,
    TooManyError,
    is_wordy,
    plain_words,
    read_answer,
    read_time,
    split_top,
)
from core.tasks.answers.matching import UNSCALED, match_texts
from core.tasks.answers.numbers import Quantity, read_quantity
from core.tasks.answers.pool import MAX_LENGTH, TOO_LONG, VerificationPool, shared_pool
from core.tasks.answers.tidy import tidy_answer

MAX_CACHED = 20_000
"""Pairs whose result is remembered in one process; the oldest go first."""

NO_SOLUTION = re.compile(r"\b(?:no (?:real )?solutions?|empty set)\b", re.IGNORECASE)
NEGATION = re.compile(r"\b(?:not|false|never|nor|neither|wrong)\b|n't\b", re.IGNORECASE)

MISSING = Judgement(False, "There is no answer, and a missing answer is wrong.")


class NeedsFormulas(Exception):
    """Raised inside a comparison that this process must not work out by itself."""


class _Results:
    """What the workers said, by pair; safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, Fraction | None], Judgement] = OrderedDict()

    def get(self, key: tuple[str, str, Fraction | None]) -> Judgement | None:
        with self._lock:
            return self._known.get(key)

    def put(self, key: tuple[str, str, Fraction | None], judgement: Judgement) -> None:
        with self._lock:
            self._known[key] = judgement
            while len(self._known) > MAX_CACHED:
                self._known.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._known.clear()


results = _Results()


def compare(gold: Any, pred: Any, tolerance: float | None = None) -> Judgement:
    """Say whether an answer is the reference.

    Args:
        gold: the reference; text, or a number, truth value or list as JSON has them; None for none.
        pred: the answer.
        tolerance: largest relative difference of two numbers that count as equal (1e-2: one per cent); None: exact.
    """
    return compare_many([(gold, pred)], tolerance)[0]


def judge_response(gold: Any, response: Any, tolerance: float | None = None) -> Judgement:
    """Do the same with the final answer that a whole response states; see :func:`final_line.extract_answer`."""
    return judge_many([(gold, response)], tolerance)[0]


def is_plain(text: str) -> bool:
    """Say whether an answer is numbers, words or choices through and through, so that no formula is in it."""
    try:
        waiting = [read_answer(tidy_answer(text[:MAX_LENGTH]))]
    except TooManyError:
        return False
    while waiting:
        answer = waiting.pop()
        if answer.kind in ("formula", "equation", "relation"):
            return False
        waiting += answer.items
    return True


def judge_many(
    pairs: Sequence[tuple[Any, Any]], tolerance: float | None = None, pool: VerificationPool | None = None
) -> list[Judgement]:
    """Judge pairs (reference, whole response) at once, in order."""
    found = [extract_answer(_to_text(response)) for _, response in pairs]
    answers = [(gold, fit_to_reference(gold, each)) for (gold, _), each in zip(pairs, found, strict=True)]
    judged = compare_many(answers, tolerance, pool)
    for at, each in enumerate(found):
        if each.text is None and judged[at] is MISSING:
            judged[at] = Judgement(False, f"{each.reason} A missing answer is wrong.")
        elif each.text is not None:
            judged[at] = Judgement(judged[at].is_equal, f"{judged[at].reason} {each.reason}")
    return judged


def compare_many(
    pairs: Sequence[tuple[Any, Any]], tolerance: float | None = None, pool: VerificationPool | None = None
) -> list[Judgement]:
    """Compare pairs (reference, answer), the formulas among them in all processes of the pool at once, in order.

    Args:
        pairs: as for :func:`compare`.
        tolerance: as for :func:`compare`.
        pool: the processes; None for those of this process.
    """
    exact = None if tolerance is None else Fraction(str(tolerance))
    judged: list[Judgement | None] = []
    waiting: dict[tuple[str, str, Fraction | None], list[int]] = {}
    for gold, pred in pairs:
        found = _compare_at_once(gold, pred, exact)
        if isinstance(found, tuple):
            key = (*found, exact)
            found = results.get(key)
            if found is None:
                waiting.setdefault(key, []).append(len(judged))
        judged.append(found)
    if waiting:
        asked = (pool or shared_pool()).judge_many([key[:2] for key in waiting], exact)
        for (key, places), judgement in zip(waiting.items(), asked, strict=True):
            results.put(key, judgement)
            for at in places:
                judged[at] = judgement
    return [each for each in judged if each is not None]


def _compare_at_once(gold: Any, pred: Any, tolerance: Fraction | None) -> Judgement | tuple[str, str]:
    """Return the judgement where no formula has to be worked out, else both texts for the workers."""
    first, second = _to_text(gold), _to_text(pred)
    quantities = _read_fast(first), _read_fast(second)
    if quantities[0] is not None and quantities[1] is not None:
        return _judge_numbers(*quantities, tolerance)
    if not first or not first.strip():
        return Judgement(None, "There is no reference to compare with.")
    if not second or not second.strip():
        return MISSING
    if first == second:
        return Judgement(True, "Both are written alike.")
    if max(len(first), len(second)) > MAX_READ:
        return TOO_LONG
    first, second = _unwrap(first).strip(), _unwrap(second).strip()
    if max(len(first), len(second)) > 4 * MAX_LENGTH:
        return TOO_LONG
    first, second = tidy_answer(first), tidy_answer(second)
    if not first:
        return Judgement(None, "There is no reference to compare with.")
    if not second:
        return MISSING
    if max(len(first), len(second)) > MAX_LENGTH:
        return Judgement(True, "Both are written alike.") if first == second else TOO_LONG
    try:
        return match_solutions(first, second) or match_texts(first, second, _refuse, tolerance)
    except NeedsFormulas:
        return first, second
    except (RecursionError, ValueError, ArithmeticError):
        return Judgement(None, "The answers could not be read.")


def _refuse(question: str, gold: str, other: str) -> bool | None:
    raise NeedsFormulas


def _read_fast(text: str | None) -> Quantity | None:
    return read_quantity(text) if text is not None and len(text) <= 60 else None


def _judge_numbers(gold: Quantity, pred: Quantity, tolerance: Fraction | None) -> Judgement:
    if gold.equals(pred, tolerance):
        is_exact = gold.value == pred.value
        return Judgement(
            True, "The numbers are equal." if is_exact else "The numbers are equal in their units or rounded."
        )
    if gold.lacks_scale(pred):
        return Judgement(None, UNSCALED)
    if not gold.measure.fits(pred.measure):
        return Judgement(False, f"The units differ: {gold.unit} and {pred.unit}.")
    return Judgement(False, "The numbers differ.")


def _to_text(value: Any) -> str | None:
    """Return a value of JSON as text; None for what is no answer (null, not a number, an object)."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, list | tuple):
        parts = [_to_text(part) for part in value[:100]]
        return None if None in parts else ", ".join(part for part in parts if part is not None)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def fit_to_reference(gold: Any, found: Extraction) -> str | None:
    """Return the extracted answer in the form of the reference.

    The one value of a sentence where the reference is a value, all boxes of a row where it is several, else as it is.
    """
    said = found.text
    if said is None:
        return None
    wanted, tidied = tidy_answer(_unwrap(_to_text(gold) or "")), tidy_answer(said[:MAX_LENGTH])
    if found.row is not None and len(split_top(wanted[:MAX_LENGTH], SEPARATOR)) > 1:
        return found.row
    if len(wanted) > MAX_LENGTH or not re.search("[A-Za-z]{3}", tidied):
        return said
    if wanted.casefold() in ("true", "false", "yes", "no"):
        return _find_truth(tidied) or said
    if re.fullmatch(r"(?:\\text\{)?\(?[A-J]\)?\}?", wanted):
        letters = set(re.findall(r"\(([A-J])\)|\b([B-HJ])\b", said))
        return max(letters.pop()) if len(letters) == 1 else said
    words = plain_words(wanted)
    if words in EMPTY or wanted == r"\emptyset":
        return "no solution" if NO_SOLUTION.search(said) and not re.search(r"[\d=]", said) else said
    if is_wordy(wanted) and (
        end := re.search(rf"\b(?:is|are)(?: the| an?)? {re.escape(words)}\W*$", said, re.IGNORECASE)
    ):
        return said if NEGATION.search(said[: end.start()]) else words
    for pattern, is_so in ((TIME, read_time(wanted) is not None), (RATIO, RATIO.fullmatch(wanted))):
        if is_so:
            found_there = {match[0] for match in pattern.finditer(said)}
            return found_there.pop() if len(found_there) == 1 else said
    is_value = read_quantity(wanted) is not None and read_quantity(said) is None
    if is_value or (not is_wordy(wanted) and is_wordy(tidied) and "$" in said):
        return reduce_sentence(said) or said
    return said


def _find_truth(text: str) -> str | None:
    """Return what the last word of truth in a sentence says ("not true" is false)."""
    words = re.findall(r"\b(not\s+)?(true|false|yes|no)\b", text.casefold())
    if not words:
        return None
    is_true = (words[-1][1] in ("true", "yes")) != bool(words[-1][0])
    return "true" if is_true else "false"


def _unwrap(text: str) -> str:
    """Return the final answer of a text that states it in a box, behind ``####`` or as "the answer", else the text.

    Calculator annotations are taken out of it.
    """
    if "<<" in text:
        text = ANNOTATION.sub("", text)
    if "\\boxed" in text or "\\fbox" in text or "####" in text or "nswer" in text:
        return extract_answer(text).text or text
    return text
