"""The chat client and the remote teacher against a real server and its faults."""

import asyncio
import json
import traceback
from dataclasses import replace
from email.utils import formatdate
from time import monotonic, time

import pytest

from core.errors import TeacherError
from core.teacher.client import (
    EndpointDenied,
    PromptTooLong,
    RequestRefused,
    SchemaRefused,
    ServerUnavailable,
)
from core.teacher.faults import read_retry_after
from core.teacher.reply import find_message, read_reply
from tests.teacher.asking import ask, make_client
from tests.teacher.faults import ODD, PASSING, drip, hang, say, send_body, status, trickle
from tests.teacher.server import ChatServer

KEY = "sk-very-secret-0123456789"
COMPLETION = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}


@pytest.fixture
def server():
    with ChatServer() as server:
        yield server


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


# Keys


def test_the_key_is_sent_and_shown_nowhere(server, monkeypatch):
    monkeypatch.setenv("TEACHER_KEY", f" {KEY}\n")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    client = make_client(server, key_env="TEACHER_KEY")
    ask(server, client=client)
    assert server.keys == [KEY]
    assert KEY not in f"{client.endpoint!r} {client.endpoint} {vars(client)}"


@pytest.mark.parametrize("code", [400, 401, 403, 418, 500])
def test_a_server_that_repeats_the_key_does_not_make_us_show_it(server, monkeypatch, code):
    monkeypatch.setenv("TEACHER_KEY", KEY)
    server.script.faults.extend([status(code, f"Incorrect API key provided: {KEY}")] * 6)
    with pytest.raises(TeacherError) as caught:
        ask(server, key_env="TEACHER_KEY")
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_server_without_keys_is_sent_none(server):
    ask(server)
    ask(server, key_env="")
    assert server.keys == ["none", "none"]


def test_a_variable_that_holds_no_key_is_one_sentence(server, monkeypatch):
    monkeypatch.setenv("TEACHER_KEY", "clé")
    with pytest.raises(TeacherError, match="TEACHER_KEY cannot be a key"):
        ask(server, key_env="TEACHER_KEY")


# What is sent and what is read


def test_a_request_says_what_was_asked_and_nothing_else(server):
    ask(server, prompt="hello you")
    ask(server, n=2, logprobs=True, seed=5, schema={"properties": {"seedbed": {"enum": ["x"]}}}, max_tokens=None)
    plain = {"model": "model", "messages": [{"role": "user", "content": "hello you"}], "temperature": 0.0}
    assert server.bodies[0] == plain | {"max_tokens": 20}
    assert {"n": 2, "logprobs": True, "seed": 5}.items() <= server.bodies[1].items()
    assert server.bodies[1]["response_format"]["json_schema"]["strict"] is True
    assert "max_tokens" not in server.bodies[1]


def test_a_reply_is_read(server):
    reply = ask(server, n=2, temperature=1.0, logprobs=True)
    assert len(reply.texts) == 2 and reply.texts[0] != reply.texts[1]
    assert reply.finish_reasons == ("stop", "stop") and reply.model == "model"
    assert (reply.n_input_tokens, reply.n_output_tokens) == (3, 8)
    for text, tokens in zip(reply.texts, reply.tokens, strict=True):
        assert b"".join(token.data for token in tokens) == text.encode() + b"<|end|>"
        assert tokens[-1].logprob == -0.25 and all(token.logprob <= 0 for token in tokens)


def test_what_a_server_leaves_out_is_unknown(server):
    server.script = replace(server.script, gives_usage=False, gives_logprobs=False)
    reply = ask(server, logprobs=True)
    assert (reply.n_input_tokens, reply.n_output_tokens, reply.tokens) == (None, None, (None,))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (COMPLETION, (("yes",), ("stop",), None, None)),
        (COMPLETION | {"usage": {"prompt_tokens": 0, "completion_tokens": 0}}, (("yes",), ("stop",), None, None)),
        (COMPLETION | {"usage": {"prompt_tokens": 4, "completion_tokens": 2}}, (("yes",), ("stop",), 4, 2)),
        ({"choices": []}, ((), (), None, None)),
        ({"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]},
         (("",), ("content_filter",), None, None)),
        ({"choices": [{"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}]},
         (("",), ("refusal",), None, None)),
        ({"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]},
         (("ab",), (None,), None, None)),
        ({"choices": [{"index": 1, "message": {"content": "b"}, "finish_reason": "eos_token"},
                      {"index": 0, "message": {"content": "a"}, "finish_reason": "max_tokens"}]},
         (("a", "b"), ("length", "stop"), None, None)),
    ],
)  # fmt: skip
def test_replies_are_read_in_all_their_forms(server, body, expected):
    server.script.faults.append(send_body(body))
    reply = ask(server)
    assert (reply.texts, reply.finish_reasons, reply.n_input_tokens, reply.n_output_tokens) == expected


@pytest.mark.parametrize(
    ("logprobs", "expected"),
    [
        ({"content": [{"token": "é", "bytes": [195, 169], "logprob": -1}]}, [("é".encode(), -1.0)]),
        ({"content": [{"token": "é", "bytes": None, "logprob": -1.5}]}, [("é".encode(), -1.5)]),
        ({"content": [{"token": "b", "top_logprobs": [{"token": "a", "logprob": -0.1},
                                                      {"token": "b", "logprob": -2.5}]}]}, [(b"b", -2.5)]),
        ({"content": [{"token": "b", "top_logprobs": [{"token": "a", "logprob": -0.1}]}]}, [(b"b", None)]),
        ({"content": [{"token": "b", "logprob": -9999.0}]}, [(b"b", None)]),
        ({"tokens": ["a", "b"], "token_logprobs": [-0.5, None]}, [(b"a", -0.5), (b"b", None)]),
        ({"content": []}, None),
        ({"content": None}, None),
        (None, None),
    ],
)  # fmt: skip
def test_the_log_probability_is_that_of_the_sampled_token(logprobs, expected):
    reply = read_reply(json.dumps({"choices": [{"logprobs": logprobs}]}).encode())
    found = reply.tokens[0]
    assert (found if found is None else [(token.data, token.logprob) for token in found]) == expected


# What passes


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_is_tried_again(server, name, monkeypatch):
    monkeypatch.setattr("core.teacher.throttle.COOL_DOWN_S", 0.01)
    monkeypatch.setattr("core.teacher.throttle.SPREAD_S", 0.01)
    server.script.faults.extend([PASSING[name]] * 2)
    reply = ask(server)
    assert reply.texts[0] and reply.n_attempts == len(server.bodies) == 3


@pytest.mark.parametrize("name", ODD)
def test_an_odd_reply_is_a_reply(server, name):
    server.script.faults.append(ODD[name])
    reply = ask(server)
    assert len(server.bodies) == 1 and all(isinstance(text, str) for text in reply.texts)
    assert {"cut off": "length", "content filter": "content_filter", "refusal": "refusal"}.get(
        name, reply.finish_reasons and reply.finish_reasons[0]
    ) == (reply.finish_reasons and reply.finish_reasons[0])
    assert len(reply.texts) == {"duplicate choices": 3, "no choices": 0}.get(name, 1)


@pytest.mark.parametrize("fault", [hang, trickle])
def test_a_hanging_server_is_given_up_and_tried_again(server, fault):
    server.script.faults.append(fault)
    started = monotonic()
    assert ask(server, client=make_client(server, timeout_s=0.3)).texts[0]
    assert 0.3 <= monotonic() - started < 2.0


def test_a_slow_reply_is_waited_for_until_the_deadline_and_no_longer(server):
    server.script.faults.extend([drip(0.3), drip(1.5)])
    client = make_client(server, timeout_s=0.8)
    assert (ask(server, client=client).texts[0], len(server.bodies)) == ("slow", 1)
    started = monotonic()
    assert ask(server, client=client).n_attempts == 2
    assert 0.8 <= monotonic() - started < 1.4


def test_a_pause_that_the_server_asks_for_is_kept(server):
    server.script.faults.append(status(429, headers={"Retry-After": "0.4"}))
    server.script.faults.append(status(503, headers={"retry-after-ms": "200"}))
    assert ask(server).texts[0]
    first, second, third = server.times
    assert second - first >= 0.4 and third - second >= 0.2


def test_a_pause_can_be_a_date():
    assert 50 < read_retry_after({"retry-after": formatdate(time() + 60, usegmt=True)}) <= 60
    assert read_retry_after({"retry-after": formatdate(time() - 60, usegmt=True)}) == 0.0
    assert read_retry_after({"retry-after": "soon"}) is None and read_retry_after({}) is None


def test_a_pause_of_an_hour_is_not_waited_for(server):
    server.script.faults.append(status(429, "daily limit", {"Retry-After": "3600"}))
    with pytest.raises(ServerUnavailable, match=r"pause of 3,600 s \(status 429, daily limit\)"):
        ask(server)
    assert len(server.bodies) == 1


def test_pauses_grow_and_are_drawn(server, monkeypatch):
    drawn = []
    monkeypatch.setattr("core.teacher.client.random.uniform", lambda low, high: drawn.append((low, high)) or 0.0)
    server.script.faults.extend([status(500)] * 6)
    with pytest.raises(ServerUnavailable, match="no answer in 6 attempts: status 500, out of order"):
        ask(server, client=make_client(server, backoff_s=4.0))
    assert drawn == [(0.0, 4.0), (0.0, 8.0), (0.0, 16.0), (0.0, 30.0), (0.0, 30.0)]


def test_a_server_that_is_not_there_is_one_sentence():
    with ChatServer() as server:
        pass
    with pytest.raises(ServerUnavailable, match=r"127.0.0.1:\d+/v1 gave no answer in 2 attempts: the conn"):
        ask(server, client=make_client(server, max_attempts=2))


# What does not pass


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (status(401), EndpointDenied, "did not accept the key in TEACHER_KEY"),
        (status(403), EndpointDenied, "The key in TEACHER_KEY may not use model"),
        (status(403, "You are not allowed to request logprobs from this model"), RequestRefused, "logprobs"),
        (status(404, "The model `x` does not exist."), EndpointDenied, "does not know the model 'model'"),
        (status(404, "Not Found"), EndpointDenied, r"Nothing answers at http://.*/v1/chat/completions"),
        (status(402, "Insufficient Balance"), EndpointDenied, "status 402: Insufficient Balance"),
        (status(400, "temperature must be 1"), RequestRefused, "refused the request for model: temperature must be 1"),
        (status(500, "Only one completion choice is allowed"), RequestRefused, "Only one completion choice"),
    ],
)  # fmt: skip
def test_what_no_further_attempt_mends_is_said_at_once(server, monkeypatch, fault, kind, words):
    monkeypatch.setenv("TEACHER_KEY", KEY)
    server.script.faults.append(fault)
    with pytest.raises(kind, match=words) as caught:
        ask(server, key_env="TEACHER_KEY")
    assert type(caught.value) is kind and len(server.bodies) == 1


def test_a_used_up_quota_is_not_asked_again(server):
    server.script.faults.append(status(429, "You exceeded your current quota", code="insufficient_quota"))
    with pytest.raises(TeacherError, match=r"quota at .* is used up"):
        ask(server)
    assert len(server.bodies) == 1


def test_a_server_that_wants_a_key_says_where_to_put_it(server):
    server.script.key = KEY
    with pytest.raises(EndpointDenied, match=r"wants a key .* set the environment variable TEACHER_KEY"):
        ask(server, key_env="TEACHER_KEY")
    with pytest.raises(EndpointDenied, match="name the variable"):
        ask(server, key_env="")


@pytest.mark.parametrize(
    "told",
    [
        "This model's maximum context length is 4097 tokens. However, your messages resulted in 6164 tokens.",
        "max_tokens must be at least 1, got -5.",
        "The input (3000 tokens) is longer than the model's context length (2048 tokens).",
        "request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it",
        "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
        "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
        "prompt is too long: 205000 tokens > 200000 maximum",
        "The input token count (1048577) exceeds the maximum number of tokens allowed",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens",
    ],
)  # fmt: skip
def test_a_prompt_that_is_too_long_is_told_apart(server, told):
    server.script.faults.append(status(400, told))
    with pytest.raises(PromptTooLong, match="too long for model"):
        ask(server)


def test_a_filtered_prompt_is_a_reply_without_text(server):
    server.script.faults.append(status(400, "The prompt triggered the content policy", code="content_filter"))
    reply = ask(server)
    assert (reply.texts, reply.finish_reasons, reply.n_output_tokens) == (("",), ("content_filter",), None)


def test_a_model_that_knows_the_limit_by_its_newer_name_only(server):
    told = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    client = make_client(server)
    server.script.faults.append(status(400, told))
    assert ask(server, client=client).texts[0] and ask(server, client=client).texts[0]
    limits = [[name for name in body if name.startswith("max_")] for body in server.bodies]
    assert limits == [["max_tokens"], ["max_completion_tokens"], ["max_completion_tokens"]]


REASONING = "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) is supported."


def test_a_temperature_that_the_model_does_not_take_is_left_out_where_that_is_wanted(server):
    with pytest.raises(RequestRefused, match="does not support"):
        server.script.faults.append(status(400, REASONING))
        ask(server)
    client = make_client(server, omits_refused=True)
    server.script.faults.append(status(400, REASONING))
    server.script.faults.append(status(400, "Unsupported parameter: 'top_p' is not supported with this model."))
    assert ask(server, client=client, temperature=0.7, top_p=0.9).n_attempts == 3
    assert ask(server, client=client, temperature=0.7, top_p=0.9).n_attempts == 1
    assert [("temperature" in body, "top_p" in body) for body in server.bodies[1:]] == [
        (True, True), (False, True), (False, False), (False, False),
    ]  # fmt: skip
    assert client.omitted == {"temperature", "top_p"}


@pytest.mark.parametrize(
    "refusal",
    [
        status(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."),
        status(400, "Invalid schema for response_format 'reply': In context=(), 'required' is required to be supplied"),
        status(400, "This response_format type is unavailable now"),
        status(400, "Bad value", param="response_format"),
        status(422, "The provided JSON schema contains features not supported by xgrammar."),
        lambda exchange: exchange.send_json(
            422, {"detail": [{"loc": ["body", "response_format", "type"], "msg": "Input should be 'text'"}]}
        ),
    ],
    ids=["OpenAI: model", "OpenAI: schema", "DeepSeek", "field", "vLLM", "FastAPI"],
)  # fmt: skip
def test_a_refused_schema_is_told_apart(server, refusal):
    server.script.faults.extend([refusal, refusal, status(400, "this text is not allowed")])
    with pytest.raises(SchemaRefused):
        ask(server, schema={"type": "object"})
    with pytest.raises(RequestRefused) as caught:
        ask(server)  # without one it is something else that is refused
    assert type(caught.value) is RequestRefused
    with pytest.raises(RequestRefused) as caught:
        ask(server, schema={"type": "object"})
    assert type(caught.value) is RequestRefused


def test_a_request_that_is_too_large_for_a_minute_is_not_sent_again(server):
    server.script.faults.append(
        status(429, "Request too large for model on tokens per min (TPM): Limit 10, Requested 12")
    )
    with pytest.raises(RequestRefused, match="Request too large"):
        ask(server)
    assert len(server.bodies) == 1


def test_further_fields_and_turns_are_sent_as_they_are(server):
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "1?"},
        {"role": "assistant", "content": "One."},
        {"role": "user", "content": "2?"},
    ]
    more = {"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": False}}
    client = make_client(server)
    asyncio.run(client.chat(turns, max_tokens=9, temperature=None, top_p=0.5, stop=["END"], extra=more))
    assert server.bodies == [
        {"model": "model", "messages": turns, "max_tokens": 9, "top_p": 0.5, "stop": ["END"]} | more
    ]
    with pytest.raises(TeacherError, match="'stream' cannot be a further field"):
        ask(server, extra={"stream": True})


def test_cached_and_reasoning_tokens_are_read(server):
    usage = {"prompt_tokens": 9, "completion_tokens": 8, "prompt_tokens_details": {"cached_tokens": 4}}
    server.script.faults.append(say("yes", usage=usage | {"completion_tokens_details": {"reasoning_tokens": 5}}))
    server.script.faults.append(say("yes", usage=usage | {"prompt_tokens_details": None}))
    first, second = ask(server), ask(server)
    assert (first.n_cached_tokens, first.n_reasoning_tokens) == (4, 5)
    assert (second.n_cached_tokens, second.n_reasoning_tokens) == (None, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": {"message": "a"}}', "a"), ('{"error": "a"}', "a"), ('[{"error": {"message": "a"}}]', "a"),
        ('{"object": "error", "message": "a"}', "a"), ('{"detail": [{"loc": ["body"], "msg": "a"}]}', "a"),
        ('{"detail": "a"}', "a"), ("<p>a</p>", "<p>a</p>"), ("", ""), ('{"x": 1}', '{"x": 1}'),
    ],
)  # fmt: skip
def test_the_message_of_an_error_is_found(body, message):
    assert find_message(body) == message
