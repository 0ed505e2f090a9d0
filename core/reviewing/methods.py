"""Which prompting methods people reject more often than others: what a method brings, no choice of seeds mends."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.analysis.accuracy import wilson_interval


@dataclass(frozen=True, slots=True)
class MethodVerdicts:
    """What people said of the candidates of one method."""

    method: str
    n_judged: int
    n_rejected: int

    @property
    def share(self) -> float:
        """Share of the judged ones that were rejected."""
        return self.n_rejected / self.n_judged


def count_verdicts(judged: pd.DataFrame) -> list[MethodVerdicts]:
    """Return the verdicts on each method, those rejected most often first.

    Args:
        judged: a row per judged candidate: method, is_kept (accepted or edited).
    """
    groups = judged.groupby("method")["is_kept"]
    found = [MethodVerdicts(str(name), len(kept), int((~kept.astype(bool)).sum())) for name, kept in groups]
    return sorted(found, key=lambda each: (-each.share, each.method))


def find_rejected_methods(verdicts: Sequence[MethodVerdicts]) -> list[MethodVerdicts]:
    """Return the methods that are rejected more often than all others together, by more than chance explains.

    The 95 % intervals (Wilson) of the two shares do not meet: stricter than a test at that level, so that few verdicts
    accuse nobody. With one method there is nothing to compare it with.
    """
    n, n_rejected = sum(each.n_judged for each in verdicts), sum(each.n_rejected for each in verdicts)
    return [
        each
        for each in verdicts
        if each.n_judged < n
        and wilson_interval(each.n_rejected, each.n_judged)[0]
        > wilson_interval(n_rejected - each.n_rejected, n - each.n_judged)[1]
    ]
