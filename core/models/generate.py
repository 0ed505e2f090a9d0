"""Answers of a student, greedy or drawn, with the loss of each answer from the same pass.

Our own decoding loop over the real model: prompts of like length are decoded together, ended rows make room for
waiting ones, and the probabilities of the generated tokens come from the logits that chose them, so the loss needs no
second pass.
A model's own sampling settings and repetition penalties are left aside. Drawn answers depend on their prompt, seed and
number alone, not on the batch. It knows nothing of tasks.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import ModelLoadError
from core.models.batches import free_memory, is_out_of_memory
from core.models.rendering import encode_prompts
from core.models.student import Student
from core.models.token_texts import TokenTexts

BATCH_SIZE = 128
"""Rows that are decoded together at first; halved whenever the memory does not suffice."""

CHECK_EVERY = 16
"""Decoding steps between two looks at whether the run was cancelled."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the student said to one prompt."""

    text: str
    """Special tokens and outer blanks removed; empty where the prompt does not fit into the model."""

    loss: float | None
    """Mean negative log-likelihood per generated token, nats, end-of-text token included; None without tokens."""

    n_tokens: int | None
    """Tokens generated, end-of-text included; None where a server does not tell."""

    is_truncated: bool
    """True where the token limit or the model's context ended the answer, or left no room for one."""

    token_ids: tuple[int, ...] | None = None
    """The generated tokens, end-of-text included; None where a server does not tell them."""

    token_losses: tuple[float, ...] | None = None
    """Negative log-likelihood of each generated token, nats, aligned with ``token_ends``; None where not told."""

    token_ends: tuple[int, ...] | None = None
    """Where each token ends in ``text``, characters: token i covers text[ends[i - 1]:ends[i]]; None where not told."""

    unknown: str | None = None
    """Why there is no answer at all, so that nothing can be said of it; None where there is one, an empty one too."""


NO_ROOM = Answer("", None, 0, True, unknown="the prompt fills the student's context, so there is no answer")
"""The answer to a prompt that fills the model's whole context."""

REFUSED = Answer("", None, None, False, unknown="the server refused this prompt, or never answered it")
"""The answer to a prompt that a server would not answer, while it answered others."""


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt in the queue."""

    index: int
    ids: list[int]
    limit: int
    """Tokens that may be generated."""

    sample: int = 0
    """Which of the answers to the same prompt this is."""

    seed: int | None = None
    """Of the numbers that decide a drawn answer; None: greedy."""


def generate_answers(
    student: Student,
    prompts: Sequence[str],
    max_new_tokens: int,
    *,
    batch_size: int = BATCH_SIZE,
    check: Callable[[], None] | None = None,
) -> Iterator[list[tuple[int, Answer]]]:
    """Answer the prompts greedily, longest first, a batch at a time.

    Args:
        student: loaded student; its model is put into evaluation mode while it decodes.
        prompts: texts as the task makes them; they are rendered here.
        max_new_tokens: limit of an answer, end-of-text token included.
        batch_size: rows at first; halved and tried again where the memory does not suffice.
        check: called now and then; may raise to stop.

    Yields:
        (index of the prompt, answer) for each finished row, batch by batch, every prompt once.

    Raises:
        ModelLoadError: a single prompt does not fit into the memory.
    """
    rows, crowded = _make_rows(student, prompts, max_new_tokens)
    if crowded:
        yield [(row.index, NO_ROOM) for row in crowded]
    for batch in _decode_all(student, rows, None, batch_size, check):
        yield [(row.index, answer) for row, answer in batch]


def sample_answers(
    student: Student,
    prompts: Sequence[str],
    max_new_tokens: int,
    *,
    n: int,
    temperature: float,
    seed: int = 0,
    batch_size: int = BATCH_SIZE,
    check: Callable[[], None] | None = None,
) -> Iterator[list[tuple[int, int, Answer]]]:
    """Draw n answers to each prompt from softmax(logits / temperature), longest prompts first.

    Losses are those of the untempered student. An answer follows from prompt, seed, its number and the temperature, not
    from the batch it was drawn in (up to the rounding of the logits).

    Yields:
        (index of the prompt, number of the sample in [0, n), answer), batch by batch, each once.

    Raises:
        ModelLoadError: a single prompt does not fit into the memory.
    """
    rows, crowded = _make_rows(student, prompts, max_new_tokens)
    if crowded:
        yield [(row.index, sample, NO_ROOM) for row in crowded for sample in range(n)]
    drawn = [
        Row(row.index, row.ids, row.limit, sample, _make_seed(prompts[row.index], seed, sample))
        for row in rows
        for sample in range(n)
    ]
    for batch in _decode_all(student, drawn, temperature, batch_size, check):
        yield [(row.index, row.sample, answer) for row, answer in batch]


def answer_encoded(
    student: Student,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: Sequence[int],
    *,
    temperature: float | None = None,
    seeds: Sequence[int] | None = None,
    batch_size: int = BATCH_SIZE,
    check: Callable[[], None] | None = None,
) -> Iterator[list[tuple[int, Answer]]]:
    """Answer prompts that are tokens already, each with a limit and a seed of its own, longest first.

    Args:
        student: loaded student.
        prompts: token ids up to where the answer begins.
        max_new_tokens: limit of each answer, end-of-text token included.
        temperature: above 0; None: greedily.
        seeds: of each answer, at least 0; an answer follows from prompt, seed and temperature, not from the others in
            its batch; None where answers are greedy.
        batch_size: rows at first; halved and tried again where the memory does not suffice.
        check: called now and then; may raise to stop.

    Yields:
        (index of the prompt, answer), batch by batch, each once; NO_ROOM for a prompt that fills the whole context.

    Raises:
        ModelLoadError: a single prompt does not fit into the memory.
    """
    room = student.context_length
    rows = [
        Row(index, list(ids), limit if room is None else min(limit, room - len(ids)), seed=seeds and seeds[index])
        for index, (ids, limit) in enumerate(zip(prompts, max_new_tokens, strict=True))
    ]
    if crowded := [row for row in rows if row.limit < 1]:
        yield [(row.index, NO_ROOM) for row in crowded]
    fitting = sorted((row for row in rows if row.limit >= 1), key=lambda row: -len(row.ids))
    for batch in _decode_all(student, fitting, temperature, batch_size, check):
        yield [(row.index, answer) for row, answer in batch]


def _make_rows(student: Student, prompts: Sequence[str], max_new_tokens: int) -> tuple[list[Row], list[Row]]:
    """Return the rows that can be answered, longest first, and those whose prompt fills the whole context."""
    limit = student.context_length
    rows = [
        Row(index, ids, max_new_tokens if limit is None else min(max_new_tokens, limit - len(ids)))
        for index, ids in enumerate(encode_prompts(student.tokenizer, prompts))
    ]
    fitting = sorted((row for row in rows if row.limit >= 1), key=lambda row: -len(row.ids))
    return fitting, [row for row in rows if row.limit < 1]


def _make_seed(prompt: str, seed: int, sample: int) -> int:
    digest = hashlib.sha256(f"{seed} {sample} {prompt}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _decode_all(
    student: Student,
    waiting: Sequence[Row],
    temperature: float | None,
    batch_size: int,
    check: Callable[[], None] | None,
) -> Iterator[list[tuple[Row, Answer]]]:
    """Decode the rows, those that end together at a time; where the memory does not suffice, fewer at a time.

    Rows that were under way when it did not suffice begin anew: their answers are the same.
    """
    texts, size = TokenTexts(student.tokenizer), batch_size
    while waiting:
        done: set[tuple[int, int]] = set()
        try:
            for answers in _decode(student, waiting, temperature, size, texts, check):
                done |= {(row.index, row.sample) for row, _ in answers}
                yield answers
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            waiting = [row for row in waiting if (row.index, row.sample) not in done]
            if size == 1 or len(waiting) == 1:
                raise ModelLoadError(
                    f"The memory does not suffice to answer a prompt of {len(waiting[0].ids):,} tokens with "
                    f"{student.source}; use a smaller model or a machine with more memory."
                ) from error
            size = min(size, len(waiting)) // 2
        else:
            return
        free_memory()  # only here: until the handler ends, the error holds what the failed try had made


def _decode(
    student: Student,
    rows: Sequence[Row],
    temperature: float | None,
    size: int,
    texts: TokenTexts,
    check: Callable[[], None] | None,
) -> Iterator[list[tuple[Row, Answer]]]:
    """Decode the rows in their order, ``size`` of them at the same time; yields them as they end."""
    from core.models.decoding import Pool

    waiting, step = deque(rows), 0
    with _working(student):
        pool = Pool(student, rows, temperature, size)
    while waiting or not pool.is_empty:
        if check is not None and step:
            check()
        with _working(student):  # not around the yield: whoever takes the answers works by his own rules
            if waiting and pool.n_free:
                pool.join([waiting.popleft() for _ in range(min(pool.n_free, len(waiting)))])
            while not pool.may_leave:
                if check is not None and step % CHECK_EVERY == 0:
                    check()
                step += 1
                pool.advance()
            ended = pool.leave()
        yield _read_answers(student, ended, texts)


@contextmanager
def _working(student: Student) -> Iterator[None]:
    """Put the model into evaluation mode, without gradients, for a while."""
    import torch

    was_training = student.model.training
    student.model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        student.model.train(was_training)


def _read_answers(
    student: Student, ended: Sequence[tuple[Row, list[int], list[float]]], texts: TokenTexts
) -> list[tuple[Row, Answer]]:
    """Return the answers of ended rows."""
    stops = set(student.stop_ids)
    spoken = [ids[:-1] if ids[-1] in stops else ids for _, ids, _ in ended]
    found = student.tokenizer.batch_decode(spoken, skip_special_tokens=True)
    answers = []
    for (row, ids, losses), said, text in zip(ended, spoken, found, strict=True):
        mean = _finite(sum(losses) / len(ids))
        answer = Answer(
            text.strip(),
            mean,
            len(ids),
            ids[-1] not in stops,
            tuple(ids),
            None if mean is None else tuple(round(loss, 4) for loss in losses),
            texts.find_ends(said, text.strip(), len(ids)),
        )
        answers.append((row, answer))
    return answers


def _finite(value: float) -> float | None:
    """Return None for a loss that is no number: unknown is never NaN outside arrays."""
    return value if value - value == 0.0 else None
