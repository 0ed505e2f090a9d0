"""One body over every registered selector, and one oracle for each."""

import copy
import os
from collections.abc import Mapping

import numpy as np
import pytest

from core.errors import SelectionError, UnknownNameError
from core.selection import SELECTORS, Pool, can_pick
from core.selection import choose as choose_by_name
from core.selection.base import tie_breakers
from core.selection.own import load_selectors
from core.selection.picks import pick_best
from core.signals import SIGNALS

ALL = pytest.mark.parametrize("name", SELECTORS.names())
RANKED = pytest.mark.parametrize("name", [name for name in SELECTORS if can_pick(SELECTORS.get(name))])
PLAIN = [name for name in SIGNALS if not SIGNALS.get(name).is_vector]
VECTORS = [name for name in SIGNALS if SIGNALS.get(name).is_vector]


def make_pool(n: int = 60, seed: int = 0, n_unknown: int = 5, excluded: tuple[int, ...] = ()) -> Pool:
    """A pool with many ties; the first rows have no signals."""
    rng = np.random.default_rng(seed)
    signals = {name: rng.integers(0, 8, n) / 4.0 for name in PLAIN}
    signals["correct"] = rng.integers(0, 2, n).astype(float)
    signals["solve_rate"] = rng.integers(0, 9, n) / 8.0
    vectors = {name: rng.normal(size=(n, 6)).astype(np.float32) for name in VECTORS}
    for values in (*signals.values(), *vectors.values()):
        values[:n_unknown] = np.nan
    is_excluded = np.isin(np.arange(n), excluded)
    ids = np.array([f"problem_{rng.integers(1 << 60):x}" for _ in range(n)])
    return Pool(ids, signals, is_excluded if excluded else None, vectors)


def shuffle(pool: Pool, order: np.ndarray) -> Pool:
    signals = {name: values[order] for name, values in pool.signals.items()}
    vectors = {name: values[order] for name, values in pool.vectors.items()}
    excluded = None if pool.is_excluded is None else pool.is_excluded[order]
    return Pool(pool.problem_ids[order], signals, excluded, vectors)


def choose(name: str, pool: Pool, k: int, seed: int = 1, pick: str = "argmax", **more):
    return choose_by_name(pool, name, k, np.random.default_rng(seed), pick=pick, **more)


@ALL
def test_says_what_it_is(name):
    selector = SELECTORS.get(name)
    assert selector.title and selector.needs <= set(SIGNALS)


@ALL
@pytest.mark.parametrize("k", [1, 7, 60])
def test_chooses_k_distinct_free_rows_with_a_reason_each(name, k):
    selection = choose(name, make_pool(), k)
    assert selection.indices.dtype == np.int64 and selection.indices.shape == (k,)
    assert len(set(selection.indices.tolist())) == k
    assert set(selection.indices.tolist()) <= set(range(60))
    assert len(selection.reason) == k and all(selection.reason)


@ALL
def test_same_seed_same_rows_and_another_seed_breaks_ties_otherwise(name):
    pool = make_pool()
    first, again = choose(name, pool, 20), choose(name, pool, 20)
    assert first.indices.tolist() == again.indices.tolist()
    others = [choose(name, pool, 20, seed).indices.tolist() for seed in range(2, 6)]
    assert any(rows != first.indices.tolist() for rows in others)


@ALL
def test_the_order_of_the_pool_does_not_matter(name):
    pool = make_pool(excluded=(3, 30, 31))
    order = np.random.default_rng(9).permutation(len(pool))
    moved = shuffle(pool, order)
    for k in (1, 10, 57):
        ids = pool.problem_ids[choose(name, pool, k).indices].tolist()
        assert moved.problem_ids[choose(name, moved, k).indices].tolist() == ids


@ALL
def test_the_pool_is_left_as_it_was(name):
    pool = make_pool(excluded=(4,))
    before = copy.deepcopy(pool)
    choose(name, pool, 10)
    assert pool.problem_ids.tolist() == before.problem_ids.tolist()
    assert pool.is_excluded.tolist() == before.is_excluded.tolist()
    for kind in ("signals", "vectors"):
        for signal, values in getattr(pool, kind).items():
            np.testing.assert_array_equal(values, getattr(before, kind)[signal])


@ALL
@pytest.mark.parametrize("k", [0, -1, 58])
def test_what_cannot_be_answered_is_refused_in_one_sentence(name, k):
    with pytest.raises(SelectionError) as refused:
        choose(name, make_pool(excluded=(1, 2, 3)), k)
    assert str(refused.value).count(".") == 1 and str(refused.value).endswith(".")


@ALL
def test_an_empty_pool_is_refused_in_one_sentence(name):
    pool = make_pool(0, n_unknown=0)
    with pytest.raises(SelectionError, match="pool is empty"):
        choose(name, pool, 1)


@ALL
def test_a_missing_signal_is_refused_by_name(name):
    pool = make_pool()
    bare = Pool(pool.problem_ids)
    for signal in SELECTORS.get(name).needs:
        with pytest.raises(SelectionError, match=signal):
            choose(name, bare, 3)
    if not SELECTORS.get(name).needs:
        assert len(choose(name, bare, 3).indices) == 3


@ALL
def test_excluded_rows_are_never_chosen(name):
    excluded = tuple(range(5, 60, 2))
    pool = make_pool(excluded=excluded)
    for k in (1, 10, int(pool.is_free.sum())):
        assert not set(choose(name, pool, k).indices.tolist()) & set(excluded)


@ALL
def test_priority_is_nan_exactly_where_a_row_has_no_claim(name):
    pool = make_pool(excluded=(8, 9))
    selection = choose(name, pool, 10)
    assert selection.group is None or selection.group.shape == (60,)
    assert (selection.priority is None) == (name != "random" and not can_pick(SELECTORS.get(name)))
    if selection.priority is None:
        return
    unknown = np.arange(60) < (5 if SELECTORS.get(name).needs else 0)
    if name == "solve_rate":
        unknown |= ~((pool.signals["solve_rate"] >= 0.1) & (pool.signals["solve_rate"] <= 0.9))
    np.testing.assert_array_equal(np.isnan(selection.priority), unknown | ~pool.is_free)
    chosen = selection.priority[selection.indices]
    assert (np.diff(chosen) <= 0).all()
    assert chosen.min() >= np.nanmax(np.delete(selection.priority, selection.indices))


@ALL
def test_rows_without_a_signal_come_last_and_are_counted(name):
    pool = make_pool(n_unknown=50)
    selection = choose(name, pool, 30)
    if not SELECTORS.get(name).needs:
        assert selection.n_topped_up == 0
        return
    assert set(selection.indices[:10].tolist()) == set(range(50, 60))
    assert selection.n_topped_up >= 20
    assert any("at random" in reason for reason in selection.reason)


@ALL
def test_all_unknown_is_random_and_said_so(name):
    pool = make_pool(n_unknown=60)
    selection = choose(name, pool, 10)
    assert selection.n_topped_up == (10 if SELECTORS.get(name).needs else 0)
    assert len(set(selection.indices.tolist())) == 10


@ALL
def test_all_equal_is_a_draw_of_which_every_seed_gives_another(name):
    pool = make_pool(n_unknown=0)
    for values in (*pool.signals.values(), *pool.vectors.values()):
        values[:] = 1.0
    drawn = {tuple(sorted(choose(name, pool, 5, seed).indices.tolist())) for seed in range(6)}
    assert len(drawn) > 1


# -- picks ---------------------------------------------------------------------------------------------------------


@RANKED
def test_softmax_draws_another_set_and_repeats_it_for_the_same_seed(name):
    pool = make_pool(n_unknown=0)
    best, drawn = choose(name, pool, 15), choose(name, pool, 15, pick="softmax")
    assert drawn.indices.tolist() == choose(name, pool, 15, pick="softmax").indices.tolist()
    assert set(drawn.indices.tolist()) != set(best.indices.tolist())
    order = np.random.default_rng(3).permutation(len(pool))
    moved = choose(name, shuffle(pool, order), 15, pick="softmax")
    assert shuffle(pool, order).problem_ids[moved.indices].tolist() == pool.problem_ids[drawn.indices].tolist()


@pytest.mark.parametrize("name", [name for name in SELECTORS if not can_pick(SELECTORS.get(name))])
def test_softmax_is_refused_where_nothing_is_ranked(name):
    with pytest.raises(SelectionError, match="take argmax"):
        choose(name, make_pool(), 5, pick="softmax")


def test_unknown_picks_and_cold_temperatures_are_refused():
    with pytest.raises(UnknownNameError, match="argmax, softmax"):
        choose("loss_high", make_pool(), 5, pick="median")
    with pytest.raises(SelectionError, match="above 0"):
        choose("loss_high", make_pool(), 5, pick="softmax", temperature=0.0)


def test_softmax_draws_in_proportion_to_the_exponential_of_the_score():
    loss = np.log([1.0, 2.0, 4.0, 8.0])
    pool = Pool(np.array(list("abcd")), {"loss": loss})
    first = np.zeros(4)
    for seed in range(1500):
        first[choose("loss_high", pool, 1, seed, "softmax").indices] += 1
    expected = 1500 * np.array([1, 2, 4, 8]) / 15
    assert (np.abs(first - expected) < 4.5 * np.sqrt(expected)).all()
    second = np.zeros(4)
    for seed in range(1500):
        second[choose("loss_high", pool, 1, seed, "softmax", temperature=0.5).indices] += 1
    expected = 1500 * np.array([1, 4, 16, 64]) / 85
    assert (np.abs(second - expected) < 4.5 * np.sqrt(expected)).all()


def test_the_best_of_many_are_found_without_sorting_them_all():
    rng = np.random.default_rng(0)
    priority = rng.integers(0, 50, 5000).astype(float)
    lots = rng.random(5000)
    expected = np.lexsort((lots, -priority))
    for k in (1, 37, 300, 1249, 1251, 5000):
        assert pick_best(priority, lots, k).tolist() == expected[:k].tolist()


def test_lots_belong_to_the_problems_and_are_even():
    pool = make_pool(3000, n_unknown=0)
    lots = tie_breakers(pool, np.random.default_rng(5))
    half = Pool(pool.problem_ids[1000:2000])
    assert tie_breakers(half, np.random.default_rng(5)).tolist() == lots[1000:2000].tolist()
    assert len(set(lots.tolist())) == 3000 and lots.min() >= 0 and lots.max() < 1
    assert np.abs(np.histogram(lots, 10, (0, 1))[0] - 300).max() < 75  # s.d. 16
    other = tie_breakers(pool, np.random.default_rng(6))
    assert abs(np.corrcoef(lots, other)[0, 1]) < 0.08


# -- oracles: a case whose answer can be seen by eye ---------------------------------------------------------------

EIGHT: Mapping[str, np.ndarray] = {
    "loss": np.array([0.1, 1.93, 0.5, np.nan, 2.5, 0.2, 1.0, 0.9]),
    "correct": np.array([1, 0, 1, np.nan, 0, 1, 0, 1]),
    "loss_truth": np.array([3.0, 1, 2, 9, 5, np.nan, 7, 4]),
    "reward": np.array([-3.0, 2, -9, 4, np.nan, 0, 1, 8]),
    "reward_truth": np.array([5.0, 6, 7, 8, 1, 2, 3, 4]),
    "judge": np.array([-4.0, 1.0, 0.5, np.nan, 5, 0.99, 2, 0]),
    "solve_rate": np.array([0.0, 0.5, 1.0, 0.1, 0.25, np.nan, 0.9, 0.95]),
}


def eight() -> Pool:
    return Pool(np.array(list("abcdefgh")), EIGHT)


def test_loss_high_takes_the_highest_in_order():
    selection = choose("loss_high", eight(), 3)
    assert selection.indices.tolist() == [4, 1, 6]
    assert list(selection.reason)[:2] == ["loss 2.50, the highest of 7", "loss 1.93, 2nd highest of 7"]


def test_loss_low_takes_the_lowest_in_order():
    selection = choose("loss_low", eight(), 3)
    assert selection.indices.tolist() == [0, 5, 2]
    assert selection.reason[2] == "loss 0.500, 3rd lowest of 7"


def test_incorrect_takes_the_wrong_ones_then_correct_ones_then_the_unjudged():
    assert set(choose("incorrect", eight(), 3).indices.tolist()) == {1, 4, 6}
    selection = choose("incorrect", eight(), 8)
    assert set(selection.indices[:3].tolist()) == {1, 4, 6} and selection.indices[-1] == 3
    assert selection.n_topped_up == 5
    assert selection.group.tolist() == [
        "correct", "incorrect", "correct", "unknown", "incorrect", "correct", "incorrect", "correct",
    ]  # fmt: skip


def test_incorrect_draws_each_wrong_problem_alike_often():
    counts = np.zeros(8)
    for seed in range(600):
        counts[choose("incorrect", eight(), 1, seed).indices] += 1
    assert counts[[1, 4, 6]].sum() == 600 and counts[[1, 4, 6]].min() > 150  # expected 200 each, s.d. 11.5


def test_random_draws_each_problem_alike_often():
    counts = np.zeros(8)
    for seed in range(800):
        counts[choose("random", eight(), 2, seed).indices] += 1
    assert counts.sum() == 1600 and abs(counts - 200).max() < 60  # expected 200 each, s.d. 12.2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss_truth_high", [3, 6, 4]),
        ("loss_truth_low", [1, 2, 0]),
        ("reward_low", [2, 0, 5]),
        ("reward_high", [7, 3, 1]),
        ("reward_truth_low", [4, 5, 6]),
        ("reward_truth_high", [3, 2, 1]),
    ],
)
def test_scores_are_ranked_in_the_direction_of_the_name(name, expected):
    selection = choose(name, eight(), 3)
    assert selection.indices.tolist() == expected
    assert ("highest" if name.endswith("high") else "lowest") in selection.reason[0]


def test_a_low_reward_is_named_as_it_is():
    assert choose("reward_low", eight(), 1).reason[0] == "reward -9.00, the lowest of 7"


def test_judged_hard_is_one_point_and_more_signed_and_tops_up_from_the_easy():
    assert set(choose("judge_hard", eight(), 3).indices.tolist()) == {1, 4, 6}
    selection = choose("judge_hard", eight(), 8)
    assert selection.n_topped_up == 5 and selection.indices[-1] == 3
    assert selection.group.tolist() == ["easy", "hard", "easy", "unknown", "hard", "easy", "hard", "easy"]
    assert "only 3 are hard" in selection.reason[4]


@pytest.mark.parametrize(("name", "first"), [("lion", {1, 4, 6}), ("evokd", {1, 4, 6})])
def test_half_and_half_takes_the_odd_one_from_the_harder_part(name, first):
    selection = choose(name, eight(), 5)
    chosen = set(selection.indices.tolist())
    assert len(chosen & first) == 3 and len(chosen - first - {3}) == 2 and selection.n_topped_up == 0
    assert [row in first for row in selection.indices] == [True, False, True, False, True]  # by turns
    larger = choose(name, eight(), 7)
    assert larger.n_topped_up == 1 and first <= set(larger.indices.tolist()) and 3 not in larger.indices


def test_solve_rate_prefers_what_is_solved_seldom_but_not_never():
    selection = choose("solve_rate", eight(), 6)
    assert selection.indices.tolist()[:4] == [3, 4, 1, 6]
    assert selection.n_topped_up == 2 and set(selection.indices.tolist()[4:]) < {0, 2, 7}
    np.testing.assert_allclose(selection.priority, [np.nan, 0.5, np.nan, 0.9, 0.75, np.nan, 0.1, np.nan])
    assert choose("solve_rate", eight(), 8).indices[-1] == 5  # the unknown one comes last
    assert choose("solve_rate", eight(), 4, pick="softmax").n_topped_up == 0  # nothing ran short


def make_clusters(signal: str) -> Pool:
    """Three clusters on axes of their own, of 20 each; one row of the second is by far the longest."""
    rng = np.random.default_rng(4)
    vectors = np.repeat(np.eye(3, 8) * [[3.0], [4.0], [5.0]], 20, axis=0) + rng.normal(0, 0.01, (60, 8))
    vectors[25] *= 3
    ids = np.array([f"p{i:02d}" for i in range(60)])
    return Pool(ids, {}, vectors={signal: vectors.astype(np.float32)})


@pytest.mark.parametrize(("name", "vector"), [("badge", "gradient"), ("badge_truth", "gradient_truth")])
def test_badge_begins_with_the_longest_gradient_and_takes_one_of_each_cluster(name, vector):
    for seed in range(20):
        indices = choose(name, make_clusters(vector), 4, seed).indices.tolist()
        assert indices[0] == 25 and {row // 20 for row in indices} == {0, 1, 2}


def test_badge_prefers_long_gradients():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(40, 30))
    lengths = np.where(np.arange(40) < 20, 5.0, 0.5)
    vectors = directions / np.linalg.norm(directions, axis=1, keepdims=True) * lengths[:, None]
    pool = Pool(np.array([f"p{i:02d}" for i in range(40)]), {}, vectors={"gradient": vectors.astype(np.float32)})
    for seed in range(20):  # once one is taken, the other short ones lie close to it, and weigh a hundredth
        assert (choose("badge", pool, 10, seed).indices >= 20).sum() <= 2


def test_loss_spread_begins_with_the_hardest_and_avoids_what_asks_the_same():
    embedding = np.repeat(np.eye(3, 5), 4, axis=0).astype(np.float32)  # three topics of four equal questions
    loss = np.array([2.0, 1.9, 1.8, 1.7, 1.0, 0.9, 0.8, 0.7, 0.5, 0.4, 0.3, 0.2])
    pool = Pool(np.array([f"p{i:02d}" for i in range(12)]), {"loss": loss}, vectors={"embedding": embedding})
    firsts = [choose("loss_spread", pool, 3, seed).indices.tolist() for seed in range(30)]
    assert all(rows[0] == 0 for rows in firsts)
    topics = [len({row // 4 for row in rows}) for rows in firsts]
    assert np.mean(topics) > 2.5  # the three highest losses are of one topic


# -- a person's own selectors --------------------------------------------------------------------------------------

OWN = """
from dataclasses import dataclass
import numpy as np
from core.selection.base import SELECTORS, Selection, check_request

@dataclass(frozen=True)
class ShortestName:
    title: str = "Shortest id"
    needs: frozenset = frozenset()

    def __call__(self, pool, k, rng):
        check_request(pool, k, self.needs)
        rows = np.argsort([len(id_) for id_ in pool.problem_ids], kind="stable")[:k]
        return Selection(rows, None, None, ["short"] * k)

SELECTORS.register("NAME")(ShortestName())
"""


def test_a_file_of_ones_own_adds_a_selector_and_may_be_changed(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN.replace("NAME", "shortest"))
    try:
        assert load_selectors([path]) == ["shortest"] == load_selectors([path])
        pool = Pool(np.array(["ccc", "a", "bb"]))
        assert choose("shortest", pool, 2).indices.tolist() == [1, 2]
        path.write_text(OWN.replace("NAME", "briefest"))
        os.utime(path, ns=(1, 1))
        assert load_selectors([path]) == ["briefest"] and "shortest" not in SELECTORS
    finally:
        SELECTORS.discard("shortest")
        SELECTORS.discard("briefest")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [("import nothing_there", "nothing_there"), ("x = 1", "registers no selector"), (None, "There is no file")],
    ids=["fails", "adds nothing", "missing"],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, code, sentence):
    path = tmp_path / "mine.py"
    if code is not None:
        path.write_text(code)
    with pytest.raises(SelectionError, match=sentence):
        load_selectors([path])
    if code is not None:  # mended, it is read again
        path.write_text(OWN.replace("NAME", "mended"))
        os.utime(path, ns=(2, 2))
        assert load_selectors([path]) == ["mended"]
        SELECTORS.discard("mended")


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('title: str = "Shortest id"', "x: int = 0", "is no selector"),
        ("needs: frozenset = frozenset()", "x: int = 0", "is no selector"),
        ("frozenset()", 'frozenset({"rewards"})', "needs rewards; needs is a set of signals"),
        ("frozenset()", '"loss"', "needs loss; needs is a set"),
    ],
    ids=["title", "needs", "typo", "text"],
)
def test_what_is_no_selector_is_said_when_it_is_read(tmp_path, before, after, sentence):
    path = tmp_path / "mine.py"
    path.write_text(OWN.replace("NAME", "odd").replace(before, after))
    good = tmp_path / "good.py"
    good.write_text(OWN.replace("NAME", "good"))
    with pytest.raises(SelectionError, match=sentence):
        load_selectors([path, good])
    assert "odd" not in SELECTORS and "good" in SELECTORS  # one broken file hides no other
    SELECTORS.discard("good")


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("check_request(pool, k, self.needs)", "1 / 0", r"failed: ZeroDivisionError: .* \(mine.py, line \d+\)"),
        ("[:k]", "[: k - 1]", "did not return 2 different free rows"),
        ('return Selection(rows, None, None, ["short"] * k)', "return list(rows)", "failed: AttributeError"),
        ("return Selection(rows, None", "return Selection(rows * 0, None", "did not return 2 different"),
    ],
    ids=["raises", "too few", "a list", "repeats"],
)
def test_a_choice_that_is_none_is_one_sentence(tmp_path, before, after, sentence):
    path = tmp_path / "mine.py"
    path.write_text(OWN.replace("NAME", "odd").replace(before, after))
    load_selectors([path])
    try:
        with pytest.raises(SelectionError, match=sentence):
            choose("odd", Pool(np.array(["ccc", "a", "bb"])), 2)
    finally:
        SELECTORS.discard("odd")
