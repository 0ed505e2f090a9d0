"""One body for every registered filter: a verdict per candidate, in order, with a reason for each rejection."""

import pytest

import core.filters as _registers_them  # noqa: F401
from core.filters.base import FILTERS, FilterContext
from core.records import Candidate, Problem


class AnyTask:
    name = "any"
    compares_questions = True

    def split_key(self, problem):
        return problem.question

    def find_fault(self, question, answer, meta):
        return None if answer == "right" else "The answer is wrong."


def make_candidate(number, question, answer="right"):
    return Candidate(f"c{number}", ("p",), question, answer, "1", None, "rewrite", "t", None, None, 0, 0)


CANDIDATES = [
    make_candidate(0, "A farmer packs nine crates of pears into a van."),
    make_candidate(1, "A farmer packs nine crates of plums into a van.", "wrong"),
    make_candidate(2, "How tall is the oldest lighthouse on the coast?"),
    make_candidate(3, "Which train reaches the harbour before noon today?", "wrong"),
]


@pytest.fixture
def context():
    task = AnyTask()
    held_out = [Problem("t", CANDIDATES[2].question, None, "1", "test")]
    return FilterContext(task, ["Which train reaches the harbour before noon?"], held_out=held_out)


@pytest.mark.parametrize("name", FILTERS.names())
def test_contract(name, context):
    judge = FILTERS.get(name)
    verdicts = judge(CANDIDATES, context)
    assert [verdict.candidate_id for verdict in verdicts] == ["c0", "c1", "c2", "c3"]
    assert {verdict.filter for verdict in verdicts} == {name}
    for verdict in verdicts:
        assert (verdict.reason is None) == verdict.is_accepted
    assert {verdict.is_accepted for verdict in verdicts} == {True, False}, "the cases hold something for every filter"
    assert judge(CANDIDATES, context) == verdicts
    assert judge([], context) == []
    assert judge.title


@pytest.mark.parametrize("name", FILTERS.names())
def test_a_batch_is_judged_as_one_by_one(name, context):
    judge, earlier, single = FILTERS.get(name), list(context.earlier_questions), []
    for candidate in CANDIDATES:
        single += judge([candidate], FilterContext(context.task, earlier, held_out=context.held_out))
        earlier.append(candidate.question)
    assert single == judge(CANDIDATES, context)


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("rouge_l", [True, False, True, False]),
        ("verified", [True, False, True, False]),
        ("held_out", [True, True, False, True]),
    ],
)
def test_oracle(name, accepted, context):
    assert [verdict.is_accepted for verdict in FILTERS.get(name)(CANDIDATES, context)] == accepted
