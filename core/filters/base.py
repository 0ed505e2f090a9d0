"""The contract of a filter: one verdict for every candidate, in order, with a reason for each rejection."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.records import Candidate, Verdict
from core.registry import Registry
from core.tasks.base import Task


@dataclass(frozen=True, slots=True)
class FilterContext:
    """What a filter may compare with."""

    task: Task
    earlier_questions: Sequence[str]
    """Every question generated before in the same experiment, accepted or not, oldest first."""

    held_out_keys: frozenset[str] = frozenset()
    """What the validation and test problems are known by: ``core.filters.held_out.make_held_out_keys``."""


class Filter(Protocol):
    """Judges usable candidates (``failure is None``)."""

    title: str
    """One line for people: what it rejects."""

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; earlier candidates of the batch count as earlier questions."""
        ...


FILTERS: Registry[Filter] = Registry("filter")
