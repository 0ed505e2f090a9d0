"""Total variation distance of tokens, on texts whose tokens a reader can count."""

import random
from collections import Counter

import pandas as pd
import pytest

from core.analysis.token_shift import (
    AT_RANDOM,
    N_DRAWS,
    count_tokens,
    draw_at_random,
    list_shifted,
    measure_shift,
    measure_shifts,
)
from core.filters.tokens import TOKENISERS, split_tokens

FIRST = count_tokens(["a a b", "c"], str.split)
SECOND = count_tokens(["a b b b"], str.split)


def test_it_is_half_the_sum_of_the_differences_of_shares():
    assert Counter({"a": 2, "b": 1, "c": 1}) == FIRST
    assert measure_shift(FIRST, SECOND) == pytest.approx((abs(2 - 1) + abs(1 - 3) + abs(1 - 0)) / 4 / 2)
    assert measure_shift(FIRST, SECOND) == measure_shift(SECOND, FIRST)
    assert measure_shift(FIRST, FIRST) == 0 and measure_shift(FIRST, Counter("xyz")) == pytest.approx(1.0)
    assert measure_shift(FIRST, Counter({"a": 4, "b": 2, "c": 2})) == 0, "shares count, not sizes"
    assert measure_shift(FIRST, Counter()) is None


def test_the_tokens_that_contribute_add_up_to_it():
    table = list_shifted(FIRST, SECOND)
    assert table["token"].tolist() == ["b", "a", "c"] and table["part"].tolist() == pytest.approx(
        [0.25, -0.125, -0.125]
    )
    assert table["part"].abs().sum() == pytest.approx(measure_shift(FIRST, SECOND))
    assert list_shifted(FIRST, SECOND, n=1)["token"].tolist() == ["b"]
    assert list_shifted(FIRST, Counter()).empty


def test_over_rounds_everything_so_far_counts():
    rows = [("x", 0, 1, "a a"), ("x", 0, 2, "b c"), ("x", 1, 1, "b b"), ("y", 0, 1, "a a b c")]
    children = pd.DataFrame(rows, columns=["method", "replicate", "round", "text"])
    found = measure_shifts(["a a b", "c"], children, str.split).set_index(["method", "round"])
    once = [measure_shift(FIRST, count_tokens([text], str.split)) for text in ("a a", "b b")]
    assert found.loc[("x", 1), "mean"] == pytest.approx(sum(once) / 2)
    assert found.loc[("x", 1), "se"] == pytest.approx(abs(once[0] - once[1]) / 2) and found.loc[("x", 1), "n"] == 2
    assert found.loc[("x", 2), "mean"] == 0 and pd.isna(found.loc[("x", 2), "se"])
    assert found.loc[("y", 1), "mean"] == 0
    assert measure_shifts(["a"], children[:0], str.split).empty


def count_plainly(texts, split):
    counts = Counter()
    for text in texts:
        counts.update(split(text))
    return counts


def measure_plainly(seeds, children, split):
    """Every text by itself, every round's distance over all tokens."""
    first, rows = count_plainly(seeds, split), []
    for (method, replicate), own in children.groupby(["method", "replicate"], sort=True):
        so_far = Counter()
        for number, texts in own.groupby("round", sort=True)["text"]:
            so_far += count_plainly(texts, split)
            shift = measure_shift(first, so_far)
            rows.append({"method": method, "replicate": replicate, "round": number, "shift": shift})
    table = pd.DataFrame(rows, columns=["method", "replicate", "round", "shift"]).dropna(subset=["shift"])
    found = table.groupby(["method", "round"], sort=True)["shift"].agg(mean="mean", se="sem", n="size")
    return found.reset_index()


SIGNS = (
    "ab cd-e f 12 3.5 1,000 -7 x=y+2 don't ÉTÉ ΟΔΟΣ ß 漢字 \u0e01\u0e33 ¨ a\u0308 \u0308b ﷺ ½"
    " １２ \u00a0\u2028\u3000\t\n . ! $5"
)


def write(rng):
    return "".join(rng.choice([*SIGNS, *SIGNS.split(), " "]) for _ in range(rng.randrange(60)))


@pytest.mark.parametrize("name", list(TOKENISERS))
def test_words_are_split_by_themselves_as_in_their_text(name):
    split, rng = TOKENISERS.get(name), random.Random(0)
    for _ in range(2000):
        text = write(rng)
        assert split(text) == [token for word in text.split() for token in split(word)], repr(text)


def test_it_is_what_counting_every_text_by_itself_finds():
    rng = random.Random(1)
    texts = [write(rng) for _ in range(80)]
    rows = [
        (method, replicate, number, rng.choice(texts))
        for method in "xyz" for replicate in range(3) for number in (1, 2, 4) for _ in range(rng.randrange(1, 9))
    ]  # fmt: skip
    rows += [("empty", 0, 1, ""), ("empty", 0, 2, " ... "), ("late", 0, 1, "!"), ("late", 0, 3, "a 漢")]
    children = pd.DataFrame(rows, columns=["method", "replicate", "round", "text"]).sample(frac=1, random_state=0)
    for seeds in (texts[:30], ["nothing of it"], ["..."], []):
        found, plain = (each(seeds, children, split_tokens) for each in (measure_shifts, measure_plainly))
        pd.testing.assert_frame_equal(found, plain, check_exact=False, rtol=1e-12, check_dtype=False)
    assert count_tokens(texts, split_tokens) == count_plainly(texts, split_tokens)


def test_as_many_seeds_at_random_are_as_far_as_their_number_makes_them():
    rng = random.Random(0)
    seeds = [" ".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(2_000)]
    rows = [("a", replicate, number, "x") for replicate in (0, 1) for number, n in ((1, 10), (2, 90)) for _ in range(n)]
    children = pd.DataFrame(rows, columns=["method", "replicate", "round", "text"])
    drawn = draw_at_random(seeds, children)
    assert drawn.groupby(["replicate", "round"]).size().to_dict() == {
        (draw, number): n for draw in range(N_DRAWS) for number, n in ((1, 10), (2, 90))
    }
    assert set(drawn["text"]) <= set(seeds) and drawn.equals(draw_at_random(seeds, children))
    found = measure_shifts(seeds, drawn, str.split)
    assert found["method"].tolist() == [AT_RANDOM] * 2 and found["n"].tolist() == [N_DRAWS] * 2
    first, second = found["mean"]
    assert first == pytest.approx((25 / 26 / 60 * 2 / 3.14159 / 26) ** 0.5 * 26 / 2, rel=0.25), "what chance gives"
    assert second == pytest.approx(first / 10**0.5, rel=0.25)
