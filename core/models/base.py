"""The contract of a student that can be asked: by its weights on this machine, or behind a server.

Nothing here knows how an answer is made; ``core/models/student.py`` and ``core/models/remote.py`` are the two ways.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from core.models.generate import Answer


class AnsweringStudent(Protocol):
    """Answers prompts."""

    source: str
    """What it was loaded from: a name, a folder, a hub id, or ``MODEL at BASE_URL``."""

    fingerprint: str | None
    """Part of every cache key: whatever could change an answer is in it. None: nothing may be cached."""

    dtype_name: str
    """Precision that answers are computed in; ``server`` where a server keeps it to itself."""

    has_weights: bool
    """True where the weights are in this process, so that hidden states, gradients and given texts can be read."""

    def answer(
        self, prompts: Sequence[str], max_new_tokens: int, *, check: Callable[[], None] | None = None
    ) -> "Iterator[list[tuple[int, Answer]]]":
        """Answer greedily; yields (index of the prompt, answer) batch by batch, every prompt at most once.

        A prompt that a server refuses while it answers others is left out.
        """
        ...

    def sample(
        self,
        prompts: Sequence[str],
        max_new_tokens: int,
        *,
        n: int,
        temperature: float,
        seed: int,
        check: Callable[[], None] | None = None,
    ) -> "Iterator[list[tuple[int, int, Answer]]]":
        """Draw n answers to each prompt; yields (index of the prompt, number of the sample, answer), each once."""
        ...
