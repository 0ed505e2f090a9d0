"""Which layers of a model belong to its attention, by their names: for adapters on those alone."""

from typing import Any

from core.errors import TrainingError


def is_attention(name: str) -> bool:
    """Say whether the module of a dotted name (or that of a weight) is, or lies within, an attention block."""
    return any("attn" in part or "attention" in part for part in name.lower().split("."))


def list_attention(model: Any) -> list[str]:
    """Return the names of the linear layers within attention blocks; raises TrainingError where none is called so.

    Args:
        model: of transformers.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    kinds = (torch.nn.Linear, Conv1D)
    names = [name for name, module in model.named_modules() if isinstance(module, kinds) and is_attention(name)]
    if not names:
        raise TrainingError("This student has no layers that are called attention; choose layers=all-linear.")
    return names
