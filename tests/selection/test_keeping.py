"""What is kept at a fixed number, against slow plain references, and what holds for every way of keeping."""

import itertools
import random

import numpy as np
import pytest

from core.selection.archive import Member
from core.selection.keeping import KEEPS, SPREAD, order_skill_sets

SKILLS = ("ages", "averages", "decimals", "percentages", "unit rates", "wages and work")


def make_members(n: int, seed: int = 0) -> list[Member]:
    rng = random.Random(seed)
    return [
        Member(f"c{number}", tuple(sorted(rng.sample(SKILLS, rng.randint(0, 3)))), rng.randint(2, 14) / 16)
        for number in range(n)
    ]


def keep(name: str, members: list[Member], k: int, seed: int = 0, mean: float = 0.5) -> list[Member]:
    rows = KEEPS.get(name)(members, k, np.random.default_rng(seed), mean)
    assert rows.dtype == np.int64
    return [members[row] for row in rows]


@pytest.mark.parametrize("name", KEEPS)
def test_what_holds_for_all(name):
    members = make_members(40)
    for k in (1, 7, 40):
        kept = keep(name, members, k)
        assert len(kept) == k == len(set(kept))
        assert kept == keep(name, members, k), "the same lots, the same problems"
        assert kept == keep(name, members, 40)[:k], "fewer of them are the first of more"
    assert set(keep(name, members, 99)) == set(members)
    assert keep(name, [], 3) == []
    turned = members[::-1]
    if name == "all":
        assert keep(name, turned, 7) == turned[:7]
    else:
        assert keep(name, turned, 7) == keep(name, members, 7)
        assert any(keep(name, members, 7, seed) != keep(name, members, 7) for seed in range(1, 9)), "lots decide"


@pytest.mark.parametrize("seed", range(10))
def test_quality_keeps_the_highest(seed):
    members = make_members(30, seed)
    kept = keep("quality", members, 8, seed)
    left_out = [member for member in members if member not in kept]
    assert all(one.quality >= other.quality for one, other in itertools.product(kept, left_out))
    assert [member.quality for member in kept] == sorted((member.quality for member in kept), reverse=True)


@pytest.mark.parametrize("seed", range(10))
def test_a_window_takes_the_nearest_that_is_left_to_each_drawn_quality(seed):
    members = make_members(25, seed)
    rng = np.random.default_rng(seed)
    rng.integers(1 << 63)  # the lots
    left = list(members)
    for one, target in zip(keep("quality_window", members, 12, seed, 0.6), rng.normal(0.6, SPREAD, 12), strict=True):
        assert abs(one.quality - target) == min(abs(other.quality - target) for other in left)
        left.remove(one)


def test_a_window_is_gaussian_about_its_mean_where_there_is_enough():
    members = [Member(f"c{number}", ("ages",), number / 20_000) for number in range(20_000)]
    qualities = [member.quality for member in keep("quality_window", members, 800, 1, 0.4)]
    assert np.mean(qualities) == pytest.approx(0.4, abs=0.015) and np.std(qualities) == pytest.approx(SPREAD, abs=0.01)


@pytest.mark.parametrize("name", ["diversity", "quality_diversity"])
@pytest.mark.parametrize("seed", range(10))
def test_diverse_ways_cover_skill_sets_before_any_is_there_twice(name, seed):
    members = make_members(40, seed)
    kept = keep(name, members, 40, seed)
    counts: dict[tuple[str, ...], int] = {}
    sizes = {skills: sum(member.skills == skills for member in members) for skills in {m.skills for m in members}}
    for member in kept:
        fewest = min(counts.get(skills, 0) for skills, size in sizes.items() if counts.get(skills, 0) < size)
        assert counts.get(member.skills, 0) == fewest, "a skill-set that had fewer was not exhausted"
        counts[member.skills] = counts.get(member.skills, 0) + 1
    if name == "quality_diversity":
        for skills in sizes:
            own = [member.quality for member in kept if member.skills == skills]
            assert own == sorted(own, reverse=True)


@pytest.mark.parametrize("seed", range(10))
def test_skill_sets_come_in_the_order_of_what_is_new_in_them(seed):
    sets = sorted({member.skills for member in make_members(25, seed)})
    order = order_skill_sets(sets, np.random.default_rng(seed).random(len(sets)))
    assert sorted(order) == list(range(len(sets)))
    known: set[str] = set()
    for place, row in enumerate(order):
        gains = [len(set(sets[other]) - known) for other in order[place:]]
        assert len(set(sets[row]) - known) == max(gains)
        known |= set(sets[row])


def test_any_of_a_skill_set_may_be_kept_for_diversity_alone():
    members = [Member(f"c{number}", ("ages",), 0.1 + number / 20) for number in range(10)]
    first = {keep("diversity", members, 1, seed)[0].problem_id for seed in range(80)}
    assert len(first) > 7
    assert {keep("quality_diversity", members, 1, seed)[0].problem_id for seed in range(20)} == {"c9"}
