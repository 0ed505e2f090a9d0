"""Whether an adapter fits a student, told from the headers of files alone."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.errors import ModelLoadError
from core.models.adapters import check_fit

MODULE = "model.layers.0.mlp.gate_proj"


def save_adapter(folder, n_in, n_out, module=MODULE, rank=4):
    """Save a LoRA adapter of one module; that of ``tiny`` is 384 x 128."""
    folder.mkdir()
    (folder / "adapter_config.json").touch()
    shapes = {"lora_A": (rank, n_in), "lora_B": (n_out, rank)}
    weights = {
        f"base_model.model.{module}.{name}.weight": np.zeros(shape, np.float32) for name, shape in shapes.items()
    }
    save_file(weights, folder / "adapter_model.safetensors")
    return folder


def test_an_adapter_fits_where_the_shapes_of_its_modules_do_or_cannot_be_compared(tmp_path):
    check_fit("tiny", save_adapter(tmp_path / "a", 128, 384))
    check_fit("tiny", save_adapter(tmp_path / "transposed", 384, 128))  # as GPT-2 keeps its weights
    check_fit("tiny", save_adapter(tmp_path / "unknown", 7, 9, "another.name"))
    check_fit("some/model", save_adapter(tmp_path / "hub", 7, 9))


@pytest.mark.parametrize(("n_in", "n_out"), [(256, 384), (128, 512)])
def test_an_adapter_of_a_model_of_another_size_is_refused(tmp_path, n_in, n_out):
    adapter = save_adapter(tmp_path / "a", n_in, n_out)
    with pytest.raises(ModelLoadError, match=f"another model than tiny: it expects {MODULE}.*, not 384 × 128; choose"):
        check_fit("tiny", adapter)


def test_a_folder_without_an_adapter_and_a_torn_file_are_said(tmp_path):
    with pytest.raises(ModelLoadError, match="no LoRA adapter"):
        check_fit("tiny", tmp_path)
    adapter = save_adapter(tmp_path / "a", 128, 384)
    for data in (
        b"",
        b"torn",
        (99).to_bytes(8, "little") + b"{}",
        (9).to_bytes(8, "little") + json.dumps([1] * 9).encode(),
        (200_000).to_bytes(8, "little") + b"[" * 200_000,
    ):
        (adapter / "adapter_model.safetensors").write_bytes(data)
        with pytest.raises(ModelLoadError, match="cannot be read as safetensors"):
            check_fit("some/model", adapter)
