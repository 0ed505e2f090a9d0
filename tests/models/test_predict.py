import pytest

import core.models.generate as generate_module
from core.cache import Cache
from core.errors import RunCancelled
from core.models.predict import predict
from core.models.student import Student
from core.records import Problem
from tests.models.tiny import EchoTask, make_problem

TASK = EchoTask()
QUESTIONS = [f"Tom has {i} apples and {'more ' * (i % 9)}" for i in range(12)]


def test_predictions_come_in_the_order_of_the_problems_and_are_judged(student):
    problems = [make_problem(question) for question in QUESTIONS]
    first = predict(student, TASK, problems)
    assert [row.problem_id for row in first] == [problem.problem_id for problem in problems]
    assert all(row.loss > 0 and row.n_tokens > 0 and row.final == TASK.extract_final(row.text) for row in first)
    right = [Problem(p.problem_id, p.question, None, row.final) for p, row in zip(problems, first, strict=True)]
    assert all(row.is_correct for row in predict(student, TASK, right) if row.final)
    assert not any(row.is_correct for row in predict(student, TASK, [make_problem(QUESTIONS[0], "never this")]))
    assert predict(student, TASK, [make_problem(QUESTIONS[0], None)])[0].is_correct is None


def test_known_answers_are_not_asked_again_and_are_judged_anew(student, tmp_path, monkeypatch):
    problems = [make_problem(question) for question in QUESTIONS]
    with Cache(tmp_path) as cache:
        first = predict(student, TASK, problems[:8], cache=cache)
        assert len(cache) == 8
    asked = []
    generate = generate_module.generate_answers

    def generate_noted(student, prompts, *args, **options):
        asked.append(prompts)
        return generate(student, prompts, *args, **options)

    monkeypatch.setattr(generate_module, "generate_answers", generate_noted)
    with Cache(tmp_path) as cache:
        again = predict(student, TASK, problems, cache=cache)
    assert again[:8] == first and [len(prompts) for prompts in asked] == [4]


def test_another_student_task_or_limit_does_not_share_answers(student, tmp_path):
    problem = make_problem(QUESTIONS[0])

    class Other(EchoTask):
        name = "other"

    class Shorter(EchoTask):
        max_new_tokens = 3

    twin = Student(student.model, student.tokenizer, "twin", "another fingerprint", student.context_length)
    with Cache(tmp_path) as cache:
        predict(student, TASK, [problem], cache=cache)
        assert len(cache) == 1
        for who, task in [(student, Other()), (student, Shorter()), (twin, TASK)]:
            n = len(cache)
            predict(who, task, [problem], cache=cache)
            assert len(cache) == n + 1
        live = Student(student.model, student.tokenizer, "live", None, student.context_length)
        predict(live, TASK, [make_problem(QUESTIONS[5])], cache=cache)
        assert len(cache) == 4  # a student in training leaves nothing behind


def test_equal_prompts_are_answered_once_and_progress_counts_problems(student):
    problems = [Problem(f"p{i}", QUESTIONS[0] if i < 5 else QUESTIONS[1], None, "15") for i in range(7)]
    seen = []
    rows = predict(student, TASK, problems, on_batch=lambda done, total: seen.append((done, total)))
    assert [row.problem_id for row in rows] == [f"p{i}" for i in range(7)]
    assert len({row.text for row in rows[:5]}) == 1
    assert seen[0] == (0, 7) and seen[-1] == (7, 7)


def test_a_cancelled_run_keeps_what_was_answered(student, tmp_path, monkeypatch):
    problems = [make_problem(question) for question in QUESTIONS]
    generate = generate_module.generate_answers
    monkeypatch.setattr(generate_module, "generate_answers", lambda *a, **k: generate(*a, **k, batch_size=4))
    done = []

    def check():
        if done and done[-1] >= 4:
            raise RunCancelled("The run was cancelled.")

    with Cache(tmp_path) as cache, pytest.raises(RunCancelled):
        predict(student, TASK, problems, cache=cache, on_batch=lambda n, _: done.append(n), check=check)
    with Cache(tmp_path) as cache:
        assert len(cache) == 4


def test_a_prompt_without_room_is_wrong_and_truncated(student):
    row = predict(student, TASK, [make_problem("apples " * 400)])[0]
    assert (row.text, row.final, row.is_correct, row.loss, row.n_tokens, row.is_truncated) == ("", None, False, None, 0, True)  # fmt: skip # noqa: E501


def test_no_problems_no_predictions(student):
    assert predict(student, TASK, []) == []
