"""What a failed attempt means: a fault that passes, a server that wants fewer requests, or an error to raise.

Servers word the same refusal in many ways; this is the one place that knows them. It knows nothing of waiting.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time
from typing import TYPE_CHECKING, NamedTuple

from core.errors import TeacherError
from core.teacher.endpoint import Endpoint
from core.teacher.reply import NoReply, find_message

if TYPE_CHECKING:
    from openai import APIStatusError

_PUSHBACKS = frozenset({429, 503, 529})
"""Too many requests, service unavailable, and Anthropic's word for overloaded."""

_PASSING = frozenset({408, 409, 425})
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

_TOO_LARGE = "request too large"
"""OpenAI and Groq answer a request that alone exceeds the tokens of a minute by status 429 and these words."""

_ABOUT_SCHEMA = re.compile(
    r"response.?format|json.?schema|\bschema\b|grammar|guided.?(json|decoding)|structured.?outputs?|additionalProperties",
    re.IGNORECASE,
)
"""What refusals of a JSON schema speak of (OpenAI, Azure, Groq, DeepSeek, vLLM, SGLang, llama.cpp, Gemini)."""

_SCHEMA_PLACE = re.compile(r'"loc"\s*:\s*\[[^\]]*"response_format"')
"""Where servers made with FastAPI say which field is wrong."""

_FLAGGED = re.compile(r"\bflagged\b|\bmoderat|content.?(filter|policy|policies|management)", re.IGNORECASE)
"""How servers say that they withhold an answer to what this one prompt says (OpenRouter by status 403, OpenAI, Azure by
400)."""

_ABOUT_ACCOUNT = re.compile(r"\b(account|organi[sz]ation|api.?key)\b", re.IGNORECASE)
"""What a refusal speaks of that every request will meet."""

_GATEWAYS = frozenset({502, 504})
"""What a proxy says when the server behind it broke off or took too long: that one may have answered."""

_UNSUPPORTED = re.compile(r"unsupported|(not|n't|no longer) support|deprecated for this model", re.IGNORECASE)
"""How servers say that a model does not know a field, or only its usual value."""


class RequestRefused(TeacherError):
    """The server does not take this request; another one may be fine."""


class PromptTooLong(RequestRefused):
    """The prompt, or the prompt and its answer, do not fit into the model's context."""


class SchemaRefused(RequestRefused):
    """The server does not take this JSON schema, or none at all; without it the same request may be fine."""


class ServerUnavailable(TeacherError):
    """The server did not answer, however often it was asked; the same request may be fine later."""


class EndpointDenied(TeacherError):
    """The server denies this key, or knows no such model or address: every request will fare the same."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class PromptFiltered(Exception):
    """The prompt was stopped by the server's content filter: a reply without text, rather than an error."""


class Passing(NamedTuple):
    """A fault that may be gone at the next attempt."""

    why: str
    """What happened, as part of a sentence."""

    retry_after_s: float | None = None
    """Pause that the server asks for; None where it names none."""

    is_pushback: bool = False
    """Whether the server wants fewer requests, rather than having failed at this one."""

    may_be_paid: bool = False
    """Whether the server may have answered, and its reply was lost."""


class Judge:
    """Judges the faults of one endpoint.

    Args:
        endpoint: named in the sentences; its key is in none of them.
        timeout_s: seconds that an attempt may take.
    """

    def __init__(self, endpoint: Endpoint, timeout_s: float):
        self._endpoint, self._timeout_s = endpoint, timeout_s

    def judge(self, error: Exception, *, has_schema: bool = False) -> Passing | Exception:
        """Return a fault that passes, or the error to raise.

        Args:
            error: of the SDK, TimeoutError or NoReply.
            has_schema: whether the request asked for a JSON schema.
        """
        from httpx2 import ConnectError
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        if isinstance(error, TimeoutError | APITimeoutError):
            return Passing(f"no reply within {self._timeout_s:g} s", may_be_paid=True)
        if isinstance(error, APIStatusError):
            return self._judge_status(error, has_schema)
        if isinstance(error, NoReply):
            return Passing(self._shorten(str(error)), may_be_paid=True)
        if isinstance(error, APIConnectionError):
            why = f"the connection failed ({self._shorten(str(error.__cause__ or error))})"
            return Passing(why, may_be_paid=not isinstance(error.__cause__, ConnectError))
        return TeacherError(f"The request to {self._endpoint.base_url} could not be sent: {self._shorten(str(error))}.")

    def _judge_status(self, error: "APIStatusError", has_schema: bool) -> Passing | Exception:
        """Say what a status other than success means."""
        status, told = error.status_code, find_message(error.response.text)
        codes = [each for each in (error.code, error.type) if isinstance(each, str)]
        said, marks = self._shorten(told) or "without a reason", " ".join([told, *codes])
        url, model = self._endpoint.base_url, self._endpoint.model
        refusal = f"The server {url} refused the request for {model}: {said}."
        if status == 429 and "insufficient_quota" in marks:
            return TeacherError(f"The quota at {url} is used up; raise it there, or choose another server.")
        if status == 429 and _TOO_LARGE in told.lower():
            return RequestRefused(refusal)
        if _ONE_CHOICE in told.lower() or (status == 403 and "logprobs" in told.lower()):
            return RequestRefused(refusal)
        if status in _PASSING or status >= 500 or status in _PUSHBACKS:
            why = f"status {status}, {said}"
            pause = read_retry_after(error.response.headers)
            return Passing(why, pause, status in _PUSHBACKS, may_be_paid=status in _GATEWAYS)
        if status in _REFUSED:
            if _TOO_LONG.search(marks):
                return PromptTooLong(f"The prompt is too long for {model} at {url}: {said}.")
            if "content_filter" in marks:
                return PromptFiltered()
            is_about_schema = _ABOUT_SCHEMA.search(f"{told} {error.param}") or _SCHEMA_PLACE.search(error.response.text)
            return SchemaRefused(refusal) if has_schema and is_about_schema else RequestRefused(refusal)
        if status == 403 and _FLAGGED.search(marks) and not _ABOUT_ACCOUNT.search(told):
            return PromptFiltered()
        return EndpointDenied(self._word_denial(status, told, said), status)

    def _word_denial(self, status: int, told: str, said: str) -> str:
        """Return the sentence for a status that no further attempt can mend; nothing is quoted that is about keys."""
        url, model, variable = self._endpoint.base_url, self._endpoint.model, self._endpoint.key_env
        if status in (401, 403) and not self._endpoint.has_key:
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
                f"Nothing answers at {self._endpoint.chat_url} for the model {model!r}; check the address, which ends "
                "in /v1 for most servers, and the model name."
            )
        return f"The server {url} refused the request for {model} with status {status}: {said}."

    def _shorten(self, text: str) -> str:
        """Return a server's words on one line, without the key, at most 200 characters, not closed."""
        key = self._endpoint.read_key()
        text = text.replace(key, "***") if self._endpoint.has_key else text
        line = " ".join(re.sub(r"<[^<>]*>", " ", text).split())  # proxies answer with pages
        return (line if len(line) <= 200 else line[:199] + "…").rstrip(".")


def is_unsupported(field: str, refusal: str) -> bool:
    """Say whether a refusal says that the model does not know a field, or takes only its usual value."""
    return bool(re.search(rf"\b{field}\b", refusal) and _UNSUPPORTED.search(refusal))


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
