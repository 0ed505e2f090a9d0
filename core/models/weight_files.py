"""What the headers of a model's safetensors files say of its weights: type, shape, size. No weights are read.

It knows nothing of transformers or torch.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from core.errors import ModelLoadError

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Types that a model is saved in -> bytes of a number."""

TYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}
"""As safetensors names them."""

_TORN = (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError)
"""What reading the header of a file raises that is none."""


@dataclass(frozen=True, slots=True)
class Weight:
    """One tensor of a file."""

    dtype: str
    """As safetensors names it: F32, BF16, F16, I8, ..."""

    shape: tuple[int, ...]

    @property
    def n_numbers(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


def list_weights(folder: Path) -> dict[str, Weight]:
    """Return name -> weight of all safetensors files in a folder.

    Raises:
        ModelLoadError: a file cannot be read as safetensors, or there is none.
    """
    found: dict[str, Weight] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            found |= _read_header(path)
        except _TORN:
            raise ModelLoadError(f"{path} cannot be read as safetensors; save or fetch the model again.") from None
    if not found:
        raise ModelLoadError(f"The folder {folder} has no .safetensors weights.")
    return found


def read_config(folder: Path) -> dict:
    """Return a model's config.json; raises ModelLoadError where there is none that can be read."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = None
    if not isinstance(config, dict):
        raise ModelLoadError(f"{folder / 'config.json'} cannot be read; save or fetch the model again.")
    return config


def find_dtype(folder: Path) -> str:
    """Return the type that a model is to be used in: what its configuration names, else that of most of its numbers.

    A model may be stored more narrowly than it is used; loading it "as saved" goes by the configuration then.

    Raises:
        ModelLoadError: it is stored in a type that is no plain number (quantised), or its files cannot be read.
    """
    config = read_config(folder)
    if config.get("quantization_config"):
        raise ModelLoadError(f"The model in {folder} is quantised; nothing can be merged into it. Take the full one.")
    named = config.get("dtype") or config.get("torch_dtype") or (config.get("text_config") or {}).get("dtype")
    if named in BYTES:
        return named
    sizes: dict[str, int] = {}
    for weight in list_weights(folder).values():
        sizes[weight.dtype] = sizes.get(weight.dtype, 0) + weight.n_numbers
    commonest = max(sizes, key=sizes.__getitem__)
    if commonest not in TYPES:
        raise ModelLoadError(f"The weights in {folder} are stored as {commonest}, which is no plain number.")
    return TYPES[commonest]


def _read_header(path: Path) -> dict[str, Weight]:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > path.stat().st_size:
            raise ValueError(f"{path} is cut off")
        header = json.loads(file.read(size))
    return {
        name: Weight(about["dtype"], tuple(about["shape"])) for name, about in header.items() if name != "__metadata__"
    }
