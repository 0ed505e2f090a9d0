"""What happens while a student trains: metrics out at each step, validation and the best epoch, stopping.

A transformers callback; importing this module imports transformers, so import it only where training begins.
"""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from core.errors import TrainingError
from core.training.checkpoints import hash_folder, step_of
from core.training.hooks import TrainingHooks
from core.training.order import StepOrder

ACCURACY, LOSS = "validation_accuracy", "validation_loss"
"""The metric that decides which epoch is kept (Kessler 2025, 4.1), and the one that decides between equal ones."""

BEFORE = "accuracy_before"
"""What the accuracy of what a training starts from is called in the trainer's history."""

STREAMED = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "negative_share": "negative_share",
    "rewards/accuracies": "reward_accuracy",
    "rewards/margins": "reward_margin",
}
"""The trainers' log names that are passed on, and what they are called here."""

N_ROWS_NAMED = 8
"""Rows of a broken batch that its error names."""


class TrainingWatch(TrainerCallback):
    """Streams metrics, validates before the first step and after each epoch, remembers the best in the trainer's state.

    Args:
        validate: step, epoch -> metrics; step 0 is what it starts from. None: no validation.
        hooks: of the caller.
        root: folder that reported checkpoint paths are relative to.
        order: which rows a step has.
        positions: row of the trainer -> its number among the rows that were given, for errors.
    """

    def __init__(
        self,
        validate: Callable[[int, float], Mapping[str, float | None]] | None,
        hooks: TrainingHooks,
        root: Path,
        order: StepOrder,
        positions: Any,
    ):
        self.validate, self.hooks, self.root, self.order, self.positions = validate, hooks, root, order, positions
        self.is_stopped = False
        self.accuracy_before: float | None = None
        self.n_tokens = self.n_cells = 0
        self.step_seconds = self.metric_seconds = 0.0
        self._began = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Validate what it starts from, as step 0, which is never kept; an attempt that goes on has that already."""
        if self.validate is not None and state.global_step == 0:
            metrics = self._validate(state)
            # the history is saved with each checkpoint, so an attempt that goes on still knows it
            state.log_history.append({"step": 0, BEFORE: metrics.get(ACCURACY)})
        self.accuracy_before = next((row[BEFORE] for row in state.log_history if BEFORE in row), None)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look at the clock."""
        self._began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count what the step took; stop here where the run was cancelled, or told to keep what it has."""
        seconds = time.perf_counter() - self._began
        n_tokens, n_cells = self.order.count_tokens(state.global_step - 1)
        self.step_seconds, self.n_tokens, self.n_cells = (
            self.step_seconds + seconds,
            self.n_tokens + n_tokens,
            self.n_cells + n_cells,
        )
        self._emit("tokens_per_second", state, n_tokens / seconds)
        if self.hooks.check is not None:
            self.hooks.check()
        if self.hooks.wants_keep is not None and not self.is_stopped and self.hooks.wants_keep():
            self.is_stopped = control.should_training_stop = True  # the epoch ends here: validated and saved as ever

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Pass on what the trainer measured at this step; raises TrainingError where that is no number."""
        for theirs, ours in STREAMED.items():
            if logs and theirs in logs:
                value = float(logs[theirs])
                if ours in ("loss", "grad_norm") and not math.isfinite(value):
                    raise TrainingError(self._describe_break(ours, state))
                self._emit(ours, state, value)

    def _describe_break(self, name: str, state: Any) -> str:
        """Return the sentence for a loss or gradient that is no number."""
        rows = sorted(int(self.positions[row]) + 1 for row in self.order.find_rows(state.global_step - 1))
        named = ", ".join(map(str, rows[:N_ROWS_NAMED])) + (", ..." if len(rows) > N_ROWS_NAMED else "")
        what = "loss" if name == "loss" else "gradient"
        return (
            f"The {what} was no number at step {state.global_step} of {state.max_steps} (rows {named}), so training "
            "stopped; try a lower learning rate, or look at those rows. Checkpoints of the epochs before are kept."
        )

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Validate; the highest accuracy makes the best epoch, among equal ones the lowest loss, then the earliest."""
        last = state.global_step - 1
        steps = [self.order.count_tokens(step) for step in range(last - last % self.order.n_steps, last + 1)]
        n_tokens, n_cells = (sum(column) for column in zip(*steps, strict=True))
        self._emit("padding_share", state, 1 - n_tokens / n_cells)
        if self.validate is None:
            return
        metrics = self._validate(state)
        if metrics.get(ACCURACY) is not None:
            # the history is saved with each checkpoint, so an attempt that goes on compares with all epochs before
            state.log_history.append({"step": state.global_step, ACCURACY: metrics[ACCURACY], LOSS: metrics.get(LOSS)})
            state.best_metric, state.best_global_step = _find_best(state)

    def _validate(self, state: Any) -> Mapping[str, float | None]:
        metrics = self.validate(state.global_step, self._find_epoch(state))
        for name, value in metrics.items():
            if value is not None:
                self._emit(name, state, value)
        return metrics

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Record the hash of the checkpoint that was just written."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self.hooks.on_checkpoint is not None and folder.is_dir():
            self.hooks.on_checkpoint(step_of(folder), folder.relative_to(self.root).as_posix(), hash_folder(folder))

    def _find_epoch(self, state: Any) -> float:
        """Return the epoch by steps; the trainer's own counts parts of batches, and runs ahead at an epoch's end."""
        return state.global_step / self.order.n_steps

    def _emit(self, name: str, state: Any, value: float) -> None:
        if self.hooks.on_metric is None:
            return
        began = time.perf_counter()
        self.hooks.on_metric(name, state.global_step, value, self._find_epoch(state))
        self.metric_seconds += time.perf_counter() - began


def _find_best(state: Any) -> tuple[float, int]:
    """Return accuracy and step of the best epoch; one that is known best and not in the history counts as well."""
    told = {row["step"]: (-row[ACCURACY], math.inf if row[LOSS] is None else row[LOSS])
            for row in state.log_history if ACCURACY in row}  # fmt: skip
    if state.best_metric is not None:
        told.setdefault(state.best_global_step, (-state.best_metric, math.inf))
    best = min(told, key=lambda step: (*told[step], step))
    return -told[best][0], best
