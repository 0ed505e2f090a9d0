"""Putting candidates to filters: cheaper ones first, and dearer ones only what those let through.

It knows nothing of what a filter looks at, nor of where candidates come from.
"""

from collections.abc import Sequence

from core.filters.base import Filter, FilterContext, is_rejected
from core.records import Candidate, Verdict

FREE = ("none", "compute")
"""Costs of the filters that ask nobody."""


def judge(candidates: Sequence[Candidate], filters: Sequence[Filter], context: FilterContext) -> list[list[Verdict]]:
    """Return the verdicts of the filters that ask nobody, per candidate; a failed candidate has none.

    Earlier candidates of the batch count as earlier questions of later ones; the context's own list is left alone.
    """
    verdicts: list[list[Verdict]] = [[] for _ in candidates]
    for cost in FREE:
        rows = [
            row
            for row, candidate in enumerate(candidates)
            if candidate.failure is None and not is_rejected(verdicts[row])
        ]
        judged = [candidates[row] for row in rows]
        for one in filters:
            if one.cost == cost and rows:
                for row, verdict in zip(rows, one(judged, context), strict=True):
                    verdicts[row].append(verdict)
    return verdicts


async def ask_filters(candidate: Candidate, filters: Sequence[Filter], context: FilterContext) -> list[Verdict]:
    """Put one candidate to the filters that ask a teacher, one after the other until one rejects it."""
    verdicts: list[Verdict] = []
    for one in filters:
        if one.cost == "teacher" and not is_rejected(verdicts):
            verdicts += await one([candidate], context)
    return verdicts
