"""A teacher behind an OpenAI-compatible server.

It knows nothing of caches, budgets or of how replies are read: each request is one chat request.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from core.errors import TeacherError
from core.teacher.base import TeacherReply, TeacherRequest
from core.teacher.client import ChatClient, OnLost, RequestRefused
from core.teacher.endpoint import Endpoint
from core.teacher.probe import GREETING, SCHEMA, SCHEMA_WORD
from core.teacher.reply import ChatReply

N_SCHEMA_TOKENS = 64
"""Tokens of the one request that finds out whether a server keeps to a schema."""


class RemoteTeacher:
    """Answers by what the model of an endpoint says.

    A JSON schema is sent only where the server keeps to one, which is found out by one small request before the first
    that wants it: some servers take the field and ignore it, some refuse it.

    Args:
        endpoint: the model; its name is the teacher's name in records.
        client: sends the requests; None: one of its own.
        extra: further fields of every request body, such as ``reasoning_effort``; part of the cache key.
        checks_schema: False where whoever asks has found out whether the server keeps to a schema.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        client: ChatClient | None = None,
        extra: Mapping[str, Any] | None = None,
        checks_schema: bool = True,
    ):
        self.name = endpoint.model
        self._endpoint = endpoint
        self._client = client or ChatClient(endpoint)
        self._extra = dict(extra or {})
        self._keeps_schema: bool | None = None if checks_schema else True
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    def cache_salt(self, request: TeacherRequest) -> str:
        """Return what a reply depends on besides the request: two servers may call different models alike."""
        extra = f" {json.dumps(self._extra, sort_keys=True)}" if self._extra else ""
        return self._endpoint.base_url + extra

    async def complete(self, request: TeacherRequest, *, on_lost: OnLost | None = None) -> TeacherReply:
        """Answer one request; raises TeacherError where no reply can be had.

        Args:
            request: what is sent.
            on_lost: awaited before it is sent again after a reply was lost on its way; see ``ChatClient.chat``.
        """
        schema = request.schema if request.schema and await self._is_schema_kept() else None
        reply = await self._client.chat(
            request.list_messages(),
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            schema=schema,
            extra=self._extra or None,
            on_lost=on_lost,
        )
        if not reply.texts:
            raise TeacherError(f"The reply of {self._endpoint} holds no text at all; ask again, or another model.")
        return _to_teacher_reply(reply)

    async def _is_schema_kept(self) -> bool:
        """Say whether the server keeps to a schema: asked once, for a word that no model says unasked."""
        async with self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self._keeps_schema is None:
                request, word = make_schema_request()
                try:
                    reply = await self._client.chat(
                        request.list_messages(),
                        max_tokens=request.max_tokens,
                        temperature=request.temperature,
                        schema=request.schema,
                        extra=self._extra or None,
                    )
                    self._keeps_schema = any(word in text for text in reply.texts)
                except RequestRefused:
                    self._keeps_schema = False
            return self._keeps_schema


def make_schema_request(purpose: str = "question") -> tuple[TeacherRequest, str]:
    """Return a small request with a schema, and a word that its reply holds only where the server keeps to it."""
    request = TeacherRequest(purpose, "", GREETING, None, temperature=0.0, max_tokens=N_SCHEMA_TOKENS, schema=SCHEMA)
    return request, SCHEMA_WORD


def _to_teacher_reply(reply: ChatReply) -> TeacherReply:
    return TeacherReply(
        reply.texts[0],
        reply.finish_reasons[0] or "stop",
        reply.n_input_tokens,
        reply.n_output_tokens,
        n_cached_tokens=reply.n_cached_tokens,
        n_reasoning_tokens=reply.n_reasoning_tokens,
        n_attempts=reply.n_attempts,
    )
