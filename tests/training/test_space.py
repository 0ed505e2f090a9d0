"""Room for a training, told from headers: the numbers that are trained are counted as peft counts them."""

import pytest

from core.training.config import TrainingConfig
from core.training.space import CHECKPOINTS, OPTIMIZER_BYTES, WEIGHT_BYTES, count_trained, estimate_training_bytes
from tests.models.lora import save_lora


def test_what_is_trained_is_counted_as_the_library_makes_it(model_folder, tmp_path):
    from safetensors.torch import load_file

    adapter = save_lora(model_folder, tmp_path / "adapter")
    made = sum(weight.numel() for weight in load_file(adapter / "adapter_model.safetensors").values())
    assert count_trained(model_folder, TrainingConfig(rank=4, alpha=4)) == made
    assert count_trained(model_folder, TrainingConfig(rank=8, alpha=8)) == 2 * made
    whole = sum(weight.numel() for weight in load_file(model_folder / "model.safetensors").values())
    assert count_trained(model_folder, TrainingConfig(weights="full")) == whole


@pytest.mark.parametrize("weights", ["lora", "full"])
def test_a_training_needs_three_checkpoints_of_weights_and_optimizer(model_folder, weights):
    config = TrainingConfig(weights=weights)
    n = count_trained(model_folder, config)
    needed = estimate_training_bytes(str(model_folder), {"weights": weights})
    files = (model_folder / "tokenizer.json").stat().st_size + 200_000
    assert needed == pytest.approx(CHECKPOINTS * (n * (WEIGHT_BYTES + OPTIMIZER_BYTES) + files), rel=0.01)


def test_the_room_for_a_student_that_is_not_here_is_unknown(tmp_path):
    assert estimate_training_bytes("owner/name", {}) is None
    assert estimate_training_bytes(str(tmp_path / "gone"), {}) is None
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    assert estimate_training_bytes(str(tmp_path), {}) is None
