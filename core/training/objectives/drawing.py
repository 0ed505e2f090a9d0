"""What objectives that draw share: one question per problem, distinct answers, right ones apart from wrong ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.training.data import TrainingRow
from core.training.objectives.base import Asking, OwnAnswer, Unused

NO_REFERENCE = "It has no final answer, so own answers to its question cannot be judged."
CUT_OFF = "The token limit cut it off."
REPEATED = "It was drawn before."
UNDECIDED = "It could not be judged."


@dataclass(slots=True)
class Asked:
    """One problem: the first row that asks it, its given answers, and what the student drew."""

    row: TrainingRow
    given: list[str] = field(default_factory=list)
    """Answers of rows with label 1, distinct."""

    wrong: list[str] = field(default_factory=list)
    """Answers of rows with label -1 and rejected ones, distinct."""

    right_draws: list[OwnAnswer] = field(default_factory=list)
    wrong_draws: list[OwnAnswer] = field(default_factory=list)
    """Distinct whole answers, in the order of drawing."""


def group_by_problem(rows: Sequence[TrainingRow]) -> list[Asked]:
    """Return the problems in the order in which they are first asked; a question counts once whatever its rows."""
    found: dict[str, Asked] = {}
    for row in rows:
        asked = found.setdefault(row.question, Asked(row))
        if asked.row.final is None and row.final is not None:
            asked.row = row
        _add(asked.given if row.label > 0 else asked.wrong, row.answer)
        if row.rejected:
            _add(asked.wrong, row.rejected)
    return list(found.values())


def draw_for(problems: Sequence[Asked], asking: Asking, n: int, temperature: float, kept: Iterable[str]) -> None:
    """Let the student answer the problems that have a reference, and sort what it said into right and wrong.

    Answers that repeat one another (blanks apart), were cut off or could not be judged are noted with the reason.

    Args:
        problems: get their draws.
        asking: the student.
        n: answers to each.
        temperature: of the sampling.
        kept: ``right`` and ``wrong``: which of them the objective uses; the others are noted as not used.
    """
    judged = [asked for asked in problems if asked.row.final is not None]
    kept = set(kept)
    for asked, answers in zip(judged, asking.draw([asked.row for asked in judged], n, temperature), strict=True):
        seen: set[str] = set()
        for answer in answers:
            text = " ".join(answer.text.split())
            reason = _find_reason(answer, text in seen, kept)
            seen.add(text)
            asking.note(asked.row, answer, is_kept=reason is None, reason=reason)
            if reason is None:
                (asked.right_draws if answer.is_correct else asked.wrong_draws).append(answer)


def _find_reason(answer: OwnAnswer, is_repeated: bool, kept: set[str]) -> str | None:
    """Return why a drawn answer is not used."""
    if answer.is_truncated:
        return CUT_OFF
    if answer.is_correct is None:
        return UNDECIDED
    if not answer.text.strip():
        return "It is empty."
    if is_repeated:
        return REPEATED
    kind = "right" if answer.is_correct else "wrong"
    return None if kind in kept else f"It is {kind}."


def leave_out_unjudged(problems: Iterable[Asked]) -> list[Unused]:
    """Return the problems without a reference, as left out."""
    return [Unused(asked.row, NO_REFERENCE) for asked in problems if asked.row.final is None]


def _add(texts: list[str], text: str) -> None:
    if text.strip() and text not in texts:
        texts.append(text)
