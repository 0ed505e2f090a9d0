"""Predictions: the student's own answers to problems, judged by the task and cached by content.

It knows nothing of run folders or tables; the cache is any object with ``get`` and ``put``.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from core.models.base import AnsweringStudent
from core.models.generate import REFUSED, Answer
from core.models.rendering import RENDERING_VERSION
from core.records import Prediction, Problem
from core.tasks.base import Task
from core.teacher.client import RequestRefused

ANSWER_VERSION = 3
"""Part of every answer's cache key; raise it when more is kept of an answer, or the same prompt gives another one."""


class AnswerCache(Protocol):
    """What :func:`predict` needs of a cache; ``core.cache.Cache`` is one."""

    def get(self, key: str) -> Any | None:
        """Return the stored JSON value, None where there is none."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Store a JSON value."""
        ...


def predict(
    student: AnsweringStudent,
    task: Task,
    problems: Sequence[Problem],
    *,
    cache: AnswerCache | None = None,
    on_batch: Callable[[int, int], None] | None = None,
    check: Callable[[], None] | None = None,
) -> list[Prediction]:
    """Let the student answer the problems greedily.

    Args:
        student: loaded; answers of one without fingerprint (in training) are not cached.
        task: brings the prompt, the token limit, extraction and comparison.
        problems: any number; equal prompts are answered once.
        cache: answers by content of student, task, prompt and limit; None asks for all of them.
        on_batch: called with (answered so far, all) when a batch is done.
        check: called now and then; may raise RunCancelled. What was answered until then is in the cache.

    Returns:
        One prediction per problem, in the order of the problems. A prompt that does not fit into the model is
        answered by an empty text that counts as truncated.
    """
    prompts = [task.student_prompt(problem.question) for problem in problems]
    cache = cache if student.fingerprint is not None else None
    answers: dict[str, Answer] = {}
    if cache is not None:
        for prompt in dict.fromkeys(prompts):
            if (found := cache.get(answer_key(student, task, prompt))) is not None:
                answers[prompt] = recall(found)
    missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in answers]
    times = Counter(prompts)
    n_done = sum(times[prompt] for prompt in answers)
    _report(on_batch, n_done, len(prompts))
    has_others = bool(answers)
    try:
        for batch in student.answer(missing, task.max_new_tokens, check=check):
            for index, answer in batch:
                answers[missing[index]] = answer
                n_done += times[missing[index]]
                if cache is not None and (answer.unknown is None or student.has_weights):  # a server may mend itself
                    cache.put(answer_key(student, task, missing[index]), asdict(answer))
            _report(on_batch, n_done, len(prompts))
    except RequestRefused:
        if not has_others:
            raise
    for prompt in missing:
        answers.setdefault(prompt, REFUSED)
    return [make_prediction(task, problem, answers[prompt]) for problem, prompt in zip(problems, prompts, strict=True)]


def make_prediction(task: Task, problem: Problem, answer: Answer) -> Prediction:
    """Return the prediction that an answer amounts to."""
    final = task.extract_final(answer.text) if answer.text else None
    return Prediction(
        problem_id=problem.problem_id,
        text=answer.text,
        final=final,
        is_correct=task.is_correct(final, problem),
        loss=answer.loss,
        n_tokens=answer.n_tokens,
        is_truncated=answer.is_truncated,
        unknown=answer.unknown,
        token_ids=answer.token_ids,
        token_losses=answer.token_losses,
        token_ends=answer.token_ends,
    )


def recall(entry: dict[str, Any]) -> Answer:
    """Return the answer of a cache entry; JSON has no tuples."""
    return Answer(**{name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()})


def answer_key(student: AnsweringStudent, task: Task, prompt: str) -> str:
    """Return the cache key of an answer: whatever could change it is in it."""
    versions = [RENDERING_VERSION, ANSWER_VERSION]
    parts = [*versions, student.fingerprint, student.dtype_name, task.name, prompt, task.max_new_tokens]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _report(on_batch: Callable[[int, int], None] | None, n_done: int, n: int) -> None:
    if on_batch is not None:
        on_batch(n_done, n)
