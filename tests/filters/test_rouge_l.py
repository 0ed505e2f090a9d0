import pytest

from core.errors import SeedbedError, UnknownNameError
from core.filters import rouge_l
from core.filters.base import FilterContext
from core.filters.rouge_l import RougeL
from core.records import Candidate, Problem


class AnyTask:
    compares_questions = True


class NoQuestionTask:
    compares_questions = False


def make_candidates(*questions):
    return [
        Candidate(f"c{i}", ("p",), question, "answer", "1", None, "rewrite", "t", None, None, 0, 0)
        for i, question in enumerate(questions)
    ]


EARLIER = "A farmer packs nine crates of pears into a van."
NEAR = "A farmer packs nine crates of plums into a van."
FAR = "How tall is the oldest lighthouse on the coast?"


def test_the_reason_names_the_earlier_question_and_the_value_is_the_largest():
    context = FilterContext(AnyTask(), [FAR, EARLIER])
    (verdict,) = RougeL()(make_candidates(NEAR), context)
    assert verdict.is_accepted is False
    assert verdict.value == pytest.approx(0.9)
    assert verdict.reason == f"ROUGE-L F is 0.90, above 0.7, to an earlier generated question: “{EARLIER}”"


def test_an_accepted_question_has_the_value_of_its_closest():
    candidates = make_candidates(FAR, "How many crates are on the van?", "Прощай")
    first, second, third = RougeL()(candidates, FilterContext(AnyTask(), []))
    assert (first.is_accepted, first.value) == (True, None), "there was nothing to compare with"
    assert (second.is_accepted, second.value) == (True, pytest.approx(2 * 3 / 16))
    assert (third.is_accepted, third.value) == (True, 0.0), "it shares no token"


def test_with_very_many_earlier_questions_only_the_decision_is_made(monkeypatch):
    monkeypatch.setattr(rouge_l, "SHOWN_UP_TO", 1)
    context = FilterContext(AnyTask(), [EARLIER, FAR])
    far, near = RougeL()(make_candidates("How old is the lighthouse?", NEAR), context)
    assert (far.is_accepted, far.value) == (True, None)
    assert (near.is_accepted, near.value) == (False, pytest.approx(0.9))


def test_a_long_question_is_shown_shortened_on_one_line():
    text = "word \n" * 30
    (verdict,) = RougeL()(make_candidates(text), FilterContext(AnyTask(), [text]))
    shown = verdict.reason.split("“")[1]
    assert shown == ("word " * 30)[:79] + "…”"


def test_the_run_keeps_one_index_and_follows_the_list(monkeypatch):
    context = FilterContext(AnyTask(), [EARLIER])
    judge = RougeL()
    judge(make_candidates(FAR), context)
    assert len(context.kept) > 0
    kept = dict(context.kept)
    context.earlier_questions.append(FAR)
    assert judge(make_candidates(FAR), context)[0].value == 1.0
    context.earlier_questions.append(FAR)
    assert all(context.kept[key] is index for key, index in kept.items())
    context.earlier_questions[:] = [EARLIER]
    assert judge(make_candidates(FAR), context)[0].is_accepted is True, "what is no longer in the list does not count"


def test_seeds_count_only_where_that_is_asked_for():
    seeds = {"p": Problem("p", EARLIER, None, "1", "train")}
    (verdict,) = RougeL()(make_candidates(NEAR), FilterContext(AnyTask(), [], seeds))
    assert (verdict.is_accepted, verdict.value) == (True, None)
    judge = RougeL(compares_seeds=True)
    (verdict,) = judge(make_candidates(NEAR), FilterContext(AnyTask(), [], seeds))
    assert verdict.is_accepted is False
    assert verdict.reason == f"ROUGE-L F is 0.90, above 0.7, to a seed: “{EARLIER}”"
    (verdict,) = judge(make_candidates(NEAR), FilterContext(AnyTask(), [NEAR], seeds))
    assert verdict.value == 1.0 and "to an earlier generated question" in verdict.reason
    assert "or a seed" in judge.title


def test_other_limits_and_tokens():
    context = FilterContext(AnyTask(), ["Find 3+4*x."])
    candidates = make_candidates("Find 3-4/x.")
    assert RougeL()(candidates, context)[0].value == pytest.approx(4 / 6)
    assert RougeL()(candidates, context)[0].is_accepted is True
    assert RougeL(tokens="rouge_score")(candidates, context)[0].value == 1.0
    assert RougeL(limit=0.5)(candidates, context)[0].is_accepted is False
    with pytest.raises(UnknownNameError, match="known: rouge_score, unicode"):
        RougeL(tokens="words")
    with pytest.raises(SeedbedError, match="from 0 to 1"):
        RougeL(limit=70)


def test_a_task_whose_questions_are_alike_by_nature_is_not_compared():
    verdicts = RougeL()(make_candidates(FAR, FAR), FilterContext(NoQuestionTask(), [FAR]))
    assert [(verdict.is_accepted, verdict.value) for verdict in verdicts] == [(True, None)] * 2


def test_a_candidate_without_a_question_is_left_open():
    first, second = RougeL()(make_candidates(None, FAR), FilterContext(AnyTask(), [FAR]))
    assert (first.is_accepted, first.reason) == (None, "There is no question to compare.")
    assert second.is_accepted is False
