"""A student behind an OpenAI-compatible server (vLLM with LoRA, llama.cpp, OpenAI, ...).

The loss of its own answer comes free from the log-probabilities of the generation. It knows nothing of tasks or caches,
and there are no weights here: hidden states, gradients and the loss of a given text need a local student.
"""

import asyncio
import codecs
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Generic, TypeVar

from core.errors import TeacherError
from core.models.generate import NO_ROOM, Answer
from core.records import content_id
from core.teacher.client import MAX_CONCURRENCY, TIMEOUT_S, ChatClient, PromptTooLong, RequestRefused, ServerUnavailable
from core.teacher.endpoint import Endpoint
from core.teacher.faults import is_unsupported
from core.teacher.reply import ChatReply, TokenLogprob

YIELD_EVERY_S = 0.25
"""Seconds after which the answers that have come are handed on, and cancellation is looked for."""

SEED_SPAN = 2**31
"""Seeds are below this: some servers read them as 32-bit integers."""

T = TypeVar("T")


class RemoteStudent:
    """Answers prompts through a server, each as one user message that the server's own chat template renders.

    ``loss`` is the mean over the tokens that the server lists. vLLM lists every generated token, the end-of-text token
    included (vllm/entrypoints/openai: it walks over the generated ids); OpenAI leaves the end-of-text token out, and
    servers that hide a model's reasoning may leave that out. Such losses compare with one another, not with a local
    student's. It is None where the server lists no tokens, or does not tell one of their probabilities.

    The fingerprint is made from address and model name: a server that swaps the weights must give them a new name.

    Args:
        endpoint: the model.
        max_concurrency: requests on their way at the same time.
        timeout_s: seconds that one attempt may take.
        honours_n: whether several choices can be asked for at once; None: found out by the first sample.
    """

    dtype_name = "server"
    has_weights = False

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        max_concurrency: int = MAX_CONCURRENCY,
        timeout_s: float = TIMEOUT_S,
        honours_n: bool | None = None,
    ):
        self.source = str(endpoint)
        self.fingerprint: str | None = content_id("server", endpoint.base_url, endpoint.model)
        self._client = ChatClient(endpoint, max_concurrency=max_concurrency, timeout_s=timeout_s)
        self._honours_n = honours_n
        self._takes_logprobs: bool | None = None
        self._takes_seed: bool | None = None

    def answer(
        self, prompts: Sequence[str], max_new_tokens: int, *, check: Callable[[], None] | None = None
    ) -> Iterator[list[tuple[int, Answer]]]:
        """Answer greedily; yields (index of the prompt, answer) as they come, every prompt once.

        A prompt without room in the model's context is answered by NO_ROOM, one that a content filter stopped by an
        empty text.

        A prompt that is refused while others are answered is left out.

        Raises:
            RequestRefused: no prompt was answered, and some were refused.
            TeacherError: a wrong key or model, or a server that stopped answering. Whatever was answered is yielded
                first.
        """
        asks = [partial(self._answer_one, index, prompt, max_new_tokens) for index, prompt in enumerate(prompts)]
        yield from _ask_all(asks, 2 * self._client.max_concurrency, check)

    def sample(
        self,
        prompts: Sequence[str],
        max_new_tokens: int,
        *,
        n: int,
        temperature: float,
        seed: int,
        check: Callable[[], None] | None = None,
    ) -> Iterator[list[tuple[int, int, Answer]]]:
        """Draw n answers to each prompt; yields (index of the prompt, number of the sample, answer), each once.

        A seed goes with each request, made from ``seed``, prompt and number, unless the server refuses that field;
        whether it decides the answer is up to the server. Raises like :meth:`answer`.
        """
        numbers = [[number] for number in range(n)] if self._honours_n is False else [list(range(n))]
        asks = [
            partial(self._sample_some, index, prompt, some, max_new_tokens, temperature, seed)
            for index, prompt in enumerate(prompts)
            for some in numbers
            if some
        ]
        for batch in _ask_all(asks, 2 * self._client.max_concurrency, check):
            yield [sample for some in batch for sample in some]

    async def _answer_one(self, index: int, prompt: str, limit: int) -> tuple[int, Answer]:
        reply = await self._ask(prompt, limit, 0.0)
        return index, NO_ROOM if reply is None else read_answers(reply, 1)[0]

    async def _sample_some(
        self, index: int, prompt: str, numbers: list[int], limit: int, temperature: float, seed: int
    ) -> list[tuple[int, int, Answer]]:
        """Draw the samples of those numbers, by one request where the server gives several choices."""
        found: list[tuple[int, int, Answer]] = []
        while waiting := numbers[len(found) :]:
            n = 1 if self._honours_n is False else len(waiting)
            try:
                reply = await self._ask(prompt, limit, temperature, n, make_seed(seed, prompt, waiting[0]))
            except PromptTooLong:
                raise
            except RequestRefused:
                if n == 1 or self._honours_n:
                    raise
                self._honours_n = False
                continue
            if reply is None:
                return found + [(index, number, NO_ROOM) for number in waiting]
            if n > 1 and reply.texts and reply.finish_reasons != ("content_filter",):
                self._honours_n = len(reply.texts) > 1
            answers = read_answers(reply, n)
            found += [(index, number, answer) for number, answer in zip(waiting, answers, strict=False)]
        return found

    async def _ask(
        self, prompt: str, limit: int, temperature: float, n: int = 1, seed: int | None = None
    ) -> ChatReply | None:
        """Return the reply, None where the prompt leaves no room for an answer.

        A server that finds prompt and answer together too long is asked again without a limit: it then fills what is
        left of its context, which is less than the limit.
        """
        try:
            return await self._chat(prompt, limit, temperature, n, seed)
        except PromptTooLong:
            try:
                return await self._chat(prompt, None, temperature, n, seed)
            except PromptTooLong:
                return None

    async def _chat(self, prompt: str, limit: int | None, temperature: float, n: int, seed: int | None) -> ChatReply:
        """Ask with log-probabilities and a seed, or without what of them the server refuses.

        What is refused is left out and asked again, unless the server is known to take it: requests that went out
        before anything was known may be refused when another one has long shown what the server refuses.
        """
        wants_logprobs, had_seed = self._takes_logprobs is not False, seed is not None
        seed = None if self._takes_seed is False else seed
        while True:
            try:
                reply = await self._client.chat(
                    [{"role": "user", "content": prompt}],
                    max_tokens=limit,
                    temperature=temperature,
                    n=n,
                    seed=seed,
                    logprobs=wants_logprobs,
                )
            except PromptTooLong:
                raise
            except RequestRefused as refusal:
                if seed is not None and not self._takes_seed and is_unsupported("seed", str(refusal)):
                    seed = None
                elif wants_logprobs and not self._takes_logprobs:
                    wants_logprobs = False
                else:  # refused as well without them: the fault lies elsewhere
                    raise
            else:
                break
        self._takes_logprobs = wants_logprobs
        if had_seed:
            self._takes_seed = seed is not None
        return reply


def make_seed(seed: int, prompt: str, number: int) -> int:
    """Return the seed of a request: the same for the same sample, another for every other one."""
    return int(content_id("seed", seed, prompt, number)[-16:], 16) % SEED_SPAN


def read_answers(reply: ChatReply, n: int) -> list[Answer]:
    """Return at most n answers; a reply without choices is one empty answer.

    ``n_tokens`` is the server's count, or the number of tokens it lists; None where it tells neither.
    """
    if not reply.texts:
        return [Answer("", None, reply.n_output_tokens, False)]
    answers = []
    for text, reason, tokens in list(zip(reply.texts, reply.finish_reasons, reply.tokens, strict=True))[:n]:
        text = text.strip()
        count = reply.n_output_tokens if len(reply.texts) == 1 else None  # the server counts all choices together
        if count is None and tokens is not None:
            count = len(tokens)
        losses = _read_losses(tokens)
        answers.append(
            Answer(
                text,
                None if losses is None else sum(losses) / len(losses),
                count,
                reason == "length",
                token_losses=losses,
                token_ends=None if tokens is None else find_token_ends(tokens, text),
            )
        )
    return answers


def _read_losses(tokens: Sequence[TokenLogprob] | None) -> tuple[float, ...] | None:
    """Return the negative log-likelihoods, nats; None where one is not told."""
    if not tokens or any(token.logprob is None for token in tokens):
        return None
    return tuple(max(-token.logprob, 0.0) for token in tokens)


def find_token_ends(tokens: Sequence[TokenLogprob], text: str) -> tuple[int, ...] | None:
    """Return where each token ends in the stripped text, characters; None where they do not add up to it.

    A token that ends inside a character ends before it. The last token may be the end of text, which no text holds.
    """
    for shown in (tokens, tokens[:-1]):
        try:
            whole = b"".join(token.data for token in shown).decode()
        except UnicodeDecodeError:
            continue
        if whole.strip() != text:
            continue
        decoder, end = codecs.getincrementaldecoder("utf-8")(), len(whole.lstrip()) - len(whole)
        ends = []
        for token in shown:
            end += len(decoder.decode(token.data))
            ends.append(min(max(end, 0), len(text)))
        return tuple(ends + [len(text)] * (len(tokens) - len(shown)))
    return None


def _ask_all(
    asks: Sequence[Callable[[], Awaitable[T]]], width: int, check: Callable[[], None] | None
) -> Iterator[list[T]]:
    """Run the requests in an event loop of the calling thread; yields what has come, batch by batch.

    Requests wait while the caller works on a batch. Raises the first failure when all that was answered is yielded.
    """
    with asyncio.Runner() as runner:
        crew = _Crew(asks, width)
        while crew.is_busy:
            if check is not None:
                check()
            if batch := runner.run(crew.gather_some()):
                yield batch
        crew.raise_failure()


class _Crew(Generic[T]):
    """Requests under way and those still to be sent.

    A refused request does not stop the others, unless none is answered: then it is the settings that are refused. One
    that is never answered counts as refused where the server then answers an earlier one once more; else the server is
    gone, and is sent nothing new. Any other failure, such as a wrong key, ends all.
    """

    def __init__(self, asks: Iterable[Callable[[], Awaitable[T]]], width: int):
        self._waiting = deque(asks)
        self._n, self._n_answered, self._width = len(self._waiting), 0, width
        self._running: dict[asyncio.Task[T], Callable[[], Awaitable[T]]] = {}
        self._answered: Callable[[], Awaitable[T]] | None = None
        self._silent: list[ServerUnavailable] = []  # failures whose meaning the probe will tell
        self._probe: asyncio.Task[T] | None = None
        self._failure: BaseException | None = None
        self._is_over = False

    @property
    def is_busy(self) -> bool:
        """Say whether an answer can still come."""
        return bool(self._waiting or self._running)

    async def gather_some(self) -> list[T]:
        """Return what is answered within YIELD_EVERY_S, at once when all is."""
        found: list[T] = []
        loop = asyncio.get_running_loop()
        deadline = loop.time() + YIELD_EVERY_S
        while self.is_busy and (left := deadline - loop.time()) > 0:
            self._send_more()
            if not self._running:
                break
            done, _ = await asyncio.wait(self._running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                ask, failure = self._running.pop(task, None), task.exception()
                if task is self._probe:
                    self._end_probe(failure)
                elif failure is not None:
                    self._take_failure(failure)
                else:
                    found.append(task.result())
                    self._n_answered, self._answered = self._n_answered + 1, ask
        return found

    def _send_more(self) -> None:
        """Fill up what is under way; after a refusal only when something else was answered, in a silence nothing."""
        if self._silent:
            return
        if self._failure is not None and not self._n_answered:
            if not self._running:
                self._waiting.clear()
            return
        while self._waiting and len(self._running) < self._width:
            self._run(self._waiting.popleft())

    def _run(self, ask: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(ask())
        self._running[task] = ask
        return task

    def _take_failure(self, failure: BaseException) -> None:
        """Remember the first failure that others may outlive; ask once more what was answered; else end all."""
        if isinstance(failure, RequestRefused):
            self._failure = self._failure or failure
        elif isinstance(failure, ServerUnavailable) and self._answered is not None and not self._is_over:
            self._silent.append(failure)
            self._probe = self._probe or self._run(self._answered)
        else:
            self._end(failure)

    def _end_probe(self, failure: BaseException | None) -> None:
        """Take what was never answered as refused, where the server answers what it has answered before."""
        (first, *_), self._silent, self._probe = self._silent, [], None
        if failure is None:
            self._failure = self._failure or first
        else:
            self._end(first if isinstance(failure, ServerUnavailable) else failure)

    def _end(self, failure: BaseException) -> None:
        """Send nothing more; what is under way may still be answered, unless the failure is of another kind."""
        if not self._is_over:
            self._failure = failure
        self._is_over = True
        self._waiting.clear()
        if not isinstance(failure, ServerUnavailable):
            for task in self._running:
                task.cancel()
            self._running, self._silent, self._probe = {}, [], None

    def raise_failure(self) -> None:
        """Raise the first failure, if there was one, with the number of requests that were not answered."""
        if self._failure is None or (self._n_answered and not self._is_over):
            return  # a single refused prompt has no answer; the others have theirs
        if not isinstance(self._failure, TeacherError) or self._n == 1:
            raise self._failure
        n_lost = self._n - self._n_answered
        kind = RequestRefused if isinstance(self._failure, RequestRefused) else TeacherError
        raise kind(f"{n_lost:,} of {self._n:,} requests were not answered. {self._failure}") from self._failure
