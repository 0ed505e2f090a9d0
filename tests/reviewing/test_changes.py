"""A fix found in one candidate, planned for others, and checked by their task."""

import pytest

from core.errors import RunError
from core.reviewing.changes import Change, derive_changes, plan_change
from core.tasks import TASKS

RIGHT = "She pays 2 + 3 = <<2+3=5>>5 dollars.\n#### 5"


def row(number, question="Mia buys 2 pens.", answer=RIGHT):
    return {"run_id": "r", "candidate_id": f"c{number}", "question": question, "answer": answer, "meta": None}


def test_a_whole_word_is_changed_and_no_part_of_one():
    change = Change("pen", "crayon")
    assert change.apply("A pen, 3 pens, pen-friend (pen)") == "A crayon, 3 pens, crayon-friend (crayon)"
    assert Change("pen", "crayon", is_whole=False).apply("3 pens") == "3 crayons"
    assert Change("$2", r"\1 $3").apply("It is $2 or $20.") == r"It is \1 $3 or $20."
    assert Change("a.c", "x", is_whole=False).apply("abc a.c") == "abc x", "it is no pattern"


@pytest.mark.parametrize(
    ("find", "replace", "sentence"), [(" ", "x", "Say which text"), ("a", "a", "nothing would change")]
)
def test_a_change_that_is_none_is_refused(find, replace, sentence):
    with pytest.raises(RunError, match=sentence):
        Change(find, replace)


def test_only_what_changes_is_planned_and_each_is_checked_again():
    rows = [row(0), row(1, question="Tom sells 2 cups."), row(2, answer=None), row(3, question="2 pens, 2 pens")]
    planned = plan_change(rows, Change("pens", "books", "question"), TASKS.get("word_problems"))
    assert [each.candidate_id for each in planned] == ["c0", "c3"]
    assert planned[1].question == "2 books, 2 books" and planned[0].final == "5" and planned[0].fault is None
    broken = plan_change(rows, Change("5", "6", is_whole=True), TASKS.get("word_problems"))
    assert [each.candidate_id for each in broken] == ["c0", "c1", "c3"]
    assert all(each.fault and each.is_new_fault for each in broken) and broken[0].final == "6"


def test_a_fault_of_before_is_no_new_one():
    wrong = RIGHT.replace("5", "6")
    (planned,) = plan_change([row(0, answer=wrong)], Change("Mia", "Ada"), TASKS.get("word_problems"))
    assert planned.fault and not planned.is_new_fault


def test_what_a_person_changed_is_offered_as_phrases():
    before = "Mia buys 3 boxes of chalk for $2 and pays with $50."
    assert derive_changes(before, before.replace("boxes of chalk", "packs of crayons")) == [
        ("boxes", "packs"), ("chalk", "crayons")
    ]  # fmt: skip
    assert derive_changes(before, before.replace("pays with", "hands over")) == [("pays with", "hands over")]
    assert derive_changes(before, before + " How much is left?") == [], "what was put in is in no other text"
    assert (
        derive_changes(before, "Something else altogether, which is quite a bit longer than what stood there. " * 2)
        == []
    )
