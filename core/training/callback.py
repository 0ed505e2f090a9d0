"""What happens while a student trains: metrics out at each step, validation and the best epoch, cancelling.

A transformers callback; importing this module imports transformers, so import it only where training begins.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from core.training.checkpoints import hash_folder, step_of
from core.training.hooks import TrainingHooks

ACCURACY = "validation_accuracy"
"""The metric that decides which epoch is kept (Kessler 2025, 4.1)."""

STREAMED = {"loss": "loss", "learning_rate": "learning_rate", "grad_norm": "grad_norm"}
"""The Trainer's log names that are passed on, and what they are called here."""


class TrainingWatch(TrainerCallback):
    """Streams metrics, validates after each epoch, and remembers the best epoch in the trainer's state."""

    def __init__(self, validate: Callable[[], Mapping[str, float | None]] | None, hooks: TrainingHooks, root: Path):
        self.validate, self.hooks, self.root = validate, hooks, root

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop here where the run was cancelled."""
        if self.hooks.check is not None:
            self.hooks.check()

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Pass on what the Trainer measured at this step."""
        for theirs, ours in STREAMED.items():
            if logs and theirs in logs:
                self._emit(ours, state, float(logs[theirs]))

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Validate; a higher accuracy makes this the best epoch, a tie leaves the earlier one."""
        if self.validate is None:
            return
        metrics = self.validate()
        for name, value in metrics.items():
            if value is not None:
                self._emit(name, state, value)
        accuracy = metrics.get(ACCURACY)
        if accuracy is not None and (state.best_metric is None or accuracy > state.best_metric):
            state.best_metric, state.best_global_step = accuracy, state.global_step

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Record the hash of the checkpoint that was just written."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self.hooks.on_checkpoint is not None and folder.is_dir():
            self.hooks.on_checkpoint(step_of(folder), folder.relative_to(self.root).as_posix(), hash_folder(folder))

    def _emit(self, name: str, state: Any, value: float) -> None:
        if self.hooks.on_metric is not None:
            self.hooks.on_metric(name, state.global_step, value, state.epoch)
