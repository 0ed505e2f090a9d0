"""Make the built-in maths seed set: short problems by type and level, answers worked and ending in a box.

Run ``python -m core.demo.maths`` to write ``data/demo/maths/{train,validation,test,ood}.jsonl`` anew; the same code
writes the same bytes. The texts and numbers are all our own. Knows nothing of tasks or students.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.demo.maths_templates import SEEN, UNSEEN
from core.demo.maths_templates.base import Template, fill_wording, pick, write_answer, write_number
from core.demo.maths_templates.scenes import add_scene
from core.settings import DEMO

SIZES = {"train": 800, "validation": 150, "test": 300, "ood": 150}
"""Rows of each split."""

MAX_MISSES = 2000
"""Draws in a row that repeat a question, after which the templates count as used up."""

SCENE_SHARE = 0.3
"""Share of rows with a scene before the question."""

SEED = 20241
"""Seed of the shipped files."""


def make_problem(template: Template, rng: np.random.Generator, scene_share: float = SCENE_SHARE) -> dict[str, Any]:
    """Return one row of a template: question, answer, final, type, level, template.

    Args:
        template: the family of the problem.
        rng: the only source of chance.
        scene_share: probability that a sentence without numbers stands before the question.
    """
    draw = template.draw(rng)
    question = fill_wording(pick(rng, template.wordings), draw.slots, rng)
    return {
        "question": add_scene(question, rng) if rng.random() < scene_share else question,
        "answer": write_answer(draw),
        "final": write_number(draw.final),
        "type": template.type,
        "level": template.level,
        "template": template.name,
    }


def make_problems(
    n: int,
    rng: np.random.Generator,
    templates: Sequence[Template] = SEEN,
    taken: set[str] | None = None,
    scene_share: float = SCENE_SHARE,
) -> list[dict[str, Any]]:
    """Return n rows with n different questions, the templates taking turns in a random order.

    Args:
        n: number of rows.
        rng: the only source of chance.
        templates: what to draw from; by default all but the out-of-distribution ones.
        taken: questions that must not come again; the new ones are added to it.
        scene_share: probability of a scene before a question.

    Raises:
        ValueError: the templates cannot give n different questions.
    """
    taken = set() if taken is None else taken
    rows: list[dict[str, Any]] = []
    n_misses = 0
    while len(rows) < n:
        for index in rng.permutation(len(templates)):
            row = make_problem(templates[index], rng, scene_share)
            if row["question"] in taken:
                n_misses += 1
            elif len(rows) < n:
                n_misses = 0
                taken.add(row["question"])
                rows.append(row)
        if n_misses > MAX_MISSES:
            raise ValueError(f"These {len(templates)} templates do not give {n} different questions.")
    return rows


def make_splits(seed: int = SEED) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every split; no question is in two of them."""
    rng = np.random.default_rng(seed)
    taken: set[str] = set()
    return {split: make_problems(n, rng, UNSEEN if split == "ood" else SEEN, taken) for split, n in SIZES.items()}


def write_splits(folder: Path = DEMO / "maths") -> None:
    """Write one JSONL file per split into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in make_splits().items():
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write_splits()
