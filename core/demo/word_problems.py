"""Makes the built-in seed set ``word_problems``: run ``python -m core.demo.word_problems``.

It draws skeletons, tells them through ``core.demo.stories`` and writes one JSONL file per split. It knows nothing of
students or teachers. The out-of-distribution split has themes, sentence forms and numbers of steps that no other has.
"""

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from core.demo.rows import write_splits
from core.demo.stories.skeleton import draw_shape, draw_sum
from core.demo.stories.telling import tell
from core.settings import DEMO

SEED = 20_11_2026

SIZES = {"train": 1200, "validation": 150, "test": 300, "ood": 200}
"""Problems in each split."""

STEPS = (1, 1, 2, 2, 3, 3, 4, 5, 6)
"""Numbers of steps in train, validation and test; each entry is alike likely."""

OOD_STEPS = (5, 6, 7, 7, 8)
"""Numbers of steps out of distribution."""


def make_problem(rng: random.Random, n_steps: int, *, is_ood: bool = False) -> dict[str, Any]:
    """Return one word problem: question, answer (worked), final, n_steps and type (the frame that tells it)."""
    drawn = draw_sum(draw_shape(n_steps, rng), rng)
    story = tell(drawn, rng, is_ood=is_ood)
    return {
        "question": story.question,
        "answer": story.answer,
        "final": story.final,
        "n_steps": len(drawn.shape),
        "type": story.frame,
    }


def make_problems(n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return n word problems of the train kind."""
    draws = random.Random(int(rng.integers(2**62)))  # several times faster than numpy at drawing one at a time
    return [make_problem(draws, draws.choice(STEPS)) for _ in range(n)]


def make_splits(seed: int = SEED) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each split; no question is in two of them."""
    rng = random.Random(seed)
    seen: set[str] = set()
    splits = {}
    for split, size in SIZES.items():
        is_ood = split == "ood"

        def draw(is_ood: bool = is_ood) -> dict[str, Any]:
            return make_problem(rng, rng.choice(OOD_STEPS if is_ood else STEPS), is_ood=is_ood)

        splits[split] = _draw_new(size, draw, seen)
    return splits


def _draw_new(size: int, draw: Callable[[], dict[str, Any]], seen: set[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while len(rows) < size:
        row = draw()
        if row["question"] not in seen:
            seen.add(row["question"])
            rows.append(row)
    return rows


if __name__ == "__main__":
    write_splits(DEMO / "word_problems", make_splits())
