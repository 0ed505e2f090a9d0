"""Drawn answers: they follow from prompt, seed and number, and their frequencies are the model's probabilities."""

import numpy as np
import pytest
import torch

from core.models.generate import generate_answers, sample_answers
from core.models.rendering import encode_prompts

PROMPTS = ["Tom has 3 apples\n", "A box holds 24 pens; 7 boxes\n", "How many\n"]


def draw(student, prompts, n, **options):
    options = {"temperature": 1.0, "seed": 0, **options}
    return {
        (prompts[index], sample): answer
        for batch in sample_answers(student, prompts, 12, n=n, **options)
        for index, sample, answer in batch
    }


def test_every_prompt_has_n_answers_that_do_not_depend_on_the_company(student):
    together = draw(student, PROMPTS, 6)
    assert len(together) == 18
    assert len({answer.text for (prompt, _), answer in together.items() if prompt == PROMPTS[0]}) > 2
    alone = draw(student, PROMPTS[:1], 6, batch_size=2)
    assert all(together[key].token_ids == answer.token_ids for key, answer in alone.items())
    other = draw(student, PROMPTS[:1], 6, seed=1)
    assert any(other[key].token_ids != alone[key].token_ids for key in alone)


def test_first_tokens_are_as_frequent_as_they_are_likely(student):
    n, temperature = 600, 0.7
    answers = draw(student, PROMPTS[:1], n, temperature=temperature, batch_size=300)
    with torch.no_grad():
        logits = student.model(torch.tensor(encode_prompts(student.tokenizer, PROMPTS[:1]))).logits[0, -1].double()
    likely = (logits / temperature).softmax(-1).numpy()
    counts = np.bincount([answer.token_ids[0] for answer in answers.values()], minlength=len(likely))
    spread = np.sqrt(n * likely * (1 - likely))
    seen = likely * n > 5
    assert seen.sum() > 3
    assert (np.abs(counts - n * likely)[seen] < 4.5 * spread[seen]).all()
    answer = answers[PROMPTS[0], 0]
    assert answer.token_losses[0] == pytest.approx(-float(logits.log_softmax(-1)[answer.token_ids[0]]), abs=1e-3)


def test_a_low_temperature_says_what_the_greedy_student_says(student):
    greedy = {i: answer for batch in generate_answers(student, PROMPTS, 12) for i, answer in batch}
    cold = draw(student, PROMPTS, 2, temperature=1e-3)
    for index, prompt in enumerate(PROMPTS):
        assert cold[prompt, 1].token_ids == greedy[index].token_ids


def test_a_prompt_that_fills_the_context_has_n_empty_answers(student):
    answers = draw(student, ["apples " * 400, "Tom\n"], 3)
    crowded = [answer for (prompt, _), answer in answers.items() if prompt != "Tom\n"]
    assert len(crowded) == 3 and all(answer.is_truncated and not answer.text for answer in crowded)
