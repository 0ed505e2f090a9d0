"""Makes the tiny reward model from the tiny student: run ``python -m core.demo.make_reward`` (some 45 minutes on one core).

The student's layers get a score head and learn to tell right answers from wrong ones (``reward_pairs``, and what the
student itself answers to fresh problems) by the Bradley-Terry loss. Weights, tokenizer and a card with what was
measured on problems kept apart go to ``data/demo/tiny-reward``. It knows nothing of signals or selection.
"""

import argparse
import json
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.demo.reward_pairs import NUMBER, Pair, draw_pairs, draw_problems, pair_student_answer
from core.models.generate import generate_answers
from core.models.rendering import encode_completions, encode_prompts
from core.models.student import Student
from core.records import Problem
from core.settings import DEMO
from core.tasks import TASKS

if TYPE_CHECKING:
    import torch

N_MADE = {"word_problems": 17_000, "maths": 6_500, "prontoqa": 4_500, "game24": 1_500}
"""Problems with made pairs alone."""

N_ANSWERED = {"word_problems": 4_500, "maths": 1_500, "prontoqa": 1_500, "game24": 60}
"""Problems that the student answers as well, and as many again that it is led into working out."""

ANSWER_LIMIT = 200
"""Tokens of an answer of the student; a longer one has lost its way."""

BATCH = 16
"""Problems per optimiser step."""

RATE, WARMUP_STEPS = 1e-3, 100
"""Highest learning rate of AdamW; it rises in a line and falls in one to 0."""

CENTRE_WEIGHT = 0.01
"""Of the squared sum of both rewards of a pair, so that they lie about 0 (Eisenstein 2023, section 2)."""

TEXT_WEIGHT = 0.5
"""Of the right answers' own loss as text, which keeps the layers at reading and calculating (Yang 2024, section 3)."""


@dataclass(frozen=True, slots=True)
class Group:
    """A prompt with all its answers as one row of tokens; the prompt is read once."""

    ids: list[int]
    segments: list[int]
    """0 for the prompt's tokens, 1, 2, ... for those of each answer."""

    ends: list[int]
    """Place of each answer's last token, which its reward is read from."""

    is_right: list[bool]
    duels: list[tuple[int, int]]
    """(right answer, wrong answer) of each pair."""

    kinds: list[str]
    """Task and form of each answer; only answers of one kind are compared across problems."""


def encode_groups(pairs: Sequence[Pair], tokenizer: Any) -> list[Group]:
    """Return one group per run of pairs with the same prompt, encoded as the reward model is asked later."""
    return [_encode_group(list(run), tokenizer) for _, run in groupby(pairs, key=lambda pair: pair.prompt)]


def _encode_group(pairs: list[Pair], tokenizer: Any) -> Group:
    kinds = {text: f"{pair.task} {pair.is_worked}" for pair in pairs for text in (pair.right, pair.wrong)}
    places = {text: at for at, text in enumerate(kinds)}
    right = {pair.right for pair in pairs}
    ids = list(encode_prompts(tokenizer, [pairs[0].prompt])[0])
    segments, ends = [0] * len(ids), []
    for at, answer in enumerate(encode_completions(tokenizer, list(kinds))):
        ids += answer
        segments += [at + 1] * len(answer)
        ends.append(len(ids) - 1)
    duels = [(places[pair.right], places[pair.wrong]) for pair in pairs]
    return Group(ids, segments, ends, [text in right for text in kinds], duels, list(kinds.values()))


@dataclass(frozen=True, slots=True)
class Batch:
    """Groups side by side, padded on the right."""

    ids: "torch.Tensor"
    """(n, width) int64."""

    positions: "torch.Tensor"
    """(n, width) int64; every answer's count goes on from the prompt's."""

    mask: "torch.Tensor"
    """(n, 1, width, width) bool: a token sees the prompt and the tokens before it of its own answer."""

    taught: "torch.Tensor"
    """(3, tokens) int64: row, place and place before of every token of a right answer."""

    ends: "torch.Tensor"
    """(2, answers) int64: row and place of every answer's last token."""


def make_batch(groups: Sequence[Group], pad: int) -> Batch:
    """Return the tensors of some groups."""
    import torch

    width = max(len(group.ids) for group in groups)
    ids, segments = np.full((len(groups), width), pad), np.full((len(groups), width), -1)
    positions = np.zeros((len(groups), width), np.int64)
    taught, ends = [], []
    for row, group in enumerate(groups):
        ids[row, : len(group.ids)], segments[row, : len(group.ids)] = group.ids, group.segments
        n_prompt = group.segments.count(0)
        positions[row, :n_prompt] = np.arange(n_prompt)
        starts = [n_prompt, *(end + 1 for end in group.ends[:-1])]
        for start, end, is_right in zip(starts, group.ends, group.is_right, strict=True):
            positions[row, start : end + 1] = n_prompt + np.arange(end + 1 - start)
            ends.append((row, end))
            if is_right:
                taught += [(row, at, n_prompt - 1 if at == start else at - 1) for at in range(start, end + 1)]
    segment = torch.from_numpy(segments)
    sees = (segment[:, None] == 0) | (segment[:, None] == segment[:, :, None])
    mask = (sees & torch.ones(width, width, dtype=torch.bool).tril())[:, None]
    return Batch(torch.from_numpy(ids), torch.from_numpy(positions), mask, torch.tensor(taught).T, torch.tensor(ends).T)


def compute_loss(model: Any, groups: Sequence[Group]) -> "tuple[torch.Tensor, float]":
    """Return the loss of a batch, and the share of its pairs in which the right answer has the higher reward.

    Bradley-Terry over the pairs of each problem, and over all right and wrong answers of one kind in the batch, so that
    rewards can be compared between problems; plus the two terms that CENTRE_WEIGHT and TEXT_WEIGHT weigh.
    """
    import torch
    from torch.nn.functional import cross_entropy, softplus

    batch = make_batch(groups, model.config.pad_token_id)
    hidden = model.model(
        input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    rewards = model.score(hidden[batch.ends[0], batch.ends[1]])[:, 0]
    offsets = np.cumsum([0, *(len(group.ends) for group in groups)])
    duels = np.concatenate([np.array(group.duels) + at for group, at in zip(groups, offsets, strict=False)])
    right, wrong = rewards[torch.from_numpy(duels).T]
    within = softplus(wrong - right).mean()
    kinds = np.array([kind for group in groups for kind in group.kinds])
    is_right = np.array([each for group in groups for each in group.is_right])
    across = [
        softplus(rewards[(kinds == kind) & ~is_right][:, None] - rewards[(kinds == kind) & is_right]).mean()
        for kind in set(kinds)
    ]
    rows, places, before = batch.taught
    logits = hidden[rows, before] @ model.get_input_embeddings().weight.T
    text = cross_entropy(logits, batch.ids[rows, places])
    loss = within + torch.stack(across).mean() + CENTRE_WEIGHT * (right + wrong).square().mean() + TEXT_WEIGHT * text
    return loss, float((right > wrong).float().mean())
