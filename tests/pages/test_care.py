"""What the pages must not do behind a person's back: train otherwise than shown, keep old choices, store blanks."""

import json

from core.recipes.start import make_training
from core.runs.folder import RunFolder
from core.training.config import PRESETS
from pages.components.training_settings import complete_settings
from tests.pages import home
from tests.pages.test_pages import button, texts


def test_the_settings_shown_are_the_settings_trained_with_whatever_the_student_starts_from():
    shown = complete_settings(PRESETS["tiny"], {"epochs": 5, "rank": 32})
    made = make_training("a-folder", "game24", shown)
    assert made == shown and made["schedule"] == "linear" and made["learning_rate"] == PRESETS["tiny"].learning_rate


def test_an_odd_batch_is_computed_in_one_part():
    assert complete_settings(PRESETS["tiny"], {"batch_size": 7})["accumulation_steps"] == 1
    assert complete_settings(PRESETS["tiny"], {"batch_size": 8})["accumulation_steps"] == 2


def test_held_out_cannot_be_switched_off(filled, visit):
    app = visit("generate", selection=home.SELECT)
    assert "held_out" not in app.multiselect(key="filters").options
    app.multiselect(key="filters").set_value([]).run()
    button(app, "preview").click().run()
    assert not app.exception and not app.error
    assert json.loads(filled.store.list_runs(["generate"]).iloc[0]["config"])["filters"] == ["held_out"]


def test_a_selection_is_not_offered_again(filled, visit):
    app = visit("runs", run=home.SELECT)
    assert not app.exception and not app.error
    assert not {"run_again", "clone"} & {item.key for item in app.button}
    assert not any("-m core run" in code.value for code in app.code)


def test_a_stopped_run_is_shown_and_goes_on(filled, visit):
    folder = RunFolder.create(
        filled.settings.home, "loop", title="Stopped", lane="device", config={"seed_set": home.SEED_SET, "rounds": 1}
    )
    with folder.hold():
        folder.finish("failed", error="The disk is full; free some space.")
    filled.step()
    app = visit("overview")
    assert "The disk is full" in texts(app)
    button(app, "stopped_again").click().run()
    assert not app.exception
    assert filled.store.read_run(folder.run_id)["state"] == "queued"


def test_the_demo_is_offered_after_a_failed_import(empty, visit):
    waiting = empty.submit("import", "Import mine", {"name": "mine"}, lane="light")
    assert not any(item.key == "start_demo" for item in visit("overview").button)
    empty.order(waiting, "cancel")
    app = visit("overview")
    assert not app.exception and button(app, "start_demo")


def test_another_file_starts_with_what_is_recognised_in_it(empty, visit, tmp_path):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_text('{"question": "What is 1+1?", "answer": "It is 2.\\n#### 2"}\n')
    second.write_text('{"problem": "What is $1+1$?", "solution": "It is $\\\\boxed{2}$."}\n')
    app = visit("seeds")
    app.segmented_control(key="source").set_value("Files").run()
    app.radio(key="file_way").set_value("Path on this machine").run()
    chosen = []
    for file in (first, second):
        app.text_input(key="path_train").input(str(file)).run()
        assert not app.exception and not app.error
        task = next(box for box in app.selectbox if (box.key or "").startswith("file_task_"))
        question = next(box for box in app.multiselect if (box.key or "").startswith("map_question_"))
        chosen.append((task.value, question.value))
    assert chosen == [("word_problems", ["question"]), ("maths", ["problem"])]
    button(app, "import").click().run()
    config = json.loads(empty.store.list_runs().iloc[0]["config"])
    assert config["task"] == "maths" and config["mapping"] is None


def test_the_address_stays_with_an_import_under_way(filled, visit):
    waiting = filled.submit("import", "Import mine", {"name": "mine"}, lane="light")
    app = visit("seeds", seeds=waiting)
    assert not app.exception and not app.error
    assert app.query_params["seeds"] in (waiting, [waiting])
    assert "as soon as they are read" in texts(app) and not app.metric
