"""The page Evaluate: what it offers, what it asks for, and on an empty home."""

import json
import shutil

from streamlit.testing.v1 import AppTest

from core.runs.folder import RunFolder
from pages.components import trained_students
from pages.components.choosing import list_students
from pages.components.teaching import STUDENT
from pages.components.trained_students import list_offered
from tests.pages import home
from tests.pages.test_pages import button, texts

# -- nothing yet -------------------------------------------------------------------------------------------------


def test_an_empty_home_offers_benchmarks_and_built_in_sets(empty, visit):
    app = visit("evaluate")
    assert not app.exception and not app.error
    options = app.selectbox(key="evaluate_set").options
    assert "GSM8K test, to be brought in" in options and "word_problems, built-in" in options
    app.segmented_control(key="evaluate_view").set_value("numbers").run()
    assert not app.exception and "Nothing was evaluated yet" in texts(app)


def test_a_benchmark_is_brought_in_and_asked_afterwards(empty, visit, tmp_path):
    app = visit("evaluate", set="benchmark gsm8k")
    assert "1,319" in button(app, "launch").label and "Dataset openai/gsm8k" in texts(app).replace("\\", "")
    app.segmented_control(key="evaluate_from").set_value("a file on this machine").run()
    assert button(app, "launch").disabled
    app.text_input(key="evaluate_path").input("/nowhere.jsonl").run()
    button(app, "launch").click().run()
    assert "There is no file /nowhere.jsonl" in app.error[0].value.replace("\\", "")
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps({"question": "Ann has 3 pears. How many?", "answer": "#### 3"}) + "\n")
    app.text_input(key="evaluate_path").input(str(file)).run()
    button(app, "launch").click().run()
    assert not app.exception and not app.error
    runs = empty.store.list_runs(states=["queued"])
    assert sorted(runs["kind"]) == ["evaluate", "import"]
    ids = dict(zip(runs["kind"], runs["run_id"], strict=True))
    config = empty.store.read_run(ids["evaluate"])["config"]
    assert (config["after"], config["seed_set"], config["benchmark"]) == (ids["import"], ids["import"], "gsm8k")
    imported = RunFolder(empty.settings.home / "runs" / ids["import"])
    with imported.hold():
        imported.finish("failed", error="Nothing could be read.")
    empty.step()
    app.run()
    assert "Nothing could be read" in app.error[0].value  # why it waits in vain


def test_a_built_in_set_is_brought_in_first(empty, visit):
    app = visit("evaluate", set="built-in maths")
    button(app, "launch").click().run()
    assert not app.exception and not app.error
    run = empty.store.list_runs(["evaluate"], states=["queued"]).iloc[0]
    assert "maths/test" in run["title"] and json.loads(run["config"])["after"]


# -- asking ------------------------------------------------------------------------------------------------------


def launched(hub):
    return json.loads(hub.store.list_runs(["evaluate"], states=["queued"]).iloc[0]["config"])


def test_the_newest_finetune_is_asked_beside_its_base(filled, visit):
    app = visit("evaluate")
    assert not app.exception and not app.error
    assert "Evaluate on 20 problems" in button(app, "launch").label and "40 answers of 2 students" in texts(app)
    button(app, "launch").click().run()
    config = launched(filled)
    assert config["adapter"] == filled.store.list_adapters().iloc[0]["path"] and config["asks_base"]
    assert (config["splits"], config["temperature"], config["teacher"]) == (["test"], None, None)
    assert "".join(app.query_params["show"]) == "numbers"


def test_what_is_chosen_is_asked_for(filled, visit):
    app = visit("evaluate")
    app.segmented_control(key="evaluate_way").set_value("several, drawn").run()
    app.number_input(key="evaluate_samples").set_value(4).run()
    app.number_input(key="evaluate_limit").set_value(5).run()
    app.selectbox(key="evaluate_grader").set_value("built-in, the rule-based stand-in").run()
    app.selectbox(key="evaluate_student").set_value("tiny, the built-in student").run()
    assert "20 answers of 1 student, and each is graded" in texts(app)
    button(app, "launch").click().run()
    config = launched(filled)
    assert (config["n_samples"], config["temperature"], config["limit"]) == (4, 1.0, 5)
    assert (config["teacher"], config["adapter"]) == ("built-in", None)


def test_a_number_that_cannot_be_stops_the_launch(filled, visit):
    app = visit("evaluate")
    app.segmented_control(key="evaluate_way").set_value("several, drawn").run()
    for key, wrong, right, sentence in (
        ("evaluate_limit", 0, None, "“Problems, at most” must be a number of at least 1."),
        ("evaluate_samples", None, 2, "“Drawn” must be a number from 1 to"),
        ("evaluate_temperature", 3.0, 1.0, "“Temperature” must be a number from 0.1 to 2."),
    ):
        app.number_input(key=key).set_value(wrong).run()
        assert not app.exception and button(app, "launch").disabled, key
        assert sentence in texts(app).replace("\\", ""), key
        app.number_input(key=key).set_value(right).run()
        assert not button(app, "launch").disabled


def test_a_model_named_by_the_address_is_chosen_once(filled, visit):
    app = visit("evaluate", show="ask", model="/models/mine")
    assert app.text_input(key="evaluate_source").value == "/models/mine"
    app.selectbox(key="evaluate_student").set_value("tiny, the built-in student").run()
    assert app.run().selectbox(key="evaluate_student").value == "tiny, the built-in student"


def test_a_student_that_is_none_is_one_sentence(filled, visit):
    app = visit("evaluate")
    app.selectbox(key="evaluate_student").set_value("a folder or a Hugging Face id").run()
    assert not app.exception and button(app, "launch").disabled
    app.text_input(key="evaluate_source").input("no model").run()
    button(app, "launch").click().run()
    assert not app.exception and "neither a folder nor a hub id" in app.error[0].value


def test_what_is_rarely_changed_is_folded_and_there_only_where_it_decides(filled, visit):
    app = visit("evaluate")
    keys = {each.key for each in app.number_input}
    assert "evaluate_tolerance" in keys and not {"evaluate_limit_seed", "evaluate_seed"} & keys
    app.number_input(key="evaluate_limit").set_value(5).run()
    app.segmented_control(key="evaluate_way").set_value("several, drawn").run()
    app.number_input(key="evaluate_tolerance").set_value(0.02)
    app.number_input(key="evaluate_limit_seed").set_value(7)
    app.number_input(key="evaluate_seed").set_value(3).run()
    button(app, "launch").click().run()
    config = launched(filled)
    assert (config["tolerance"], config["limit_seed"], config["seed"], config["limit"]) == (0.02, 7, 3, 5)


def test_a_task_without_numbers_has_no_tolerance(empty, visit):
    app = visit("evaluate", set="built-in prontoqa")
    assert "evaluate_tolerance" not in {each.key for each in app.number_input}
    button(app, "launch").click().run()
    assert not app.error and launched(empty)["tolerance"] is None
    app = visit("evaluate", set="benchmark minerva_math")
    assert "0.01, as the benchmark has it" in app.number_input(key="evaluate_tolerance").placeholder


def test_a_student_on_this_machine_can_grade(filled, visit):
    app = visit("evaluate")
    app.selectbox(key="evaluate_grader").set_value("a student on this machine").run()
    assert button(app, "launch").disabled
    app.text_input(key="evaluate_grader_source").input("no model").run()
    button(app, "launch").click().run()
    assert "neither a folder nor a hub id" in app.error[0].value
    app.text_input(key="evaluate_grader_source").input("tiny").run()
    button(app, "launch").click().run()
    assert not app.exception and launched(filled)["teacher"] == {"student": "tiny"}


def test_a_file_is_asked_without_a_visit_to_seeds(empty, visit, tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps({"question": "Ann has 3 pears. How many?", "answer": "#### 3"}) + "\n")
    app = visit("evaluate", set="file")
    assert not app.exception and button(app, "launch").disabled
    app.segmented_control(key="evaluate_own_from").set_value("a file on this machine").run()
    app.text_input(key="evaluate_own_path").input("/nowhere.jsonl").run()
    assert "There is no file /nowhere.jsonl" in app.error[0].value.replace("\\", "")
    app.text_input(key="evaluate_own_path").input("~nosuchuser/x.jsonl").run()
    assert not app.exception and "There is no file ~nosuchuser/x.jsonl" in app.error[0].value.replace("\\", "")
    app.text_input(key="evaluate_own_path").input(str(tmp_path)).run()
    assert "is a folder; name one" in app.error[0].value and button(app, "launch").disabled
    app.text_input(key="evaluate_own_path").input(str(file)).run()
    assert "Evaluate on 1 problem" in button(app, "launch").label
    app.selectbox(key="evaluate_read_as").set_value("gsm8k").run()  # a person's own copy of a benchmark
    app.selectbox(key="evaluate_read_as").set_value("as recognised").run()
    button(app, "launch").click().run()
    assert not app.exception and not app.error
    config = launched(empty)
    imported = json.loads(empty.store.list_runs(["import"]).iloc[0]["config"])
    assert (config["seed_set_name"], config["splits"], imported["has_splits"]) == ("mine", ["train"], False)


def test_a_set_that_is_brought_in_to_be_asked_takes_no_other_place(filled, visit):
    app = visit("evaluate", set="built-in maths")
    button(app, "launch").click().run()
    imported = RunFolder(filled.settings.home / "runs" / launched(filled)["seed_set"])
    with imported.hold():
        imported.append("seed_sets", {"name": "maths", "task": "maths", "origin": "maths", "written_at": 9e9})
        imported.finish("done", {})
    filled.step()
    app.run()
    assert not app.exception and app.session_state["strip_shows"] == home.SEED_SET


def test_the_policy_of_a_run_is_offered_behind_it(filled, visit):
    place = filled.settings.home / "runs" / home.FINETUNE / "checkpoints"
    policy = place / "round-1" / "sft" / "adapter"
    shutil.copytree(place / "adapter", policy)
    app = visit("evaluate")
    options = app.selectbox(key="evaluate_student").options
    (place,) = [i for i, label in enumerate(options) if label.startswith("policy of run")]
    assert options[place].endswith("Finetune tiny on 9 candidates of pens")
    assert options[place - 1].endswith("Finetune tiny on 9 candidates of pens")
    path = str(policy.relative_to(filled.settings.home))
    app = visit("evaluate", adapter=path)
    assert app.selectbox(key="evaluate_student").value == path
    button(app, "launch").click().run()
    assert not app.exception and launched(filled)["adapter"] == path


def test_a_page_that_is_come_back_to_shows_a_view(filled, visit):
    app = visit("evaluate")
    for page, key, view in (("finetune", "finetune_view", "train"), ("evaluate", "evaluate_view", "ask")):
        app.query_params.clear()
        app.switch_page(f"{page}_page.py").run()
        assert app.segmented_control(key=key).value == view and view in app.query_params["show"]


def test_a_view_that_the_browser_forgot_is_that_of_the_address():
    def page():
        import streamlit as st

        from pages.components.frame import choose_view

        st.session_state.setdefault("view_shown", "b")  # of an earlier look at the page
        st.write(choose_view({"a": "A", "b": "B"}, "view", "b"))

    app = AppTest.from_function(page).run()
    assert app.markdown[0].value == "b" and app.segmented_control(key="view").value == "b"
    app.segmented_control(key="view").set_value("a").run()
    assert app.markdown[0].value == "a" and "a" in app.query_params["show"]


def test_every_box_that_asks_for_a_student_offers_the_policy(filled, visit):
    place = filled.settings.home / "runs" / home.FINETUNE / "checkpoints"
    shutil.copytree(place / "adapter", place / "round-1" / "sft" / "adapter")
    generate = visit("generate")
    generate.selectbox(key="question_teacher").select(STUDENT).run()
    apps = {"train_start": visit("finetune"), "score_student": visit("select"), "question_student": generate}
    for key, app in apps.items():
        (box,) = [box for box in app.selectbox if (box.key or "").startswith(key)]
        assert any(label.startswith("policy of run") for label in box.options), key
    assert any(each["label"].startswith("policy of run") for each in list_students(filled, home.SEED_SET))


def test_policies_are_looked_for_once_for_all_boxes_of_a_page(filled, monkeypatch):
    asked = []
    monkeypatch.setattr(trained_students, "list_policies", lambda home: asked.append(home) or [])
    assert list_offered(filled) == list_offered(filled)
    assert asked == [filled.settings.home]


def test_an_address_with_a_student_that_is_gone_says_so(filled, visit):
    app = visit("evaluate", adapter="runs/nowhere/adapter")
    assert not app.exception and "no trained student in runs/nowhere/adapter" in texts(app).replace("\\", "")
    assert not button(app, "launch").disabled
