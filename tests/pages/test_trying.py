"""The try-it box, with a real run of the shipped student in between."""

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from core import hub as hubs
from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from pages.components import numbers, trained_students
from pages.components.choosing import list_students
from pages.components.score_text import mark_verdict, say_verdict
from pages.components.trying import WIDTH, gather_notes
from tests.pages.home import N_TRAIN, SEED_SET, make_run, predictions
from tests.teacher.server import ChatServer

BASE = {"label": "tiny, base", "student": "tiny", "adapter": None, "server": None}
LOST = {"label": "<b>round-1</b>", "student": "tiny", "adapter": "runs/nowhere/adapter", "server": None}
OLDER = {**LOST, "label": "older"}
HOSTILE = "<img src=x onerror=alert(1)> ![x](http://evil.example/p.png) Mia buys 3 pens at $4 each. How much?"


def script(task, students):
    from core.hub import get_hub
    from pages.components.trying import draw_try

    draw_try(get_hub(), task, students, reward="tiny-reward")


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
    app = open_box()
    app.checkbox(key="try_rate_word_problems").check()
    ask(app, HOSTILE, "12")
    assert not app.exception and not app.error
    assert any("queue" in bar.proto.text for bar in app.get("progress"))
    assert app.button(key=f"try_cancel_{empty.store.list_runs(['try']).iloc[0]['run_id']}")
    carry_out(empty)
    for _ in range(2):
        app.run()
        assert not app.exception
        assert len(app.get("html")) == 1 and "seedbed-surprise" in app.get("html")[0].proto.body
        assert len(app.error) == 1 and "nowhere" in app.error[0].value
        assert json.loads(app.dataframe[0].proto.columns)["student_0"]["width"] == WIDTH
        table = app.dataframe[0].value.set_index("score")
        losses = table.loc[["Loss of the student's own answer", "Loss of the reference answer"]]
        assert set(losses["unit"]) == {"nats per token"} and losses["student_0"].astype(float).gt(0).all()
        rate = table.loc["Share of drawn answers that are right", "student_0"].replace(numbers.SPACE, " ")
        assert re.fullmatch(r"\d+\.\d % \(\d+\.\d to \d+\.\d %\)", rate)
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
    assert found == {
        ("loss_truth", "no weights"): ["a", "b"],
        ("correct", "by wrong steps"): ["a"],
        ("correct", "no reference"): ["b"],
    }


def test_without_a_reference_right_or_wrong_is_not_known_and_no_cell_is_empty(empty):
    with ChatServer(gives_logprobs=False, gives_usage=False) as server:
        served = {"label": "served", "student": "model", "adapter": None,
                  "server": {"base_url": server.url, "model": "model", "key_env": ""}}  # fmt: skip
        app = open_box(students=[BASE, served])
        app.multiselect[0].set_value([BASE["label"], "served"])
        app.checkbox(key="try_rate_word_problems").check()
        ask(app, "How much do 3 pens at $4 each cost?")
        carry_out(empty)
    app.run()
    assert not app.exception and not app.error
    heads = [item.value for item in app.markdown if item.value.startswith("**")]
    assert len(heads) == 2 and all("not known" in head and "right" not in head for head in heads)
    table = app.dataframe[0].value.set_index("score")
    assert not table.isna().any(axis=None) and not table.map(lambda cell: cell in ("None", "nan")).any(axis=None)
    own = table.loc["Loss of the student's own answer"]
    assert own["student_1"] == numbers.MISSING and float(own["student_0"]) > 0
    assert set(table.loc["Share of drawn answers that are right", ["student_0", "student_1"]]) == {numbers.MISSING}
    said = [item.value for item in app.caption]
    assert "Right or wrong: the problem has no reference answer." in said  # of all students, so nobody is named
    assert any("own answer, served: " in text for text in said)


@pytest.mark.parametrize(
    ("value", "word"), [(1.0, "right"), (0.0, "wrong"), (None, "not known"), (float("nan"), "not known")]
)
def test_a_verdict_is_a_word(value, word):
    assert say_verdict(value) == word and word in mark_verdict(value)


# Whom the box offers


def add_answers(hub, number: int, student: str, **config) -> None:
    """A score run of the seed set that some student has answered; a higher number is a newer run."""
    run_id = f"20260102-{number:06d}-score-aaaa"
    folder = make_run(hub.settings.home, run_id, "Score", {"student": student, "label": "base", **config}, "device")
    with folder.hold():
        folder.write_part("predictions", predictions("base", "train", N_TRAIN, 0.5))
        folder.finish("done", {})
    hub.step()


def serve(base_url: str, model: str, key_env: str = "") -> dict:
    return {"student": model, "server": {"base_url": base_url, "model": model, "key_env": key_env}}


def labels(hub) -> list[str]:
    return [each["label"] for each in list_students(hub, SEED_SET)]


def test_the_built_in_student_and_every_adapter_are_offered(filled):
    offered = list_students(filled, SEED_SET)
    assert offered[0] == BASE
    tuned = [each for each in offered if each["adapter"]]
    assert [each["adapter"] for each in tuned] == filled.store.list_adapters(SEED_SET)["path"].tolist()
    assert len(tuned) == len(offered) - 1 and all(" · " in each["label"] for each in tuned)


def test_whoever_has_answered_before_is_offered_newest_first(filled):
    usual = labels(filled)
    add_answers(filled, 1, "org/model")
    add_answers(filled, 2, **serve("http://localhost:8000/v1", "Qwen/Qwen3-0.6B", "OLD_KEY"))
    add_answers(filled, 3, **serve("https://far.example/v1", "/models/own"))
    add_answers(filled, 4, "/home/me/models/finetuned")
    add_answers(filled, 5, **serve("http://localhost:8000/v1", "Qwen/Qwen3-0.6B", "NEW_KEY"))
    add_answers(filled, 6, "tiny", adapter="runs/gone/adapter")
    offered = {each["label"]: each for each in list_students(filled, SEED_SET)}
    assert list(offered) == [
        "tiny, base", "finetuned, base", "org/model, base", "Qwen/Qwen3-0.6B at localhost:8000", "own at far.example",
        *usual[1:],
    ]  # fmt: skip
    assert offered["finetuned, base"]["student"] == "/home/me/models/finetuned"
    served = offered["Qwen/Qwen3-0.6B at localhost:8000"]
    assert served == {
        "label": served["label"], "student": "Qwen/Qwen3-0.6B", "adapter": None,
        "server": {"base_url": "http://localhost:8000/v1", "model": "Qwen/Qwen3-0.6B", "key_env": "NEW_KEY"},
    }  # fmt: skip


def test_labels_that_would_be_the_same_are_told_apart(filled, monkeypatch):
    add_answers(filled, 1, "/a/model")
    add_answers(filled, 2, "/b/model")
    add_answers(filled, 3, **serve("http://localhost:8000/v1", "m"))
    add_answers(filled, 4, **serve("http://localhost:8000/other", "m"))
    monkeypatch.setattr(trained_students, "name_adapter", lambda row: "same")  # two loops of one name in one minute
    made = filled.store.list_adapters(SEED_SET)["run_id"].tolist()
    assert len(made) > 1
    found = labels(filled)
    assert found[-len(made) :] == [f"same, {run_id}" for run_id in made]
    assert len(set(found)) == len(found)
    assert {"/a/model, base", "/b/model, base"} < set(found)
    assert {"m at http://localhost:8000/v1", "m at http://localhost:8000/other"} < set(found)


def test_answers_to_another_seed_set_offer_nobody(filled):
    add_answers(filled, 1, "org/model", seed_set="20260101-000001-import-bbbb")
    assert "org/model, base" not in labels(filled)
