"""The contract of a filter: one verdict for every candidate, in order, with a reason for each rejection."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from core.errors import SeedbedError, UnknownNameError
from core.records import Candidate, Problem, Verdict
from core.registry import Registry
from core.setting_types import find_misfit
from core.tasks.base import Task
from core.tasks.prompts import SHIPPED, Prompts
from core.teacher.base import Teacher

T = TypeVar("T")

COSTS = ("none", "compute", "teacher")
"""What a verdict costs: next to nothing, a model here, or requests to a teacher. Cheaper filters are asked first, and
a candidate that they reject is not put to dearer ones."""


class ValueCache(Protocol):
    """What is needed of ``core.cache.Cache``."""

    def get(self, key: str) -> Any | None:
        """Return the value of that key, None where there is none."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Keep a JSON value."""
        ...


@dataclass(slots=True)
class FilterContext:
    """What a filter may compare with, and what it keeps from one call to the next of the same run."""

    task: Task
    earlier_questions: list[str] = field(default_factory=list)
    """Every question generated before in the same experiment, accepted or not, oldest first; grows during a run."""

    seeds: Mapping[str, Problem] = field(default_factory=dict)
    """problem_id -> problem, for the parents of candidates."""

    held_out: Sequence[Problem] = ()
    """Validation and test problems: no candidate may be one of them."""

    benchmarks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Name -> questions of benchmarks that no candidate may come close to, beside the held-out problems."""

    teacher: Teacher | None = None
    """Who is asked by filters of cost ``teacher``; None: they cannot decide."""

    prompts: Prompts = SHIPPED
    cache: ValueCache | None = None
    """Where embeddings outlive the run; None: they are kept for this context only."""

    kept: dict[str, Any] = field(default_factory=dict)
    """What filters keep during a run (an index, embeddings), by a name of their own."""

    earlier_noun: str = "an earlier generated question"
    """What one of ``earlier_questions`` is called in a reason."""

    def keep(self, name: str, make: Callable[[], T]) -> T:
        """Return what is kept under a name, made on first use."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]


@dataclass(frozen=True, slots=True)
class FilterStep:
    """What a filter of cost ``teacher`` asks about one candidate, as an estimate needs to know it."""

    purpose: str
    """Role that is asked, for an answer to the candidate's question."""

    prompts: tuple[str, ...]
    """Names of the prompt files of one request."""

    fewest: int
    most: int
    """How often it is sent."""


class Filter(Protocol):
    """Judges usable candidates (``failure is None``); a frozen dataclass whose fields are its settings.

    A candidate from a file may lack its answer or its parents: nothing is raised for that, the filter cannot decide. A
    filter of cost ``teacher`` has an ``async def __call__`` of the same shape, and ``list_steps(task, is_incorrect)``,
    which returns a FilterStep for each kind of request about a candidate that is (not) meant to be wrong.
    """

    name: str
    title: str
    """One line for people: what it rejects."""

    cost: str
    """One of COSTS."""

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; earlier candidates of the batch count as earlier questions.

        ``is_accepted`` is None, with a reason, where the filter cannot decide.
        """
        ...


FILTERS: Registry[Filter] = Registry("filter")


def make_filters(names: Sequence[str], settings: Mapping[str, Mapping[str, Any]] | None = None) -> list[Filter]:
    """Return the filters of these names, cheapest first, with their settings changed.

    Args:
        names: registered names; each filter once, whatever their order.
        settings: name -> field -> value.

    Raises:
        UnknownNameError: no such filter, or no such setting of it.
        SeedbedError: a value that the setting cannot have.
    """
    filters = []
    for name in dict.fromkeys(names):
        member, changes = FILTERS.get(name), dict((settings or {}).get(name, {}))
        known = set(getattr(member, "__dataclass_fields__", {}))
        if unknown := changes.keys() - known:
            raise UnknownNameError(
                f"The filter {name} has no setting {min(unknown)!r}; known: {', '.join(sorted(known)) or 'none'}."
            )
        if misfit := find_misfit(member, changes):
            raise SeedbedError(f"The setting {name}.{misfit}.")
        filters.append(replace(member, **changes) if changes else member)
    return sorted(filters, key=lambda member: COSTS.index(member.cost))


def accept(candidate: Candidate, name: str, value: float | None = None) -> Verdict:
    """Return the verdict that nothing is wrong."""
    return Verdict(candidate.candidate_id, name, True, None, value)


def reject(candidate: Candidate, name: str, reason: str, value: float | None = None) -> Verdict:
    """Return the verdict that something is: ``reason`` quotes it in one sentence."""
    return Verdict(candidate.candidate_id, name, False, reason, value)


def leave_open(candidate: Candidate, name: str, reason: str, value: float | None = None) -> Verdict:
    """Return the verdict that the filter cannot decide, and why."""
    return Verdict(candidate.candidate_id, name, None, reason, value)


def shorten(text: str, n_characters: int) -> str:
    """Return the beginning of a text on one line, without characters that cannot be shown."""
    line = " ".join(text[: 4 * n_characters].split())
    line = line if len(line) <= n_characters else line[: n_characters - 1] + "…"
    return "".join(character if character.isprintable() else "�" for character in line)


def quote(text: str, n_characters: int = 80) -> str:
    """Return the beginning of a text as it is quoted in a reason."""
    return f"“{shorten(text, n_characters)}”"


def is_rejected(verdicts: Sequence[Verdict]) -> bool:
    """Say whether any filter turned a candidate down; one that could not decide did not."""
    return any(verdict.is_accepted is False for verdict in verdicts)
