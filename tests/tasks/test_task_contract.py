"""One body for every registered task, on rows of the built-in seed sets."""

import json
from itertools import pairwise

import numpy as np
import pytest

from core.settings import DEMO
from core.tasks import TASKS, ReplyError
from core.tasks.answers.pool import close_shared_pool
from core.tasks.prompts import Prompts, find_slots

MATERIAL = {"custom": "word_problems"}
"""Seed set whose rows a task is tried on, where it has none of its own."""

FORBIDDEN = ("#given instruction#", "#rewritten instruction#", "given instruction", "rewritten instruction")


@pytest.fixture(scope="module", autouse=True)
def _no_workers_left():
    yield
    close_shared_pool()


@pytest.fixture(params=TASKS.names())
def task(request):
    return TASKS.get(request.param)


def read_rows(task, n=40):
    path = DEMO / MATERIAL.get(task.name, task.name) / "train.jsonl"
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line, _ in zip(file, range(n), strict=False)]


def make(task, row, split="train"):
    meta = {key: value for key, value in row.items() if key not in ("question", "answer", "final")}
    return task.make_problem(row["question"], row.get("answer"), row.get("final"), meta, split)


@pytest.fixture
def problems(task):
    return [make(task, row) for row in read_rows(task)]


def test_names_itself_as_registered(task):
    assert TASKS.get(task.name) is task
    assert task.title and task.max_new_tokens > 0


def test_same_row_has_the_same_id_in_any_split_and_other_rows_have_others(task, problems):
    again = [make(task, row, "test") for row in read_rows(task)]
    assert [each.problem_id for each in again] == [each.problem_id for each in problems]
    assert {each.split for each in again} == {"test"}
    assert len({each.problem_id for each in problems}) == len(problems)


def test_making_a_problem_of_a_problem_changes_nothing(task, problems):
    for problem in problems:
        again = task.make_problem(problem.question, problem.answer, problem.final, problem.meta)
        assert (again.question, again.answer, again.final) == (problem.question, problem.answer, problem.final)
        assert again.problem_id == problem.problem_id


def test_meta_is_plain_json(problems):
    for problem in problems:
        assert json.loads(json.dumps(dict(problem.meta), allow_nan=False)) == dict(problem.meta)


@pytest.mark.parametrize("question", ["", "  \n "])
def test_empty_question_is_refused_in_one_sentence(task, question):
    with pytest.raises(ValueError, match=r"\S+ \S+") as error:
        task.make_problem(question, "#### 5", "5", {})
    assert "\n" not in str(error.value)


def test_row_without_any_answer_is_refused_where_one_is_needed(task, problems):
    if task.needs_answer:
        with pytest.raises(ValueError, match=r"\S+ \S+"):
            task.make_problem(problems[0].question, None, None, {})
    else:
        assert task.make_problem(problems[0].question, None, None, {}).final


def test_prompts_hold_the_question_and_no_empty_slot(task, problems):
    for problem in problems[:10]:
        parts = problem.question.split("\n")
        prompts = [task.student_prompt(problem.question), task.question_prompt(problem, problems[10:13])]
        for prompt in prompts:
            assert all(part.removeprefix("Question: ") in prompt for part in parts)
            assert "{question}" not in prompt and "{examples}" not in prompt and "{type}" not in prompt


def test_answer_prompt_is_about_the_new_question(task, problems):
    reply = reply_with(task, problems[0])
    new = task.read_question(reply)
    assert new.question in task.answer_prompt(new)


def reply_with(task, problem):
    """Return a reply to the question request that carries the problem itself."""
    if task.name == "game24":
        return rf"Take two of the numbers. \boxed{{{problem.final}}}"
    return problem.question


def test_question_of_a_reply_is_read_back(task, problems):
    for problem in problems[:10]:
        assert task.read_question(reply_with(task, problem)).question == problem.question


@pytest.mark.parametrize("reply", ["", "   \n", "#Rewritten Instruction#:", "#Given Instruction#"])
def test_reply_without_a_question_is_refused(task, reply):
    with pytest.raises(ReplyError, match=r"\S+ \S+"):
        task.read_question(reply)


def test_fixed_prompt_stands_alone_and_can_be_edited(task):
    prompt, name = task.fresh_prompt(), f"{task.name}_fixed"
    assert len(prompt.split()) > 20 and find_slots(prompt) == []
    assert task.fresh_prompt(Prompts({name: "Another one."})) == "Another one."


def test_question_of_a_fixed_prompt_is_read_back(task, problems):
    for problem in problems[:10]:
        new = task.read_fresh(write_fresh(task, problem))
        assert new.question == problem.question and new.question in task.answer_prompt(new)
        assert json.loads(json.dumps(dict(new.meta))) == dict(new.meta)


@pytest.mark.parametrize("reply", ["", "   \n", "Question:", "Of course!\n\nHere is one for you."])
def test_reply_to_a_fixed_prompt_without_a_question_is_refused(task, reply):
    with pytest.raises(ReplyError, match=r"\S+ \S+"):
        task.read_fresh(reply)


def write_fresh(task, problem):
    """Return a reply to the fixed prompt that carries the problem."""
    return reply_with(task, problem) if task.name in ("game24", "prontoqa") else f"**Question:** {problem.question}"


@pytest.mark.parametrize("words", ["#Rewritten Instruction#", "the given instruction"])
@pytest.mark.parametrize("form", ["{words} {text}", "{text} {words}", "{text}\n{words}\n{text}"])
def test_words_of_the_prompt_never_get_into_a_question(task, problems, words, form):
    """The paper forbids them (Kessler 2025, D.2): such a reply is refused, or read without them."""
    reply = form.format(words=words, text=reply_with(task, problems[0]))
    try:
        question = task.read_question(reply).question
    except ReplyError:
        return
    assert not any(word in question.lower() for word in FORBIDDEN)


@pytest.mark.parametrize("reply", ["", "I would rather not, and here is\nwhy."])
def test_reply_without_a_final_answer_is_refused(task, reply):
    with pytest.raises(ReplyError, match=r"\S+ \S+"):
        task.read_answer(reply)


def test_reference_answers_are_read_correct_and_free_of_fault(task, problems):
    for problem in problems:
        worked = task.read_answer(problem.answer)
        final = task.extract_final(worked)
        assert final == task.extract_final(problem.answer) is not None
        assert task.is_correct(final, problem) is True
        assert task.is_correct(problem.final, problem) is True
        assert task.find_fault(problem.question, worked, problem.meta) is None


def test_reading_an_answer_twice_changes_nothing(task, problems):
    for problem in problems:
        worked = task.read_answer(problem.answer)
        assert task.read_answer(worked) == worked


def test_missing_final_answer_is_wrong(task, problems):
    assert task.is_correct(None, problems[0]) is False
    assert task.extract_final("") is None


def test_answers_of_other_problems_are_not_all_correct(task, problems):
    others = [task.is_correct(problems[i - 1].final, problem) for i, problem in enumerate(problems)]
    assert others.count(False) >= len(others) // 4


def test_answer_without_a_final_answer_has_a_fault(task, problems):
    fault = task.find_fault(problems[0].question, "I start,\nbut", problems[0].meta)
    assert fault and fault.endswith(".") and "\n" not in fault


def test_examples_are_train_problems_and_never_the_seed(task, problems):
    held_out = [make(task, row, "test") for row in read_rows(task)[20:]]
    pool = problems[:20] + held_out
    for problem in problems[:5]:
        examples = task.pick_examples(pool, problem, 5, np.random.default_rng(1))
        ids = [example.problem_id for example in examples]
        assert len(ids) == len(set(ids)) <= 5
        assert problem.problem_id not in ids and {example.split for example in examples} <= {"train"}
        assert ids == [each.problem_id for each in task.pick_examples(pool, problem, 5, np.random.default_rng(1))]


def test_few_examples_are_given_where_few_are_there(task, problems):
    assert len(task.pick_examples(problems[:2], problems[0], 5, np.random.default_rng(0))) <= 1
    assert task.pick_examples([], problems[0], 5, np.random.default_rng(0)) == []


def test_split_key_follows_the_question_alone(task, problems):
    for problem in problems[:10]:
        again = task.make_problem(problem.question, problem.answer, problem.final, {**problem.meta, "note": 1}, "test")
        assert task.split_key(again) == task.split_key(problem)
    assert len({task.split_key(problem) for problem in problems}) > 1


def test_steps_of_reference_answers_hold(task, problems):
    for problem in problems:
        assert task.find_wrong_step(problem.question, problem.answer) is None


def test_a_wrong_step_is_found_where_the_task_can_tell(task, problems):
    """A proof of another problem does not hold here, whatever its label; only deductions are read step by step."""
    for problem, other in pairwise(problems):
        wrong = task.find_wrong_step(problem.question, other.answer)
        assert (wrong is not None) == (task.name == "prontoqa")
        assert wrong is None or (wrong.endswith(".") and "\n" not in wrong)
    assert task.find_wrong_step("I cannot be read", problems[0].answer) is None
    assert task.find_wrong_step(problems[0].question, "") is None
