"""One body over every registered signal, with the shipped models on shipped problems; and one oracle for each."""

import json
import pkgutil
from dataclasses import FrozenInstanceError, is_dataclass, replace

import numpy as np
import pytest
import torch

from core.analysis.accuracy import wilson_interval
from core.cache import Cache
from core.errors import RunCancelled
from core.models.forward import apply_head, read_answers
from core.models.predict import predict
from core.models.rendering import encode_completions, encode_prompts
from core.models.reward import RewardModel
from core.models.student import Student
from core.settings import DEMO
from core.signals import SIGNALS, Scoring
from core.signals.gradient import give_own_answers
from core.tasks import TASKS
from core.teacher.builtin import BuiltInTeacher

ALL = pytest.mark.parametrize("name", SIGNALS.names())
N = 8
WIDTH = 512


class CountingCache(dict):
    """A cache that notes how often something new was put."""

    def put(self, key, value):
        self.setdefault(key, json.loads(json.dumps(value)))


def load_problems(task: str, n: int) -> list:
    lines = (DEMO / task / "train.jsonl").read_text(encoding="utf-8").splitlines()[:n]
    rows = [json.loads(line) for line in lines]
    return [TASKS.get(task).make_problem(row["question"], row["answer"], None, {}) for row in rows]


@pytest.fixture(scope="module")
def student():
    return Student.load("tiny", device="cpu")


@pytest.fixture(scope="module")
def scoring(student):
    task, problems = TASKS.get("word_problems"), load_problems("word_problems", N)
    problems[2] = replace(problems[2], answer=None, final=None)
    problems[3] = replace(problems[3], question="apples " * 1500, problem_id="long")
    predictions = predict(student, task, problems)
    reward, teacher = RewardModel.load("tiny-reward", device="cpu"), BuiltInTeacher()
    return Scoring(task, problems, predictions, student, CountingCache(), reward, teacher, n_samples=4, width=WIDTH)


@pytest.fixture(scope="module")
def found(scoring):
    return {name: SIGNALS.get(name)(scoring) for name in SIGNALS}


@ALL
def test_scores_are_aligned_and_unknown_is_nan_with_a_reason(found, name):
    signal, scores = SIGNALS.get(name), found[name]
    values = scores.values
    assert values.dtype == (np.float32 if signal.is_vector else np.float64)
    assert values.shape[0] == N and values.ndim == (2 if signal.is_vector else 1)
    flat = values[:, 0] if signal.is_vector else values
    assert np.isfinite(flat).sum() >= N - 2
    for row in np.flatnonzero(np.isnan(flat)):
        assert scores.notes[row]
    for detail in scores.details.values():
        assert detail.shape == (N,)
    for texts in scores.texts.values():
        assert len(texts) == N
    assert signal.title and signal.needs <= {"weights", "reference", "reward", "teacher"}


@ALL
def test_a_problem_without_reference_or_beyond_the_context_spoils_only_itself(found, name):
    flat = found[name].values[:, 0] if SIGNALS.get(name).is_vector else found[name].values
    assert np.isfinite(np.delete(flat, [2, 3])).all()
    if "reference" in SIGNALS.get(name).needs:
        assert np.isnan(flat[2]) and "no reference" in found[name].notes[2]
    if name in ("loss", "loss_truth", "reward", "gradient", "gradient_truth"):
        assert np.isnan(flat[3])


@ALL
def test_the_second_time_nothing_is_computed(scoring, found, name, monkeypatch):
    def never(*_, **__):
        raise AssertionError("asked again")

    for owner, method in ((Student, "sample"), (RewardModel, "score")):
        monkeypatch.setattr(owner, method, never)
    monkeypatch.setattr("core.signals.reference.read_answers", never)
    monkeypatch.setattr("core.signals.gradient.read_answers", never)
    monkeypatch.setattr("core.models.embedder.Embedder.load", never)
    n, rows = len(scoring.cache), [row for row in range(N) if row != 3]  # what cannot be read is looked at each time
    known = replace(
        scoring,
        problems=[scoring.problems[row] for row in rows],
        predictions=[scoring.predictions[row] for row in rows],
    )
    np.testing.assert_array_equal(SIGNALS.get(name)(known).values, found[name].values[rows])
    assert len(scoring.cache) == n


@pytest.mark.parametrize("name", ["gradient", "gradient_truth"])
def test_sketches_of_an_earlier_version_are_not_taken_from_the_cache(scoring, found, name):
    signal, cache = SIGNALS.get(name), CountingCache()
    assert signal.version == 2
    replace(signal, version=1)(replace(scoring, cache=cache))
    n_earlier = len(cache)
    signal(replace(scoring, cache=cache))
    assert len(cache) == 2 * n_earlier > 0


@ALL
def test_the_order_of_the_problems_does_not_matter(scoring, found, name):
    order = np.random.default_rng(0).permutation(N)
    moved = replace(
        scoring,
        problems=[scoring.problems[i] for i in order],
        predictions=[scoring.predictions[i] for i in order],
        cache=CountingCache() if name in ("reward", "loss_truth", "gradient") else scoring.cache,
    )
    np.testing.assert_allclose(SIGNALS.get(name)(moved).values, found[name].values[order], atol=2e-3)


@pytest.mark.parametrize("name", ["loss_truth", "reward", "solve_rate", "gradient", "judge", "grade", "embedding"])
def test_a_cancelled_scoring_stops(scoring, name):
    def cancel():
        raise RunCancelled("stop")

    with pytest.raises(RunCancelled):
        SIGNALS.get(name)(replace(scoring, cache=CountingCache(), check=cancel))


@ALL
def test_a_signal_is_a_frozen_dataclass(name):
    """So that nothing of one scoring stays in it for the next."""
    signal = SIGNALS.get(name)
    assert is_dataclass(signal)
    with pytest.raises(FrozenInstanceError):
        signal.version = 2


@pytest.mark.parametrize(
    ("name", "owner", "method"),
    [
        ("gradient", "core.models.sketch.TensorSketch", "sketch_many"),
        ("loss_truth", "core.signals.reference", "measure_loss"),
    ],
)
def test_a_full_gpu_makes_batches_smaller_and_changes_no_value(scoring, found, monkeypatch, name, owner, method):
    """The first tries fail where the batch was read already, as on a card that is nearly full."""
    n_refused, work = 0, getattr(pkgutil.resolve_name(owner), method)

    def work_later(*arguments):
        nonlocal n_refused
        if n_refused < 2:
            n_refused += 1
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return work(*arguments)

    monkeypatch.setattr(f"{owner}.{method}", work_later)
    values = SIGNALS.get(name)(replace(scoring, cache=CountingCache())).values
    assert n_refused == 2
    np.testing.assert_allclose(values, found[name].values, atol=1e-4)


# -- oracles -------------------------------------------------------------------------------------------------------


def plain_loss(student, prompt_ids, answer_ids):
    with torch.no_grad():
        logits = student.model(torch.tensor([[*prompt_ids, *answer_ids]])).logits[0, len(prompt_ids) - 1 : -1]
    return -logits.double().log_softmax(-1).gather(1, torch.tensor(answer_ids)[:, None]).mean().item()


def test_losses_equal_a_plain_pass_over_each_answer_alone(scoring, found, student):
    for row, (problem, prediction) in enumerate(zip(scoring.problems, scoring.predictions, strict=True)):
        prompt = encode_prompts(student.tokenizer, [scoring.task.student_prompt(problem.question)])[0]
        if prediction.token_ids:
            own = plain_loss(student, prompt, list(prediction.token_ids))
            assert found["loss"].values[row] == pytest.approx(own, abs=1e-4)
        if problem.answer and row != 3:
            reference = encode_completions(student.tokenizer, [problem.answer])[0]
            assert found["loss_truth"].values[row] == pytest.approx(plain_loss(student, prompt, reference), abs=1e-4)


def test_the_reward_of_a_right_answer_is_above_that_of_another_problems(scoring, found):
    """The reference's reward is that of the reference, the student's own that of what it wrote."""
    pairs = [(scoring.task.student_prompt(scoring.problems[0].question), scoring.problems[0].answer)]
    assert found["reward_truth"].values[0] == pytest.approx(scoring.reward.score(pairs)[0], abs=1e-4)
    pairs = [(pairs[0][0], scoring.predictions[0].text)]
    assert found["reward"].values[0] == pytest.approx(scoring.reward.score(pairs)[0], abs=1e-4)


def test_the_solve_rate_is_the_share_of_right_answers_with_its_interval(scoring, found):
    problem, task = scoring.problems[0], scoring.task
    drawn = scoring.student.sample(
        [task.student_prompt(problem.question)], task.max_new_tokens, n=4, temperature=1.0, seed=0
    )
    texts = [answer.text for batch in drawn for _, _, answer in batch]
    n_right = sum(bool(task.is_correct(task.extract_final(text), problem)) for text in texts)
    assert found["solve_rate"].values[0] == n_right / 4
    low, high = (found["solve_rate"].details[f"solve_rate_{end}"][0] for end in ("low", "high"))
    assert (low, high) == wilson_interval(n_right, 4)


def test_gradients_have_the_inner_products_of_the_exact_ones(scoring, found, student):
    """sum((Δ_i Δ_jᵀ) ∘ (H_i H_jᵀ)) over tokens, within some standard deviations of a sketch of this width."""
    rows = [row for row, prediction in enumerate(scoring.predictions) if prediction.token_ids]
    parts = {}
    for batch in read_answers(student, give_own_answers(scoring, rows), list):
        for read in batch:
            error = apply_head(student, read.hidden).softmax(-1)
            error[torch.arange(len(read.targets)), read.targets] -= 1
            parts[read.index] = (error / len(read.targets), read.hidden)
    exact = np.array(
        [[float(((parts[i][0] @ parts[j][0].T) * (parts[i][1] @ parts[j][1].T)).sum()) for j in rows] for i in rows]
    )
    sketches = found["gradient"].values[rows].astype(np.float64)
    norms = np.sqrt(np.diag(exact))
    error = np.abs(sketches @ sketches.T - exact) / (norms[:, None] * norms)
    assert error.max() < 5 * np.sqrt(2 / WIDTH) and error.mean() < np.sqrt(2 / WIDTH)


def test_right_by_wrong_steps_is_wrong_in_prontoqa(student):
    task = TASKS.get("prontoqa")
    (problem,) = load_problems("prontoqa", 1)
    (prediction,) = predict(student, task, [problem])
    steps = problem.answer.splitlines()
    invented = "\n".join(["Every zumpus is a wumpus.", *steps])
    answers = [problem.answer, invented, f"Answer: {'False' if problem.final == 'True' else 'True'}"]
    predictions = [replace(prediction, text=text, final=task.extract_final(text), is_correct=None) for text in answers]
    scoring = Scoring(task, [problem] * 3, predictions, student, CountingCache())
    scores = SIGNALS.get("correct")(scoring)
    assert scores.values.tolist() == [1.0, 0.0, 0.0]
    assert "is right, but" in scores.notes[1] and scores.notes[2] is None


def test_embeddings_of_like_questions_are_alike(scoring):
    texts = ["Tom has 3 apples and buys 4 more.", "Ann has 5 apples and buys 2 more.", "Is every cat an animal?"]
    problems = [replace(scoring.problems[0], question=text) for text in texts]
    vectors = SIGNALS.get("embedding")(replace(scoring, problems=problems, cache=CountingCache())).values
    like = vectors @ vectors.T
    assert like[0, 1] > like[0, 2] + 0.3 and np.allclose(np.diag(like), 1, atol=1e-3)


def test_values_outlive_the_process_in_a_real_cache(scoring, found, tmp_path, monkeypatch):
    with Cache(tmp_path) as cache:
        first = SIGNALS.get("gradient")(replace(scoring, cache=cache)).values
    monkeypatch.setattr("core.signals.gradient.read_answers", None)
    with Cache(tmp_path) as cache:
        np.testing.assert_array_equal(SIGNALS.get("gradient")(replace(scoring, cache=cache)).values, first)
