"""What the caller of a training sees and decides: the one channel between the two."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.models.student import Student


@dataclass(frozen=True, slots=True)
class TrainingHooks:
    """What a caller may see of, and do to, a training while it runs."""

    validate: Callable[[Student], Mapping[str, float | None]] | None = None
    """Called with the live student after each epoch; ``validation_accuracy`` decides which epoch is kept."""

    on_metric: Callable[[str, int, float, float], None] | None = None
    """Called with name, optimiser step, value, epoch: loss, learning_rate and grad_norm at each step,
    validation_loss and what ``validate`` returns at the end of each epoch."""

    on_checkpoint: Callable[[int, str, str], None] | None = None
    """Called with step, path relative to the folder, SHA-256: to be recorded for a later attempt."""

    check: Callable[[], None] | None = None
    """Called at each step; raises RunCancelled to stop."""
