"""Bodies that no sound server sends: each is read, or is no reply, and none ends a run."""

import asyncio
import json

import pytest

from core.cache import Cache
from core.lines import LineWriter, read_all
from core.teacher.base import TeacherRequest
from core.teacher.cached import CachedTeacher
from core.teacher.endpoint import Endpoint
from core.teacher.remote import RemoteTeacher
from core.teacher.reply import NoReply, find_message, read_reply
from tests.teacher.asking import make_client
from tests.teacher.faults import say, send_body, status
from tests.teacher.server import ChatServer

DEEP = b"[" * 200_000
HALF = "\ud800"
ASK = TeacherRequest("question", "custom", "one two three", None, max_tokens=10)


def body(**choice) -> bytes:
    return json.dumps({"choices": [{"message": {"content": "yes"}} | choice]}).encode()


@pytest.mark.parametrize("content", [DEEP, b'{"choices":' + DEEP + b"]" * 200_000 + b"}"])
def test_json_that_is_nested_too_deep_is_no_reply(content):
    with pytest.raises(NoReply, match="nested too deep"):
        read_reply(content)
    assert find_message(DEEP.decode()) == DEEP.decode()


def test_indexes_of_several_kinds_leave_the_choices_in_their_order():
    choices = [{"index": index, "message": {"content": str(index)}} for index in ("b", 1, None)]
    assert read_reply(json.dumps({"choices": choices}).encode()).texts == ("b", "1", "None")
    assert read_reply(json.dumps({"choices": choices[1:2] * 2}).encode()).texts == ("1", "1")


@pytest.mark.parametrize("row", [{"top_logprobs": 5}, {"logprob": 10**400}, {"logprob": "x", "top_logprobs": "yes"}])
def test_a_log_probability_that_is_none_is_unknown(row):
    reply = read_reply(body(logprobs={"content": [{"token": "yes", **row}]}))
    assert reply.tokens[0][0].logprob is None


def test_a_count_that_no_reply_can_have_is_unknown():
    for count in (2**53 + 1, 10**30):
        usage = {"prompt_tokens": count, "completion_tokens": count}
        reply = read_reply(json.dumps({**json.loads(body()), "usage": usage}).encode())
        assert (reply.n_input_tokens, reply.n_output_tokens) == (None, None)


def test_a_part_without_text_adds_nothing():
    parts = [{"type": "text", "text": None}, {"type": "text", "text": "yes"}, {"text": 5}]
    assert read_reply(body(message={"content": parts})).texts == ("yes",)


def test_half_a_character_is_replaced_wherever_it_stands():
    reply = read_reply(body(message={"content": f"a{HALF}b"}, finish_reason=f"s{HALF}"))
    assert (reply.texts, reply.finish_reasons) == (("a?b",), ("s?",))
    assert read_reply(body(message={"content": "\ud83d\ude00"})).texts == ("\N{GRINNING FACE}",)
    assert find_message(json.dumps({"error": {"message": f"bad {HALF}"}})) == "bad ?"


def test_a_reply_with_half_a_character_is_kept_and_paid_once(tmp_path):
    with ChatServer() as server, Cache(tmp_path) as cache:
        server.script.poison = {ASK.prompt: say(f"Tom has {HALF} 3 apples.")}
        teacher = CachedTeacher(RemoteTeacher(Endpoint(server.url, "model")), cache)
        first, again = [asyncio.run(teacher.complete(ASK)) for _ in range(2)]
        assert first.text == again.text == "Tom has ? 3 apples." and again.is_cached and len(server.bodies) == 1


def test_a_line_with_half_a_character_is_written(tmp_path):
    with LineWriter(tmp_path / "lines.jsonl") as writer:
        writer.append({"text": f"a{HALF}b", f"k{HALF}": 1})
    assert [(row["text"], row["k?"]) for row in read_all(tmp_path / "lines.jsonl")] == [("a?b", 1)]


@pytest.mark.parametrize("fault", [send_body(DEEP), lambda exchange: exchange.send(500, DEEP), status(500, HALF)])
def test_a_server_that_sends_them_is_asked_again(fault):
    with ChatServer() as server:
        server.script.faults.append(fault)
        reply = asyncio.run(RemoteTeacher(Endpoint(server.url, "model"), client=make_client(server)).complete(ASK))
    assert reply.text and reply.n_attempts == 2


def test_a_list_of_models_that_is_none_is_unknown():
    class Odd(ChatServer):
        async def serve(self, exchange):
            await exchange.send(200, DEEP, {"Content-Type": "application/json"})

    with Odd() as server:
        assert asyncio.run(make_client(server).list_models()) is None


@pytest.mark.parametrize(
    ("said", "is_filtered"),
    [
        ("Your input was flagged", True),
        ("This prompt goes against our content policy.", True),
        ("The model requires moderation and the request did not pass.", True),
        ("Your account was flagged.", False),
        ("This key has no access to the model.", False),
    ],
)
def test_a_403_about_one_prompt_is_a_filtered_reply_and_one_about_the_key_is_none(said, is_filtered, monkeypatch):
    from core.teacher.faults import EndpointDenied

    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-0123456789")
    with ChatServer() as server:
        server.script.faults.append(status(403, said))
        teacher = RemoteTeacher(Endpoint(server.url, "model"))
        if is_filtered:
            assert asyncio.run(teacher.complete(ASK)).finish_reason == "content_filter"
        else:
            with pytest.raises(EndpointDenied):
                asyncio.run(teacher.complete(ASK))
