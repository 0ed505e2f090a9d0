"""The built-in deductions: same rows every time, all provable, splits apart."""

from collections import Counter

import numpy as np
import pytest

from core.demo.prontoqa import OOD_STEPS, SIZES, STEPS, make_problems, make_splits
from core.demo.rows import encode_rows
from core.settings import DEMO
from core.tasks.deduction import split_sentences
from core.tasks.deduction_words import KNOWN, UNSEEN, WIDE
from core.tasks.prontoqa import Prontoqa

TASK = Prontoqa()


@pytest.fixture(scope="module")
def splits():
    return make_splits()


def test_shipped_files_are_what_the_generator_makes(splits):
    for split, rows in splits.items():
        assert (DEMO / "prontoqa" / f"{split}.jsonl").read_bytes() == encode_rows(rows)


def test_every_row_holds(splits):
    for split, rows in splits.items():
        assert len(rows) == SIZES[split]
        for row in rows:
            problem = TASK.make_problem(row["question"], row["answer"], row["final"], {}, split)
            assert (problem.question, problem.answer, problem.final) == (row["question"], row["answer"], row["final"])
            assert TASK.find_fault(problem.question, problem.answer, problem.meta) is None
            assert problem.meta["n_steps"] == row["n_steps"]


def test_sizes_of_the_puzzles(splits):
    for split, rows in splits.items():
        assert {row["n_steps"] for row in rows} == set(OOD_STEPS if split == "ood" else STEPS)
        assert all(6 <= len(split_sentences(row["question"].split("\n")[0])) <= 13 for row in rows)


def test_no_context_in_two_splits(splits):
    contexts = [row["question"].split("\n")[0] for rows in splits.values() for row in rows]
    assert len(set(contexts)) == len(contexts)


def test_the_label_cannot_be_guessed_from_the_statement(splits):
    counts = Counter((" not " in row["question"].split("\n")[1], row["final"]) for row in splits["train"])
    assert len(counts) == 4 and min(counts.values()) > 0.2 * SIZES["train"]


def test_ood_words_are_unseen(splits):
    for seen, unseen in ((KNOWN.kinds, UNSEEN.kinds), (KNOWN.qualities, UNSEEN.qualities), (KNOWN.names, UNSEEN.names)):
        assert not set(seen) & set(unseen)
    assert not set(WIDE.kinds) & set(UNSEEN.kinds)
    known = " ".join(row["question"] for split in ("train", "validation", "test") for row in splits[split]).lower()
    assert not any(kind in known for kind in UNSEEN.kinds)


def test_problems_for_pretraining():
    rows = make_problems(20, np.random.default_rng(5))
    assert len({row["question"] for row in rows}) == 20
    assert rows == make_problems(20, np.random.default_rng(5))
    assert rows != make_problems(20, np.random.default_rng(6))
    assert {row["n_steps"] for row in make_problems(20, np.random.default_rng(5), steps=(2,))} == {2}
