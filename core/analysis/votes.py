"""Several answers to one problem: how often one of k would be right, and what most of them say.

Sources: Chen 2021, "Evaluating large language models trained on code", for the unbiased estimate of pass@k; Wang 2023,
"Self-consistency", for the majority of final answers. It knows nothing of tasks: whether two answers are the same is
asked of the caller.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass


def pass_at_k(n: int, n_right: int, k: int) -> float:
    """Return the probability that at least one of k answers, drawn from these n without repeats, is right.

    Args:
        n: answers to the problem.
        n_right: right ones among them.
        k: 1 to n.

    Raises:
        ValueError: k is not from 1 to n, or n_right not from 0 to n.
    """
    if not 1 <= k <= n or not 0 <= n_right <= n:
        raise ValueError(f"pass@{k} cannot be told from {n_right} right answers of {n}")
    return 1.0 - math.comb(n - n_right, k) / math.comb(n, k)


def list_ks(n: int) -> list[int]:
    """Return the k that are shown for n answers: powers of two below n, and n."""
    return [*(2**power for power in range(n.bit_length()) if 2**power < n), n]


@dataclass(frozen=True, slots=True)
class Vote:
    """What most answers to one problem say."""

    final: str | None
    """The winning final answer in its commonest spelling; None where no answer states one."""

    n_votes: int
    """Answers that say it."""

    n_answers: int
    """Answers that state any; the others abstain."""

    is_tied: bool
    """True where another answer has as many votes, so that lots decided."""


NO_VOTE = Vote(None, 0, 0, False)


def take_vote(problem_id: str, finals: Sequence[str | None], are_same: Callable[[str, str], bool]) -> Vote:
    """Return the majority of final answers; the order in which they were drawn does not matter.

    A tie is decided by a hash of the problem and of the answer: by lots, as it were, but always by the same ones.

    Args:
        problem_id: of the problem.
        finals: of all its answers, None where one states none.
        are_same: whether two spellings are the same answer; taken to hold both ways round.
    """
    counts = Counter(final for final in finals if final is not None)
    if not counts:
        return NO_VOTE
    groups: list[list[str]] = []
    for final in sorted(counts):
        same = [group for group in groups if any(are_same(final, other) for other in group)]
        groups = [group for group in groups if group not in same] + [[final, *(one for group in same for one in group)]]
    votes = {min(group): sum(counts[final] for final in group) for group in groups}
    most = max(votes.values())
    leaders = [name for name, n in votes.items() if n == most]
    winner = min(leaders, key=lambda name: hashlib.sha256(f"{problem_id}\n{name}".encode()).digest())
    spellings = next(group for group in groups if winner in group)
    spelling = min(spellings, key=lambda final: (-counts[final], final))
    return Vote(spelling, most, counts.total(), len(leaders) > 1)
