"""A filter as a person writes it in a shell: ``review=kept,type=fractions``; the fields are those of a page's address.

It says what is wrong with one in a sentence, and knows nothing of what is done with what the filter finds.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.errors import RunError
from core.records import REASONS
from core.store.areas import is_area
from core.store.queue_filter import ANSWERS, KEPT, ORDERS, REVIEWS, QueueFilter

ANYTHING = "any"
"""What is written for a status that may be anything; an empty value says the same."""

STATUSES = ("accepted", "rejected", "failed", ANYTHING)
CHOICES = {
    "review": REVIEWS,
    "status": STATUSES,
    "answer": tuple(ANSWERS),
    "order": tuple(ORDERS),
    "reason": tuple(REASONS),
}
"""Field -> its values, where these are known without looking."""

OPEN = ("method", "teacher", "selector", "type", "rejected_by", "reviewer", "search", "seed", "area")
"""Fields whose values depend on the home."""

NUMBERS = ("round", "sample")
FIELDS = (*CHOICES, *OPEN, *NUMBERS)
USUAL = QueueFilter(review=KEPT, status="")
"""What leaves a home where nobody says otherwise: what a person accepted, whatever the filters said of it."""

_NEXT = re.compile(rf",(?=\s*(?:{'|'.join(FIELDS)})\s*=)")


def read_filter(texts: Iterable[str], run_ids: Sequence[str] = ()) -> QueueFilter:
    """Return the filter that the texts ask for together; what none of them names is as in USUAL.

    Where ``review`` is named and is not kept, ``status`` is accepted until it is named too, as on the page.

    Args:
        texts: ``NAME=VALUE``, several parted by commas; a comma that no known ``NAME=`` follows belongs to the value.
        run_ids: only of these runs; none: of all.

    Raises:
        RunError: a field or value that there is not, or a field that is named twice.
    """
    found: dict[str, Any] = {}
    for part in (part for text in texts for part in _NEXT.split(text) if part.strip()):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not sign or name not in FIELDS:
            raise RunError(f"The filter {part.strip()!r} is no NAME=VALUE with one of the names {', '.join(FIELDS)}.")
        if name in found:
            raise RunError(f"The filter names {name} twice; one value is looked for at a time.")
        found[name] = _read_value(name, value)
    usual = {"review": USUAL.review} if "review" not in found else {}
    if usual or found["review"] == KEPT:
        usual["status"] = USUAL.status
    return QueueFilter(**{"run": ",".join(run_ids), **usual, **found})


def _read_value(name: str, value: str) -> Any:
    if name in NUMBERS:
        if not (value.isascii() and value.isdigit()) or not int(value):
            raise RunError(f"The filter's {name} is a whole number from 1, not {value!r}.")
        return int(value)
    if name == "status" and value in ("", ANYTHING):
        return ""
    if name == "area" and not is_area(value):
        raise RunError(f"The filter's area is copied from the address of a map, MAP:x,y;x,y;x,y, and not {value!r}.")
    if name in CHOICES and value not in CHOICES[name]:
        raise RunError(f"The filter's {name} cannot be {value!r}; known: {', '.join(CHOICES[name])}.")
    return value


def check_known(asked: QueueFilter, there: Mapping[str, Sequence[Any]]) -> None:
    """Raise RunError where a filter asks for a method, teacher, type, ... that no candidate has.

    Args:
        asked: the filter.
        there: field -> its values among the candidates, as ``Store.list_choices`` has them.
    """
    for name, values in there.items():
        value = getattr(asked, name)
        if value not in ("", None) and value not in values:
            known = ", ".join(str(each) for each in values) or "none"
            raise RunError(f"No candidate has the {name} {str(value)!r}; there are: {known}.")


def write_filter(asked: QueueFilter) -> str:
    """Return a filter as ``read_filter`` reads it; runs, and whose own queue it is, are not part of it."""
    usual = read_filter([f"review={asked.review}"])
    pairs = [("review", asked.review)]
    pairs += [
        (name, getattr(asked, name) or ANYTHING)
        for name in FIELDS
        if name != "review" and getattr(asked, name) != getattr(usual, name)
    ]
    return ",".join(f"{name}={value}" for name, value in pairs)


def list_options(asked: QueueFilter) -> list[str]:
    """Return the options of a command that takes out what a filter finds: its runs, and itself."""
    runs = ["--run", *asked.run.split(",")] if asked.run else []
    return [*runs, "--where", write_filter(asked)]
