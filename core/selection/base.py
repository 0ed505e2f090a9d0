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
    """Names of the signals that it reads."""

    title: str
    """One line for people: what it prefers."""

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator) -> Selection:
        """Choose k free rows; ties are broken by rng, never by row order. Raises SelectionError."""
        ...


SELECTORS: Registry[Selector] = Registry("selector")


def check_request(pool: Pool, k: int, needs: frozenset[str]) -> None:
    """Refuse what cannot be answered, in one sentence."""
    n_free = int(pool.is_free.sum())
    if k < 1:
        raise SelectionError(f"Choose at least 1 problem, not {k}.")
    if k > n_free:
        raise SelectionError(
            f"The pool has {n_free} problems to choose from, fewer than the {k} asked for; ask for fewer."
        )
    for name in sorted(needs):
        if name not in pool.signals:
            raise SelectionError(
                f"This selector needs the signal {name!r}; predict the seed set with the student first."
            )


def tie_breakers(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """Return (n,) random numbers in [0, 1) that belong to the problems, not to their rows.

    They are drawn in the order of the problem ids, so a shuffled pool gives each problem the same number.
    """
    numbers = np.empty(len(pool))
    numbers[np.argsort(pool.problem_ids, kind="stable")] = rng.random(len(pool))
    return numbers
