import random

import pytest
from rouge_score import rouge_scorer

from core.errors import SeedbedError, UnknownNameError
from core.filters import closeness
from core.filters.closeness import LIMIT, ClosenessIndex, Match, measure_rouge_l
from core.filters.tokens import TOKENISERS

WORDS = ["Anna", "buys", "3", "4.50", "apples", "купить", "яблоки", "苹果", "+", "-", "√", "than", "twice"]


def measure_plainly(first, second, tokeniser="unicode"):
    """The package itself, on the same tokens."""
    split = TOKENISERS.get(tokeniser)
    return rouge_scorer._score_lcs(split(first), split(second)).fmeasure


def find_plainly(text, others, tokeniser="unicode"):
    """The first of the largest values; None where that is 0."""
    values = [measure_plainly(other, text, tokeniser) for other in others]
    largest = max(values, default=0)
    return Match(values.index(largest), largest) if largest else None


def draw_texts(rng, words, n, longest):
    """Return random texts, the half of them earlier ones with a few words replaced, left out or moved."""
    texts = []
    for _ in range(n):
        if texts and rng.random() < 0.5:
            parts = rng.choice(texts).split()
            for _ in range(rng.randint(0, 1 + len(parts) // 2)):
                change = rng.choice((0, 1, 2)) if parts else 0
                if change == 0:
                    parts.insert(rng.randint(0, len(parts)), rng.choice(words))
                elif change == 1:
                    parts.pop(rng.randrange(len(parts)))
                else:
                    parts[rng.randrange(len(parts))] = rng.choice(words)
        else:
            parts = rng.choices(words, k=rng.randint(0, longest))
        texts.append(" ".join(parts))
    return texts


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("tokeniser", ["unicode", "rouge_score"])
def test_it_decides_and_measures_as_rouge_score_does(seed, tokeniser):
    rng = random.Random(seed)
    texts = draw_texts(rng, WORDS[: rng.choice((2, 5, 13))], 60, rng.choice((3, 10, 20)))
    limit = rng.choice((LIMIT, LIMIT, 0.5, 0.9))
    index = ClosenessIndex(limit, tokeniser)
    matches, n_above = [], 0
    for text in texts:
        closest = find_plainly(text, index.texts, tokeniser)
        is_above = closest is not None and closest.value > limit
        assert index.find_closest(text, 0) == closest
        assert index.find_closest(text) == (closest if is_above else None)
        assert index.find_closest(text, 0.3) == (closest if closest and closest.value > 0.3 else None)
        matches.append(closest if is_above else None)
        n_above += is_above
        assert index.add(text) == len(index) - 1
    assert 5 < n_above < 60, "the texts lie on both sides of the limit"
    assert ClosenessIndex(limit, tokeniser).judge(texts) == matches


@pytest.mark.soak
def test_it_decides_as_rouge_score_does_on_many_random_texts():
    for seed in range(40):
        rng = random.Random(1000 + seed)
        words = [f"w{i}" for i in range(rng.choice((1, 2, 3, 8, 40)))]
        texts = draw_texts(rng, words, 80, rng.choice((2, 7, 20, 40)))
        limit = rng.choice((LIMIT, 0.0, 0.35, 0.5, 0.8, 1.0))
        for i, match in enumerate(ClosenessIndex(limit).judge(texts)):
            closest = find_plainly(texts[i], texts[:i])
            assert match == (closest if closest and closest.value > limit else None)


def make_pair(common, n_first, n_second):
    """Return two texts of these lengths with so many tokens in common."""
    shared = [f"s{i}" for i in range(common)]
    first = shared + [f"a{i}" for i in range(n_first - common)]
    return " ".join(first), " ".join([f"b{i}" for i in range(n_second - common)] + shared)


@pytest.mark.parametrize("n_first", range(1, 30))
def test_at_exactly_the_limit_the_rounding_of_rouge_score_decides(n_first):
    for n_second in range(1, 30):
        for common in range(1, min(n_first, n_second) + 1):
            if abs(20 * common - 7 * (n_first + n_second)) > 7:
                continue
            first, second = make_pair(common, n_first, n_second)
            value = measure_plainly(first, second)
            assert measure_rouge_l(first, second) == value
            assert ClosenessIndex(texts=[first]).find_closest(second) == (Match(0, value) if value > LIMIT else None)


def test_exact_limits_that_round_up_and_that_do_not():
    assert [measure_rouge_l(*make_pair(7, *lengths)) for lengths in ((10, 10), (8, 12))] == [LIMIT, 0.7000000000000001]
    assert ClosenessIndex().judge(make_pair(7, 10, 10)) == [None, None]
    assert ClosenessIndex().judge(make_pair(7, 8, 12)) == [None, Match(0, 0.7000000000000001)]


def test_texts_without_tokens_are_close_to_none_and_single_tokens_only_to_their_like():
    matches = ClosenessIndex().judge(["?", "!", "", "", "one", "two", "One!", "two one two one"])
    assert matches == [None, None, None, None, None, None, Match(4, 1.0), None]
    assert ClosenessIndex().find_closest("one", 0) is None
    assert measure_rouge_l("?", "?") == 0.0


def test_equal_texts_in_any_script_are_found_and_operators_tell_texts_apart():
    assert ClosenessIndex(texts=["Сколько яблок?", "有三个苹果"]).judge(["сколько яблок", "有三个苹果!"]) == [
        Match(0, 1.0),
        Match(1, 1.0),
    ]
    assert ClosenessIndex(texts=["3 + 4"]).find_closest("3 - 4") is None
    assert ClosenessIndex(tokeniser="rouge_score", texts=["3 + 4"]).find_closest("3 - 4") == Match(0, 1.0)
    assert ClosenessIndex(tokeniser="rouge_score", texts=["Сколько яблок?"]).find_closest("Сколько яблок?") is None


def test_very_long_texts_and_many_repetitions():
    rng = random.Random(3)
    long = rng.choices(["tick", "tock", *map(str, range(40))], k=3000)
    near = [word for word in long if rng.random() < 0.6]
    far = [word for word in long if rng.random() < 0.4]
    texts = [" ".join(each) for each in (long, near, far, ["tick"] * 3000, ["tick"] * 1700)]
    values = [measure_rouge_l(texts[0], other) for other in texts[1:3]]
    assert values[0] > LIMIT > values[1]
    matches = ClosenessIndex().judge(texts)
    assert matches[1] == Match(0, values[0])
    assert matches[4] == Match(3, pytest.approx(2 * 1700 / 4700, abs=1e-12))


def test_of_equally_close_texts_it_names_the_first():
    texts = ["a b c d e x", "a b c d e y", "a b c d e"]
    assert ClosenessIndex(texts=texts[:2]).find_closest("a b c d e") == Match(0, 10 / 11)
    assert ClosenessIndex(texts=texts).find_closest("a b c d e") == Match(2, 1.0)


def test_it_compares_few_of_many():
    rng = random.Random(5)
    words = [f"w{i}" for i in range(500)]
    texts = [" ".join(rng.choices(words, k=20)) for _ in range(400)]
    index = ClosenessIndex()
    assert index.judge([*texts, *texts[:10]])[400:] == [Match(i, 1.0) for i in range(10)]
    assert index.n_compared < 1000


def test_more_tokens_than_there_are_characters(monkeypatch):
    monkeypatch.setattr(closeness, "_N_CHARACTERS", 5)
    rng = random.Random(6)
    texts = draw_texts(rng, WORDS, 60, 12)
    index = ClosenessIndex()
    for i, match in enumerate(index.judge(texts)):
        closest = find_plainly(texts[i], texts[:i])
        assert match == (closest if closest and closest.value > LIMIT else None)


def test_signs_skip_the_halves_of_surrogate_pairs_and_are_all_different():
    numbers = [0, 0xD7FF, 0xD800, 0x10F7FF, 0x10F800, 0x10F801]
    signs = [closeness._make_sign(number) for number in numbers]
    assert signs[:4] == ["\0", "\ud7ff", "\ue000", "\U0010ffff"]
    assert signs[4:] == [0x10F800 + 0x110000, 0x10F801 + 0x110000]


def test_it_stays_with_a_list_that_grows_shrinks_or_changes():
    rng = random.Random(8)
    for _ in range(30):
        texts = draw_texts(rng, WORDS, 30, 8)
        index = ClosenessIndex(texts=texts[: rng.randint(0, 20)])
        held = texts[: rng.randint(0, 30)]
        if held and rng.random() < 0.5:
            held[rng.randrange(len(held))] = "another text altogether"
        index.hold(held if rng.random() < 0.5 else tuple(held))
        assert index.texts == held
        fresh = ClosenessIndex(texts=held)
        for text in texts:
            assert index.find_closest(text, 0) == fresh.find_closest(text, 0)


def test_what_it_holds_already_is_not_read_again(monkeypatch):
    read = []
    index = ClosenessIndex(texts=["a b", "c d"])
    monkeypatch.setattr(index, "_split", lambda text: read.append(text) or text.split())
    index.hold(["a b", "c d", "e f"])
    index.hold(["a b", "c d", "e f", "g h"])
    index.hold(["a b", "x y"])
    assert read == ["e f", "g h", "x y"]
    assert index.texts == ["a b", "x y"]


@pytest.mark.parametrize("limit", [-0.1, 1.5, float("nan")])
def test_a_limit_that_is_no_share_is_refused(limit):
    with pytest.raises(SeedbedError, match="from 0 to 1"):
        ClosenessIndex(limit)


def test_an_unknown_tokeniser_is_refused():
    with pytest.raises(UnknownNameError, match="known: rouge_score, unicode"):
        ClosenessIndex(tokeniser="words")
