"""The settings of an earlier run come back to the fields of Generate, in a new session and after a reload."""

import pytest

from core.runs.folder import RunFolder
from pages.components.refilling import list_fields
from pages.components.teaching import SAME, SERVER, STUDENT
from tests.pages import home
from tests.pages.test_generate import newest_run
from tests.pages.test_pages import button, texts
from tests.teacher.server import ChatServer

OTHER_SET = "20260101-000001-import-bbbb"
ALIKE = ("method", "method_settings", "prompts", "teacher", "roles", "filters", "filter_settings", "benchmarks",
         "budget", "error_stop", "n_accepted", "max_requests")  # fmt: skip


@pytest.fixture
def benchmark(filled):
    """A second seed set, which candidates can be kept away from."""
    config = {"name": "exam", "builtin": None, "files": {"train": "exam.jsonl"}}
    folder = home.make_run(filled.settings.home, OTHER_SET, "Import exam", config)
    with folder.hold():
        folder.write_part("problems", home.all_problems())
        folder.append("seed_sets", {
            "name": "exam", "task": "word_problems", "origin": "exam.jsonl", "fingerprint": "g",
            "mapping": {"question": ["question"], "answer": "answer", "final": None}, "split_rule": "As given.",
            "n_in": 90, "n_kept": 90, "n_rejected": 0, "written_at": 1.0,
        })  # fmt: skip
        folder.finish("done", {"n_kept": 90})
    filled.step()
    return filled


def choose_much(app, url: str):
    """Choose something of everything that can be chosen, in three steps: each brings the next one's fields."""
    app.selectbox(key="method").set_value("vs_multi")
    app.selectbox(key="answer_teacher").set_value(SERVER)
    app.selectbox(key="judge_teacher").set_value(STUDENT)
    app.multiselect(key="filters").set_value(["rouge_l", "forbidden", "contamination"]).run()
    app.number_input(key="n_per_call").set_value(4)
    app.number_input(key="tail").set_value(0.25)
    app.text_input(key="answer_server_url").set_value(url)
    app.text_input(key="answer_server_model").set_value("model")
    app.text_input(key="answer_server_key_env").set_value("SEEDBED_NO_SUCH_KEY").run()
    app.number_input(key="answer_temperature").set_value(0.5)
    app.number_input(key="answer_max_concurrency").set_value(3)
    app.selectbox(key="judge_student").set_value(f"runs/{home.FINETUNE}/checkpoints/adapter")
    app.number_input(key="filter_rouge_l_limit").set_value(0.6)
    app.toggle(key="filter_rouge_l_compares_seeds").set_value(True)
    app.text_input(key="filter_forbidden_phrases").set_value("pens, in the meantime")
    app.multiselect(key="benchmarks").set_value([OTHER_SET])
    app.number_input(key="budget_tokens").set_value(70_000)
    app.number_input(key="error_stop_percent").set_value(30)
    app.number_input(key=f"n_accepted_{home.SELECT}").set_value(7)
    prompt = app.text_area(key="prompt_word_problems_answer")
    return prompt.set_value(prompt.value + " Be brief.").run()


def test_a_run_s_settings_come_back_in_a_new_session(benchmark, visit):
    with ChatServer() as server:
        app = choose_much(visit("generate", selection=home.SELECT), server.url)
        assert not app.exception and not app.error
        button(app, "generate").click().run()
        first = newest_run(benchmark)
        assert first["config"]["error_stop"] == {"share": 0.3}
        assert first["config"]["roles"]["answer"]["key_env"] == "SEEDBED_NO_SUCH_KEY"
        app = visit("generate", selection=home.SELECT)
        assert app.selectbox(key="method").value == "rewrite" and app.selectbox(key="answer_teacher").value == SAME
        button(app, "refill_newest").click().run()
        assert not app.exception and not app.error
        assert "As in the run of" in texts(app) and not [each for each in app.button if each.key == "refill_newest"]
        button(app, "generate").click().run()
    again = newest_run(benchmark)
    assert again["run_id"] != first["run_id"]
    for name in ALIKE:
        assert again["config"][name] == first["config"][name], name


def test_a_reload_keeps_the_settings_of_the_run_in_its_address(filled, visit):
    app = visit("generate", selection=home.SELECT)
    app.text_area(key="prompt_word_problems_question").set_value("Write another: {question}")
    app.number_input(key="budget_tokens").set_value(5_000).run()
    button(app, "preview").click().run()
    run = newest_run(filled)
    app = visit("generate", selection=home.SELECT, run=run["run_id"])
    assert app.text_area(key="prompt_word_problems_question").value == "Write another: {question}"
    assert app.number_input(key="budget_tokens").value == 5_000
    assert app.number_input(key=f"n_accepted_{home.SELECT}").value == home.K, "a preview's number is nobody's wish"


def test_settings_of_any_run_of_the_selection_can_be_taken(filled, visit):
    app = visit("generate", selection=home.SELECT)
    app.multiselect(key="filters").set_value(["length"]).run()
    button(app, "refill_shown").click().run()
    assert not app.exception and app.multiselect(key="filters").value == ["rouge_l", "verified"]
    assert app.number_input(key=f"n_accepted_{home.SELECT}").value == 9
    assert not [each for each in app.button if each.key == "refill_shown"]


def test_who_is_asked_in_a_role_stays_the_same_however_the_run_was_started(filled):
    row = {"run_id": home.SELECT, "seed_set_id": home.SEED_SET}
    server = {"base_url": "http://localhost:1/v1", "model": "m", "top_p": 1}
    config = {**RunFolder(filled.settings.home / "runs" / home.GENERATE).config, "roles": {"question": server}}
    fields = list_fields(filled, row, config)
    assert fields["question_server_model"] == "m" and fields["question_server_key_env"] == ""
    assert fields["question_top_p"] == 1.0 and fields["question_temperature"] is None
    assert fields["answer_teacher"] == fields["judge_teacher"] == "the built-in teacher"
    config = {**config, "roles": {}, "teacher": {"student": "/models/far", "adapter": "/gone/adapter"}}
    fields = list_fields(filled, row, config)
    assert (fields["question_source"], fields["question_adapter"]) == ("/models/far", "/gone/adapter")
    assert fields["answer_teacher"] == SAME


def test_a_run_of_a_method_that_is_gone_is_told_of(filled, visit):
    config = {"selection_run": home.SELECT, "selector": "loss_high", "teacher": "built-in", "method": "divination",
              "filters": ["rouge_l"], "n_accepted": 9, "max_requests": 36, "replicate": 0,
              "is_preview": False}  # fmt: skip
    run_id = "20260101-000009-generate-cccc"
    with (folder := home.make_run(filled.settings.home, run_id, "Generate 9", config, "teacher")).hold():
        folder.finish("done", {})
    filled.step()
    app = visit("generate", selection=home.SELECT, run=run_id)
    assert not app.exception and "cannot be taken again" in texts(app)
