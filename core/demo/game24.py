"""Makes the built-in Game of 24: every solvable puzzle over 1..13 with all its solutions, parted by number multiset.

Train has one row per distinct solution; validation, test and ood one per puzzle (any solution counts there, so more
rows would only weigh a puzzle by its number of solutions). ood puzzles have at least two numbers of 14 to 20. The five
puzzles that the student's prompt shows are kept in train.

Run ``python -m core.demo.game24`` to write ``data/demo/game24``; the same rows come out every time.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from core.demo.rows import write_splits
from core.settings import DEMO
from core.tasks.arithmetic24 import write_worked
from core.tasks.solutions24 import solve

SEED = 24
N_VALIDATION = 100
N_TEST = 200
N_OOD = 100
SHOWN = frozenset({(4, 4, 6, 8), (2, 9, 10, 12), (4, 9, 10, 13), (1, 4, 8, 8), (5, 5, 5, 9)})
"""The puzzles of the five-shot prompt."""

Numbers = tuple[int, int, int, int]


@lru_cache(maxsize=1)
def find_puzzles() -> dict[Numbers, list[str]]:
    """Return all 1,362 solvable multisets over 1..13 with their distinct solutions, plainest first (about 1 s)."""
    found = {numbers: solve(numbers) for numbers in combinations_with_replacement(range(1, 14), 4)}
    return {numbers: solutions for numbers, solutions in found.items() if solutions}


@lru_cache(maxsize=1)
def split_puzzles() -> dict[str, list[Numbers]]:
    """Return the multisets of each split, ascending; no multiset is in two of them."""
    rng = np.random.default_rng(SEED)
    free = [numbers for numbers in find_puzzles() if numbers not in SHOWN]
    order = rng.permutation(len(free))
    test = {free[i] for i in order[:N_TEST]}
    validation = {free[i] for i in order[N_TEST : N_TEST + N_VALIDATION]}
    train = find_puzzles().keys() - test - validation
    parts = {"train": train, "validation": validation, "test": test, "ood": _draw_large_puzzles(rng)}
    return {split: sorted(numbers) for split, numbers in parts.items()}


def _draw_large_puzzles(rng: np.random.Generator) -> set[Numbers]:
    """Draw solvable multisets over 1..20 with at least two numbers above 13."""
    found: set[Numbers] = set()
    while len(found) < N_OOD:
        large, small = rng.integers(14, 21, size=2).tolist(), rng.integers(1, 21, size=2).tolist()
        numbers = tuple(sorted([*large, *small]))
        if solve(numbers):
            found.add(numbers)
    return found


def make_row(numbers: Sequence[int], solution: str) -> dict[str, Any]:
    """Return one row: the numbers as the question, the worked answer, and the solution as ``final``."""
    return {"question": " ".join(map(str, numbers)), "answer": write_worked(solution), "final": solution}


def make_problems(n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Draw n rows (puzzle and one of its solutions) from the train puzzles alone; rows repeat where n is large."""
    rows = [(numbers, solution) for numbers in split_puzzles()["train"] for solution in find_puzzles()[numbers]]
    return [make_row(*rows[i]) for i in rng.integers(len(rows), size=n)]


def make_splits() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all four splits."""
    puzzles = split_puzzles()
    train = [make_row(numbers, text) for numbers in puzzles["train"] for text in find_puzzles()[numbers]]
    rest = {
        split: [make_row(numbers, solve(numbers)[0]) for numbers in puzzles[split]]
        for split in ("validation", "test", "ood")
    }
    return {"train": train, **rest}


if __name__ == "__main__":
    write_splits(DEMO / "game24", make_splits())
