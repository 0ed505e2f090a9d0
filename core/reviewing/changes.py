"""One fix for many candidates: what a person changed in one, found in others, changed there, and checked again.

A change is literal: a text in place of another, never a pattern. It knows nothing of stores or pages.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import RunError
from core.tasks.base import Task

PLACES = ("both", "question", "answer")

LONGEST = 80
"""Characters of a phrase that is offered as a change; a text written anew is no change that others could have."""

LEAST_COMMON = 0.5
"""Share of common words below which a text counts as written anew."""

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Change:
    """A text in place of another."""

    find: str
    replace: str
    place: str = "both"
    """One of PLACES."""

    is_whole: bool = True
    """Whether ``find`` must not be a part of a longer word."""

    def __post_init__(self) -> None:
        if not self.find.strip():
            raise RunError("Say which text is to be changed.")
        if self.find == self.replace:
            raise RunError("The two texts are the same, so nothing would change.")

    def apply(self, text: str) -> str:
        """Return the text with every place changed."""
        pattern = re.escape(self.find)
        if self.is_whole:
            pattern = rf"(?<!\w){pattern}" if self.find[0].isalnum() else pattern
            pattern = rf"{pattern}(?!\w)" if self.find[-1].isalnum() else pattern
        return re.sub(pattern, lambda _: self.replace, text)


@dataclass(frozen=True, slots=True)
class Changed:
    """A candidate as it would be."""

    run_id: str
    candidate_id: str
    question: str
    answer: str
    final: str | None
    before: tuple[str, str]
    """Question and answer as they are."""

    fault: str | None
    """Why the answer does not hold after the change, in one sentence; None: no fault is found."""

    is_new_fault: bool
    """Whether no fault was found before."""


def plan_change(rows: Iterable[Mapping[str, Any]], change: Change, task: Task) -> list[Changed]:
    """Return the candidates that a change would touch, as they would be, checked by their task's rules.

    Args:
        rows: run_id, candidate_id, question, answer, and meta (a mapping or None); one without a text is passed over.
        change: what is changed.
        task: of the candidates.
    """
    found = []
    for row in rows:
        if not (row["question"] and row["answer"]):
            continue
        texts = {name: row[name] for name in ("question", "answer")}
        after = {name: change.apply(text) if change.place in ("both", name) else text for name, text in texts.items()}
        if after == texts or not all(text.strip() for text in after.values()):
            continue
        fault = task.find_fault(after["question"], after["answer"], row["meta"] or {})
        is_new = fault is not None and task.find_fault(*texts.values(), row["meta"] or {}) is None
        final = task.extract_final(after["answer"])
        about = (row["run_id"], row["candidate_id"], after["question"], after["answer"], final)
        found.append(Changed(*about, (texts["question"], texts["answer"]), fault, is_new))
    return found


def derive_changes(before: str, after: str) -> list[tuple[str, str]]:
    """Return the phrases that a person changed in a text, with what stands there now: word by word, whole words.

    What was only put in or only taken away has no phrase that other texts could have, and is left out, as is what is
    longer than LONGEST.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    found: list[tuple[str, str]] = []
    if matcher.ratio() < LEAST_COMMON:
        return found
    for kind, low, high, start, end in _join_close(matcher.get_opcodes(), old):
        phrase, other = "".join(old[low:high]).strip(), "".join(new[start:end]).strip()
        if kind != "equal" and phrase and other and phrase != other and max(len(phrase), len(other)) <= LONGEST:
            found.append((phrase, other))
    return list(dict.fromkeys(found))


def _join_close(codes: Sequence[tuple[str, int, int, int, int]], old: Sequence[str]) -> list[tuple]:
    """Return difflib's steps with changes that only blanks part made one."""
    joined: list[tuple] = []
    for code in codes:
        kind, low, high, _, end = code
        is_gap = kind == "equal" and not "".join(old[low:high]).strip()
        if joined and joined[-1][0] != "equal" and (is_gap or kind != "equal"):
            first = joined.pop()
            joined.append(("replace", first[1], high, first[3], end))
        else:
            joined.append(code)
    return joined
