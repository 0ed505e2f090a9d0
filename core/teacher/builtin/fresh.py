"""New problems from no seed at all: what a fixed prompt brings, drawn by the generators of the built-in seed sets.

Out-of-distribution templates and words are never used. Nothing here knows of prompts or forms.
"""

import random
from collections.abc import Callable

from core.demo import maths, prontoqa, word_problems
from core.demo.maths_templates import SEEN
from core.registry import Registry
from core.tasks.arithmetic24 import write_worked
from core.tasks.deduction_words import WIDE
from core.tasks.prontoqa import QUESTION, split_question
from core.tasks.solutions24 import solve
from core.teacher.builtin.base import Rewrite, make_rng
from core.teacher.builtin.game24 import PLAIN_LIMIT
from core.teacher.builtin.maths import SCENE_SHARE

FRESH: Registry[Callable[[str], Rewrite]] = Registry("generator of the built-in teacher")
"""Task name -> what draws a problem, the same for the same key."""

AIME_LEVEL = 3
"""Level from which a problem is called AIME; below, AMC."""


@FRESH.register("word_problems")
def draw_word_problem(key: str) -> Rewrite:
    """Return a story of the steps that the seed set has."""
    rng = random.Random(key)
    row = word_problems.make_problem(rng, rng.choice(word_problems.STEPS))
    return Rewrite(f"Question: {row['question']}", row["question"], row["answer"])


@FRESH.register("maths")
def draw_maths(key: str) -> Rewrite:
    """Return a problem of any type, with the difficulty that the fixed prompt asks for (Zhang 2025)."""
    rng = make_rng(key)
    row = maths.make_problem(SEEN[int(rng.integers(len(SEEN)))], rng, SCENE_SHARE)
    difficulty = "AIME" if row["level"] >= AIME_LEVEL else "AMC"
    return Rewrite(f"Question: {row['question']}\nDifficulty: {difficulty}", row["question"], row["answer"])


@FRESH.register("prontoqa")
def draw_deduction(key: str) -> Rewrite:
    """Return a puzzle of one to four rules."""
    rng = make_rng(key)
    row = prontoqa.make_row(rng, int(rng.choice(prontoqa.STEPS)), WIDE)
    context, statement = split_question(row["question"])
    return Rewrite(f"Context: {context}\nQuestion: {QUESTION} {statement}", row["question"], row["answer"])


@FRESH.register("game24")
def draw_game24(key: str) -> Rewrite:
    """Return four numbers of 1 to 13 that make 24, with one of the ways to do it."""
    rng = make_rng(key)
    while not (solutions := solve(numbers := sorted(rng.integers(1, PLAIN_LIMIT + 1, size=4).tolist()))):
        pass
    expression = solutions[int(rng.integers(len(solutions)))]
    question = " ".join(map(str, numbers))
    return Rewrite(rf"\boxed{{{expression} = 24}}", question, write_worked(expression))
