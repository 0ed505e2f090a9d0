"""The remote teacher and its cache against a real server."""

import asyncio
from dataclasses import replace

import pytest

from core.errors import TeacherError
from core.teacher.base import TeacherRequest
from core.teacher.cached import CachedTeacher
from core.teacher.endpoint import Endpoint
from core.teacher.remote import RemoteTeacher
from tests.teacher.faults import send_body
from tests.teacher.server import ChatServer


@pytest.fixture
def server():
    with ChatServer() as server:
        yield server


def request(**fields) -> TeacherRequest:
    return TeacherRequest("question", "maths", "one two three", None, **fields)


def test_the_teacher_replies_with_text_and_tokens(server):
    teacher = RemoteTeacher(Endpoint(server.url, "model"))
    reply = asyncio.run(teacher.complete(request(temperature=0.3, max_tokens=2)))
    assert teacher.name == "model"
    assert (reply.finish_reason, reply.n_input_tokens, reply.n_output_tokens) == ("length", 3, 2)
    assert server.bodies[0]["temperature"] == 0.3 and server.bodies[0]["max_tokens"] == 2


class Kept(dict):
    """A cache that forgets with the process."""

    async def put_durable(self, key, value):
        self[key] = value


def test_a_remembered_reply_is_not_asked_for_again(server):
    teacher = CachedTeacher(RemoteTeacher(Endpoint(server.url, "model")), Kept())
    first, again = [asyncio.run(teacher.complete(request())) for _ in range(2)]
    assert again == replace(first, is_cached=True, n_attempts=0) and len(server.bodies) == 1


def test_tokens_that_are_not_counted_are_unknown(server):
    server.script.gives_usage = False
    reply = asyncio.run(RemoteTeacher(Endpoint(server.url, "model")).complete(request()))
    assert (reply.n_input_tokens, reply.n_output_tokens) == (None, None)


def test_a_reply_without_choices_is_no_reply(server):
    server.script.faults.append(send_body({"choices": []}))
    with pytest.raises(TeacherError, match="no text at all"):
        asyncio.run(RemoteTeacher(Endpoint(server.url, "model")).complete(request()))
