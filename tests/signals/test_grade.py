"""The grade signal: verdicts read from odd replies, and a built-in grader that agrees with the task's check."""

import json

import numpy as np
import pytest

from core.errors import TeacherError
from core.records import Prediction, Problem
from core.settings import DEMO
from core.signals.base import SIGNALS, Scoring
from core.signals.grade import read_verdict, write_grader_prompt
from core.signals.reference import NO_REFERENCE
from core.tasks import TASKS
from core.teacher.base import TeacherReply
from core.teacher.builtin import BuiltInTeacher
from tests.models.tiny import EchoTask

GRADE = SIGNALS.get("grade")


class ScriptedTeacher:
    """Answers with what ``write(request)`` returns."""

    name = "scripted"

    def __init__(self, write):
        self.write = write
        self.requests = []

    async def complete(self, request):
        self.requests.append(request)
        reply = self.write(request)
        return reply if isinstance(reply, TeacherReply) else TeacherReply(reply, "stop", 10, 3)


def make_prediction(problem, text, task=None):
    final = task.extract_final(text) if task and text else None
    is_correct = task.is_correct(final, problem) if task else None
    return Prediction(problem.problem_id, text, final, is_correct, loss=None, n_tokens=1, is_truncated=False)


def grade(teacher, problems, texts, task=None):
    predictions = [make_prediction(*pair, task) for pair in zip(problems, texts, strict=True)]
    return GRADE(Scoring(task or EchoTask(), problems, predictions, None, None, teacher=teacher))


def make_problems(n):
    return [Problem(f"p{i}", f"question {i}", f"worked {i}\n#### {i}", str(i)) for i in range(n)]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Error Analysis: They match.\nFinal Verdict: Correct", True),
        ("Error Analysis: They do not match.\nFinal Verdict: Incorrect", False),
        ("**Final Verdict:** Correct.", True),
        ("**Final Verdict: Incorrect**", False),
        ("final verdict : INCORRECT", False),
        ("Final Verdict: <Correct>", True),
        ("Final Verdict:\nCorrect", True),
        ("Final Verdict: Not correct", False),
        ("Final Verdict: Incorrect\nLooking again.\nFinal Verdict: Correct", True),
        ("Final Verdict: Correct\nFinal Verdict: unsure", None),
        ("Final Verdict: Correct/Incorrect", None),
        ("Final Verdict: Correct or Incorrect", None),
        ("Final Verdict: partially correct", None),
        ("Final Verdict: correctness is hard to judge", None),
        ("The answer is Correct", None),
        ("", None),
    ],
)
def test_verdicts_in_odd_formats(reply, expected):
    assert read_verdict(reply) is expected


def test_grades_are_ones_and_zeros_and_the_replies_are_kept():
    teacher = ScriptedTeacher(lambda r: f"Final Verdict: {'Correct' if r.subject.problem_id == 'p0' else 'Incorrect'}")
    scores = grade(teacher, make_problems(2), ["a", "b"])
    assert scores.values.tolist() == [1, 0] and scores.values.dtype == np.float64
    assert scores.texts["grade_reply"] == ["Final Verdict: Correct", "Final Verdict: Incorrect"]
    assert list(scores.notes) == [None, None]
    for request in teacher.requests:
        assert (request.purpose, request.temperature, request.max_tokens) == ("grader", 0.0, 512)


def test_the_prompt_ends_in_question_reference_and_answer():
    teacher = ScriptedTeacher(lambda r: "Final Verdict: Correct")
    grade(teacher, make_problems(1), [""])
    end = "Question: question 0\nProblem Setter's answer: worked 0\n#### 0\nStudent's answer: (no answer)"
    assert teacher.requests[0].prompt.endswith(f"Final Verdict: Correct/Incorrect\n\n{end}")


def test_each_task_has_the_prompt_that_suits_it():
    texts = {name: write_grader_prompt(name, "Q", "R", "A") for name in TASKS}
    assert texts["word_problems"] == texts["maths"] == texts["custom"]
    assert "word problem" in texts["word_problems"] and "logic" in texts["prontoqa"]
    assert "need not be that of the problem setter" in texts["game24"]
    assert all(text.count("Final Verdict: Correct/Incorrect") == 1 for text in texts.values())


def test_nonsense_is_asked_again_and_then_missing():
    def write(request):
        if request.subject.problem_id == "p1" or request.sample_index < 2:
            return "Who knows."
        return "Final Verdict: Correct"

    teacher = ScriptedTeacher(write)
    scores = grade(teacher, make_problems(3), ["a", "b", "c"])
    np.testing.assert_array_equal(scores.values, [1, np.nan, 1])
    assert scores.notes[1] == "The grader's reply could not be read, although it was asked for 3 times."
    assert scores.notes[0] is None and len(teacher.requests) == 9


def test_a_reply_that_was_cut_off_is_no_verdict():
    teacher = ScriptedTeacher(lambda _: TeacherReply("Final Verdict: Correct", "length", 1, 1))
    scores = grade(teacher, make_problems(1), ["a"])
    assert np.isnan(scores.values).all() and "cut off" in scores.notes[0]


def test_without_a_reference_nothing_is_asked():
    problems = [Problem("p0", "question", None, None), Problem("p1", "question", None, "7")]
    teacher = ScriptedTeacher(lambda _: "Final Verdict: Correct")
    scores = grade(teacher, problems, ["a", "b"])
    np.testing.assert_array_equal(scores.values, [np.nan, 1])
    assert list(scores.notes) == [NO_REFERENCE, None]
    assert scores.texts["grade_reply"][0] is None
    assert len(teacher.requests) == 1 and "Problem Setter's answer: 7\n" in teacher.requests[0].prompt


def test_a_failure_is_one_problems_own():
    def write(request):
        if request.subject.problem_id == "p1":
            raise TeacherError("No reply came.")
        return "Final Verdict: Correct"

    scores = grade(ScriptedTeacher(write), make_problems(3), ["a", "b", "c"])
    np.testing.assert_array_equal(scores.values, [1, np.nan, 1])
    assert list(scores.notes) == [None, "No reply came.", None]


@pytest.mark.parametrize("name", ["word_problems", "maths", "prontoqa", "game24", "custom"])
def test_the_built_in_grader_agrees_with_the_check_of_the_task(name):
    task = TASKS.get(name)
    path = DEMO / ("word_problems" if name == "custom" else name) / "test.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:40]]
    problems = [task.make_problem(row["question"], row["answer"], row["final"], {}, "test") for row in rows]
    texts = [problem.answer if i % 2 else problems[i - 1].answer for i, problem in enumerate(problems)]
    texts[0] = ""
    scores = grade(BuiltInTeacher(), problems, texts, task)
    expected = [float(make_prediction(*pair, task).is_correct) for pair in zip(problems, texts, strict=True)]
    assert scores.values.tolist() == expected and 0 < sum(expected) < len(expected)
    assert list(scores.notes) == [None] * len(problems)
