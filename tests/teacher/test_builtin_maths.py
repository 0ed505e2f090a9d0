"""The built-in teacher's rules for maths."""

import json
import re
from collections import Counter

import pytest
from rapidfuzz.distance import LCSseq

from core.demo.maths_templates import BY_NAME, find_template
from core.records import Problem
from core.settings import DEMO
from core.tasks import TASKS
from core.teacher.builtin.base import CannotRewrite
from core.teacher.builtin.maths import rewrite_maths

TASK = TASKS.get("maths")


def read_seeds(split, n):
    with (DEMO / "maths" / f"{split}.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line, _ in zip(file, range(n), strict=False)]
    # Without type, level and template: the text must be enough.
    return [(row, TASK.make_problem(row["question"], row["answer"], row["final"], {})) for row in rows]


def test_rewrites_are_of_the_same_type_near_the_level_and_verify():
    for row, seed in read_seeds("train", 150):
        rewrite = rewrite_maths(seed, 0)
        assert TASK.read_question(rewrite.question_reply).question == rewrite.question != seed.question
        worked = TASK.read_answer(rewrite.answer_reply)
        assert TASK.find_fault(rewrite.question, worked, {}) is None
        template = find_template(rewrite.question)
        assert template.type == row["type"] and abs(template.level - row["level"]) <= 1


def test_ood_templates_are_never_written():
    for row, seed in read_seeds("ood", 60):
        template = find_template(rewrite_maths(seed, 1).question)
        assert not template.is_ood and BY_NAME[row["template"]].type == template.type


def test_same_seed_and_index_same_rewrite_and_another_index_another():
    (_, seed), *_ = read_seeds("train", 1)
    assert rewrite_maths(seed, 3) == rewrite_maths(seed, 3)
    assert len({rewrite_maths(seed, index).question for index in range(20)}) >= 18


def test_wording_varies_enough_for_the_rouge_filter():
    """100 accepted of at most 150 requests, at ROUGE-L F of at most 0.7 against all accepted before."""
    accepted = []
    for _, seed in read_seeds("train", 150):
        words = re.findall(r"\w+|[^\w\s]", rewrite_maths(seed, 0).question.lower())
        if all(2 * LCSseq.similarity(words, old) <= 0.7 * (len(words) + len(old)) for old in accepted):
            accepted.append(words)
    assert len(accepted) >= 100


def test_templates_of_the_rewrites_are_spread():
    _, seed = next((row, seed) for row, seed in read_seeds("train", 50) if row["type"] == "Algebra")
    names = Counter(find_template(rewrite_maths(seed, index).question).name for index in range(60))
    assert len(names) >= 3


def test_problem_of_another_source_is_refused_in_one_sentence():
    real = Problem(
        "p_1", "Let $ABCD$ be a convex quadrilateral with $AB=4$. Find the locus of $D$.", None, "x", "train", {}
    )
    with pytest.raises(CannotRewrite, match=r"^The built-in teacher only .*\.$"):
        rewrite_maths(real, 0)
