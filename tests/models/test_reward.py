import json
import shutil

import numpy as np
import pytest

import core.models.reward as reward_module
from core.errors import ModelLoadError, RunCancelled
from core.models.reward import RewardModel, encode_pairs
from tests.models.tiny import save_random_student

PAIRS = [
    ("Tom has 3 apples.", "15"),
    ("How many pens are there?", "24 * 7 = 168\n#### 168"),
    ("Tom", ""),
    ("A box holds 24 pens; 7 boxes are full. " * 3, "168 pens are in them."),
    ("Tom has 3 apples.", "16"),
    ("Q", "A"),
]
TEMPLATE = "<|pad|>{% for m in messages %}[{{ m.role }}]{{ m.content }}<|end|>{% endfor %}"
"""Begins with a special token, as the template of Llama 3.1 begins with <|begin_of_text|>."""


def save_random_reward(folder, *, n_outputs: int = 1, pad: int | None = 1, context: int = 256):
    """Save a random sequence classifier with the tokenizer of the random student."""
    import torch
    from transformers import LlamaConfig, LlamaForSequenceClassification

    save_random_student(folder, context=context)
    settings = json.loads((folder / "config.json").read_text())
    torch.manual_seed(1)
    config = LlamaConfig(**settings | {"num_labels": n_outputs, "pad_token_id": pad, "architectures": None})
    LlamaForSequenceClassification(config).save_pretrained(folder)
    return folder


def edit_tokenizer(folder, **changes):
    file = folder / "tokenizer_config.json"
    settings = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in settings.items() if value is not None}))
    return folder


def read_alone(reward, ids) -> float:
    """Return what the model itself says of one row, without any padding."""
    import torch

    with torch.no_grad():
        hidden = reward.model.model(input_ids=torch.tensor([ids])).last_hidden_state
        return float(reward.model.score(hidden)[0, -1, 0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_random_reward(tmp_path_factory.mktemp("reward"))


@pytest.fixture(scope="module")
def reward(folder):
    return RewardModel.load(folder, device="cpu")


def test_loads_a_folder_ready_to_score(reward, folder):
    assert not reward.model.training
    assert (reward.source, reward.context_length, reward.dtype_name) == (str(folder), 256, "float32")
    assert len(reward.fingerprint) == 64


def test_a_batch_gives_what_each_row_gives_alone_in_the_order_of_the_pairs(reward):
    together = reward.score(PAIRS)
    alone = [reward.score([pair])[0] for pair in PAIRS]
    assert together.dtype == np.float64 and together.shape == (6,)
    assert np.allclose(together, alone, atol=1e-4)
    assert np.allclose(together, [read_alone(reward, ids) for ids in encode_pairs(reward.tokenizer, PAIRS)], atol=1e-4)
    assert np.abs(np.subtract.outer(together, together))[np.triu_indices(6, 1)].min() > 1e-3  # all differ
    assert np.allclose(reward.score(PAIRS[::-1], batch_size=2), together[::-1], atol=1e-4)
    assert reward.score([]).shape == (0,)


def test_the_answer_follows_the_prompt_and_ends(reward):
    assert reward.tokenizer.decode(encode_pairs(reward.tokenizer, [("Tom has", "3 ")])[0]) == "Tom has 3<|end|>"


def test_what_is_longer_than_the_context_is_unknown(reward):
    exact = "a" * 254  # a token each, then the blank with the answer and the end of text
    n = len(encode_pairs(reward.tokenizer, [(exact, "b")])[0])
    pairs = [("Tom", "3"), (exact + "a" * (256 - n), "b"), (exact + "a" * (257 - n), "b")]
    assert [len(ids) for ids in encode_pairs(reward.tokenizer, pairs)][1:] == [256, 257]
    assert np.isnan(reward.score(pairs)).tolist() == [False, False, True]
    assert np.isnan(reward.score(pairs[2:])).all()


@pytest.mark.parametrize("template", [None, TEMPLATE], ids=["plain", "chat"])
@pytest.mark.parametrize("pads", ["with nothing", "with the end"])
def test_without_a_padding_token_scores_stay_those_of_the_last_token(tmp_path, pads, template):
    folder = save_random_reward(tmp_path / "m", pad=None)
    edit_tokenizer(folder, pad_token=None if pads == "with nothing" else "<|end|>", chat_template=template)
    reward = RewardModel.load(folder, device="cpu")
    expected = [read_alone(reward, ids) for ids in encode_pairs(reward.tokenizer, PAIRS)]
    assert np.allclose(reward.score(PAIRS), expected, atol=1e-4)


def test_a_chat_template_is_used_and_no_special_token_is_written_twice(folder, tmp_path):
    copy = edit_tokenizer(shutil.copytree(folder, tmp_path / "m"), chat_template=TEMPLATE, bos_token="<|pad|>")
    file = copy / "tokenizer.json"  # this tokenizer writes a first token by itself, as that of Llama 3.1 does
    first = {"id": "<|pad|>", "ids": [1], "tokens": ["<|pad|>"]}
    one, two = ({"Sequence": {"id": name, "type_id": at}} for at, name in enumerate("AB"))
    begin = {"SpecialToken": {"id": "<|pad|>", "type_id": 0}}
    writer = {"type": "TemplateProcessing", "single": [begin, one], "pair": [begin, one, two]}
    writer["special_tokens"] = {"<|pad|>": first}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"post_processor": writer}))
    tokenizer = RewardModel.load(copy, device="cpu").tokenizer
    assert tokenizer("Tom")["input_ids"][0] == 1
    ids = encode_pairs(tokenizer, [("Tom has", "3")])[0]
    assert ids.count(1) == 1
    assert tokenizer.decode(ids) == "<|pad|>[user]Tom has<|end|>[assistant]3<|end|>"


def test_what_is_no_reward_model_is_refused_in_one_sentence(folder, tmp_path):
    student = save_random_student(tmp_path / "student")
    headless = shutil.copytree(student, tmp_path / "headless")
    settings = json.loads((headless / "config.json").read_text())
    (headless / "config.json").write_text(json.dumps(settings | {"id2label": {"0": "LABEL_0"}}))
    pickled = shutil.copytree(folder, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"torn")
    encoder = edit_tokenizer(shutil.copytree(folder, tmp_path / "e"), cls_token="<|pad|>", sep_token="<|end|>")
    for source, words in [
        (save_random_reward(tmp_path / "two", n_outputs=2), "has 2 outputs"),
        (student, "no trained weights for score.weight"),
        (headless, "no trained weights for score.weight"),
        (tmp_path / "none", "no model folder"),
        (pickled, "no .safetensors"),
        (broken, "could not be loaded"),
        (encoder, "is an encoder"),
    ]:
        with pytest.raises(ModelLoadError, match=words) as refused:
            RewardModel.load(source)
        assert str(refused.value).endswith(".") and "\n" not in str(refused.value)


def test_a_reward_model_that_does_not_load_is_said_in_one_sentence(folder, tmp_path, monkeypatch):
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import PreTrainedModel

    lacking, mistyped = (shutil.copytree(folder, tmp_path / name) for name in ("lacking", "mistyped"))
    weights = load_file(folder / "model.safetensors")
    kept = {name: values for name, values in weights.items() if ".1." not in name}
    save_file(kept, lacking / "model.safetensors", metadata={"format": "pt"})
    settings = json.loads((folder / "config.json").read_text())
    (mistyped / "config.json").write_text(json.dumps(settings | {"num_hidden_layers": "two"}))
    for source, words in [(lacking, r"no trained weights for model\.layers\.1\."), (mistyped, "expected int, got str")]:
        with pytest.raises(ModelLoadError, match=words) as refused:
            RewardModel.load(source, device="cpu")
        assert str(refused.value).endswith(".") and "\n" not in str(refused.value)

    def fail(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(PreTrainedModel, "to", fail)
    with pytest.raises(ModelLoadError, match=r"reward model in .* does not fit into the memory of the device cpu"):
        RewardModel.load(folder, device="cpu")


def test_progress_is_told_and_a_run_can_stop(reward):
    told = []
    reward.score(PAIRS, batch_size=4, on_batch=lambda done, total: told.append((done, total)))
    assert told == [(4, 6), (6, 6)]

    def stop():
        raise RunCancelled("stopped")

    with pytest.raises(RunCancelled):
        reward.score(PAIRS, check=stop)


def test_long_rows_share_smaller_batches(reward, monkeypatch):
    monkeypatch.setattr(reward_module, "BATCH_TOKENS", 100)
    told = []
    rewards = reward.score(PAIRS, on_batch=lambda done, total: told.append(done))
    assert told[0] == 1 and len(told) > 2
    monkeypatch.undo()
    assert np.allclose(rewards, reward.score(PAIRS), atol=1e-4)


def test_out_of_memory_halves_the_batch_and_a_single_row_says_so(folder):
    import torch

    reward = RewardModel.load(folder, device="cpu")
    sizes, expected = [], reward.score(PAIRS)

    def refuse(module, args, kwargs):
        sizes.append(len(kwargs["input_ids"]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError("no memory")

    hook = reward.model.register_forward_pre_hook(refuse, with_kwargs=True)
    assert np.allclose(reward.score(PAIRS), expected, atol=1e-4)
    assert sizes == [6, 3, 1, 1, 1, 1, 1, 1]
    hook.remove()

    def refuse_all(module, args, kwargs):
        raise torch.OutOfMemoryError("no memory")

    reward.model.register_forward_pre_hook(refuse_all, with_kwargs=True)
    with pytest.raises(ModelLoadError, match="memory does not suffice"):
        reward.score(PAIRS)
