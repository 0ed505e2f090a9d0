"""Validation beside train: no seed, no shared parent and no question in both."""

import random

import pytest

from core.errors import RunError
from core.exporting.splitting import split_families
from tests.exporting.rows import make_row


def grow(n, parents, question="What is {}?"):
    rows = [make_row(place, (question.format(place), "4", "4")) for place in range(n)]
    return [
        make_row(place, (row.question, "4", "4"), about={**row.about, "parents": parents(place)})
        for place, row in enumerate(rows)
    ]


def test_children_of_one_seed_are_never_in_both():
    rows = grow(200, lambda place: [f"p{place // 4}"])
    splits = split_families(rows, 0.1)
    assert splits.count("validation") == 20
    of_seed = {}
    for row, split in zip(rows, splits, strict=True):
        of_seed.setdefault(row.about["parents"][0], set()).add(split)
    assert all(len(each) == 1 for each in of_seed.values())


def test_what_shares_a_parent_at_any_distance_stays_together():
    chain = grow(30, lambda place: [f"p{place}", f"p{place + 1}"])
    assert set(split_families(chain, 0.5)) == {"train"}, "all are one family, which is more than half"
    lineage = {"grown": ["p0"]}
    rows = grow(2, lambda place: ["p0"] if place == 0 else ["grown"])
    assert len(set(split_families(rows, 0.5))) == 2, "nobody said that one grew from the other's seed"
    assert set(split_families(rows, 0.5, lineage)) == {"train"}


def test_the_same_question_is_never_in_both():
    rows = grow(2, lambda place: [f"p{place}"], question="Same  question?")
    assert set(split_families(rows, 0.5)) == {"train"}


def test_the_split_depends_on_the_rows_and_not_on_their_order():
    rows = grow(60, lambda place: [f"p{place % 20}"])
    before = dict(zip((row.id for row in rows), split_families(rows, 0.3), strict=True))
    random.Random(0).shuffle(rows)
    assert dict(zip((row.id for row in rows), split_families(rows, 0.3), strict=True)) == before
    assert split_families(rows, 0) == ["train"] * 60


@pytest.mark.parametrize("share", [-0.1, 1, 1.5])
def test_a_share_that_is_none(share):
    with pytest.raises(RunError, match="share of validation"):
        split_families(grow(2, lambda place: []), share)
