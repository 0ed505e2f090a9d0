"""What of a worked answer can be recomputed: each calculation, and what its task's rules say of the whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.tasks.answers.annotations import Annotation, check_annotations, check_lines
from core.tasks.base import Task


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer, looked through."""

    calculations: tuple[Annotation, ...]
    """In their order; empty where the answer holds none that can be recomputed."""

    fault: str | None
    """What the task's rules find wrong, in one sentence; None: nothing."""

    unchecked: str | None
    """Why it means nothing that no fault was found; None: it does."""


def check_answer(task: Task, question: str, answer: str, meta: Mapping[str, Any]) -> Checked:
    """Return what of an answer holds: its calculator annotations, else its lines of arithmetic, and the task's word."""
    calculations = check_annotations(answer) or check_lines(answer)
    fault = task.find_fault(question, answer, meta)
    return Checked(tuple(calculations), fault, None if fault else task.find_unchecked(question, answer, meta))
