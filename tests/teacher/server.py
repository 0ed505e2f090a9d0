"""A chat server for tests: real HTTP on a free port, with the abilities and the faults that a test gives it.

    python -m tests.teacher.server [--delay 0.2] [--jitter 0.5]     in a process of its own, for benchmarks

That one prints its address, takes changes to its script as JSON at /control, and ends with its standard input.
"""

import argparse
import asyncio
import json
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.teacher.faults import Fault, drop, hang, send_body, status, trickle
from tests.teacher.wire import Exchange, HttpServer

__all__ = ["ChatServer", "Script", "Spoken", "StudentSpeaker", "drop", "hang", "send_body", "speak_letters", "status",
           "trickle"]  # fmt: skip


@dataclass(frozen=True)
class Spoken:
    """One choice: its tokens with their log-probabilities; ``n_hidden`` at the end are special ones."""

    tokens: list[tuple[bytes, float]]
    finish_reason: str = "stop"
    n_hidden: int = 0

    @property
    def text(self) -> str:
        shown = self.tokens[: len(self.tokens) - self.n_hidden]
        return b"".join(data for data, _ in shown).decode(errors="replace")


Speaker = Callable[[str, dict[str, Any], int], Spoken]
"""Prompt, request body, number of the choice -> what is said."""


def speak_letters(prompt: str, body: dict[str, Any], number: int) -> Spoken:
    """Say one word for each word of the prompt, greedily the same ones; then the end of text."""
    temperature = body.get("temperature", 1.0)
    key = [prompt, body.get("seed", time.perf_counter_ns() if temperature else 0), number if temperature else 0]
    rng = random.Random(json.dumps(key)) if temperature else random.Random(prompt)
    n_wanted, limit = max(2, len(prompt.split())), body.get("max_tokens", 10**6)
    words = [(f" {rng.choice('abcdefgh')}{rng.randint(0, 99)}".encode(), -rng.random()) for _ in range(n_wanted)]
    if n_wanted >= limit:
        return Spoken(words[:limit], "length")
    return Spoken([*words, (b"<|end|>", -0.25)], "stop", 1)


class StudentSpeaker:
    """Says what a real student says greedily, by the library's own decoding loop and as vLLM lists it."""

    def __init__(self, student: Any):
        self.student, self._lock = student, threading.Lock()

    def __call__(self, prompt: str, body: dict[str, Any], number: int) -> Spoken:
        import torch

        from core.models.rendering import encode_prompts

        assert body["temperature"] == 0.0
        tokenizer, model = self.student.tokenizer, self.student.model
        ids = torch.tensor(encode_prompts(tokenizer, [prompt]))
        with self._lock, torch.no_grad():
            out = model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=body["max_tokens"], do_sample=False,
                eos_token_id=self.student.stop_ids, pad_token_id=tokenizer.pad_token_id,
                output_logits=True, return_dict_in_generate=True,
            )  # fmt: skip
        said = out.sequences[0, ids.shape[1] :].tolist()
        rows = [logits[0].double().log_softmax(-1) for logits in out.logits]
        logprobs = [row[token].item() for row, token in zip(rows, said, strict=True)]
        prefixes = [tokenizer.decode(said[:end]) for end in range(len(said) + 1)]
        texts = [after.removeprefix(before) for before, after in pairwise(prefixes)]
        is_ended = said[-1] in self.student.stop_ids
        tokens = [(text.encode(), logprob) for text, logprob in zip(texts, logprobs, strict=True)]
        return Spoken(tokens, "stop" if is_ended else "length", int(is_ended))


@dataclass
class Script:
    """What the server can do and what goes wrong; a test may change it at any time."""

    speak: Speaker = speak_letters
    models: tuple[str, ...] | None = ("model",)
    """None: there is no list, and any name is answered."""

    key: str | None = None
    """Key that is asked for; None: any."""

    gives_logprobs: bool = True
    honours_n: bool = True
    honours_schema: bool = True
    gives_usage: bool = True
    refused_fields: frozenset[str] = frozenset()
    """Fields of a request that are answered by status 400."""

    context: int | None = None
    """Words that prompt and answer may have together; more are answered by status 400, as vLLM does."""

    delay_s: float = 0.0
    """Seconds from a request to its reply."""

    jitter: float = 0.0
    """Share of the delay by which it is longer or shorter at most."""

    limit: int | None = None
    """Requests that are answered at the same time; more are turned down at once, by status 429."""

    retry_after_s: float | None = None
    """Pause that such a refusal asks for; None: it names none."""

    faults: deque[Fault] = field(default_factory=deque)
    """Taken from the left, one for each chat request."""

    poison: dict[str, Fault] = field(default_factory=dict)
    """Prompt -> fault that answers it every time."""


class ChatServer:
    """The server, running while it is entered; keeps what it was sent and what it answered."""

    def __init__(self, *, port: int = 0, **script: Any):
        self.script = Script(**script)
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.times: list[float] = []
        self.answered: Counter[str] = Counter()
        """How often each prompt was answered with status 200 by the server itself, not by a fault."""

        self.n_pushed_back = self.most_at_once = self._now = 0
        self._http = HttpServer(self.serve, port)

    def __enter__(self) -> "ChatServer":
        self.url = f"http://127.0.0.1:{self._http.start()}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        self._http.stop()

    @property
    def n_open(self) -> int:
        """Connections that are open now."""
        return self._http.n_open

    @property
    def n_accepted(self) -> int:
        """Connections that were ever opened."""
        return self._http.n_accepted

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request."""
        if exchange.path == "/v1/chat/completions" and exchange.method == "POST":
            return await self._chat(exchange)
        models = self.script.models
        if exchange.path == "/v1/models" and models is not None:
            return await exchange.send_json(200, {"object": "list", "data": [{"id": name} for name in models]})
        if exchange.path == "/control":
            return await exchange.send_json(200, self._control(json.loads(exchange.data or b"{}")))
        await exchange.send_json(404, {"detail": "Not Found"})

    async def _chat(self, exchange: Exchange) -> None:
        body, key = json.loads(exchange.data), exchange.headers.get("authorization", "").removeprefix("Bearer ")
        script, prompt = self.script, read_prompt(body)
        self.bodies.append(body)
        self.keys.append(key)
        self.times.append(time.monotonic())
        if script.limit is not None and self._now >= script.limit:
            self.n_pushed_back += 1
            pause = {} if script.retry_after_s is None else {"Retry-After": f"{script.retry_after_s:g}"}
            return await exchange.send_json(429, {"error": {"message": "too many at once"}}, pause)
        fault = script.poison.get(prompt) or (script.faults.popleft() if script.faults else None)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            if script.delay_s:
                await asyncio.sleep(script.delay_s * random.uniform(1 - script.jitter, 1 + script.jitter))
            if fault := fault or find_refusal(script, body, key):
                return await fault(exchange)
            completion = make_completion(script, body)
        finally:
            self._now -= 1
        self.answered[prompt] += 1
        await exchange.send_json(200, completion)

    def _control(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Change the script of a server in another process, and say what it has done; ``reset`` forgets that first."""
        if changes.pop("reset", False):
            self.bodies, self.keys, self.times, self.answered = [], [], [], Counter()
            self.n_pushed_back = self.most_at_once = 0
        for name, value in changes.items():
            setattr(self.script, name, value)
        counts = {"n_requests": len(self.bodies), "n_pushed_back": self.n_pushed_back, "n_open": self.n_open}
        n_twice = sum(count > 1 for count in self.answered.values())
        return counts | {"n_answered": len(self.answered), "n_twice": n_twice, "most_at_once": self.most_at_once}


def read_prompt(body: dict[str, Any]) -> str:
    """Return the last message; some clients send it in parts."""
    content = body["messages"][-1]["content"] if body["messages"] else ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def find_refusal(script: Script, body: dict[str, Any], key: str) -> Fault | None:
    """Return how a sound server turns this request down, None where it does not."""
    if script.key is not None and key != script.key:
        return status(401, f"Incorrect API key provided: {key}", code="invalid_api_key")
    if script.models is not None and body["model"] not in script.models:
        return status(404, f"The model `{body['model']}` does not exist.", code="model_not_found")
    if not body["messages"]:
        return status(400, "'messages' must not be empty.")
    if refused := sorted(script.refused_fields & set(body)):
        return status(400, f"Unsupported parameter: {refused[0]!r} is not supported with this model.")
    n_input, n_output = len(read_prompt(body).split()), body.get("max_tokens", 1)
    if script.context is not None and n_input + n_output > script.context:
        return status(
            400,
            f"'max_tokens' or 'max_completion_tokens' is too large: {n_output}. This model's maximum context length is "
            f"{script.context} tokens and your request has {n_input} input tokens.",
        )
    return None


def make_completion(script: Script, body: dict[str, Any]) -> dict[str, Any]:
    prompt = read_prompt(body)
    if script.context is not None and "max_tokens" not in body:
        body = body | {"max_tokens": script.context - len(prompt.split())}
    n = body.get("n", 1) if script.honours_n else 1
    spoken = [script.speak(prompt, body, number) for number in range(n)]
    if script.honours_schema and "response_format" in body:
        word = body["response_format"]["json_schema"]["schema"]["properties"]["seedbed"]["enum"][0]
        spoken = [Spoken([(json.dumps({"seedbed": word}).encode(), -0.1)])]
    completion: dict[str, Any] = {
        "id": f"chatcmpl-{time.monotonic_ns()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [make_choice(one, number, script, body) for number, one in enumerate(spoken)],
    }
    if script.gives_usage:
        n_input, n_output = len(prompt.split()), sum(len(one.tokens) for one in spoken)
        counts = {"prompt_tokens": n_input, "completion_tokens": n_output, "total_tokens": n_input + n_output}
        completion["usage"] = counts
    return completion


def make_choice(spoken: Spoken, number: int, script: Script, body: dict[str, Any]) -> dict[str, Any]:
    choice: dict[str, Any] = {
        "index": number,
        "message": {"role": "assistant", "content": spoken.text},
        "finish_reason": spoken.finish_reason,
    }
    if script.gives_logprobs and body.get("logprobs"):
        choice["logprobs"] = {
            "content": [
                {"token": data.decode(errors="replace"), "bytes": list(data), "logprob": logprob, "top_logprobs": []}
                for data, logprob in spoken.tokens
            ]
        }
    return choice


def main() -> None:
    """Serve until the standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--jitter", type=float, default=0.0)
    args = parser.parse_args()
    with ChatServer(delay_s=args.delay, jitter=args.jitter) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
