"""How far two judges of the same answers agree: our checker and a grader.

Source: Cohen 1960 for kappa, the agreement beyond what their rates alone would bring about. It knows nothing of how
either of them judges.
"""

from collections.abc import Sequence
from typing import Any

from core.analysis.accuracy import wilson_interval


def measure_agreement(checker: Sequence[bool | None], grader: Sequence[bool | None]) -> dict[str, Any]:
    """Compare two judges answer by answer; those that one of them left open are left out of n.

    Returns:
        ``n``, ``n_both_right``, ``n_both_wrong``, ``n_only_checker`` (right for the checker alone), ``n_only_grader``;
        ``share`` of agreement with its 95 % interval ``low``, ``high`` (Wilson), and ``kappa`` in [-1, 1], None where
        n is 0 or where both call every answer the same, so that there is nothing beyond chance.
    """
    pairs = [
        (bool(ours), bool(theirs))
        for ours, theirs in zip(checker, grader, strict=True)
        if ours is not None and theirs is not None
    ]
    n, both, neither = len(pairs), pairs.count((True, True)), pairs.count((False, False))
    only_checker, only_grader = pairs.count((True, False)), pairs.count((False, True))
    record: dict[str, Any] = {
        "n": n,
        "n_both_right": both,
        "n_both_wrong": neither,
        "n_only_checker": only_checker,
        "n_only_grader": only_grader,
    }
    if n == 0:
        return record | dict.fromkeys(("share", "low", "high", "kappa"))
    share = (both + neither) / n
    low, high = wilson_interval(both + neither, n)
    by_chance = (
        (both + only_checker) * (both + only_grader) + (neither + only_grader) * (neither + only_checker)
    ) / n**2
    kappa = None if by_chance == 1 else (share - by_chance) / (1 - by_chance)
    return record | {"share": share, "low": low, "high": high, "kappa": kappa}
