"""Tests of pass@k and of the majority's answer, by hand and against a slow reference."""

from itertools import combinations, permutations

import pytest

from core.analysis.votes import NO_VOTE, list_ks, pass_at_k, take_vote


def is_same(first: str, second: str) -> bool:
    return float(first) == float(second)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(n):
    for n_right in range(n + 1):
        answers = [True] * n_right + [False] * (n - n_right)
        for k in range(1, n + 1):
            draws = list(combinations(answers, k))
            assert pass_at_k(n, n_right, k) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_limits_of_pass_at_k():
    assert pass_at_k(16, 0, 16) == 0.0 and pass_at_k(16, 1, 16) == 1.0 and pass_at_k(16, 16, 1) == 1.0
    assert pass_at_k(10, 3, 1) == pytest.approx(0.3)
    assert pass_at_k(1000, 1, 500) == pytest.approx(0.5)  # no overflow
    for n, right, k in ((4, 1, 5), (4, 1, 0), (4, 5, 1), (4, -1, 1)):
        with pytest.raises(ValueError):
            pass_at_k(n, right, k)


def test_the_ks_that_are_shown():
    assert [list_ks(n) for n in (1, 2, 5, 16)] == [[1], [1, 2], [1, 2, 4, 5], [1, 2, 4, 8, 16]]


def test_spellings_of_one_answer_vote_together_and_the_commonest_speaks():
    vote = take_vote("p", ["5", "0.5", "1/2", "0.5", "5", "0.50"], lambda a, b: eval(a) == eval(b))
    assert (vote.final, vote.n_votes, vote.n_answers, vote.is_tied) == ("0.5", 4, 6, False)


def test_answers_that_state_nothing_abstain():
    assert take_vote("p", [None, None], is_same) == NO_VOTE
    assert take_vote("p", [], is_same) == NO_VOTE
    vote = take_vote("p", [None, "3", None], is_same)
    assert (vote.final, vote.n_votes, vote.n_answers) == ("3", 1, 1)


def test_a_tie_is_told_and_decided_alike_in_any_order_but_not_always_for_the_same():
    winners = set()
    for number in range(20):
        votes = {take_vote(f"p{number}", list(order), is_same) for order in permutations(["1", "2", "2", "1"])}
        assert len(votes) == 1
        (vote,) = votes
        assert vote.is_tied and vote.n_votes == 2
        winners.add(vote.final)
    assert winners == {"1", "2"}


def test_two_groups_that_a_third_spelling_joins_are_one():
    pairs = {frozenset("ac"), frozenset("bc")}
    for order in permutations(["a", "b", "c", "d", "d"]):
        vote = take_vote("p", list(order), lambda x, y: frozenset((x, y)) in pairs)
        assert vote.n_votes == 3 and vote.final == "a"
