"""The trainers' own losses on a model of two tokens whose probabilities are written down, worked out by hand.

After ``a`` the model says ``a`` with 0.5 and ``b`` with 0.5; after ``b`` it says ``a`` with 0.25 and ``b`` with 0.75.
The prompt is ``b``; padding is a third token, which the model never says.
"""

from collections import defaultdict
from math import exp, log
from types import SimpleNamespace

import pytest
import torch

from core.training.rows import IGNORED
from core.training.trainers import (
    AnswerTrainer,
    LabelledCollator,
    PreferenceTrainer,
    SignedTrainer,
    UnlikelihoodTrainer,
)

A, B, PAD = 0, 1, 2
P = {A: (0.5, 0.5), B: (0.25, 0.75)}
OWN = {"ab": log(P[B][A]) + log(P[A][B]), "bb": log(P[B][B]) + log(P[B][B]), "a": log(P[B][A])}
"""Log-probability of an answer after the prompt ``b``."""


class TwoTokens(torch.nn.Module):
    """Says the next token by a table alone."""

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, 3, bias=False)
        table = torch.full((3, 3), -1e9)
        for token, (a, b) in P.items():
            table[A, token], table[B, token] = log(a), log(b)
        table[:, PAD] = 7.0  # nobody may look at what follows padding
        self.head.weight = torch.nn.Parameter(table)

    def get_output_embeddings(self):
        return self.head

    def forward(self, input_ids, attention_mask, use_cache):
        states = torch.nn.functional.one_hot(input_ids, 3).float()
        return SimpleNamespace(logits=self.head(states))


def encode(answer: str, sign: int = 1) -> dict:
    ids = [{"a": A, "b": B}[letter] for letter in answer]
    return {"input_ids": [B, *ids], "labels": [IGNORED, *ids], "sign": sign}


def trainer_of(kind, **fields):
    """Return a trainer without its model, data and optimiser: what its loss reads."""
    made = kind.__new__(kind)
    made.args = SimpleNamespace(device=torch.device("cpu"))
    made.state = SimpleNamespace(global_step=1)
    made._metrics = {"train": defaultdict(list)}
    vars(made).update(fields)
    return made


def pad(*rows: dict) -> dict:
    return LabelledCollator(PAD)(rows)


def test_supervised_is_the_mean_over_answer_tokens_of_the_step():
    batch = pad(encode("ab"), encode("a"))
    loss = AnswerTrainer.compute_loss(trainer_of(AnswerTrainer), TwoTokens().train(), batch, num_items_in_batch=3)
    assert loss.item() == pytest.approx(-(OWN["ab"] + OWN["a"]) / 3)  # (1.3863 + 0.6931 + 1.3863) / 3
    assert loss.item() == pytest.approx(1.1552, abs=1e-4)


@pytest.mark.parametrize(
    ("is_normalised", "expected"),
    [
        (False, (log(1 + 1 / exp(OWN["ab"])) + log(1 + exp(OWN["bb"]))) / 2),
        (True, (log(1 + 1 / exp(OWN["ab"] / 2)) + log(1 + exp(OWN["bb"] / 2))) / 2),
    ],
)
def test_signed_is_the_mean_over_answers(is_normalised, expected):
    trainer = trainer_of(SignedTrainer, is_normalised=is_normalised, counts={"rows": 2})
    loss = trainer.compute_loss(TwoTokens().train(), pad(encode("ab", 1), encode("bb", -1)))
    assert loss.item() == pytest.approx(expected, abs=1e-5)


def test_unlikelihood_weighs_the_means_over_tokens_of_each_sign():
    trainer = trainer_of(UnlikelihoodTrainer, share=0.3, counts={"rows": 2, "positive": 2, "negative": 1})
    loss = trainer.compute_loss(TwoTokens().train(), pad(encode("ab", 1), encode("a", -1)))
    assert loss.item() == pytest.approx(0.7 * -OWN["ab"] / 2 + 0.3 * -log(1 - 0.25 + 1e-8), abs=1e-5)


def test_preferences_compare_with_what_the_policy_said():
    rows = [encode("ab"), encode("bb")]  # chosen, then rejected, as TRL's collator stacks them
    batch = {name: value for name, value in pad(*rows).items() if name in ("input_ids", "attention_mask")}
    batch["completion_mask"] = torch.tensor([[0, 1, 1], [0, 1, 1]])
    batch |= {"ref_chosen_logps": torch.tensor([-3.0]), "ref_rejected_logps": torch.tensor([-1.0])}
    trainer = trainer_of(PreferenceTrainer, beta=0.5)
    loss = trainer._compute_quickly(TwoTokens().train(), batch)
    margin = 0.5 * ((OWN["ab"] + 3.0) - (OWN["bb"] + 1.0))
    assert loss.item() == pytest.approx(log(1 + exp(-margin)), abs=1e-5)
    assert trainer._metrics["train"]["rewards/margins"] == [pytest.approx(margin, abs=1e-5)]


@pytest.mark.parametrize("kind", [AnswerTrainer, SignedTrainer, UnlikelihoodTrainer, PreferenceTrainer])
def test_neither_prompt_nor_padding_changes_a_loss(kind):
    """Wider by padding, and by words of a prompt that the model, which sees one token back, cannot tell apart."""
    fields = {"is_normalised": True, "share": 0.3, "counts": {"rows": 2, "positive": 1, "negative": 2}, "beta": 0.5}
    trainer, model = trainer_of(kind, **fields), TwoTokens().train()
    batch = pad(encode("a", 1), encode("bb", -1))

    def lose(*words: int, padding: int = 0) -> torch.Tensor:
        """Return the loss with these words before the first row's prompt, and the other token before the second's."""
        before = torch.tensor([words, [1 - word for word in words]], dtype=torch.int64)
        after = torch.zeros(2, padding, dtype=torch.int64)
        ends = {
            "input_ids": (before, after + PAD),
            "attention_mask": (torch.ones_like(before), after),
            "labels": (torch.full_like(before, IGNORED), after + IGNORED),
        }
        wider = {name: torch.cat([first, batch[name], last], dim=1) for name, (first, last) in ends.items()}
        if kind is AnswerTrainer:
            return trainer.compute_loss(model, wider, num_items_in_batch=3)
        if kind is not PreferenceTrainer:
            return trainer.compute_loss(model, {**wider, "signs": batch["signs"]})
        references = {"ref_chosen_logps": torch.tensor([-3.0]), "ref_rejected_logps": torch.tensor([-1.0])}
        mask = (wider.pop("labels") != IGNORED).long()
        return trainer._compute_quickly(model, {**wider, "completion_mask": mask, **references})

    loss = lose().item()
    for words, padding in (((), 3), ((A,), 0), ((B, A), 3)):
        assert lose(*words, padding=padding).item() == pytest.approx(loss)
    gradient = torch.autograd.grad(lose(A, A, padding=3), model.head.weight)[0]
    assert gradient[:, PAD].abs().sum() == 0  # what follows padding was not looked at
    assert gradient[:, A].abs().sum() == 0  # nor what follows words of the prompt
