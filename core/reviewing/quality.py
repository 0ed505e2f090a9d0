"""How good the candidates are that nobody has read yet, by those that were: a share with its interval.

Only what was drawn by chance tells of the rest. Sources: Cochran 1977 (section 5.4) for strata; Korn & Graubard 1998
for an interval of Wilson's with the effective size of a stratified sample.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from core.analysis.accuracy import wilson_interval
from core.analysis.agreement import measure_agreement

TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share of the candidates with its 95 % interval."""

    n_read: int
    """Candidates that were drawn by chance and judged."""

    n_all: int
    share: float | None
    """0 to 1; None where nothing was read."""

    low: float | None
    high: float | None
    strata: tuple[tuple[str, int, int, float], ...] = ()
    """Of a sample by type: name, read, all, share."""

    n_unseen: int = 0
    """Candidates of strata of which nothing was read: the estimate is not of them."""


def estimate_share(n_good: int, n_read: int, n_all: int) -> Estimate:
    """Return the share of good ones of all, of a random sample without replacement.

    The interval is exact: the numbers of good ones among all under which the sample is not too unlikely (2.5 % on
    either side of the hypergeometric distribution; Buonaccorsi 1987). Wilson's, with a correction for the finite
    population, held the truth in 92 % of made-up cases only.
    """
    if n_read == 0:
        return Estimate(0, n_all, None, None, None)
    from scipy.stats import hypergeom

    def is_above(n: int) -> bool:  # so few good ones among all make as many in the sample too unlikely
        return hypergeom.sf(n_good - 1, n_all, n, n_read) <= TAIL

    def is_below(n: int) -> bool:
        return hypergeom.cdf(n_good, n_all, n, n_read) > TAIL

    fewest, most = n_good, n_all - (n_read - n_good)
    low = _find_first(fewest, most, lambda n: not is_above(n))
    high = _find_first(fewest, most, lambda n: not is_below(n)) - 1 if not is_below(most) else most
    return Estimate(n_read, n_all, n_good / n_read, low / n_all, high / n_all)


def _find_first(start: int, end: int, is_so: Callable[[int], bool]) -> int:
    """Return the first whole number from ``start`` to ``end`` from which on something is so, by halving."""
    while start < end:
        middle = (start + end) // 2
        start, end = (start, middle) if is_so(middle) else (middle + 1, end)
    return start


def estimate_by_strata(read: pd.DataFrame, sizes: Mapping[str, int]) -> Estimate:
    """Return the share of good ones of all, of a sample that took the strata in turn.

    Args:
        read: ``stratum`` and ``is_good`` of what was judged.
        sizes: stratum -> candidates that it has.
    """
    rows, variance, share, n_seen = [], 0.0, 0.0, 0
    known = {name: own for name, own in read.groupby("stratum") if name in sizes}
    n_all = sum(sizes[name] for name in known)
    for name, own in known.items():
        n, size = len(own), sizes[name]
        good, weight = float(own["is_good"].mean()), size / n_all
        rows.append((str(name), n, size, good))
        share += weight * good
        smooth = (own["is_good"].sum() + 1) / (n + 2)  # of one stratum all alike: its share is still not known exactly
        variance += weight**2 * smooth * (1 - smooth) / n * (1 - min(n / size, 1.0))
        n_seen += n
    if not rows:
        return Estimate(0, sum(sizes.values()), None, None, None, n_unseen=sum(sizes.values()))
    n_unseen = sum(size for name, size in sizes.items() if name not in known)
    if variance == 0:
        return Estimate(n_seen, n_all, share, share, share, tuple(rows), n_unseen)
    smooth = (share * n_seen + 1) / (n_seen + 2)
    n = smooth * (1 - smooth) / variance
    low, high = wilson_interval(share * n, n)
    return Estimate(n_seen, n_all, share, low, high, tuple(rows), n_unseen)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two reviewers on the candidates that both judged."""

    first: str
    second: str
    n: int
    n_agree: int
    kappa: float | None
    """Cohen's; None where both say the same of everything."""

    disagreed: tuple[tuple[str, str], ...]
    """(run_id, candidate_id) of what they judge differently."""


def compare_reviewers(verdicts: pd.DataFrame) -> list[Pair]:
    """Return every two reviewers that have judged the same candidates, those with most in common first.

    Args:
        verdicts: run_id, candidate_id, reviewer, and review (the reviewer's own latest: accept, edit, reject, trash).
            What is kept (accepted or edited) stands against what is not.
    """
    verdicts = verdicts.assign(is_kept=verdicts["review"].isin(["accept", "edit"]))
    table = verdicts.pivot_table(index=["run_id", "candidate_id"], columns="reviewer", values="is_kept", aggfunc="last")
    names: Sequence[str] = list(table.columns)
    found = []
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            both = table[[first, second]].dropna().astype(bool)
            if both.empty:
                continue
            agreement = measure_agreement(both[first].tolist(), both[second].tolist())
            differs = both.index[both[first] != both[second]]
            n_agree = len(both) - len(differs)
            found.append(Pair(first, second, len(both), n_agree, agreement["kappa"], tuple(differs)))
    return sorted(found, key=lambda pair: -pair.n)
