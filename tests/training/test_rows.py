import pytest
import torch

from core.models.rendering import encode_prompts
from core.models.student import Student
from core.training.data import TrainingRow
from core.training.lengths import foresee
from core.training.objectives import make_objective
from core.training.rows import IGNORED, encode_rows, measure_loss, set_aside_unusable
from tests.models.tiny import EchoTask

TASK = EchoTask()
ROWS = [
    TrainingRow("Tom has 3", "3 apples"),
    TrainingRow("A box holds 24 pens", "24"),
    TrainingRow("How many has he", "He has 15 pens in 7 boxes"),
]


@pytest.fixture(scope="module")
def student(model_folder):
    return Student.load(model_folder, device="cpu")


def test_loss_counts_the_answer_and_its_end_only(student):
    rows, _, left_out = encode_rows(student.tokenizer, TASK, ROWS, 100)
    assert not left_out
    for row, given in zip(rows, ROWS, strict=True):
        prompt = encode_prompts(student.tokenizer, [f"{given.question}\n"])[0]
        assert row.input_ids[: len(prompt)] == prompt
        assert row.labels[: len(prompt)] == [IGNORED] * len(prompt)
        assert row.labels[len(prompt) :] == row.input_ids[len(prompt) :]
        assert student.tokenizer.decode(row.input_ids[len(prompt) :]) == f" {given.answer}<|end|>"


def test_long_rows_are_left_out_with_the_reason_never_cut(student):
    lengths = [len(row.input_ids) for row in encode_rows(student.tokenizer, TASK, ROWS, 100)[0]]
    rows, _, left_out = encode_rows(student.tokenizer, TASK, ROWS, max(lengths) - 1)
    assert len(rows) == 2 and [row.position for row in left_out] == [lengths.index(max(lengths))]
    assert f"{max(lengths)} tokens" in left_out[0].reason
    assert len(encode_rows(student.tokenizer, TASK, ROWS, max(lengths))[0]) == 3


def test_as_many_rows_are_foreseen_as_are_encoded(student, model_folder):
    rows = [*ROWS, TrainingRow("Tom has 3", " \n")]
    longest = max(row.length for row in encode_rows(student.tokenizer, TASK, rows, 100)[0])
    for most, n_used in ((longest, 3), (longest - 1, 2)):
        assert len(encode_rows(student.tokenizer, TASK, rows, most)[0]) == n_used
        assert foresee(make_objective("sft"), rows, str(model_folder), TASK, most).n_used == n_used


def test_long_rows_are_set_aside_before_anything_is_drawn_for_the_reason_that_encoding_gives(student):
    lengths = [len(row.input_ids) for row in encode_rows(student.tokenizer, TASK, ROWS, 100)[0]]
    _, _, left_out = encode_rows(student.tokenizer, TASK, ROWS, max(lengths) - 1)
    fit, unused = set_aside_unusable(student.tokenizer, TASK, ROWS, max(lengths) - 1)
    long = lengths.index(max(lengths))
    assert fit == [row for place, row in enumerate(ROWS) if place != long]
    assert [(each.row, each.reason) for each in unused] == [(ROWS[long], left_out[0].reason)]
    assert set_aside_unusable(student.tokenizer, TASK, ROWS, max(lengths)) == (ROWS, [])


def test_an_empty_answer_is_left_out_with_the_reason(student):
    rows, places, left_out = encode_rows(student.tokenizer, TASK, [TrainingRow("Tom", " \n"), ROWS[0]], 100)
    assert len(rows) == 1 and places == [1]
    assert [(row.position, row.reason) for row in left_out] == [(0, "Its answer is empty.")]


def test_measured_loss_is_the_mean_over_answer_tokens_whatever_the_batches(student):
    rows, _, _ = encode_rows(student.tokenizer, TASK, ROWS, 100)
    total, n = 0.0, 0
    for row in rows:
        start = row.labels.count(IGNORED)
        with torch.no_grad():
            scores = student.model(torch.tensor([row.input_ids])).logits[0, start - 1 : -1].double().log_softmax(-1)
        total -= scores.gather(1, torch.tensor(row.input_ids[start:])[:, None]).sum().item()
        n += len(row.input_ids) - start
    for batch_size in (1, 2, 32):
        assert measure_loss(student, rows, batch_size) == pytest.approx(total / n, abs=1e-5)
    assert measure_loss(student, []) is None
