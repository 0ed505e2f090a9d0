"""Accuracy with its uncertainty: one student, and the same problems before and after training.

Sources: Wilson 1927 for one proportion; Newcombe 1998, "Improved confidence intervals for the difference between
binomial proportions based on paired data", method 10, for the paired difference. Both hold up at 0 %, at 100 % and for
small n, where the usual mean ± 1.96 standard errors does not. Newcombe 1998, "Interval estimation for the difference
between independent proportions: comparison of eleven methods", method 10, where the problems are others. It knows
nothing of tables.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.records import Prediction

Z_95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


def wilson_interval(n_correct: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Return the score interval of a proportion; n must be at least 1."""
    share = n_correct / n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return (0.0 if n_correct == 0 else low), (1.0 if n_correct == n else high)  # exact, not 1e-17


def spearman_interval(rho: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of Spearman's rank correlation of n pairs, at least four (Bonett & Wright 2000)."""
    spread = Z_95 * math.sqrt((1 + rho**2 / 2) / (n - 3))
    centre = math.copysign(math.inf, rho) if math.isclose(abs(rho), 1) else math.atanh(rho)
    return math.tanh(centre - spread), math.tanh(centre + spread)


def paired_difference(
    n_both: int, n_gained: int, n_lost: int, n_neither: int, z: float = Z_95
) -> tuple[float, float, float]:
    """Return the change in accuracy on the same problems, with its interval (Newcombe 1998, method 10).

    Args:
        n_both: right before and after.
        n_gained: wrong before, right after.
        n_lost: right before, wrong after.
        n_neither: wrong before and after.
        z: normal quantile of the interval.

    Returns:
        Difference (after minus before), lower and upper limit, each in [-1, 1].
    """
    n = n_both + n_gained + n_lost + n_neither
    after, before = (n_both + n_gained) / n, (n_both + n_lost) / n
    after_low, after_high = wilson_interval(n_both + n_gained, n, z)
    before_low, before_high = wilson_interval(n_both + n_lost, n, z)
    phi = _paired_correlation(n_both, n_gained, n_lost, n_neither)
    below, above = after - after_low, before_high - before
    low = math.sqrt(max(0.0, below**2 - 2 * phi * below * above + above**2))
    below, above = before - before_low, after_high - after
    high = math.sqrt(max(0.0, below**2 - 2 * phi * below * above + above**2))
    difference = after - before
    return difference, max(-1.0, difference - low), min(1.0, difference + high)


def independent_difference(
    n_right: int, n: int, n_right_other: int, n_other: int, z: float = Z_95
) -> tuple[float, float, float]:
    """Return the difference of two shares of different problems, with its interval (Newcombe 1998, method 10).

    Args:
        n_right: right ones of the first.
        n: of the first, at least 1.
        n_right_other: right ones of the second.
        n_other: of the second, at least 1.
        z: normal quantile of the interval.

    Returns:
        Difference (first minus second), lower and upper limit, each in [-1, 1].
    """
    first, second = n_right / n, n_right_other / n_other
    low, high = wilson_interval(n_right, n, z)
    other_low, other_high = wilson_interval(n_right_other, n_other, z)
    difference = first - second
    return (
        difference,
        difference - math.hypot(first - low, other_high - second),
        difference + math.hypot(high - first, second - other_low),
    )


def _paired_correlation(n_both: int, n_gained: int, n_lost: int, n_neither: int) -> float:
    """Return Newcombe's correlation of the two judgements, moved towards 0 by a continuity correction if positive."""
    product = (n_both + n_gained) * (n_lost + n_neither) * (n_both + n_lost) * (n_gained + n_neither)
    if product == 0:
        return 0.0
    n = n_both + n_gained + n_lost + n_neither
    excess = n_both * n_neither - n_gained * n_lost
    if excess > 0:
        excess = max(excess - n / 2, 0)
    return excess / math.sqrt(product)


def evaluate(before: Sequence[Prediction], after: Sequence[Prediction]) -> dict[str, Any]:
    """Compare two students on the same problems; returns the measured columns of the table ``evaluations``.

    Problems without a reference (``is_correct`` is None) are left out of n. Where nothing can be judged, n is 0 and
    every share is None. For the student before training give the same predictions twice: its difference is 0.

    Raises:
        ValueError: the two do not answer the same problems in the same order.
    """
    if [row.problem_id for row in before] != [row.problem_id for row in after]:
        raise ValueError("before and after must hold the same problems in the same order")
    pairs = [
        (bool(old.is_correct), bool(new.is_correct), new.is_truncated)
        for old, new in zip(before, after, strict=True)
        if old.is_correct is not None and new.is_correct is not None
    ]
    n = len(pairs)
    n_correct = sum(new for _, new, _ in pairs)
    n_gained = sum(new and not old for old, new, _ in pairs)
    n_lost = sum(old and not new for old, new, _ in pairs)
    n_both = n_correct - n_gained
    record: dict[str, Any] = {
        "n": n,
        "n_correct": n_correct,
        "n_gained": n_gained,
        "n_lost": n_lost,
        "n_truncated": sum(is_truncated for _, _, is_truncated in pairs),
    }
    if n == 0:
        return record | dict.fromkeys(
            ("accuracy", "low", "high", "difference", "difference_low", "difference_high"), None
        )
    low, high = wilson_interval(n_correct, n)
    change = paired_difference(n_both, n_gained, n_lost, n - n_both - n_gained - n_lost)
    record |= {"accuracy": n_correct / n, "low": low, "high": high}
    return record | dict(zip(("difference", "difference_low", "difference_high"), change, strict=True))


def correlate_loss_with_error(losses: np.ndarray, correct: np.ndarray) -> float | None:
    """Return Spearman's rank correlation of the own-answer loss with being wrong, in [-1, 1].

    Positive: the student is less sure where it is wrong, so a high loss finds hard problems. None where fewer than
    three answers have both, or where all are right, all are wrong, or all losses are equal.

    Args:
        losses: float64 (n,), NaN: unknown.
        correct: float64 (n,), 1 right, 0 wrong, NaN: not judged.
    """
    import pandas as pd

    known = ~(np.isnan(losses) | np.isnan(correct))
    ranks = pd.DataFrame({"loss": losses[known], "error": 1 - correct[known]}).rank()
    if len(ranks) < 3 or (ranks.nunique() < 2).any():
        return None
    return float(ranks["loss"].corr(ranks["error"]))
