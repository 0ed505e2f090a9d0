"""What an evaluation says: each student's accuracy, the paired change between two, and both by type and level.

Every number has its n and a 95 % interval. With one answer a problem the intervals are Wilson's; with several the
problems are resampled, since answers to one problem are no independent evidence (but where no answer or every answer is
right, Wilson's of as many problems). It knows nothing of files, of tasks
or of how an answer was judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.analysis.accuracy import paired_difference, wilson_interval
from core.analysis.paired import bootstrap_mean, mcnemar
from core.analysis.votes import list_ks, pass_at_k

FIELDS = ("split", "type", "level", "n_steps")
"""Fields of a problem by which accuracy is told apart, where a set has them."""

MAX_GROUPS = 30
"""Distinct values above which a field names single problems rather than kinds of them."""


@dataclass(frozen=True, slots=True)
class Marks:
    """How one student's answers to n problems were judged, s answers each; unknown is NaN."""

    is_correct: np.ndarray
    """(n, s) float64: 1 right, 0 wrong, NaN where it could not be judged."""

    votes: np.ndarray | None = None
    """(n,) float64: the same of the majority's answer; None where there is one answer a problem."""

    n_tied: int = 0
    """Problems whose vote was tied."""

    @property
    def n_samples(self) -> int:
        """Return s."""
        return self.is_correct.shape[1]

    @property
    def shares(self) -> np.ndarray:
        """Return (n,) the share of right answers to each problem among those that were judged; NaN without any."""
        known = ~np.isnan(self.is_correct)
        n_known = known.sum(axis=1)
        n_right = np.where(known, self.is_correct, 0.0).sum(axis=1)
        return np.divide(n_right, n_known, out=np.full(len(n_known), np.nan), where=n_known > 0)

    @property
    def single(self) -> np.ndarray:
        """Return (n,) one judgement a problem: of its one answer, or of the majority's."""
        return self.is_correct[:, 0] if self.votes is None else self.votes


def measure_accuracy(marks: Marks) -> dict[str, Any]:
    """Return ``n`` problems judged, ``accuracy`` (mean@s: the mean share of right answers), ``low`` and ``high``.

    All three are None where nothing was judged.
    """
    return _describe(marks.shares, is_binary=marks.n_samples == 1)


def measure_samples(marks: Marks) -> dict[str, Any]:
    """Return what several answers a problem say; nothing where there is one.

    Returns:
        ``pass_at``: k, n, accuracy, low, high for each k (Chen 2021; n: problems with at least k judged answers); and
        ``majority``: n, accuracy, low, high, n_tied (maj@s, Wang 2023).
    """
    if marks.votes is None:
        return {}
    n_known = (~np.isnan(marks.is_correct)).sum(axis=1)
    n_right = np.nansum(marks.is_correct, axis=1).astype(int)
    passes = []
    for k in list_ks(marks.n_samples):
        pairs = zip(n_known.tolist(), n_right.tolist(), strict=True)
        values = np.array([pass_at_k(n, right, k) for n, right in pairs if n >= k], dtype=np.float64)
        passes.append({"k": k, **_describe(values, is_binary=False)})
    majority = {**_describe(marks.votes, is_binary=True), "n_tied": marks.n_tied}
    return {"pass_at": passes, "majority": majority}


def compare_marks(before: Marks, after: Marks) -> dict[str, Any]:
    """Compare two students on the same problems, in the same order.

    Problems that either was not judged on are left out of n. A problem is gained where the share of right answers rose
    and lost where it fell. McNemar's test is of one judgement a problem: the answer, or the majority's.

    Returns:
        ``n``, ``accuracy_before``, ``accuracy_after``, ``difference`` with its bootstrap interval ``low``, ``high``;
        ``n_gained``, ``n_lost``, ``n_unchanged``; ``p_value`` of McNemar's exact test with its ``n_test_gained`` and
        ``n_test_lost``; ``newcombe_low``, ``newcombe_high`` (None with several answers a problem). Shares are None
        where n is 0.
    """
    old, new = before.shares, after.shares
    known = ~np.isnan(old) & ~np.isnan(new)
    change = new[known] - old[known]
    counts = {
        "n": int(known.sum()),
        "n_gained": int((change > 0).sum()),
        "n_lost": int((change < 0).sum()),
        "n_unchanged": int((change == 0).sum()),
    }
    found = bootstrap_mean(change)
    if found is None:
        names = ("accuracy_before", "accuracy_after", "difference", "low", "high", "p_value")
        return counts | dict.fromkeys((*names, "n_test_gained", "n_test_lost", "newcombe_low", "newcombe_high"))
    pair = before.single, after.single
    gained, lost = int(((pair[0] == 0) & (pair[1] == 1)).sum()), int(((pair[0] == 1) & (pair[1] == 0)).sum())
    newcombe: tuple[float | None, float | None] = (None, None)
    if before.votes is None and after.votes is None:
        n_both = int((old[known] + new[known] == 2).sum())
        newcombe = paired_difference(n_both, gained, lost, counts["n"] - n_both - gained - lost)[1:]
    return counts | {
        "accuracy_before": float(old[known].mean()),
        "accuracy_after": float(new[known].mean()),
        **dict(zip(("difference", "low", "high"), found, strict=True)),
        "p_value": mcnemar(gained, lost),
        "n_test_gained": gained,
        "n_test_lost": lost,
        "newcombe_low": newcombe[0],
        "newcombe_high": newcombe[1],
    }


def measure_groups(problems: Sequence[Mapping[str, Any]], students: Mapping[str, Marks]) -> list[dict[str, Any]]:
    """Return each student's accuracy by ``FIELDS``: ``field``, ``value``, ``student``, ``n``, ``accuracy``, low, high.

    A field is left out where all problems have the same value, or more than MAX_GROUPS of them. Problems without a
    value are a group of their own, ``value`` None. Numbers come in order, then words.

    Args:
        problems: (n,) fields of each problem.
        students: name -> judgements, aligned with the problems.
    """
    rows = []
    for field in FIELDS:
        values = [_tidy(problem.get(field)) for problem in problems]
        distinct = sorted(set(values), key=_order)
        if not 2 <= len(distinct) <= MAX_GROUPS:
            continue
        for value in distinct:
            is_member = np.array([other == value for other in values])
            for student, marks in students.items():
                found = _describe(marks.shares[is_member], is_binary=marks.n_samples == 1)
                rows.append({"field": field, "value": value, "student": student, **found})
    return rows


def _describe(values: np.ndarray, *, is_binary: bool) -> dict[str, Any]:
    """Return n, accuracy, low, high of the known values among these."""
    known = values[~np.isnan(values)]
    if not len(known):
        return {"n": 0, "accuracy": None, "low": None, "high": None}
    if is_binary or known.max() == 0 or known.min() == 1:  # resamples of like shares would see no uncertainty
        low, high = wilson_interval(int(known.sum()), len(known))
        return {"n": len(known), "accuracy": float(known.mean()), "low": low, "high": high}
    return {"n": len(known), **dict(zip(("accuracy", "low", "high"), bootstrap_mean(known), strict=True))}


def _tidy(value: Any) -> str | None:
    """Return a field's value as text; None where there is none."""
    if value is None or value == "" or value != value or isinstance(value, list | dict):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _order(value: str | None) -> tuple[int, float, str]:
    if value is None:
        return 2, 0.0, ""
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value
