"""What is written is trained on by TRL as it is: one step of each trainer on the student that is shipped."""

import datasets
import pytest

from core.exporting.base import FORMATS, TRAIN, WrongAnswer, make_all
from core.settings import DEMO
from tests.exporting.rows import make_row

TURNS = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


@pytest.fixture(scope="module")
def student():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(DEMO / "tiny")
    tokenizer.chat_template = TURNS  # the student has none: it is no chat model
    return lambda: AutoModelForCausalLM.from_pretrained(DEMO / "tiny"), tokenizer


def load(name, tmp_path):
    wrong = (WrongAnswer("5", "student", True),)
    rows = [make_row(place, (f"Tom has {place} pens and buys 2. How many?", f"{place + 2}", None), wrong=wrong)
            for place in range(4)]  # fmt: skip
    path = tmp_path / f"out{FORMATS.get(name).suffix}"
    FORMATS.get(name).write({TRAIN: make_all(FORMATS.get(name), rows).records}, "", path)
    datasets.disable_progress_bars()
    if not FORMATS.get(name).suffix:
        return datasets.load_dataset(str(path), split="train", cache_dir=str(tmp_path / "cache"))
    return datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))


def train(name, tmp_path, student):
    import trl

    trainer, config = {
        "chat": (trl.SFTTrainer, trl.SFTConfig),
        "prompt_completion": (trl.SFTTrainer, trl.SFTConfig),
        "dataset": (trl.SFTTrainer, trl.SFTConfig),
        "dpo": (trl.DPOTrainer, trl.DPOConfig),
        "kto": (trl.KTOTrainer, trl.KTOConfig),
    }[name]
    load_model, tokenizer = student
    settings = config(
        output_dir=str(tmp_path / "trained"), max_steps=1, per_device_train_batch_size=4, report_to=[], use_cpu=True,
        bf16=False, save_strategy="no", disable_tqdm=True, logging_steps=1,
    )  # fmt: skip
    made = trainer(model=load_model(), args=settings, train_dataset=load(name, tmp_path), processing_class=tokenizer)
    made.train()
    return made


@pytest.mark.parametrize("name", ["chat", "prompt_completion", "dataset", "dpo", "kto"])
def test_one_step_of_the_format_s_own_trainer(name, tmp_path, student):
    made = train(name, tmp_path, student)
    assert made.state.global_step == 1
    assert made.state.log_history[0]["loss"] > 0


def test_only_the_completion_carries_loss_and_the_whole_of_it(tmp_path, student):
    made = train("prompt_completion", tmp_path, student)
    batch = made.data_collator([made.train_dataset[1]])
    labels = batch["labels"][0]
    text = made.processing_class.decode(labels[labels != -100], skip_special_tokens=True)
    assert text.strip() == "3"
    whole = made.processing_class.decode(batch["input_ids"][0], skip_special_tokens=True)
    assert whole == "Tom has 1 pens and buys 2. How many?\n3"
