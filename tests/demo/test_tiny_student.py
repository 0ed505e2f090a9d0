"""The shipped tiny student: its size, its tokenizer, and that it can do something but not everything."""

import json
import re

import pytest

from core.settings import DEMO
from core.tasks import TASKS

FOLDER = DEMO / "tiny"


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def model():
    import torch
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(FOLDER)
    assert loaded.dtype == torch.float32
    return loaded.eval()


def test_size(model):
    assert 900_000 <= model.num_parameters() <= 2_000_000
    assert (FOLDER / "model.safetensors").stat().st_size < 3_000_000
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 5_000_000
    assert not list(FOLDER.glob("*.bin"))


def test_card_says_what_it_is():
    card = (FOLDER / "README.md").read_text("utf-8")
    assert "not** a chat model" in card
    assert "{" not in card
    assert "## Limits" in card


def test_digits_are_tokens_of_their_own(tokenizer):
    assert [token for token in tokenizer.tokenize("x 1234+5") if token.isdigit()] == list("12345")


@pytest.mark.parametrize(
    "text", ["<<12+5=17>>17 pears.\n#### 17", "naïve Köln", "Задача: 3 кошки", "数学 🎉", "\t\x07 \n"]
)
def test_any_text_survives(tokenizer, text):
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_special_tokens(tokenizer, model):
    assert tokenizer.eos_token == "<|end|>"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert tokenizer.padding_side == "left"
    assert tokenizer.chat_template is None
    assert model.config.eos_token_id == tokenizer.eos_token_id
    assert model.config.max_position_embeddings >= 1024


def test_answers_some_problems_but_not_all(tokenizer, model):
    lines = (DEMO / "word_problems" / "test.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["n_steps"] <= 3][:20]
    prompts = [TASKS.get("word_problems").student_prompt(row["question"]) for row in rows]
    batch = tokenizer(prompts, return_tensors="pt", padding=True)
    tokens = model.generate(**batch, do_sample=False, max_new_tokens=120)[:, batch["input_ids"].shape[1] :]
    finals = [re.findall(r"#### (\d+)", text) for text in tokenizer.batch_decode(tokens, skip_special_tokens=True)]
    n_right = sum(found == [row["final"]] for found, row in zip(finals, rows, strict=True))
    assert 0 < n_right < len(rows)
