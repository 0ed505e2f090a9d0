"""What can go wrong with a reply; each fault answers one request in the chat server's stead."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.teacher.wire import Exchange, make_head

Fault = Callable[[Exchange], Awaitable[None]]


def status(number: int, message: str = "out of order", headers: dict[str, str] | None = None, **more: Any) -> Fault:
    """Answer with an error status and a message."""
    return lambda exchange: exchange.send_json(number, {"error": {"message": message} | more}, headers)


def page(number: int = 502) -> Fault:
    """Answer as a proxy does that stands before a server: with a page."""
    text = f"<html><head><title>{number} Bad Gateway</title></head><body><h1>{number}</h1></body></html>"
    return lambda exchange: exchange.send(number, text.encode(), {"Content-Type": "text/html"})


def send_body(body: Any) -> Fault:
    """Answer with that JSON value, or with these bytes, and status 200."""
    return lambda exchange: exchange.send_json(200, body)


def say(text: str | None, finish_reason: str | None = "stop", *, copies: int = 1, usage: Any = (3, 2), **more) -> Fault:
    """Answer with a completion that says this; ``more`` stands in its message.

    Args:
        text: what the model says.
        finish_reason: why it ended.
        copies: choices, all alike and of the same index.
        usage: tokens of prompt and completion, or the field as it is; None: no such field.
        more: further fields of the message, such as ``refusal``.
    """
    choice = {"index": 0, "message": {"role": "assistant", "content": text} | more, "finish_reason": finish_reason}
    body: dict[str, Any] = {"object": "chat.completion", "model": "model", "choices": [choice] * copies}
    if isinstance(usage, tuple):
        usage = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return send_body(body if usage is None else body | {"usage": usage})


def drip(seconds: float, fault: Fault | None = None) -> Fault:
    """Answer like ``fault`` (by default with a completion), but by a few bytes at a time for so many seconds."""

    async def answer(exchange: Exchange) -> None:
        sent: list[bytes] = []
        slow = Exchange(exchange.method, exchange.path, exchange.headers, exchange.data, exchange._writer)

        async def send(code: int, data: bytes, headers: dict[str, str] | None = None) -> None:
            sent.append(make_head(code, {"Content-Length": str(len(data))} | (headers or {})) + data)

        slow.send = send
        await (fault or say("slow"))(slow)
        data, n_parts = b"".join(sent), max(2, int(seconds / 0.02))
        for part in range(n_parts):
            await exchange.write(data[part * len(data) // n_parts : (part + 1) * len(data) // n_parts])
            await asyncio.sleep(seconds / n_parts)

    return answer


async def drop(exchange: Exchange) -> None:
    """Break off in the middle of the body."""
    await exchange.write(make_head(200, {"Content-Type": "application/json", "Content-Length": "1000"}))
    await exchange.write(b'{"choices": [')
    exchange.hang_up()


async def hang_up(exchange: Exchange) -> None:
    """Close the connection without a word."""
    exchange.hang_up()


async def hang(exchange: Exchange) -> None:
    """Say nothing until the server closes."""
    await asyncio.sleep(3600)


async def trickle(exchange: Exchange) -> None:
    """Send one byte at a time, for ever: no single wait is long."""
    await exchange.write(make_head(200, {"Content-Length": "100000"}))
    while True:
        await exchange.write(b" ")
        await asyncio.sleep(0.05)


PASSING: dict[str, Fault] = {
    "429": status(429, "slow down"),
    "429 with Retry-After": status(429, "slow down", {"Retry-After": "0.2"}),
    "500": status(500),
    "502 page": page(502),
    "503": status(503, "loading the model"),
    "connection dropped": hang_up,
    "half a body": drop,
    "malformed JSON": send_body(b'{"choices": [{"message": {"content": "ye'),
    "no JSON": send_body(b"<html>busy</html>"),
    "a list": send_body([1]),
    "nothing": send_body(b""),
    "an error with status 200": send_body({"error": {"message": "upstream is busy", "code": 502}}),
    "another request's shape": send_body({"object": "list", "data": [{"embedding": [0.1, 0.2], "index": 0}]}),
}
"""Faults after which the same request is answered when it is sent again."""

ODD: dict[str, Fault] = {
    "wrong schema": say(json.dumps({"unasked": [1, None]})),
    "cut off": say('{"question": "How many', "length"),
    "content filter": say(None, "content_filter"),
    "content filter of the prompt": status(400, "The prompt triggered the content policy", code="content_filter"),
    "refusal": say(None, refusal="I cannot help with that."),
    "empty": say(""),
    "blank": say(" \n\t "),
    "null": say(None, None),
    "no usage": say("yes", usage=None),
    "odd usage": say("yes", usage={"prompt_tokens": "3", "completion_tokens": -1}),
    "duplicate choices": say("yes", copies=3),
    "no choices": send_body({"object": "chat.completion", "choices": []}),
    "a text completion": send_body({"object": "text_completion", "choices": [{"index": 0, "text": "yes"}]}),
    "half a character": say("\ud83d"),
    "control characters": say("a\x00b\u2028c"),
}
"""Replies that come as they are: it is up to their reader what they are good for."""
