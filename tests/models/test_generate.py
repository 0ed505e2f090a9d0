"""Our decoding loop against the library's, and against a second pass over the finished answers."""

import math
import random

import pytest
import torch

from core.errors import ModelLoadError, RunCancelled
from core.models import decoding
from core.models import generate as generate_module
from core.models.decoding import Pool
from core.models.generate import Answer, generate_answers
from core.models.rendering import encode_prompts
from core.models.student import Student
from core.settings import DEMO
from tests.models.tiny import save_random_student

MAX_NEW = 48
WORDS = ["Tom", "box", "pens", "apples", "3", "12", "24", "7", "buys", "more", "full", "holds", "How", "many", "has"]


def make_prompts(n: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(1, 25))) + "\n" for _ in range(n)]


def ask(student: Student, prompts: list[str], max_new_tokens: int = MAX_NEW, **options) -> list[Answer]:
    found: dict[int, Answer] = {}
    for batch in generate_answers(student, prompts, max_new_tokens, **options):
        for index, answer in batch:
            assert index not in found
            found[index] = answer
    return [found[index] for index in range(len(prompts))]


def ask_library(student: Student, prompt: str, max_new_tokens: int) -> list[int]:
    ids = torch.tensor(encode_prompts(student.tokenizer, [prompt]))
    mask = torch.ones_like(ids)
    out = student.model.generate(
        input_ids=ids, attention_mask=mask, max_new_tokens=max_new_tokens, do_sample=False,
        eos_token_id=student.stop_ids, pad_token_id=student.tokenizer.pad_token_id,
    )  # fmt: skip
    return out[0, ids.shape[1] :].tolist()


def second_pass_loss(student: Student, prompt: str, answer_ids: list[int]) -> float:
    ids = encode_prompts(student.tokenizer, [prompt])[0]
    with torch.no_grad():
        logits = student.model(torch.tensor([ids + answer_ids])).logits[0, len(ids) - 1 : -1].double()
    return -logits.log_softmax(-1).gather(1, torch.tensor(answer_ids)[:, None]).mean().item()


def compare_with_library(student: Student, prompts: list[str], max_new_tokens: int) -> list[Answer]:
    answers = ask(student, prompts, max_new_tokens)
    for prompt, answer in zip(prompts, answers, strict=True):
        ids = ask_library(student, prompt, max_new_tokens)
        is_ended = ids[-1] in student.stop_ids
        text = student.tokenizer.decode(ids[:-1] if is_ended else ids, skip_special_tokens=True).strip()
        assert (answer.text, answer.n_tokens, answer.is_truncated) == (text, len(ids), not is_ended)
        assert answer.loss == pytest.approx(second_pass_loss(student, prompt, ids), abs=1e-4)
        assert answer.token_ids == tuple(ids) and len(answer.token_losses) == len(answer.token_ends) == len(ids)
        assert answer.loss == pytest.approx(sum(answer.token_losses) / len(ids), abs=1e-3)
        assert answer.token_ends[-1] == len(text) and list(answer.token_ends) == sorted(answer.token_ends)
    return answers


def test_equals_the_library_text_for_text_and_a_second_pass_in_loss(student):
    answers = compare_with_library(student, make_prompts(40), MAX_NEW)
    assert any(answer.is_truncated for answer in answers)  # both ends occur, or the test would say little
    assert any(not answer.is_truncated for answer in answers)
    assert len({answer.n_tokens for answer in answers}) > 3


def test_equals_the_library_with_as_many_key_heads_as_query_heads(tmp_path):
    student = Student.load(save_random_student(tmp_path, seed=3, kv_heads=4), device="cpu")
    assert len(compare_with_library(student, make_prompts(12, seed=3), MAX_NEW)) == 12


@pytest.mark.skipif(not (DEMO / "tiny" / "config.json").is_file(), reason="the shipped student is not there")
def test_equals_the_library_with_the_shipped_student():
    assert len(compare_with_library(Student.load("tiny", device="cpu"), make_prompts(8), 40)) == 8


@pytest.mark.parametrize("beginning", ["", "Tom buys pens. " * 12], ids=["nothing shared", "one beginning"])
def test_prompts_that_are_read_in_parts_are_answered_as_alone(student, monkeypatch, beginning):
    read, sizes = Pool._read_part, []
    monkeypatch.setattr(Pool, "_read_part", lambda pool, part: sizes.append(len(part)) or read(pool, part))
    monkeypatch.setattr(decoding, "READ_TOKENS", 120)
    prompts = [beginning + prompt for prompt in make_prompts(16, seed=5)]
    compare_with_library(student, [*prompts, prompts[3]], 16)
    assert sum(sizes) == 16 and len(sizes) > 2


def test_what_all_prompts_begin_with_is_read_once_and_changes_nothing(student, monkeypatch):
    beginning = " ".join(WORDS * 3)
    prompts = [f"{beginning} {prompt}" for prompt in make_prompts(20, seed=2)]
    read, lengths = student.model.forward, []

    def forward(*args, input_ids, **more):
        lengths.append(tuple(input_ids.shape))
        return read(*args, input_ids=input_ids, **more)

    monkeypatch.setattr(student.model, "forward", forward)
    ask(student, prompts, 4)
    first, then = lengths[:2]
    assert first[0] == 1 and first[1] > 50 and then[1] < 60  # the beginning alone, then the rest of each
    monkeypatch.undo()
    assert len(compare_with_library(student, prompts, 12)) == 20


@pytest.mark.parametrize("kind", ["sliding", "learned"])
def test_other_kinds_of_models_are_answered_for_alike(student, kind):
    """Sliding windows keep another cache, which nobody can join later; learned positions end with the context."""
    from transformers import GPT2Config, GPT2LMHeadModel, MistralConfig, MistralForCausalLM

    torch.manual_seed(5)
    n = len(student.tokenizer)
    if kind == "sliding":
        config = MistralConfig(
            vocab_size=n, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, sliding_window=12, initializer_range=0.6, eos_token_id=0, bos_token_id=None,
        )  # fmt: skip
        model, context = MistralForCausalLM(config), None
    else:
        config = GPT2Config(vocab_size=n, n_positions=96, n_embd=32, n_layer=2, n_head=4, initializer_range=0.6)
        model, context = GPT2LMHeadModel(config), 96
    model.generation_config.eos_token_id = student.model.generation_config.eos_token_id
    other = Student(model.eval(), student.tokenizer, kind, None, context)
    prompts = [prompt for prompt in make_prompts(24, seed=4) if len(prompt) < 60]
    limit = 24 if kind == "sliding" else 90
    alone = [ask(other, [prompt], limit)[0] for prompt in prompts]
    together = ask(other, prompts, limit, batch_size=5)
    assert [answer.token_ids for answer in together] == [answer.token_ids for answer in alone]
    assert any(answer.is_truncated for answer in alone) or kind == "sliding"


def test_the_company_in_a_batch_changes_nothing(student):
    prompts = make_prompts(30, seed=1)
    together = ask(student, prompts)
    alone = [ask(student, [prompt])[0] for prompt in prompts]
    shuffled = list(range(30))
    random.Random(5).shuffle(shuffled)
    moved = ask(student, [prompts[i] for i in shuffled], batch_size=7)
    for i, place in enumerate(shuffled):
        for other in (alone[place], moved[i]):
            assert (other.text, other.n_tokens) == (together[place].text, together[place].n_tokens)
            assert other.loss == pytest.approx(together[place].loss, abs=1e-5)


def test_a_stop_at_once_is_an_empty_answer_with_one_token(student, monkeypatch):
    prompt = make_prompts(1)[0]
    first = ask_library(student, prompt, 1)[0]
    monkeypatch.setattr(Student, "stop_ids", property(lambda self: [first]))
    answer = ask(student, [prompt])[0]
    assert (answer.text, answer.n_tokens, answer.is_truncated) == ("", 1, False)
    assert answer.loss == pytest.approx(second_pass_loss(student, prompt, [first]), abs=1e-5)


def test_a_prompt_that_fills_the_context_is_answered_by_nothing(student):
    long = "apples " * 400
    answers = ask(student, ["Tom\n", long, "box\n"])
    assert answers[1] == generate_module.NO_ROOM
    assert answers[0].n_tokens > 0 and answers[2].n_tokens > 0


def test_the_context_ends_an_answer(student):
    prompt = next(p for p in make_prompts(40) if ask(student, [p])[0].is_truncated)
    ids = encode_prompts(student.tokenizer, [prompt])[0]
    short = Student(student.model, student.tokenizer, "short", None, len(ids) + 5)
    answer = ask(short, [prompt])[0]
    assert (answer.n_tokens, answer.is_truncated) == (5, True)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("not enough memory: 9")])
def test_out_of_memory_halves_the_batch_and_loses_nothing(student, monkeypatch, error):
    prompts, tried, join = make_prompts(20), [], Pool.join

    def join_few(pool, rows):
        tried.append(pool._size)
        if len(pool._rows) + len(rows) > 6 or (pool._size == 5 and tried.count(5) == 3):  # at once, or later on
            raise error
        join(pool, rows)

    expected = ask(student, prompts)
    monkeypatch.setattr(Pool, "join", join_few)
    answers = ask(student, prompts, batch_size=10)
    assert [answer.text for answer in answers] == [answer.text for answer in expected]
    assert list(dict.fromkeys(tried)) == [10, 5, 2] and tried.count(5) == 3


def test_out_of_memory_for_one_prompt_is_one_sentence(student, monkeypatch):
    def decode_never(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(generate_module, "_decode", decode_never)
    with pytest.raises(ModelLoadError, match="does not suffice"):
        ask(student, make_prompts(3))


def test_other_errors_are_not_taken_for_a_lack_of_memory(student, monkeypatch):
    def decode_wrongly(*_):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(generate_module, "_decode", decode_wrongly)
    with pytest.raises(RuntimeError, match="shapes"):
        ask(student, make_prompts(3))


def test_cancelling_stops_within_a_batch(student):
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 2:
            raise RunCancelled("The run was cancelled.")

    with pytest.raises(RunCancelled):
        ask(student, make_prompts(10), check=check)
    assert len(calls) == 2


def test_no_prompts_no_batches(student):
    assert list(generate_answers(student, [], 10)) == []


def test_a_model_in_training_is_left_in_training(student):
    student.model.train()
    try:
        ask(student, make_prompts(2))
        assert student.model.training
    finally:
        student.model.eval()


def test_a_loss_that_is_no_number_is_unknown():
    assert generate_module._finite(math.nan) is None
    assert generate_module._finite(math.inf) is None
    assert generate_module._finite(0.5) == 0.5
