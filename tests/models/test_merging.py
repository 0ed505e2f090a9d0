"""A base and its adapter as one model: the numbers by hand, the check that it must pass, and a disk without room."""

import errno
import json
import os
import shutil
import subprocess

import pytest

from core.errors import ModelLoadError, RunCancelled, RunError
from core.models import merging
from core.models.merging import estimate_merged_bytes, merge, whole_folder
from core.models.weight_files import find_dtype, list_weights
from core.runs import disk
from tests.models.lora import save_lora

PROMPTS = ["Tom has 3 apples", "A box holds 24 pens; 7 boxes are full."]
MODULE = "model.layers.1.mlp.down_proj"


@pytest.fixture(scope="module")
def adapter(model_folder, tmp_path_factory):
    return save_lora(model_folder, tmp_path_factory.mktemp("adapter"))


@pytest.fixture(scope="module")
def narrow(model_folder, tmp_path_factory):
    """The same base, stored and used in bfloat16 and in two shards."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("narrow")
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="30KB")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(model_folder / name, folder / name)
    return folder


def read(folder, name):
    from safetensors.torch import load_file

    return {key: value for path in folder.glob("*.safetensors") for key, value in load_file(path).items()}[name]


def merge_by_hand(base, adapter):
    """Return the weight of one module as one would work it out on paper: added in float32, rounded once."""
    lora = f"base_model.model.{MODULE}.lora_"
    up, down = (read(adapter, f"{lora}{side}.weight").float() for side in "BA")
    return read(base, f"{MODULE}.weight").float() + up @ down  # alpha = rank, so the scale is 1


def test_the_merged_model_is_base_plus_adapter_and_answers_alike(model_folder, adapter, tmp_path):
    with whole_folder(tmp_path / "model") as part:
        check = merge(str(model_folder), adapter, part, PROMPTS)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "model"]
    assert (check.dtype, check.n_prompts, check.n_same_answers) == ("float32", 2, 2)
    assert check.largest_difference < 1e-4 and check.mean_kl < 1e-6 < check.adapter_kl
    made = read(tmp_path / "model", f"{MODULE}.weight")
    assert made.allclose(merge_by_hand(model_folder, adapter), atol=1e-6)
    assert (tmp_path / "model" / "tokenizer.json").read_bytes() == (model_folder / "tokenizer.json").read_bytes()
    config = json.loads((tmp_path / "model" / "generation_config.json").read_text())
    assert config["eos_token_id"] == json.loads((model_folder / "generation_config.json").read_text())["eos_token_id"]


def test_a_narrow_base_stays_narrow_and_is_rounded_once(narrow, adapter, tmp_path):
    import torch

    assert len(list(narrow.glob("*.safetensors"))) > 1 and find_dtype(narrow) == "bfloat16"
    target = tmp_path / "model"
    target.mkdir()
    check = merge(str(narrow), adapter, target, PROMPTS)
    made = read(target, f"{MODULE}.weight")
    assert check.dtype == "bfloat16" and made.dtype == torch.bfloat16
    assert torch.equal(made, merge_by_hand(narrow, adapter).to(torch.bfloat16))
    weights = list_weights(target)
    assert estimate_merged_bytes(narrow) == 2 * sum(weight.n_numbers for weight in weights.values())
    assert estimate_merged_bytes(narrow, "float32") == 2 * estimate_merged_bytes(narrow)


def test_all_weights_that_were_trained_are_saved_with_the_tokenizer_of_their_base(model_folder, tmp_path):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(model_folder)
    model.model.layers[0].mlp.up_proj.weight.data *= 1.5
    model.save_pretrained(tmp_path / "whole")
    (tmp_path / "model").mkdir()
    check = merge(str(model_folder), tmp_path / "whole", tmp_path / "model", PROMPTS)
    assert check.n_same_answers == 2 and check.adapter_kl is None and check.largest_difference < 1e-4
    name = "model.layers.0.mlp.up_proj.weight"
    assert read(tmp_path / "model", name).allclose(1.5 * read(model_folder, name))
    assert (tmp_path / "model" / "tokenizer.json").is_file()


@pytest.mark.parametrize(
    ("dtype", "sentence"),
    [("float32", "is not the same as base and adapter: .* logits by up to"), ("bfloat16", "Save it as float32")],
)
def test_a_model_that_answers_otherwise_is_not_kept(model_folder, adapter, tmp_path, monkeypatch, dtype, sentence):
    """As if merging had left the adapter out."""
    monkeypatch.setattr(merging, "_add_weights", lambda model, adapter: model)
    with pytest.raises(RunError, match=sentence), whole_folder(tmp_path / "model") as part:
        merge(str(model_folder), adapter, part, PROMPTS, dtype=dtype)
    assert not list(tmp_path.iterdir())


def test_weights_that_are_no_numbers_in_float16_are_refused(model_folder, tmp_path):
    wild = save_lora(model_folder, tmp_path / "wild", scale=1e5)
    (tmp_path / "model").mkdir()
    with pytest.raises(ModelLoadError, match="is no number any more; choose float32 or bfloat16"):
        merge(str(model_folder), wild, tmp_path / "model", PROMPTS, dtype="float16")


def test_what_cannot_be_merged_is_said_before_anything_is_loaded(model_folder, adapter, tmp_path, monkeypatch):
    with pytest.raises(ModelLoadError, match="cannot be saved as 'int4'; known: float32, bfloat16, float16"):
        merge(str(model_folder), adapter, tmp_path, PROMPTS, dtype="int4")
    with pytest.raises(ModelLoadError, match="was trained on another model than tiny"):
        merge("tiny", adapter, tmp_path, PROMPTS)
    quantised = shutil.copytree(model_folder, tmp_path / "quantised")
    config = json.loads((quantised / "config.json").read_text())
    (quantised / "config.json").write_text(json.dumps({**config, "quantization_config": {"bits": 4}}))
    with pytest.raises(ModelLoadError, match="is quantised; nothing can be merged into it"):
        merge(str(quantised), adapter, tmp_path, PROMPTS)
    monkeypatch.setattr(disk, "measure_free", lambda path: (1000, 10**9))
    with pytest.raises(RunError, match=r"no room for the merged model: it takes about \d+\.\d kB, .* has 1.0 kB left"):
        merge(str(model_folder), adapter, tmp_path, PROMPTS)


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "deep" / "model"
    full = OSError(errno.ENOSPC, "No space left on device")
    for error, kind, sentence in [
        (full, RunError, "could not be saved whole in .*: the disk is full"),
        (
            RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
            RunError,
            "is full",
        ),
        (RunCancelled("The run was cancelled."), RunCancelled, "cancelled"),
    ]:
        with pytest.raises(kind, match=sentence), whole_folder(target) as part:
            (part / "half").write_text("x")
            raise error
        assert not list(target.parent.iterdir())
    killed = subprocess.Popen(["sleep", "60"])
    left, at_work = (target.parent / f".model.{pid}.part" for pid in (killed.pid, os.getppid()))
    left.mkdir()
    at_work.mkdir()
    killed.kill()
    killed.wait()
    with whole_folder(target) as part:
        (part / "whole").write_text("x")
    assert sorted(path.name for path in target.parent.iterdir()) == sorted([at_work.name, "model"])
    with pytest.raises(RunError, match="is not empty"), whole_folder(target):
        pass
    with whole_folder(target, may_replace=True) as part:
        (part / "newer").write_text("x")
    assert [path.name for path in target.iterdir()] == ["newer"]
