"""Lets a student on this machine answer for an objective: draws, and continuations of beginnings, judged by the task.

Answers are remembered by content where a cache is given, so an attempt that goes on draws nothing twice. It knows
nothing of run folders; what is to be recorded goes through the hooks.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.models.generate import answer_encoded
from core.models.predict import AnswerCache
from core.models.rendering import encode_beginnings, encode_prompts
from core.models.student import Student
from core.records import Problem
from core.tasks.base import Task
from core.training.data import TrainingRow
from core.training.objectives.base import OwnAnswer

VERSION = 1
"""Part of every cache key; raise it when the same request gives another answer."""


@dataclass(frozen=True, slots=True)
class AskingHooks:
    """What the caller sees of the asking."""

    report: Callable[[str, int, int], None] = lambda stage, done, total: None
    """Called with ``answers`` or ``rollouts``, how many are there, and how many in all."""

    check: Callable[[], None] = lambda: None
    """Called now and then; may raise to stop."""

    on_answer: Callable[[TrainingRow, OwnAnswer, bool, str | None], None] = lambda row, answer, is_kept, reason: None
    on_steps: Callable[[TrainingRow, int, Sequence[Mapping[str, Any]]], None] = lambda row, sample, steps: None


@dataclass(frozen=True, slots=True)
class StudentAsking:
    """The policy that an objective starts from, as :class:`core.training.objectives.base.Asking`."""

    student: Student
    task: Task
    seed: int
    hooks: AskingHooks
    cache: AnswerCache | None = None

    def draw(self, rows: Sequence[TrainingRow], n: int, temperature: float) -> list[list[OwnAnswer]]:
        """Return n drawn answers to the question of each row, judged by its reference."""
        prompts = encode_prompts(self.student.tokenizer, [self.task.student_prompt(row.question) for row in rows])
        wanted = [(place, sample) for place in range(len(rows)) for sample in range(n)]
        texts = self._answer([prompts[place] for place, _ in wanted], [s for _, s in wanted], temperature, "answers")
        found: list[list[OwnAnswer]] = [[] for _ in rows]
        for (place, sample), (text, is_truncated) in zip(wanted, texts, strict=True):
            final, is_correct = self._judge(rows[place], text)
            found[place].append(OwnAnswer(place, sample, text, final, is_correct, is_truncated))
        return found

    def finish(
        self, rows: Sequence[TrainingRow], beginnings: Sequence[Sequence[str]], n: int, temperature: float
    ) -> list[list[int]]:
        """Return how many of n drawn continuations end right, for each beginning of an answer to each row.

        All continuations of all beginnings of all rows are drawn in one call; equal beginnings once.
        """
        prompts = encode_prompts(self.student.tokenizer, [self.task.student_prompt(row.question) for row in rows])
        places = {(row.question, text): i for i, row in enumerate(rows) for text in beginnings[i]}
        started = list(places)
        heads = encode_beginnings(self.student.tokenizer, [text for _, text in started])
        encoded = [prompts[places[key]] + (head if key[1] else []) for key, head in zip(started, heads, strict=True)]
        wanted = [(number, sample) for number in range(len(started)) for sample in range(n)]
        texts = self._answer([encoded[i] for i, _ in wanted], [s for _, s in wanted], temperature, "rollouts")
        n_right = dict.fromkeys(started, 0)
        for (number, _), (text, _) in zip(wanted, texts, strict=True):
            key = started[number]
            n_right[key] += self._judge(rows[places[key]], key[1] + text)[1] is True
        return [[n_right[row.question, text] for text in texts] for row, texts in zip(rows, beginnings, strict=True)]

    def note(self, row: TrainingRow, answer: OwnAnswer, *, is_kept: bool, reason: str | None) -> None:
        """Record a drawn answer, and why it was not used."""
        self.hooks.on_answer(row, answer, is_kept, reason)

    def note_steps(self, row: TrainingRow, sample: int, steps: Sequence[Mapping[str, Any]]) -> None:
        """Record the steps of an answer."""
        self.hooks.on_steps(row, sample, steps)

    def _judge(self, row: TrainingRow, text: str) -> tuple[str | None, bool | None]:
        """Return the final answer of a text, and whether it is the row's."""
        final = self.task.extract_final(text) if text else None
        try:
            return final, self.task.is_correct(final, Problem("", row.question, None, row.final))
        except ValueError:  # a question that the task cannot read
            return final, None

    def _answer(
        self, prompts: Sequence[Sequence[int]], samples: Sequence[int], temperature: float, stage: str
    ) -> list[tuple[str, bool]]:
        """Return (text, whether it was cut off) for each prompt and number of its sample."""
        limit = self.task.max_new_tokens
        keys = [self._key(ids, sample, temperature, limit) for ids, sample in zip(prompts, samples, strict=True)]
        found: dict[int, tuple[str, bool]] = {}
        for place, key in enumerate(keys):
            if self.cache is not None and (entry := self.cache.get(key)) is not None:
                found[place] = (entry[0], entry[1])
        missing = [place for place in range(len(prompts)) if place not in found]
        self.hooks.report(stage, len(found), len(prompts))
        for batch in answer_encoded(
            self.student,
            [prompts[place] for place in missing],
            [limit] * len(missing),
            temperature=temperature,
            seeds=[int(keys[place][:15], 16) for place in missing],
            check=self.hooks.check,
        ):
            for number, answer in batch:
                found[missing[number]] = (answer.text, answer.is_truncated)
                if self.cache is not None:
                    self.cache.put(keys[missing[number]], [answer.text, answer.is_truncated])
            self.hooks.report(stage, len(found), len(prompts))
        return [found[place] for place in range(len(prompts))]

    def _key(self, ids: Sequence[int], sample: int, temperature: float, limit: int) -> str:
        about = [VERSION, self.student.fingerprint, self.student.dtype_name, self.seed, sample, temperature, limit]
        return hashlib.sha256(json.dumps([*about, list(ids)]).encode()).hexdigest()
