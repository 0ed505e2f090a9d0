"""The judge signal: scripted teachers for what can go wrong, the built-in one end to end."""

import asyncio
import json
from collections import Counter

import numpy as np
import pytest

from core.cache import Cache
from core.errors import RunCancelled, SignalError, TeacherError
from core.records import Prediction, Problem
from core.settings import DEMO
from core.signals import asking
from core.signals.base import SIGNALS, Scoring
from core.signals.judge import read_scores, write_judge_prompt
from core.tasks import TASKS
from core.teacher.base import TeacherReply
from core.teacher.builtin import BuiltInTeacher
from core.teacher.cached import CachedTeacher
from tests.models.tiny import EchoTask

JUDGE = SIGNALS.get("judge")


class ScriptedTeacher:
    """Answers "teacher on QUESTION"; a judge request gets what ``judge(request)`` returns or raises."""

    name = "scripted"

    def __init__(self, judge, answer=lambda request: f"teacher on {request.subject.question}", delay_s=0.0):
        self.write = {"judge": judge, "answer": answer}
        self.delay_s = delay_s
        self.requests = []
        self.n_now = self.n_most = 0

    async def complete(self, request):
        self.requests.append(request)
        self.n_now += 1
        self.n_most = max(self.n_most, self.n_now)
        await asyncio.sleep(self.delay_s)
        self.n_now -= 1
        reply = self.write[request.purpose](request)
        return reply if isinstance(reply, TeacherReply) else TeacherReply(reply, "stop", 10, 3)


def close_with(first, second):
    return f"Some evidence.\nScore of the Assistant 1: {first}\nScore of the Assistant 2: {second}"


def prefer_teacher(request):
    """Score by who wrote the answer: 8 for the teacher's, 3 for the student's."""
    is_first = request.prompt.index("teacher on") < request.prompt.index("student on")
    return close_with(8, 3) if is_first else close_with(3, 8)


def make_world(n, texts=None):
    problems = [Problem(f"p{i}", f"question {i}", None, "x") for i in range(n)]
    texts = texts or [f"student on question {i}" for i in range(n)]
    return problems, [make_prediction(problem, text) for problem, text in zip(problems, texts, strict=True)]


def make_prediction(problem, text, task=None):
    final = task.extract_final(text) if task and text else None
    is_correct = task.is_correct(final, problem) if task else None
    return Prediction(problem.problem_id, text, final, is_correct, loss=None, n_tokens=1, is_truncated=False)


def score(teacher, problems, predictions, task=None, **more):
    return JUDGE(Scoring(task or EchoTask(), problems, predictions, None, None, teacher=teacher, **more))


# What is asked, and what is made of the replies


def test_the_difference_is_signed_and_the_texts_are_kept():
    scores = score(ScriptedTeacher(prefer_teacher), *make_world(3))
    assert scores.values.tolist() == [5, 5, 5] and scores.values.dtype == np.float64
    assert scores.details["judge_teacher"].tolist() == [8, 8, 8]
    assert scores.details["judge_student"].tolist() == [3, 3, 3]
    assert scores.details["judge_n_asked"].tolist() == [2, 2, 2]
    assert scores.texts["teacher_answer"][1] == "teacher on question 1"
    assert scores.texts["judge_reply_1"][1] == close_with(8, 3)
    assert scores.texts["judge_reply_2"][1] == close_with(3, 8)
    assert list(scores.notes) == [None] * 3

    def prefer_student(request):
        return close_with(*read_scores(prefer_teacher(request))[::-1])

    assert score(ScriptedTeacher(prefer_student), *make_world(1)).values.tolist() == [-5]


def test_both_orders_are_asked_with_the_texts_swapped():
    teacher = ScriptedTeacher(prefer_teacher)
    [problem], predictions = make_world(1)
    score(teacher, [problem], predictions)
    answer, first, second = teacher.requests
    assert (answer.purpose, answer.prompt, answer.subject) == ("answer", "question 0\n", problem)
    for request, shown in (
        (first, ["teacher on question 0", "student on question 0"]),
        (second, ["student on question 0", "teacher on question 0"]),
    ):
        assert request.prompt == write_judge_prompt("question 0", *shown)
        for n, text in enumerate(shown, start=1):
            start, end = (f"[The {word} of Assistant {n}'s Answer]" for word in ("Start", "End"))
            assert request.prompt.split(start)[1].split(end)[0].strip() == text
        assert (request.purpose, request.subject, request.task) == ("judge", problem, "echo")
        assert (request.temperature, request.max_tokens, request.sample_index) == (0.2, 512, 0)


def test_a_preference_for_the_first_answer_cancels_out():
    scores = score(ScriptedTeacher(lambda request: close_with(9, 4)), *make_world(2))
    assert scores.values.tolist() == [0, 0]
    assert scores.details["judge_teacher"].tolist() == scores.details["judge_student"].tolist() == [6.5, 6.5]


def test_an_empty_answer_is_shown_as_none_and_judged():
    teacher = ScriptedTeacher(lambda request: close_with(7, 7))
    scores = score(teacher, *make_world(1, texts=["  \n"]))
    assert "[The Start of Assistant 2's Answer]\n(no answer)\n" in teacher.requests[1].prompt
    assert scores.values.tolist() == [0]


def test_braces_in_answers_stay_as_they_are():
    prompt = write_judge_prompt(r"Find \boxed{answer}", "{answer_2}", "{instruction}")
    assert all(text in prompt for text in (r"Find \boxed{answer}", "\n{answer_2}\n", "\n{instruction}\n"))


def test_no_problems_give_no_scores():
    scores = score(ScriptedTeacher(prefer_teacher), [], [])
    assert scores.values.shape == (0,) and list(scores.notes) == []


def test_problems_and_predictions_must_match():
    problems, predictions = make_world(2)
    with pytest.raises(ValueError, match="shorter"):
        score(ScriptedTeacher(prefer_teacher), problems, predictions[:1])


# Reading scores


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("8", "3", (8, 3)),
        ("8/10", "3 / 10", (8, 3)),
        ("8 out of 10", "**3**/10", (8, 3)),
        ("8 (out of 10)", "3 (out of 20)", None),
        ("8 (out of 10)", "3 (the worse one)", (8, 3)),
        ("** 8.5**", "7,5", (8.5, 7.5)),
        ("10", "1", (10, 1)),
        ("10/10.", "1.", (10, 1)),
        ("<8>", "[3]", (8, 3)),
        ("8 (well worked)", "3, a poor one", (8, 3)),
        ("8\n- 2 points lost for brevity", "3", (8, 3)),
        ("0", "3", None),
        ("8", "11", None),
        ("8", "100", None),
        ("-8", "3", None),
        ("8", "-1", None),
        ("8/20", "3", None),
        ("8.5/100", "3", None),
        ("80%", "3", None),
        ("7-8", "3", None),
        ("7 to 8", "3", None),
        ("<score>", "3", None),
        ("8", "", None),
        ("eight", "3", None),
    ],
)
def test_scores_in_odd_formats(first, second, expected):
    assert read_scores(close_with(first, second)) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("**Score of the Assistant 1:** 8\n**Score of the Assistant 2:** 3", (8, 3)),
        ("**Score of the Assistant 1**: 8\n__score of assistant 2__ : 3", (8, 3)),
        ("Score of the Assistant 1:\n8\nScore of the Assistant 2:\n3", (8, 3)),
        ("Score of the Assistant 1: 8 Score of the Assistant 2: 3", (8, 3)),
        ("Score of the Assistant 2: 3\nScore of the Assistant 1: 8", (8, 3)),
        (f"{close_with(1, 1)}\nOn second thoughts:\n{close_with(8, 3)}", (8, 3)),
        (f"{close_with(8, 3)}\nScore of the Assistant 2: none", None),
        ("The score of the Assistant 1 is 8.\nScore of the Assistant 2: 3", None),
        ("Score of the Assistant 1: 8", None),
        ("Score of the Assistant 11: 8\nScore of the Assistant 2: 3", None),
        ("Assistant 1 counts 8 apples: 8. Assistant 2: 3.", None),
        ("", None),
    ],
)
def test_the_last_score_of_each_counts(reply, expected):
    assert read_scores(reply) == expected


# What goes wrong


def test_nonsense_is_asked_again_with_another_sample_index():
    teacher = ScriptedTeacher(lambda r: prefer_teacher(r) if r.sample_index == 2 else "I like them both.")
    scores = score(teacher, *make_world(1))
    assert scores.values.tolist() == [5] and scores.details["judge_n_asked"].tolist() == [6]
    assert [request.sample_index for request in teacher.requests] == [0, 0, 1, 2, 0, 1, 2]
    assert list(scores.notes) == [None]


@pytest.mark.parametrize("bad_order", ["first", "second"])
def test_an_order_that_cannot_be_read_leaves_the_judgement_missing(bad_order):
    def write(request):
        is_first = request.prompt.index("teacher on") < request.prompt.index("student on")
        is_bad = request.subject.problem_id == "p1" and is_first == (bad_order == "first")
        return "No idea." if is_bad else prefer_teacher(request)

    scores = score(ScriptedTeacher(write), *make_world(3))
    np.testing.assert_array_equal(scores.values, [5, np.nan, 5])
    np.testing.assert_array_equal(scores.details["judge_teacher"], [8, np.nan, 8])
    np.testing.assert_array_equal(scores.details["judge_student"], [3, np.nan, 3])
    who = "teacher" if bad_order == "first" else "student"
    sentence = f"The judgement with the {who}'s answer first could not be read, although it was asked for 3 times."
    assert list(scores.notes) == [None, sentence, None]
    assert scores.texts["teacher_answer"][1] == "teacher on question 1"
    assert scores.texts[f"judge_reply_{1 if bad_order == 'first' else 2}"][1] == "No idea."


@pytest.mark.parametrize(
    ("reason", "words"), [("length", "cut off"), ("content_filter", "withheld"), ("refusal", "a refusal")]
)
def test_an_unfinished_reply_is_never_read(reason, words):
    """Cut off within "10", the reply would say 1."""
    scores = score(ScriptedTeacher(lambda _: TeacherReply(close_with(8, 1), reason, 1, 1)), *make_world(1))
    assert np.isnan(scores.values).all() and words in scores.notes[0]


@pytest.mark.parametrize("reply", [" \n", TeacherReply("half an ans", "length", 1, 1)])
def test_without_an_answer_of_the_teacher_nothing_is_judged(reply):
    teacher = ScriptedTeacher(prefer_teacher, answer=lambda _: reply)
    scores = score(teacher, *make_world(1))
    assert [request.purpose for request in teacher.requests] == ["answer"] * 3
    assert np.isnan(scores.values).all() and scores.details["judge_n_asked"].tolist() == [0]
    assert scores.notes[0].startswith("The teacher's own answer ")


def test_a_failure_is_one_problems_own():
    def write(request):
        if request.subject.problem_id == "p1":
            raise TeacherError("No reply came.")
        return prefer_teacher(request)

    scores = score(ScriptedTeacher(write), *make_world(3))
    np.testing.assert_array_equal(scores.values, [5, np.nan, 5])
    assert list(scores.notes) == [None, "No reply came.", None]
    assert scores.texts["teacher_answer"][1] == "teacher on question 1" and scores.texts["judge_reply_1"][1] is None


def refuse(sentence="The key was refused."):
    def write(request):
        raise TeacherError(sentence.format(request.subject.problem_id))

    return write


@pytest.mark.parametrize("n", [1, 3, 60])
def test_failures_alike_from_the_start_end_it_all(n):
    teacher = ScriptedTeacher(prefer_teacher, answer=refuse(), delay_s=0.001)
    with pytest.raises(TeacherError, match=r"The key was refused\."):
        score(teacher, *make_world(n))
    assert len(teacher.requests) <= asking.N_ALIKE_LATER + asking.N_IN_FLIGHT  # the first one may be the slowest


def test_failures_in_different_words_are_each_problems_own():
    scores = score(ScriptedTeacher(prefer_teacher, answer=refuse("{} was refused.")), *make_world(20))
    assert np.isnan(scores.values).all()
    assert list(scores.notes) == [f"p{i} was refused." for i in range(20)]


@pytest.mark.parametrize(("n", "is_ended"), [(20, False), (200, True)])
def test_failures_alike_later_end_it_after_many(n, is_ended):
    def answer(request):
        return "teacher on" if request.subject.problem_id == "p0" else refuse("The budget is used up.")(request)

    teacher = ScriptedTeacher(prefer_teacher, answer=answer)
    teacher.write["judge"] = lambda request: close_with(8, 3)
    if is_ended:
        with pytest.raises(TeacherError, match="budget"):
            score(teacher, *make_world(n))
        assert len(teacher.requests) < 60
    else:
        scores = score(teacher, *make_world(n))
        assert scores.values[0] == 0 and np.isnan(scores.values[1:]).all()


def test_a_success_between_ends_the_row_of_failures():
    def answer(request):
        return "teacher on" if int(request.subject.problem_id[1:]) % 5 == 0 else refuse()(request)

    teacher = ScriptedTeacher(lambda _: close_with(8, 3), answer=answer)
    scores = score(teacher, *make_world(100))
    assert np.isnan(scores.values).sum() == 80 and scores.notes.count("The key was refused.") == 80


def test_without_a_teacher_it_says_what_to_do():
    with pytest.raises(SignalError, match="choose one"):
        score(None, *make_world(1))


def test_a_bug_in_the_teacher_looks_like_one():
    def answer(request):
        raise KeyError("bug")

    with pytest.raises(KeyError):
        score(ScriptedTeacher(prefer_teacher, answer=answer), *make_world(5))


# Many at once


def test_eight_problems_are_asked_about_at_a_time_and_each_is_reported():
    teacher, reports = ScriptedTeacher(prefer_teacher, delay_s=0.001), []
    score(teacher, *make_world(30), report=lambda done, total: reports.append((done, total)))
    assert teacher.n_most == 8 and len(teacher.requests) == 90
    assert reports == [(done, 30) for done in range(1, 31)]


def test_rows_stay_in_order_however_late_a_reply_is():
    class Slow(ScriptedTeacher):
        async def complete(self, request):
            await asyncio.sleep(0.02 if request.subject.problem_id == "p0" else 0)
            return await super().complete(request)

    scores = score(Slow(prefer_teacher), *make_world(12))
    assert list(scores.texts["teacher_answer"]) == [f"teacher on question {i}" for i in range(12)]


def test_a_check_that_raises_stops_it_and_drops_what_is_in_flight():
    teacher, n_checks = ScriptedTeacher(prefer_teacher, delay_s=0.001), Counter()

    def check():
        n_checks["all"] += 1
        if n_checks["all"] > 20:
            raise RunCancelled("The run was cancelled.")

    with pytest.raises(RunCancelled):
        score(teacher, *make_world(60), check=check)
    assert len(teacher.requests) == 20


# The built-in teacher, end to end


def read_problems(name, n):
    task = TASKS.get(name)
    lines = (DEMO / name / "test.jsonl").read_text(encoding="utf-8").splitlines()[:n]
    rows = [json.loads(line) for line in lines]
    return task, [task.make_problem(row["question"], row["answer"], row["final"], {}, "test") for row in rows]


@pytest.mark.parametrize("name", ["word_problems", "maths", "prontoqa", "game24"])
def test_the_built_in_teacher_scores_right_above_wrong_and_worked_above_bare(name, tmp_path):
    task, problems = read_problems(name, 40)
    last_lines = [problem.answer.splitlines()[-1] for problem in problems]
    kinds = {
        "worked": [problem.answer for problem in problems],
        "bare": last_lines,
        "wrong": last_lines[1:] + last_lines[:1],
        "nothing": [""] * len(problems),
    }
    found = {}
    with Cache(tmp_path / "replies") as cache:
        for kind, texts in kinds.items():
            predictions = [make_prediction(*pair, task) for pair in zip(problems, texts, strict=True)]
            scores = score(CachedTeacher(BuiltInTeacher(), cache), problems, predictions, task)
            assert list(scores.notes) == [None] * len(problems)
            assert all(map(task.is_correct, map(task.extract_final, scores.texts["teacher_answer"]), problems))
            found[kind] = scores
    is_wrong = ~np.array(list(map(task.is_correct, map(task.extract_final, kinds["wrong"]), problems)))
    assert is_wrong.sum() >= len(problems) // 4 and np.all(found["worked"].values == 0)
    student = {kind: scores.details["judge_student"] for kind, scores in found.items()}
    assert np.all(student["worked"] >= student["bare"])
    assert np.all(student["bare"][is_wrong] > student["wrong"][is_wrong])
    assert np.all(student["wrong"][is_wrong] > student["nothing"][is_wrong])
    assert np.all(found["wrong"].values[is_wrong] >= 1) and np.all(found["bare"].values < 1)


def test_a_second_scoring_sends_nothing(tmp_path):
    class Counting(BuiltInTeacher):
        n_sent = 0

        async def complete(self, request):
            self.n_sent += 1
            return await super().complete(request)

    task, problems = read_problems("word_problems", 10)
    predictions = [make_prediction(problem, "#### 1", task) for problem in problems]
    teacher, runs = Counting(), []
    for _ in range(2):
        with Cache(tmp_path / "replies") as cache:
            runs.append(score(CachedTeacher(teacher, cache), problems, predictions, task))
    assert teacher.n_sent == 30
    np.testing.assert_array_equal(runs[0].values, runs[1].values)
