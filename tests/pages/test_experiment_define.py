"""Define: what cannot be is said in place of the plan as soon as it is written, and nothing can be queued then."""

import tomllib

import pytest

from tests.pages.test_pages import button, texts

TEXT = """\
title = "T"
seed_set = "pens"
replicates = 1
[common]
accepted = 5
[[arm]]
selector = ["random", "badge"]
"""


def write(app, text):
    app.text_area(key="experiment_text").set_value(text).run()
    assert not app.exception
    return texts(app).replace("\\", "")


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ('"badge"', '"bagde"', "There is no selector named 'bagde'"),
    ("accepted = 5", "accepted = 0", "accepted must be at least 1"),
    ("accepted = 5", "learning_rate = 0", "learning_rate must be above 0"),
    ("accepted = 5", "budget_tokens = 10", "allows not one request to the teacher"),
    ('"pens"', '"pins"', "There is no seed set 'pins'"),
    ('"pens"', '"word_problems"\ntest = "no_such.jsonl"', "There is no file no_such.jsonl"),
    ('"pens"', '"pens"\nbenchmarks = ["maths/tset"]', "maths has no split 'tset'"),
    ("[[arm]]", '[[arm]]\nrecipe = "steerability"\nof = "none"\n[[arm]]', "no arm stands before it"),
    ('"T"', "T", "This is no TOML at line 1, 'title = T'"),
])  # fmt: skip
def test_what_cannot_be_is_said_at_once_in_place_of_the_plan(filled, visit, old, new, sentence):
    app = visit("experiments")
    assert "**2 arms** × 1 replicate = 2 runs" in write(app, TEXT) and not button(app, "start_experiment").disabled
    before = sorted(path.name for path in (filled.settings.home / "runs").iterdir())
    assert old in TEXT
    said = write(app, TEXT.replace(old, new))
    assert sentence in said and "**2 arms**" not in said and button(app, "start_experiment").disabled
    assert sentence in app.error[0].value.replace("\\", ""), "at the top"
    assert sorted(path.name for path in (filled.settings.home / "runs").iterdir()) == before


def test_what_only_the_click_finds_stands_above_the_form(filled, visit):
    app = visit("experiments")
    write(app, TEXT + '[teacher]\nbase_url = "http://127.0.0.1:9"\nmodel = "m"\n')
    assert not app.error and not button(app, "start_experiment").disabled
    button(app, "start_experiment").click().run()
    assert "Nothing listens at 127.0.0.1" in app.error[0].value.replace("\\", "")
    order = list_drawn(app.main)
    assert order.index("Error") < order.index("Expander"), "above the form"
    assert filled.store.list_experiments().empty


def list_drawn(block):
    """Return the kinds of what a block holds, in the order of the page."""
    kinds = []
    for child in block.children.values():
        kinds.append(type(child).__name__)
        kinds += list_drawn(child) if hasattr(child, "children") else []
    return kinds


def test_a_student_that_is_not_here_is_doubted_and_titles_that_are_there_are_told(filled, visit):
    app = visit("experiments")
    said = write(app, TEXT.replace("replicates", 'student = "no/such"\nreplicates'))
    assert "fetched from the hub" in said and not button(app, "start_experiment").disabled
    assert "will be called" in write(app, TEXT.replace('title = "T"\n', ""))
    assert "of this title is there already" not in write(app, TEXT)
    button(app, "start_experiment").click().run()
    app = visit("experiments", show="define")
    assert "of this title is there already" in write(app, TEXT)


def test_the_form_asks_for_sizes_where_there_are_any_and_may_check_steerability(filled, visit):
    app = visit("experiments")
    app.checkbox(key="form_is_checked").set_value(True).run()
    arms = tomllib.loads(app.text_area(key="experiment_text").value)["arm"]
    assert arms[1] == {"recipe": "steerability", "of": arms[0]["selector"]} and not app.error
    assert "**4 arms**" in texts(app)
    app.selectbox(key="form_recipe").set_value("zero_shot").run()
    assert not app.exception and not app.checkbox
    keys = {item.key for item in app.number_input}
    assert "form_replicates" in keys and not keys & {"form_accepted", "form_rounds"}
    assert len(tomllib.loads(app.text_area(key="experiment_text").value)["arm"]) == 1
