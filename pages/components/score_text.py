"""Scores in words: rates in per cent, verdicts as right or wrong, all others with three digits and their unit."""

from collections.abc import Mapping

from core.signals import SIGNALS
from pages.components import numbers

VERDICTS = ("correct", "grade")
"""Signals that are 1 for right and 0 for wrong."""

NOT_KNOWN = "not known"
WORDS = {1.0: "right", 0.0: "wrong"}


_MARKS = {
    "right": ":green[:material/check: right]",
    "wrong": ":red[:material/close: wrong]",
    NOT_KNOWN: ":gray[:material/help: not known]",
}


def say_verdict(value: float | bool | None) -> str:
    """Return ``right``, ``wrong``, or ``not known``."""
    return NOT_KNOWN if numbers.is_missing(value) else WORDS[float(value)]


def mark_verdict(value: float | bool | None) -> str:
    """Return a verdict as Markdown with its icon and colour."""
    return _MARKS[say_verdict(value)]


def say_score(name: str, scores: Mapping[str, float | None], *, has_unit: bool = True) -> str:
    """Return a signal's value as people read it, with what stands behind it; a dash where it is unknown.

    Args:
        name: of the signal.
        scores: signal, or number behind one (``solve_rate_low``, ``judge_teacher``) -> value.
        has_unit: whether the unit is said as well; verdicts and rates say it themselves.
    """
    value = scores.get(name)
    if numbers.is_missing(value):
        return numbers.MISSING
    if name in VERDICTS:
        return say_verdict(value)
    if name == "solve_rate":
        between = numbers.interval(scores.get("solve_rate_low"), scores.get("solve_rate_high"))
        return f"{numbers.percent(value)} ({between})"
    text, signal = numbers.loss(value).replace("-", "−"), SIGNALS.get(name)
    if has_unit:
        text = f"length {text}" if signal.is_vector else f"{text} {signal.unit}".strip()
    if name == "judge" and not numbers.is_missing(scores.get("judge_teacher")):
        behind = [numbers.loss(scores.get(f"judge_{who}")) for who in ("teacher", "student")]
        return f"{text} (teacher {behind[0]}, student {behind[1]}, of 10)"
    return text
