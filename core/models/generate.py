"""Answers of a student, greedy or drawn, with the loss of each answer from the same pass.

Our own decoding loop over the real model: prompts of like length share a batch, rows that have ended leave it, and
the probabilities of the generated tokens come from the logits that chose them, so the loss needs no second pass.
A model's own sampling settings and repetition penalties are left aside. Drawn answers depend on their prompt, seed and
number alone, not on the batch. It knows nothing of tasks.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.models.batches import work_in_batches
from core.models.rendering import encode_prompts
from core.models.student import Student
from core.models.token_texts import TokenTexts

if TYPE_CHECKING:
    import torch

BATCH_SIZE = 128
"""Rows that are decoded together at first; halved whenever the memory does not suffice."""

CHECK_EVERY = 16
"""Decoding steps between two looks at whether the run was cancelled."""

LEAVE_SHARE = 0.125
"""Share of ended rows at which a batch is made smaller: doing so copies its whole cache once."""


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

REFUSED = Answer("", None, None, False, unknown="the server refused this prompt")
"""The answer to a prompt that a server would not answer, while it answered others."""


@dataclass(frozen=True, slots=True)
class _Row:
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
        _Row(row.index, row.ids, row.limit, sample, _make_seed(prompts[row.index], seed, sample))
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
        _Row(index, list(ids), limit if room is None else min(limit, room - len(ids)), seed=seeds and seeds[index])
        for index, (ids, limit) in enumerate(zip(prompts, max_new_tokens, strict=True))
    ]
    if crowded := [row for row in rows if row.limit < 1]:
        yield [(row.index, NO_ROOM) for row in crowded]
    fitting = sorted((row for row in rows if row.limit >= 1), key=lambda row: -len(row.ids))
    for batch in _decode_all(student, fitting, temperature, batch_size, check):
        yield [(row.index, answer) for row, answer in batch]


def _make_rows(student: Student, prompts: Sequence[str], max_new_tokens: int) -> tuple[list[_Row], list[_Row]]:
    """Return the rows that can be answered, longest first, and those whose prompt fills the whole context."""
    limit = student.context_length
    rows = [
        _Row(index, ids, max_new_tokens if limit is None else min(max_new_tokens, limit - len(ids)))
        for index, ids in enumerate(encode_prompts(student.tokenizer, prompts))
    ]
    fitting = sorted((row for row in rows if row.limit >= 1), key=lambda row: -len(row.ids))
    return fitting, [row for row in rows if row.limit < 1]


def _make_seed(prompt: str, seed: int, sample: int) -> int:
    digest = hashlib.sha256(f"{seed} {sample} {prompt}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _decode_all(
    student: Student,
    waiting: list[_Row],
    temperature: float | None,
    batch_size: int,
    check: Callable[[], None] | None,
) -> Iterator[list[tuple[_Row, Answer]]]:
    """Decode the rows in their order, a batch at a time; where the memory does not suffice, in smaller batches."""
    texts = TokenTexts(student.tokenizer)
    for _, answers in work_in_batches(
        waiting,
        lambda row: batch_size,
        lambda rows: _decode(student, rows, temperature, texts, check),
        lambda row: (
            f"The memory does not suffice to answer a prompt of {len(row.ids):,} tokens with {student.source}; "
            "use a smaller model or a machine with more memory."
        ),
    ):
        yield answers


def _decode(
    student: Student,
    rows: Sequence[_Row],
    temperature: float | None,
    texts: TokenTexts,
    check: Callable[[], None] | None,
) -> list[tuple[_Row, Answer]]:
    """Decode one batch; returns (row, answer) in the order of the rows."""
    import torch

    was_training = student.model.training
    student.model.eval()
    try:
        with torch.inference_mode():
            batch = _Batch(student, rows, temperature)
            while not batch.is_over:
                if check is not None and batch.step % CHECK_EVERY == 0:
                    check()
                batch.advance()
    finally:
        student.model.train(was_training)
    return list(zip(rows, batch.read_answers(texts), strict=True))


class _Batch:
    """Rows that are decoded together, left padded; ``live`` says which row each line of the tensors belongs to."""

    def __init__(self, student: Student, rows: Sequence[_Row], temperature: float | None):
        import torch

        from core.models.decoding_cache import make_cache

        self.student, self.step, self.n_over = student, 0, 0
        device = student.device
        self.width = max(len(row.ids) for row in rows)
        n, most = len(rows), max(row.limit for row in rows)
        pad = student.tokenizer.pad_token_id
        padded = [[pad] * (self.width - len(row.ids)) + row.ids for row in rows]
        self.inputs = torch.tensor(padded, device=device)
        starts = torch.tensor([self.width - len(row.ids) for row in rows], device=device)
        columns = torch.arange(self.width + most, device=device)
        self.mask = (columns >= starts[:, None]).long()
        self.has_padding = bool((starts > 0).any())
        self.positions = (columns[: self.width] - starts[:, None]).clamp(min=0)
        self.limits = torch.tensor([row.limit for row in rows], device=device)
        self.stops = torch.tensor(student.stop_ids, device=device)
        self.tokens = torch.zeros(n, most, dtype=torch.long, device=device)
        self.losses = torch.zeros(n, most, dtype=torch.float32, device=device)
        self.lengths = torch.zeros(n, dtype=torch.long, device=device)
        self.live = torch.arange(n, device=device)
        self.is_done = torch.zeros(n, dtype=torch.bool, device=device)
        self.cache = make_cache(student.model.config)
        self.temperature = temperature
        self.lots = None
        if temperature is not None:
            lots = [np.random.default_rng(row.seed).random(most, dtype=np.float32) for row in rows]
            self.lots = torch.from_numpy(np.stack(lots)).to(device)

    @property
    def is_over(self) -> bool:
        """Say whether every row has ended."""
        return self.n_over == len(self.live)

    def advance(self) -> None:
        """Generate one token for every live row."""
        logits = self.student.model(
            input_ids=self.inputs,
            attention_mask=self.mask[:, : self.width + self.step] if self.has_padding else None,
            position_ids=self.positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        if self.lots is None:
            losses, tokens = _pick_greedily(logits)
        else:
            losses, tokens = _draw(logits, self.lots[self.live, self.step], self.temperature)
        self.tokens[self.live, self.step] = tokens
        self.losses[self.live, self.step] = losses
        self.step += 1
        ends = ((tokens[:, None] == self.stops).any(1) | (self.limits <= self.step)) & ~self.is_done
        self.inputs = tokens[:, None]
        self.positions = self.positions[:, -1:] + 1
        if bool(ends.any()):
            self._end(ends)

    def _end(self, ends: "torch.Tensor") -> None:
        """Note the length of the rows that end now, and let ended rows leave when enough have gathered."""
        self.lengths[self.live[ends]] = self.step
        self.is_done |= ends
        self.n_over = int(self.is_done.sum())
        if self.is_over or self.n_over < LEAVE_SHARE * len(self.live):
            return
        keep = (~self.is_done).nonzero()[:, 0]
        self.cache.batch_select_indices(keep)
        for name in ("inputs", "mask", "positions", "limits", "live", "is_done"):
            setattr(self, name, getattr(self, name)[keep])
        self.n_over = 0

    def read_answers(self, token_texts: TokenTexts) -> list[Answer]:
        """Return the answers in the order of the rows."""
        stops = set(self.stops.tolist())
        sums = self.losses.cumsum(1, dtype=self.losses.dtype)  # junk behind a row's end stays behind it
        lengths = self.lengths.tolist()
        totals = sums.gather(1, self.lengths[:, None] - 1)[:, 0].tolist()
        rows = [ids[:n] for ids, n in zip(self.tokens.tolist(), lengths, strict=True)]
        losses = [row[:n] for row, n in zip(self.losses.tolist(), lengths, strict=True)]
        spoken = [ids[:-1] if ids[-1] in stops else ids for ids in rows]
        texts = self.student.tokenizer.batch_decode(spoken, skip_special_tokens=True)
        return [
            Answer(
                text.strip(),
                _finite(total / n),
                n,
                ids[-1] not in stops,
                tuple(ids),
                tuple(round(loss, 4) for loss in token_losses) if _finite(total) is not None else None,
                token_texts.find_ends(said, text.strip(), len(ids)),
            )
            for text, total, n, ids, said, token_losses in zip(
                texts, totals, lengths, rows, spoken, losses, strict=True
            )
        ]


def _pick_greedily(logits: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
    """Return each row's negative log-likelihood of its likeliest token, float32, and the token."""
    logits = logits.float()
    best, tokens = logits.max(-1)
    return logits.logsumexp(-1) - best, tokens


def _draw(logits: "torch.Tensor", lots: "torch.Tensor", temperature: float) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return each row's negative log-likelihood of a drawn token, untempered, and the token.

    The token is where the cumulated probabilities pass the row's lot, a number in [0, 1).
    """
    logits = logits.float()
    reached = (logits / temperature).softmax(-1).cumsum(-1)
    tokens = (reached <= lots[:, None] * reached[:, -1:]).sum(-1).clamp(max=logits.shape[-1] - 1)
    return logits.logsumexp(-1) - logits.gather(1, tokens[:, None])[:, 0], tokens


def _finite(value: float) -> float | None:
    """Return None for a loss that is no number: unknown is never NaN outside arrays."""
    return value if value - value == 0.0 else None
