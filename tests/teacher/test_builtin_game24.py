"""The built-in teacher's Game of 24: backward reasoning gives new puzzles that make 24."""

import pytest

from core.records import Problem
from core.tasks.arithmetic24 import parse_expression
from core.tasks.game24 import Game24
from core.teacher.builtin.base import CannotRewrite
from core.teacher.builtin.game24 import LIMIT, find_ways, rewrite_game24

TASK = Game24()


def make_seed(numbers, solution=None):
    return TASK.make_problem(numbers, None, solution, {})


SEEDS = [make_seed("8 8 10 13", "13 * 8 - 10 * 8"), make_seed("3 3 8 8"), make_seed("1 4 8 8"), make_seed("2 3 5 12")]


def test_replies_are_read_and_hold():
    for seed in SEEDS:
        for index in range(5):
            rewrite = rewrite_game24(seed, index)
            new = TASK.read_question(rewrite.question_reply)
            assert new.question == rewrite.question != seed.question
            assert rewrite.question in TASK.answer_prompt(new)
            assert TASK.read_answer(rewrite.answer_reply) == rewrite.answer_reply
            assert TASK.extract_final(rewrite.answer_reply) == new.answer_hint
            assert TASK.find_fault(new.question, rewrite.answer_reply, new.meta) is None


def test_ways_against_a_plain_search():
    """Changing two distinct numbers of 13 * 8 - 10 * 8: compare with trying all pairs of values."""
    found = {tuple(sorted(way.numbers)) for way in find_ways(parse_expression("13 * 8 - 10 * 8"))}
    plain = set()
    old = [13, 8, 10, 8]
    for i in range(4):
        for j in range(i + 1, 4):
            for a in range(1, LIMIT + 1):
                for b in range(1, LIMIT + 1):
                    new = list(old)
                    new[i], new[j] = a, b
                    if old[i] != old[j] and new[0] * new[1] - new[2] * new[3] == 24:
                        plain.add(tuple(sorted(new)))
    assert found == plain - {tuple(sorted(old))}
    assert (4, 8, 10, 26) in found  # the paper's example


def test_samples_differ_and_repeat():
    seed = SEEDS[2]
    questions = [rewrite_game24(seed, index).question for index in range(10)]
    assert len(set(questions)) == 10
    assert questions == [rewrite_game24(seed, index).question for index in range(10)]
    rounds = [rewrite_game24(seed, 1_000 * number).question for number in range(1, 4)]
    assert len(set(rounds)) == 3


def test_small_numbers_come_first():
    seed = make_seed("2 3 5 12")
    n = len(find_ways(parse_expression(seed.final)))
    largest = [max(map(int, rewrite_game24(seed, index).question.split())) for index in range(n)]
    n_small = sum(number <= 13 for number in largest)
    assert 3 <= n_small < n and max(largest[:n_small]) <= 13 and max(largest) <= LIMIT


def test_seeds_that_cannot_be_rewritten():
    with pytest.raises(CannotRewrite, match="no two distinct numbers"):
        rewrite_game24(make_seed("6 6 6 6"), 0)
    with pytest.raises(CannotRewrite, match="no solution"):
        rewrite_game24(Problem("p_1", "1 4 8 8", None, None), 0)
    with pytest.raises(CannotRewrite, match="makes 60"):
        rewrite_game24(Problem("p_1", "1 4 8 8", None, "8 * 8 - 4 * 1"), 0)
    with pytest.raises(CannotRewrite, match="all used"):
        rewrite_game24(SEEDS[0], 999)
