"""The texts that the tiny student is pretrained on, phase by phase; knows nothing of tokens or of training.

A student of this size learns to read stories long before it can calculate, so lists of sums lead. Then short stories
have mostly worked answers and long ones mostly bare results: it is right on short problems by itself, and a finetune
on worked answers brings out the long ones.
"""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.demo import game24, maths, prontoqa
from core.demo.stories.skeleton import draw_shape, draw_sum
from core.demo.word_problems import STEPS, make_problem
from core.settings import DEMO
from core.tasks import TASKS

OTHER_TASKS = {"maths": maths, "prontoqa": prontoqa, "game24": game24}
"""Makers of the tasks besides word problems; each has ``make_problems(n, rng)``."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What is read in one stretch of the pretraining."""

    n_steps: int
    """Optimiser steps."""

    worked: Mapping[int, float]
    """Number of steps of a story -> share of worked answers; the others are bare: ``#### 42``."""

    flat: float
    """Share of the phase at the full learning rate; then it falls in a line to 2 %."""

    matrix_rate: float
    """Highest rate of Muon (the matrices of the layers), scaled to AdamW's size of update."""

    sums: float
    """Share of lists of sums among the texts."""

    shares: tuple[tuple[str, float, float], ...]
    """Other tasks: name, share of the texts, share of worked answers among them."""

    other_rate: float = 3e-3
    """Highest rate of AdamW (embeddings and gains)."""

    story_steps: tuple[int, ...] = STEPS
    """Numbers of steps of the stories, alike likely."""

    lead_steps: int = 0
    """First steps, on sums alone but for a fifth of the texts."""


@dataclass(frozen=True, slots=True)
class Text:
    """One training text."""

    task: str
    """Registry name; ``sums`` for a list of sums."""

    prompt: str
    completion: str
    """The answer after one space; the end-of-text token is added when it is encoded."""


def draw_texts(phase: Phase, n_texts: int, n_lead: int, seed: int) -> list[Text]:
    """Return the texts of a phase in their order; none asks a question of a shipped validation or test set.

    Args:
        phase: shares of everything.
        n_texts: how many in all.
        n_lead: how many of them, at the beginning, are mostly sums.
        seed: the same seed gives the same texts.
    """
    rng = random.Random(seed)
    taken = read_held_out_questions(DEMO)
    texts = [_draw_sums(rng) for _ in range(int(phase.sums * (n_texts - n_lead)))]
    for name, share, worked in phase.shares:
        texts += _draw_other(name, int(share * (n_texts - n_lead)), worked, taken, rng)
    stories = [_draw_story(phase, taken, rng) for _ in range(n_texts - n_lead - len(texts) + n_lead // 5)]
    lead = stories[: n_lead // 5] + [_draw_sums(rng) for _ in range(n_lead - n_lead // 5)]
    texts += stories[n_lead // 5 :]
    rng.shuffle(lead)
    rng.shuffle(texts)
    return lead + texts


def _draw_sums(rng: random.Random, n: int = 12) -> Text:
    """Return a list of sums like those of the stories: ``12+5=17``, a line each."""
    lines: list[str] = []
    while len(lines) < n:
        drawn = draw_sum(draw_shape(rng.choice((1, 2, 3)), rng), rng)
        index = rng.randrange(len(drawn.shape))
        lines.append(f"{drawn.expression(index)}={drawn.numbers[index][2]}")
    return Text("sums", "Sums:", " " + "\n".join(lines))


def _draw_story(phase: Phase, taken: set[str], rng: random.Random) -> Text:
    n_steps = rng.choice(phase.story_steps)
    is_worked = rng.random() < phase.worked[n_steps]
    while True:
        row = make_problem(rng, n_steps)
        if row["question"] not in taken:
            return _write_text("word_problems", row, is_worked)


def _draw_other(name: str, n: int, worked: float, taken: set[str], rng: random.Random) -> Iterator[Text]:
    numbers = np.random.default_rng(rng.getrandbits(60))
    n_left = n
    while n_left:
        for row in OTHER_TASKS[name].make_problems(min(n_left, 500), numbers):
            if row["question"] not in taken:
                n_left -= 1
                yield _write_text(name, row, rng.random() < worked)


def _write_text(name: str, row: dict[str, Any], is_worked: bool) -> Text:
    lines = row["answer"].strip().splitlines()
    answer = "\n".join(lines) if is_worked else lines[-1]
    return Text(name, TASKS.get(name).student_prompt(row["question"]), f" {answer}")


def read_held_out_questions(folder: Path) -> set[str]:
    """Return the questions of every validation and test split of the seed sets in the folder."""
    files = [file for file in sorted(folder.glob("*/*.jsonl")) if file.stem != "train"]
    return {json.loads(line)["question"] for file in files for line in file.read_text("utf-8").splitlines()}
