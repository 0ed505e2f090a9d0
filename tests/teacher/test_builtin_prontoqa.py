"""The built-in teacher's deductions: readable replies, proofs that hold, and enough variety."""

from collections import Counter

import numpy as np
import pytest
from rapidfuzz.distance import LCSseq

from core.demo.prontoqa import make_problems
from core.records import Problem
from core.tasks.deduction_words import UNSEEN
from core.tasks.prontoqa import Prontoqa
from core.teacher.builtin.base import CannotRewrite
from core.teacher.builtin.prontoqa import rewrite_prontoqa

TASK = Prontoqa()
ASK = "Is the following statement true or false?"
FOREIGN = (
    "Every wumpus is an impus. Impuses are not luminous. Each rompus is luminous. Wumpuses are lempuses. "
    f"Every lempus is sour. Rex is a wumpus.\n{ASK} Rex is not luminous."
)


def make_seeds(n):
    rows = make_problems(n, np.random.default_rng(3))
    return [TASK.make_problem(row["question"], row["answer"], row["final"], {}) for row in rows]


def words(text):
    return "".join(mark if mark.isalnum() else " " for mark in text.lower()).split()


def test_replies_are_read_and_hold():
    for seed in [*make_seeds(30), TASK.make_problem(FOREIGN, None, "True", {})]:
        for index in range(4):
            rewrite = rewrite_prontoqa(seed, index)
            assert TASK.read_question(rewrite.question_reply).question == rewrite.question
            assert TASK.read_answer(rewrite.answer_reply) == rewrite.answer_reply
            assert TASK.find_fault(rewrite.question, rewrite.answer_reply, {}) is None


def test_same_index_same_rewrite():
    seed = make_seeds(1)[0]
    rewrites = [rewrite_prontoqa(seed, index) for index in (0, 1, 1_001_000, 0)]
    assert rewrites[0] == rewrites[3]
    assert len({rewrite.question for rewrite in rewrites}) == 3


def test_all_words_of_the_seed_are_replaced():
    seed = TASK.make_problem(FOREIGN, None, "True", {})
    for index in range(10):
        used = set(words(rewrite_prontoqa(seed, index).question))
        assert not used & {"rex", "luminous", "sour", "wumpus", "wumpuses", "impus", "impuses", "rompus", "lempus"}
        assert not used & {word.lower() for word in (*UNSEEN.kinds, *UNSEEN.qualities, *UNSEEN.names)}


def test_length_and_label_vary():
    changes, labels = Counter(), Counter()
    for seed in (seed for seed in make_seeds(60) if seed.meta["n_steps"] >= 2):
        rewrite = rewrite_prontoqa(seed, 0)
        child = TASK.make_problem(rewrite.question, rewrite.answer_reply, None, {})
        changes[child.meta["n_steps"] - seed.meta["n_steps"]] += 1
        labels[child.final] += 1
    assert set(changes) == {-1, 0, 1} and min(changes.values()) >= 5
    assert min(labels["True"], labels["False"]) >= 10


def test_children_are_different_enough():
    """At least 95 of 100 children of 25 seeds stay at ROUGE-L F <= 0.7 against all earlier ones."""
    earlier, n_kept = [], 0
    for index in range(4):
        for seed in make_seeds(25):
            new = words(rewrite_prontoqa(seed, index).question)
            scores = [2 * LCSseq.similarity(new, old) / (len(new) + len(old)) for old in earlier]
            n_kept += max(scores, default=0) <= 0.7
            earlier.append(new)
    assert n_kept >= 95


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("What is the capital of France?", "cannot be read"),
        (f"Some birds can fly. Rex is a bird.\n{ASK} Rex is red.", "neither a fact nor a rule"),
        (f"Each dax is red. Rex is a fep.\n{ASK} Rex is red.", "does not decide"),
    ],
)
def test_seeds_beyond_the_rules(question, message):
    with pytest.raises(CannotRewrite, match=message):
        rewrite_prontoqa(Problem("p_1", question, None, "True"), 0)
