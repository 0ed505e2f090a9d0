"""The contract of a prompting method: problems in, candidates out, through a teacher."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import numpy as np

from core.records import Candidate, Problem
from core.registry import Registry
from core.tasks.base import Task
from core.teacher.base import Teacher


class PromptingMethod(Protocol):
    """Asks a teacher for one candidate per problem; a failure is a candidate with a reason, never an exception."""

    title: str
    """One line for people."""

    def generate(
        self,
        problems: Sequence[Problem],
        task: Task,
        teacher: Teacher,
        pool: Sequence[Problem],
        sample_index: int,
        rng: np.random.Generator,
        salt: str = "",
    ) -> AsyncIterator[Candidate]:
        """Yield exactly one candidate per problem, in the order of the problems.

        Args:
            problems: seeds, each becomes the parent of one candidate.
            task: brings the prompts and reads the replies.
            teacher: answers the requests.
            pool: train problems that few-shot examples are drawn from.
            sample_index: repetition of the same seeds; makes the replies differ.
            rng: draws the few-shot examples.
            salt: enters every candidate id, so that two runs or rounds never share one.
        """
        ...


METHODS: Registry[PromptingMethod] = Registry("prompting method")
