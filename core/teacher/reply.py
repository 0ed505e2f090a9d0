"""What a chat server sends back, read as it is: nothing is made up for what it leaves out.

Servers differ in what they fill in and in the words they use; this is the one place that knows how. It knows nothing
of how a request is sent or tried again.
"""

import json
from dataclasses import dataclass
from sys import float_info
from typing import Any

UNLIKELY = -9999.0
"""What OpenAI and vLLM write for a log-probability that they do not tell."""

MOST_TOKENS = 2**53
"""A larger count is none: no reply has so many tokens, and a journal could not hold the number exactly."""

_FINISH_REASONS = {
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "function_call": "stop",
    "tool_calls": "stop",
}
"""Other servers' words for ``stop`` and ``length``."""


class NoReply(Exception):
    """What came back is no chat completion; the text says what it is, as part of a sentence."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One generated token."""

    data: bytes
    """UTF-8 bytes that the token stands for, as the server tells them; may be part of a character, or empty."""

    logprob: float | None
    """Log-probability of this token, nats; None where the server does not tell it."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What came back for one request: as many choices as the server gave, which may be none."""

    texts: tuple[str, ...]
    """One per choice, untouched; empty where a choice holds no text."""

    finish_reasons: tuple[str | None, ...]
    """``stop``, ``length``, ``content_filter``, ``refusal`` or the server's own word; None where it says nothing."""

    tokens: tuple[tuple[TokenLogprob, ...] | None, ...]
    """The generated tokens of each choice; None where the server does not list them."""

    n_input_tokens: int | None
    """Prompt tokens; None where the server does not count them."""

    n_output_tokens: int | None
    """Generated tokens of all choices together; None where the server does not count them."""

    model: str | None = None
    """The model's name in the reply; None where there is none."""

    n_cached_tokens: int | None = None
    """Prompt tokens that the server had from an earlier request; None where it does not tell."""

    n_reasoning_tokens: int | None = None
    """Generated tokens of all choices together that no text shows; None where the server does not tell."""

    n_attempts: int = 1
    """Times that the request was sent until this reply came."""


def make_encodable(text: str) -> str:
    """Return the text with a question mark for each half of a character: JSON can hold one, no file can."""
    return text.encode(errors="replace").decode()


def find_message(text: str) -> str:
    """Return what an error's body says, in any of the forms that servers use; the text itself where it is no JSON."""
    try:
        body = json.loads(text)
        for name in ("error", "message", "detail", "msg"):
            if isinstance(body, list) and body:
                body = body[0]
            if isinstance(body, dict) and name in body:
                body = body[name]
        return make_encodable(body if isinstance(body, str) else json.dumps(body, ensure_ascii=False))
    except (ValueError, RecursionError):
        return make_encodable(text)


def read_reply(content: bytes, n_attempts: int = 1) -> ChatReply:
    """Return the reply in a response's body; raises NoReply where it is no chat completion."""
    try:
        body = json.loads(content)
    except ValueError as error:
        raise NoReply("its reply is no JSON") from error
    except RecursionError:
        raise NoReply("its reply is JSON that is nested too deep") from None
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list):
        raise NoReply(f"its reply is no chat completion: {find_message(content.decode(errors='replace'))}")
    choices = [one for one in choices if isinstance(one, dict)]
    if all(isinstance(one.get("index"), int) for one in choices):  # else in the order in which they stand
        choices.sort(key=lambda one: one["index"])
    texts = tuple(_read_text(one) for one in choices)
    usage = body.get("usage") if isinstance(body.get("usage"), dict) else {}
    n_output = _read_count(usage.get("completion_tokens"))
    return ChatReply(
        texts,
        tuple(_read_finish_reason(one) for one in choices),
        tuple(_read_tokens(one.get("logprobs")) for one in choices),
        _read_count(usage.get("prompt_tokens")) or None,  # every prompt has tokens: 0 is a server that does not count
        None if n_output == 0 and any(texts) else n_output,
        make_encodable(body["model"]) if isinstance(body.get("model"), str) else None,
        _read_detail(usage, "prompt_tokens_details", "cached_tokens"),
        _read_detail(usage, "completion_tokens_details", "reasoning_tokens"),
        n_attempts,
    )


def _read_detail(usage: dict[str, Any], group: str, name: str) -> int | None:
    return _read_count(usage[group].get(name)) if isinstance(usage.get(group), dict) else None


def _read_count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return value if is_count else None


def _read_message(choice: dict[str, Any]) -> dict[str, Any]:
    return choice["message"] if isinstance(choice.get("message"), dict) else {}


def _read_text(choice: dict[str, Any]) -> str:
    """Return the text of a choice; a list of parts is joined, as some servers give it."""
    content = _read_message(choice).get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(text for text in texts if isinstance(text, str))
    return make_encodable(content) if isinstance(content, str) else ""


def _read_finish_reason(choice: dict[str, Any]) -> str | None:
    if _read_message(choice).get("refusal"):
        return "refusal"
    reason = choice.get("finish_reason")
    return _FINISH_REASONS.get(reason, make_encodable(reason)) if isinstance(reason, str) else None


def _read_tokens(told: Any) -> tuple[TokenLogprob, ...] | None:
    """Return the generated tokens, from the form of chat completions or from that of the older text completions.

    The older form comes from vLLM before 0.4 (vllm#3179) and from llama-cpp-python (#1787).
    """
    if not isinstance(told, dict):
        return None
    if isinstance(told.get("content"), list):
        rows = [row for row in told["content"] if isinstance(row, dict)]
        tokens = tuple(TokenLogprob(_read_data(row), _find_logprob(row)) for row in rows)
    else:
        texts, values = told.get("tokens"), told.get("token_logprobs")
        if not isinstance(texts, list) or not isinstance(values, list) or len(texts) != len(values):
            return None
        pairs = zip(texts, values, strict=True)
        tokens = tuple(TokenLogprob(str(text).encode(errors="replace"), _read_logprob(value)) for text, value in pairs)
    return tokens or None


def _read_data(row: dict[str, Any]) -> bytes:
    """Return the bytes of a token: as listed, else of its text."""
    try:
        if isinstance(row.get("bytes"), list):
            return bytes(row["bytes"])
    except (TypeError, ValueError):
        pass
    return str(row.get("token", "")).encode(errors="replace")


def _find_logprob(row: dict[str, Any]) -> float | None:
    """Return the log-probability of the sampled token: its own entry, never simply the likeliest one's (trl#3867)."""
    if (value := _read_logprob(row.get("logprob"))) is not None:
        return value
    others = row["top_logprobs"] if isinstance(row.get("top_logprobs"), list) else ()
    same = (one for one in others if isinstance(one, dict) and one.get("token") == row.get("token"))
    return next((_read_logprob(one.get("logprob")) for one in same), None)


def _read_logprob(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if UNLIKELY < value <= float_info.max else None  # isfinite takes no whole number of 400 digits
