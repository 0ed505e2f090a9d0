"""The built-in Game of 24: same rows every time, all solutions right, no multiset in two splits."""

import numpy as np
import pytest

from core.demo.game24 import N_OOD, N_TEST, N_VALIDATION, SHOWN, find_puzzles, make_problems, make_splits
from core.demo.rows import encode_rows
from core.settings import DEMO
from core.tasks.game24 import Game24

TASK = Game24()


@pytest.fixture(scope="module")
def splits():
    return make_splits()


def test_shipped_files_are_what_the_generator_makes(splits):
    for split, rows in splits.items():
        assert (DEMO / "game24" / f"{split}.jsonl").read_bytes() == encode_rows(rows)


def test_every_row_holds(splits):
    for split, rows in splits.items():
        for row in rows:
            problem = TASK.make_problem(row["question"], row["answer"], row["final"], {}, split)
            assert (problem.question, problem.answer, problem.final) == (row["question"], row["answer"], row["final"])
            assert TASK.find_fault(problem.question, problem.answer, problem.meta) is None


def test_every_puzzle_is_in_one_split(splits):
    keys = {split: {row["question"] for row in rows} for split, rows in splits.items()}
    puzzles = {" ".join(map(str, numbers)) for numbers in find_puzzles()}
    assert keys["train"] | keys["validation"] | keys["test"] == puzzles
    assert sum(map(len, keys.values())) == len(puzzles) + N_OOD
    assert (len(keys["validation"]), len(keys["test"]), len(keys["ood"])) == (N_VALIDATION, N_TEST, N_OOD)
    assert len(splits["test"]) == N_TEST


def test_train_has_every_solution_once(splits):
    rows = [(row["question"], row["final"]) for row in splits["train"]]
    expected = sum(len(find_puzzles()[tuple(map(int, key.split()))]) for key in {question for question, _ in rows})
    assert len(set(rows)) == len(rows) == expected


def test_prompt_examples_are_no_test_puzzles(splits):
    held_out = {row["question"] for split in ("validation", "test") for row in splits[split]}
    assert not held_out & {" ".join(map(str, numbers)) for numbers in SHOWN}


def test_ood_numbers_are_larger(splits):
    assert all(sum(int(number) > 13 for number in row["question"].split()) >= 2 for row in splits["ood"])


def test_problems_for_pretraining_are_train_puzzles(splits):
    rows = make_problems(50, np.random.default_rng(1))
    train = {(row["question"], row["final"]) for row in splits["train"]}
    assert len(rows) == 50 and all((row["question"], row["final"]) in train for row in rows)
    assert rows == make_problems(50, np.random.default_rng(1))
