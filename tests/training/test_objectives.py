"""Each objective for what it is, on a random model through the real trainers; losses by hand on two tokens."""

import math
import shutil
from dataclasses import asdict, replace

import pytest
import torch

from core.errors import TrainingError, UnknownNameError
from core.models.student import Student, hash_model_files
from core.training.config import TrainingConfig
from core.training.data import TrainingRow
from core.training.hooks import TrainingHooks
from core.training.losses import signed_loss, token_log_probs, unlikelihood_loss
from core.training.objectives import OBJECTIVES, make_objective
from core.training.objectives.base import NEEDS, draws_answers, find_missing, say_unread
from core.training.rows import IGNORED, encode_pairs
from core.training.train import train
from tests.models.tiny import EchoTask

TASK = EchoTask()
CONFIG = TrainingConfig(rank=4, alpha=4, learning_rate=1e-2, epochs=2, batch_size=8, accumulation_steps=1, seed=3)
QUESTIONS = [f"Tom has {i} apples and buys {i + 2} more" for i in range(10)]
ROWS = {
    "answers": [TrainingRow(q, f"He has {2 * i + 2}") for i, q in enumerate(QUESTIONS)],
    "labelled": [TrainingRow(q, f"He has {2 * i + 2}", label=1 if i % 2 else -1) for i, q in enumerate(QUESTIONS)],
    "pairs": [TrainingRow(q, f"He has {2 * i + 2}", rejected=f"It is {i}") for i, q in enumerate(QUESTIONS)],
}
NAMES = OBJECTIVES.names()


def run(model_folder, folder, name, *, config=CONFIG, rows=None, start=None, validation=(), **settings):
    """Train; returns outcome and metrics by (name, step)."""
    objective = make_objective(name, settings)
    metrics = {}
    hooks = TrainingHooks(on_metric=lambda name, step, value, epoch: metrics.__setitem__((name, step), value))
    rows = ROWS[objective.form] if rows is None else rows
    outcome = train(
        model_folder, rows, TASK, config, folder, objective=objective, start=start, validation_rows=validation,
        hooks=hooks, device="cpu",
    )  # fmt: skip
    return outcome, metrics


def losses_of(metrics):
    return [value for (name, _), value in sorted(metrics.items()) if name == "loss"]


@pytest.mark.parametrize("name", NAMES)
def test_every_objective_says_what_it_is(name):
    objective = make_objective(name)
    assert objective.title and objective.about.endswith(".") and objective.source
    assert objective.needs <= set(NEEDS) and objective.form in ROWS
    assert set(objective.estimate(ROWS[objective.form])) == {"n_answers", "n_rollouts"}
    assert replace(objective, **asdict(objective)) == objective


@pytest.fixture(scope="module")
def trained(model_folder, tmp_path_factory):
    """Return outcome and metrics of one training by an objective, made once."""
    made = {}

    def train_once(name):
        if name not in made:
            made[name] = run(model_folder, tmp_path_factory.mktemp(name), name)
        return made[name]

    return train_once


@pytest.fixture
def caught(monkeypatch):
    """The trainers that were made, each with a copy of its model's weights as they were before."""
    from core.training import trainer as trainers

    made, make = [], trainers.make_trainer

    def catch(*args, **options):
        trainer, watch = make(*args, **options)
        made.append((trainer, {n: w.detach().clone() for n, w in trainer.model.named_parameters()}))
        return trainer, watch

    monkeypatch.setattr(trainers, "make_trainer", catch)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_the_base_stays_the_adapter_changes_and_the_same_seed_gives_the_same_curve(
    trained, caught, model_folder, tmp_path, name
):
    """Tensor by tensor in the live model, which was validated (and merged for that) in between; and in the files."""
    from safetensors.torch import load_file

    files = hash_model_files(model_folder)
    outcome, metrics = trained(name)
    _, again = run(model_folder, tmp_path, name, validation=ROWS["answers"][:3])
    assert hash_model_files(model_folder) == files and outcome.n_rows == 10 and outcome.n_steps == 4
    trainer, before = caught[-1]
    after = dict(trainer.model.named_parameters())
    saved = load_file(model_folder / "model.safetensors")
    frozen = {n: n.removeprefix("base_model.model.").replace(".base_layer", "") for n in after if "lora_" not in n}
    assert set(frozen.values()) == set(saved) and before.keys() == after.keys()
    assert all(torch.equal(after[n], saved[own]) and not after[n].requires_grad for n, own in frozen.items())
    adapter = [n for n in after if "lora_" in n]
    assert len(adapter) == 2 * 2 * 7 and not any(torch.equal(before[n], after[n]) for n in adapter)
    assert losses_of(metrics) == losses_of(again) and losses_of(metrics)[-1] < losses_of(metrics)[0]
    Student.load(model_folder, adapter=outcome.adapter, device="cpu")


def test_another_seed_gives_another_curve(trained, model_folder, tmp_path):
    other = run(model_folder, tmp_path, "dpo", config=replace(CONFIG, seed=4))[1]
    assert losses_of(other) != losses_of(trained("dpo")[1])


@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_the_same_in_one_part_or_two(trained, model_folder, tmp_path, name):
    """8 rows at once equal 2 parts of 4; the second step of an epoch has 2 rows only."""
    whole = trained(name)[1]
    halves = run(model_folder, tmp_path, name, config=replace(CONFIG, accumulation_steps=2))[1]
    for metric in ("loss", "grad_norm"):
        expected = {step: value for (n, step), value in whole.items() if n == metric}
        assert {s: v for (n, s), v in halves.items() if n == metric} == pytest.approx(expected, rel=2e-3, abs=1e-5)


def test_what_comes_before_the_answer_and_padding_carry_no_loss(model_folder):
    """What is scored are the answer tokens alone, with what the model itself says of them."""
    student = Student.load(model_folder, device="cpu")
    ids = torch.randint(5, 250, (2, 9))
    labels = ids.clone()
    labels[:, :4] = IGNORED
    labels[1, 7:] = IGNORED  # padding
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    own, rows = token_log_probs(student.model, ids, mask, labels, IGNORED)
    assert rows.tolist() == [0] * 5 + [1] * 3
    plain = student.model(input_ids=ids, attention_mask=mask).logits[:, :-1].log_softmax(-1)
    expected = plain.gather(2, ids[:, 1:, None])[..., 0][labels[:, 1:] != IGNORED]
    assert torch.allclose(own, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["sft", "signed", "dpo"])
def test_a_batch_scores_its_answers_and_their_ends_and_nothing_else(caught, model_folder, tmp_path, name):
    run(model_folder, tmp_path, name, config=replace(CONFIG, epochs=1))
    ((trainer, _),) = caught
    batch = next(iter(trainer.get_train_dataloader()))
    scored = batch["completion_mask"].bool() if name == "dpo" else batch["labels"] != IGNORED
    assert (batch["attention_mask"] == 0).any() and not scored[batch["attention_mask"] == 0].any()
    tokenizer = Student.load(model_folder, device="cpu").tokenizer
    said = [tokenizer.decode(ids[mask]) for ids, mask in zip(batch["input_ids"], scored, strict=True)]
    asked = [
        tokenizer.decode(ids[(mask == 1) & ~each])
        for ids, mask, each in zip(batch["input_ids"], batch["attention_mask"], scored, strict=True)
    ]
    texts = {
        (f"{r.question}\n", f" {text}<|end|>")
        for r in ROWS[make_objective(name).form]
        for text in (r.answer, r.rejected)
    }
    assert len(said) == (16 if name == "dpo" else 8) and set(zip(asked, said, strict=True)) <= texts
    if name != "dpo":
        assert torch.equal(batch["labels"][scored], batch["input_ids"][scored])


def test_signed_loss_by_hand():
    """Two tokens of probabilities 0.5 and 0.25: log pi = log 0.125 summed, log 0.125 / 2 per token."""
    summed = torch.tensor([math.log(0.125)] * 2)
    plus, minus = signed_loss(summed, torch.tensor([1, -1])).tolist()
    assert plus == pytest.approx(-math.log(0.125 / 1.125))  # sigmoid(log p) = p / (1 + p)
    assert minus == pytest.approx(math.log(1.125))
    mean = summed / 2
    assert signed_loss(mean, torch.tensor([1, -1]))[1].item() == pytest.approx(math.log(1 + math.sqrt(0.125)))


def test_unlikelihood_by_hand():
    loss = unlikelihood_loss(torch.tensor([math.log(0.5), math.log(0.25)]))
    assert loss.tolist() == pytest.approx([-math.log(0.5 + 1e-8), -math.log(0.75 + 1e-8)])
    assert torch.isfinite(unlikelihood_loss(torch.tensor([0.0])))  # a token that is certain


def test_unlikely_negatives_have_no_gradient_summed_and_one_per_token(model_folder, tmp_path):
    shares = {}
    for is_normalised in (False, True):
        _, metrics = run(model_folder, tmp_path / str(is_normalised), "signed", is_normalised=is_normalised)
        shares[is_normalised] = metrics["negative_share", 1]
    assert shares[False] < 1e-12  # a random model gives an answer of some 10 tokens a probability of 1e-25
    assert 1e-5 < shares[True] < 1


def test_preference_loss_begins_at_log_two_against_the_policy_that_it_starts_from(trained, model_folder, tmp_path):
    policy, _ = trained("sft")
    _, fresh = run(model_folder, tmp_path / "fresh", "dpo", beta=0.3)
    _, metrics = run(model_folder, tmp_path / "dpo", "dpo", start=policy.adapter)
    for found in (fresh, metrics):  # the first step's learning rate is 0 where there is a warm-up, so look at the first
        assert found["loss", 1] == pytest.approx(math.log(2), abs=1e-4)
        assert found["reward_margin", 1] == pytest.approx(0, abs=1e-4)
    assert metrics["reward_margin", 4] > 0


def test_the_quick_preference_loss_is_trls_loss(trained, model_folder, tmp_path, monkeypatch):
    from trl import DPOTrainer

    from core.training.trainers import PreferenceTrainer

    policy, _ = trained("sft")
    quick = run(model_folder, tmp_path / "quick", "dpo", start=policy.adapter)[1]
    monkeypatch.setattr(PreferenceTrainer, "_compute_quickly", lambda self, m, i: DPOTrainer.compute_loss(self, m, i))
    slow = run(model_folder, tmp_path / "slow", "dpo", start=policy.adapter)[1]
    for name in ("loss", "grad_norm", "reward_margin"):
        expected = {step: value for (metric, step), value in slow.items() if metric == name}
        assert {step: v for (metric, step), v in quick.items() if metric == name} == pytest.approx(expected, abs=1e-4)
    assert quick["reward_accuracy", 4] == slow["reward_accuracy", 4]  # at the first step margins are rounding errors


def test_a_rejected_beginning_is_not_ended_and_a_whole_one_is(model_folder):
    tokenizer = Student.load(model_folder, device="cpu").tokenizer
    row = TrainingRow("Tom has 3", "He has 15", rejected="He has 3\nso")
    end = tokenizer.eos_token_id
    for is_whole in (True, False):
        (pair,), _, _ = encode_pairs(tokenizer, TASK, [row], 200, is_rejected_whole=is_whole)
        assert pair.chosen_ids[-1] == end and (pair.rejected_ids[-1] == end) is is_whole
        assert tokenizer.decode([i for i in pair.rejected_ids if i != end]) == " He has 3\nso"
    assert OBJECTIVES.get("dpo").rejects_whole and not OBJECTIVES.get("per_step_dpo").rejects_whole


def test_pairs_without_two_answers_are_left_out(model_folder):
    tokenizer = Student.load(model_folder, device="cpu").tokenizer
    rows = [
        TrainingRow("a", "15"),
        TrainingRow("a", "15", rejected="15"),
        TrainingRow("a", "", rejected="3"),
        TrainingRow("a", "15", rejected="apples " * 80),
    ]
    usable, _, left_out = encode_pairs(tokenizer, TASK, rows, 40, is_rejected_whole=True)
    assert not usable and len(left_out) == 4
    for row, word in zip(left_out, ("no rejected", "is its answer", "empty", "tokens, more than"), strict=True):
        assert word in row.reason


def test_full_finetuning_changes_all_weights_and_is_loaded_as_an_adapter_is(model_folder, tmp_path):
    config = replace(CONFIG, weights="full", learning_rate=1e-3)
    outcome, metrics = run(model_folder, tmp_path / "full", "sft", config=config)
    assert losses_of(metrics)[-1] < losses_of(metrics)[0]
    names = {path.name for path in outcome.adapter.iterdir()}
    assert names >= {"model.safetensors", "config.json", "origin.json"} and "optimizer.pt" not in names
    base = Student.load(model_folder, device="cpu")
    tuned = Student.load(model_folder, adapter=outcome.adapter, device="cpu")
    changed = [
        name for (name, a), b in zip(base.model.named_parameters(), tuned.model.parameters(), strict=True)
        if not torch.equal(a, b)
    ]  # fmt: skip
    assert len(changed) == len(list(base.model.parameters())) and tuned.fingerprint != base.fingerprint
    other, _ = run(model_folder, tmp_path / "on", "dpo", config=config, start=outcome.adapter)
    assert (other.adapter / "model.safetensors").is_file()
    with pytest.raises(TrainingError, match="weights=full"):
        run(model_folder, tmp_path / "x", "sft", start=outcome.adapter)


@pytest.fixture(scope="module")
def broken_folder(model_folder, tmp_path_factory):
    """A model that breaks wherever it reads a Z."""
    from safetensors.torch import load_file, save_file

    broken = shutil.copytree(model_folder, tmp_path_factory.mktemp("broken") / "model")
    weights = load_file(broken / "model.safetensors")
    (token,) = Student.load(model_folder, device="cpu").tokenizer("Z", add_special_tokens=False)["input_ids"]
    weights["model.embed_tokens.weight"][token] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    return broken


@pytest.mark.parametrize("name", ["sft", "signed", "dpo"])
def test_a_loss_that_is_no_number_stops_with_step_and_rows(broken_folder, tmp_path, name):
    rows = ROWS[make_objective(name).form]
    rows = [*rows[:9], replace(rows[9], question="Zoe has 3")]
    with pytest.raises(TrainingError, match=r"no number at step [12] of 4 \(rows (\d+, )*10\)") as stopped:
        run(broken_folder, tmp_path, name, rows=rows, config=replace(CONFIG, batch_size=5))
    assert "lower learning rate" in str(stopped.value) and not (tmp_path / "adapter").exists()


@pytest.mark.parametrize("name", ["sft", "signed", "dpo"])
def test_an_answer_longer_than_the_context_is_refused_with_its_row_named(model_folder, tmp_path, name):
    rows = ROWS[make_objective(name).form][:4]
    long = "apples " * 400
    rows.append(replace(rows[0], rejected=long) if name == "dpo" else replace(rows[0], answer=long))
    outcome, _ = run(model_folder, tmp_path / "some", name, rows=rows, config=replace(CONFIG, epochs=1))
    ((position, reason),) = [(each.position, each.reason) for each in outcome.left_out]
    assert (outcome.n_rows, position) == (4, 4) and "more than the 256 that a training row may have" in reason
    with pytest.raises(TrainingError, match=r"The one training row cannot be used: It has [\d,]+ tokens"):
        run(model_folder, tmp_path / "none", name, rows=rows[4:])


def test_settings_and_names_that_do_not_exist_are_refused():
    with pytest.raises(UnknownNameError, match="known: dpo"):
        make_objective("ppo")
    for name, settings in (
        ("sft", {"beta": 1.0}),
        ("dpo", {"beta": 0.0}),
        ("dpo", {"beta": "x"}),
        ("dpo", {"right_answers": "all"}),
        ("rft", {"n_samples": 0}),
        ("unlikelihood", {"share": 1.0}),
        ("per_step_dpo", {"min_drop": 2.0}),
    ):
        with pytest.raises(TrainingError) as refused:
            make_objective(name, settings)
        assert str(refused.value).endswith(".") and "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["signed", "unlikelihood"])
def test_a_rejected_answer_is_a_wrong_one_where_answers_have_a_sign(name):
    rows = [
        TrainingRow("q", "a", "1", rejected="b", origin_id="7"),
        TrainingRow("q", "a", "1", rejected="c"),
        TrainingRow("q", "d", rejected="a"),
        TrainingRow("q", "e", label=-1),
    ]
    material = make_objective(name).prepare(rows, None)
    assert [(row.answer, row.label) for row in material.rows] == [("a", 1), ("b", -1), ("c", -1), ("d", 1), ("e", -1)]
    assert all(row.rejected is None for row in material.rows) and material.rows[1].origin_id == "7"
    ((half, reason),) = [(each.row, each.reason) for each in material.unused]
    assert (half.answer, half.label) == ("a", -1) and "as the right one" in reason


@pytest.mark.parametrize("name", NAMES)
def test_objectives_that_do_not_read_wrong_answers_say_so(name):
    rows = [TrainingRow("q", "a", "1", rejected="b"), TrainingRow("r", "a", "1"), TrainingRow("q", "c", label=-1)]
    said, reads = say_unread(make_objective(name), rows), name in ("dpo", "signed", "unlikelihood")
    assert (said is None) == reads and (reads or said.startswith("2 rows bring wrong answers"))
    assert say_unread(make_objective(name), rows[1:2]) is None
    assert [row.rejected for row in make_objective("sft").prepare(rows, None).rows] == [None, None]


def test_what_rows_lack_is_found_and_what_must_be_drawn():
    bare = [TrainingRow("q", "a")]
    assert find_missing(make_objective("signed"), bare) == ["negatives"]
    assert find_missing(make_objective("per_step_dpo"), bare) == ["references"]
    assert find_missing(make_objective("sft"), bare) == []
    assert find_missing(make_objective("signed"), [replace(bare[0], rejected="b")]) == []
    judged = [TrainingRow("q", "a\nb\n#### 3", "3")]
    assert draws_answers(make_objective("rft"), judged) and not draws_answers(make_objective("sft"), judged)
    assert make_objective("per_step_dpo").estimate(judged) == {"n_answers": 8, "n_rollouts": 4 * 20 * 8}
    assert not draws_answers(make_objective("dpo"), [replace(judged[0], rejected="4")])
