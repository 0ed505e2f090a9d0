"""How much of the disk a training will need, told from the files of the student and the settings; nothing is loaded.

It knows nothing of runs, or of how much is free.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import ModelLoadError
from core.models.attention import is_attention
from core.models.student import check_source
from core.models.weight_files import list_weights
from core.training.config import TrainingConfig

CHECKPOINTS = 3
"""At one time: the best and the last are kept, and a third is there while it is written."""

WEIGHT_BYTES, OPTIMIZER_BYTES = 4, 8
"""Of each trained number in a checkpoint: itself in float32, and the two running means of Adam."""

SMALL_FILES = 200_000
"""Bytes of a checkpoint that are neither: random states, schedule, the trainer's account."""

HEADS = ("embed", "wte", "wpe", "lm_head", "embed_out", "output_layer")
"""In the names of matrices that a LoRA on all linear layers leaves out."""


def estimate_training_bytes(student: str, training: Mapping[str, Any] | TrainingConfig) -> int | None:
    """Return what a training takes on the disk while it runs, at most, bytes; what stays is a ninth of it or less.

    Args:
        student: ``tiny``, a folder or a hub id.
        training: fields of TrainingConfig.

    Returns:
        None where the student is a hub id or its files cannot be read: its size is not known before it is there.
    """
    config = training if isinstance(training, TrainingConfig) else TrainingConfig.from_dict(training)
    try:
        folder = check_source(student)
        if folder is None:
            return None
        n_trained = count_trained(folder, config)
    except ModelLoadError:
        return None
    tokenizer = sum(path.stat().st_size for path in folder.glob("tokenizer*"))  # stands in every checkpoint
    checkpoint = n_trained * (WEIGHT_BYTES + OPTIMIZER_BYTES) + tokenizer + SMALL_FILES
    return CHECKPOINTS * checkpoint


def count_trained(folder: Path, config: TrainingConfig) -> int:
    """Return how many numbers are trained: all of the model's, or those of the adapter.

    Args:
        folder: the student's.
        config: ``weights``, ``rank`` and ``layers`` are read.

    Raises:
        ModelLoadError: its files cannot be read.
    """
    weights = list_weights(folder)
    if config.weights == "full":
        return sum(weight.n_numbers for weight in weights.values())
    linear = [
        weight.shape
        for name, weight in weights.items()
        if len(weight.shape) == 2
        and not any(part in name.lower() for part in HEADS)
        and (config.layers == "all-linear" or is_attention(name))
    ]
    return config.rank * sum(rows + columns for rows, columns in linear)
