"""Training rows as tokens: which of them the loss counts, and which rows cannot be used, with the reason.

It uses the same rendering as the student's predictions and knows nothing of the trainer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import TrainingError
from core.models.rendering import encode_completions, encode_prompts
from core.tasks.base import Task

IGNORED = -100
"""Label of a token that carries no loss."""


PLAIN_HEADS = ("llama", "mistral", "qwen2", "qwen3")
"""Model types whose logits are the output layer of the last hidden state, without scaling or capping."""


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """One question and answer as the trainer sees them."""

    input_ids: list[int]
    """Prompt, answer and end-of-text token."""

    labels: list[int]
    """The same with IGNORED for every prompt token."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that was not trained on."""

    position: int
    """Its place in the rows that were given."""

    reason: str
    """One sentence."""


def encode_rows(
    tokenizer: Any, task: Task, rows: Sequence[tuple[str, str]], max_length: int
) -> tuple[list[EncodedRow], list[LeftOut]]:
    """Return the usable rows in their order, and those that were left out.

    Args:
        tokenizer: of the student.
        task: renders the question as the student's prompt.
        rows: (question, answer).
        max_length: rows with more tokens are left out, because a cut answer teaches the student to stop midway.

    Raises:
        TrainingError: a row has an empty answer, so it would carry no loss but its end.
    """
    if empty := [position for position, (_, answer) in enumerate(rows) if not answer.strip()]:
        raise TrainingError(f"Training row {empty[0] + 1} has no answer; reject it or write one.")
    prompts = encode_prompts(tokenizer, [task.student_prompt(question) for question, _ in rows])
    completions = encode_completions(tokenizer, [answer for _, answer in rows])
    usable, left_out = [], []
    for position, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        length = len(prompt) + len(completion)
        if length > max_length:
            reason = f"It has {length:,} tokens, more than the {max_length:,} that a training row may have."
            left_out.append(LeftOut(position, reason))
        else:
            usable.append(EncodedRow(prompt + completion, [IGNORED] * len(prompt) + completion))
    return usable, left_out


def compute_completion_loss(model: Any, batch: Mapping[str, Any], n_items: Any | None) -> Any:
    """Return the summed loss of the batch's answer tokens over ``n_items``: what TRL computes, but quicker on a CPU.

    There TRL scores every position in small pieces, twice; this scores the answers only, once.

    Args:
        model: PEFT model of one of PLAIN_HEADS.
        batch: input_ids, attention_mask and labels, each (rows, columns).
        n_items: answer tokens of all parts of the optimiser step; None counts those of this part.
    """
    import torch

    student = model.get_base_model()
    backbone, head = student.base_model, student.get_output_embeddings()
    hidden = backbone(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False
    ).last_hidden_state
    labels = batch["labels"][:, 1:]
    is_scored = labels != IGNORED
    logits = head(hidden[:, :-1][is_scored]).float()
    loss = torch.nn.functional.cross_entropy(logits, labels[is_scored], reduction="sum")
    return loss / (is_scored.sum() if n_items is None else n_items)


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
