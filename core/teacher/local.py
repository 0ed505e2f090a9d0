"""A student on this machine in a teacher's role: as in SPARQ, where it is the generator of its own problems.

Requests that come at the same time are answered together, in batches, by one thread. A drawn answer follows from the
messages, the sample index and the temperature, so that it can be had again. It knows nothing of tasks, caches or
budgets: what it says is free.
"""

import asyncio
import hashlib
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from core.errors import SeedbedError, TeacherError
from core.records import content_id
from core.teacher.base import TeacherReply, TeacherRequest

if TYPE_CHECKING:
    from core.models.generate import Answer
    from core.models.student import Student

GATHER_S = 0.02
"""How long it is waited for further requests before a batch begins, seconds."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request whose answer somebody waits for."""

    request: TeacherRequest
    loop: asyncio.AbstractEventLoop
    answered: "asyncio.Future[TeacherReply]"


class LocalTeacher:
    """Answers by what a student on this machine says; loaded with the first request, let go by ``close``.

    The prompt is rendered as a student's is: by the model's chat template, else as plain text. A schema is not kept to,
    and ``top_p`` cannot be.

    Args:
        source: name, folder or hub id of the student.
        adapter: folder of a LoRA adapter; None for the base alone.
        device: torch device; None takes the first GPU where there is one.
    """

    def __init__(self, source: str, adapter: Path | None = None, device: str | None = None):
        base = Path(source).name if Path(source).is_dir() else source
        self.name = base if adapter is None else f"{base} with {_name_adapter(adapter)}"
        self._source, self._adapter, self._device = source, adapter, device
        self._fingerprint: str | None = None
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()

    def cache_salt(self, request: TeacherRequest) -> str:
        """Return what a reply depends on besides the request: the weights, found without loading them.

        Raises:
            ModelLoadError: there is no such model or adapter.
        """
        if self._fingerprint is None:
            from core.models.rendering import RENDERING_VERSION
            from core.models.student import check_adapter, find_model_folder, hash_model_files

            folders = [find_model_folder(self._source)]
            if self._adapter is not None:
                folders.append(check_adapter(self._adapter).parent)
            self._fingerprint = content_id("local", RENDERING_VERSION, *map(hash_model_files, folders))
        return self._fingerprint

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer one request; raises TeacherError where it does not fit or the student cannot be loaded."""
        if request.top_p is not None and request.top_p < 1.0:
            raise TeacherError("A local student draws from all tokens, so top_p cannot be kept to; leave it out.")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, loop, loop.create_future())
        with self._lock:
            if self._closing.is_set():
                raise TeacherError(f"{self.name} was let go; start the run again to ask it.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="local-teacher", daemon=True)
                self._thread.start()
            self._waiting.put(waiting)
        return await waiting.answered

    def close(self) -> None:
        """Stop answering, in the middle of a batch too, and let the student go."""
        with self._lock:
            self._closing.set()
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def _work(self) -> None:
        """Answer what comes, batch by batch, until it is closed; every request gets its answer or its error."""
        student: Student | None = None
        fault: TeacherError | None = None
        while batch := self._gather():
            try:
                if fault is None and student is None:
                    student = self._load()
                for group in _group(batch) if student else ():
                    self._answer(student, group)
            except Exception as error:
                fault = self._translate(error)
            if fault is not None:
                for waiting in batch:  # those that were answered before it happened keep their answers
                    _hand_over(waiting, fault)
            fault = fault if student is None else None  # what could not be loaded is not tried again

    def _gather(self) -> list[_Waiting]:
        """Return the requests that have come, waiting for the first one; none where it is closed."""
        from core.models.generate import BATCH_SIZE

        batch, timeout = [], None
        while len(batch) < BATCH_SIZE:
            try:
                waiting = self._waiting.get(timeout=timeout)
            except Empty:
                break
            if waiting is None:
                self._waiting.put(None)  # for the next look: what has come before is answered, by an error
                break
            batch.append(waiting)
            timeout = GATHER_S
        return batch

    def _load(self) -> "Student":
        from core.models.student import Student

        return Student.load(self._source, adapter=self._adapter, device=self._device)

    def _answer(self, student: "Student", group: Sequence[_Waiting]) -> None:
        """Answer requests of one temperature, each as soon as its batch is done."""
        from core.models.generate import answer_encoded
        from core.models.rendering import encode_chats

        requests = [waiting.request for waiting in group]
        prompts = encode_chats(student.tokenizer, [request.list_messages() for request in requests])
        temperature = requests[0].temperature or None
        answers = answer_encoded(
            student,
            prompts,
            [request.max_tokens for request in requests],
            temperature=temperature,
            seeds=None if temperature is None else [_make_seed(request) for request in requests],
            check=self._check,
        )
        for batch in answers:
            for index, answer in batch:
                _hand_over(group[index], self._read(answer, len(prompts[index])))

    def _read(self, answer: "Answer", n_input: int) -> TeacherReply | TeacherError:
        if answer.unknown is not None:
            return TeacherError(
                f"The request of {n_input:,} tokens leaves {self.name} no room for an answer; shorten the prompt, or "
                "choose a student with a longer context."
            )
        return TeacherReply(answer.text, "length" if answer.is_truncated else "stop", n_input, answer.n_tokens)

    def _check(self) -> None:
        if self._closing.is_set():
            raise TeacherError(f"{self.name} was let go before it had answered.")

    def _translate(self, error: Exception) -> TeacherError:
        if isinstance(error, TeacherError):
            return error
        said = str(error) if isinstance(error, SeedbedError) else f"{type(error).__name__}: {error}"
        return TeacherError(f"{self.name} cannot answer as a teacher: {said}")


def _group(batch: Sequence[_Waiting]) -> list[list[_Waiting]]:
    """Return the requests by temperature, in the order of coming: only one can be decoded with at a time."""
    groups: dict[float, list[_Waiting]] = {}
    for waiting in batch:
        groups.setdefault(waiting.request.temperature, []).append(waiting)
    return list(groups.values())


def _make_seed(request: TeacherRequest) -> int:
    """Return a number for one repetition of one request, the same in every process."""
    digest = hashlib.sha256(f"{request.sample_index} {request.list_messages()}".encode(errors="replace")).digest()
    return int.from_bytes(digest[:8], "big")


def _hand_over(waiting: _Waiting, outcome: TeacherReply | TeacherError) -> None:
    """Give the outcome to whoever waits, in their event loop; nobody may be there any more, or have it already."""

    def give() -> None:
        if waiting.answered.done():
            return
        if isinstance(outcome, TeacherReply):
            waiting.answered.set_result(outcome)
        else:
            waiting.answered.set_exception(TeacherError(str(outcome)))

    with suppress(RuntimeError):  # the loop was closed: nobody waits there
        waiting.loop.call_soon_threadsafe(give)


def _name_adapter(folder: Path) -> str:
    """Return what records call an adapter: the run that made it, else its folder."""
    parts = folder.parts
    return parts[parts.index("runs") + 1] if "runs" in parts[:-1] else folder.name
