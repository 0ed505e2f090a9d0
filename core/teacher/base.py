"""The contract of a teacher: what it is asked and what it answers.

Nothing here knows how a reply is made: by rules, by a server, by a student, or from a cache.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.records import Problem

ROLES = ("question", "answer", "judge", "grader")
"""What a teacher can be asked to be; each role may have an endpoint, a model and a price of its own."""

SWEEPS_PER_ROUND = 1_000
"""Sample indices set aside for one round: how often one round may ask the same seed."""

ROUNDS_PER_REPLICATE = 1_000
"""Rounds whose sample indices are set aside for one replicate."""


REPLY_TOKENS = 4096
"""Limit of a reply where its request names none: a teacher that reasons writes some thousand tokens before a short
answer. A role's own limit takes its place."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What the built-in teacher is told beside the text of a question request; never sent to anybody."""

    wants: str = "question"
    """``question`` (a new one), ``wrong_answer`` (to the seed's own), ``mutation`` or ``skills``."""

    form: str = "direct"
    """How the reply is written; a name of ``core.generation.forms.FORMS``."""

    n_items: int = 1
    """Instances asked for by this request."""

    parents: tuple[Problem, ...] = ()
    """All seeds of the request; none for a fixed prompt."""

    asked_as: int | None = None
    """Of an answer request: sample index of the request that brought the question; None: the answer request's own.

    Whoever asks for a further answer to the same question (a majority of several) has to say it, as the built-in
    teacher finds a question of its own by writing it again.
    """


@dataclass(frozen=True, slots=True)
class TeacherRequest:
    """One chat request."""

    purpose: str
    """Role that is asked, one of ROLES."""

    task: str
    """Registry name of the task."""

    prompt: str
    """The last user message."""

    subject: Problem | None
    """What the prompt is about: the (first) seed. Read by the built-in teacher only; never sent to a server."""

    sample_index: int = 0
    """Repetition of the same request (replicate included); part of the cache key."""

    temperature: float = 0.7
    max_tokens: int = REPLY_TOKENS
    top_p: float | None = None
    """None: the server's own."""

    system: str = ""
    """The system message; empty: none."""

    earlier: tuple[tuple[str, str], ...] = ()
    """Turns of the chat before the prompt: (user, assistant) each."""

    schema: Mapping[str, Any] | None = None
    """JSON schema of the reply, asked for where the server really keeps to it; the prompt says the same in words."""

    hint: Hint | None = None
    """For the built-in teacher."""

    def list_messages(self) -> list[dict[str, str]]:
        """Return the messages exactly as they are sent: ``role`` and ``content`` each."""
        messages = [{"role": "system", "content": self.system}] if self.system else []
        for user, assistant in self.earlier:
            messages += [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
        return [*messages, {"role": "user", "content": self.prompt}]


@dataclass(frozen=True, slots=True)
class TeacherReply:
    """What came back."""

    text: str
    finish_reason: str
    """``stop``, ``length``, ``content_filter`` or ``refusal``."""

    n_input_tokens: int | None
    """Prompt tokens; None where the server does not count them."""

    n_output_tokens: int | None
    """Completion tokens, reasoning included; None where the server does not count them."""

    is_cached: bool = False
    """True where nothing was sent: the reply came from the cache."""

    n_cached_tokens: int | None = None
    """Prompt tokens that the server had in a cache of its own; None where it does not tell."""

    n_reasoning_tokens: int | None = None
    """Completion tokens that were reasoning; None where the server does not tell."""

    n_attempts: int = 1
    """Times that the request was sent; 0 from the cache."""


class Teacher(Protocol):
    """Answers chat requests."""

    name: str
    """Model name that records carry; ``built-in`` for the rule-based stand-in."""

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer one request; raises TeacherError where no reply can be had."""
        ...
