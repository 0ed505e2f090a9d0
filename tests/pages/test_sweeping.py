"""Sweeps on the page: the form and what it takes, a sweep as it stands, and its best settings taken over."""

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import hub as hubs
from core.recipes.start import make_finetune_config
from core.recipes.sweeping import make_grid, start_sweep
from core.runs.folder import RunFolder
from core.training.data import TrainingRow
from core.training.own_presets import list_own_presets
from pages.components import numbers
from tests.pages import home
from tests.pages.conftest import open_home
from tests.pages.test_pages import button, texts

ROWS = [TrainingRow(f"What is {n} + {n}?", f"#### {2 * n}", str(2 * n)) for n in range(9)]


@pytest.fixture
def filled(tmp_path):
    """A home with no more than is needed here."""
    home.add_seed_set(tmp_path)
    yield open_home(tmp_path)
    hubs.close()


@pytest.fixture
def went_to(monkeypatch):
    """Pages that a button led to: there are none beside the part that is drawn here."""
    went = []
    monkeypatch.setattr(st, "switch_page", lambda page, query_params=None: went.append((page, query_params)))
    monkeypatch.setattr(st, "page_link", lambda *_, **__: None)
    return went


def draw_form() -> AppTest:
    def page():
        from dataclasses import asdict

        from core.recipes.training_choice import Choice
        from core.training.config import TrainingConfig
        from core.training.data import hash_rows, to_frame
        from pages.components.access import use_hub
        from pages.components.sweeping import draw_sweep_form
        from pages.components.training_form import Wish
        from tests.pages import home
        from tests.pages.test_sweeping import ROWS

        wish = Wish(
            to_frame(ROWS), hash_rows(ROWS), Choice(candidates=(home.GENERATE,)), home.SEED_SET, "pens",
            "word_problems", "sft", {}, "tiny", asdict(TrainingConfig()), "tiny", None, (),
        )  # fmt: skip
        draw_sweep_form(use_hub(), wish)

    return AppTest.from_function(page, default_timeout=30).run()


def draw_sweeps() -> AppTest:
    def page():
        from pages.components.access import use_hub
        from pages.components.sweeping import draw_sweeps

        draw_sweeps(use_hub())

    return AppTest.from_function(page, default_timeout=30).run()


def add_sweep(hub, accuracies, **more) -> str:
    """A sweep whose runs ended with these accuracies; None: it failed."""
    about = {"seed_set": home.SEED_SET, "seed_set_name": "pens", "parts": {}, **more}
    config = make_finetune_config("tiny", "word_problems", ROWS, **about)
    grid = make_grid({"learning_rate": [1e-4, 4e-4], "rank": [4, 8]}, config["training"])
    sweep = start_sweep(hub, ROWS, config, grid)
    for run_id, accuracy in zip(hub.store.list_sweep_runs(sweep)["run_id"], accuracies, strict=False):
        folder = RunFolder(hub.settings.home / "runs" / run_id)
        with folder.hold():
            if accuracy is None:
                folder.finish("failed", error="The memory does not suffice.")
            else:
                about = {"validation_accuracy": accuracy, "best_epoch": 2.0, "seconds": 9.0, "n_rows": 9}
                folder.finish("done", about)
    hub.step()
    return sweep


def test_the_form_says_what_a_grid_takes_and_starts_its_runs(filled, went_to):
    app = draw_form()
    assert not app.exception and not app.error
    assert "12 runs of 9 rows, one after the other: how long was not measured here yet" in texts(app)
    assert "Chosen by 10 validation problems" in texts(app)
    app = app.text_input("sweep_learning_rate").set_value("1e-4; 4e-4 4e-4").run()
    app = app.text_input("sweep_rank").set_value("4").run()
    app = app.text_input("sweep_epochs").set_value("1, 2").run()
    assert "4 runs of 9 rows" in texts(app) and "1 repeated value left out" in texts(app)
    for field, text, sentence in [
        ("sweep_rank", "4, x", "LoRA ranks: write whole numbers with a comma between two of them, not '4, x'"),
        ("sweep_epochs", " ".join(map(str, range(1, 120))), "119 = 238 runs; try at most 200"),
    ]:
        was = app.text_input(field).value
        app = app.text_input(field).set_value(text).run()
        assert sentence in texts(app).replace("\\", "")
        assert not [one for one in app.button if one.key == "start_sweep"]
        app = app.text_input(field).set_value(was).run()
    app = button(app, "start_sweep").click().run()
    assert not app.exception
    (sweep,) = filled.store.list_sweeps().to_dict("records")
    assert sweep["n_left"] == 4 and app.query_params["sweep"] in (sweep["run_id"], [sweep["run_id"]])
    config = json.loads(filled.store.list_sweep_runs(sweep["run_id"])["config"][0])
    assert config["evaluates"] == [] and config["parts"]["candidates"] == [home.GENERATE]


def test_a_sweep_as_it_stands_and_what_is_told_to_all_its_runs(filled, went_to):
    assert "There is no sweep yet" in texts(draw_sweeps())
    sweep = add_sweep(filled, [0.4, None, 0.5])
    app = draw_sweeps()
    assert not app.exception and not app.error
    assert "Best so far: learning rate 0.0001, rank 8, 5 epochs: 50.0" in texts(app)
    assert "1 other run lies within its interval" in texts(app) and "Test problems were not looked at" in texts(app)
    assert button(app, "resume_sweep").label == "Resume 1 run"
    app = button(app, "cancel_sweep").click().run()
    assert filled.store.list_sweeps()["n_left"][0] == 0
    app = button(app, "resume_sweep").click().run()
    assert sorted(filled.store.list_sweep_runs(sweep)["state"]) == ["done", "done", "queued", "queued"]


def test_the_table_tells_the_time_that_the_notice_tells(filled, went_to):
    add_sweep(filled, [0.4])  # whose own training is said to have taken 9 s
    (notice,) = filled.ends.list_after(0)
    (table,) = [one.value for one in draw_sweeps().dataframe if "took" in one.value]
    assert sorted(set(table["took"])) == sorted({numbers.MISSING, numbers.duration(notice.seconds)})
    assert notice.seconds < 9


def test_a_sweep_of_rows_without_a_seed_set_is_in_view_with_any(filled, visit):
    sweep = add_sweep(filled, [0.4], seed_set=None, seed_set_name=None, validation_set=home.SEED_SET)
    app = visit("finetune", show="sweeps", seeds=home.SEED_SET)
    assert not app.exception and app.selectbox(key="sweep_shown").value == sweep


def test_the_best_settings_go_into_the_form_and_are_kept_by_name(filled, went_to):
    add_sweep(filled, [0.5, 0.4, 0.5, 0.3])
    app = draw_sweeps()
    assert "Best: learning rate 0.0001, rank 4, 5 epochs" in texts(app)
    assert "Another run reaches the same: the smaller rank was taken" in texts(app)
    app = button(app, "use_sweep").click().run()
    assert not app.exception and not app.error
    ((page, query),) = went_to
    assert page == "finetune_page.py" and (query["show"], query["preset"]) == ("train", "pens-sft-best")
    config = filled.store.read_run(query["like"])["config"]
    assert (config["training"]["rank"], config["training"]["alpha"]) == (4, 4)
    kept = list_own_presets(filled.settings.home)
    assert list(kept) == ["pens-sft-best"] and kept["pens-sft-best"].learning_rate == 1e-4
    assert "it will be replaced" in texts(draw_sweeps())
    app = app.text_input(next(one.key for one in app.text_input if one.key.startswith("preset_of_"))).set_value("tiny")
    app = button(app.run(), "use_sweep").click().run()
    assert "comes with Seedbed" in app.error[0].value and len(went_to) == 1
