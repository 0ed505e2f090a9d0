"""Seeds whose children were rejected are set aside by lot, and no others."""

import numpy as np
import pandas as pd
import pytest

from core.selection import choose
from core.selection.base import Pool
from core.selection.minding import LEAST, set_aside, weigh_methods, weigh_seeds


def judge(**children):
    rows = [(seed, "rewrite", bool(kept)) for seed, verdicts in children.items() for kept in verdicts]
    return pd.DataFrame(rows, columns=["problem_id", "method", "is_kept"])


def test_where_nobody_judged_anything_every_seed_stays():
    chances = weigh_seeds(["a", "b"], ["x", ""], judge())
    assert chances.tolist() == [1, 1]
    pool = Pool(np.array(["a", "b"]))
    assert set_aside(pool, chances, 0).is_free.all()


def test_a_seed_is_known_by_its_children_and_by_its_type():
    found = weigh_seeds(["a", "b", "c", "d"], ["x", "x", "y", ""], judge(a=[0, 0, 0], b=[1], c=[1, 1]))
    rate = (1 + 1) / (4 + 1)
    assert found[0] == pytest.approx(2 * rate / 5) and found[1] == pytest.approx((1 + 2 * rate) / 3)
    assert found[0] < found[1] < found[2] == 1 and found[3] == 1
    worst = weigh_seeds(["a"], ["x"], judge(a=[0] * 500))
    assert worst.tolist() == [LEAST]


def test_seeds_without_a_type_have_nothing_in_common():
    found = weigh_seeds(["a", "b"], ["", ""], judge(a=[0] * 8))
    assert found[0] == pytest.approx(2 / 10) and found[1] == 1


def test_a_method_that_nearly_always_fails_takes_the_blame_from_its_seeds():
    rows = [("s", "mutate", False)] * 12 + [("s", "mutate", True)] * 3 + [("t", "rewrite", True)] * 37
    judged = pd.DataFrame([*rows, *[("t", "rewrite", False)] * 3], columns=["problem_id", "method", "is_kept"])
    weights = weigh_methods(judged)
    assert weights == {"mutate": pytest.approx((4 / 16) / (38 / 41)), "rewrite": 1.0}
    (chance,) = weigh_seeds(["s"], [""], judged)
    assert chance == pytest.approx((3 + 2) / (3 + 12 * weights["mutate"] + 2)) and chance > (3 + 2) / (15 + 2)
    alone = judged[judged["method"] == "mutate"]
    assert weigh_methods(alone) == {"mutate": 1.0}
    assert weigh_seeds(["s"], [""], alone)[0] == pytest.approx(5 / 17)


def test_children_of_other_seed_sets_change_nothing():
    assert weigh_seeds(["a"], ["x"], judge(z=[0, 0])).tolist() == [1]


def test_as_many_are_set_aside_as_the_chances_say_and_the_same_ones_every_time():
    ids = np.array([f"p{number}" for number in range(4000)])
    pool = Pool(ids, {"loss": np.arange(4000.0)})
    chances = np.where(np.arange(4000) < 2000, 0.25, 1.0)
    found = set_aside(pool, chances, 3)
    assert found.is_free[2000:].all() and 420 <= found.is_free[:2000].sum() <= 580
    assert (set_aside(pool, chances, 3).is_free == found.is_free).all()
    assert (set_aside(pool, chances, 4).is_free != found.is_free).any()
    order = np.random.default_rng(0).permutation(4000)
    shuffled = set_aside(Pool(ids[order], {"loss": np.arange(4000.0)[order]}), chances[order], 3)
    assert (shuffled.is_free == found.is_free[order]).all()
    chosen = choose(found, "loss_low", 50, np.random.default_rng(1)).indices
    assert found.is_free[chosen].all() and (chosen < 2000).all()
