"""A teacher that remembers: the same request is sent once, whatever ran or was killed in between.

It knows nothing of how the cache stores its entries, nor of how replies are read: a changed parser asks nothing again.
"""

import asyncio
from dataclasses import fields, replace
from typing import Any, Protocol

from core.records import content_id
from core.teacher.base import Teacher, TeacherReply, TeacherRequest


class ReplyCache(Protocol):
    """What is needed of ``core.cache.Cache``."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the entry of that key, None where there is none."""
        ...

    async def put_durable(self, key: str, value: dict[str, Any]) -> None:
        """Keep the entry; returns when it is on the disk, so that it outlives this process however it ends."""
        ...


def make_reply_key(teacher: Teacher, request: TeacherRequest) -> str:
    """Return the key of a request: model, messages, sampling, schema and sample index.

    Subject and hint are no part of it, as they are never sent; a teacher that reads more than what is sent (the
    built-in one) says so by a ``cache_salt``.
    """
    salt = teacher.cache_salt(request) if hasattr(teacher, "cache_salt") else ""
    # What a request may have besides is left out where it has none of it: earlier replies keep their keys.
    more = {"system": request.system, "earlier": request.earlier, "top_p": request.top_p, "schema": request.schema}
    more = {name: value for name, value in more.items() if value}
    return content_id(
        "reply",
        teacher.name,
        salt,
        request.task,
        request.purpose,
        request.prompt,
        request.temperature,
        request.max_tokens,
        request.sample_index,
        *([more] if more else []),
    )


class CachedTeacher:
    """Passes requests on to a teacher and keeps its replies, cut-off ones included; errors are never kept.

    A request that is on its way already is not sent a second time: both wait for the same reply.
    """

    def __init__(self, teacher: Teacher, cache: ReplyCache):
        self.name = teacher.name
        self._teacher = teacher
        self._cache = cache
        self._on_the_way: dict[str, asyncio.Future[TeacherReply]] = {}

    def find(self, request: TeacherRequest) -> TeacherReply | None:
        """Return the kept reply to a request, ``is_cached``; None where it would have to be asked."""
        entry = self._cache.get(make_reply_key(self._teacher, request))
        return TeacherReply(**{**entry, "is_cached": True, "n_attempts": 0}) if entry else None

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer from the cache (``is_cached``, nothing sent, the tokens it cost then), else ask and keep the reply."""
        key = make_reply_key(self._teacher, request)
        while (asked := self._on_the_way.get(key)) is not None:
            try:
                return replace(await asyncio.shield(asked), is_cached=True, n_attempts=0)
            except asyncio.CancelledError:
                if not asked.cancelled() or asyncio.current_task().cancelling():
                    raise  # we were cancelled; else it was the one that asked, and now we do
        if (found := self.find(request)) is not None:
            return found
        asked = asyncio.ensure_future(self._ask(key, request))
        self._on_the_way[key] = asked
        try:
            return await asked
        finally:
            self._on_the_way.pop(key, None)

    async def _ask(self, key: str, request: TeacherRequest) -> TeacherReply:
        reply = await self._teacher.complete(request)
        kept = {field.name: value for field in fields(reply) if (value := getattr(reply, field.name)) is not None}
        del kept["is_cached"], kept["n_attempts"]
        await self._cache.put_durable(key, {"n_input_tokens": None, "n_output_tokens": None, **kept})
        return reply
