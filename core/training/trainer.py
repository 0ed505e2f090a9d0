"""TRL's SFTTrainer as we use it: quiet, with our order of rows, our callback, and a quicker loss on a CPU.

Importing this module imports trl and peft, so import it only where training begins. It does not know what happens to
the trained weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import LoraConfig
from transformers import PrinterCallback
from trl import SFTConfig, SFTTrainer

from core.models.student import Student, merged
from core.training.config import TrainingConfig
from core.training.hooks import TrainingHooks
from core.training.order import StepOrder
from core.training.rows import PLAIN_HEADS, EncodedRow, compute_completion_loss, measure_loss

CHECKPOINTS_KEPT = 2
"""The best and the last."""

LARGE_MODEL = 500_000_000
"""Parameters from which on activations are computed twice to save memory (checkpointing)."""


class QuietTrainer(SFTTrainer):
    """Reports to nobody outside and writes no model card; on a CPU the loss is computed the quick way."""

    def __init__(self, *args: Any, order: StepOrder, **options: Any):
        self.order = order
        super().__init__(*args, **options)
        self.remove_callback(PrinterCallback)
        self.model.create_or_update_model_card = lambda *_: None  # PEFT's, written with every checkpoint
        self.is_quick = self.args.device.type == "cpu" and self.model.config.model_type in PLAIN_HEADS

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of one part of an optimiser step."""
        if self.is_quick and model.training and not return_outputs:
            return compute_completion_loss(model, inputs, num_items_in_batch)
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Write none: adapters are described by the run that made them."""

    def _get_train_sampler(self, train_dataset: Any = None) -> StepOrder:
        return self.order

    def _send_telemetry(self) -> None:
        pass


def make_trainer(
    student: Student,
    rows: Sequence[EncodedRow],
    held_out: Sequence[EncodedRow],
    config: TrainingConfig,
    checkpoints: Path,
    root: Path,
    hooks: TrainingHooks,
) -> QuietTrainer:
    """Return the trainer, with a fresh adapter on the student's model and the callback that watches it.

    Args:
        student: the base; its model is changed in place.
        rows: trained on.
        held_out: for the validation loss; may be empty.
        config: settings.
        checkpoints: folder for the trainer's checkpoints.
        root: folder that reported checkpoint paths are relative to.
        hooks: of the caller.
    """
    from core.training.callback import TrainingWatch

    trainer = QuietTrainer(
        order=StepOrder([len(row.input_ids) for row in rows], config.batch_size, config.seed),
        model=student.model,
        args=make_arguments(student, config, checkpoints, len(rows)),
        train_dataset=Dataset.from_list([asdict(row) for row in rows]),
        processing_class=student.tokenizer,
        peft_config=LoraConfig(
            task_type="CAUSAL_LM",
            r=config.rank,
            lora_alpha=config.alpha,
            lora_dropout=0.0,
            target_modules="all-linear",
            bias="none",
        ),
    )
    live = replace(student, model=trainer.model)

    def validate() -> dict[str, float | None]:
        return _validate(live, held_out, hooks)

    trainer.add_callback(TrainingWatch(validate if held_out or hooks.validate else None, hooks, root))
    return trainer


def _validate(live: Student, held_out: Sequence[EncodedRow], hooks: TrainingHooks) -> dict[str, float | None]:
    """Return the validation loss and what the caller measures on the live student."""
    live.model.eval()
    try:
        with merged(live):
            metrics: dict[str, float | None] = {}
            if held_out:
                metrics["validation_loss"] = measure_loss(live, held_out)
            found: Mapping[str, float | None] = hooks.validate(live) if hooks.validate else {}
            return {**metrics, **found}
    finally:
        live.model.train()


def make_arguments(student: Student, config: TrainingConfig, checkpoints: Path, n_rows: int) -> SFTConfig:
    """Return the settings in the trainer's words."""
    n_steps = config.epochs * -(-n_rows // config.batch_size)
    has_warmup = config.warmup * n_steps >= 1  # the first step of a warm-up trains nothing: it may be the only one
    is_gpu = student.device.type != "cpu"
    is_large = sum(weights.numel() for weights in student.model.parameters()) >= LARGE_MODEL
    is_cosine = config.schedule == "cosine_with_min_lr"
    arguments = SFTConfig(
        output_dir=str(checkpoints),
        per_device_train_batch_size=config.batch_size // config.accumulation_steps,
        gradient_accumulation_steps=config.accumulation_steps,
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup if has_warmup else 0,
        lr_scheduler_type=config.schedule,
        lr_scheduler_kwargs={"min_lr": config.min_learning_rate} if is_cosine else None,
        weight_decay=0.0,
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
        max_length=None,  # rows were measured before
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        bf16=is_gpu,
        use_cpu=not is_gpu,
        activation_checkpointing=is_large,
        dataloader_num_workers=0,
        dataloader_pin_memory=is_gpu,
        logging_steps=1,
        eval_strategy="no",
        save_strategy="epoch",
        save_total_limit=CHECKPOINTS_KEPT,
        disable_tqdm=True,
        report_to="none",
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # several visible GPUs would be used by copying the model, which TRL refuses
    return arguments
