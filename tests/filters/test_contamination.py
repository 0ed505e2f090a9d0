import random
from collections import Counter

import pytest

from core.errors import SeedbedError
from core.filters.base import FilterContext, make_filters
from core.filters.runs_of_words import RunIndex
from core.filters.tokens import split_tokens
from core.records import Problem
from core.tasks import TASKS
from tests.filters.stand_ins import AnyTask, make_candidate

STORY = "A plane travels 1200 miles in 3 hours. At the same rate, how many additional hours would it take to go on?"


def find_plainly(text, questions, n):
    """The largest share, by sets of runs; the first question that has it."""

    def runs(words):
        return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}

    words, best = split_tokens(text), (0.0, None)
    for index, question in enumerate(questions):
        theirs = split_tokens(question)
        share = 1.0 if words and words == theirs else 0.0
        if runs(theirs):
            share = max(share, len(runs(theirs) & runs(words)) / len(runs(theirs)))
        if share > best[0]:
            best = (share, index)
    return best


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_index_equals_plain_sets_of_runs(n):
    rng = random.Random(n)
    make = lambda: " ".join(rng.choices("abcdefghijklmnop"[: 5 + 9 // n], k=rng.randint(0, 9)))  # noqa: E731
    questions = [make() for _ in range(40)]
    index, shares = RunIndex(questions, n), Counter()
    for _ in range(300):
        text = make()
        found = index.find_closest(text)
        share, _ = find_plainly(text, questions, n)
        assert (found.share if found else 0.0) == pytest.approx(share)
        if found:
            assert find_plainly(text, [questions[found.index]], n)[0] == pytest.approx(share)
        shares[share] += 1
    assert len(shares) > 3, "the texts lie on many sides"


def judge(question, task=None, settings=None, **fields):
    (one,) = make_filters(["contamination"], {"contamination": settings or {}})
    context = FilterContext(task or AnyTask(), **fields)
    (verdict,) = one([make_candidate(0, question)], context)
    return verdict


def test_the_reason_names_the_benchmark_and_quotes_its_question():
    benchmarks = {"GSM8K test": ["Something else entirely, which is of no importance here.", STORY]}
    verdict = judge(f"Read on: {STORY.upper()} 240 miles?", benchmarks=benchmarks)
    assert verdict.is_accepted is False and verdict.value == 1.0
    assert "the benchmark “GSM8K test”" in verdict.reason and "A plane travels" in verdict.reason


def test_the_share_decides():
    held_out = [Problem("h", STORY, None, None, "ood")]
    half = " ".join(STORY.split()[:12])
    verdict = judge(half, held_out=held_out)
    assert verdict.is_accepted is True and 0.1 < verdict.value < 0.7
    rejected = judge(half, held_out=held_out, settings={"min_share": 0.2})
    assert rejected.is_accepted is False and "the ood problems" in rejected.reason
    assert judge("Nothing of the kind.", held_out=held_out).value == 0.0
    assert judge(STORY).is_accepted is None


def test_a_short_question_counts_only_as_a_whole():
    benchmarks = {"short": ["What is 2 + 3?"]}
    assert judge("what is 2 + 3", benchmarks=benchmarks).is_accepted is False
    assert judge("Tom asks: what is 2 + 3? Say it.", benchmarks=benchmarks).is_accepted is True
    assert judge("What is 2 - 3?", benchmarks=benchmarks).is_accepted is True


def test_what_is_the_same_to_the_task_is_the_same():
    assert judge("8 1 8 4", TASKS.get("game24"), benchmarks={"games": ["1 4 8 8"]}).is_accepted is False
    assert judge("8 1 8 5", TASKS.get("game24"), benchmarks={"games": ["1 4 8 8"]}).is_accepted is True


def test_the_index_is_made_once_and_again_only_for_other_questions(monkeypatch):
    made = []
    plain = RunIndex.__init__
    monkeypatch.setattr(RunIndex, "__init__", lambda self, *args: (made.append(1), plain(self, *args))[1])
    (one,) = make_filters(["contamination"])
    context = FilterContext(AnyTask(), benchmarks={"a": [STORY]})
    for _ in range(3):
        one([make_candidate(0, "What is it?")], context)
    assert len(made) == 1
    context.benchmarks = {"a": [STORY], "b": ["What is it?"]}
    (verdict,) = one([make_candidate(0, "What is it?")], context)
    assert len(made) == 2 and "“b”" in verdict.reason


@pytest.mark.parametrize("settings", [{"n_words": 0}, {"min_share": 0}, {"min_share": 1.5}])
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(SeedbedError):
        judge(STORY, settings=settings)
