"""A filter as a person writes it, and everything that can be wrong with one."""

from dataclasses import fields

import pytest

from core.errors import RunError
from core.store.queue_filter import REVIEWS, QueueFilter
from core.store.queue_text import CHOICES, FIELDS, USUAL, check_known, list_options, read_filter, write_filter


def test_what_nobody_names_is_what_people_accepted_whatever_the_filters_said():
    assert read_filter([]) == USUAL == QueueFilter(review="kept", status="")
    assert read_filter(["type=fractions"]) == QueueFilter(review="kept", status="", type="fractions")
    assert read_filter(["review=standing"]) == QueueFilter(review="standing", status="accepted")
    assert read_filter(["review=kept,status=accepted"]) == QueueFilter(review="kept")


def test_several_fields_in_one_text_or_in_several_and_commas_within_a_value():
    one = read_filter(["review=standing,type=a, b,search=1,000 pens,round=2"], ["r1", "r2"])
    assert one == QueueFilter(run="r1,r2", review="standing", type="a, b", search="1,000 pens", round=2)
    assert read_filter(["review=standing", "type=a, b", "search=1,000 pens", "round=2"], ["r1", "r2"]) == one


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["colour=red"], "no NAME=VALUE with one of the names review, status"),
        (["kept"], "'kept' is no NAME=VALUE"),
        (["review=good"], "review cannot be 'good'; known: waiting, .*kept"),
        (["status=maybe"], "status cannot be 'maybe'; known: accepted, rejected, failed, any"),
        (["order=up"], "order cannot be 'up'; known: made, newest"),
        (["round=two"], "round is a whole number from 1, not 'two'"),
        (["area=here"], "area is copied from the address of a map"),
        (["type=a,colour=red", "sample=0"], "sample"),
        (["sample=0"], "sample is a whole number from 1"),
        (["type=a", "type=b"], "names type twice"),
    ],
)
def test_what_is_no_filter_is_told_with_what_is_known(texts, sentence):
    with pytest.raises(RunError, match=sentence):
        read_filter(texts)


def test_every_field_of_a_filter_can_be_written():
    apart = {"run", "unread_by"}  # --run, and whose own queue it is, which no export asks
    assert set(FIELDS) == {each.name for each in fields(QueueFilter)} - apart


FILTERS = [
    *(QueueFilter(review=review, status=status) for review in REVIEWS for status in ("", "accepted", "failed")),
    *(QueueFilter(**{name: value}) for name, values in CHOICES.items() for value in values if value != "any"),
    QueueFilter(review="standing", seed="problem_7", order="dearest"),
    QueueFilter(review="standing", area="20260101-000001-map-aaaa:-1.5,2;3,4.25;0,-7", search="x,y=2"),
    QueueFilter(review="kept", type="a, b", search='it\'s; "x" $HOME', round=3, sample=50, order="random"),
]


@pytest.mark.parametrize("asked", FILTERS, ids=write_filter)
def test_what_is_written_is_read_back(asked):
    assert read_filter([write_filter(asked)]) == asked
    words = ["core", "export", *list_options(QueueFilter(**{**vars_of(asked), "run": "r1,r2"}))]
    assert words[:5] == ["core", "export", "--run", "r1", "r2"]
    assert read_filter([words[-1]]) == asked


def vars_of(asked):
    return {each.name: getattr(asked, each.name) for each in fields(asked)}


def test_a_value_that_no_candidate_has_is_told():
    there = {"method": ["rewrite", "free"], "round": [1, 2], "type": []}
    check_known(QueueFilter(method="free", round=2), there)
    with pytest.raises(RunError, match="has the method 'sing'; there are: rewrite, free"):
        check_known(QueueFilter(method="sing"), there)
    with pytest.raises(RunError, match="has the type 'x'; there are: none"):
        check_known(QueueFilter(type="x"), there)
