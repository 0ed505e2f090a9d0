"""A teacher that remembers: the same request is sent once, whatever ran or was killed in between.

It knows nothing of how the cache stores its entries, nor of how replies are read: a changed parser asks nothing again.
"""

from typing import Any, Protocol

from core.records import content_id
from core.teacher.base import Teacher, TeacherReply, TeacherRequest


class ReplyCache(Protocol):
    """What is needed of ``core.cache.Cache``."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the entry of that key, None where there is none."""
        ...

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Keep the entry, so that it outlives this process however it ends."""
        ...


def make_reply_key(teacher: Teacher, request: TeacherRequest) -> str:
    """Return the key of a request: model, prompt, sampling and sample index.

    The subject is no part of it, as it is never sent; a teacher that reads more than what is sent (the built-in one)
    says so by a ``cache_salt``.
    """
    salt = teacher.cache_salt(request) if hasattr(teacher, "cache_salt") else ""
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
    )


class CachedTeacher:
    """Passes requests on to a teacher and keeps its replies, cut-off ones included; errors are never kept."""

    def __init__(self, teacher: Teacher, cache: ReplyCache):
        self.name = teacher.name
        self._teacher = teacher
        self._cache = cache

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer from the cache (``is_cached``, nothing sent, the tokens it cost then), else ask and keep the reply."""
        key = make_reply_key(self._teacher, request)
        if entry := self._cache.get(key):
            return TeacherReply(
                entry["text"],
                entry["finish_reason"],
                entry["n_input_tokens"],
                entry["n_output_tokens"],
                is_cached=True,
            )
        reply = await self._teacher.complete(request)
        self._cache.put(
            key,
            {
                "text": reply.text,
                "finish_reason": reply.finish_reason,
                "n_input_tokens": reply.n_input_tokens,
                "n_output_tokens": reply.n_output_tokens,
            },
        )
        return reply
