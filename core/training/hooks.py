"""What the caller of a training sees and decides: the one channel between the two."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.models.student import Student
from core.training.rows import LeftOut


@dataclass(frozen=True, slots=True)
class TrainingHooks:
    """What a caller may see of, and do to, a training while it runs."""

    validate: Callable[[Student, int, float], Mapping[str, float | None]] | None = None
    """Called with the live student, the optimiser step and the epoch before the first step, as step 0, and after each
    epoch; ``validation_accuracy`` decides which epoch is kept. At step 0 the student has the fingerprint of what the
    training starts from, so that answers which are known need not be given again."""

    on_metric: Callable[[str, int, float, float], None] | None = None
    """Called with name, optimiser step, value, epoch: loss, learning_rate, grad_norm, tokens_per_second and what the
    objective measures at each step; padding_share after each epoch; validation_loss and what ``validate`` returns at
    step 0 and after each epoch."""

    on_rows: Callable[[Sequence[LeftOut]], None] | None = None
    """Called once before the first step, also of an attempt that goes on: with the rows that cannot be used."""

    on_checkpoint: Callable[[int, str, str], None] | None = None
    """Called with step, path relative to the folder, SHA-256: to be recorded for a later attempt."""

    check: Callable[[], None] | None = None
    """Called at each step; raises RunCancelled to stop."""

    wants_keep: Callable[[], bool] | None = None
    """Called at each step; True ends the training here: it is validated once more, and the best so far is kept."""
