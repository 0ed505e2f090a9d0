"""The contract of a selector: what it may look at and what it returns.

A selector knows nothing of students, tasks or files; it sees arrays that are aligned row by row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from core.errors import SelectionError
from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Pool:
    """n problems to choose from, aligned row by row."""

    problem_ids: np.ndarray
    """(n,) str, unique."""

    signals: Mapping[str, np.ndarray] = field(default_factory=dict)
    """name -> (n,) float64; NaN where unknown. ``correct`` is 1.0 or 0.0, ``loss`` in nats per token."""

    is_excluded: np.ndarray | None = None
    """(n,) bool, True where a row may not be chosen; None excludes nothing."""

    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)
    """name -> (n, width) float32; a row of NaN where unknown. ``gradient``, ``gradient_truth``, ``embedding``."""

    def __len__(self) -> int:
        return len(self.problem_ids)

    @property
    def is_free(self) -> np.ndarray:
        """(n,) bool, True where a row may be chosen."""
        return np.ones(len(self), bool) if self.is_excluded is None else ~self.is_excluded

    def without(self, indices: np.ndarray) -> "Pool":
        """Return the pool with these rows excluded as well."""
        excluded = ~self.is_free
        excluded[indices] = True
        return replace(self, is_excluded=excluded)


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen rows, and why."""

    indices: np.ndarray
    """(k,) int64 into the pool, in the order of choice, no repeats."""

    priority: np.ndarray | None
    """(n,) float64, higher is chosen first, NaN where a row cannot be chosen; None for set-valued selectors."""

    group: np.ndarray | None
    """(n,) str, which part a row fell into (incorrect/correct, hard/easy); None where there are no parts."""

    reason: Sequence[str]
    """(k,) one sentence per chosen row, for the page."""

    n_topped_up: int = 0
    """Rows taken at random because a group ran short; shown, never hidden."""


class Selector(Protocol):
    """Chooses k problems of a pool."""

    needs: frozenset[str]
    """Names of the signals and vectors that it reads."""

    title: str
    """One line for people: what it prefers."""

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator) -> Selection:
        """Choose k free rows; ties are broken by rng, never by row order. Raises SelectionError.

        A selector that ranks by a score also takes ``pick``, a function of ``core.selection.picks``.
        """
        ...


SELECTORS: Registry[Selector] = Registry("selector")


def make_rng(replicate: int, round_: int = 1) -> np.random.Generator:
    """Return the random numbers that a replicate chooses its seeds by; each round draws its own.

    A choice made by hand is a first round, so that a loop of the same replicate begins with the same seeds.
    """
    return np.random.default_rng([replicate, round_, 1])


def check_size(pool: Pool, k: int) -> None:
    """Raise SelectionError, one sentence, where the pool has no k free problems."""
    n_free = int(pool.is_free.sum())
    if k < 1:
        raise SelectionError(f"Choose at least 1 problem, not {k}.")
    if not len(pool):
        raise SelectionError("The pool is empty; bring in a seed set that has train problems.")
    if k > n_free:
        raise SelectionError(
            f"The pool has {n_free:,} problems to choose from, fewer than the {k:,} asked for; ask for fewer."
        )


def check_request(pool: Pool, k: int, needs: frozenset[str]) -> None:
    """Raise SelectionError, one sentence, where the pool has no k free problems or lacks a signal."""
    check_size(pool, k)
    missing = sorted(needs - set(pool.signals) - set(pool.vectors))
    if missing:
        raise SelectionError(f"This selector needs the signal {' and '.join(missing)}; score the seed set by it first.")


def tie_breakers(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """Return (n,) random numbers in [0, 1) that belong to the problems, not to their rows.

    Each is a hash of the problem's id and of one number drawn from rng, so a shuffled pool, or a larger one, gives a
    problem the same number, and a million problems need no sorting.
    """
    salt = np.uint64(int(rng.integers(1 << 63)) * 0x9E3779B97F4A7C15 % (1 << 64))
    ids = np.ascontiguousarray(pool.problem_ids, dtype=str)
    if not len(ids):
        return np.empty(0)
    letters = ids.view(np.uint32).reshape(len(ids), -1).astype(np.uint64)
    factors = np.random.default_rng(0).integers(1 << 63, size=letters.shape[1], dtype=np.uint64) * 2 + 1
    mixed = letters @ factors + salt  # empty places are zero and add nothing
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64 (Steele 2014)
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)) * 2.0**-53
