"""Makes the tiny reward model from the tiny student: ``python -m core.demo.make_reward`` (15 minutes on one core).

The student's layers get a score head and learn to tell right answers from wrong ones (``reward_pairs``, and what the
student itself answers to fresh problems) by the Bradley-Terry loss. Weights, tokenizer and a card with what was
measured on problems kept apart go to ``data/demo/tiny-reward``. It knows nothing of signals or selection.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.analysis.accuracy import wilson_interval
from core.demo.reward_pairs import Pair, draw_pairs, draw_problems, pair_student_answer
from core.models.generate import generate_answers
from core.models.rendering import encode_completions, encode_prompts
from core.models.reward import TINY_REWARD, RewardModel
from core.models.student import Student
from core.settings import DEMO
from core.tasks import TASKS

if TYPE_CHECKING:
    import torch

N_MADE = {"word_problems": 6_000, "maths": 1_800, "prontoqa": 1_400, "game24": 300}
"""Problems whose references have faults planted."""

N_ANSWERED = {"word_problems": 1_800, "maths": 300, "prontoqa": 300}
"""Problems that the student answers itself."""

N_MEASURED = {"word_problems": 400, "maths": 200, "prontoqa": 200, "game24": 60}
"""Problems kept apart that the card's figures are measured on, of each form."""

ANSWER_LIMIT = 200
"""Tokens of an answer of the student; a longer one has lost its way."""

BATCH = 16
"""Problems per optimiser step."""

RATE, WARMUP_STEPS = 1.5e-3, 50
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

    Bradley-Terry over the pairs of each problem, at the end and at every token from where a pair differs, and over all
    right and wrong answers of one kind in the batch, so that rewards can be compared between problems; plus the two
    terms that CENTRE_WEIGHT and TEXT_WEIGHT weigh.
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
    dense_right, dense_wrong = read_rewards(model, hidden, groups)
    dense = softplus(dense_wrong - dense_right).mean()
    loss = (
        within
        + dense
        + torch.stack(across).mean()
        + CENTRE_WEIGHT * (right + wrong).square().mean()
        + TEXT_WEIGHT * text
    )
    return loss, float((right > wrong).float().mean())


def find_duelling_tokens(group: Group) -> Iterator[tuple[int, int]]:
    """Yield (place in the right answer, place in the wrong one) from the first token on in which a pair differs."""
    starts = [group.segments.count(0), *(end + 1 for end in group.ends[:-1])]
    for right, wrong in group.duels:
        spans = [range(starts[at], group.ends[at] + 1) for at in (right, wrong)]
        places = list(zip(*spans, strict=False))
        first = next((i for i, (a, b) in enumerate(places) if group.ids[a] != group.ids[b]), len(places))
        yield from places[first:]


def read_rewards(model: Any, hidden: "torch.Tensor", groups: Sequence[Group]) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return the rewards of the right and the wrong tokens of all pairs, from where each pair first differs."""
    import torch

    rows, right, wrong = torch.tensor(
        [(row, *places) for row, group in enumerate(groups) for places in find_duelling_tokens(group)]
    ).T
    values = model.score(hidden)[:, :, 0]
    return values[rows, right], values[rows, wrong]


def make_training_pairs(student: Student, rng: random.Random) -> list[list[Pair]]:
    """Return one list of pairs per problem: planted faults, and what the student itself answers to some of them."""
    found = []
    for task, n in N_MADE.items():
        found += [list(draw_pairs(problem, task, rng)) for problem in draw_problems(task, n, rng)]
    for task, n in N_ANSWERED.items():
        found += draw_answered(student, task, n, rng, is_apart=False)
    found = [pairs for pairs in found if pairs]
    rng.shuffle(found)
    return found


def draw_answered(student: Student, task: str, n: int, rng: random.Random, *, is_apart: bool) -> list[list[Pair]]:
    """Return the pairs that the student's own answers to fresh problems make."""
    problems = draw_problems(task, n, rng, is_apart=is_apart)
    prompts = [TASKS.get(task).student_prompt(problem.question) for problem in problems]
    answers = {index: answer for batch in generate_answers(student, prompts, ANSWER_LIMIT) for index, answer in batch}
    pairs = [pair_student_answer(answers[i].text, problem, task, rng) for i, problem in enumerate(problems)]
    return [[pair] for pair in pairs if pair is not None]


def train(model: Any, groups: Sequence[Group], rng: random.Random) -> None:
    """Train the model on the groups once, in batches of like length."""
    import torch

    batches = []
    for start in range(0, len(groups), 20 * BATCH):  # like lengths share a batch, but not the whole order
        part = sorted(groups[start : start + 20 * BATCH], key=lambda group: len(group.ids))
        some = [part[at : at + BATCH] for at in range(0, len(part), BATCH)]
        rng.shuffle(some)
        batches += some
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0, betas=(0.9, 0.95))
    model.train()
    shares, started = [], time.time()
    for step, batch in enumerate(batches):
        loss, share = compute_loss(model, batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.param_groups[0]["lr"] = RATE * min(1, (step + 1) / WARMUP_STEPS) * (1 - step / len(batches))
        optimiser.step()
        shares.append(share)
        if step % 50 == 49:
            print(
                f"{step + 1:>5} of {len(batches)}  {np.mean(shares[-50:]):.3f}  {time.time() - started:.0f} s",
                flush=True,
            )
    model.eval()


def measure(reward: RewardModel, pairs: Sequence[Pair]) -> tuple[int, int]:
    """Return in how many pairs the right answer has the higher reward, and of how many."""
    right = reward.score([(pair.prompt, pair.right) for pair in pairs])
    wrong = reward.score([(pair.prompt, pair.wrong) for pair in pairs])
    return int((right > wrong).sum()), len(pairs)


def measure_separation(reward: RewardModel, student: Student, n: int = 300) -> float:
    """Return the chance that the reward of a right own answer is above that of a wrong one, over shipped problems."""
    from scipy.stats import rankdata

    task = TASKS.get("word_problems")
    lines = (DEMO / "word_problems" / "train.jsonl").read_text(encoding="utf-8").splitlines()[:n]
    problems = [task.make_problem(row["question"], row["answer"], None, {}) for row in map(json.loads, lines)]
    prompts = [task.student_prompt(problem.question) for problem in problems]
    answers = {index: answer for batch in generate_answers(student, prompts, ANSWER_LIMIT) for index, answer in batch}
    texts = [answers[index].text for index in range(n)]
    is_right = np.array([task.is_correct(task.extract_final(text), p) for text, p in zip(texts, problems, strict=True)])
    ranks = rankdata(reward.score(list(zip(prompts, texts, strict=True))))
    n_right = int(is_right.sum())
    return float((ranks[is_right].sum() - n_right * (n_right + 1) / 2) / (n_right * (n - n_right)))


def list_figures(reward: RewardModel, student: Student) -> str:
    """Return the table of the card: accuracy on pairs of problems that were kept apart, with 95 % intervals."""
    rng, lines, totals = random.Random(99), [], np.zeros(2, int)
    for task, n in N_MEASURED.items():
        planted = [p for problem in draw_problems(task, n, rng, is_apart=True) for p in draw_pairs(problem, task, rng)]
        answered = [p for pairs in draw_answered(student, task, n, rng, is_apart=True) for p in pairs]
        rows = [("planted fault, worked", [p for p in planted if p.is_worked])]
        rows += [
            ("planted fault, bare", [p for p in planted if not p.is_worked]),
            ("the student's own answer", answered),
        ]
        for kind, pairs in rows:
            if pairs:
                counts = measure(reward, pairs)
                totals += counts
                lines.append(f"| {task} | {kind} | {describe(*counts)} |")
    separation = measure_separation(reward, student)
    lines.append(f"| **all** | | {describe(*totals)} |")
    table = "\n".join(["| task | pair | right answer rewarded higher |", "|---|---|---|", *lines])
    told = (
        f"A right own answer to a shipped word problem is rewarded above a wrong one with probability {separation:.2f}."
    )
    return f"{table}\n\n{told}"


def describe(n_right: int, n: int) -> str:
    """Return ``61.2 % (58.0 to 64.3) of 900``."""
    low, high = wilson_interval(n_right, n)
    return f"{100 * n_right / n:.1f} % ({100 * low:.1f} to {100 * high:.1f}) of {n:,}"


CARD = """---
license: apache-2.0
language: en
pipeline_tag: text-classification
---
# tiny-reward: the built-in reward model

A Llama of {parameters:,} parameters with one output: how good an answer to a problem is. It exists so that the reward
signals of Seedbed run on two CPU cores with no download. It knows the four made-up domains of the tiny student and
nothing else, and it is weak: see the figures. Nothing measured with it says anything about real reward models.

## What it is

The layers, tokenizer and prompt format of `tiny`, with a score head that is read at the end-of-text token. Weights are
stored in float16 and loaded as float32. Rewards are centred about 0; higher is better.

## How it was trained

By `python -m core.demo.make_reward` ({minutes} minutes on one core) from the weights of `tiny`, on right answers
against wrong ones of the same form: faults planted in the reference (a step, an operation, a number or the last line;
a broken proof; an expression that misses 24), and the tiny student's own answers. Bradley-Terry loss over pairs, over
the tokens from where a pair differs, and over answers of one kind in a batch; plus the right answers' own loss as
text. No question is a shipped one, and one of eight fresh questions was kept apart for the figures.

## Figures

On pairs of problems that it was not trained on, with 95 % intervals (Wilson 1927):

{figures}

## Limits

It reads forms it has seen better than it calculates: a wrong result that looks usual is often rewarded. Bare answers
are close to guesses. Use it to try the page and the selectors; take a real reward model to select for a real student.
"""


def main() -> None:
    """Make the reward model."""
    import torch
    from transformers import AutoModelForSequenceClassification

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DEMO / TINY_REWARD)
    options = parser.parse_args()
    torch.manual_seed(0)
    rng, started = random.Random(0), time.time()
    student = Student.load("tiny", device="cpu")
    groups = encode_groups([p for pairs in make_training_pairs(student, rng) for p in pairs], student.tokenizer)
    print(f"{len(groups):,} problems, {time.time() - started:.0f} s", flush=True)
    model = AutoModelForSequenceClassification.from_pretrained(DEMO / "tiny", num_labels=1)
    torch.nn.init.zeros_(model.score.weight)
    train(model, groups, rng)
    minutes = round((time.time() - started) / 60)
    options.out.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(options.out)
    student.tokenizer.save_pretrained(options.out)
    reward = RewardModel.load(options.out, device="cpu")
    facts = {"parameters": sum(p.numel() for p in model.parameters()), "minutes": minutes}
    card = CARD.format(**facts, figures=list_figures(reward, student))
    (options.out / "README.md").write_text(card, encoding="utf-8")
    print(card)


if __name__ == "__main__":
    main()
