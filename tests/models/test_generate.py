"""Our decoding loop against the library's, and against a second pass over the finished answers."""

import math
import random

import pytest
import torch

from core.errors import ModelLoadError, RunCancelled
from core.models import generate as generate_module
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
    prompts, sizes, decode = make_prompts(20), [], generate_module._decode

    def decode_small(student, rows, *more):
        sizes.append(len(rows))
        if len(rows) > 6:
            raise error
        return decode(student, rows, *more)

    expected = ask(student, prompts)
    monkeypatch.setattr(generate_module, "_decode", decode_small)
    answers = ask(student, prompts, batch_size=16)
    assert [answer.text for answer in answers] == [answer.text for answer in expected]
    assert sizes == [16, 8, 4, 4, 4, 4, 4]


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
