"""The contract of a format: a candidate becomes records, or is left out for a reason; nothing goes without either.

It knows nothing of runs, databases or pages.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.registry import Registry

Record = dict[str, Any]
"""One line of a file: names and plain values."""

TRAIN, VALIDATION = "train", "validation"

NO_QUESTION = "it has no question"
NO_ANSWER = "it has no answer"
KNOWN_WRONG = "its answer is known to be wrong"
NO_WRONG_ANSWER = "no wrong answer to it is known"
NOT_ACCEPTED = "it was rejected, and not for a wrong answer"


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """An answer to a candidate's question that is not the right one."""

    text: str
    source: str
    """student; edit: what a person replaced; candidate: another one that asks the same."""

    is_wrong: bool
    """False: not known to be wrong, only worse than what replaced it."""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A candidate as it stands, edits by hand included."""

    id: str
    """Run and candidate, joined by a slash: no two are alike."""

    question: str | None
    """None: the candidate failed."""

    answer: str | None
    final: str | None
    prompt: str | None
    """What is asked: the question, or the task's prompt with the question in it."""

    gap: str
    """What parts the prompt from the answer where both are one text to a model."""

    is_right: bool | None
    """True: a person accepted it, or the filters did and no person rejected it. False: the answer is meant to be wrong,
    or a person rejected it as wrong. None: neither."""

    wrong: tuple[WrongAnswer, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    """Where it came from and what was said of it: name of a column -> plain value."""


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write candidates down."""

    title: str
    purpose: str
    """What it is for and who reads it, in one sentence or two."""

    suffix: str
    """Of the file; empty: a folder."""

    make: Callable[[ExportRow], list[Record]]
    """Records of one candidate; raises ValueError with a short reason for one that gives none."""

    write: Callable[[Mapping[str, Sequence[Record]], str, Path], None]
    """Writes split -> records, with the card, to a path that is not there yet; a file holds one split and no card."""

    has_prompt: bool = True
    """Whether a record holds what is asked, beside or in place of the bare question."""

    reads_wrong: bool = False
    """Whether wrong answers are looked for."""

    adds_rejected: bool = False
    """Whether candidates that people rejected for a wrong answer come with those that they accepted."""


FORMATS: Registry[Format] = Registry("format")


@dataclass(frozen=True, slots=True)
class Made:
    """The records of a format, and what became of every candidate: ``n_found == n_taken + sum(left_out)``."""

    records: list[Record]
    owners: list[int]
    """Place of the candidate that each record is of."""

    n_found: int
    left_out: Mapping[str, int]
    """Reason -> candidates that gave no record, most first."""

    @property
    def n_taken(self) -> int:
        """Candidates that gave a record or more."""
        return len(set(self.owners))


def make_all(format_: Format, rows: Sequence[ExportRow]) -> Made:
    """Return the records of all rows in their order, and count what is left out with its reason."""
    records, owners, left_out = [], [], Counter()
    for place, row in enumerate(rows):
        try:
            made = _make(format_, row)
        except ValueError as error:
            left_out[str(error)] += 1
            continue
        records += made
        owners += [place] * len(made)
    return Made(records, owners, len(rows), dict(left_out.most_common()))


def _make(format_: Format, row: ExportRow) -> list[Record]:
    if not (row.question or "").strip():
        raise ValueError(NO_QUESTION)
    if not (row.answer or "").strip():
        raise ValueError(NO_ANSWER)
    return format_.make(row)


def require_right(row: ExportRow) -> ExportRow:
    """Return the row; raises ValueError where its answer is known to be wrong, for formats that teach every answer."""
    if row.is_right is False:
        raise ValueError(KNOWN_WRONG)
    return row
