import pytest

from core.records import Review
from core.store.journal import Journal
from core.store.partial import open_partial
from tests.recipes.rows_world import make_world


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    home = make_world(tmp_path_factory.mktemp("home"))
    with open_partial(home, ["seeds", "grown", "wrong", "answered", "tuned", "old", "chosen"]) as opened:
        yield opened


def rows_of(frame, *names):
    plain = frame.astype(object)
    return plain.where(plain.notna(), None)[list(names)].to_numpy().tolist()


def test_candidates_come_with_what_decides_whether_they_are_trained_on(store):
    found = store.list_candidate_rows(["wrong", "grown", "answered"])
    names = ("candidate_id", "status", "review", "question", "is_incorrect", "is_right", "reference")
    assert rows_of(found, *names) == [
        ["w0", "accepted", None, "Question 3, 50% of it?", True, None, "3"],
        ["c0", "failed", None, None, False, None, None],
        ["c1", "rejected", None, "Q1?", False, None, None],
        ["c2", "accepted", None, "Q2?", False, None, None],
        ["c3", "accepted", "reject", "Q3?", False, None, None],
        ["c4", "accepted", "edit", "Q4 edited?", False, None, None],
        ["c5", "accepted", "edit", "Question 6, 50% of it?", False, None, None],
        ["a0", "accepted", None, "Question 0, 50% of it?", False, True, "0"],
        ["a1", "rejected", None, "Question 1, 50% of it?", False, False, "1"],
        ["a2", "accepted", None, "Question 2, 50% of it?", False, None, "2"],
        ["a3", "accepted", "accept", "Question 3, 50% of it?", False, None, "3"],
    ]
    assert store.list_candidate_rows([]).empty


def test_the_rows_of_a_run_are_found_by_what_they_are(store):
    names = ("position", "origin", "origin_id", "label", "rejected", "is_used", "reason")
    pair = [0, "own", "p2", 1, "one step\nso 7\n", True, None]
    lost = [1, "candidate", "c3", 1, None, False, "None of 8 own answers was wrong."]
    assert rows_of(store.list_training_rows("tuned"), *names) == [pair, lost]
    for choice, expected in [
        ({"origin": "own"}, [pair]),
        ({"is_used": False}, [lost]),
        ({"label": -1}, []),
        ({"round_": 2}, []),
        ({"search": "ONE step"}, [pair]),
        ({"search": "_ne step"}, []),
        ({"reason": "None of 8 own answers was wrong."}, [lost]),
        ({"limit": 1, "offset": 1}, [lost]),
    ]:
        assert rows_of(store.list_training_rows("tuned", **choice), *names) == expected, choice
    counts = store.count_training_rows("tuned")
    assert rows_of(counts, "origin", "label", "is_used", "n") == [["candidate", 1, False, 1], ["own", 1, True, 1]]


def test_rows_of_the_policy_are_apart_from_those_of_the_training_after_it(store):
    found = store.list_training_rows("tuned", is_policy=True)
    assert list(found.columns) == list(store.list_training_rows("tuned").columns)
    assert rows_of(found, "position", "answer", "is_used", "reason", "is_as_now") == [
        [0, "Answer 2\nfor the policy", True, None, False],
        [1, "Answer 2", False, "Its answer is empty.", False],
    ]
    counts = store.count_training_rows("tuned", is_policy=True)
    assert rows_of(counts, "origin", "is_used", "n") == [["candidate", False, 1], ["seed", True, 1]]
    assert store.count_training_rows("old", is_policy=True).empty


def test_rows_of_an_old_run_have_the_texts_of_its_candidates_as_they_are_now(store):
    found = store.list_training_rows("old")
    names = ("origin", "origin_run_id", "origin_id", "question", "answer", "final", "label", "is_used", "is_as_now")
    assert rows_of(found, *names) == [
        ["candidate", "grown", "c2", "Q2?", "A2", "2", 1, True, True],
        ["candidate", "grown", "c3", "Q3?", "A3", "3", 1, True, True],
        ["candidate", "grown", "c99", None, None, None, 1, True, False],
    ]
    assert rows_of(store.count_training_rows("old"), "origin", "label", "is_used", "n") == [["candidate", 1, True, 3]]


def test_own_answers_come_with_their_reference_and_their_steps(store):
    drawn = store.list_own_answers(["tuned"])
    assert rows_of(drawn, "problem_id", "sample", "reference")[:2] == [["p0", 0, "0"], ["p0", 1, "0"]]
    counts = store.count_own_answers("seeds")
    assert rows_of(counts, "run_id", "n", "n_right", "n_wrong", "n_kept") == [["tuned", 6, 2, 3, 1]]
    assert store.count_own_answers("other").empty and len(store.count_own_answers()) == 1
    found = store.find_own_answer("tuned", 1, "Question 2, 50% of it?", "one step\n\nso 7")
    assert (found["problem_id"], found["sample"], found["has_steps"]) == ("p2", 0, True)
    whole = store.find_own_answer("tuned", 1, "Question 0, 50% of it?", "so 0\n#### 0\n")
    assert (whole["sample"], whole["has_steps"]) == (0, False)
    assert store.find_own_answer("tuned", 1, "Question 0, 50% of it?", "elsewhere") is None
    steps = store.list_step_values("tuned", 1, "p2", 0)
    assert rows_of(steps, "step", "value", "n_right", "is_pit") == [[0, 0.5, 4, False], [1, 0.75, 6, False],
                                                                    [2, 0.0, 0, True]]  # fmt: skip


def test_chosen_problems_are_those_of_the_selection_without_spares(store):
    assert store.list_chosen("chosen") == ["p4", "p1"]
    assert store.list_chosen("grown") == []
    assert store.list_runs_of_candidate("c2") == ["grown"]


def test_the_stamp_of_runs_changes_with_what_is_gathered_from_them(tmp_path):
    home = make_world(tmp_path)

    def read_stamp():
        with open_partial(home, ["grown", "tuned"]) as opened:
            return opened.read_rows_stamp(["grown", "tuned"])

    before = read_stamp()
    assert read_stamp() == before
    Journal(home).add_reviews([Review("grown", "c2", "reject")])
    assert read_stamp() != before
