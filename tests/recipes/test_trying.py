"""A problem of one's own, carried out as a run: what students say, what fails alone, what is refused at once."""

import pytest

from core.errors import RunError, SeedbedError, UnknownNameError
from core.hub import Hub
from core.models.predict import predict
from core.models.student import Student
from core.recipes.kinds import execute
from core.recipes.trying import NO_WEIGHTS, make_own_problem, start_try
from core.runs.folder import RunFolder
from core.settings import DEMO, Settings
from core.tasks import TASKS
from tests.pages.home import SEED_SET, fill_home
from tests.teacher.server import ChatServer, StudentSpeaker

QUESTION = "Mia buys 3 boxes of chalk at $4 each. How much does she pay?"
BASE = {"label": "tiny, base", "student": "tiny", "adapter": None, "server": None}
LOST = {"label": "lost/../adapter", "student": "tiny", "adapter": "runs/nowhere/adapter", "server": None}
CHEAP = ("loss", "correct", "loss_truth")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    home = fill_home(tmp_path_factory.mktemp("home"))
    hub = Hub(Settings(home=home, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    hub.step()
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def student():
    return Student.load("tiny")


def carry_out(hub: Hub, run_id: str) -> dict:
    execute(RunFolder(hub.settings.home / "runs" / run_id))
    hub.step()
    return hub.store.read_run(run_id)


@pytest.fixture(scope="module")
def tried(hub, student):
    with ChatServer(speak=StudentSpeaker(student)) as server:
        served = {"label": "served", "student": "model", "adapter": None,
                  "server": {"base_url": server.url, "model": "model", "key_env": ""}}  # fmt: skip
        run_id = start_try(hub, "word_problems", QUESTION, [BASE, LOST, served], reference="12", signals=CHEAP)
        return carry_out(hub, run_id)


def test_the_answer_and_its_scores_are_those_of_the_student(tried, student):
    assert (tried["state"], tried["kind"], tried["lane"]) == ("done", "try", "light")
    base, task = tried["summary"]["answers"][0], TASKS.get("word_problems")
    own = predict(student, task, [task.make_problem(QUESTION, None, "12", {})])[0]
    assert (base["text"], base["final"], base["n_tokens"]) == (own.text, own.final, own.n_tokens)
    assert base["scores"]["loss"] == pytest.approx(own.loss)
    assert base["scores"]["correct"] == float(own.is_correct)
    assert base["scores"]["loss_truth"] > 0
    ends, nats = zip(*base["surprises"], strict=True)
    assert ends == own.token_ends and sum(nats) / len(nats) == pytest.approx(own.loss, abs=1e-4)


def test_a_student_behind_a_server_answers_alike_and_says_what_it_cannot_give(tried):
    base, _, served = tried["summary"]["answers"]
    assert served["text"] == base["text"] and served["error"] is None
    assert served["scores"]["loss"] == pytest.approx(base["scores"]["loss"], abs=1e-3)
    assert served["scores"]["loss_truth"] is None and served["notes"]["loss_truth"] == NO_WEIGHTS


def test_a_student_that_fails_leaves_the_others_their_answers(tried):
    lost = tried["summary"]["answers"][1]
    assert lost["label"] == LOST["label"] and "nowhere" in lost["error"]


def test_a_reward_model_that_cannot_be_loaded_leaves_the_answer(hub):
    no_reward = str(DEMO / "tiny")  # a language model has no score head
    run = carry_out(hub, start_try(hub, "word_problems", QUESTION, [BASE], signals=["reward"], reward=no_reward))
    answer = run["summary"]["answers"][0]
    assert run["state"] == "done" and answer["text"] and answer["scores"]["loss"] > 0
    assert answer["scores"]["reward"] is None and answer["notes"]["reward"].endswith(".")


def test_a_try_leaves_the_seed_set_as_it_was(hub, tried):
    assert hub.store.list_faults().empty
    assert set(hub.store.list_prediction_sets(SEED_SET)["run_id"]).isdisjoint({tried["run_id"]})
    assert tried["run_id"] not in set(hub.store.list_runs(seed_set_id=SEED_SET)["run_id"])
    assert hub.store.read_pool(SEED_SET)["loss"].isna().all()
    assert hub.store.read_scores(tried["run_id"], BASE["label"])["correct"].notna().all()


def test_where_every_student_fails_so_does_the_run(hub):
    run = carry_out(hub, start_try(hub, "custom", "Why?", [LOST], signals=["loss"]))
    assert run["state"] == "failed" and "nowhere" in run["error"]


def test_a_try_that_is_told_to_stop_stops(hub):
    run_id = start_try(hub, "word_problems", "Stop here: how much is 2 and 2?", [BASE, LOST], signals=["loss"])
    RunFolder(hub.settings.home / "runs" / run_id).order("cancel")
    assert carry_out(hub, run_id)["state"] == "cancelled"


def test_signals_follow_the_reference(hub):
    def signals(task, question, reference):
        return hub.store.read_run(start_try(hub, task, question, [BASE], reference=reference))["config"]["signals"]

    assert signals("word_problems", QUESTION, " ") == ["loss", "correct", "reward"]
    assert signals("word_problems", QUESTION, "12") == ["loss", "correct", "loss_truth", "reward"]
    assert "loss_truth" in signals("game24", "1 4 7 8", None)  # the task's solver brings the reference


@pytest.mark.parametrize(
    ("task", "reference", "answer", "final"),
    [
        ("word_problems", "12", "#### 12", "12"),
        ("word_problems", "3*4=<<3*4=12>>12\n#### 12", "3*4=<<3*4=12>>12\n#### 12", "12"),
        ("maths", r"so \boxed{3}", r"so \boxed{3}", "3"),
        ("maths", r"\frac12", r"\boxed{1/2}", "1/2"),
        ("custom", "because of x #### Paris", "because of x #### Paris", "Paris"),
        ("custom", "Paris", "#### Paris", "Paris"),
        ("custom", None, None, None),
    ],
)
def test_a_reference_may_be_final_or_worked(task, reference, answer, final):
    problem = make_own_problem(TASKS.get(task), " How many? ", reference)
    assert (problem.question, problem.answer, problem.final) == ("How many?", answer, final)


@pytest.mark.parametrize(
    ("task", "question", "reference", "students", "signals", "error", "sentence"),
    [
        ("custom", " \n", None, [BASE], None, RunError, "no problem to try yet; type one"),
        ("custom", "Why?", None, [], None, RunError, "at least one student"),
        ("custom", "Why?", None, [BASE, BASE], None, RunError, "each only once"),
        ("game24", "1 1 1 1", None, [BASE], None, RunError, "no problem of the task Game of 24: .* cannot make 24"),
        ("word_problems", QUESTION, "a lot", [BASE], None, RunError, "'a lot' is not a number"),
        ("custom", "Why?", None, [BASE], ["gradient"], RunError, "gradient compares many problems"),
        ("custom", "Why?", None, [BASE], ["los"], UnknownNameError, "no signal named 'los'"),
        ("chess", "Why?", None, [BASE], None, UnknownNameError, "no task named 'chess'"),
    ],
)
def test_what_cannot_be_tried_is_one_sentence(hub, task, question, reference, students, signals, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        start_try(hub, task, question, students, reference=reference, signals=signals)
    assert isinstance(caught.value, SeedbedError)
