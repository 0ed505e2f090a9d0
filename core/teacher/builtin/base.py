"""The contract of one task's rules inside the built-in teacher.

To add rules for a task, write a file with a function of the ``Rewriter`` shape and register it with
``REWRITERS.register("task name")``.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from core.records import Problem
from core.registry import Registry


class CannotRewrite(ValueError):
    """The rules do not reach this problem; the message says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A new problem grown from a seed, as the two replies that the paper's two prompts ask for."""

    question_reply: str
    """Exact text of the reply to ``Task.question_prompt``."""

    question: str
    """The new question as ``Task.read_question`` will read it: the answer request must be about this text."""

    answer_reply: str
    """Exact text of the reply to ``Task.answer_prompt``."""


def make_rng(key: str) -> np.random.Generator:
    """Return the generator of a key: the same on every machine."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big"))


class Rewriter(Protocol):
    """Grows a new problem from a seed by rules."""

    def __call__(self, seed: Problem, sample_index: int) -> Rewrite:
        """Return the same rewrite for the same seed and index, another for another index; raises CannotRewrite."""
        ...


REWRITERS: Registry[Rewriter] = Registry("rule set of the built-in teacher")
