"""What a person asked for and what came of it, beyond its numbers: requests one by one, students, wrong on purpose."""

import time

import pytest

from core.recipes.comparing_methods import start_comparison
from pages.components import numbers
from pages.components.scoring import SERVER
from pages.components.spending import N_REQUESTS, list_requests, word_paid
from pages.components.teaching import ROLE_NAMES, STUDENT, name_spec
from tests.pages import home
from tests.pages.test_pages import button, metric, texts

ADAPTER = f"runs/{home.FINETUNE}/checkpoints/adapter"
CALLS = "20260101-000007-generate-aaaa"
WRONG = "20260101-000008-generate-aaaa"


def call(number: int, **more) -> dict:
    return {
        "call_id": f"call_{number}", "purpose": "question" if number % 2 else "answer", "task": "word_problems",
        "teacher": "large", "host": "there", "sample_index": 0, "n_input_tokens": 1200, "n_output_tokens": 60,
        "is_cached": False, "finish_reason": "stop", "error": None, "n_attempts": 1, "seconds": 2.0,
        "nominal_usd": 0.01, "paid_usd": 0.01, "charged_tokens": 1260, "charged_usd": 0.01,
        "written_at": time.time() + number, **more,
    }  # fmt: skip


LOST = {
    "finish_reason": None,
    "error": "The server did not answer within 5 s.",
    "n_output_tokens": None,
    "n_attempts": 3,
}


@pytest.fixture
def asked(filled):
    """A run with four requests: one failed, one from the cache, one without price."""
    folder = home.make_run(filled.settings.home, CALLS, "Asked", {"selection_run": home.SELECT}, "teacher")
    with folder.hold():
        for row in (
            call(1, **LOST, paid_usd=None, nominal_usd=None), call(2),
            call(3, is_cached=True, finish_reason="length", paid_usd=0.0, n_attempts=0),
            call(4, paid_usd=None, nominal_usd=None),
        ):  # fmt: skip
            folder.append("calls", row)
        folder.finish("done", {"accepted": 0})
    filled.step()
    return filled


@pytest.fixture
def wrong(filled):
    """A run whose one accepted candidate is wrong on purpose."""
    about = {"selection_run": home.SELECT, "selector": "loss_high", "method": "incorrect", "is_preview": False}
    folder = home.make_run(filled.settings.home, WRONG, "Wrong ones", about, "teacher")
    with folder.hold():
        folder.append("candidates", {
            "candidate_id": "candidate_wrong", "round": 1, "position": 0, "parents": ["problem_train_000"],
            "question": "How many?", "answer": "#### 9", "final": "9", "failure": None, "method": "incorrect",
            "teacher": "built-in", "raw_question": "q", "raw_answer": "a", "n_input_tokens": 1, "n_output_tokens": 1,
            "sample_index": 0, "meta": {"label": "incorrect"}, "written_at": 4.0,
        })  # fmt: skip
        folder.finish("done", {"accepted": 1})
    filled.step()
    return filled


def find_requests(app):
    return next(frame.value for frame in app.dataframe if "sent" in frame.value)


def test_requests_of_a_run_can_be_looked_at_the_failed_ones_first(asked, visit, monkeypatch):
    read = asked.store.list_calls
    monkeypatch.setattr(asked.store, "list_calls", lambda *_args, **_more: 1 / 0)
    app = visit("runs", run=CALLS)
    assert not app.exception  # nothing is read while they are folded
    monkeypatch.setattr(asked.store, "list_calls", read)
    app.session_state[f"calls_{CALLS}"] = True
    app.run()
    assert not app.exception and not app.error
    table = find_requests(app)
    assert table["error"][0] == LOST["error"] and table["sent"].tolist() == ["3", "1", "cached", "1"]
    assert table["end"].tolist() == ["failed", "whole", "cut off", "whole"]
    assert table["paid"].tolist() == ["unknown", "unknown", "$0", "$0.010"]
    assert table["out"][0] == numbers.MISSING and table["in"][0] == "1.2k"
    app.toggle(key=f"failed_first_{CALLS}").set_value(False).run()
    assert find_requests(app)["end"].tolist() == ["whole", "cut off", "whole", "failed"]
    app.selectbox(key="runs_run").set_value(home.FINETUNE).run()  # it asked nobody
    assert not app.exception and not any("one by one" in fold.label for fold in app.expander)


def test_a_failed_request_before_the_newest_ones_is_still_first(filled):
    folder = home.make_run(filled.settings.home, CALLS, "Asked", {}, "teacher")
    with folder.hold():
        for number in range(N_REQUESTS + 5):
            folder.append("calls", call(number, **(LOST if number == 0 else {})))
    filled.step()
    rows = list_requests(filled, CALLS, are_failed_first=True)
    assert len(rows) == N_REQUESTS and rows["error"].notna().tolist() == [True] + [False] * (N_REQUESTS - 1)
    assert rows["call_id"].is_unique
    assert list_requests(filled, CALLS, are_failed_first=False)["error"].isna().all()


def test_a_request_under_way_has_no_price_yet():
    assert word_paid({"is_cached": None, "is_open": True, "paid_usd": None}) == numbers.MISSING


def test_what_was_sent_is_counted_in_requests(asked, visit):
    app = visit("generate", selection=home.SELECT, run=CALLS)
    assert metric(app, "requests") == "4" and "calls" not in [metric.label for metric in app.metric]
    told = texts(app)
    assert "1 request ended without a reply" in told and "1 request answered from the cache" in told


def test_a_student_trained_here_can_be_its_own_teacher(filled, visit):
    app = visit("generate", selection=home.SELECT)
    labels = [box.label for box in app.selectbox]
    assert all(label in labels for label in ROLE_NAMES.values()) and "grader" not in ROLE_NAMES  # none grades here
    app.selectbox(key="question_teacher").set_value(STUDENT).run()
    app.selectbox(key="question_student").set_value(ADAPTER).run()
    assert not app.exception and not app.error
    button(app, "generate").click().run()
    filled.step()
    run = filled.store.read_run(filled.store.list_runs(["generate"]).iloc[0]["run_id"])
    assert run["config"]["teacher"] == {"student": "tiny", "adapter": ADAPTER} and run["lane"] == "device"
    assert name_spec(run["config"]["teacher"]) == f"the student tiny with {home.FINETUNE}"


def test_folders_of_a_student_become_whole_paths_and_wrong_ones_are_said(filled, visit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, names in (("model", ("config.json", "model.safetensors")), ("tuned", ("adapter_config.json",))):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).touch()
    app = visit("generate", selection=home.SELECT)
    app.selectbox(key="question_teacher").set_value(STUDENT).run()
    app.selectbox(key="question_student").set_value("a folder or a Hugging Face id").run()
    assert button(app, "generate").disabled
    app.text_input(key="question_source").set_value("model")
    app.text_input(key="question_adapter").set_value("tuned").run()
    assert any("no LoRA adapter" in error.value for error in app.error) and button(app, "generate").disabled
    (tmp_path / "tuned" / "adapter_model.safetensors").write_bytes(home.EMPTY)
    app.run()
    assert not app.exception and not app.error
    button(app, "generate").click().run()
    filled.step()
    config = filled.store.read_run(filled.store.list_runs(["generate"]).iloc[0]["run_id"])["config"]
    assert config["teacher"] == {"student": str(tmp_path / "model"), "adapter": str(tmp_path / "tuned")}


def test_a_comparison_waits_where_a_local_student_may_work_and_keeps_away_from_benchmarks(filled):
    lanes = {
        teacher if isinstance(teacher, str) else "student": filled.store.read_run(
            start_comparison(filled, home.SELECT, ["rewrite", "vs_standard"], n_seeds=1, n_per_seed=1, teacher=teacher)
        )
        for teacher in ("built-in", {"student": "tiny"})
    }
    assert {name: run["lane"] for name, run in lanes.items()} == {"built-in": "teacher", "student": "device"}


def test_a_comparison_takes_over_all_that_the_page_lets_choose():
    from core.recipes.generating import make_generate_config
    from pages.components.method_table import CHOICES

    of_its_own = {"method", "max_requests", "replicate", "turn", "is_preview"}
    assert set(make_generate_config.__kwdefaults__) - of_its_own == CHOICES


def test_what_is_wrong_on_purpose_says_so_in_the_review(wrong, visit):
    app = visit("review", run=WRONG)
    assert not app.exception and any("Wrong on purpose" in warning.value for warning in app.warning)
    assert not any("Wrong on purpose" in warning.value for warning in visit("review", run=home.GENERATE).warning)


def test_a_finetune_takes_what_is_wrong_on_purpose_as_wrong_answers_only(wrong, visit):
    app = visit("finetune", sources=WRONG)
    app.multiselect(key="sources").set_value([WRONG]).run()
    assert {item.label: item.value for item in app.metric} == {"training rows": "1", "wrong answers among them": "1"}
    assert any("no row has a right answer" in warning.value for warning in app.warning)


def come_back(app):
    app.switch_page("seeds_page.py").run()
    app.query_params.clear()
    return app.switch_page("generate_page.py").run()


def test_a_prompt_of_one_s_own_is_there_when_one_comes_back(filled, visit):
    app = visit("generate", selection=home.SELECT, method="free")
    app.text_area(key="free_prompt").set_value("Another one like {question}").run()
    assert come_back(app).text_area(key="free_prompt").value == "Another one like {question}"


def test_settings_sampling_and_limits_are_there_when_one_comes_back(filled, visit):
    app = visit("generate", selection=home.SELECT, method="vs_multi")
    app.selectbox(key="question_teacher").set_value("a model behind a server").run()

    texts = {"url": "http://localhost:1/v1", "model": "model", "key_env": "ODD_KEY"}
    for field, value in texts.items():
        app.text_input(key=f"question_server_{field}").set_value(value)
    app.run()
    values = {"n_per_call": 4, "tail": 0.1, "method_temperature": 1.2}
    values |= {"question_temperature": 0.3, "question_top_p": 0.9, "question_max_tokens": 600}
    values |= {f"question_{name}": 30 for name in ("max_concurrency", "requests_per_minute", "tokens_per_minute")}
    for key, value in values.items():
        app.number_input(key=key).set_value(value)
    app.toggle(key="without_seeds").set_value(True).run()
    come_back(app)
    assert {field: app.text_input(key=f"question_server_{field}").value for field in texts} == texts
    assert app.selectbox(key="method").value == "vs_multi" and app.toggle(key="without_seeds").value
    assert {key: app.number_input(key=key).value for key in values} == values


def test_a_student_behind_a_server_is_there_when_one_comes_back(filled, visit):
    app = visit("select", seeds=home.SEED_SET)
    next(box for box in app.selectbox if box.label == "Student").set_value(SERVER).run()
    app.text_input(key="score_server_url").set_value("http://localhost:1/v1")
    app.text_input(key="score_server_model").set_value("small").run()
    app.switch_page("seeds_page.py").run()
    app.query_params.clear()
    app.switch_page("select_page.py").run()
    assert not app.exception and app.text_input(key="score_server_url").value == "http://localhost:1/v1"
    assert app.text_input(key="score_server_model").value == "small"
