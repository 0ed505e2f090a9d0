"""Asking a student: greedily or several times, every answer remembered, and counted what was really generated.

It knows nothing of run folders; caches are any objects with ``get`` and ``put``.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from core.models.base import AnsweringStudent
from core.models.generate import REFUSED, Answer
from core.models.predict import ANSWER_VERSION, AnswerCache, make_prediction, predict, recall
from core.models.rendering import RENDERING_VERSION
from core.records import Prediction, Problem
from core.tasks.base import Task
from core.teacher.client import RequestRefused

ENOUGH = 4
"""Problems, and answers to each, that must all be alike before a server is said to ignore the temperature."""


class MeteredStudent:
    """A student that is asked through here: what it generates is counted and timed, what a cache gives is not."""

    def __init__(self, student: AnsweringStudent):
        self._student: AnsweringStudent | None = student
        self.source, self.fingerprint = student.source, student.fingerprint
        self.dtype_name, self.has_weights = student.dtype_name, student.has_weights
        self.n_answers = self.n_tokens = 0
        self.seconds = 0.0
        self.is_counted = True
        """False once an answer came whose tokens a server does not tell."""

    def answer(
        self, prompts: Sequence[str], max_new_tokens: int, *, check: Callable[[], None] | None = None
    ) -> Iterator[list[tuple[int, Answer]]]:
        """Answer greedily; see ``core.models.base``."""
        return self._count(self._student.answer(prompts, max_new_tokens, check=check))

    def sample(
        self,
        prompts: Sequence[str],
        max_new_tokens: int,
        *,
        n: int,
        temperature: float,
        seed: int,
        check: Callable[[], None] | None = None,
    ) -> Iterator[list[tuple[int, int, Answer]]]:
        """Draw n answers to each prompt; see ``core.models.base``."""
        return self._count(
            self._student.sample(prompts, max_new_tokens, n=n, temperature=temperature, seed=seed, check=check)
        )

    def let_go(self) -> None:
        """Let the student's weights go; what was counted stays, and nothing can be asked any more."""
        self._student = None

    @property
    def tokens_per_second(self) -> float | None:
        """Return the speed of generation so far; None where nothing was generated, or its tokens are not known."""
        return self.n_tokens / self.seconds if self.is_counted and self.n_tokens and self.seconds > 0 else None

    def _count(self, batches: Iterator[list[Any]]) -> Iterator[list[Any]]:
        started = time.perf_counter()
        for batch in batches:
            self.seconds += time.perf_counter() - started
            answers = [row[-1] for row in batch]
            self.n_answers += len(answers)
            self.n_tokens += sum(answer.n_tokens or 0 for answer in answers)
            self.is_counted &= all(answer.n_tokens is not None for answer in answers)
            yield batch
            started = time.perf_counter()  # what was done with the batch meanwhile is no generation


def ask_greedily(
    student: MeteredStudent,
    task: Task,
    problems: Sequence[Problem],
    *,
    cache: AnswerCache,
    on_batch: Callable[[int, int], None],
    check: Callable[[], None],
) -> list[list[Prediction]]:
    """Return one answer to each problem, (n, 1); see ``core.models.predict.predict``."""
    return [[row] for row in predict(student, task, problems, cache=cache, on_batch=on_batch, check=check)]


def ask_often(
    student: MeteredStudent,
    task: Task,
    problems: Sequence[Problem],
    *,
    n_samples: int,
    temperature: float,
    seed: int,
    cache: AnswerCache,
    on_batch: Callable[[int, int], None],
    check: Callable[[], None],
) -> list[list[Prediction]]:
    """Return n drawn answers to each problem, (n problems, n_samples).

    An answer is remembered by its number: the same problem, seed and temperature have the same first four answers
    whether four or sixteen are drawn.

    Args:
        student: asked.
        task: brings the prompt, the token limit, extraction and comparison.
        problems: equal prompts are asked once.
        n_samples: answers to each.
        temperature: above 0.
        seed: of the numbers that decide the answers.
        cache: answers by content.
        on_batch: called with (problems answered, all).
        check: called now and then; may raise to stop. What was answered until then is in the cache.

    Raises:
        RequestRefused: a server refused prompts and answered none.
    """
    prompts = [task.student_prompt(problem.question) for problem in problems]
    found: dict[str, dict[int, Answer]] = {prompt: {} for prompt in prompts}
    find_key = partial(_make_sample_key, student, task, temperature, seed)

    def report() -> None:
        on_batch(sum(len(found[prompt]) == n_samples for prompt in prompts), len(prompts))

    _recall_samples(found, n_samples, find_key, cache)
    missing = [prompt for prompt, answers in found.items() if len(answers) < n_samples]
    has_others = len(missing) < len(found)
    report()
    try:
        for batch in student.sample(
            missing, task.max_new_tokens, n=n_samples, temperature=temperature, seed=seed, check=check
        ):
            for place, number, answer in batch:
                prompt = missing[place]
                key = find_key(prompt, number)
                found[prompt][number] = answer
                if key is not None and (answer.unknown is None or student.has_weights):
                    cache.put(key, asdict(answer))
            report()
    except RequestRefused:
        if not has_others:
            raise
    return [
        [make_prediction(task, problem, found[prompt].get(number, REFUSED)) for number in range(n_samples)]
        for problem, prompt in zip(problems, prompts, strict=True)
    ]


def _make_sample_key(
    student: MeteredStudent, task: Task, temperature: float, seed: int, prompt: str, number: int
) -> str | None:
    """Return the key under which a drawn answer is remembered; None for a student without a fingerprint."""
    if student.fingerprint is None:
        return None
    parts = [RENDERING_VERSION, ANSWER_VERSION, student.fingerprint, student.dtype_name, task.name, prompt]
    parts += [task.max_new_tokens, "sample", temperature, seed, number]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _recall_samples(
    found: dict[str, dict[int, Answer]], n_samples: int, find_key: Callable[[str, int], str | None], cache: AnswerCache
) -> None:
    """Put the answers that are remembered into prompt -> number -> answer."""
    for prompt, answers in found.items():
        for number in range(n_samples):
            key = find_key(prompt, number)
            if key is not None and (entry := cache.get(key)) is not None:
                answers[number] = recall(entry)


def ignores_temperature(answers: Sequence[Sequence[Prediction]]) -> bool:
    """Say whether all drawn answers to every problem are alike, so that a server seems to ignore the temperature."""
    told = [texts for row in answers if (texts := [each.text for each in row if each.unknown is None])]
    return len(told) >= ENOUGH and all(len(texts) >= ENOUGH and len(set(texts)) == 1 for texts in told)
