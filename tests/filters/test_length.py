import pytest

from core.filters.base import FilterContext, make_filters
from core.records import Problem
from tests.filters.stand_ins import AnyTask, make_candidate


def judge(question, answer="It is 3.", seed=None, **settings):
    (one,) = make_filters(["length"], {"length": settings})
    seeds = {"p": Problem("p", seed, None, None)} if seed else {}
    (verdict,) = one([make_candidate(0, question, answer, ["p"])], FilterContext(AnyTask(), seeds=seeds))
    return verdict


@pytest.mark.parametrize(
    ("question", "is_accepted", "value"),
    [
        ("How many are?", False, 3),
        ("How many are there?", True, 4),
        ("1 4 8 8", True, 4),
        ("苹果", False, 2),
        ("", False, 0),
    ],
)
def test_three_words_or_fewer_are_too_few(question, is_accepted, value):
    verdict = judge(question)
    assert (verdict.is_accepted, verdict.value) == (is_accepted, value)


def test_limits_are_settings_and_the_reason_says_both_numbers():
    verdict = judge("How many pears are there?", max_question_characters=10)
    assert verdict.is_accepted is False and "25 characters, more than 10" in verdict.reason
    assert "1 word, fewer than 2" in judge("How many are there?", "Three", min_answer_words=2).reason
    assert judge("How many are there?", "word " * 10, max_answer_characters=49).value == 50


def test_a_question_may_not_outgrow_its_seed():
    seed = "word " * 30
    assert judge("word " * 120, seed=seed).is_accepted is True
    verdict = judge("word " * 121, seed=seed)
    assert verdict.is_accepted is False and "121 words, and its seed has 30" in verdict.reason
    assert judge("word " * 64, seed="word " * 4).is_accepted is True, "the slack counts for short seeds"
    assert judge("word " * 500, seed=seed, max_times_seed=None).is_accepted is True
    assert judge("word " * 500).is_accepted is True
