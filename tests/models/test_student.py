import json
import shutil
from unittest.mock import Mock

import pytest

import core.models.student as student_module
from core.errors import ModelLoadError, RunCancelled, SeedbedError
from core.models.rendering import encode_completions, encode_prompts
from core.models.student import Student, find_model_folder, hash_model_files, merged
from core.settings import DEMO
from tests.models.tiny import STOP_IDS, save_random_student


def save_adapter(model_folder, folder, *, base_fingerprint: str | None = None, seed: int = 0):
    """Save a LoRA adapter that changes something."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    model = Student.load(model_folder, device="cpu").model
    adapted = get_peft_model(model, LoraConfig(r=4, lora_alpha=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weights in adapted.named_parameters():
        if "lora_B" in name:
            weights.data.normal_()
    adapted.save_pretrained(folder)
    if base_fingerprint:
        (folder / "origin.json").write_text(json.dumps({"base_fingerprint": base_fingerprint}))
    return folder


def logits_of(student):
    import torch

    with torch.no_grad():
        return student.model(torch.arange(2, 12)[None]).logits


def test_loads_a_folder_ready_to_answer(student, model_folder):
    import torch

    assert student.model.dtype == torch.float32 and not student.model.training
    assert student.tokenizer.padding_side == "left" and student.tokenizer.pad_token_id == 1
    assert (student.stop_ids, student.context_length, student.dtype_name) == (STOP_IDS, 256, "float32")
    assert student.source == str(model_folder)


def test_a_tokenizer_without_padding_pads_with_the_end(model_folder, tmp_path):
    folder = shutil.copytree(model_folder, tmp_path / "m")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("pad_token")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    student = Student.load(folder, device="cpu")
    assert student.tokenizer.pad_token_id == student.tokenizer.eos_token_id == 0


def test_the_fingerprint_is_of_the_content_not_of_the_place(student, model_folder, tmp_path):
    copy = shutil.copytree(model_folder, tmp_path / "copy")
    assert hash_model_files(copy) == student.fingerprint
    other = save_random_student(tmp_path / "other", seed=1)
    assert hash_model_files(other) != student.fingerprint
    (copy / "README.md").write_text("a card changes nothing")
    assert hash_model_files(copy) == student.fingerprint
    (copy / "tokenizer_config.json").write_text((copy / "tokenizer_config.json").read_text() + " ")
    assert hash_model_files(copy) != student.fingerprint


def test_a_file_is_hashed_once_while_it_stays_the_same(model_folder, monkeypatch):
    first = hash_model_files(model_folder)
    monkeypatch.setattr(student_module.hashlib, "file_digest", lambda *_: pytest.fail("hashed again"))
    assert hash_model_files(model_folder) == first


def test_an_adapter_changes_answers_and_fingerprint(student, model_folder, tmp_path):
    import torch

    adapter = save_adapter(model_folder, tmp_path / "a", base_fingerprint=student.fingerprint)
    adapted = Student.load(model_folder, adapter=adapter, device="cpu")
    assert adapted.fingerprint != student.fingerprint
    assert not torch.allclose(logits_of(adapted), logits_of(student))
    again = Student.load(model_folder, adapter=shutil.copytree(adapter, tmp_path / "b"), device="cpu")
    assert again.fingerprint == adapted.fingerprint


def test_merging_for_a_while_changes_no_answer_and_leaves_the_base_exactly(student, model_folder, tmp_path):
    import torch
    from peft import PeftModel

    adapter = save_adapter(model_folder, tmp_path / "a")
    live = Student.load(model_folder, device="cpu")
    live.model = PeftModel.from_pretrained(live.model, adapter).eval()
    before = {name: weights.clone() for name, weights in live.model.named_parameters()}
    apart = logits_of(live)
    with merged(live):
        assert torch.allclose(logits_of(live), apart, atol=1e-3)
        assert any(not torch.equal(weights, before[name]) for name, weights in live.model.named_parameters())
    assert all(torch.equal(weights, before[name]) for name, weights in live.model.named_parameters())
    assert torch.equal(logits_of(live), apart)
    with merged(student):  # without an adapter there is nothing to do
        pass


@pytest.mark.parametrize("is_noted", [True, False], ids=["by its note", "by its shapes"])
def test_an_adapter_of_another_base_is_refused(model_folder, tmp_path, is_noted):
    other = save_random_student(tmp_path / "other", seed=1, hidden=32 if is_noted else 48)
    fingerprint = hash_model_files(other) if is_noted else None
    adapter = save_adapter(other, tmp_path / "a", base_fingerprint=fingerprint)
    with pytest.raises(ModelLoadError, match="another base"):
        Student.load(model_folder, adapter=adapter, device="cpu")


def test_what_cannot_be_loaded_is_said_in_one_sentence(model_folder, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    pickled = shutil.copytree(model_folder, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    broken = shutil.copytree(model_folder, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"torn")
    for source, words in [
        (tmp_path / "none", "no model folder"),
        (tmp_path / "empty", "no config.json"),
        (pickled, "no .safetensors"),
        (broken, "could not be loaded"),
        ("a/b/c", "no model folder"),
        ("not a name!", "neither a folder nor a hub id"),
    ]:
        with pytest.raises(ModelLoadError, match=words) as refused:
            Student.load(source)
        assert str(refused.value).endswith(".") and "\n" not in str(refused.value)
    with pytest.raises(ModelLoadError, match="no LoRA adapter"):
        Student.load(model_folder, adapter=tmp_path / "empty")


def copy_tiny(folder, keeps=lambda name: True, **settings):
    """Copy the shipped student with some of its weights only, or with other settings in its configuration."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(DEMO / "tiny", folder)
    weights = {name: values for name, values in load_file(folder / "model.safetensors").items() if keeps(name)}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | settings))
    return folder


def test_a_model_that_lacks_a_layer_is_refused_and_a_tied_head_is_no_lack(tmp_path):
    from safetensors import safe_open

    with safe_open(DEMO / "tiny" / "model.safetensors", framework="pt") as file:
        assert "lm_head.weight" not in file.keys()  # noqa: SIM118, the file is no mapping
    assert Student.load(copy_tiny(tmp_path / "whole"), device="cpu").model.config.tie_word_embeddings
    lacking = copy_tiny(tmp_path / "lacking", lambda name: "layers.2." not in name)
    with pytest.raises(
        ModelLoadError, match=r"no trained weights for model\.layers\.2\..* and 8 more, so it"
    ) as refused:
        Student.load(lacking, device="cpu")
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)
    untied = copy_tiny(tmp_path / "untied", tie_word_embeddings=False)
    with pytest.raises(ModelLoadError, match=r"no trained weights for lm_head\.weight, so it"):
        Student.load(untied, device="cpu")


def test_files_that_do_not_fit_the_libraries_are_said_in_one_sentence(model_folder, tmp_path):
    newer = shutil.copytree(model_folder, tmp_path / "newer")
    tokenizer = json.loads((newer / "tokenizer.json").read_text())
    tokenizer["model"]["type"] = "Unheard"
    (newer / "tokenizer.json").write_text(json.dumps(tokenizer))
    torn = save_adapter(model_folder, tmp_path / "torn")
    (torn / "adapter_model.safetensors").write_bytes(b"torn")
    for source, adapter, words in [
        (newer, None, "The tokenizer in .* could not be loaded: data did not match"),
        (copy_tiny(tmp_path / "text", hidden_size="large"), None, "'hidden_size' expected int, got str"),
        (copy_tiny(tmp_path / "list", rope_parameters=5), None, "could not be loaded: .*rope_parameters"),
        (model_folder, torn, "The adapter in .* could not be loaded"),
    ]:
        with pytest.raises(ModelLoadError, match=words) as refused:
            Student.load(source, adapter=adapter, device="cpu")
        assert str(refused.value).endswith(".") and "\n" not in str(refused.value)


def test_a_model_beyond_the_memory_is_said_in_one_sentence(model_folder, tmp_path, monkeypatch):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, PreTrainedModel

    def fail(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nMore about it.")

    def fail_on_cpu(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes.")

    adapter = save_adapter(model_folder, tmp_path / "a")
    for owner, method, raiser, words in [
        (PreTrainedModel, "to", fail, f"The model in {model_folder} does not fit into the memory of the device cpu;"),
        (AutoModelForCausalLM, "from_pretrained", fail_on_cpu, "The model in .* does not fit into the memory;"),
        (PeftModel, "from_pretrained", fail, "The adapter in .* does not fit into the memory;"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(owner, method, raiser)
            with pytest.raises(ModelLoadError, match=words):
                Student.load(model_folder, adapter=adapter if owner is PeftModel else None, device="cpu")


def test_other_faults_of_a_device_are_said_and_our_own_errors_stay(model_folder, monkeypatch):
    from transformers import PreTrainedModel

    for raised, words in [
        (AssertionError("Torch not compiled with CUDA enabled"), "could not be loaded: Torch not compiled"),
        (RunCancelled("told to stop"), "^told to stop$"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(PreTrainedModel, "to", Mock(side_effect=raised))
            with pytest.raises(SeedbedError, match=words):
                Student.load(model_folder, device="cpu")


def test_an_unreachable_hub_is_said_in_one_sentence(monkeypatch, tmp_path):
    import huggingface_hub

    def fail(*_, **__):
        raise huggingface_hub.errors.LocalEntryNotFoundError("no connection\nsecond line")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ModelLoadError, match="the hub cannot be reached"):
        find_model_folder("someone/some-model")


def test_prompt_and_answer_are_raw_text_where_there_is_no_template(student):
    tokenizer = student.tokenizer
    prompt, completion = encode_prompts(tokenizer, ["Tom has\n"])[0], encode_completions(tokenizer, ["3 apples "])[0]
    assert tokenizer.decode(prompt) == "Tom has\n"
    assert tokenizer.decode(completion) == " 3 apples<|end|>" and completion[-1] == 0


def test_a_chat_template_is_used_where_there_is_one(model_folder):
    tokenizer = student_module.load_tokenizer(model_folder)
    tokenizer.chat_template = (
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[you]{% endif %}"
    )
    assert tokenizer.decode(encode_prompts(tokenizer, ["Tom"])[0]) == "[user]Tom[you]"
    assert tokenizer.decode(encode_completions(tokenizer, ["3"])[0]) == "3<|end|>"
    assert encode_prompts(tokenizer, []) == encode_completions(tokenizer, []) == []
