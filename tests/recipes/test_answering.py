import json

import pytest

from core.datasets import ensure_seed_set, load_problems
from core.errors import TeacherError
from core.filters.base import FilterContext
from core.lines import read_all
from core.recipes.answering import AgreesWithReference, make_answers_config, make_answers_inputs
from core.recipes.kinds import execute
from core.records import Problem
from core.runs.folder import RunFolder
from core.store.partial import open_partial
from core.tasks import TASKS
from tests.filters.stand_ins import make_candidate
from tests.teacher.server import ChatServer, Spoken

SAYS = {
    "Ada": "3 + 4 = 7\n#### 7",
    "Ben": "12 + 9 = 20\n#### 20",
    "Cleo": "I would rather not say how many there are.",
    "Dov": "It is 7 + 7 = 14, as one sees.\nThe answer is 14.",
}
SEEDS = [
    {"question": f"{name} picks {a} pears and then {b} more. How many pears are there?", "answer": f"#### {a + b}"}
    for name, a, b in [("Ada", 3, 4), ("Ben", 12, 9), ("Cleo", 40, 2), ("Dov", 7, 7)]
]


@pytest.fixture
def home(tmp_path):
    (tmp_path / "pears.jsonl").write_text("".join(json.dumps(row) + "\n" for row in SEEDS))
    return tmp_path


def speak(prompt, body, number):
    name = next(name for name in SAYS if name in prompt)
    return Spoken([(SAYS[name].encode(), -0.1)])


def make_answers(home, **choices):
    seed_set = ensure_seed_set(home, home / "pears.jsonl", has_splits=False)
    ids = [problem.problem_id for problem in load_problems(home, seed_set)]
    about = {"seed_set": seed_set, "seed_set_name": "pears", "task": "word_problems"}
    config = make_answers_config(home, about, len(ids), **choices)
    folder = RunFolder.create(
        home, "answers", title="Answers", config=config, lane="light", inputs=make_answers_inputs(ids)
    )
    return folder, execute(folder)


def test_every_seed_is_asked_and_its_answer_compared_with_the_reference(home):
    with ChatServer(speak=speak) as server:
        spec = {"base_url": server.url, "model": "model", "key_env": ""}
        folder, state = make_answers(home, teacher=spec)
        n_asked = len(server.bodies)
        _, again = make_answers(home, teacher=spec)
        assert len(server.bodies) == n_asked == 4  # what was answered once is not asked again
    assert (state, again) == ("done", "done")
    summary = folder.read_state().summary
    assert {name: summary[name] for name in ("requested", "right", "wrong", "undecided", "failed")} == {
        "requested": 4, "right": 2, "wrong": 1, "undecided": 0, "failed": 1,
    }  # fmt: skip
    rows = {row["question"].split()[0]: row for row in read_all(folder.path / "records" / "candidates.jsonl")}
    assert rows["Ada"]["question"] == SEEDS[0]["question"] and rows["Ada"]["answer"] == SAYS["Ada"]
    assert rows["Ada"]["raw_answer"] == SAYS["Ada"] and rows["Dov"]["answer"].endswith("#### 14")
    assert all(row["method"] == "answer" and len(row["parents"]) == 1 for row in rows.values())
    assert "final" in rows["Cleo"]["failure"] and rows["Cleo"]["answer"] is None
    verdicts = {row["candidate_id"]: row for row in read_all(folder.path / "records" / "verdicts.jsonl")}
    said = verdicts[rows["Ben"]["candidate_id"]]
    assert (said["is_accepted"], said["reason"]) == (False, "The answer ends in “20”, and the reference is “21”.")
    with open_partial(home, [folder.run_id, folder.config["seed_set"]]) as store:
        found = store.list_candidates(run_id=folder.run_id)
        assert sorted(found["status"]) == ["accepted", "accepted", "failed", "rejected"]
        assert found["parent_question"].tolist() == found["question"].tolist()
        assert store.list_earlier_questions(folder.config["seed_set"]) == []  # a seed's own question is no new one


def test_several_answers_to_each_seed_are_asked_for_one_after_the_other(home):
    folder, state = make_answers(home, n_per_seed=2)
    rows = read_all(folder.path / "records" / "candidates.jsonl")
    assert state == "done" and [row["sample_index"] for row in rows] == [0] * 4 + [1] * 4
    assert folder.read_state().summary["right"] == 8


def test_a_budget_ends_the_asking_and_says_so(home):
    folder, state = make_answers(home, budget={"tokens": 4300})
    summary = folder.read_state().summary
    assert state == "done" and summary["requested"] < 4 and "budget" in summary["stopped"]


def test_what_cannot_be_compared_is_left_open_with_the_reason():
    seeds = {"p0": Problem("p0", "Q", None, None), "p1": Problem("p1", "Q", None, "5")}
    candidates = [make_candidate(0, "Q", "#### 5", final="5", parents=(id_,)) for id_ in seeds]
    context = FilterContext(TASKS.get("custom"), seeds=seeds)
    open_, right = AgreesWithReference()(candidates, context)
    assert open_.is_accepted is None and open_.reason == "The seed has no reference answer to compare with."
    assert right.is_accepted is True


def test_nothing_to_ask_is_refused_before_a_run_is_made(tmp_path):
    about = {"seed_set": "s", "seed_set_name": "s", "task": "maths"}
    with pytest.raises(TeacherError, match="There are no seeds to answer"):
        make_answers_config(tmp_path, about, 0)
    with pytest.raises(TeacherError, match="Ask for 1 to 64 answers"):
        make_answers_config(tmp_path, about, 5, n_per_seed=0)
