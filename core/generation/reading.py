"""Reads replies into exactly as many responses as were asked for: what each says, how probable it was said to be.

Tolerant, and never in silence: what had to be forgiven is named, what is missing is an item with a reason, what was not
asked for is counted. It knows nothing of tasks; whether a response holds a usable question is for the task to say.
"""

import math
import re
from dataclasses import dataclass, replace
from typing import Any

from core.generation.listing import Entry, Listed, find_listed

_PERCENT = re.compile(r"(.*\d)\s*%")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Item:
    """One response of a reply, or the reason why there is none."""

    text: str | None
    failure: str | None = None
    """Why there is no text, in one sentence."""

    probability: float | None = None
    """From 0 to 1; None where none was asked for, none was stated, or what was stated is none."""

    probability_stated: str | None = None
    """What was written as the probability, untouched."""

    probability_fault: str | None = None
    """Why what was stated is no probability, in one sentence."""

    reasoning: str | None = None
    """What the teacher wrote first, where the form asks for that."""


@dataclass(frozen=True, slots=True)
class ReadReply:
    """The responses of one reply, exactly as many as were asked for."""

    items: tuple[Item, ...]
    n_surplus: int = 0
    """Responses beyond those asked for; left out."""

    repairs: tuple[str, ...] = ()
    """What had to be forgiven, a few words each, sorted."""


def read_plain(text: str) -> ReadReply:
    """Return a reply that is one response as a whole."""
    stripped = text.strip()
    return ReadReply((Item(stripped) if stripped else Item(None, "The reply is empty."),))


def read_items(
    text: str, n_items: int, *, has_probability: bool = False, is_cut: bool = False, wants_answer: bool = False
) -> ReadReply:
    """Return the responses that a reply lists as JSON, in its order; the first ``n_items`` are kept.

    A response that repeats an earlier one of the same reply is an item with that failure.

    Args:
        text: the reply.
        n_items: responses asked for, at least 1.
        has_probability: whether each response was to state one.
        is_cut: whether the server says that the reply hit its token limit.
        wants_answer: whether responses are answers, not questions; see ``find_listed``.
    """
    listed = find_listed(text, wants_answer)
    seen: set[str] = set()
    items = [
        refuse_repeat(_to_item(entry, listed.reasoning, has_probability), seen) for entry in listed.entries[:n_items]
    ]
    missing = Item(None, _explain_missing(len(items), n_items, is_cut, listed), reasoning=listed.reasoning)
    n_surplus = max(0, len(listed.entries) - n_items)
    return ReadReply((*items, *[missing] * (n_items - len(items))), n_surplus, tuple(sorted(listed.repairs)))


def read_probability(stated: Any) -> tuple[float | None, str | None]:
    """Return a stated probability as a number from 0 to 1, or None and one sentence; nothing is clipped.

    "5%" is 0.05; "NaN", "1/20", "~0.1" and "high" are no numbers.
    """
    text = "" if stated is None else str(stated).strip()
    if not text:
        return None, "No probability is stated."
    percent = _PERCENT.fullmatch(text)
    digits = percent[1].strip() if percent else text
    value = float(digits) if _NUMBER.fullmatch(digits) else math.nan
    if not math.isfinite(value):
        return None, f"The stated probability {text[:40]!r} is no number."
    value = value / 100 if percent else value
    if not 0 <= value <= 1:
        return None, f"The stated probability {text[:40]} is {'below 0' if value < 0 else 'above 1'}."
    return value, None


def refuse_repeat(item: Item, seen: set[str]) -> Item:
    """Return the item, as a failure where its text was seen before; adds its text to those seen."""
    if item.text is None:
        return item
    key = " ".join(item.text.split()).casefold()
    if key in seen:
        return replace(item, text=None, failure="The teacher gave the same response before in this call.")
    seen.add(key)
    return item


def fail_all(n_items: int, failure: str) -> ReadReply:
    """Return as many items with the same failure."""
    return ReadReply((Item(None, failure),) * n_items)


def _to_item(entry: Entry, reasoning: str | None, has_probability: bool) -> Item:
    text = entry.text.strip()
    item = Item(text or None, None if text else "The response is empty.", reasoning=reasoning)
    if not has_probability:
        return item
    value, fault = read_probability(entry.probability)
    return replace(item, probability=value, probability_stated=entry.probability, probability_fault=fault)


def _explain_missing(n_found: int, n_items: int, is_cut: bool, listed: Listed) -> str:
    """Return why the items after the last one found are missing."""
    counted = f"{n_found} of the {n_items} responses"
    if is_cut:
        return f"The reply was cut off at its token limit; it holds {counted} in full."
    if not n_found:
        return "The reply holds no JSON with a response that can be read."
    if listed.reaches_end:
        return f"The reply ends in the middle; it holds {counted} in full."
    if not listed.is_whole:
        return f"The reply's JSON is broken; {counted} can be read."
    return f"The reply holds only {counted} that were asked for."
