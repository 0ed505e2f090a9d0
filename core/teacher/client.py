"""A chat client for OpenAI-compatible servers: sends, tries again what passes, and says plainly what does not.

The SDK's own retries are off, so that there is one place that decides what is sent again. It knows nothing of
prompts, tasks, roles or caches. From synchronous code: ``asyncio.run(client.chat(...))`` in the calling thread.
"""

import asyncio
import random
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import count
from math import isfinite
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

from core.errors import TeacherError
from core.teacher.endpoint import Endpoint
from core.teacher.reply import ChatReply, NoReply, find_message, read_reply

if TYPE_CHECKING:
    from ssl import SSLContext

    from openai import APIStatusError, AsyncOpenAI

MAX_CONCURRENCY = 8
"""Requests on their way at the same time."""

TIMEOUT_S = 180.0
"""Seconds that one attempt may take, from sending to the last byte."""

MAX_ATTEMPTS = 6
"""Times that one request is sent at most."""

BACKOFF_S = 1.0
"""Longest pause before the second attempt; doubled before each further one."""

MAX_BACKOFF_S = 30.0
"""Longest pause that is chosen by us; a server may ask for a longer one."""

MAX_RETRY_AFTER_S = 120.0
"""Longest pause that a server may ask for; one that asks for more has a quota that is used up, not a busy minute."""

_PASSING = frozenset({408, 409, 425, 429})
_REFUSED = frozenset({400, 413, 422})

_TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum (model|prompt) length|max_model_len|prompt is too long|input length"
    r"|reduce the length|inputs?`? (tokens|must have less)|input token count|max_tokens must be at least 1",
    re.IGNORECASE,
)
"""How servers say that a prompt, or a prompt and its answer, exceed the model's context (OpenAI, vLLM, SGLang,
llama.cpp, TGI, Mistral, Anthropic, Gemini, xAI, Groq)."""

_ONE_CHOICE = "only one completion choice is allowed"
"""llama.cpp answers n > 1 by these words, by status 500 in older versions."""


class RequestRefused(TeacherError):
    """The server does not take this request; another one may be fine."""


class PromptTooLong(RequestRefused):
    """The prompt, or the prompt and its answer, do not fit into the model's context."""


class ServerUnavailable(TeacherError):
    """The server did not answer, however often it was asked; the same request may be fine later."""


class EndpointDenied(TeacherError):
    """The server denies this key, or knows no such model or address: every request will fare the same."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class _Filtered(Exception):
    """The prompt was stopped by the server's content filter."""


class _Passing(NamedTuple):
    """A fault that may be gone at the next attempt."""

    why: str
    """What happened, as part of a sentence."""

    retry_after_s: float | None = None
    """Pause that the server asks for; None where it names none."""


class _Link(NamedTuple):
    """What belongs to one event loop."""

    client: "AsyncOpenAI"
    gate: asyncio.Semaphore
    holder: AsyncGenerator[None, None]
    """Closes the client's connections when its loop ends."""


class ChatClient:
    """Sends chat requests to one endpoint.

    It may be used from several event loops, one after the other or at the same time: each has its own connections,
    closed when the loop ends, and its own limit on requests.

    Args:
        endpoint: where to send; its key is read when a loop sends its first request.
        max_concurrency: requests on their way at the same time, those that wait for their next attempt included.
        timeout_s: seconds that one attempt may take.
        max_attempts: times that one request is sent at most, at least 1.
        backoff_s: longest pause before the second attempt, seconds; doubled before each further one.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        max_concurrency: int = MAX_CONCURRENCY,
        timeout_s: float = TIMEOUT_S,
        max_attempts: int = MAX_ATTEMPTS,
        backoff_s: float = BACKOFF_S,
    ):
        self.endpoint, self.max_concurrency, self.timeout_s = endpoint, max_concurrency, timeout_s
        self._max_attempts, self._backoff_s = max_attempts, backoff_s
        self._links: dict[asyncio.AbstractEventLoop, _Link] = {}
        self._limit_field = "max_tokens"

    async def chat(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int | None,
        temperature: float,
        n: int = 1,
        logprobs: bool = False,
        seed: int | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> ChatReply:
        """Send one request and return the reply, whatever it lacks.

        Args:
            messages: ``role`` and ``content`` each.
            max_tokens: limit of each choice; None leaves it to the server, most of which fill the context.
            temperature: 0 for greedy.
            n: choices asked for; many servers give fewer.
            logprobs: whether to ask for the tokens; many servers do not list them.
            seed: of the sampling; many servers ignore it.
            schema: JSON schema that the text must follow; many servers ignore it.

        Raises:
            PromptTooLong: it does not fit into the model's context.
            RequestRefused: the server does not take a request like this one.
            ServerUnavailable: no answer, however often it was asked.
            EndpointDenied: wrong key, unknown model or address.
            TeacherError: whatever else no further attempt can mend.
        """
        body: dict[str, Any] = {"model": self.endpoint.model, "messages": list(messages), "temperature": temperature}
        if n != 1:
            body["n"] = n
        if logprobs:
            body["logprobs"] = True
        if seed is not None:
            body["seed"] = seed
        if schema is not None:
            form = {"name": "reply", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        link = await self._open_link()
        async with link.gate:
            try:
                return await self._ask_with_limit(link.client, body, max_tokens)
            except _Filtered:
                return ChatReply(("",), ("content_filter",), (None,), None, None)

    async def list_models(self) -> list[str] | None:
        """Return the names that the server lists, asked once; None where it gives no such list."""
        from openai import OpenAIError

        link = await self._open_link()
        try:
            async with link.gate, asyncio.timeout(self.timeout_s):
                body = await link.client.get("/models", cast_to=object)
        except (OpenAIError, TimeoutError, ValueError):
            return None
        listed = body.get("data") if isinstance(body, dict) else None
        return [str(row["id"]) for row in listed if isinstance(row, dict) and "id" in row] if listed else None

    async def _open_link(self) -> _Link:
        """Return what belongs to the running loop; connections of another loop would be dead here."""
        loop = asyncio.get_running_loop()
        if loop not in self._links:
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

            timeout = Timeout(self.timeout_s, connect=min(10.0, self.timeout_s))
            client = AsyncOpenAI(
                api_key=self.endpoint.read_key(),
                base_url=self.endpoint.base_url,
                max_retries=0,
                timeout=timeout,
                http_client=DefaultAsyncHttpxClient(verify=_read_certificates(), timeout=timeout),
            )
            link = _Link(client, asyncio.Semaphore(self.max_concurrency), _hold(client))
            self._links = {other: kept for other, kept in self._links.items() if not other.is_closed()} | {loop: link}
            await anext(link.holder)
        return self._links[loop]

    async def _ask_with_limit(self, client: "AsyncOpenAI", body: dict[str, Any], limit: int | None) -> ChatReply:
        """Ask with the limit under the name that the server knows: OpenAI's newer models refuse the older name."""
        field = self._limit_field
        try:
            return await self._ask(client, body if limit is None else body | {field: limit})
        except PromptTooLong:
            raise
        except RequestRefused as error:
            newer = "max_completion_tokens"
            if limit is None or field == newer or newer not in str(error):
                raise
            self._limit_field = newer
            return await self._ask(client, body | {newer: limit})

    async def _ask(self, client: "AsyncOpenAI", body: dict[str, Any]) -> ChatReply:
        """Send until it is answered, with full jitter between the attempts (Brooker 2015, AWS architecture blog)."""
        from openai import OpenAIError

        for attempt in count(1):
            try:
                async with asyncio.timeout(self.timeout_s):
                    raw = await client.chat.completions.with_raw_response.create(**body)
                return read_reply(raw.content)
            except (OpenAIError, TimeoutError, NoReply) as error:
                fault = self._judge(error)
                if isinstance(fault, Exception):
                    raise fault from error.__cause__  # the SDK's error may quote the key, the cause below it does not
                wait = fault.retry_after_s or 0.0
                if attempt >= self._max_attempts or wait > MAX_RETRY_AFTER_S:
                    raise ServerUnavailable(self._word_surrender(fault, attempt)) from error.__cause__
            longest = min(MAX_BACKOFF_S, self._backoff_s * 2 ** (attempt - 1))
            await asyncio.sleep(wait + random.uniform(0.0, longest))

    def _word_surrender(self, fault: _Passing, attempt: int) -> str:
        tries = "1 attempt" if attempt == 1 else f"{attempt} attempts"
        if (fault.retry_after_s or 0.0) > MAX_RETRY_AFTER_S:
            return (
                f"The server {self.endpoint.base_url} asks for a pause of {fault.retry_after_s:,.0f} s ({fault.why}); "
                "go on after that, or choose another server."
            )
        return (
            f"The server {self.endpoint.base_url} gave no answer in {tries}: {fault.why}; "
            "see that it is running and go on later."
        )

    def _judge(self, error: Exception) -> _Passing | Exception:
        """Say what a failed attempt means: a fault that passes, or the error to raise."""
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        if isinstance(error, TimeoutError | APITimeoutError):
            return _Passing(f"no reply within {self.timeout_s:g} s")
        if isinstance(error, APIStatusError):
            return self._judge_status(error)
        if isinstance(error, NoReply):
            return _Passing(self._shorten(str(error)))
        if isinstance(error, APIConnectionError):
            return _Passing(f"the connection failed ({self._shorten(str(error.__cause__ or error))})")
        return TeacherError(f"The request to {self.endpoint.base_url} could not be sent: {self._shorten(str(error))}.")

    def _judge_status(self, error: "APIStatusError") -> _Passing | Exception:
        """Say what a status other than success means."""
        status, told = error.status_code, find_message(error.response.text)
        said, marks = self._shorten(told) or "without a reason", f"{told} {error.code} {error.type}"
        url, model = self.endpoint.base_url, self.endpoint.model
        if status == 429 and "insufficient_quota" in marks:
            return TeacherError(f"The quota at {url} is used up; raise it there, or choose another server.")
        if _ONE_CHOICE in told.lower() or (status == 403 and "logprobs" in told.lower()):
            return RequestRefused(f"The server {url} refused the request for {model}: {said}.")
        if status in _PASSING or status >= 500:
            return _Passing(f"status {status}, {said}", read_retry_after(error.response.headers))
        if status in _REFUSED:
            if _TOO_LONG.search(marks):
                return PromptTooLong(f"The prompt is too long for {model} at {url}: {said}.")
            if "content_filter" in marks:
                return _Filtered()
            return RequestRefused(f"The server {url} refused the request for {model}: {said}.")
        return EndpointDenied(self._word_denial(status, told, said), status)

    def _word_denial(self, status: int, told: str, said: str) -> str:
        """Return the sentence for a status that no further attempt can mend; nothing is quoted that is about keys."""
        url, model, variable = self.endpoint.base_url, self.endpoint.model, self.endpoint.key_env
        if status in (401, 403) and not self.endpoint.has_key:
            where = f"set the environment variable {variable}" if variable else "name the variable that holds it"
            return f"The server {url} wants a key (status {status}) and none was sent; {where}."
        if status == 401:
            return f"The server {url} did not accept the key in {variable}; set that variable to a valid key."
        if status == 403:
            return f"The key in {variable} may not use {model} at {url}; check the key's rights and the model name."
        if status == 404 and "model" in told.lower():
            return f"The server {url} does not know the model {model!r}; check the name."
        if status == 404:
            return (
                f"Nothing answers at {self.endpoint.chat_url} for the model {model!r}; check the address, which ends "
                "in /v1 for most servers, and the model name."
            )
        return f"The server {url} refused the request for {model} with status {status}: {said}."

    def _shorten(self, text: str) -> str:
        """Return a server's words on one line, without the key, at most 200 characters, not closed."""
        key = self.endpoint.read_key()
        text = text.replace(key, "***") if self.endpoint.has_key else text
        line = " ".join(re.sub(r"<[^<>]*>", " ", text).split())  # proxies answer with pages
        return (line if len(line) <= 200 else line[:199] + "…").rstrip(".")


@cache
def _read_certificates() -> "SSLContext":
    """Return the certificates that are trusted; reading them takes some 0.1 s, so once per process."""
    from httpx2 import create_ssl_context

    return create_ssl_context()


async def _hold(client: "AsyncOpenAI") -> AsyncGenerator[None, None]:
    """Keep a client open until its loop ends: ``asyncio.run`` closes every suspended generator of the loop."""
    async with client:
        yield


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the pause that the server asks for, seconds; None where it names none that can be read."""
    try:
        if (told := headers.get("retry-after-ms")) is not None:
            pause = float(told) / 1000
        elif (told := headers.get("retry-after")) is None:
            return None
        elif re.fullmatch(r"\s*[\d.]+\s*", told):
            pause = float(told)
        else:
            pause = parsedate_to_datetime(told).timestamp() - time()
    except (ValueError, OverflowError):
        return None
    return max(pause, 0.0) if isfinite(pause) else None
