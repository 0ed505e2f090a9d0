"""The built-in teacher grows problems from the built-in seed sets through the real tasks, prompts and filters."""

import re
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

import core.teacher.builtin as _registers_rules  # noqa: F401
from core.datasets.problems import make_problem
from core.datasets.reading import read_rows
from core.datasets.seed_set import BUILT_IN_MAPPING, list_built_in
from core.filters.base import FilterContext, make_filters
from core.generation.base import METHODS, Brief
from core.generation.grow import grow
from core.tasks import TASKS
from core.teacher.builtin.teacher import BuiltInTeacher

N_SEEDS, N_ACCEPTED = 12, 40
IS_ARITHMETIC = re.compile(r"[\d.+\-*/() ]*\d[\d.+\-*/() ]*").fullmatch


def load(name, split, n):
    rows = read_rows(list_built_in(name)[split], n_max=n).rows
    return [make_problem(row, TASKS.get(name), BUILT_IN_MAPPING, split) for row in rows]


@pytest.fixture(scope="module", params=["word_problems", "maths", "prontoqa", "game24"])
def grown(request):
    name = request.param
    train = load(name, "train", 200)
    rng = np.random.default_rng(5)
    seeds = [train[i] for i in rng.permutation(len(train))[:N_SEEDS]]
    test = load(name, "test", 50)
    method, teacher = METHODS.get("rewrite"), BuiltInTeacher()
    judged = []
    outcome = grow(
        seeds,
        Brief(TASKS.get(name), train),
        method,
        teacher,
        make_filters(["rouge_l", "verified", "held_out"]),
        n_accepted=N_ACCEPTED,
        rng=rng,
        context=FilterContext(TASKS.get(name), held_out=test),
        on_candidate=lambda *pair: judged.append(pair),
    )
    return name, seeds, test, outcome, judged


def test_enough_are_accepted_within_twice_as_many_requests(grown):
    _, _, _, outcome, judged = grown
    assert outcome.accepted == N_ACCEPTED
    assert outcome.requested <= 2 * N_ACCEPTED
    assert outcome.requested == outcome.accepted + outcome.rejected + outcome.failed == len(judged)
    assert outcome.n_input_tokens > outcome.n_output_tokens > 0


def test_accepted_ones_are_new_distinct_and_hold_under_another_check(grown):
    name, seeds, test, outcome, _ = grown
    held_out = {problem.question for problem in test}
    parents = {seed.problem_id: seed.question for seed in seeds}
    for candidate in outcome.candidates:
        assert candidate.question not in held_out
        assert candidate.question != parents[candidate.parents[0]]
        assert CHECKS[name](candidate), candidate
    assert len({candidate.candidate_id for candidate in outcome.candidates}) == N_ACCEPTED
    if TASKS.get(name).compares_questions:
        assert len({candidate.question for candidate in outcome.candidates}) == N_ACCEPTED


def work_out(text):
    """Return the exact value of an expression of numbers, + - * / and brackets."""
    assert IS_ARITHMETIC(text), text
    return Fraction(eval(re.sub(r"(\d+(?:\.\d+)?)", r"Fraction('\1')", text), {"Fraction": Fraction}))


def check_word_problem(candidate):
    """Every annotation is right, and the last one is the answer."""
    results = []
    for left, right in re.findall(r"<<([^=<>]+)=([^<>]+)>>", candidate.answer):
        results.append(work_out(left))
        assert results[-1] == Fraction(right)
    return bool(results) and results[-1] == Fraction(candidate.final) and candidate.answer.endswith(candidate.final)


def check_maths(candidate):
    """Neighbours in every chain of plain equations are equal, and the box at the end holds the final answer."""
    for line in re.findall(r"^- (.*=.*)$", candidate.answer, re.MULTILINE):
        for left, right in pairwise(line.split("=")):
            if IS_ARITHMETIC(left) and IS_ARITHMETIC(right):
                assert work_out(left) == work_out(right), line
    box = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", candidate.answer.split("\n")[-1])
    return box == rf"\boxed{{{candidate.final}}}"


def check_prontoqa(candidate):
    """The statement, or its opposite where the label is False, is the last sentence of the proof."""
    statement = candidate.question.rsplit("? ", 1)[1]
    *_, conclusion, label = candidate.answer.split("\n")
    is_denied = (" not " in statement) != (" not " in conclusion)
    same = statement.replace(" not ", " ") == conclusion.replace(" not ", " ")
    return same and label == f"Answer: {not is_denied}" and candidate.final == str(not is_denied)


def check_game24(candidate):
    """The expression uses the question's numbers and makes 24."""
    numbers = sorted(re.findall(r"\d+", candidate.final), key=int)
    return numbers == candidate.question.split() and work_out(candidate.final) == 24


CHECKS = {
    "word_problems": check_word_problem,
    "maths": check_maths,
    "prontoqa": check_prontoqa,
    "game24": check_game24,
}
