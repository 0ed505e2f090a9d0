"""What a comparison of two answers comes to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether an answer is the reference."""

    is_equal: bool | None
    """None where it could not be decided."""

    reason: str
    """One sentence: how it was decided, or why it could not be."""
