"""Review: a student is asked for what is read, from the page; the time is told before, the progress while it runs."""

from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from core.store.queue_filter import QueueFilter
from tests.pages import home
from tests.pages.test_pages import button, texts
from tests.pages.test_review import browser  # noqa: F401


def read(app):
    assert not app.exception
    return texts(app).replace("\\", "").replace("\u00a0", " ").replace("**", "")


def test_the_student_that_chose_the_seeds_answers_and_its_answer_is_shown(filled, visit, browser):  # noqa: F811
    app = visit("review", run=home.GENERATE)
    assert "It was not asked." in read(app)
    button(app, "review_ask").click().run()
    said = read(app)
    assert "9 candidates that passed the filters and the 9 seeds" in said and "not measured on this machine" in said
    assert app.selectbox(key="review_ask_student").value == "tiny, base"
    button(app, "review_ask_start").click().run()
    (run,) = filled.store.list_runs(["ask"]).to_dict("records")
    filled.step()
    app = visit("review", run=home.GENERATE)
    assert "tiny, base answers 9 candidates from pens" in read(app)
    assert button(app, f"cancel_{run['run_id']}")
    assert execute(RunFolder(filled.settings.home / "runs" / run["run_id"])) == "done"
    filled.step()
    app = visit("review", run=home.GENERATE, order="hardest")
    said = read(app)
    assert "Student tiny, base" in said and "than its seed" in said and "It was not asked." not in said
    hardest = filled.store.list_queue_texts(QueueFilter(run=home.GENERATE, order="hardest")).iloc[0]
    assert browser.shown()["candidate"] == hardest["candidate_id"] and hardest["loss"] > 0


def test_a_run_whose_candidates_are_being_answered_elsewhere_shows_nothing(filled, visit, browser):  # noqa: F811
    app = visit("review", run=home.GENERATE)
    button(app, "review_ask").click().run()
    button(app, "review_ask_start").click().run()
    assert "answers 9 candidates" not in read(visit("review", run=home.LOOP))
