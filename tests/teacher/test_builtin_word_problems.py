"""The built-in teacher's rules for word problems, on answers of every form that GSM8K has."""

import json
import random
import re

import numpy as np
import pytest
from rapidfuzz import process
from rapidfuzz.distance import LCSseq

from core.demo.stories.skeleton import Step
from core.records import Problem
from core.settings import DEMO
from core.teacher.builtin.base import CannotRewrite
from core.teacher.builtin.word_problems import change_shape, read_shape, rewrite_word_problem

ANNOTATION = re.compile(r"<<([^=]*)=(\d+)>>")


def _seeds(n: int) -> list[Problem]:
    lines = (DEMO / "word_problems" / "train.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in random.Random(0).sample(lines, n)]
    return [Problem(f"p{i}", row["question"], row["answer"], row["final"]) for i, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("answer", "final", "shape"),
    [
        ("a 5+3=<<5+3=8>>8\n8*2=<<8*2=16>>16\n#### 16", "16", (Step("+", None, None), Step("*", 0, None))),
        ("$<<0.2*50=10>>10\n<<50-10=40>>40", "40", (Step("%", None, None), Step("-", None, 0))),
        ("<<50*.2=10>>10", "10", (Step("%", None, None),)),
        ("<<20%*50=10>>10", "10", (Step("%", None, None),)),
        ("<<1+2+3=6>>6", "6", (Step("+", None, None), Step("+", 0, None))),
        ("<<2*(3+4)=14>>", "14", (Step("+", None, None), Step("*", 0, None))),
        ("<<2(3+4)=14>>", "14", (Step("+", None, None), Step("*", 0, None))),
        ("<<$1,200/4=$300>>", "300", (Step("/", None, None),)),
        ("<<5=5>>\n<<5*2=10>>\n<<10+10=20>>", "20", (Step("*", None, None), Step("*", 0, None))),
        ("<<9-4=5>>\n<<7*3=21>>\n<<5*6=30>>", "30", (Step("-", None, None), Step("*", 0, None))),
        ("<<9-4=5>>\n<<5*6=30>>\n<<30-1=29>>", "30", (Step("-", None, None), Step("*", 0, None))),
        ("<<-3+8=5>>", "5", (Step("+", None, None),)),
    ],
    ids=(
        "two percent decimal percent_sign chain brackets implied money bare unused early_final sign".split()  # noqa: SIM905
    ),
)
def test_reads_the_skeleton(answer, final, shape):
    assert read_shape(answer, final) == shape


@pytest.mark.parametrize(
    ("answer", "final", "said"),
    [
        ("No steps.\n#### 5", "5", "no calculator annotations"),
        ("<<x=5>>5", "5", "not plain arithmetic"),
        ("<<(2+3=5>>5", "5", "not plain arithmetic"),
        ("<<5=5>>5", "5", "no operation"),
        ("<<2+3=5>>5\n#### 7", "7", "do not lead to the final answer"),
        ("<<" + "+".join("23456789123456") + "=70>>", "70", "13 operations"),
    ],
)
def test_says_why_it_cannot(answer, final, said):
    with pytest.raises(CannotRewrite, match=said):
        read_shape(answer, final)
    with pytest.raises(CannotRewrite, match=said):
        rewrite_word_problem(Problem("p", "q", answer, final), 0)


def test_problem_without_answer():
    with pytest.raises(CannotRewrite, match="no worked answer"):
        rewrite_word_problem(Problem("p", "q", None, "5"), 0)


def test_same_index_same_rewrite_and_other_index_another():
    seed = _seeds(1)[0]
    assert rewrite_word_problem(seed, 2) == rewrite_word_problem(seed, 2)
    assert len({rewrite_word_problem(seed, index).question for index in range(20)}) == 20


def test_every_annotation_of_every_rewrite_recomputes():
    for seed in _seeds(200):
        rewrite = rewrite_word_problem(seed, 1)
        steps = ANNOTATION.findall(rewrite.answer_reply)
        for expression, value in steps:
            assert eval(expression) == pytest.approx(int(value))
            assert int(value) > 0
        assert rewrite.answer_reply.endswith(f"\n#### {steps[-1][1]}")
        assert rewrite.question == rewrite.question_reply
        assert rewrite.question != seed.question


def test_number_of_steps_stays_close_and_one_operation_differs():
    rng = random.Random(0)
    added = 0
    for seed in _seeds(300):
        shape = read_shape(seed.answer, seed.final)
        changed = change_shape(shape, rng)
        assert changed != shape
        assert len(shape) - 1 <= len(changed) <= len(shape) + 1
        added += len(changed) > len(shape)
    assert 120 < added < 270


def test_a_thousand_accepted_from_200_seeds_need_at_most_2000_requests():
    """The filter of the paper: ROUGE-L F above 0.7 with any earlier generated question is dropped."""
    seeds, codes, seen = _seeds(200), {}, []
    n_requests = n_accepted = 0
    while n_accepted < 1000 and n_requests <= 2000:
        question = rewrite_word_problem(seeds[n_requests % 200], n_requests // 200).question
        n_requests += 1
        tokens = re.findall(r"\w+", question.lower())
        text = "".join(chr(0x10000 + codes.setdefault(token, len(codes))) for token in tokens)
        common = process.cdist([text], seen, scorer=LCSseq.similarity, dtype=np.int32)[0] if seen else np.zeros(0)
        lengths = np.array([len(other) for other in seen]) + len(text)
        n_accepted += not (2 * common / lengths > 0.7).any()
        seen.append(text)
    assert n_accepted == 1000
    assert n_requests <= 2000
