"""A chat client for OpenAI-compatible servers: sends, tries again what passes, and says plainly what does not.

The SDK's own retries are off, so that there is one place that decides what is sent again. It knows nothing of
prompts, tasks, roles or caches. From synchronous code: ``asyncio.run(client.chat(...))`` in the calling thread.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from core.errors import TeacherError
from core.teacher.endpoint import CHAT_PATH, Endpoint
from core.teacher.faults import (
    EndpointDenied,
    Judge,
    Passing,
    PromptFiltered,
    PromptTooLong,
    RequestRefused,
    SchemaRefused,
    ServerUnavailable,
    is_unsupported,
)
from core.teacher.reply import ChatReply, NoReply, make_encodable, read_reply
from core.teacher.throttle import Throttle, Turn

if TYPE_CHECKING:
    from ssl import SSLContext

    from openai import AsyncOpenAI

__all__ = ["ChatClient", "EndpointDenied", "PromptTooLong", "RequestRefused", "SchemaRefused", "ServerUnavailable"]

MAX_CONCURRENCY = 8
"""Requests on their way at the same time, unless whoever asks says otherwise."""

TIMEOUT_S = 180.0
"""Seconds that one attempt may take, from sending to the last byte."""

MAX_ATTEMPTS = 6
"""Times that one request may fail at most, push-backs left out."""

PATIENCE_S = 900.0
"""Seconds that one request is tried again, from its first fault on, waits included."""

BACKOFF_S = 1.0
"""Longest pause before the second attempt; doubled before each further one."""

MAX_BACKOFF_S = 30.0
"""Longest pause that is chosen by us; a server may ask for a longer one."""

UNKNOWN_LENGTH = 1024
"""Tokens that a choice is taken to have where nothing limits it."""

OWN_FIELDS = frozenset(
    {"model", "messages", "temperature", "top_p", "max_tokens", "max_completion_tokens", "n", "logprobs", "seed"}
    | {"stop", "response_format", "stream", "stream_options"}
)
"""Fields that ``extra`` may not hold: they have parameters of their own, or change the form of the reply."""


class Watch(Protocol):
    """Told what becomes of each attempt of one request; what it raises ends the request."""

    def note_sent(self) -> None:
        """An attempt is sent now."""
        ...

    def note_unpaid(self) -> None:
        """The attempt has ended, and there is nothing to pay for."""
        ...

    async def note_lost(self) -> None:
        """The attempt's reply was lost, so that it may have to be paid for; awaited before the next one."""
        ...


class _Link(NamedTuple):
    """What belongs to one event loop."""

    client: "AsyncOpenAI"
    holder: AsyncGenerator[None, None]
    """Closes the client's connections when its loop ends."""


class ChatClient:
    """Sends chat requests to one endpoint.

    It may be used from several event loops, one after the other or at the same time: each has its own connections,
    closed when the loop ends; the limits on requests hold for all of them together.

    Args:
        endpoint: where to send; its key is read when a loop sends its first request.
        max_concurrency: requests on their way at the same time; those that wait for their next attempt are none.
        timeout_s: seconds that one attempt may take.
        max_attempts: times that one request may fail, at least 1; a server that pushes back (status 429 or 503) has
            not failed.
        backoff_s: longest pause before the second attempt, seconds; doubled before each further one.
        patience_s: seconds that one request is tried again, from its first fault on, waits included.
        requests_per_minute: requests sent within any 60 s at most; None: no cap.
        tokens_per_minute: tokens of requests sent within any 60 s at most; None: no cap.
        throttle: shared with other clients of the same server and key; the three limits before are its own then.
        omits_refused: whether ``temperature`` and ``top_p`` are left out where the model does not take them, as with
            reasoning models: a teacher that answers at its own temperature is better than none, but a student that was
            to answer greedily is not. What was left out is in ``omitted``.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        max_concurrency: int = MAX_CONCURRENCY,
        timeout_s: float = TIMEOUT_S,
        max_attempts: int = MAX_ATTEMPTS,
        backoff_s: float = BACKOFF_S,
        patience_s: float = PATIENCE_S,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        throttle: Throttle | None = None,
        omits_refused: bool = False,
    ):
        self.endpoint, self.timeout_s = endpoint, timeout_s
        self.throttle = throttle or Throttle(max_concurrency, requests_per_minute, tokens_per_minute)
        self.omitted: set[str] = set()
        self._max_attempts, self._backoff_s, self._patience_s = max_attempts, backoff_s, patience_s
        self._judge = Judge(endpoint, timeout_s)
        self._links: dict[asyncio.AbstractEventLoop, _Link] = {}
        self._limit_field = "max_tokens"
        self._omits_refused = omits_refused

    @property
    def max_concurrency(self) -> int:
        """Requests on their way at the same time at most."""
        return self.throttle.max_concurrency

    async def chat(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int | None,
        temperature: float | None,
        top_p: float | None = None,
        n: int = 1,
        logprobs: bool = False,
        seed: int | None = None,
        stop: str | Sequence[str] | None = None,
        schema: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        watch: Watch | None = None,
    ) -> ChatReply:
        """Send one request and return the reply, whatever it lacks.

        Args:
            messages: ``role`` (system, user or assistant) and ``content`` each.
            max_tokens: limit of each choice; None leaves it to the server, most of which fill the context.
            temperature: 0 for greedy; None leaves it to the server.
            top_p: share of the probability that is sampled from, in (0, 1]; None leaves it to the server.
            n: choices asked for; many servers give fewer.
            logprobs: whether to ask for the tokens; many servers do not list them.
            seed: of the sampling; many servers ignore it.
            stop: texts that end a choice; they are not part of it.
            schema: JSON schema that the text must follow; many servers ignore it.
            extra: further fields, such as ``reasoning_effort`` or ``chat_template_kwargs``, sent as they are.
            watch: told when each attempt is really sent, which may be long after this call, and how it fails.

        Raises:
            PromptTooLong: it does not fit into the model's context.
            SchemaRefused: the server does not take this schema; without one the same request may be fine.
            RequestRefused: the server does not take a request like this one.
            ServerUnavailable: no answer, however often it was asked.
            EndpointDenied: wrong key, unknown model or address.
            TeacherError: whatever else no further attempt can mend.
        """
        body: dict[str, Any] = {"model": self.endpoint.model, "messages": list(messages)}
        if extra:
            _check_extra(extra)
            body |= extra
        choices = {"temperature": temperature, "top_p": top_p, "seed": seed, "stop": stop}
        body |= {name: value for name, value in choices.items() if value is not None}
        if n != 1:
            body["n"] = n
        if logprobs:
            body["logprobs"] = True
        if schema is not None:
            form = {"name": "reply", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        link = self._links.get(asyncio.get_running_loop()) or await self._open_link()
        turn = self.throttle.take_turn(_estimate_tokens(messages, max_tokens, n))
        try:
            return await self._ask_adapted(link.client, body, max_tokens, turn, watch)
        except PromptFiltered:
            return ChatReply(("",), ("content_filter",), (None,), None, None, n_attempts=turn.n_attempts)

    async def list_models(self) -> list[str] | None:
        """Return the names that the server lists, asked once; None where it gives no such list."""
        from openai import OpenAIError

        link = await self._open_link()
        try:
            async with self.throttle.take_turn(), asyncio.timeout(self.timeout_s):
                body = await link.client.get("/models", cast_to=object)
        except (OpenAIError, TimeoutError, ValueError, RecursionError):
            return None
        listed = body.get("data") if isinstance(body, dict) else None
        if not isinstance(listed, list) or not listed:
            return None
        return [make_encodable(row["id"]) for row in listed if isinstance(row, dict) and isinstance(row.get("id"), str)]

    async def _open_link(self) -> _Link:
        """Return what belongs to the running loop; connections of another loop would be dead here."""
        loop = asyncio.get_running_loop()
        if loop not in self._links:
            from httpx2 import Limits
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

            from core.teacher.connections import make_transport

            timeout = Timeout(self.timeout_s, connect=min(10.0, self.timeout_s))
            limits = Limits(max_connections=None, max_keepalive_connections=self.max_concurrency)
            certificates = _read_certificates()
            client = AsyncOpenAI(
                api_key=self.endpoint.read_key(),
                base_url=self.endpoint.base_url,
                max_retries=0,
                timeout=timeout,
                http_client=DefaultAsyncHttpxClient(
                    verify=certificates, timeout=timeout, limits=limits, transport=make_transport(certificates)
                ),
            )
            link = _Link(client, _hold(client))
            self._links = {other: kept for other, kept in self._links.items() if not other.is_closed()} | {loop: link}
            await anext(link.holder)
        return self._links[loop]

    async def _ask_adapted(
        self, client: "AsyncOpenAI", body: dict[str, Any], limit: int | None, turn: Turn, watch: Watch | None
    ) -> ChatReply:
        """Ask in the words that the model knows; what it refuses is learnt once."""
        while True:
            sent = {name: value for name, value in body.items() if name not in self.omitted}
            if limit is not None:
                sent[self._limit_field] = limit
            try:
                return await self._ask(client, sent, turn, watch)
            except PromptTooLong:
                raise
            except RequestRefused as error:
                if not self._learn(sent, str(error)):
                    raise

    def _learn(self, sent: Mapping[str, Any], refusal: str) -> bool:
        """Take in what a refusal says of the fields that were sent; False where it says nothing of use."""
        newer = "max_completion_tokens"
        if "max_tokens" in sent and newer in refusal:  # OpenAI's newer models refuse the older name
            self._limit_field = newer
            return True
        if self._omits_refused:
            for name in ("temperature", "top_p"):
                if name in sent and is_unsupported(name, refusal):
                    self.omitted.add(name)
                    return True
        return False

    async def _ask(self, client: "AsyncOpenAI", body: dict[str, Any], turn: Turn, watch: Watch | None) -> ChatReply:
        """Send until it is answered, with full jitter between the attempts (Brooker 2015, AWS architecture blog).

        A server that pushes back is asked again when the throttle lets it, in the order in which requests came.
        """
        from httpx2 import Response
        from openai import OpenAIError

        n_faults, give_up_at = 0, None
        while True:
            async with turn:
                if watch is not None:
                    watch.note_sent()
                try:
                    async with asyncio.timeout(self.timeout_s):
                        raw = await client.post(CHAT_PATH, body=body, cast_to=Response)
                    reply = read_reply(raw.content, turn.n_attempts)
                    turn.take_answer(_count_tokens(reply))
                    return reply
                except (OpenAIError, TimeoutError, NoReply) as error:
                    fault = self._judge.judge(error, has_schema="response_format" in body)
                    if watch is not None and not _may_be_paid(error, fault):
                        watch.note_unpaid()
                    if isinstance(fault, Exception):
                        raise fault from error.__cause__  # the SDK's error may quote the key, its cause does not
                    n_faults += not fault.is_pushback
                    give_up_at = give_up_at or monotonic() + self._patience_s
                    wait = fault.retry_after_s or 0.0
                    if n_faults >= self._max_attempts or monotonic() + wait > give_up_at:
                        raise ServerUnavailable(self._word_surrender(fault, turn.n_attempts)) from error.__cause__
                    if fault.is_pushback:
                        turn.take_pushback(fault.retry_after_s)
                        continue
            if fault.may_be_paid and watch is not None:
                await watch.note_lost()
            longest = min(MAX_BACKOFF_S, self._backoff_s * 2 ** (n_faults - 1))
            await asyncio.sleep(wait + random.uniform(0.0, longest))

    def _word_surrender(self, fault: Passing, n_attempts: int) -> str:
        tries = "1 attempt" if n_attempts == 1 else f"{n_attempts} attempts"
        if (fault.retry_after_s or 0.0) > self._patience_s:
            return (
                f"The server {self.endpoint.base_url} asks for a pause of {fault.retry_after_s:,.0f} s ({fault.why}); "
                "go on after that, or choose another server."
            )
        return (
            f"The server {self.endpoint.base_url} gave no answer in {tries}: {fault.why}; "
            "see that it is running and go on later."
        )


def _may_be_paid(error: Exception, fault: Passing | Exception) -> bool:
    """Say whether an attempt that failed so may have to be paid for: not where the server itself refused it."""
    from openai import APIStatusError

    return fault.may_be_paid if isinstance(fault, Passing) else not isinstance(error, APIStatusError)


def _check_extra(extra: Mapping[str, Any]) -> None:
    """Raise TeacherError where a further field stands in the way of the others."""
    if taken := sorted(OWN_FIELDS & extra.keys()):
        raise TeacherError(f"The field {taken[0]!r} cannot be a further field of a request; take it out of them.")


def _estimate_tokens(messages: Sequence[Mapping[str, str]], max_tokens: int | None, n: int) -> int:
    """Return about how many tokens a request takes at most: one for three bytes of the prompt, and full choices."""
    n_bytes = sum(len(message["content"].encode(errors="replace")) for message in messages)
    return n_bytes // 3 + n * (UNKNOWN_LENGTH if max_tokens is None else max_tokens)


def _count_tokens(reply: ChatReply) -> int | None:
    """Return the tokens of a reply with its prompt; None where the server does not count them."""
    if reply.n_input_tokens is None or reply.n_output_tokens is None:
        return None
    return reply.n_input_tokens + reply.n_output_tokens


@cache
def _read_certificates() -> "SSLContext":
    """Return the certificates that are trusted; reading them takes some 0.1 s, so once per process."""
    from httpx2 import create_ssl_context

    return create_ssl_context()


async def _hold(client: "AsyncOpenAI") -> AsyncGenerator[None, None]:
    """Keep a client open until its loop ends: ``asyncio.run`` closes every suspended generator of the loop."""
    async with client:
        yield
