"""Every row of a run opened from it: filters, what was left out and why, preferences, steps, and where it came from."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import hub as hubs
from core.training.rows_file import read_rows_file
from pages.components import row_view
from pages.components.row_view import mark_first_difference
from pages.components.training_rows import read_known, write_lines
from tests.pages.conftest import open_home
from tests.recipes.rows_world import make_world


@pytest.fixture
def world(tmp_path):
    yield open_home(make_world(tmp_path))
    hubs.close()


@pytest.fixture
def links(monkeypatch):
    """The links that a page offers; the harness knows no other pages than the one that it draws."""
    made = []
    monkeypatch.setattr(st, "page_link", lambda page, **more: made.append((page, more.get("query_params"))))
    return made


def draw(run_id):
    def script(run_id):
        from core.hub import get_hub
        from pages.components.training_rows import draw_rows_of_run

        draw_rows_of_run(get_hub(), run_id)

    app = AppTest.from_function(script, kwargs={"run_id": run_id}, default_timeout=20).run()
    assert not app.exception
    return app


def said(app) -> str:
    parts = [*app.markdown, *app.caption, *app.info]
    return "\n".join(part.value for part in parts).replace("\\", "")


def choose(app, label, value):
    next(item for item in app.get("button_group") if item.label == label).set_value(value).run()
    assert not app.exception
    return said(app)


def test_rows_are_filtered_and_opened_with_their_steps_and_their_origin(world, links):
    app = draw("tuned")
    text = said(app)
    assert "**1 row** trained on · 1 answer of the student's own" in text
    assert "1 row left out: None of 8 own answers was wrong." in text
    assert "Question 2, 50% of it?" in text and "They part in line 1." in text
    assert ":red-background[one step]" in text and ":green-background[Answer 2]" in text
    assert "the chance that one ends right" in text  # the world's values are shares, not of the best of several
    bars = [bar.proto.text.replace("\xa0", " ") for bar in app.get("progress")]
    assert bars == [f"{n} of 8 end right · value {value} %" for n, value in ((4, 50.0), (6, 75.0), (0, 0.0))]
    assert "so 7 :red-badge[:material/trending_down: goes wrong here]" in text
    helps = [item.help for item in (*app.caption, *app.markdown) if item.help]
    assert any("Monte Carlo" in text for text in helps) and any("first pit" in text for text in helps)
    assert any("1 answer drawn to this question: 0 right, 1 wrong" in box.label for box in app.expander)
    assert "From the student's own answer to a seed: " in text and " · Seeds" in text and links == []
    text = choose(app, "Which", False)
    assert "Q3?" in text and "Not trained on: None of 8 own answers was wrong." in text
    assert ("review_page.py", {"seeds": "seeds", "run": "grown", "candidate": "c3"}) in links
    assert any("The seed and the teacher's replies" in box.label for box in app.expander)
    app.text_input(key="rows_search_tuned").set_value("nowhere").run()
    assert "No row is like that" in said(app)


def test_the_rows_of_the_policy_are_opened_beside_those_of_the_training(world, links):
    app = draw("tuned")
    assert "for the policy" not in said(app)
    text = choose(app, "Rows of", True)
    assert "**1 row** trained on · 1 seed with its reference answer" in text and "for the policy" in text
    assert "1 row left out: Its answer is empty." in text
    assert "Not trained on: Its answer is empty." in choose(app, "Which", False)
    assert read_known(world, "tuned", 1, is_policy=True)["answer"].tolist() == ["Answer 2\nfor the policy"]


def test_rows_of_an_old_run_are_the_candidates_as_they_are_now(world, links):
    text = said(draw("old"))
    assert "**3 rows** trained on · 3 accepted candidates" in text
    assert "The run kept no texts; these are the candidate's as they stand now." in text
    frame = read_known(world, "old", 1)
    assert frame["origin_id"].tolist() == ["c2", "c3"]
    rows, left_out = read_rows_file(write_lines(frame), name="rows.jsonl")
    assert [row.question for row in rows] == ["Q2?", "Q3?"] and left_out == []


def test_a_run_without_rows_says_so(world):
    assert "No rows of this run are known" in said(draw("grown"))


def test_a_value_of_the_best_of_several_is_called_so():
    steps = [{"value": 0.9, "n_right": 1, "n_rollouts": 2}, {"value": 0.0, "n_right": 0, "n_rollouts": 0}]
    assert row_view._say_whose_chance(steps) == "the best of several"
    assert row_view.describe_value(0.0, 0, 0) == "whole answer: wrong"


def test_a_long_text_is_folded_and_says_how_long_it_is(world, links, monkeypatch):
    monkeypatch.setattr(row_view, "MOST_SHOWN", 8)
    monkeypatch.setattr(row_view, "MOST_IN_CELL", 5)
    assert (row_view.cut("abc", 3), row_view.cut("abcd", 3)) == ("abc", "ab…")
    app = draw("tuned")
    assert "Question 2, 50% of it?" not in said(app) and "Questio…" in said(app)
    switch = next(item for item in app.toggle if "whole_question" in item.key)
    assert switch.label == "Show all of it: 22 characters"
    switch.set_value(True).run()
    assert "Question 2, 50% of it?" in said(app)


def test_two_equal_long_answers_are_both_drawn():
    def script():
        from pages.components.row_view import _draw_answer

        for sample in range(2):
            text = {"text": "12 " * 600, "is_correct": True, "is_kept": not sample, "reason": "It was drawn before."}
            _draw_answer({"problem_id": "p0", "sample": sample, **text})

    app = AppTest.from_function(script).run()
    assert not app.exception and len(app.toggle) == 2


def test_the_first_line_in_which_two_answers_differ_is_marked():
    left, right, line = mark_first_difference("One.\nTwo is 2.\nThree.", "One.\nTwo is 5.\nFour.")
    assert line == 2
    assert ":green-background[2]" in left and ":red-background[5]" in right
    assert "Three" in left and ":green-background[Three" not in left  # only the first of the differences
    cut = mark_first_difference("One.\nTwo.\n", "One.")
    assert cut[2] == 2 and ":green-background[Two" in cut[0] and "background" not in cut[1]
    assert mark_first_difference("Same.\n", "Same.")[2] is None
    hostile = mark_first_difference("a", "<img src=x onerror=alert(1)> [x](http://e.example)\nb")[1]
    assert r"\<img" in hostile and r"\]\(http" in hostile
