"""The trainer of one finetune: model, rows, arguments and the callback that watches, put together.

Importing this module imports trl and peft, so import it only where training begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset
from peft import LoraConfig, PeftModel
from trl import DPOConfig, SFTConfig

from core.models.attention import list_attention
from core.models.student import Student, merged
from core.training.config import TrainingConfig
from core.training.hooks import TrainingHooks
from core.training.objectives.base import Objective
from core.training.order import StepOrder
from core.training.rows import EncodedPair, EncodedRow, measure_loss

if TYPE_CHECKING:
    from core.training.callback import TrainingWatch

CHECKPOINTS_KEPT = 2
"""The best and the last."""

LARGE_MODEL = 500_000_000
"""Parameters from which on activations are computed twice to save memory (checkpointing)."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the trainer is given."""

    rows: Sequence[EncodedRow] | Sequence[EncodedPair]
    positions: Sequence[int]
    """Of each row among those that the training was given."""

    held_out: Sequence[EncodedRow]
    """For the validation loss; may be empty."""


def make_trainer(
    student: Student,
    start: Path | None,
    encoded: Encoded,
    objective: Objective,
    config: TrainingConfig,
    checkpoints: Path,
    root: Path,
    hooks: TrainingHooks,
) -> "tuple[Any, TrainingWatch]":
    """Return the trainer and the callback that watches it.

    Args:
        student: the base, or a whole model to go on with, with the fingerprint of what the training starts from; its
            model is changed in place.
        start: adapter to go on with; None: a fresh one. Not read where all weights are trained.
        encoded: rows and validation rows.
        objective: what is minimised.
        config: settings.
        checkpoints: folder for the trainer's checkpoints.
        root: folder that reported checkpoint paths are relative to.
        hooks: of the caller.
    """
    from core.training.callback import TrainingWatch

    rows, is_pairs = encoded.rows, objective.form == "pairs"
    order = _order_steps(rows, config, n_sequences=2 if is_pairs else 1)
    open_trainer, more = objective.open_trainer()
    model, adapter = _make_model(student, start, config)
    options: dict[str, Any] = {}
    if objective.form == "labelled":
        from core.training.trainers import LabelledCollator

        options["data_collator"] = LabelledCollator(student.tokenizer.pad_token_id)
        more = {**more, "remove_unused_columns": False}
    trainer = open_trainer(
        order=order,
        model=model,
        args=make_arguments(DPOConfig if is_pairs else SFTConfig, student, config, checkpoints, len(rows), more),
        train_dataset=Dataset.from_list([_to_columns(row, objective.form) for row in rows]),
        processing_class=student.tokenizer,
        peft_config=adapter,
        **options,
    )

    def validate(step: int, epoch: float) -> dict[str, float | None]:
        known = None if step else student.fingerprint  # once it has changed, nothing said before is its answer
        live = replace(student, model=trainer.model, fingerprint=known)
        return _validate(live, encoded.held_out, hooks, step, epoch)

    watch = TrainingWatch(
        validate if encoded.held_out or hooks.validate else None, hooks, root, order, encoded.positions
    )
    trainer.add_callback(watch)
    return trainer, watch


def _order_steps(
    rows: Sequence[EncodedRow] | Sequence[EncodedPair], config: TrainingConfig, n_sequences: int
) -> StepOrder:
    """Return which rows each step has; ``n_sequences`` are computed for each row."""
    return StepOrder(
        [row.length for row in rows],
        config.batch_size,
        config.batch_size // config.accumulation_steps,
        config.seed,
        [row.n_tokens for row in rows],
        n_sequences=n_sequences,
    )


def _make_model(student: Student, start: Path | None, config: TrainingConfig) -> tuple[Any, LoraConfig | None]:
    """Return the model to train, and the settings of the adapter that the trainer is to put on it."""
    if config.weights == "full":
        student.model.requires_grad_(True)
        return student.model, None
    if start is not None:
        model = PeftModel.from_pretrained(student.model, start, is_trainable=True)
        for settings in model.peft_config.values():  # or the hub would be asked for it at each checkpoint
            settings.base_model_name_or_path = str(student.model.config._name_or_path)
        return model, None
    adapter = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules="all-linear" if config.layers == "all-linear" else list_attention(student.model),
        bias="none",
    )
    return student.model, adapter


def _to_columns(row: EncodedRow | EncodedPair, form: str) -> dict[str, Any]:
    """Return the columns that the trainer of this form reads."""
    columns = asdict(row)
    if form == "answers":
        del columns["sign"]
    return columns


def _validate(
    live: Student, held_out: Sequence[EncodedRow], hooks: TrainingHooks, step: int, epoch: float
) -> dict[str, float | None]:
    """Return the validation loss and what the caller measures on the live student."""
    live.model.eval()
    try:
        with merged(live):
            metrics: dict[str, float | None] = {}
            if held_out:
                metrics["validation_loss"] = measure_loss(live, held_out)
            found: Mapping[str, float | None] = hooks.validate(live, step, epoch) if hooks.validate else {}
            return {**metrics, **found}
    finally:
        live.model.train()


def make_arguments(
    kind: type, student: Student, config: TrainingConfig, checkpoints: Path, n_rows: int, more: Mapping[str, Any]
) -> Any:
    """Return the settings in the trainer's words.

    Args:
        kind: SFTConfig or DPOConfig.
        student: to be trained.
        config: settings.
        checkpoints: folder for checkpoints.
        n_rows: rows of an epoch.
        more: what the objective adds.
    """
    n_steps = config.epochs * -(-n_rows // config.batch_size)
    has_warmup = config.warmup * n_steps >= 1  # the first step of a warm-up trains nothing: it may be the only one
    is_gpu = student.device.type != "cpu"
    is_large = sum(weights.numel() for weights in student.model.parameters()) >= LARGE_MODEL
    is_cosine = config.schedule == "cosine_with_min_lr"
    own = (
        {"packing": False, "dataset_kwargs": {"skip_prepare_dataset": True}}
        if kind is SFTConfig
        else {"precompute_ref_log_probs": True}
    )
    arguments = kind(
        output_dir=str(checkpoints),
        per_device_train_batch_size=config.batch_size // config.accumulation_steps,
        gradient_accumulation_steps=config.accumulation_steps,
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup if has_warmup else 0,
        lr_scheduler_type=config.schedule,
        lr_scheduler_kwargs={"min_lr": config.min_learning_rate} if is_cosine else None,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
        max_length=None,  # rows were measured before
        bf16=is_gpu,
        use_cpu=not is_gpu,
        activation_checkpointing=is_large,
        dataloader_num_workers=0,
        dataloader_pin_memory=is_gpu,
        logging_steps=1,
        logging_nan_inf_filter=False,  # a loss that is no number must be seen, not replaced by the mean
        eval_strategy="no",
        save_strategy="epoch",
        save_total_limit=CHECKPOINTS_KEPT,
        disable_tqdm=True,
        report_to="none",
        **own,
        **more,
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # several visible GPUs would be used by copying the model, which TRL refuses
    return arguments
