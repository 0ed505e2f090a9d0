"""The contract of a signal: one way to score every problem of a pool for one student.

A signal knows nothing of run folders, tables or pages; what it may read is handed to it as a :class:`Scoring`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.models.base import AnsweringStudent
from core.records import Prediction, Problem
from core.registry import Registry
from core.tasks.base import Task
from core.teacher.base import Teacher

if TYPE_CHECKING:
    from core.models.reward import RewardModel


class ScoreCache(Protocol):
    """What a signal needs of a cache; ``core.cache.Cache`` is one."""

    def get(self, key: str) -> Any | None:
        """Return the stored JSON value, None where there is none."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Store a JSON value."""
        ...


@dataclass(frozen=True, slots=True)
class Scoring:
    """What signals may read: n problems, the student's answers to them, and who else can be asked."""

    task: Task
    problems: Sequence[Problem]
    predictions: Sequence[Prediction]
    """(n,) the student's own greedy answers, aligned with ``problems``."""

    student: AnsweringStudent
    cache: ScoreCache
    reward: "RewardModel | None" = None
    teacher: Teacher | None = None
    n_samples: int = 16
    """Answers drawn for each problem by ``solve_rate``."""

    temperature: float = 1.0
    """Sampling temperature of ``solve_rate``."""

    width: int = 4096
    """Numbers in a gradient sketch."""

    report: Callable[[int, int], None] = lambda done, total: None
    """Called with problems done and in all."""

    check: Callable[[], None] = lambda: None
    """Called now and then; may raise to stop."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What one signal says of n problems, aligned row by row; unknown is NaN, never 0."""

    values: np.ndarray
    """(n,) float64, NaN where unknown; of a vector signal (n, width) float32, a row of NaN where unknown."""

    details: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Further columns behind the value: name -> (n,) float64, NaN where unknown (``judge_student``, ...)."""

    texts: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    """Texts behind the value: name -> n texts, None where there is none (``judge_reply_1``, ...)."""

    notes: Sequence[str | None] | None = None
    """n sentences that say why a value is unknown, or what to know about it; None: nothing to say."""


class Signal(Protocol):
    """One way to score."""

    title: str
    """What people read: what the number is."""

    unit: str
    """Of the value, for an axis; empty where it has none."""

    needs: frozenset[str]
    """What it cannot do without: ``weights`` (of the student, in this process), ``reference`` (answers), ``reward`` (a
    reward model), ``teacher``."""

    is_vector: bool
    """True where a value is a row of numbers: for selectors that look at all problems together."""

    version: int
    """Part of every cache key; raise it when the same input gives another value."""

    def __call__(self, scoring: Scoring) -> Scores:
        """Score every problem; a problem that cannot be scored is NaN with a note. Raises SeedbedError."""
        ...


SIGNALS: Registry[Signal] = Registry("signal")


def needs_weights(name: str) -> bool:
    """Say whether a signal reads the student's weights, which a server does not show; raises UnknownNameError."""
    return "weights" in SIGNALS.get(name).needs
