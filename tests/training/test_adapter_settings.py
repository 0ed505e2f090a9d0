"""Dropout, the layers that get an adapter, and weight decay, through the real trainer."""

from dataclasses import asdict, replace

import pytest
from safetensors.torch import load_file

from core.errors import TrainingError
from core.models.adapters import read_adapter_settings
from core.models.attention import is_attention, list_attention
from core.models.student import Student, hash_model_files
from core.training.config import ADDED, PRESETS, PRESETS_FOR, TrainingConfig, list_decisive
from core.training.data import TrainingRow
from core.training.hooks import TrainingHooks
from core.training.objectives import make_objective
from core.training.space import count_trained
from core.training.train import train
from tests.models.tiny import EchoTask

ROWS = [TrainingRow(f"Tom has {i} apples and buys {i + 2} more", f"He has {2 * i + 2}") for i in range(8)]
CONFIG = TrainingConfig(rank=4, alpha=4, learning_rate=1e-2, epochs=6, batch_size=4, accumulation_steps=1, seed=7)


@pytest.fixture(scope="module")
def finetune(model_folder, tmp_path_factory):
    def run(config, objective="sft", rows=ROWS):
        """Return the losses and the tensors of the adapter."""
        losses = {}
        hooks = TrainingHooks(on_metric=lambda name, step, value, epoch: losses.setdefault(name, []).append(value))
        folder, made = tmp_path_factory.mktemp("trained"), make_objective(objective)
        outcome = train(model_folder, rows, EchoTask(), config, folder, objective=made, hooks=hooks, device="cpu")
        return losses["loss"], load_file(outcome.adapter / "adapter_model.safetensors"), outcome.adapter

    return run


@pytest.fixture(scope="module")
def usual(finetune):
    return finetune(CONFIG)


def test_dropout_gives_another_curve_and_the_same_one_again(finetune, usual, model_folder):
    before = hash_model_files(model_folder)
    dropped, _, adapter = finetune(replace(CONFIG, dropout=0.4))
    assert read_adapter_settings(adapter)["dropout"] == 0.4
    assert all(loss == loss for loss in dropped) and dropped != usual[0] and dropped[-1] < dropped[0]
    assert finetune(replace(CONFIG, dropout=0.4))[0] == dropped
    assert hash_model_files(model_folder) == before
    assert Student.load(model_folder, adapter=adapter, device="cpu").fingerprint


def test_an_adapter_of_the_attention_alone_has_fewer_tensors_and_answers(finetune, usual, model_folder):
    before = hash_model_files(model_folder)
    config = replace(CONFIG, layers="attention")
    losses, tensors, adapter = finetune(config)
    assert [read_adapter_settings(each)["layers"] for each in (adapter, usual[2])] == ["attention", "all-linear"]
    assert set(tensors) < set(usual[1]) and all(is_attention(name) for name in tensors)
    assert sum(tensor.numel() for tensor in tensors.values()) == count_trained(model_folder, config)
    assert losses[-1] < losses[0] and losses != usual[0] and hash_model_files(model_folder) == before
    assert Student.load(model_folder, adapter=adapter, device="cpu").fingerprint


def test_weight_decay_takes_weights_down(finetune, usual):
    _, tensors, _ = finetune(replace(CONFIG, weight_decay=1.0))
    ups = [name for name in tensors if "lora_A" in name]
    assert sum(tensors[name].norm() for name in ups) < sum(usual[1][name].norm() for name in ups)


def test_a_model_whose_attention_is_called_otherwise_is_refused_in_one_sentence():
    import torch

    with pytest.raises(TrainingError, match="choose layers=all-linear"):
        list_attention(torch.nn.Sequential(torch.nn.Linear(2, 2)))
    assert [is_attention(name) for name in ("h.0.attn.c_attn", "h.0.attention.dense", "h.0.mlp.c_proj")] == [
        True,
        True,
        False,
    ]


def test_settings_that_came_later_change_nothing_of_what_older_runs_are_known_by():
    old = {name: value for name, value in asdict(CONFIG).items() if name not in ADDED}
    assert TrainingConfig.from_dict(old) == CONFIG and list_decisive(CONFIG) == old
    assert list_decisive(replace(CONFIG, dropout=0.1)) == {**old, "dropout": 0.1}
    for values in ({"dropout": 1.0}, {"dropout": -0.1}, {"layers": "mlp"}, {"weight_decay": -1}):
        with pytest.raises(TrainingError, match=next(iter(values))):
            TrainingConfig.from_dict(values)


def test_every_preset_says_for_whom_it_is():
    assert set(PRESETS_FOR) == set(PRESETS)
