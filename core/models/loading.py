"""Weights from a folder onto a device, whole or not at all; every fault of a library becomes one sentence.

It knows nothing of students or reward models: the class that reads the weights comes from the caller.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ModelLoadError, SeedbedError
from core.models.batches import is_out_of_memory

if TYPE_CHECKING:
    import torch


def load_weights(auto_class: Any, folder: Path, dtype: "torch.dtype", name: str, missing: str) -> Any:
    """Return the model in a folder, in the main memory; safetensors only, and no code that comes with it is run.

    Args:
        auto_class: of transformers, such as ``AutoModelForCausalLM``.
        folder: with configuration and weights.
        dtype: of the weights.
        name: what is loaded, as the subject of an error's sentence.
        missing: how the sentence about missing weights goes on after the name of the first one.

    Raises:
        ModelLoadError: it cannot be loaded, or weights are missing: transformers would draw them by chance. Weights
            that are tied to others, such as an output head to the embeddings, are not missing.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # its bars would fill the log of a run
    with translate_faults(name):
        model, report = auto_class.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    if lacking := sorted(report["missing_keys"]):
        others = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise ModelLoadError(f"{name} has no trained weights for {lacking[0]}{others}{missing}")
    return model


def move_to_device(model: Any, device: "torch.device | str", name: str) -> Any:
    """Return the model on the device, in evaluation mode; raises ModelLoadError where it does not go there."""
    with translate_faults(name, f"the memory of the device {device}"):
        return model.to(device).eval()


@contextmanager
def translate_faults(name: str, memory: str = "the memory") -> Iterator[None]:
    """Raise ModelLoadError of one sentence about ``name`` for whatever is raised inside; our own errors stay."""
    try:
        yield
    except SeedbedError:
        raise
    except Exception as error:  # each library has classes of its own, and tokenizers raises a plain Exception
        if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and is_out_of_memory(error)):
            raise ModelLoadError(
                f"{name} does not fit into {memory}; use a smaller model or a machine with more memory."
            ) from error
        raise ModelLoadError(f"{name} could not be loaded: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """Return the first line of a library's message, with the next where it ends in a colon, closed as a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    text = " ".join(lines[: 1 + lines[0].endswith(":")])
    return text.rstrip(".:") + "."
