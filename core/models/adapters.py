"""Whether an adapter can be that of a model, by the shapes in their files; nothing is loaded.

It knows only what the files say: a model whose weights are named otherwise than its modules, or packed, is let through,
and loading it will tell.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import ModelLoadError
from core.models.attention import is_attention
from core.models.student import check_adapter, check_source, is_whole_model

_PREFIX, _DOWN, _UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
_FLOATS = ("F32", "F16", "BF16")
"""Weights as safetensors names them; those of other types have shapes of their own."""

_TORN = (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError)
"""What reading the header of a file raises that is none."""


def check_fit(source: str, adapter: Path) -> None:
    """Raise ModelLoadError where there is no LoRA adapter in a folder, or one that is too wide or narrow for a student.

    Args:
        source: name, folder or hub id of the student; of a hub id only the adapter is looked at.
        adapter: folder.
    """
    weights = check_adapter(adapter)
    if is_whole_model(adapter):
        return
    try:
        tuned = _read_shapes(weights)
    except _TORN:
        raise ModelLoadError(f"{weights} cannot be read as safetensors; save the adapter again.") from None
    if (folder := check_source(source)) is None:
        return
    base: dict[str, list[int]] = {}
    for path in folder.glob("*.safetensors"):
        try:
            base |= _read_shapes(path)
        except _TORN:
            return  # loading says what is wrong with it
    for name, shape in tuned.items():
        module = name.removeprefix(_PREFIX).removesuffix(_DOWN)
        wide, narrow = base.get(f"{module}.weight"), tuned.get(name.removesuffix(_DOWN) + _UP)
        if name.endswith(_DOWN) and wide and narrow and sorted(wide) != sorted((shape[1], narrow[0])):
            raise ModelLoadError(
                f"The adapter in {adapter} was trained on another model than {source}: it expects {module} of "
                f"{narrow[0]:,} × {shape[1]:,}, not {wide[0]:,} × {wide[1]:,}; choose that model, or another adapter."
            )


def read_adapter_settings(adapter: Path) -> dict[str, Any]:
    """Return ``rank``, ``alpha``, ``dropout`` and ``layers`` of a LoRA adapter, as TrainingConfig has them.

    Nothing for a whole model; no ``layers`` where none of the attention are among them. Raises ModelLoadError where
    there is no adapter, or one that does not say what it is.
    """
    weights = check_adapter(adapter)
    if is_whole_model(adapter):
        return {}
    file = adapter / "adapter_config.json"
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        found = {"rank": int(about["r"]), "alpha": int(about["lora_alpha"])}
        found["dropout"] = float(about.get("lora_dropout") or 0.0)
    except _TORN:
        raise ModelLoadError(f"{file} names no rank (r) and lora_alpha; save the adapter again.") from None
    try:
        are_attention = {is_attention(name) for name in _read_shapes(weights)}
    except _TORN:
        raise ModelLoadError(f"{weights} cannot be read as safetensors; save the adapter again.") from None
    if are_attention == {False}:
        return found  # other layers than any setting names
    return {**found, "layers": "all-linear" if False in are_attention else "attention"}


def _read_shapes(path: Path) -> dict[str, list[int]]:
    """Return name -> shape of each matrix of floats in a safetensors file; raises ValueError where it is none."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > path.stat().st_size:
            raise ValueError(f"{path} is cut off")
        header: Mapping[str, Any] = json.loads(file.read(size))
    return {
        name: about["shape"]
        for name, about in header.items()
        if name != "__metadata__" and about["dtype"] in _FLOATS and len(about["shape"]) == 2
    }
