"""The questions that no candidate may come close to: held-out problems and benchmarks, each with where it is from.

It knows nothing of how closeness is measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.filters.base import FilterContext

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reference:
    """One question to keep away from."""

    source: str
    """As it stands in a sentence: "the test problems", "the benchmark “MATH-500”"."""

    question: str


def list_references(context: FilterContext) -> list[Reference]:
    """Return every held-out problem and every benchmark question that is not empty, in this order."""
    found = [Reference(f"the {problem.split} problems", problem.question) for problem in context.held_out]
    for name, questions in context.benchmarks.items():
        found += [Reference(f"the benchmark “{name}”", question) for question in questions]
    return [each for each in found if each.question and each.question.strip()]


def keep_for_references(context: FilterContext, name: str, make: Callable[[Sequence[Reference]], T]) -> T:
    """Return what was made of the references, made anew only where the context names other ones by now."""
    shape = (len(context.held_out), tuple((each, len(context.benchmarks[each])) for each in context.benchmarks))
    return context.keep(f"{name} {shape}", lambda: make(list_references(context)))
