"""The error stop: it stops what is broken, and nothing else."""

import random

import pytest

from core.errors import AskingStopped, TeacherError
from core.teacher.stopping import ErrorStop, StopRule, read_stop_rule


def feed(stop: ErrorStop, has_failed: list[bool]) -> int | None:
    """Let requests end one after the other; returns after how many it stopped, None if never."""
    for number, failed in enumerate(has_failed, 1):
        stop.begin()
        if failed:
            stop.note_error("status 500")
        else:
            stop.note_reply()
        if stop.sentence:
            return number
    return None


def test_it_stops_when_more_than_half_failed_but_not_before_twenty_have_ended():
    assert feed(ErrorStop(), [True] * 100) == 20
    assert feed(ErrorStop(), [True] * 19) is None
    assert feed(ErrorStop(), [False] * 10 + [True] * 10) is None  # a half is not more than a half
    assert feed(ErrorStop(), [False] * 10 + [True] * 11) == 21
    assert feed(ErrorStop(StopRule(window=4, minimum=2, share=0.4)), [False, True]) == 2
    assert feed(ErrorStop(StopRule(share=1.0)), [True] * 200) is None


def test_a_few_errors_never_stop_it_wherever_they_fall():
    """4.1 % of all requests failed where another engine stopped, looking at the wrong ones (DataDesigner #185)."""
    for seed in range(20):
        rng = random.Random(seed)
        failed = [True] * 41 + [False] * 959
        rng.shuffle(failed)
        assert feed(ErrorStop(), failed) is None
    assert feed(ErrorStop(), [False] * 59 + [True] * 41 + [False] * 900) is None
    assert feed(ErrorStop(), ([True] + [False] * 23) * 40) is None


def test_requests_on_their_way_count_as_answered_until_they_are_not():
    """64 at once, of which 31 % are refused at once: the first to end are all failures."""
    stop = ErrorStop()
    for _ in range(93):
        stop.begin()
    for _ in range(29):
        stop.note_error("refused")
    assert stop.sentence is None
    for _ in range(64):
        stop.note_reply()
    assert stop.sentence is None


def test_requests_that_were_not_sent_yet_say_nothing():
    stop = ErrorStop(count_unsent=lambda: 64 - 8)
    for _ in range(84):
        stop.begin()
    for _ in range(28):
        stop.note_error("down")
    assert stop.sentence is not None  # 28 failed, nothing was answered, and at most 28 are really on their way


def test_what_was_given_up_is_no_observation():
    stop = ErrorStop()
    for _ in range(200):
        stop.begin()
        stop.note_nothing()
    assert feed(stop, [True] * 19) is None and feed(stop, [True]) == 1


def test_the_sentence_names_the_most_frequent_error_and_stays():
    stop = ErrorStop()
    for number in range(25):
        stop.begin()
        stop.note_error("The server is down." if number % 5 else "Something else.")
    with pytest.raises(
        AskingStopped, match=r"20 of the last 20 requests failed, most often \(16 times\) because: The server"
    ):
        stop.check()
    first = stop.sentence
    stop.stop("Another reason.")
    assert stop.sentence == first


@pytest.mark.parametrize(
    "value", [{"window": 0}, {"minimum": 1.5}, {"share": 2}, {"minimum": 101}, {"rate": 1}, 0.5, {"share": True}]
)
def test_what_is_no_rule_is_one_sentence(value):
    with pytest.raises(TeacherError, match="error stop"):
        read_stop_rule(value)


def test_a_rule_may_be_given_in_part():
    assert read_stop_rule(None) == StopRule()
    assert read_stop_rule({"share": 0.9}) == StopRule(share=0.9)
