"""The page Evaluate: what it offers, what it asks for, and on an empty home."""

import json

from core.runs.folder import RunFolder
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
    assert "1\u202f319" in button(app, "launch").label and "Dataset openai/gsm8k" in texts(app).replace("\\", "")
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
    assert (config["n_samples"], config["temperature"], config["limit"]) == (4, 0.7, 5)
    assert (config["teacher"], config["adapter"]) == ("built-in", None)


def test_a_student_that_is_none_is_one_sentence(filled, visit):
    app = visit("evaluate")
    app.selectbox(key="evaluate_student").set_value("a folder or a Hugging Face id").run()
    assert not app.exception and button(app, "launch").disabled
    app.text_input(key="evaluate_source").input("no model").run()
    button(app, "launch").click().run()
    assert not app.exception and "neither a folder nor a hub id" in app.error[0].value
