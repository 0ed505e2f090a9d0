import pytest

from core.errors import SeedbedError
from core.filters.base import FILTERS, FilterContext, make_filters
from tests.filters.stand_ins import AnyTask, make_candidate


def judge(question, answer="#### 3", **settings):
    (one,) = make_filters(["forbidden"], {"forbidden": settings})
    (verdict,) = one([make_candidate(0, question, answer)], FilterContext(AnyTask()))
    return verdict


def test_words_of_the_prompt_are_found_in_any_case_and_spacing():
    verdict = judge("Solve the GIVEN\n  Instruction: what is 2 + 3?")
    assert verdict.is_accepted is False
    assert "question" in verdict.reason and "given instruction" in verdict.reason
    assert judge("What is 2 + 3?", "The rewritten instruction says 5.").is_accepted is False
    assert judge("What is 2 + 3?", "The rewritten instruction says 5.", in_answers=False).is_accepted is True
    assert judge("Solve the given instruction.", allows_prompt_words=True).is_accepted is True


def test_a_persons_list_counts_as_whole_words():
    assert judge("He sat in the class.", phrases=["ass"]).is_accepted is True
    assert judge("He rode on an ass.", phrases=["ass"]).is_accepted is False
    assert judge("Costs 5 €.", phrases=["€"]).is_accepted is False
    assert judge("小明有苹果", phrases=["苹果"]).is_accepted is False
    assert judge("The instruction is plain.", phrases=["Instruction"]).is_accepted is False


@pytest.mark.parametrize("phrases", ["one text", [""], [3]])
def test_a_list_that_is_none_is_refused(phrases):
    with pytest.raises(SeedbedError, match="list of texts"):
        make_filters(["forbidden"], {"forbidden": {"phrases": phrases}})


def test_the_filter_as_registered_has_no_list_of_its_own():
    assert FILTERS.get("forbidden").phrases == ()
