"""The seed set in view: the strip follows what a page shows, and the next page remembers it."""

import shutil

import pytest

from core.runs.folder import RunFolder
from tests.pages import home

INKS = "20261120-170000-import-inks"


@pytest.fixture
def two_sets(filled):
    """The filled home, and a newer seed set of which nothing was made yet."""
    runs = filled.settings.home / "runs"
    folder = RunFolder.create(
        filled.settings.home, "import", title="Import inks", config={"name": "inks"}, lane="light", run_id=INKS
    )
    with folder.hold():
        shutil.copytree(runs / home.SEED_SET / "records", runs / INKS / "records", dirs_exist_ok=True)
        about = folder.path / "records" / "seed_sets.jsonl"
        about.write_text(about.read_text().replace('"pens"', '"inks"'))
        folder.finish("done", {"n_kept": 1})
    filled.step()
    return filled


def shown(app) -> tuple[str, str]:
    """What the strip shows, and what the address says."""
    address = app.query_params["seeds"]
    return app.session_state["strip_shows"], address[0] if isinstance(address, list) else address


def choice(app, key: str):
    return next(box for box in app.selectbox if box.key == key)


def test_the_strip_follows_the_page(two_sets, visit):
    app = visit("generate", selection=home.SELECT)
    assert not app.exception
    assert shown(app) == (home.SEED_SET, home.SEED_SET)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("generate", "No seeds are chosen yet"),
        ("review", "There is nothing to review yet"),
        ("finetune", "There is nothing to train on yet"),
    ],
)
def test_a_set_of_which_nothing_was_made_is_not_swapped_for_another(two_sets, visit, name, sentence):
    app = visit(name, seeds=INKS)
    assert not app.exception
    assert any(sentence in part.value for part in app.markdown)
    assert shown(app) == (INKS, INKS)


def test_what_is_chosen_to_train_on_is_chosen_anew_for_another_set(two_sets, visit):
    app = visit("finetune", seeds=home.SEED_SET, show="train")
    assert app.multiselect(key="sources").value == [home.LOOP]
    app.query_params.clear()
    app.query_params["seeds"], app.query_params["show"] = INKS, "train"  # as one comes from another page
    app.run()
    assert not app.exception and shown(app) == (INKS, INKS)
    assert app.session_state["train_parts"] == ["seeds"] and "sources" not in app.query_params


def test_the_next_page_remembers(two_sets, visit):
    app = visit("seeds", seeds=INKS)
    assert shown(app) == (INKS, INKS)
    del app.query_params["seeds"]  # as a link of the side bar does
    app.switch_page("select_page.py").run()
    assert shown(app) == (INKS, INKS)
    assert choice(app, "select_seeds").value == INKS


@pytest.mark.parametrize("wanted", [INKS, home.SEED_SET])
def test_the_overview_lets_choose_among_several(two_sets, visit, wanted):
    app = visit("overview")
    choice(app, "overview_seeds").set_value(wanted).run()
    assert not app.exception
    assert shown(app) == (wanted, wanted)


def test_a_seed_set_that_is_gone_does_no_harm(filled, visit):
    app = visit("overview", seeds="20200101-000000-import-gone")
    assert not app.exception and not app.error
    assert app.session_state["strip_shows"] == home.SEED_SET
