"""Answers that hold until the tables change: the same, the caller's own, and never of before a change."""

import pytest

from core.store.remembered import MOST_ANSWERS, MOST_ITEMS, MOST_ROWS, Remembered
from tests.runs.world import make_candidates, make_seed_set, open_test_hub


def count_calls(remembered, question, answer=(1,)):
    calls = []
    for _ in range(2):
        assert remembered.ask(question, lambda: calls.append(1) or list(answer)) == list(answer)
    return len(calls)


def test_a_question_is_answered_once_until_something_changes():
    remembered = Remembered()
    assert count_calls(remembered, ["sql", 1, "a", ["x", "y"], None]) == 1
    assert count_calls(remembered, ["sql", 1, "a", ["x", "y"], None]) == 0
    remembered.forget()
    assert count_calls(remembered, ["sql", 1, "a", ["x", "y"], None]) == 1


@pytest.mark.parametrize("other", [["sql", True], ["sql", 1.0], ["sql", "1"], ["sql", [1]], ["sql", 2], ["sq", 1]])
def test_questions_that_are_not_the_same_have_their_own_answers(other):
    remembered = Remembered()
    assert count_calls(remembered, ["sql", 1]) == 1
    assert count_calls(remembered, other) == 1


def test_long_questions_and_long_answers_are_not_kept():
    remembered = Remembered()
    assert count_calls(remembered, ["sql", list(range(MOST_ITEMS + 1))]) == 2
    assert count_calls(remembered, ["sql", 1], answer=range(2001)) == 2


def test_where_all_places_are_taken_new_answers_take_them():
    remembered = Remembered()
    for number in range(MOST_ANSWERS):
        remembered.ask(["sql", number], lambda: [1])
    assert count_calls(remembered, ["another"]) == 1


def test_what_is_found_while_the_tables_change_is_not_kept():
    remembered = Remembered()

    def find():
        remembered.forget()  # a commit, after this was read
        return ["old"]

    assert remembered.ask(["sql"], find) == ["old"]
    assert remembered.ask(["sql"], lambda: ["new"]) == ["new"]


def test_the_store_answers_anew_after_a_change_and_what_it_gave_away_is_not_its_own(tmp_path):
    make_seed_set(tmp_path)
    hub = open_test_hub(tmp_path, device_slots=0, teacher_slots=0, light_slots=0)
    hub.step()
    runs, run = hub.store.list_runs(), hub.store.read_run("seeds")
    runs["title"] = "changed"
    runs.loc[0, "state"] = "changed"
    run["title"] = "changed"
    assert hub.store.list_runs()["title"].tolist() == ["Seeds"] and hub.store.list_runs()["state"].tolist() == ["done"]
    assert hub.store.read_run("seeds")["title"] == "Seeds"
    make_candidates(tmp_path)
    hub.step()
    assert set(hub.store.list_runs()["run_id"]) == {"seeds", "grown"}
    hub.rename("seeds", "Pears")
    assert hub.store.read_run("seeds")["title"] == "Pears"
    hub.trash("grown")
    assert hub.store.list_runs()["run_id"].tolist() == ["seeds"]
    hub.close()


def test_of_large_answers_the_last_two_are_kept_where_that_is_asked_for():
    remembered, asked = Remembered(), []

    def ask(name, **how):
        return remembered.ask([name], lambda: asked.append(name) or range(MOST_ROWS + 1), **how)

    ask("small", is_large=False)
    ask("small", is_large=False)
    assert asked == ["small"] * 2, "too large to be kept by itself"
    for name in ("a", "b", "a", "b"):
        ask(name, is_large=True)
    assert asked[2:] == ["a", "b"]
    ask("c", is_large=True)
    ask("a", is_large=True)
    assert asked[4:] == ["c", "a"]
    remembered.forget()
    ask("a", is_large=True)
    assert asked[6:] == ["a"]
