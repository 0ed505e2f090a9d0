"""The contract of a teacher: what it is asked and what it answers.

Nothing here knows how a reply is made: by rules, by a server, or from a cache.
"""

from dataclasses import dataclass
from typing import Protocol

from core.records import Problem

SWEEPS_PER_ROUND = 1_000
"""Sample indices set aside for one round: how often one round may ask the same seed."""

ROUNDS_PER_REPLICATE = 1_000
"""Rounds whose sample indices are set aside for one replicate."""


@dataclass(frozen=True, slots=True)
class TeacherRequest:
    """One chat request."""

    purpose: str
    """Role that asks: ``question``, ``answer``, ``judge`` or ``grader``."""

    task: str
    """Registry name of the task."""

    prompt: str
    """The user message."""

    subject: Problem | None
    """What the prompt is about: the seed. Read by the built-in teacher only; never sent to a server."""

    sample_index: int = 0
    """Repetition of the same request (replicate included); part of the cache key."""

    temperature: float = 0.7
    max_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class TeacherReply:
    """What came back."""

    text: str
    finish_reason: str
    """``stop``, ``length``, ``content_filter`` or ``refusal``."""

    n_input_tokens: int
    n_output_tokens: int
    is_cached: bool = False
    """True where nothing was sent: the reply came from the cache."""


class Teacher(Protocol):
    """Answers chat requests."""

    name: str
    """Model name that records carry; ``built-in`` for the rule-based stand-in."""

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer one request; raises TeacherError where no reply can be had."""
        ...
