"""What a person is offered to take a trained student out, and how the disk is used; drawn as the pages draw it."""

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import hub as hubs
from core.models.publishing import NO_TOKEN, TOKEN_NAMES
from core.runs import disk
from core.runs.folder import RunFolder
from tests.pages import home
from tests.pages.conftest import open_home
from tests.pages.test_pages import button, texts


@pytest.fixture
def filled(tmp_path):
    """A home with no more than is needed here."""
    for add in (home.add_seed_set, home.add_finetune):
        add(tmp_path)
    yield open_home(tmp_path)
    hubs.close()


@pytest.fixture(autouse=True)
def links_to_pages_that_are_not_here(monkeypatch):
    monkeypatch.setattr(st, "page_link", lambda page, *, label, **_: st.caption(f"{label} -> {page}"))


@pytest.fixture(autouse=True)
def no_token(monkeypatch, tmp_path):
    from huggingface_hub import constants

    for name in TOKEN_NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))


def draw(run_id=home.FINETUNE) -> AppTest:
    def page(run_id):
        from pages.components.access import use_hub
        from pages.components.disk import draw_disk
        from pages.components.exporting import draw_export

        draw_export(use_hub(), run_id)
        draw_disk(use_hub())

    return AppTest.from_function(page, args=(run_id,), default_timeout=30).run()


def add_export(filled, state="done", **summary):
    """An export of FINETUNE that has ended so."""
    config = {"run": home.FINETUNE, "round": 1, "dtype": None, "out": None, "student": "tiny", "adapter": "a",
              "seed_set": home.SEED_SET}  # fmt: skip
    folder = RunFolder.create(filled.settings.home, "export", title="Export", config=config, lane="device")
    with folder.hold():
        (folder.path / "model").mkdir()
        (folder.path / "model" / "config.json").write_text("{}")
        about = {"path": f"runs/{folder.run_id}/model", "n_bytes": 4_100_000, "dtype": "float32", "n_prompts": 4,
                 "n_same_answers": 4, "largest_difference": 0.0, "mean_kl": 0.0, "adapter_kl": 0.25}  # fmt: skip
        folder.finish(state, about | summary if state == "done" else None, None if state == "done" else "It is full.")
    filled.step()
    return folder


def test_nothing_is_offered_of_a_run_that_trained_nothing(filled):
    app = draw(home.SEED_SET)
    assert not app.exception and "Take it out" not in texts(app)


def test_the_ways_out_of_a_finetune_and_what_they_need(filled):
    app = draw()
    assert not app.exception and not app.error
    assert "LoRA weights, " in texts(app) and "About 4.1\u00a0MB." in texts(app)
    assert app.info[0].value == NO_TOKEN and not [one for one in app.button if one.key == "push"]
    box = app.selectbox(f"export_dtype_{home.FINETUNE}")
    assert box.options[0] == "as the base is used (float32)"
    app = box.set_value("bfloat16").run()
    assert "About 2.1\u00a0MB." in texts(app)
    app = button(app, "make_export").click().run()
    assert not app.exception
    queued = filled.store.list_runs(["export"]).iloc[0]
    config = json.loads(queued["config"])
    assert (config["run"], config["round"], config["dtype"]) == (home.FINETUNE, 1, "bfloat16")
    assert queued["lane"] == "device" and queued["state"] == "queued"
    assert [one.key for one in app.button if one.key.startswith("cancel_")] == [f"cancel_{queued['run_id']}"]


def test_an_export_that_waits_says_behind_what(filled):
    app = button(draw(), "make_export").click().run()
    assert "Is next in the queue." in texts(app)
    trained = RunFolder.create(filled.settings.home, "finetune", title="Sweep: rank 4", config={}, lane="device")
    later = [filled.submit("score", f"Score {n}", {"seed_set": home.SEED_SET}, lane="device") for n in range(2)]
    with trained.hold():
        filled.step()
        assert "behind **Sweep: rank 4**." in texts(draw()).replace("\\", "")
        filled.move(later[1], "first")
        app = draw()
        assert "Waits in the queue behind **Sweep: rank 4** and 1 more run." in texts(app).replace("\\", "")
        assert "See the queue, and change its order -> runs_page.py" in texts(app)
        trained.finish("done")


def test_a_push_asks_for_a_name_and_is_private_unless_told(filled, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    app = button(draw(), "push").click().run()
    assert "cannot be the name of a repository" in app.error[0].value
    app = app.text_input("push_repo").set_value("ada/pens").run()
    app = button(app, "push").click().run()
    assert not app.exception and not app.error
    config = json.loads(filled.store.list_runs(["push"]).iloc[0]["config"])
    assert (config["repo"], config["what"], config["is_private"], config["may_update"]) == (
        "ada/pens", "adapter", True, False,
    )  # fmt: skip
    assert "hf_x" not in json.dumps(config)
    app = app.toggle("push_private").set_value(False).run()
    assert "Everybody will see it" in texts(app)


def test_what_came_of_exports_is_shown_with_how_they_compare_or_why_they_failed(filled, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    made = add_export(filled)
    add_export(filled, "failed")
    app = draw()
    assert not app.exception
    assert "4 of 4 greedy answers the same" in texts(app) and "the training changed 0.25" in texts(app)
    assert [error.value for error in app.error] == ["It is full\\."]
    assert str(made.path / "model") in [code.value for code in app.code]
    assert f"the model made {''}" in " ".join(app.selectbox(f"push_what_{home.FINETUNE}").options)


def test_the_use_of_the_disk_and_a_warning_before_it_runs_out(filled, monkeypatch):
    add_export(filled)
    app = draw()
    assert "used by this home" in texts(app) and "exported models 2\u00a0B" in texts(app)
    assert not app.warning
    monkeypatch.setattr(disk, "measure_free", lambda path: (3 * 10**6, 10**8))
    app = draw()
    said = [warning.value for warning in app.warning]
    assert len(said) == 2
    assert "This needs about 4\\.1 MB" in said[0] and "is nearly full" in said[1]
    button(app, "make_export").click().run()
    assert filled.store.list_runs(["export"], ["queued"]).empty
