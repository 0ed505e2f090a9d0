"""A plain task and a scripted teacher: replies are decided by the test, nothing is random."""

from collections.abc import Callable

import pytest

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


@pytest.fixture
def task():
    return PlainTask()


@pytest.fixture
def scripted():
    return ScriptedTeacher


@pytest.fixture
def seeds():
    return [Problem(f"p{i}", f"What is {i}?", f"It = {i}", str(i)) for i in range(8)]
