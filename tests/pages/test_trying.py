"""The try-it box, with a real run of the shipped student in between."""

import re

from streamlit.testing.v1 import AppTest

from core import hub as hubs
from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from pages.components.trying import gather_notes

BASE = {"label": "tiny, base", "student": "tiny", "adapter": None, "server": None}
LOST = {"label": "<b>round-1</b>", "student": "tiny", "adapter": "runs/nowhere/adapter", "server": None}
OLDER = {**LOST, "label": "older"}
HOSTILE = "<img src=x onerror=alert(1)> ![x](http://evil.example/p.png) Mia buys 3 pens at $4 each. How much?"


def script(task, students):
    from core.hub import get_hub
    from pages.components.trying import draw_try

    draw_try(get_hub(), task, students)


def open_box(task="word_problems", students=(BASE, LOST, OLDER)) -> AppTest:
    return AppTest.from_function(script, args=(task, list(students)), default_timeout=60).run()


def ask(app: AppTest, question: str, reference: str = "", task: str = "word_problems") -> AppTest:
    app.text_area(key=f"try_question_{task}").set_value(question)
    app.text_area(key=f"try_reference_{task}").set_value(reference)
    return app.button(key=f"try_{task}").click().run()


def carry_out(hub) -> str:
    run_id = hub.store.list_runs(["try"], limit=1).iloc[0]["run_id"]
    execute(RunFolder(hub.settings.home / "runs" / run_id))
    hub.step()
    return run_id


def test_base_and_newest_adapter_are_chosen_at_first(empty):
    assert open_box().multiselect[0].value == [BASE["label"], LOST["label"]]
    assert open_box(students=[BASE]).multiselect[0].value == [BASE["label"]]
    assert open_box(students=[]).multiselect[0].value == []


def test_an_empty_problem_is_one_sentence_and_no_run(empty):
    app = ask(open_box(), "  ")
    assert not app.exception and "type one first" in app.error[0].value
    assert empty.store.list_runs(["try"]).empty


def test_a_problem_that_the_task_refuses_is_one_sentence(empty):
    app = ask(open_box("game24"), "1 1 1 1", task="game24")
    assert "cannot make 24" in app.error[0].value and empty.store.list_runs(["try"]).empty


def test_answers_stand_side_by_side_and_stay(empty):
    app = ask(open_box(), HOSTILE, "12")
    assert not app.exception and not app.error
    assert any("queue" in bar.proto.text for bar in app.get("progress"))
    assert app.button(key=f"try_cancel_{empty.store.list_runs(['try']).iloc[0]['run_id']}")
    carry_out(empty)
    for _ in range(2):
        app.run()
        assert not app.exception
        assert len(app.get("html")) == 1 and "seedbed-surprise" in app.get("html")[0].proto.body
        assert len(app.error) == 1 and "nowhere" in app.error[0].value
        table = app.dataframe[0].value.set_index("score")
        losses = table.loc[["Loss of the student's own answer", "Loss of the reference answer"]]
        assert set(losses["unit"]) == {"nats per token"} and losses["student_0"].astype(float).gt(0).all()
        assert "Reward of the student's own answer" in table.index and "Right or wrong" not in table.index
    texts = [item.value.replace("\\,", ",") for item in app.markdown]
    assert any(BASE["label"] in text and ("right" in text or "wrong" in text) for text in texts)
    assert not any(re.search(r"(?<!\\)<(?:img|b>)|\]\(http", text) for text in texts)
    assert any("Reference: **12**" in item.value for item in app.caption)


def test_a_try_of_another_task_is_not_shown(empty):
    app = ask(open_box(students=[BASE]), HOSTILE, "12")
    carry_out(empty)
    app.run()
    assert app.dataframe
    app.args = ("custom", [BASE])
    assert not app.run().dataframe


def test_a_failed_try_says_why_and_a_trashed_one_is_forgotten(empty):
    app = ask(open_box(students=[LOST]), HOSTILE)
    run_id = carry_out(empty)
    app.run()
    assert "nowhere" in app.error[0].value and not app.dataframe
    empty.trash(run_id)
    assert not app.run().error


def test_a_waiting_try_can_be_cancelled(empty):
    app = ask(open_box(students=[BASE]), HOSTILE)
    run_id = empty.store.list_runs(["try"]).iloc[0]["run_id"]
    app.button(key=f"try_cancel_{run_id}").click().run()
    empty.step()
    assert not app.exception and hubs.get_hub().store.read_run(run_id)["state"] == "cancelled"


def test_what_holds_for_several_students_is_said_once():
    served = {"notes": {"loss_truth": "no weights", "correct": "by wrong steps"}, "scores": {"correct": 0.0}}
    other = {"notes": {"loss_truth": "no weights", "correct": "no reference"}, "scores": {"correct": None}}
    found = gather_notes([{"label": "a", **served}, {"label": "b", **other}])
    assert found == {("loss_truth", "no weights"): ["a", "b"], ("correct", "by wrong steps"): ["a"]}
