"""Sketches against the gradients they stand for: written out in full, by autograd, and by the formula over tokens."""

import json

import numpy as np
import pytest
import torch

from core.models import sketch as sketch_module
from core.models.rendering import encode_prompts
from core.models.sketch import TensorSketch, pack_sketch, unpack_sketch

VOCABULARY, HIDDEN = 50, 12


def make_head(seed: int = 0, vocabulary: int = VOCABULARY, hidden: int = HIDDEN) -> torch.Tensor:
    return torch.randn(vocabulary, hidden, generator=torch.Generator().manual_seed(seed))


def make_answer(length: int, seed: int, vocabulary: int = VOCABULARY, hidden: int = HIDDEN):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(length, hidden, generator=random), torch.randint(0, vocabulary, (length,), generator=random)


def stream_by(head: torch.Tensor, size: int = 13):
    """Logits of ``size`` entries of the vocabulary after another, as sketches ask for them."""
    return lambda states: (part @ states.t() for part in head.split(size))


def sketch_one(table: TensorSketch, hidden: torch.Tensor, stream_logits, targets: torch.Tensor, cap=None):
    """The sketch of one answer's gradient, (width,) float32."""
    return table.sketch_many(hidden, stream_logits, targets, [len(targets)], cap)[0]


def find_gradient(head: torch.Tensor, hidden: torch.Tensor, targets: torch.Tensor, cap: float | None = None):
    """The gradient of the mean loss, (V, d) float64, by autograd."""
    weight = head.double().requires_grad_()
    logits = hidden.double() @ weight.t()
    if cap is not None:
        logits = cap * torch.tanh(logits / cap)
    torch.nn.functional.cross_entropy(logits, targets).backward()
    return weight.grad.numpy()


def project(table: TensorSketch, gradient: np.ndarray) -> np.ndarray:
    """Project a (V, d) gradient entry by entry, as the definition says."""
    n = len(gradient)
    out = np.zeros(table.width)
    for v, row in enumerate(gradient):
        for j, value in enumerate(row):
            bucket = (table.buckets[v] + table.buckets[n + j]) % table.width
            out[bucket] += table.signs[v] * table.signs[n + j] * value
    return out


def multiply_exactly(head, first, second) -> float:
    """<g, g'> as the sum over pairs of tokens of (delta . delta') (h . h'), float64."""
    deltas = []
    for hidden, targets in (first, second):
        delta = (hidden.double() @ head.double().t()).softmax(-1)
        delta[torch.arange(len(targets)), targets] -= 1
        deltas.append(delta / len(targets))
    pairs = (deltas[0] @ deltas[1].t()) * (first[0].double() @ second[0].double().t())
    return pairs.sum().item()


@pytest.mark.parametrize("size", [1, 13, 50])
@pytest.mark.parametrize("width", [64, 61])
def test_is_the_projection_of_the_gradient_by_its_tables(width, size):
    head, (hidden, targets) = make_head(), make_answer(7, 1)
    table = TensorSketch(VOCABULARY, HIDDEN, width, seed=3)
    found = sketch_one(table, hidden, stream_by(head, size), targets)
    assert found.dtype == torch.float32 and found.shape == (width,)
    np.testing.assert_allclose(found, project(table, find_gradient(head, hidden, targets)), atol=1e-5)


def test_is_the_projection_of_the_gradient_that_autograd_finds_in_a_model(student):
    model = student.model
    prompt = encode_prompts(student.tokenizer, ["How many pens has Tom?\n"])[0]
    answer = torch.tensor([40, 41, 7, 7, 200, 0])
    ids = torch.tensor([prompt + answer.tolist()])
    at = slice(len(prompt) - 1, -1)
    logits = model(ids).logits[0, at]
    (gradient,) = torch.autograd.grad(torch.nn.functional.cross_entropy(logits, answer), [model.lm_head.weight])
    with torch.no_grad():
        hidden = model.model(ids).last_hidden_state[0, at]
    table = TensorSketch(*gradient.shape, width=512)
    found = sketch_one(table, hidden, lambda states: [model.lm_head(states).t()], answer)
    assert found.norm() > 0.1
    np.testing.assert_allclose(found, project(table, gradient.double().numpy()), atol=1e-5)


def test_soft_capped_heads_are_differentiated_through_the_cap():
    head, (hidden, targets) = make_head(), make_answer(5, 2)
    table = TensorSketch(VOCABULARY, HIDDEN, 64)
    found = sketch_one(
        table, hidden, lambda states: (4 * torch.tanh(z / 4) for z in stream_by(head)(states)), targets, cap=4.0
    )
    np.testing.assert_allclose(found, project(table, find_gradient(head, hidden, targets, cap=4.0)), atol=1e-5)
    assert not np.allclose(found, project(table, find_gradient(head, hidden, targets)), atol=1e-2)


def test_many_answers_at_once_are_the_same_as_one_by_one(monkeypatch):
    lengths = [1, 9, 24, 13, 2]
    head, (hidden, targets) = make_head(), make_answer(sum(lengths), 3)
    alone = TensorSketch(VOCABULARY, HIDDEN, 128)
    singles = [
        sketch_one(alone, part, stream_by(head), answer)
        for part, answer in zip(hidden.split(lengths), targets.split(lengths), strict=True)
    ]
    monkeypatch.setattr(sketch_module, "TOKENS", {"cpu": 10})
    monkeypatch.setattr(sketch_module, "TRANSFORMED", {"cpu": 2})
    sizes = []

    def ask_head(states: torch.Tensor):
        sizes.append(len(states))
        return stream_by(head)(states)

    together = TensorSketch(VOCABULARY, HIDDEN, 128).sketch_many(hidden, ask_head, targets, lengths)
    assert max(sizes) == 16 and sum(sizes) == sum(lengths)  # answers are cut where a part ends
    torch.testing.assert_close(together, torch.stack(singles), atol=1e-6, rtol=1e-5)


def test_half_precision_students_are_sketched_in_float32():
    head, (hidden, targets) = make_head().bfloat16(), make_answer(6, 4)
    hidden = hidden.bfloat16()
    table = TensorSketch(VOCABULARY, HIDDEN, 64)
    logits = (head @ hidden.t()).float()
    expected = sketch_one(table, hidden.float(), lambda states: [logits.clone()], targets)
    found = sketch_one(table, hidden, stream_by(head), targets)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_the_head_may_run_in_any_mode_and_the_sketch_is_an_ordinary_tensor(mode):
    head, (hidden, targets) = make_head().requires_grad_(), make_answer(6, 8)

    def ask_head(states: torch.Tensor) -> list[torch.Tensor]:
        with mode():
            return [head @ states.t()]

    found = sketch_one(TensorSketch(VOCABULARY, HIDDEN, 64), hidden.requires_grad_(), ask_head, targets)
    assert not found.is_inference() and not found.requires_grad and found.norm() > 0.1


def test_inner_products_are_unbiased_over_the_tables():
    head = make_head(vocabulary=20, hidden=6)
    first, second = make_answer(4, 5, 20, 6), make_answer(5, 6, 20, 6)
    gradients = [find_gradient(head, *answer).ravel() for answer in (first, second)]
    products = []
    for seed in range(600):
        table = TensorSketch(20, 6, 16, seed)
        rows = [sketch_one(table, hidden, stream_by(head), targets) for hidden, targets in (first, second)]
        products.append([(rows[0] @ rows[1]).item(), (rows[0] @ rows[0]).item()])
    expected = np.array([gradients[0] @ gradients[1], gradients[0] @ gradients[0]])
    error = np.std(products, axis=0, ddof=1) / np.sqrt(len(products))
    assert (error < 0.1 * np.prod([np.linalg.norm(g) for g in gradients])).all()  # so that a bias would be seen
    assert (np.abs(np.mean(products, axis=0) - expected) < 4 * error).all()
    assert expected[0] == pytest.approx(multiply_exactly(head, first, second))


def test_squared_distances_are_within_theory_at_the_default_width():
    head = make_head(vocabulary=400, hidden=64) / 4
    answers = [make_answer(length, seed, 400, 64) for seed, length in enumerate([5, 20, 40, 8, 64, 30, 12, 50])]
    table = TensorSketch(400, 64)
    rows = torch.stack([sketch_one(table, h, stream_by(head), y) for h, y in answers]).double()
    exact = np.array([[multiply_exactly(head, a, b) for b in answers] for a in answers])
    lengths = np.sqrt(np.diag(exact))
    cosines = np.abs(exact - (rows @ rows.t()).numpy()) / np.outer(lengths, lengths)
    assert np.sqrt((cosines**2).mean()) < np.sqrt(2 / table.width)  # what one count sketch of the whole gradient has
    upper = np.triu_indices(len(answers), 1)
    distances = (lengths[:, None] ** 2 + lengths**2 - 2 * exact)[upper]
    relative = np.abs(torch.cdist(rows, rows).numpy()[upper] ** 2 / distances - 1)
    assert relative.mean() < 0.03 and relative.max() < 0.1


def test_a_sure_answer_has_a_short_sketch():
    hidden, _ = make_answer(6, 7)
    head = make_head()
    likely = (hidden @ head.t()).argmax(-1)
    table = TensorSketch(VOCABULARY, HIDDEN, 256)

    def measure(sureness: float) -> torch.Tensor:
        return sketch_one(table, hidden, stream_by(sureness * head), likely).norm()

    assert measure(0.3) > 1.5 * measure(1.0) > 3 * measure(3.0)
    assert measure(1e4) < 1e-6 * measure(1.0)


def test_the_tables_are_the_same_everywhere():
    table = TensorSketch(5, 3, width=4096, seed=0)
    assert table.buckets.tolist() == [303, 2960, 1116, 2062, 2205, 3623, 2367, 3362]
    assert table.signs.tolist() == [-1, -1, 1, -1, -1, 1, -1, -1]
    assert not np.array_equal(TensorSketch(5, 3, seed=1).buckets, table.buckets)


def test_buckets_and_signs_are_spread_evenly():
    table = TensorSketch(40_000, 960, width=64)
    counts = np.bincount(table.buckets, minlength=64)
    assert ((counts - 640) ** 2 / 640).sum() < 63 + 5 * np.sqrt(126)  # chi-square with 63 degrees of freedom
    assert abs(table.signs.sum()) < 4 * np.sqrt(40_960)


def test_a_very_sure_answer_keeps_the_digits_of_its_gradient():
    head, likely = make_head(), torch.tensor([3, 17, 30])
    head[likely] *= 3.0
    hidden = 22 * head[likely] / head[likely].square().sum(1, keepdim=True)
    exact = find_gradient(head, hidden, likely)
    table = TensorSketch(VOCABULARY, HIDDEN, 256)
    assert np.linalg.norm(exact) < 1e-4
    expected = project(table, exact)
    np.testing.assert_allclose(
        sketch_one(table, hidden, stream_by(head), likely), expected, atol=1e-5 * np.abs(expected).max()
    )


def test_logits_that_do_not_cover_the_vocabulary_are_refused():
    head, (hidden, targets) = make_head(), make_answer(6, 1)
    with pytest.raises(ValueError, match="49 tokens came for a vocabulary of 50"):
        sketch_one(TensorSketch(VOCABULARY, HIDDEN, 64), hidden, stream_by(head[:-1]), targets)


@pytest.mark.parametrize("lengths", [[3, 0, 3], [3, 2], [3, 4], []])
def test_lengths_that_do_not_fit_are_refused(lengths):
    head, (hidden, targets) = make_head(), make_answer(6, 1)
    with pytest.raises(ValueError, match="6 targets"):
        TensorSketch(VOCABULARY, HIDDEN, 64).sketch_many(hidden, stream_by(head), targets, lengths)


def test_no_answers_have_no_sketches():
    head, (hidden, targets) = make_head(), make_answer(0, 1)
    found = TensorSketch(VOCABULARY, HIDDEN, 64).sketch_many(hidden, stream_by(head), targets, [])
    assert found.shape == (0, 64) and found.dtype == torch.float32


def test_logits_that_are_not_finite_give_a_sketch_that_is_not():
    head, (hidden, targets) = make_head(), make_answer(6, 1)
    hidden[1] = torch.nan
    found = TensorSketch(VOCABULARY, HIDDEN, 64).sketch_many(hidden, stream_by(head), targets, [3, 3])
    assert found[0].isnan().all() and found[1].isfinite().all()


@pytest.mark.parametrize("factor", [1e-30, 1e-6, 1.0, 3e9])
def test_a_packed_sketch_comes_back_to_three_digits(factor):
    values = (np.random.default_rng(0).standard_normal(4096) ** 5 * factor).astype(np.float32)
    stored = json.loads(json.dumps(pack_sketch(values), allow_nan=False))
    found = unpack_sketch(stored)
    assert found.dtype == np.float32 and found.shape == values.shape
    assert (np.abs(found - values) <= np.maximum(2**-11 * np.abs(values), 2**-39 * np.abs(values).max())).all()
    assert len(json.dumps(stored)) < 2.7 * len(values) + 60
    assert pack_sketch(found) == stored


def test_a_packed_zero_row_comes_back_as_zeros():
    np.testing.assert_array_equal(unpack_sketch(pack_sketch(np.zeros(16, np.float32))), np.zeros(16))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_is_not_packed(value):
    with pytest.raises(ValueError, match="not finite"):
        pack_sketch(np.array([1.0, value], np.float32))
