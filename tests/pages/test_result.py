"""The view Result of the page Finetune: every answer before and after, and the way to Evaluate."""

import pytest

from core import hub as hubs
from core.recipes.trained import read_rows
from pages.components import result
from tests.pages import home
from tests.pages.conftest import open_home
from tests.pages.test_pages import button, texts

N_MANY = 70


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """More test problems than fit onto a screen; 18 right before, 42 after."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home, "N_TEST", N_MANY)
        yield open_home(home.fill_home(tmp_path_factory.mktemp("home")))
    hubs.close()


@pytest.fixture
def page(many, visit):
    app = visit("finetune", run=home.FINETUNE, show="result")
    assert not app.exception and not app.error
    return app


def table_of(app):
    return next(each.value for each in app.dataframe if "question" in each.value)


def test_every_answer_can_be_reached_and_says_how_many_there_are(page):
    n_before, n_after = 18, 42
    group = page.pills(key=f"examples_{home.FINETUNE}_round-1_test")
    assert list(group.options) == [
        f"gained {n_after - n_before}", f"still wrong {N_MANY - n_after}", f"still right {n_before}", f"all {N_MANY}"
    ]  # fmt: skip
    assert len(table_of(page)) == n_after - n_before and "stand-in" in texts(page)
    assert f"{n_after - n_before} of {N_MANY} problems" in texts(page)
    group.set_value("all").run()
    assert len(table_of(page)) == N_MANY  # nothing is cut off


def test_an_opened_answer_has_the_reason_of_the_checker(page):
    said = texts(page).replace("\\", "")
    seed = home.problem_row(18, "test")  # the first that was gained
    assert f"The final answer 7 differs from the reference {seed['final']}." in said
    assert f"The final answer {seed['final']} is the reference." in said
    assert "The student before training · :red[" in said and "The student after training · :green[" in said


def test_best_and_worst_come_first_and_chance_mixes(page):
    page.pills(key=f"examples_{home.FINETUNE}_round-1_test").set_value("all").run()

    def first(order):
        page.selectbox(key=f"examples_order_{home.FINETUNE}_round-1_test").set_value(order).run()
        assert not page.exception
        return table_of(page)["question"].tolist()

    questions = {number: home.problem_row(number, "test")["question"] for number in range(N_MANY)}
    worst = [*range(42, N_MANY), *range(42)]  # 42 right after; losses fall with the position
    assert first("worst") == [questions[number] for number in worst]
    assert first("best") == [questions[number] for number in reversed(worst)]
    mixed = first("random")
    assert mixed != first("source") and sorted(mixed) == sorted(questions.values())


def test_a_click_opens_evaluate_with_what_was_trained(many, visit):
    app = visit("finetune", run=home.FINETUNE, show="result")
    button(app, f"evaluate_{home.FINETUNE}").click().run()
    assert not app.exception and app.title[0].value == "Evaluate"
    path = next(row["path"] for row in many.store.list_adapters().to_dict("records") if row["run_id"] == home.FINETUNE)
    assert app.selectbox(key="evaluate_student").value == path
    assert app.selectbox(key="evaluate_set").value == home.SEED_SET


def test_the_rows_of_a_run_are_read_once_however_often_the_page_is_drawn(many, visit, monkeypatch):
    read = []
    monkeypatch.setattr(result, "read_rows", lambda home, run_id: read.append(run_id) or read_rows(home, run_id))
    result._read_origins.clear()
    app = visit("finetune", run=home.FINETUNE, show="result")
    app.run()
    assert not app.exception and "stand-in" in texts(app) and read == [home.FINETUNE]


def test_a_run_that_asked_no_test_problems_says_so_and_leads_on(many, visit):
    run_id = "20260101-000009-finetune-aaaa"
    folder = home.make_run(many.settings.home, run_id, "Finetune tiny", {"student": "tiny", "evaluates": []})
    with folder.hold():
        home.append_training(folder)
        folder.finish("done", {})
    many.step()
    app = visit("finetune", run=run_id, show="result")
    assert "asked no test problems before and after" in texts(app) and "stand-in" not in texts(app)
    button(app, f"evaluate_{run_id}").click().run()
    assert not app.exception and run_id in app.selectbox(key="evaluate_student").value


def test_a_run_that_went_on_from_an_adapter_has_its_first_answers_too(many, visit):
    run_id = "20260101-000010-finetune-aaaa"
    folder = home.make_run(many.settings.home, run_id, "Finetune tiny on", {"student": "tiny", "adapter": "runs/x"})
    with folder.hold():
        home.append_training(folder, first="start")
        home.append_evaluations(folder)
        folder.finish("done", {})
    many.step()
    app = visit("finetune", run=run_id, show="result")
    assert not app.exception and {"before", "after"} <= set(table_of(app).columns)
