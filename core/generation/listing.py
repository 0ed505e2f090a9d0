"""Finds the responses in a reply's JSON, under whatever names and in whatever shape the teacher put them.

Known shapes: an object with a list in it, a bare list, objects one after the other, numbered fields. It knows nothing
of how many responses were asked for, nor of what they say.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.generation.loose_json import Bare, CutObject, Found, LooseReader, escapes_backslashes

MAX_RESTARTS = 20
"""Opening brackets tried behind one that the end of the text broke off before it held anything."""

MAX_OPENINGS = 2_000
"""Opening brackets tried in all: no reply that holds anything has more in front of it."""

ASKED_KEYS = ("text", "response")
"""The names that the forms ask for."""

PLAIN_KEYS = (*ASKED_KEYS, "content", "output", "item", "instance")
QUESTION_KEYS = ("question", "problem", "instruction")
ANSWER_KEYS = ("answer", "solution")
PROBABILITY_KEYS = ("probability", "confidence", "prob", "p", "likelihood", "score")
REASONING_KEYS = ("reasoning", "thoughts", "thinking", "rationale")

_START = re.compile(r"[{\[]")
_WORD = re.compile(r"[-+$]?[\w./%]+")
_NUMBERED = re.compile(r"\D*\d{1,3}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One response as the reply has it."""

    text: str
    probability: str | None
    """As it was written; None where nothing is stated."""


@dataclass(slots=True)
class Listed:
    """The responses of one JSON value, those left out that an error or the end of the text broke off."""

    entries: Sequence[Entry] = ()
    reasoning: str | None = None
    repairs: frozenset[str] = frozenset()
    is_whole: bool = True
    reaches_end: bool = False
    """True where the end of the text broke the value off."""

    is_single: bool = False
    """True for an object that stands by itself and is one response."""


def find_listed(text: str, wants_answer: bool = False) -> Listed:
    """Return what a reply lists; of several lists (a draft, then the final one) the longest, of equal ones the last.

    Args:
        text: the reply.
        wants_answer: responses are answers, not questions: decides which field counts where a response has both.
    """
    lister = Lister(wants_answer)
    reader, at, n_restarts = LooseReader(text, escapes_backslashes(_cut_around(text))), 0, 0
    found: list[Listed] = []
    for _ in range(MAX_OPENINGS):
        if (start := _START.search(text, at)) is None:
            break
        value = reader.read(start.start())
        at = value.end
        listed = lister.list_entries(value)
        if listed.entries:
            _add(found, listed)
        elif value.reaches_end:
            n_restarts += 1
            if n_restarts > MAX_RESTARTS:
                break
            at = start.end()
    return max(reversed(found), key=lambda each: len(each.entries), default=Listed())


def _cut_around(text: str) -> str:
    """Return the text from its first opening to its last closing bracket, or to its end."""
    start = _START.search(text)
    return text[start.start() if start else 0 : max(text.rfind("}"), text.rfind("]")) + 1 or len(text)]


def _add(found: list[Listed], listed: Listed) -> None:
    """Add what a value lists; single objects join those before them, and go on where an error broke a list off."""
    if found and listed.is_single and (found[-1].is_single or not found[-1].is_whole):
        last = found[-1]
        last.entries = [*last.entries, *listed.entries]
        last.repairs |= listed.repairs | {"responses without a list around them"}
        last.reaches_end = listed.reaches_end
    else:
        found.append(listed)


@dataclass(frozen=True, slots=True)
class Lister:
    """Reads the values of one reply."""

    wants_answer: bool

    def list_entries(self, found: Found) -> Listed:
        """Return the responses of a value, none where it holds none."""
        value, reasoning, is_single = found.value, None, False
        raw: Sequence[Any] = ()
        if isinstance(value, list):
            raw = value
        elif isinstance(value, dict):
            reasoning = find_field(value, REASONING_KEYS)
            raw, is_single = self._pick_inner(value)
        pairs = [(self.read_entry(each), each) for each in raw]
        entries = [entry for entry, _ in pairs if entry is not None]
        repairs = found.repairs
        if any(entry is None and isinstance(each, dict) for entry, each in pairs) and entries and not found.reaches_end:
            repairs |= {"a response that cannot be read"}
        if any(isinstance(each, dict) and not find_field(each, ASKED_KEYS) for entry, each in pairs if entry):
            repairs |= {"other names of fields"}
        if not reasoning:
            firsts = (find_field(each, REASONING_KEYS) for entry, each in pairs if entry and isinstance(each, dict))
            reasoning = next(filter(None, firsts), None)
        return Listed(entries, reasoning, repairs, found.is_whole, found.reaches_end, is_single)

    def _pick_inner(self, value: Mapping[str, Any]) -> tuple[Sequence[Any], bool]:
        """Return what of an object may be responses, and whether that is the object itself."""
        for inner in value.values():
            if isinstance(inner, list) and any(map(self.read_entry, inner)):
                return inner, False
        numbered = [inner for key, inner in value.items() if _NUMBERED.fullmatch(key) and self.read_entry(inner)]
        if len(numbered) > 1:
            return numbered, False
        return [value], True

    def read_entry(self, value: Any) -> Entry | None:
        """Return a response: of a string in quotes, or of an object that holds one and was not broken off."""
        if isinstance(value, str):
            return None if isinstance(value, Bare) else Entry(value, None)
        if not isinstance(value, dict) or isinstance(value, CutObject):
            return None
        text = self._read_text(value)
        stated = find_field(value, PROBABILITY_KEYS)
        return None if text is None else Entry(str(text), None if stated is None else str(stated))

    def _read_text(self, entry: Mapping[str, Any]) -> str | None:
        """Return the text of a response; None where an object holds none.

        A question in several fields (``question`` and ``difficulty``, ``context`` and ``question``) becomes labelled
        lines, so that its task finds the labels; an answer that a question brings unasked is left out.
        """
        if (plain := find_field(entry, PLAIN_KEYS)) is not None:
            return plain if _is_text(plain) else None
        inner = next((each for key, each in entry.items() if key.casefold() in PLAIN_KEYS and type(each) is dict), None)
        if inner is not None:
            return self._read_text(inner)
        wanted, others = (ANSWER_KEYS, QUESTION_KEYS) if self.wants_answer else (QUESTION_KEYS, ANSWER_KEYS)
        named = find_field(entry, wanted)
        if named is None:
            named = find_field(entry, others)
            return named if named is None or _is_text(named) else None
        if self.wants_answer or not _is_text(named):
            return named if _is_text(named) else None
        aside = {*PROBABILITY_KEYS, *REASONING_KEYS, *ANSWER_KEYS}
        lines = [
            f"{key}: {value}"
            for key, value in entry.items()
            if isinstance(value, str) and not isinstance(value, Bare) and key.casefold() not in aside
        ]
        return "\n".join(lines) if len(lines) > 1 else named


def find_field(entry: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """Return the string, number or word under the first of these names that the object has, as it was written."""
    by_name = {key.casefold().strip(): value for key, value in entry.items() if isinstance(value, str)}
    return next((by_name[name] for name in names if name in by_name), None)


def _is_text(value: str) -> bool:
    """Say whether a value can be a whole response: text without quotes may have ended at its first comma."""
    return not isinstance(value, Bare) or _WORD.fullmatch(value) is not None
