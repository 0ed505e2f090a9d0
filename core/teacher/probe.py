"""What a server really does: asked, not looked up, since some take a field and ignore it.

Each check sends its own small requests and says in one sentence what came back. It knows nothing of who will use the
server, nor whether what is missing matters to them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches

from core.errors import TeacherError
from core.teacher.client import ChatClient, EndpointDenied, RequestRefused
from core.teacher.endpoint import Endpoint
from core.teacher.prices import Price, word_usd
from core.teacher.reaching import CONNECT_S, find_connection_fault
from core.teacher.reply import ChatReply
from core.teacher.schema import GREETING, SCHEMA, SCHEMA_WORD

TIMEOUT_S = 20.0
"""Seconds that a probe takes at most."""

PATIENCE_S = 3.0
"""How long one request waits for a server that is busy: a test is to say so, not to wait."""

N_OFFERED = 8
"""Models that a sentence names of those that a server offers."""

LETTERS = "Write a line of twelve random letters."
"""Has many answers that are about as likely, so that two drawn ones differ."""

HOT = 1.5
"""Temperature of drawn answers: the highest that most servers take, so that what is drawn is not the greedy answer."""

TYPICAL = (
    "Write a short word problem about shopping that takes two steps to solve, then solve it step by step and end with "
    "the final answer on a line of its own."
)
"""A request like those of a run, only shorter: what it took is what one call costs."""

N_TYPICAL_TOKENS = 256
N_LETTER_TOKENS = 24
N_WORD_TOKENS = 16

NAMES = ("answers", "key", "model", "usage", "logprobs", "n", "temperature", "seed", "schema")
"""Every check, in the order in which they are read: without the first ones the others cannot hold."""

Finding = tuple[bool | None, str]
"""Whether it holds (None: cannot be told), and one sentence of evidence."""


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """The outcome of one check."""

    name: str
    """One of ``NAMES``."""

    is_ok: bool | None
    """None: not asked, or what came back does not tell."""

    evidence: str
    """One sentence: what was asked and what came."""


@dataclass(frozen=True, slots=True)
class ProbeCall:
    """What one small request like those of a run took."""

    n_input_tokens: int | None
    """As the server counts them; None where it does not."""

    n_output_tokens: int | None
    seconds: float
    is_cut_off: bool
    """Whether the answer was longer than the N_TYPICAL_TOKENS that were asked for."""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What one server does with one model."""

    endpoint: Endpoint
    rows: tuple[ProbeRow, ...]
    """One for each of ``NAMES``, in that order."""

    call: ProbeCall | None = None
    """None where that request was not answered, or not in time."""

    def word_cost(self, price: Price | None) -> str:
        """Return in one sentence what one call costs at a price; None: unknown."""
        call = self.call
        if call is None:
            return "What a call costs cannot be told, as the request that was to show it was not answered in time."
        if call.n_input_tokens is None or call.n_output_tokens is None:
            return "What a call costs cannot be told, as the server does not count its tokens."
        took = f"A short call took {call.n_input_tokens:,} tokens in and {call.n_output_tokens:,} out"
        if price is None:
            return f"{took}; what that costs is not known, as {self.endpoint} has no price: add it to your prices."
        cost = word_usd(price.cost(call.n_input_tokens, call.n_output_tokens) or 0.0)
        return f"{took}: {cost}{f' at the price of {price.date}' if price.date else ''}."

    def is_ok(self, name: str) -> bool | None:
        """Return the outcome of the check of that name; KeyError where there is none."""
        return {row.name: row.is_ok for row in self.rows}[name]


def probe(endpoint: Endpoint, *, timeout_s: float = TIMEOUT_S) -> ProbeReport:
    """Find out what the server does, by some ten small requests; a server's faults are rows, never raised.

    An address at which nothing can be reached is told within ``CONNECT_S``, before anything is asked.

    Args:
        endpoint: the model to ask.
        timeout_s: seconds that all of it may take; a check that is not done by then is unknown.
    """
    fault = find_connection_fault(endpoint, min(CONNECT_S, timeout_s))
    if fault is not None:
        rows = [ProbeRow(name, None, "Not asked, as there is no connection.") for name in NAMES[1:]]
        return ProbeReport(endpoint, (ProbeRow(NAMES[0], False, fault), *rows))
    return asyncio.run(_Probe(endpoint, timeout_s).run())


def list_offered(base_url: str, key_env: str = "", *, timeout_s: float = CONNECT_S) -> list[str]:
    """Return the names of the models that a server lists, in its order.

    Args:
        base_url: address of the server.
        key_env: variable that holds the key; empty: no key is sent.
        timeout_s: seconds that the connection may take, and then the list.

    Raises:
        TeacherError: the address cannot be right, nothing can be reached there, or it gives no list.
    """
    endpoint = Endpoint(base_url, "any", key_env)  # a list is asked for without a name
    if fault := find_connection_fault(endpoint, timeout_s):
        raise TeacherError(fault)
    listed = asyncio.run(ChatClient(endpoint, timeout_s=timeout_s).list_models())
    if not listed:
        raise TeacherError(f"The server {endpoint.base_url} gives no list of its models; type the name it knows.")
    return [endpoint.hide_key(name) for name in listed]


class _Probe:
    """One probe: a greeting, then every other check by itself."""

    def __init__(self, endpoint: Endpoint, timeout_s: float):
        self.endpoint, self.timeout_s, self.deadline = endpoint, timeout_s, 0.0
        self.client = ChatClient(
            endpoint, max_concurrency=4, timeout_s=timeout_s, max_attempts=2, backoff_s=0.5, patience_s=PATIENCE_S
        )
        self.is_greeted = False  # where even a greeting is refused, a refusal says nothing of the field asked about

    async def run(self) -> ProbeReport:
        """Return the report; ends at the deadline."""
        self.deadline = asyncio.get_running_loop().time() + self.timeout_s
        checks = {
            "logprobs": self.check_logprobs,
            "n": self.check_n,
            "temperature": self.check_temperature,
            "seed": self.check_seed,
            "schema": self.check_schema,
        }
        reply, error = await self.greet()
        error = await self.add_offer(error)
        self.is_greeted = reply is not None
        rows = [
            ProbeRow("answers", *self.judge_answer(reply, error)),
            ProbeRow("key", *self.judge_key(reply, error)),
            await self.guard("model", lambda: self.check_model(reply, error)),
            ProbeRow("usage", *judge_usage(reply)),
        ]
        if reply is None and not isinstance(error, RequestRefused):
            rows += [ProbeRow(name, None, "Not asked, as the server did not answer a greeting.") for name in checks]
            return ProbeReport(self.endpoint, tuple(rows))
        trying = asyncio.ensure_future(self.try_call())
        rows += await asyncio.gather(*(self.guard(name, check) for name, check in checks.items()))
        return ProbeReport(self.endpoint, tuple(rows), await trying)

    async def try_call(self) -> ProbeCall | None:
        """Send one request like those of a run; None where it was not answered."""
        began = asyncio.get_running_loop().time()
        with suppress(TimeoutError, TeacherError):
            async with asyncio.timeout_at(self.deadline):
                reply = await self.ask(TYPICAL, N_TYPICAL_TOKENS)
            seconds = asyncio.get_running_loop().time() - began
            is_cut_off = "length" in reply.finish_reasons
            return ProbeCall(reply.n_input_tokens, reply.n_output_tokens, seconds, is_cut_off)
        return None

    async def guard(self, name: str, check: Callable[[], Awaitable[Finding]]) -> ProbeRow:
        """Run one check; what goes wrong in it is its outcome."""
        try:
            async with asyncio.timeout_at(self.deadline):
                return ProbeRow(name, *await check())
        except TimeoutError:
            return ProbeRow(name, None, f"No answer came within the {self.timeout_s:g} s of the probe.")
        except RequestRefused as error:
            return ProbeRow(name, False if self.is_greeted else None, str(error))
        except TeacherError as error:
            return ProbeRow(name, None, str(error))

    async def greet(self) -> tuple[ChatReply | None, TeacherError | None]:
        """Return the reply to a plain request, or why there is none."""
        try:
            async with asyncio.timeout_at(self.deadline):
                return await self.ask(GREETING, N_WORD_TOKENS), None
        except TimeoutError:
            return None, TeacherError(
                f"{self.endpoint} did not answer within {self.timeout_s:g} s; it may still be loading the model."
            )
        except TeacherError as error:
            return None, error

    async def add_offer(self, error: TeacherError | None) -> TeacherError | None:
        """Return the error of a greeting; where the model is not among those that the server lists, with these."""
        is_denied = isinstance(error, EndpointDenied) and error.status == 404
        if not is_denied and not isinstance(error, RequestRefused):
            return error
        listed = None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self.deadline):
                listed = await self.list_models()
        if not listed or self.endpoint.model in listed:
            return error
        model, offer = f"the model {self.endpoint.model!r}", word_offer(listed, self.endpoint.model)
        if is_denied:
            return EndpointDenied(f"The server {self.endpoint.base_url} does not know {model}; it offers {offer}.", 404)
        return RequestRefused(f"{error} It does not list {model}; it offers {offer}.")

    async def ask(self, prompt: str, max_tokens: int, temperature: float = 1.0, **fields) -> ChatReply:
        """Send one user message."""
        message = {"role": "user", "content": prompt}
        reply = await self.client.chat([message], max_tokens=max_tokens, temperature=temperature, **fields)
        hide = self.endpoint.hide_key  # some of what comes back is quoted
        return replace(reply, texts=tuple(map(hide, reply.texts)), model=reply.model and hide(reply.model))

    async def list_models(self) -> list[str] | None:
        """Return the names that the server lists; None where it gives no such list."""
        listed = await self.client.list_models()
        return listed and [self.endpoint.hide_key(name) for name in listed]

    def judge_answer(self, reply: ChatReply | None, error: TeacherError | None) -> Finding:
        """Say whether the greeting was answered."""
        if reply is None:
            return False, str(error)
        if not any(text.strip() for text in reply.texts):
            return False, f"Asked {GREETING!r}, got a reply without text."
        return True, f"Asked {GREETING!r}, got {_quote(reply.texts[0])}."

    def judge_key(self, reply: ChatReply | None, error: TeacherError | None) -> Finding:
        """Say whether the key was accepted, as far as a single request tells."""
        sent = f"The key in {self.endpoint.key_env}" if self.endpoint.has_key else "No key"
        if reply is not None:
            return True, f"{sent} was sent, and the request was answered."
        if isinstance(error, EndpointDenied) and error.status in (401, 403):
            return False, str(error)
        return None, f"{sent} was sent, and nothing came back that tells whether it would do."

    async def check_model(self, reply: ChatReply | None, error: TeacherError | None) -> Finding:
        """Compare the name with the server's own list, since some servers answer under any name."""
        if reply is None:
            is_unknown = isinstance(error, EndpointDenied) and error.status == 404
            return (False, str(error)) if is_unknown else (None, "Not told, as the greeting was not answered.")
        listed = await self.list_models()
        named = f"the reply names the model {reply.model!r}" if reply.model else "the reply names no model"
        if listed is None:
            return None, f"The server gives no list of its models; {named}."
        if self.endpoint.model in listed:
            return True, f"The server lists it among {len(listed):,}; {named}."
        shown = ", ".join(listed[:3]) + (", …" if len(listed) > 3 else "")
        return None, f"The server answers under this name but does not list it (it lists {shown}); {named}."

    async def check_logprobs(self) -> Finding:
        """Ask for log-probabilities and count them."""
        reply = await self.ask(GREETING, N_WORD_TOKENS, 0.0, logprobs=True)
        tokens = reply.tokens[0] if reply.tokens else None
        if tokens is None:
            return False, "Asked for log-probabilities, got none."
        n_told = sum(token.logprob is not None for token in tokens)
        of = f" of {reply.n_output_tokens:,} generated tokens" if reply.n_output_tokens is not None else " tokens"
        return n_told == len(tokens), f"Asked for log-probabilities, got those of {n_told:,}{of}."

    async def check_n(self) -> Finding:
        """Ask for two choices."""
        reply = await self.ask(LETTERS, N_LETTER_TOKENS, HOT, n=2)
        return len(reply.texts) == 2, f"Asked for 2 choices, got {len(reply.texts):,}."

    async def check_temperature(self) -> Finding:
        """Ask twice greedily and twice not; the greedy answers must agree, the others must not be the greedy one."""
        cold = {await self.draw(0.0) for _ in range(2)}
        if len(cold) > 1:
            return False, "Asked twice at temperature 0, got 2 texts."
        if cold == {await self.draw(HOT) for _ in range(2)}:
            return False, f"Asked twice at temperature {HOT:g}, got the text of temperature 0 both times."
        return True, f"Asked twice at temperature 0, got one text; at {HOT:g} it is another one."

    async def check_seed(self) -> Finding:
        """Ask twice with one seed and once with another."""
        first, same, other = [await self.draw(HOT, seed=seed) for seed in (7, 7, 8)]
        if first != same:
            return False, "Asked twice with the same seed, got 2 texts."
        if first == other:
            return None, "Asked with two seeds, got the same text, so whether the seed decides it cannot be told."
        return True, "Asked twice with the same seed, got the same text, and another one with another seed."

    async def draw(self, temperature: float, seed: int | None = None) -> str:
        """Return one answer that has many alternatives."""
        reply = await self.ask(LETTERS, N_LETTER_TOKENS, temperature, seed=seed)
        return reply.texts[0] if reply.texts else ""

    async def check_schema(self) -> Finding:
        """Ask for JSON that only the schema describes."""
        reply = await self.ask(GREETING, 64, schema=SCHEMA)
        text = reply.texts[0] if reply.texts else ""
        try:
            is_ok = json.loads(text) == {"seedbed": SCHEMA_WORD}
        except ValueError:
            is_ok = False
        return is_ok, f"Asked for JSON that only a schema describes, got {_quote(text)}."


def word_offer(listed: Sequence[str], model: str) -> str:
    """Return the models of a server as part of a sentence; of many, those that are most like the wanted one."""
    shown = list(listed) if len(listed) <= N_OFFERED else get_close_matches(model, listed, N_OFFERED, 0.0)
    names = ", ".join(_quote(name) for name in shown)
    return names + (f" and {len(listed) - len(shown):,} more" if len(listed) > len(shown) else "")


def judge_usage(reply: ChatReply | None) -> Finding:
    """Say whether the reply counts its tokens."""
    if reply is None:
        return None, "Not told, as the greeting was not answered."
    if reply.n_input_tokens is None or reply.n_output_tokens is None:
        return False, "The reply does not say how many tokens it took."
    return True, f"The reply counts {reply.n_input_tokens:,} tokens in and {reply.n_output_tokens:,} out."


def _quote(text: str) -> str:
    """Return a text in quotes, on one line, at most 60 characters."""
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else line[:59] + "…")
