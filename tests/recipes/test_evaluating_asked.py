"""Evaluations by how students are asked and graded: several answers, servers, graders, what the memory holds."""

import weakref

import pandas as pd
import pytest

from core.evaluation.sets import find_set
from core.recipes import evaluating
from core.recipes.kinds import execute
from core.tasks import TASKS
from tests.recipes.evaluating_world import cut_questions, evaluate, make_run, newest, put_adapter
from tests.teacher.server import ChatServer, Spoken, status


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home").resolve()


@pytest.fixture(scope="module")
def questions(seed_files, tmp_path_factory):
    return cut_questions(seed_files, tmp_path_factory.mktemp("questions"))


@pytest.fixture(scope="module")
def adapter(home):
    return put_adapter(home)


@pytest.fixture(scope="module")
def chosen(home, questions):
    return find_set(home, str(questions))


def speak_of_numbers(prompt, body, number):
    """Two answers of a model that is drawn from: its seed, or the number of the choice, decides which."""
    final = 7 + (body.get("seed", 0) + number) % 2
    return Spoken([(b"It is ", -0.5), (f"{final}.\n#### {final}".encode(), -0.25), (b"<end>", -0.1)], n_hidden=1)


@pytest.mark.parametrize(
    "script",
    [
        {},
        {"honours_n": False},
        {"refused_fields": frozenset({"n"})},
        {"refused_fields": frozenset({"logprobs", "seed"})},
        {"gives_logprobs": False, "gives_usage": False},
    ],
    ids=["whole", "one choice at a time", "refuses n", "refuses logprobs and seed", "tells little"],
)
def test_several_answers_of_a_student_behind_a_server_are_drawn_and_counted(home, questions, tmp_path, capsys, script):
    out = tmp_path / "served.parquet"
    with ChatServer(speak=speak_of_numbers, **script) as server:
        more = ("--student", server.url, "--samples", 3, "--temperature", 0.8, "--limit", 5)
        assert evaluate(home, questions, out, *more) == 0
        first = len(server.bodies)
        assert evaluate(home, questions, tmp_path / "again.parquet", *more) == 0
        assert len(server.bodies) == first  # all of them are remembered
    frame, base = pd.read_parquet(out), newest(home).read_state().summary["students"]["base"]
    assert frame["sample"].tolist() == [0, 1, 2] * 5 and set(frame["final"]) == {"7", "8"}
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "again.parquet"), frame)
    assert (base["n_asked"], base["n_answers"], base["n_judged"], base["n_truncated"]) == (5, 15, 15, 0)
    assert base["accuracy"] == pytest.approx(frame["is_correct"].astype(float).mean())
    assert [row["k"] for row in base["pass_at"]] == [1, 2, 3] and "maj@3 " in capsys.readouterr().out
    tells = script.get("gives_logprobs", True) and "logprobs" not in script.get("refused_fields", ())
    assert frame["loss"].notna().all() if tells else frame["loss"].isna().all()
    assert not base["ignores_temperature"]


def test_samples_are_counted_by_problem_and_graded(home, questions, tmp_path, capsys):
    out = tmp_path / "drawn.parquet"
    more = ("--samples", 4, "--temperature", 0.8, "--limit", 8, "--grader", "built-in")
    assert evaluate(home, questions, out, *more) == 0
    frame, said = pd.read_parquet(out), capsys.readouterr().out
    assert frame["sample"].tolist() == [0, 1, 2, 3] * 8 and frame["text"].nunique() > 8
    share = frame.groupby("problem_id")["is_correct"].mean()
    summary = newest(home).read_state().summary
    base = summary["students"]["base"]
    assert base["accuracy"] == pytest.approx(share.mean()) and base["n"] == 8 and base["n_answers"] == 32
    assert [row["k"] for row in base["pass_at"]] == [1, 2, 4]
    assert base["pass_at"][-1]["accuracy"] == pytest.approx((share > 0).mean())
    assert "mean@4 (95 %)" in said and f"pass@4 {(share > 0).mean():.1%}" in said and "maj@4 " in said
    assert frame["grade"].notna().all() and frame["grade_reason"].str.contains("Final Verdict").all()
    agreement = summary["agreement"]["base"]
    assert agreement["n_graded"] == 32
    assert agreement["share"] == pytest.approx((frame["grade"] == frame["is_correct"]).mean())
    assert "agrees with the checker on" in said
    calls = (newest(home).path / "records" / "calls.jsonl").read_text()
    assert "grade" in calls  # what grading costs stands in the ledger of the run


def test_a_grader_that_is_gone_costs_only_the_grades(home, questions, tmp_path, capsys):
    out = tmp_path / "x.parquet"
    with ChatServer(models=("gpt-a",)) as server:
        server.script.poison["Final Verdict"] = status(401, "no")
        more = ("--grader", server.url, "--grader-model", "nope", "--limit", 5)
        assert evaluate(home, questions, out, *more) == 1
    said = capsys.readouterr()
    assert "grade failed: " in said.err and "offers 'gpt-a'" in said.out
    frame = pd.read_parquet(out)
    assert frame["grade"].isna().all() and frame["is_correct"].notna().all() and len(frame) == 5


def test_one_student_is_gone_before_the_next_is_loaded_and_before_the_grader_reads(home, chosen, adapter, monkeypatch):
    models, alive, load, grade = [], [], evaluating.open_student, evaluating._grade

    def count_alive():
        alive.append(sum(model() is not None for model in models))

    def open_counted(*args):
        count_alive()
        student = load(*args)
        models.append(weakref.ref(student.model))
        return student

    def grade_counted(*args):
        count_alive()
        grade(*args)

    monkeypatch.setattr(evaluating, "open_student", open_counted)
    monkeypatch.setattr(evaluating, "_grade", grade_counted)
    folder = make_run(home, chosen, adapter=str(adapter.relative_to(home)), limit=2, grader="built-in")
    assert execute(folder) == "done"
    assert len(models) == 2 and alive == [0, 0, 0, 0]
    assert set(folder.read_state().summary["agreement"]) == {"base", "tuned"}


def test_a_student_on_this_machine_grades_and_what_it_leaves_open_is_told(home, questions, tmp_path, capsys):
    out = tmp_path / "graded.parquet"
    assert evaluate(home, questions, out, "--limit", 2, "--grader", "tiny") == 0
    assert newest(home).config["teacher"] == {"student": "tiny"}
    frame, said = pd.read_parquet(out), capsys.readouterr().out
    assert frame["grade"].isna().all() and frame["grade_reason"].str.contains("could not be read").all()
    assert "note: base: the grader gave no verdict on 2 of 2 answers: The grader's reply could not be read" in said


def test_a_student_that_never_comes_to_an_end_is_told(home, questions, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(type(TASKS.get("word_problems")), "max_new_tokens", 2)
    assert evaluate(home, questions, tmp_path / "cut.parquet", "--limit", 4) == 0
    said = capsys.readouterr().out
    assert "base: 4 answers: 4 cut off before a final answer" in said
    assert "note: base: every answer was cut off, by the task's limit of tokens or the end of the student's" in said
