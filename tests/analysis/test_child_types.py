"""Types of children by their words: known ones are found, one that repeats its parent is not believed for that."""

import numpy as np

from core.analysis.child_types import tell_child_types

WORDS = {"rails": "train station platform ticket", "sea": "ship harbour sailor anchor"}
N = 60


def write(kind, rng):
    """A question whose words are half those of a type, half such as both have."""
    own = rng.choice(WORDS[kind].split(), 4)
    return " ".join([*own, *rng.choice(["how", "many", "are", "left", "of", "the", "old", "big", "ones"], 6)])


def make(kinds_of_children):
    rng = np.random.default_rng(3)
    kinds = ["rails" if i % 3 else "sea" for i in range(N)]
    seeds = [write(kind, rng) for kind in kinds]
    return seeds, kinds, [write(kind, rng) for kind in kinds_of_children(kinds)]


def test_types_that_have_words_of_their_own_are_told_of_seeds_and_children():
    seeds, kinds, children = make(lambda kinds: kinds[::-1])
    found = tell_child_types(seeds, kinds, children)
    assert found.share_right == 1.0 and found.names == kinds[::-1]


def test_types_that_words_do_not_tell_are_not_told_of_children_that_repeat_their_parents():
    rng = np.random.default_rng(4)
    seeds, _, _ = make(lambda kinds: kinds)
    kinds = rng.permutation(["rails", "sea"] * (N // 2)).tolist()
    found = tell_child_types(seeds, kinds, seeds)
    assert 0.2 < found.share_right < 0.8 and found.names == [None] * N


def test_what_has_no_two_types_tells_none():
    seeds, kinds, children = make(lambda kinds: kinds)
    assert tell_child_types(seeds, ["sea"] * N, children).names == [None] * N
    assert tell_child_types(seeds, [None] * N, children).share_right is None
    assert tell_child_types([], [], []).names == []
    few = ["sea" if i < 9 else kind and "rails" for i, kind in enumerate(kinds)]
    assert tell_child_types(seeds, few, children).share_right is None


def test_a_seed_of_unknown_type_has_a_child_that_is_told_too():
    seeds, kinds, children = make(lambda kinds: kinds)
    found = tell_child_types(seeds, [None, *kinds[1:]], children)
    assert found.names == kinds


def test_a_seed_without_words_is_no_error():
    seeds, kinds, children = make(lambda kinds: kinds)
    found = tell_child_types(["", *seeds[1:]], kinds, ["", *children[1:]])
    assert found.names[1:] == kinds[1:]
