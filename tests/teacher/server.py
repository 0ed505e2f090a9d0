"""A chat server for tests: real HTTP on a free port, with the abilities and the faults that a test gives it."""

import json
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any


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

Fault = Callable[["Handler"], None]
"""Answers one request in the server's stead."""


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
    faults: deque[Fault] = field(default_factory=deque)
    """Taken from the left, one for each chat request."""

    poison: dict[str, Fault] = field(default_factory=dict)
    """Prompt -> fault that answers it every time."""


def status(number: int, message: str = "out of order", headers: dict[str, str] | None = None, **more: Any) -> Fault:
    return lambda handler: handler.send_json(number, {"error": {"message": message} | more}, headers or {})


def send_body(body: Any) -> Fault:
    """Answer with that JSON value, or with these bytes, and status 200."""
    return lambda handler: handler.send_json(200, body, {})


def drop(handler: "Handler") -> None:
    """Break off in the middle of the reply."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.close_connection = True


def hang(handler: "Handler") -> None:
    """Say nothing until the server closes."""
    handler.chat_server.is_closing.wait(30)
    handler.close_connection = True


def trickle(handler: "Handler") -> None:
    """Send one byte at a time, for ever: no single wait is long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    while not handler.chat_server.is_closing.wait(0.05):
        handler.wfile.write(b" ")


class HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # with the usual 5, some of eight connections at once would wait a second

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class ChatServer:
    """The server, running while it is entered; keeps what it was sent."""

    def __init__(self, **script: Any):
        self.script = Script(**script)
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.times: list[float] = []
        self.most_at_once = self._now = 0
        self.is_closing = threading.Event()
        self._lock = threading.Lock()
        handler = type("BoundHandler", (Handler,), {"chat_server": self})
        self._http = HttpServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> "ChatServer":
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_closing.set()
        self._http.shutdown()
        self._http.server_close()

    def enter(self, body: dict[str, Any], key: str) -> Fault | None:
        """Note a request; returns the fault that is to answer it."""
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self.bodies.append(body)
            self.keys.append(key)
            self.times.append(time.monotonic())
            if fault := self.script.poison.get(body["messages"][-1]["content"]):
                return fault
            return self.script.faults.popleft() if self.script.faults else None

    def leave(self) -> None:
        with self._lock:
            self._now -= 1


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # each reply would wait 40 ms for an acknowledgement
    chat_server: ChatServer
    body: dict[str, Any]

    def log_message(self, *_: object) -> None:
        pass

    def send_json(self, code: int, body: Any, headers: dict[str, str]) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        script = self.chat_server.script
        if self.path != "/v1/models" or script.models is None:
            return self.send_json(404, {"detail": "Not Found"}, {})
        self.send_json(200, {"object": "list", "data": [{"id": name} for name in script.models]}, {})

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        data = self.rfile.read(size)
        if len(data) < size:  # the client went away while it was sending
            self.close_connection = True
            return None
        body = json.loads(data)
        if self.path != "/v1/chat/completions":
            return self.send_json(404, {"detail": "Not Found"}, {})
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.body, fault = body, self.chat_server.enter(body, key)
        try:
            time.sleep(self.chat_server.script.delay_s)
            (fault or find_refusal(self.chat_server.script, body, key) or answer)(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.chat_server.leave()


def find_refusal(script: Script, body: dict[str, Any], key: str) -> Fault | None:
    """Return how a sound server turns this request down, None where it does not."""
    if script.key is not None and key != script.key:
        return status(401, f"Incorrect API key provided: {key}", code="invalid_api_key")
    if script.models is not None and body["model"] not in script.models:
        return status(404, f"The model `{body['model']}` does not exist.", code="model_not_found")
    if refused := sorted(script.refused_fields & set(body)):
        return status(400, f"Unsupported parameter: {refused[0]!r} is not supported with this model.")
    n_input, n_output = len(body["messages"][-1]["content"].split()), body.get("max_tokens", 1)
    if script.context is not None and n_input + n_output > script.context:
        return status(
            400,
            f"'max_tokens' or 'max_completion_tokens' is too large: {n_output}. This model's maximum context length is "
            f"{script.context} tokens and your request has {n_input} input tokens.",
        )
    return None


def answer(handler: Handler) -> None:
    """Answer a request as well as the script allows."""
    handler.send_json(200, make_completion(handler.chat_server.script, handler.body), {})


def make_completion(script: Script, body: dict[str, Any]) -> dict[str, Any]:
    prompt = body["messages"][-1]["content"]
    if script.context is not None and "max_tokens" not in body:
        body = body | {"max_tokens": script.context - len(prompt.split())}
    n = body.get("n", 1) if script.honours_n else 1
    spoken = [script.speak(prompt, body, number) for number in range(n)]
    if script.honours_schema and "response_format" in body:
        word = body["response_format"]["json_schema"]["schema"]["properties"]["seedbed"]["enum"][0]
        spoken = [Spoken([(json.dumps({"seedbed": word}).encode(), -0.1)])]
    completion: dict[str, Any] = {
        "object": "chat.completion",
        "model": body["model"],
        "choices": [make_choice(one, number, script, body) for number, one in enumerate(spoken)],
    }
    if script.gives_usage:
        n_input, n_output = len(prompt.split()), sum(len(one.tokens) for one in spoken)
        completion["usage"] = {"prompt_tokens": n_input, "completion_tokens": n_output}
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
