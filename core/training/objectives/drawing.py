"""What objectives that draw share: one question per problem, distinct answers, right ones apart from wrong ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.counting import counted
from core.training.data import TrainingRow
from core.training.objectives.base import Asking, OwnAnswer, Unused

NO_REFERENCE = "It has no final answer, so own answers to its question cannot be judged."
NO_RIGHT = "It has no right answer to prefer."
NO_WRONG_LEFT = "No wrong answer to its question is left for it to be preferred to."
CUT_OFF = "The token limit cut it off."
REPEATED = "It was drawn before."
UNDECIDED = "It could not be judged."
EMPTY = "It is empty."
NO_ROOM = "Its question fills the student's whole context, so the student has no room for an answer."

UNFIT = (CUT_OFF, REPEATED, UNDECIDED, EMPTY)
"""Reasons for which a drawn answer is of no use to any objective; all others are one objective's own."""


@dataclass(slots=True)
class Draw:
    """One answer that the student drew, and what became of it."""

    answer: OwnAnswer
    reason: str | None = None
    """Why it is not used, one sentence; None: it is."""


@dataclass(slots=True)
class Asked:
    """One problem: the first row that asks it, its given answers, and what the student drew."""

    row: TrainingRow
    rows: list[TrainingRow] = field(default_factory=list)
    """All that ask it."""

    given: list[str] = field(default_factory=list)
    """Answers of rows with label 1, distinct."""

    wrong: list[str] = field(default_factory=list)
    """Answers of rows with label -1 and rejected ones, distinct."""

    draws: list[Draw] = field(default_factory=list)
    """In the order of drawing."""

    @property
    def has_no_room(self) -> bool:
        """Whether the question is so long that the student could not say a word: every draw was cut off empty."""
        return bool(self.draws) and not any(draw.answer.text or not draw.answer.is_truncated for draw in self.draws)

    def list_fit(self, *, is_correct: bool) -> list[Draw]:
        """Return the right (or wrong) draws that nothing speaks against so far: whole and distinct."""
        return [draw for draw in self.draws if draw.reason is None and draw.answer.is_correct is is_correct]


def group_by_problem(rows: Sequence[TrainingRow]) -> list[Asked]:
    """Return the problems in the order in which they are first asked; a question counts once whatever its rows."""
    found: dict[str, Asked] = {}
    for row in rows:
        asked = found.setdefault(row.question, Asked(row))
        if asked.row.final is None and row.final is not None:
            asked.row = row
        asked.rows.append(row)
        _add(asked.given if row.label > 0 else asked.wrong, row.answer)
        if row.rejected:
            _add(asked.wrong, row.rejected)
    return list(found.values())


def draw_for(problems: Sequence[Asked], asking: Asking, n: int, temperature: float, kept: Iterable[str]) -> None:
    """Let the student answer the problems that have a reference.

    Answers that repeat one another (blanks apart), were cut off or could not be judged get the reason.

    Args:
        problems: get their draws.
        asking: the student.
        n: answers to each.
        temperature: of the sampling.
        kept: ``right`` and ``wrong``: which of them the objective uses; the others get that as the reason.
    """
    judged = [asked for asked in problems if asked.row.final is not None]
    if not judged:
        return  # nobody opened the student, for nothing is to be drawn
    kept = set(kept)
    for asked, answers in zip(judged, asking.draw([asked.row for asked in judged], n, temperature), strict=True):
        seen: set[str] = set()
        for answer in answers:
            text = " ".join(answer.text.split())
            asked.draws.append(Draw(answer, _find_reason(answer, text in seen, kept)))
            seen.add(text)


def note_draws(problems: Iterable[Asked], asking: Asking) -> None:
    """Record every drawn answer once, with what became of it; called when the objective has made its choice."""
    for asked in problems:
        for draw in asked.draws:
            asking.note(asked.row, draw.answer, is_kept=draw.reason is None, reason=draw.reason)


def _find_reason(answer: OwnAnswer, is_repeated: bool, kept: set[str]) -> str | None:
    """Return why a drawn answer is not used."""
    if answer.is_truncated:
        return CUT_OFF
    if answer.is_correct is None:
        return UNDECIDED
    if not answer.text.strip():
        return EMPTY
    if is_repeated:
        return REPEATED
    kind = "right" if answer.is_correct else "wrong"
    return None if kind in kept else f"It is {kind}."


def say_none(n: int, kind: str) -> str:
    """Return that none of n own answers was ``right``, or ``wrong``."""
    none = "The one own answer was not" if n == 1 else f"None of {n:,} own answers was"
    return f"{none} {kind} (and whole)."


def say_most(n: int, kind: str, what: str) -> str:
    """Return that n ``right`` (or ``wrong``) answers to a question are ``used`` (or ``looked at``), and no more."""
    verb = "is" if n == 1 else "are"
    return f"{counted(n, f'{kind} answer')} to its question {verb} {what}, the most of one."


def find_commonest(unused: Sequence[Unused]) -> str:
    """Return the reason that most problems have for which nothing was made of them."""
    return Counter(each.reason for each in unused).most_common(1)[0][0]


def _add(texts: list[str], text: str) -> None:
    if text.strip() and text not in texts:
        texts.append(text)
