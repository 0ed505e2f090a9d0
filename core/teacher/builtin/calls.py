"""The instances that one call is about, by what the request's hint says: the same in every process.

A call is told by task, seeds and sample index. Its instances are new questions (from a seed or from none) or mutations;
an answer request finds its question among them. Nothing here knows of forms.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from core.errors import TeacherError, UnknownNameError
from core.records import Problem, content_id
from core.registry import Registry
from core.tasks import TASKS, NewQuestion
from core.teacher.base import ROUNDS_PER_REPLICATE, SWEEPS_PER_ROUND, Hint, TeacherRequest
from core.teacher.builtin.base import REWRITERS, CannotRewrite, Rewrite
from core.teacher.builtin.fresh import FRESH
from core.teacher.builtin.judge import SOLVERS
from core.teacher.builtin.mutation import MUTATIONS
from core.teacher.builtin.series import N_TRIES, Make, Series

N_KEPT = 256
"""Calls whose instances are kept between the question request and the answer requests."""

INDEX_STEP = SWEEPS_PER_ROUND * ROUNDS_PER_REPLICATE * 1_000
"""Between the sample indices that the rules see for two draws of one call: they look like other replicates."""

N_LOOKED_AT = 50
"""Instances of a call among which an answer request looks for its question, at least; else twice those asked for.

Who asks for a further answer does not know how many the call was for.
"""

N_LOOKED_AT_SOLVED = 8
"""As above, for tasks whose questions can be solved from their text as well."""


class Calls:
    """Keeps the instances of the last calls; makes them anew where they are no longer there."""

    def __init__(self) -> None:
        self._series: OrderedDict[tuple[str, ...], Series] = OrderedDict()

    def open(self, wants: str, task: str, parents: Sequence[Problem], sample_index: int) -> Series:
        """Return the instances of a call; raises TeacherError where there are no rules for the task."""
        key = (wants, task, str(sample_index), *(parent.problem_id for parent in parents))
        if key not in self._series:
            self._series[key] = Series(_make_maker(wants, task, tuple(parents), sample_index), _compares(task))
            if len(self._series) > N_KEPT:
                self._series.popitem(last=False)
        self._series.move_to_end(key)
        return self._series[key]

    def read(self, request: TeacherRequest, start: int) -> list[Rewrite]:
        """Return the instances that a question request asks for, from one of the call's on.

        Raises:
            TeacherError: there are no rules for the task.
            CannotRewrite: the rules do not reach the seed, or give no further instance.
        """
        series = self.open(request.hint.wants, request.task, list_parents(request), request.sample_index)
        return series.read(start, request.hint.n_items)

    def find(self, request: TeacherRequest) -> Rewrite | None:
        """Return the instance whose question the request asks; None where it is none of the call's.

        Raises:
            TeacherError: there are no rules for the task.
            CannotRewrite: the rules do not reach the seed.
        """
        hint = request.hint or Hint()
        parents = list_parents(request)
        sample_index = request.sample_index if hint.asked_as is None else hint.asked_as
        wanted = ["question", "mutation"] if parents and request.task in MUTATIONS else ["question"]
        wanted.sort(key=lambda wants: wants != hint.wants)
        opened = [self.open(wants, request.task, parents, sample_index) for wants in wanted]
        failures: list[CannotRewrite] = []
        least = N_LOOKED_AT_SOLVED if request.task in SOLVERS else N_LOOKED_AT
        for position in range(max(2 * hint.n_items, least)):
            for series in list(opened):
                try:
                    instance = series.get(position)
                except CannotRewrite as error:
                    opened.remove(series)
                    failures += [] if position else [error]
                    continue
                if _asks(request, instance):
                    return instance
        if len(failures) == len(wanted):
            raise failures[0]
        return None


def list_parents(request: TeacherRequest) -> tuple[Problem, ...]:
    """Return the seeds of a request."""
    if request.hint is not None and request.hint.parents:
        return request.hint.parents
    return (request.subject,) if request.subject is not None else ()


def _asks(request: TeacherRequest, instance: Rewrite) -> bool:
    """Say whether a prompt asks an instance's question.

    Where a prompt's examples can be questions as well (Game of 24), the whole prompt is compared, or an edited one must
    hold a question that is none of the examples.
    """
    if instance.question not in request.prompt:
        return False
    if _compares(request.task):
        return True
    task, question = TASKS.get(request.task), instance.question
    hints = (task.extract_final(instance.answer_reply), None)
    whole = [task.answer_prompt(NewQuestion(question, {}, hint)) for hint in hints]
    if request.prompt in (*whole, task.student_prompt(question)):
        return True
    is_example = question in task.student_prompt("")
    return not is_example and re.search(rf"(?<!\d ){re.escape(question)}(?! ?\d)", request.prompt) is not None


def _compares(task: str) -> bool:
    return task not in TASKS or TASKS.get(task).compares_questions


def _make_maker(wants: str, task: str, parents: tuple[Problem, ...], sample_index: int) -> Make:
    """Return what makes the instances of a call; raises TeacherError where there are no rules for the task."""
    if wants == "question" and parents:
        return _make_rewriter(task, parents[0], sample_index)
    registry = MUTATIONS if wants == "mutation" else FRESH
    draw = _look_up(registry, task)
    origin = " ".join([*(parent.problem_id for parent in parents), str(sample_index)])
    if wants == "mutation":
        return lambda position, attempt: draw(parents, f"{origin} {position} {attempt}")
    return lambda position, attempt: draw(f"{task} {origin} {position} {attempt}")


def _make_rewriter(task: str, seed: Problem, sample_index: int) -> Make:
    rewrite, grows = _look_up(REWRITERS, task), not _compares(task)

    def make(position: int, attempt: int) -> Rewrite:
        number = position * N_TRIES + attempt
        if not number:
            return rewrite(seed, sample_index)
        if not grows:
            return rewrite(seed, sample_index + number * INDEX_STEP)
        # A puzzle has few ways to change: a further one is a puzzle that grew from what grew from it.
        index = (sample_index * SWEEPS_PER_ROUND + number) * INDEX_STEP
        grown = rewrite(_to_seed(task, rewrite(seed, index)), index)
        if grown.question == seed.question:
            raise CannotRewrite("The rules came back to the seed itself.")
        return grown

    return make


def _to_seed(task: str, grown: Rewrite) -> Problem:
    final = TASKS.get(task).extract_final(grown.answer_reply)
    return Problem(content_id("p", task, grown.question), grown.question, grown.answer_reply, final)


def _look_up(registry: Registry[Callable[..., Any]], task: str) -> Callable[..., Any]:
    try:
        return registry.get(task)
    except UnknownNameError:
        raise TeacherError(
            f"The built-in teacher has no rules for the task {task!r}; choose another teacher."
        ) from None
