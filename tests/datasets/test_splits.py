from collections import Counter

from core.datasets.splits import describe_splits, draw_splits

KEYS = [f"key {i}" for i in range(1000)]


def test_a_tenth_each_and_no_more_than_the_limits():
    assert Counter(draw_splits(KEYS, ["test", "validation"], 0)) == {"train": 800, "test": 100, "validation": 100}
    many = [f"key {i}" for i in range(5000)]
    assert Counter(draw_splits(many, ["test", "validation"], 0)) == {"train": 4500, "test": 300, "validation": 200}
    assert Counter(draw_splits(KEYS, ["validation"], 0)) == {"train": 900, "validation": 100}
    assert draw_splits(KEYS[:9], ["test", "validation"], 0) == ["train"] * 9
    assert draw_splits(KEYS, [], 0) == ["train"] * 1000


def test_the_key_decides_and_not_the_place_in_the_file():
    straight = dict(zip(KEYS, draw_splits(KEYS, ["test", "validation"], 3), strict=True))
    turned = dict(zip(KEYS[::-1], draw_splits(KEYS[::-1], ["test", "validation"], 3), strict=True))
    assert straight == turned
    other = dict(zip(KEYS, draw_splits(KEYS, ["test", "validation"], 4), strict=True))
    assert sum(straight[key] != other[key] for key in KEYS) > 100


def test_one_more_row_moves_hardly_any_other():
    before = draw_splits(KEYS, ["test", "validation"], 0)
    after = draw_splits([*KEYS, "one more"], ["test", "validation"], 0)
    assert sum(a != b for a, b in zip(before, after, strict=False)) <= 2


def test_equal_keys_never_straddle_and_train_is_never_emptied():
    keys = [f"key {i % 40}" for i in range(400)]
    splits = draw_splits(keys, ["test", "validation"], 0)
    assert Counter(splits) == {"train": 320, "test": 40, "validation": 40}
    assert len(set(zip(keys, splits, strict=True))) == 40
    assert set(draw_splits(["same"] * 50, ["test", "validation"], 0)) == {"train"}


def test_the_sentence_says_what_was_given_and_what_was_drawn():
    assert describe_splits(["validation", "test"], [], [], 0) == (
        "Validation and test problems are those of their own files."
    )
    drawn = draw_splits(KEYS, ["test", "validation"], 0)
    assert describe_splits([], ["test", "validation"], drawn, 0) == (
        "100 test and 100 validation problems were drawn from 1,000 by a hash of the problem (seed 0)."
    )
    assert describe_splits(["test"], ["validation"], drawn, 0).startswith(
        "Test problems are those of their own files; 100 validation problems were drawn"
    )
