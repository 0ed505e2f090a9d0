"""A plain task and a scripted teacher: replies are decided by the test, nothing is random."""

import json
from collections.abc import Callable

import pytest

from core.generation.forms import FORMS
from core.records import Problem
from core.tasks.base import NewQuestion, ReplyError
from core.teacher.base import TeacherReply, TeacherRequest


class PlainTask:
    """Questions are ``What is N?``; replies are ``Q: ...`` and ``A: ... = N``."""

    name = "plain"
    title = "Plain"
    needs_answer = True
    compares_questions = True
    max_new_tokens = 16

    def split_key(self, problem):
        return problem.question

    def pick_examples(self, pool, problem, k, rng):
        others = [other for other in pool if other.problem_id != problem.problem_id]
        return [others[i] for i in rng.permutation(len(others))[:k]]

    def question_prompt(self, problem, examples, prompts=None):
        return "\n".join([*(example.question for example in examples), f"Rewrite: {problem.question}"])

    def read_question(self, reply):
        if not reply.startswith("Q: "):
            raise ReplyError("The reply holds no question.")
        return NewQuestion(reply[3:], {"length": len(reply)})

    def answer_prompt(self, new, prompts=None):
        return f"Answer: {new.question}"

    def read_answer(self, reply):
        if not reply.startswith("A: "):
            raise ReplyError("The reply holds no answer.")
        return reply[3:]

    def extract_final(self, answer):
        return answer.split(" = ")[-1] if " = " in answer else None

    def find_fault(self, question, answer, meta):
        return "The answer is wrong." if "wrong" in answer else None

    def find_unchecked(self, question, answer, meta):
        return None


class ScriptedTeacher:
    """Answers with what ``write(request)`` returns; an exception from it is raised, a TeacherReply passed on."""

    name = "scripted"

    def __init__(self, write: Callable[[TeacherRequest], str | TeacherReply]):
        self.write = write
        self.requests: list[TeacherRequest] = []

    async def complete(self, request):
        self.requests.append(request)
        reply = self.write(request)
        return reply if isinstance(reply, TeacherReply) else TeacherReply(reply, "stop", 10, 3)


def write_stories(request):
    """Write what a word-problem request asks for, in the form that its hint names; every story is another one."""
    hint, numbers = request.hint, range(1, request.hint.n_items + 1)
    if request.purpose == "judge":
        return "<skills>percentages, ages, juggling</skills>"
    if request.purpose == "answer":
        return "It is so.\n#### 5"
    first = sum(10 for _ in request.earlier)
    mark = f"{'+'.join(parent.problem_id for parent in hint.parents)} {request.sample_index}"
    if hint.wants == "mutation":
        return f"<problem>\nHow many of {mark}?\n</problem>\n<solution>\nSo many.\n#### 5\n</solution>"
    said = [f"How many are {first + number} of {mark}?" for number in numbers]
    if hint.wants == "wrong_answer":
        said = [f"By way {first + number}.\n#### {900 + first + number}" for number in numbers]
    return write_in_form(hint.form, said)


def write_in_form(name, said):
    """Write responses in a form."""
    form = FORMS[name]
    if not form.is_json:
        return said[0]
    reasoning = {"reasoning": "First I think."} if form.has_reasoning else {}
    if form.is_single:
        return json.dumps({**reasoning, "response": said[0]})
    items = [{"text": text, form.probability: 0.01} for text in said] if form.probability else said
    return json.dumps({**reasoning, "responses": items})


@pytest.fixture
def stories():
    return write_stories


@pytest.fixture
def in_form():
    return write_in_form


@pytest.fixture
def story_seeds():
    return [
        Problem(
            f"s{i}", f"Ann has {i} apples and buys 2. How many has she?", f"{i} + 2 = {i + 2}\n#### {i + 2}", f"{i + 2}"
        )
        for i in range(9)
    ]


@pytest.fixture
def task():
    return PlainTask()


@pytest.fixture
def scripted():
    return ScriptedTeacher


@pytest.fixture
def seeds():
    return [Problem(f"p{i}", f"What is {i}?", f"It = {i}", str(i)) for i in range(8)]
