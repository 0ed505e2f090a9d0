"""Given answers read back through the student: hidden states that go into its output head, and losses.

One teacher-forced pass over prompt and answer, in which the head sees a single position of a single row. It is applied
to answer tokens later, a few of them at a time and a part of the vocabulary after another, so the logits of a batch
never stand together. It knows nothing of tasks or caches, and of sketches only how many tokens go together.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from core.errors import ModelLoadError
from core.models.batches import work_in_batches
from core.models.sketch import TOKENS
from core.models.student import Student

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")

BATCH_TOKENS = {"cpu": 4096, "cuda": 32768}
"""Prompt and answer tokens, padding included, that go through the model together."""

HEAD_ROWS = {"cpu": 1024, "cuda": 16384}
"""Entries of the vocabulary whose logits are there at a time: a processor's cache holds them and their weights."""

HEAD_TOLERANCE = 0.05
"""How far the head's logits may lie from the model's own (bfloat16 rounds); more means that the model changes them."""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer to be read back: token ids as they follow the prompt's."""

    index: int
    prompt_ids: Sequence[int]
    answer_ids: Sequence[int]
    """At least one; end-of-text included where the answer has ended."""


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What the student made of a given answer."""

    index: int
    hidden: "torch.Tensor"
    """(T, d): the state from which each answer token is foretold, as it goes into the output head."""

    targets: "torch.Tensor"
    """(T,) int64: the answer's tokens."""


def read_answers(
    student: Student,
    answers: Sequence[GivenAnswer],
    use: Callable[[list[ReadAnswer]], Result],
    *,
    check: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Read given answers, longest first, and yield what ``use`` made of each batch.

    Args:
        student: a loaded student.
        answers: those longer than the model's context are left out.
        use: called with each batch, within the same retry: where the memory does not suffice for it, the batch is
            halved and read again. Hidden states that it hands on stay in the memory.
        check: called before each batch; may raise to stop.

    Raises:
        ModelLoadError: one answer does not fit into the memory, or the model changes its logits behind the head.
    """
    import torch

    limit = student.context_length
    fitting = [row for row in answers if limit is None or len(row.prompt_ids) + len(row.answer_ids) <= limit]
    waiting = sorted(fitting, key=lambda row: -len(row.prompt_ids) - len(row.answer_ids))
    budget = BATCH_TOKENS[student.device.type]
    is_plain = False

    def work(rows: Sequence[GivenAnswer]) -> Result:
        nonlocal is_plain
        with torch.inference_mode():
            read, logits = _read_batch(student, rows)
            if not is_plain:  # once: what a model class does behind its head does not depend on the batch
                _require_plain_head(student, read[0].hidden[-1:], logits)
                is_plain = True
            return use(read)

    for _, found in work_in_batches(
        waiting,
        lambda row: budget // (len(row.prompt_ids) + len(row.answer_ids)),
        work,
        lambda row: (
            f"The memory does not suffice to read an answer of {len(row.prompt_ids) + len(row.answer_ids):,} "
            f"tokens, prompt included, with {student.source}; use a smaller model or a machine with more memory."
        ),
        check,
    ):
        yield found


def _read_batch(student: Student, rows: Sequence[GivenAnswer]) -> "tuple[list[ReadAnswer], torch.Tensor]":
    """Return what the student made of one batch, and the model's own logits, (1, V), of the first row's last token.

    Rows are left padded, so that all answers end in the last column.
    """
    import torch

    inputs = [[*row.prompt_ids, *row.answer_ids[:-1]] for row in rows]
    width, most = max(map(len, inputs)), max(len(row.answer_ids) for row in rows)
    pad = student.tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in inputs], device=student.device)
    starts = torch.tensor([width - len(row) for row in inputs], device=student.device)
    columns = torch.arange(width, device=student.device)
    was_training = student.model.training
    student.model.eval()
    try:
        with _catch_head_input(student) as caught:
            logits = student.model(
                input_ids=ids,
                attention_mask=(columns >= starts[:, None]).long(),
                position_ids=(columns - starts[:, None]).clamp(min=0),
                use_cache=False,
                logits_to_keep=most,
            ).logits[0]
    finally:
        student.model.train(was_training)
    hidden = caught[0]
    read = [
        ReadAnswer(
            row.index,
            hidden[line, -len(row.answer_ids) :],
            torch.tensor(list(row.answer_ids), device=student.device),
        )
        for line, row in enumerate(rows)
    ]
    return read, logits


@contextmanager
def _catch_head_input(student: Student) -> Iterator[list["torch.Tensor"]]:
    """Note what goes into the output head, and let the head see the last position of the first row only."""
    caught: list[torch.Tensor] = []

    def note(_module: Any, arguments: tuple) -> tuple:
        caught.append(arguments[0])
        return (arguments[0][:1, -1:], *arguments[1:])

    handle = student.model.get_output_embeddings().register_forward_pre_hook(note)
    try:
        yield caught
    finally:
        handle.remove()


def stream_logits(student: Student, hidden: "torch.Tensor") -> Iterator["torch.Tensor"]:
    """Yield the student's logits for states that go into its output head, a run of the vocabulary after another.

    So the logits of all tokens never stand together, and each part of the weights is read once for many tokens. A
    head that is not a plain linear layer (with an adapter of its own, or quantised) gives all logits at once.

    Args:
        student: a loaded student.
        hidden: (t, d).

    Yields:
        (v, t) float32: of the next v entries of the vocabulary.
    """
    import torch

    head = student.model.get_output_embeddings()
    if type(head) is not torch.nn.Linear:
        yield _finish_logits(student, head(hidden).t())
        return
    size = HEAD_ROWS[student.device.type]
    biases = itertools.repeat(None) if head.bias is None else head.bias.split(size)
    for weight, bias in zip(head.weight.split(size), biases, strict=False):
        logits = weight @ hidden.t()
        yield _finish_logits(student, logits if bias is None else logits + bias[:, None])


def _finish_logits(student: Student, logits: "torch.Tensor") -> "torch.Tensor":
    """Return float32 logits with what model classes do to them behind the head."""
    logits, config = logits.float(), student.model.config.get_text_config()
    if cap := getattr(config, "final_logit_softcapping", None):
        return (logits / cap).tanh_() * cap
    if scale := getattr(config, "logits_scaling", None):
        return logits / scale
    scale = getattr(config, "logit_scale", None)
    return logits if scale is None else logits * scale


def apply_head(student: Student, hidden: "torch.Tensor") -> "torch.Tensor":
    """Return all the student's logits for states that go into its output head, (t, d) to (t, V) float32."""
    import torch

    with torch.inference_mode():
        return torch.cat(list(stream_logits(student, hidden))).t()


def _require_plain_head(student: Student, hidden: "torch.Tensor", logits: "torch.Tensor") -> None:
    """Raise ModelLoadError where a state, (1, d), has other logits by ``apply_head`` than the model's own, (1, V)."""
    own = logits.float()
    if float((apply_head(student, hidden) - own).abs().max()) > HEAD_TOLERANCE * max(1.0, float(own.abs().max())):
        raise ModelLoadError(
            f"{student.source} changes its logits behind the output head in a way that Seedbed does not know, so the "
            "loss of given answers and gradients cannot be computed; use the signals of its own answers."
        )


def measure_loss(student: Student, read: ReadAnswer) -> float:
    """Return the mean negative log-likelihood per token of a read answer, nats."""
    import torch

    total, size = 0.0, TOKENS[student.device.type]
    with torch.inference_mode():
        for hidden, targets in zip(read.hidden.split(size), read.targets.split(size), strict=True):
            own, sums, start = hidden.new_zeros(len(targets), dtype=torch.float32), [], 0
            for logits in stream_logits(student, hidden):
                sums.append(logits.logsumexp(0))
                places = targets - start
                here = ((places >= 0) & (places < len(logits))).nonzero()[:, 0]
                own[here] = logits[places[here], here]
                start += len(logits)
            total += float((torch.stack(sums).logsumexp(0) - own).sum())
    return total / len(read.targets)
