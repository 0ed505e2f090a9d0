"""Wishes: which seeds they take, how their children differ, on cases by hand and against plain references."""

import hashlib
import json
import math
import random

import numpy as np
import pandas as pd
import pytest

from core.analysis.accuracy import independent_difference
from core.analysis.steering import Correlation, correlate_ranks
from core.analysis.wish_words import label_wish, name_wish, say_children, say_ranks, say_shift
from core.analysis.wishes import (
    FEWEST,
    Difference,
    Wish,
    choose_by_wish,
    compare_children,
    list_wishes,
    make_pairs,
    take_measure,
)

HARD = Wish("hard", "loss", 1, None, "right", "loss")
EASY = Wish("easy", "loss", -1, None, "right", "loss")
N = 40


def choose_plainly(values, ids, direction, share):
    """One by one: the best of what is left, the lowest hash among equals."""
    left = [i for i, value in enumerate(values) if not math.isnan(value)]
    n_wanted, taken = max(1, round(share * len(left))), set()
    while len(taken) < n_wanted:
        best = max(direction * values[i] for i in left)
        equals = [i for i in left if direction * values[i] == best]
        first = min(equals, key=lambda i: hashlib.blake2b(ids[i].encode(), digest_size=8).digest())
        taken.add(first)
        left.remove(first)
    return [i in taken for i in range(len(values))]


@pytest.mark.parametrize("share", (0.1, 1 / 3, 0.5))
@pytest.mark.parametrize("wish", (HARD, EASY))
def test_a_wish_takes_the_best_and_breaks_ties_by_nothing_about_the_seeds(wish, share):
    rng = np.random.default_rng(1)
    values = rng.integers(0, 5, N).astype(float)
    values[3] = math.nan
    ids = [f"p{i}" for i in range(N)]
    pairs = pd.DataFrame({"problem_id": ids, "loss_seed": values})
    found = choose_by_wish(pairs, wish, share)
    assert found.tolist() == choose_plainly(values.tolist(), ids, wish.direction, share)
    order = rng.permutation(N)
    assert (choose_by_wish(pairs.iloc[order], wish, share) == found[order]).all()


def test_a_wish_for_a_value_takes_all_that_have_it():
    pairs = pd.DataFrame({"problem_id": list("abc"), "type": ["x", None, "x"], "level": [1.0, math.nan, 2.0]})
    assert choose_by_wish(pairs, Wish("type:x", "type", 0, "x", "right", "loss"), 0.1).tolist() == [True, False, True]
    assert choose_by_wish(pairs, Wish("level:2", "level", 0, 2.0, "right", "loss"), 0.1).tolist() == [
        False,
        False,
        True,
    ]


def test_the_interval_of_two_shares_is_newcombes():
    difference, low, high = independent_difference(56, 70, 48, 80)  # his example (a), method 10
    assert (difference, low, high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    difference, low, high = independent_difference(10, 10, 0, 10)  # example (h)
    assert (difference, low, high) == pytest.approx((1.0, 0.6075, 1.0), abs=5e-5)


def test_the_difference_is_that_to_all_children_and_its_ends_shrink_alike():
    right = [1.0] * 6 + [0.0] * 14 + [1.0] * 25 + [0.0] * 15 + [math.nan]
    is_chosen = [True] * 20 + [False] * 40 + [True]
    found = compare_children(right, is_chosen, is_share=True)
    assert (found.n_chosen, found.n_all) == (20, 60)
    assert found.chosen == pytest.approx(0.3) and found.all == pytest.approx(31 / 60)
    assert found.difference == pytest.approx(0.3 - 31 / 60)
    _, low, high = independent_difference(6, 20, 25, 40)
    assert (found.low, found.high) == pytest.approx((low * 40 / 60, high * 40 / 60)) and found.is_told


def test_the_interval_of_a_mean_is_that_of_drawing_children_again():
    rng = np.random.default_rng(2)
    values, is_chosen = rng.exponential(size=60), np.arange(60) < 20
    found = compare_children(values, is_chosen, is_share=False)
    assert found.difference == pytest.approx(values[:20].mean() - values.mean())
    draw, differences = random.Random(0), []
    inside, outside = values[:20].tolist(), values[20:].tolist()
    for _ in range(4000):
        first = [draw.choice(inside) for _ in inside]
        second = [draw.choice(outside) for _ in outside]
        differences.append(sum(first) / 20 - (sum(first) + sum(second)) / 60)
    differences.sort()
    assert found.low == pytest.approx(differences[100], abs=0.02)
    assert found.high == pytest.approx(differences[3900], abs=0.02)
    order = rng.permutation(60)
    again = compare_children(values[order], is_chosen[order], is_share=False)
    assert (again.difference, again.low, again.high) == pytest.approx((found.difference, found.low, found.high))


@pytest.mark.parametrize("is_share", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_the_interval_holds_the_truth_nineteen_times_of_twenty(is_share):
    """Of a share: 0.3 for chosen, 0.6 for others; of a mean: 1 and 2. A third is chosen."""
    rng, n_in = np.random.default_rng(5), 0
    is_chosen = np.arange(90) < 30
    truth = (0.3 - 0.6 if is_share else 1 - 2) * 2 / 3
    for _ in range(300):
        draws = rng.random(90) < np.where(is_chosen, 0.3, 0.6) if is_share else rng.normal(np.where(is_chosen, 1, 2))
        found = compare_children(draws.astype(float), is_chosen, is_share=is_share)
        n_in += found.low <= truth <= found.high
    assert 0.91 < n_in / 300 <= 0.985


def test_of_too_few_nothing_is_told():
    nothing = (None,) * 5
    for n_chosen, n_other in ((FEWEST - 1, 30), (30, FEWEST - 1), (0, 0)):
        is_chosen = [True] * n_chosen + [False] * n_other
        for is_share in (True, False):
            found = compare_children([1.0] * len(is_chosen), is_chosen, is_share=is_share)
            assert (found.chosen, found.all, found.difference, found.low, found.high) == nothing
            assert not found.is_told and (found.n_chosen, found.n_all) == (n_chosen, n_chosen + n_other)
    found = compare_children([1.0] * 20, [True] * 10 + [False] * 10, is_share=True)
    assert found.difference == 0 and found.low < 0 < found.high


# -- pairs and what can be asked for -----------------------------------------------------------------------------


def make_scores(n=N, *, has_answers=True):
    rows = []
    for i in range(n):
        for signal, before in (("loss", i / 10), ("reward", -i / 10), ("correct", float(i % 2))):
            right = {"is_right_before": i % 2 == 1, "is_right_after": i < 10} if has_answers else {}
            about = {"student": "base", "signal": signal, "problem_id": f"p{i}", "candidate_id": f"c{i:02d}"}
            rows.append({**about, "before": before, "after": before + 1, **right})
    table = pd.DataFrame(rows)
    return table if has_answers else table.assign(is_right_before=pd.NA, is_right_after=pd.NA)


def make_texts(n=N, meta=lambda i: json.dumps({"type": "red" if i < 15 else "blue", "n_steps": 1 + i % 3})):
    return pd.DataFrame(
        {
            "candidate_id": [f"c{i:02d}" for i in range(n)],
            "problem_id": [f"p{i}" for i in range(n)],
            "question_seed": ["word " * (i + 1) for i in range(n)],
            "question_child": ["a b c"] * n,
            "meta_seed": [meta(i) for i in range(n)],
        }
    )


def test_pairs_hold_what_one_student_makes_of_seed_and_child():
    scores = pd.concat([make_scores(), make_scores().assign(student="round-2", after=-5.0)])
    pairs = make_pairs(scores.sample(frac=1, random_state=0), make_texts().sample(frac=1, random_state=1), "base")
    row = pairs.iloc[7]
    assert row["problem_id"] == "p7" and len(pairs) == N
    assert (row["loss_seed"], row["loss_child"]) == pytest.approx((0.7, 1.7))
    assert (row["reward_seed"], row["reward_child"]) == pytest.approx((-0.7, 0.3))
    assert (row["right_seed"], row["right_child"], row["words_seed"], row["words_child"]) == (1, 1, 8, 3)
    assert (row["type"], row["level"], row["unit"]) == ("red", 2, "n_steps")


def test_what_the_seeds_do_not_have_cannot_be_asked_for():
    pairs = make_pairs(make_scores(), make_texts(), "base")
    names = [wish.name for wish in list_wishes(pairs)]
    assert names == ["hard", "easy", "high_reward", "low_reward", "long", "short", "type:blue", "type:red",
                     "level:1", "level:2", "level:3"]  # fmt: skip
    assert {wish.measure for wish in list_wishes(pairs) if wish.axis == "loss"} == {"right"}
    bare = make_pairs(make_scores(has_answers=False), make_texts(meta=lambda _: None), "base")
    assert [wish.name for wish in list_wishes(bare)] == names[:6]
    assert {wish.measure for wish in list_wishes(bare) if wish.axis == "loss"} == {"loss"}
    one = make_pairs(
        make_scores(), make_texts(meta=lambda i: json.dumps({"type": "red" if i else " ", "level": "x"})), "base"
    )
    assert [wish.name for wish in list_wishes(one)] == names[:6]  # all but one are red: there is nothing beside it
    assert list_wishes(make_pairs(make_scores(6), make_texts(6), "base")) == []
    assert list_wishes(make_pairs(make_scores(), make_texts(), "nobody")) == []


def test_a_type_is_told_of_the_children_where_their_words_tell_it():
    pairs = make_pairs(make_scores(), make_texts(), "base")
    pairs["type_child"] = ["red"] * 9 + [None] * 2 + ["blue"] * (N - 11)
    (wish,) = [wish for wish in list_wishes(pairs) if wish.name == "type:red"]
    values = take_measure(pairs, wish, wish.measure)
    assert wish.measure == "type" and values.tolist()[:9] == [1.0] * 9
    assert values.isna().sum() == 2 and values.tolist()[11:] == [0.0] * (N - 11)
    assert take_measure(pairs, wish, "loss").equals(pairs["loss_child"])
    told = say(0.3, 0.5, -0.2, -0.3, -0.1, wish=wish)
    assert "30 % of their children are of that type too, against 50 % of all children: 20 points fewer" in told


# -- words -------------------------------------------------------------------------------------------------------


def say(*numbers, wish=HARD):
    return say_children(wish, Difference(50, 150, *numbers)).replace("\u00a0", " ")


def test_a_difference_is_told_in_points_with_its_interval():
    assert say(0.3111, 0.48, -0.1689, -0.25, -0.09) == (
        "Ask for hard seeds, and the student answers 31 % of their children rightly, against 48 % of all children: "
        "17 points fewer (95 % interval 9 to 25)."
    )
    assert "12 points more (95 % interval 3 to 22)." in say(0.32, 0.2, 0.12, 0.027, 0.219, wish=EASY)
    assert "0.9 points more (95 % interval 0.4 to 1.4)." in say(0.509, 0.5, 0.009, 0.004, 0.014)


def test_an_interval_that_holds_0_tells_no_difference():
    assert say(0.16, 0.2, -0.04, -0.119, 0.056).endswith(
        "against 20 % of all children. No difference can be told (95 % interval: 12 points fewer to 6 points more)."
    )
    assert "7 points fewer to 1 point more" in say(0.0, 0.03, -0.03, -0.07, 0.011)
    assert "so nothing can be told" in say(None, None, None, None, None)


def test_means_are_told_in_their_own_units():
    reward, words = (Wish("low_reward", "reward", -1, None, "reward", "reward"),
                     Wish("long", "words", 1, None, "words", "words"))  # fmt: skip
    assert say(-0.448, -0.141, -0.307, -0.441, -0.171, wish=reward).endswith(
        "get a reward of −0.45 on average, against −0.14 for all: 0.31 lower (95 % interval 0.17 to 0.44)."
    )
    assert "have 65.5 words on average, against 48.9 for all: 16.6 more" in say(
        65.46, 48.9, 16.5, 13.2, 19.8, wish=words
    )
    found = Difference(50, 150, 0.66, 0.59, 0.07, -0.01, 0.15)
    assert say_shift("loss", "hard seeds", 0.345, found).replace("\u00a0", " ") == (
        "Hard seeds have a mean loss 0.34 higher than all seeds. Their children against all children: no difference "
        "can be told (95 % interval: 0.01 lower to 0.15 higher)."
    )


def test_ranks_are_told_in_words():
    found = correlate_ranks(range(20), [*range(10), *range(19, 9, -1)])
    text = say_ranks("loss", found, "after training").replace("\u00a0", " ")
    assert text.startswith("A harder seed mostly has a harder child after training (rank correlation 0.7")
    assert say_ranks("loss", Correlation(30, -0.4, -0.6, -0.1, 0.01, None, None), "").startswith(
        "A harder seed tends to have an easier child (rank correlation −0.40"
    )
    assert say_ranks("words", Correlation(30, 0.1, -0.2, 0.4, 0.5, None, None), "").startswith("No connection")
    assert "cannot be told of 3 pairs" in say_ranks("words", correlate_ranks([1, 2, 3], [1, 2, 3]), "")


def test_wishes_have_names():
    level = Wish("level:1", "level", 0, 1.0, "right", "loss", "n_steps")
    assert (label_wish(level), name_wish(level)) == ("1 step", "seeds of 1 step")
    kind = Wish("type:a b", "type", 0, "a b", "right", "loss")
    assert (label_wish(kind), name_wish(kind)) == ("type: a b", "seeds of the type “a b”")
    assert (label_wish(Wish("low_reward", "reward", -1, None, "reward", "reward")), name_wish(EASY)) == (
        "low reward",
        "easy seeds",
    )
