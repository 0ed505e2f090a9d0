"""A teacher behind an OpenAI-compatible server.

It knows nothing of caches, budgets or of how replies are read: each request is one chat request.
"""

import json
from collections.abc import Mapping
from typing import Any

from core.errors import TeacherError
from core.teacher.base import TeacherReply, TeacherRequest
from core.teacher.client import ChatClient, Watch
from core.teacher.endpoint import Endpoint
from core.teacher.reply import ChatReply


class RemoteTeacher:
    """Answers by what the model of an endpoint says; whoever asks has found out whether the server keeps to a schema.

    Args:
        endpoint: the model; its name is the teacher's name in records.
        client: sends the requests; None: one of its own.
        extra: further fields of every request body, such as ``reasoning_effort``; part of the cache key.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        client: ChatClient | None = None,
        extra: Mapping[str, Any] | None = None,
    ):
        self.name = endpoint.model
        self._endpoint = endpoint
        self._client = client or ChatClient(endpoint)
        self._extra = dict(extra or {})

    def cache_salt(self, request: TeacherRequest) -> str:
        """Return what a reply depends on besides the request: two servers may call different models alike."""
        extra = f" {json.dumps(self._extra, sort_keys=True)}" if self._extra else ""
        return self._endpoint.base_url + extra

    async def complete(self, request: TeacherRequest, *, watch: Watch | None = None) -> TeacherReply:
        """Answer one request; raises TeacherError where no reply can be had.

        Args:
            request: what is sent.
            watch: told of each attempt; see ``ChatClient.chat``.
        """
        reply = await self._client.chat(
            request.list_messages(),
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            schema=request.schema or None,
            extra=self._extra or None,
            watch=watch,
        )
        if not reply.texts:
            raise TeacherError(f"The reply of {self._endpoint} holds no text at all; ask again, or another model.")
        return _to_teacher_reply(reply)


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
