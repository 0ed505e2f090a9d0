"""Working sets against slow plain references: which problems are in, and how likely each is drawn."""

import itertools
import random
from collections import Counter

import numpy as np
import pytest

from core.errors import UnknownNameError
from core.selection.archive import ALGORITHMS, Member, WorkingSet

SETS = (("ages",), ("ages", "decimals"), ("percentages",), ())


def make_members(n: int, seed: int, prefix: str = "p") -> list[Member]:
    rng = random.Random(seed)
    qualities = (0.0, 0.25, 0.5, 0.75)
    return [Member(f"{prefix}{number}", rng.choice(SETS), rng.choice(qualities)) for number in range(n)]


def is_allowed(kept: set[Member], everyone: list[Member], limit: int) -> bool:
    """Say whether these are ``limit`` best ones, by looking at every pair: nobody left out is better than one kept."""
    left_out = [member for member in everyone if member not in kept]
    return len(kept) == min(limit, len(everyone)) and all(
        one.quality >= other.quality for one, other in itertools.product(kept, left_out)
    )


@pytest.mark.parametrize("name", ["static_uniform", "static_diverse"])
def test_a_static_set_stays_the_seeds(name):
    seeds = make_members(12, 1)
    working = WorkingSet(ALGORITHMS.get(name), seeds, 2)
    working.take_in(make_members(12, 2, "c"), np.random.default_rng(0))
    assert set(working.members) == set(seeds)


@pytest.mark.parametrize("seed", range(10))
def test_a_uniform_set_holds_the_best_of_all_so_far(seed):
    everyone = make_members(15, seed)
    working = WorkingSet(ALGORITHMS.get("dynamic_uniform"), everyone, 8)
    assert len(working.members) == 15, "all seeds until something is taken in"
    for batch in range(4):
        new = make_members(5, 100 * seed + batch, f"c{batch}-")
        before = list(working.members)
        useful = [member for member in new if member.quality > 0]
        working.take_in(new, np.random.default_rng(batch))
        assert is_allowed(set(working.members), [*before, *useful], 8)


@pytest.mark.parametrize("seed", range(10))
def test_a_diverse_set_holds_the_best_of_each_skill_set_that_something_fell_into(seed):
    working = WorkingSet(ALGORITHMS.get("dynamic_diverse"), make_members(30, seed), 3)
    for batch in range(3):
        new = [member for member in make_members(2, 100 * seed + batch, f"c{batch}-") if member.quality > 0]
        before = {skills: [m for m in working.members if m.skills == skills] for skills in SETS}
        working.take_in(new, np.random.default_rng(batch))
        for skills in SETS:
            own = {member for member in working.members if member.skills == skills}
            came = [member for member in new if member.skills == skills]
            assert is_allowed(own, [*before[skills], *came], 3) if came else own == set(before[skills])


def test_what_has_no_quality_is_not_taken_in():
    seeds = make_members(4, 1)
    working = WorkingSet(ALGORITHMS.get("dynamic_uniform"), seeds, 2)
    working.take_in([Member("c", ("ages",), 0.0)], np.random.default_rng(0))
    assert set(working.members) == set(seeds)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_order_does_not_count_and_equal_ones_go_by_lot(name):
    seeds, new = make_members(20, 3), [Member(f"c{number}", SETS[number % 2], 0.75) for number in range(20)]

    def run(seeds, new, seed):
        rng, working = np.random.default_rng(seed), WorkingSet(ALGORITHMS.get(name), seeds, 6)
        first = working.draw(5, rng)
        working.take_in(new, rng)
        return first, working.members, working.draw(5, rng)

    turned = run(seeds[::-1], new[7:] + new[:7], 0)
    assert run(seeds, new, 0) == turned
    others = [run(seeds, new, seed) for seed in range(1, 6)]
    assert any(other[0] != turned[0] for other in others)
    if ALGORITHMS.get(name).is_dynamic:
        assert any(other[1] != turned[1] for other in others), "ties at the limit"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_no_parent_is_drawn_twice_in_a_batch(name):
    working = WorkingSet(ALGORITHMS.get(name), make_members(9, 5), 4)
    for seed in range(20):
        drawn = working.draw(6, np.random.default_rng(seed))
        assert len(set(drawn)) == 6
    assert set(working.draw(50, np.random.default_rng(0))) == set(working.members)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_parents_are_as_likely_as_the_algorithm_says(name):
    members = [Member(f"p{number}", SETS[0] if number < 6 else SETS[1 + number % 2], 0.5) for number in range(8)]
    working, n = WorkingSet(ALGORITHMS.get(name), members, 3), 6000
    counts = Counter(working.draw(1, np.random.default_rng(seed))[0].problem_id for seed in range(n))
    sizes = Counter(member.skills for member in members)
    for member in members:
        share = 1 / len(sizes) / sizes[member.skills] if name.endswith("diverse") else 1 / 8
        assert counts[member.problem_id] == pytest.approx(n * share, abs=4.5 * np.sqrt(n * share))


def test_an_unknown_algorithm_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="dynamic_diverse, dynamic_uniform, static_diverse, static_uniform"):
        ALGORITHMS.get("static")
