"""A whole model out of a base and its adapter, in files that any library loads; it counts only when it was checked.

The weights are added in float32 and kept in the type that the base is used in. What was saved is loaded again and must
answer as base and adapter do. It knows nothing of runs, of cards, or of where the prompts of the check come from.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from core.errors import ModelLoadError, RunError
from core.models.adapters import check_fit
from core.models.loading import first_line, load_weights, translate_faults
from core.models.student import Student, find_model_folder, is_whole_model, load_tokenizer
from core.models.weight_files import BYTES, find_dtype, list_weights
from core.runs.disk import require_room
from core.write_faults import find_write_fault

if TYPE_CHECKING:
    import torch

TOKENIZER_FILES = (
    "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model", "*.jinja",
    "chat_template.json", "generation_config.json",
)  # fmt: skip
"""What is copied from the base as it is: read and saved again, a tokenizer would be another file."""

CPU = "cpu"

N_TOKENS = 48
"""Tokens of each answer that are compared, at most."""

LARGEST_LOGIT_DIFFERENCE = 1e-3
"""Of a model that is saved and loaded in float32; the same sums in another order differ by some 1e-5."""

LARGEST_KL = 0.02
"""Nats per token, from base and adapter to what was saved, where weights were rounded (bfloat16, float16)."""

LARGEST_SHARE = 0.1
"""Of the adapter's own effect (the same measure, from base and adapter to the base alone) that rounding may take."""

LEAST_KL = 1e-4
"""Nats per token that no rounding is blamed for."""


@dataclass(frozen=True, slots=True)
class MergeCheck:
    """How the saved model compares with base and adapter, on answers that these gave greedily."""

    dtype: str
    """Of the saved weights: one of BYTES."""

    n_prompts: int
    n_same_answers: int
    """Prompts that the saved model answers greedily with the very same tokens."""

    n_tokens: int
    """Positions whose logits were compared."""

    largest_difference: float
    """Of a logit."""

    mean_kl: float
    """Nats per token, from base and adapter to the saved model."""

    adapter_kl: float | None
    """The same from base and adapter to the base alone: what the training changed; None where that was not asked:
    all weights were trained, or none."""


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What a student says to the prompts: greedy answers, and the logits behind them."""

    answers: list[tuple[int, ...]]
    rows: list[list[int]]
    """Prompt and answer, token ids, as far as the context holds them."""

    logits: "list[torch.Tensor]"
    """One (tokens, vocabulary) float32 matrix per prompt, for the last N_TOKENS positions at most."""


def estimate_merged_bytes(folder: Path, dtype: str | None = None) -> int:
    """Return how large a model's weights will be on the disk, bytes.

    Args:
        folder: the base.
        dtype: one of BYTES; None: as the base is used.
    """
    width = BYTES[dtype or find_dtype(folder)]
    return width * sum(weight.n_numbers for weight in list_weights(folder).values())


@contextmanager
def whole_folder(target: Path, *, may_replace: bool = False) -> Iterator[Path]:
    """Give a folder to fill, which is ``target`` when the block ends; after an error nothing of it is there.

    Args:
        target: not there yet, or empty.
        may_replace: whether what is there goes when the new one is complete.

    Raises:
        RunError: the target holds something, or the disk is full.
    """
    if not may_replace and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RunError(f"{target} is not empty; name a folder that is not there yet.")
    for left in target.parent.glob(f".{escape(target.name)}.*.part"):
        if not _is_working(left):
            shutil.rmtree(left, ignore_errors=True)  # of a process that was killed
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        yield part
        shutil.rmtree(target, ignore_errors=True)
        part.replace(target)
    except Exception as error:
        if reason := find_write_fault(error):
            raise RunError(
                f"The model could not be saved whole in {target.parent}: {reason}; nothing of it was kept; make room "
                "and do it again."
            ) from error
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _is_working(part: Path) -> bool:
    """Say whether the process that fills a folder, named by its number, is still there."""
    number = part.suffixes[-2].removeprefix(".")
    return number.isdecimal() and number != str(os.getpid()) and psutil.pid_exists(int(number))


def merge(
    source: str,
    adapter: Path | None,
    target: Path,
    prompts: Sequence[str],
    *,
    dtype: str | None = None,
    tell: Callable[[str], None] = lambda stage: None,
    check: Callable[[], None] | None = None,
) -> MergeCheck:
    """Save base and adapter as one model into an empty folder, load it again and compare.

    Both are asked on the CPU in float32 wherever they will be used: so what is measured is the weights that were saved,
    not how a GPU rounds while it adds up.

    Args:
        source: the base, as for Student.load.
        adapter: folder that a finetune of it wrote, a LoRA adapter or all weights; None: the base itself is saved.
        target: an empty folder.
        prompts: what both are asked, at least one.
        dtype: one of BYTES; None: the type that the base is used in.
        tell: is told what begins.
        check: called now and then; may raise to stop.

    Raises:
        ModelLoadError: the base or the adapter cannot be loaded, they do not fit, or the model cannot be saved so.
        RunError: the disk has not enough room, or what was saved does not answer as base and adapter do.
    """
    folder = find_model_folder(source)
    dtype = dtype or find_dtype(folder)
    check_dtype(dtype)
    if adapter is not None:
        check_fit(source, adapter)
    require_room(target, estimate_merged_bytes(folder, dtype), "the merged model")
    tell("ask base and adapter")
    wanted = _listen(Student.load(source, adapter, CPU), prompts, check)
    tell("merge")
    base_logits = _save(folder, adapter, target, dtype, wanted.rows)
    tell("check what was saved")
    found = _listen(Student.load(target, device=CPU), prompts, check, wanted.rows)
    made = _compare(dtype, wanted, found, base_logits)
    _require_equal(made, is_exact=dtype == "float32")
    return made


def check_dtype(dtype: str) -> str:
    """Return a type that a model can be saved in; raises ModelLoadError for another."""
    if dtype not in BYTES:
        raise ModelLoadError(f"A model cannot be saved as {dtype!r}; known: {', '.join(BYTES)}.")
    return dtype


def _listen(
    student: Student,
    prompts: Sequence[str],
    check: Callable[[], None] | None,
    rows: list[list[int]] | None = None,
) -> _Spoken:
    """Let a student answer, then read the logits of these rows; None: of its own answers."""
    from core.models.rendering import encode_prompts

    answers: list[tuple[int, ...]] = [()] * len(prompts)
    for batch in student.answer(prompts, N_TOKENS, check=check):
        for index, answer in batch:
            answers[index] = answer.token_ids or ()
    if rows is None:
        asked = encode_prompts(student.tokenizer, prompts)
        limit = student.context_length
        rows = [[*ids, *answer][:limit] for ids, answer in zip(asked, answers, strict=True)]
    return _Spoken(answers, rows, _read_logits(student.model, rows))


def _read_logits(model: Any, rows: Sequence[Sequence[int]]) -> "list[torch.Tensor]":
    """Return the logits that predict the last tokens of each row; row by row, so padding plays no part."""
    import torch

    with torch.inference_mode():
        return [model(input_ids=torch.tensor([row])).logits[0, -N_TOKENS - 1 : -1].float() for row in rows]


def _save(
    folder: Path, adapter: Path | None, target: Path, dtype: str, rows: Sequence[Sequence[int]]
) -> "list[torch.Tensor] | None":
    """Save the merged model and its tokenizer; returns the base's own logits where an adapter is merged into it."""
    import torch
    from transformers import AutoModelForCausalLM

    is_whole = adapter is not None and is_whole_model(adapter)
    weights = adapter if is_whole else folder
    name = f"The model in {weights}"
    model = load_weights(AutoModelForCausalLM, weights, getattr(torch, dtype), name, "; save it again as a whole.")
    base_logits = None
    if adapter is not None and not is_whole:
        base_logits = _read_logits(model.eval(), rows)
        with translate_faults(f"The adapter in {adapter}"):
            model = _add_weights(model, adapter)
    _require_finite(model, dtype)
    with _translate_save_faults(f"{name} cannot be saved with the adapter"):
        model.save_pretrained(target)
        for path in sorted({path for pattern in TOKENIZER_FILES for path in folder.glob(pattern) if path.is_file()}):
            shutil.copyfile(path, target / path.name)
    load_tokenizer(target)
    return base_logits


@contextmanager
def _translate_save_faults(sentence: str) -> Iterator[None]:
    """Raise ModelLoadError for what a library refuses to save; a full disk is told by ``whole_folder``."""
    try:
        yield
    except (ValueError, RuntimeError, NotImplementedError) as error:
        if find_write_fault(error):
            raise
        raise ModelLoadError(f"{sentence}: {first_line(error)}") from error


def _add_weights(model: Any, adapter: Path) -> Any:
    """Return the model with the adapter in its weights: added in float32 layer by layer, then as wide as before."""
    import torch
    from peft import PeftModel
    from peft.tuners.tuners_utils import BaseTunerLayer

    adapted = PeftModel.from_pretrained(model, adapter)
    for layer in [module for module in adapted.modules() if isinstance(module, BaseTunerLayer)]:
        base = layer.get_base_layer()
        width = base.weight.dtype
        base.to(torch.float32)
        layer.merge(safe_merge=True)  # refuses weights that are no numbers
        base.to(width)
    return adapted.unload()


def _require_finite(model: Any, dtype: str) -> None:
    import torch

    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            raise ModelLoadError(f"In {dtype} the weight {name} is no number any more; choose float32 or bfloat16.")


def _compare(dtype: str, wanted: _Spoken, found: _Spoken, base_logits: "list[torch.Tensor] | None") -> MergeCheck:
    pairs = list(zip(wanted.logits, found.logits, strict=True))
    return MergeCheck(
        dtype=dtype,
        n_prompts=len(wanted.answers),
        n_same_answers=sum(one == other for one, other in zip(wanted.answers, found.answers, strict=True)),
        n_tokens=sum(len(logits) for logits in wanted.logits),
        largest_difference=max(float((one - other).abs().max()) for one, other in pairs),
        mean_kl=_measure_kl(wanted.logits, found.logits),
        adapter_kl=None if base_logits is None else _measure_kl(wanted.logits, base_logits),
    )


def _measure_kl(one: "Sequence[torch.Tensor]", other: "Sequence[torch.Tensor]") -> float:
    """Return the mean Kullback-Leibler divergence over all positions, from the first to the second, nats."""
    import torch

    first, second = torch.cat(list(one)).log_softmax(-1), torch.cat(list(other)).log_softmax(-1)
    return max(float((first.exp() * (first - second)).sum(-1).mean()), 0.0)


def _require_equal(made: MergeCheck, *, is_exact: bool) -> None:
    """Raise RunError where the saved model is another one than base and adapter."""
    if is_exact:
        if made.n_same_answers == made.n_prompts and made.largest_difference <= LARGEST_LOGIT_DIFFERENCE:
            return
        raise RunError(
            f"The merged model is not the same as base and adapter: {made.n_prompts - made.n_same_answers} of "
            f"{made.n_prompts} answers differ, logits by up to {made.largest_difference:.2g}; nothing was kept. Use "
            "the adapter as it is."
        )
    allowed = LARGEST_KL
    if made.adapter_kl is not None:
        allowed = min(allowed, LARGEST_SHARE * made.adapter_kl + LEAST_KL)
    if not made.mean_kl <= allowed:
        effect = "" if made.adapter_kl is None else f", where the training changed {made.adapter_kl:.2g}"
        raise RunError(
            f"Rounded to {made.dtype}, the model differs from base and adapter by {made.mean_kl:.2g} nats a token"
            f"{effect}; nothing was kept. Save it as float32."
        )
