"""Training rows as tokens: which of them the loss counts, and which rows cannot be used, with the reason.

It uses the same rendering as the student's predictions and knows nothing of the trainer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.models.rendering import encode_beginnings, encode_completions, encode_prompts
from core.tasks.base import Task
from core.training.data import POSITIVE, TrainingRow
from core.training.objectives.base import Unused

IGNORED = -100
"""Label of a token that carries no loss."""


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """One question and answer as the trainer sees them."""

    input_ids: list[int]
    """Prompt, answer and end-of-text token."""

    labels: list[int]
    """The same with IGNORED for every prompt token."""

    sign: int = POSITIVE
    """POSITIVE or NEGATIVE."""

    @property
    def length(self) -> int:
        """Tokens of the one sequence."""
        return len(self.input_ids)

    @property
    def n_tokens(self) -> int:
        """Tokens of all its sequences."""
        return len(self.input_ids)


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """One question with the answer that is preferred and the one that is not."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    """Answer and end-of-text token."""

    rejected_ids: list[int]
    """The other answer; its end-of-text token only where it is a whole answer."""

    @property
    def length(self) -> int:
        """Tokens of the longer of its two sequences."""
        return len(self.prompt_ids) + max(len(self.chosen_ids), len(self.rejected_ids))

    @property
    def n_tokens(self) -> int:
        """Tokens of both sequences."""
        return 2 * len(self.prompt_ids) + len(self.chosen_ids) + len(self.rejected_ids)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that was not trained on."""

    position: int
    """Its place in the rows that were given."""

    reason: str
    """One sentence."""


def encode_rows(
    tokenizer: Any, task: Task, rows: Sequence[TrainingRow], max_length: int
) -> tuple[list[EncodedRow], list[int], list[LeftOut]]:
    """Return the usable rows in their order, the place of each among those given, and those that were left out.

    An empty answer is left out, for nothing but its end would carry loss; so is a row with more than ``max_length``
    tokens, because a cut answer teaches the student to stop midway.

    Args:
        tokenizer: of the student.
        task: renders the question as the student's prompt.
        rows: to be encoded.
        max_length: longest prompt and answer together, tokens.
    """
    prompts = encode_prompts(tokenizer, [task.student_prompt(row.question) for row in rows])
    completions = encode_completions(tokenizer, [row.answer for row in rows])
    usable, places, left_out = [], [], []
    for place, (row, prompt, completion) in enumerate(zip(rows, prompts, completions, strict=True)):
        encoded = EncodedRow(prompt + completion, [IGNORED] * len(prompt) + completion, row.label)
        if reason := _find_reason(row.answer, encoded.length, max_length):
            left_out.append(LeftOut(place, reason))
        else:
            usable.append(encoded)
            places.append(place)
    return usable, places, left_out


def encode_pairs(
    tokenizer: Any, task: Task, rows: Sequence[TrainingRow], max_length: int, *, is_rejected_whole: bool
) -> tuple[list[EncodedPair], list[int], list[LeftOut]]:
    """Do as ``encode_rows`` for rows that have a rejected answer.

    Args:
        tokenizer: of the student.
        task: renders the question as the student's prompt.
        rows: to be encoded.
        max_length: longest prompt and answer together, tokens.
        is_rejected_whole: whether rejected answers are whole; the beginning of one gets no end-of-text token, or the
            student would be taught never to stop there.
    """
    prompts = encode_prompts(tokenizer, [task.student_prompt(row.question) for row in rows])
    chosen = encode_completions(tokenizer, [row.answer for row in rows])
    encode_rejected = encode_completions if is_rejected_whole else encode_beginnings
    rejected = encode_rejected(tokenizer, [row.rejected or "" for row in rows])
    usable, places, left_out = [], [], []
    for place, (row, *ids) in enumerate(zip(rows, prompts, chosen, rejected, strict=True)):
        pair = EncodedPair(*ids)
        reason = _find_reason(row.answer, pair.length, max_length)
        if reason is None and not (row.rejected or "").strip():
            reason = "It has no rejected answer, so there is nothing that its answer is preferred to."
        if reason is None and pair.chosen_ids == pair.rejected_ids:
            reason = "Its rejected answer is its answer."
        if reason:
            left_out.append(LeftOut(place, reason))
        else:
            usable.append(pair)
            places.append(place)
    return usable, places, left_out


def set_aside_unusable(
    tokenizer: Any, task: Task, rows: Sequence[TrainingRow], max_length: int
) -> tuple[list[TrainingRow], list[Unused]]:
    """Return the rows that ``encode_rows`` would take, and the others with the reason, both in their order.

    For objectives that let the student answer: what it says to a row that is left out anyway is drawn for nothing,
    and would be the reason in place of the row's own.

    Args:
        tokenizer: of the student.
        task: renders the question as the student's prompt.
        rows: that were given.
        max_length: longest prompt and answer together, tokens.
    """
    _, places, left_out = encode_rows(tokenizer, task, rows, max_length)
    return [rows[place] for place in places], [Unused(rows[each.position], each.reason) for each in left_out]


def _find_reason(answer: str, length: int, max_length: int) -> str | None:
    if not answer.strip():
        return "Its answer is empty."
    if length > max_length:
        return f"It has {length:,} tokens, more than the {max_length:,} that a training row may have."
    return None


def measure_loss(student: Any, rows: Sequence[EncodedRow], batch_size: int = 32) -> float | None:
    """Return the mean loss per answer token over all rows, nats; None without rows.

    Args:
        student: a Student; its model must be in evaluation mode.
        rows: encoded question and answer pairs.
        batch_size: rows per pass.
    """
    import torch

    total, n_tokens = 0.0, 0
    ordered = sorted(rows, key=lambda row: len(row.input_ids))
    for start in range(0, len(ordered), batch_size):
        part = ordered[start : start + batch_size]
        width = len(part[-1].input_ids)
        pad = student.tokenizer.pad_token_id
        ids = torch.tensor([row.input_ids + [pad] * (width - len(row.input_ids)) for row in part])
        labels = torch.tensor([row.labels + [IGNORED] * (width - len(row.labels)) for row in part])
        mask = torch.tensor([[1] * len(row.input_ids) + [0] * (width - len(row.input_ids)) for row in part])
        device = student.device
        with torch.inference_mode():
            logits = student.model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False).logits
            loss = torch.nn.functional.cross_entropy(
                logits[:, :-1].float().flatten(0, 1),
                labels[:, 1:].to(device).flatten(),
                ignore_index=IGNORED,
                reduction="sum",
            )
        total += loss.item()
        n_tokens += int((labels[:, 1:] != IGNORED).sum())
    return total / n_tokens if n_tokens else None
