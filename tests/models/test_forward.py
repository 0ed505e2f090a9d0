"""Given answers read back: against a plain pass for each one alone."""

import itertools

import pytest
import torch

from core.errors import ModelLoadError
from core.models import forward
from core.models.forward import GivenAnswer, ReadAnswer, apply_head, measure_loss, read_answers
from core.models.rendering import encode_completions, encode_prompts
from core.models.student import Student
from core.settings import DEMO

PROMPTS = [f"Tom has {n} apples and buys {'more ' * (n % 7)}\n" for n in range(1, 14)]
ANSWERS = [f"{n} + 12 = {n + 12} {'pens ' * (n % 5)}#### {n + 12}" for n in range(1, 14)]


def make_given(student: Student) -> list[GivenAnswer]:
    ids = zip(encode_prompts(student.tokenizer, PROMPTS), encode_completions(student.tokenizer, ANSWERS), strict=True)
    return [GivenAnswer(index, *pair) for index, pair in enumerate(ids)]


def measure(student: Student, batch: list[ReadAnswer]) -> list[tuple[int, float]]:
    return [(read.index, measure_loss(student, read)) for read in batch]


def plain_loss(student: Student, row: GivenAnswer) -> float:
    whole = torch.tensor([[*row.prompt_ids, *row.answer_ids]])
    with torch.no_grad():
        logits = student.model(whole).logits[0, len(row.prompt_ids) - 1 : -1].double()
    return -logits.log_softmax(-1).gather(1, torch.tensor(row.answer_ids)[:, None]).mean().item()


@pytest.mark.parametrize("budget", [64, 4096])
def test_losses_equal_a_plain_pass_for_each_answer_alone(student, monkeypatch, budget):
    monkeypatch.setitem(forward.BATCH_TOKENS, "cpu", budget)
    monkeypatch.setitem(forward.TOKENS, "cpu", 5)
    monkeypatch.setitem(forward.HEAD_ROWS, "cpu", 64)
    given = make_given(student)
    found = dict(itertools.chain(*read_answers(student, given, lambda batch: measure(student, batch))))
    assert sorted(found) == list(range(len(given)))
    for row in given:
        assert found[row.index] == pytest.approx(plain_loss(student, row), abs=1e-4)


def test_hidden_states_are_those_that_the_head_reads(student):
    (row,) = [row for row in make_given(student) if row.index == 3]
    ((read,),) = read_answers(student, [row], list)
    whole = torch.tensor([[*row.prompt_ids, *row.answer_ids]])
    with torch.no_grad():
        logits = student.model(whole).logits[0, len(row.prompt_ids) - 1 : -1]
    assert torch.allclose(apply_head(student, read.hidden), logits, atol=1e-4)
    assert read.targets.tolist() == list(row.answer_ids)


def test_the_shipped_student_reads_alike():
    student = Student.load(DEMO / "tiny", device="cpu")
    given = make_given(student)[:4]
    found = dict(itertools.chain(*read_answers(student, given, lambda batch: measure(student, batch))))
    assert found == {row.index: pytest.approx(plain_loss(student, row), abs=1e-4) for row in given}


def test_an_answer_beyond_the_context_is_left_out_and_the_others_are_read(student):
    given = make_given(student)
    long = GivenAnswer(99, given[0].prompt_ids, [5] * 300)
    found = [read.index for batch in read_answers(student, [*given, long], list) for read in batch]
    assert sorted(found) == [row.index for row in given]


def test_out_of_memory_halves_the_batch(student, monkeypatch):
    sizes, read = [], forward._read_batch

    def read_small(student, rows):
        sizes.append(len(rows))
        if len(rows) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return read(student, rows)

    monkeypatch.setattr(forward, "_read_batch", read_small)
    given = make_given(student)
    assert len([read for batch in read_answers(student, given, list) for read in batch]) == len(given)
    assert sizes[:3] == [13, 6, 3]


def test_out_of_memory_in_what_is_done_with_a_batch_halves_it_too(student):
    sizes = []

    def use(batch: list[ReadAnswer]) -> list[tuple[int, float]]:
        sizes.append(len(batch))
        losses = measure(student, batch)
        if len(batch) > 3:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return losses

    given = make_given(student)
    found = dict(itertools.chain(*read_answers(student, given, use)))
    assert sizes[:3] == [13, 6, 3]
    assert found == {row.index: pytest.approx(plain_loss(student, row), abs=1e-4) for row in given}


def test_an_answer_that_cannot_be_used_even_alone_is_one_sentence(student):
    def use(_batch: list[ReadAnswer]) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ModelLoadError, match="memory does not suffice to read an answer of"):
        list(read_answers(student, make_given(student), use))


def test_the_head_sees_one_position_of_one_row_and_is_compared_once(student, monkeypatch):
    seen, compared, compare = [], [], forward._require_plain_head
    handle = student.model.lm_head.register_forward_hook(lambda _head, _given, logits: seen.append(tuple(logits.shape)))
    monkeypatch.setattr(
        forward, "_require_plain_head", lambda student, *parts: compared.append(compare(student, *parts))
    )
    monkeypatch.setitem(forward.BATCH_TOKENS, "cpu", 64)
    n_batches = len(list(read_answers(student, make_given(student), list)))
    handle.remove()
    assert n_batches > 2 and seen == [(1, 1, student.model.config.vocab_size)] * n_batches
    assert len(compared) == 1


@pytest.mark.parametrize("change", [lambda logits: logits * 2, lambda logits: logits.clamp(max=1.0)])
def test_a_model_class_that_changes_its_logits_behind_the_head_is_refused(model_folder, change):
    changing = Student.load(model_folder, device="cpu")
    changing.model.register_forward_hook(lambda _model, _given, out: setattr(out, "logits", change(out.logits)))
    with pytest.raises(ModelLoadError, match="behind the output head"):
        list(read_answers(changing, make_given(changing), list))


def test_a_head_that_we_misread_is_refused(student, monkeypatch):
    monkeypatch.setattr(forward, "apply_head", lambda student, hidden: student.model.lm_head(hidden) * 2)
    with pytest.raises(ModelLoadError, match="behind the output head"):
        list(read_answers(student, make_given(student), list))
