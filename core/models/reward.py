"""The reward model: a sequence classifier with one output that says how good an answer to a prompt is.

Any model of that kind over one text can be used; Kessler 2025 (section 5.3) takes Skywork-Reward-Llama-3.1-8B-v0.2.
Rewards of different models are on different scales. It knows nothing of tasks, caches or selectors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import ModelLoadError
from core.models.batches import work_in_batches
from core.models.loading import load_weights, move_to_device
from core.models.rendering import encode_completions, encode_prompts, has_chat_template
from core.models.student import find_context_length, find_model_folder, hash_model_files, load_tokenizer
from core.settings import DEMO

if TYPE_CHECKING:
    import torch

TINY_REWARD = "tiny-reward"
"""Name of the shipped reward model."""

BATCH_TOKENS = 16_384
"""Padded tokens that are read together at most; a single row may be longer."""


@dataclass(slots=True)
class RewardModel:
    """A loaded reward model, in evaluation mode."""

    model: Any
    """transformers sequence classifier with one output."""

    tokenizer: Any
    source: str
    """What it was loaded from: a name, a folder or a hub id."""

    fingerprint: str
    """Hash of weights, configuration and tokenizer."""

    context_length: int | None
    """Longest prompt and answer together, tokens; None where the model sets no limit."""

    @classmethod
    def load(cls, source: str | Path, device: str | None = None) -> "RewardModel":
        """Load a reward model, float32 on a CPU and bfloat16 on a GPU.

        Args:
            source: ``tiny-reward``, a folder with a model, or a Hugging Face hub id.
            device: torch device; None takes the first GPU where there is one.

        Raises:
            ModelLoadError: it cannot be loaded, has more than one output, lacks trained weights (a language model has
                no score head), reads prompt and answer as two texts, or does not fit into the memory.
        """
        import torch

        folder = find_model_folder(str(DEMO / TINY_REWARD) if str(source) == TINY_REWARD else str(source))
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16
        tokenizer = load_tokenizer(folder)
        _refuse_pair_reader(tokenizer, source)
        model = _load_classifier(folder, source, dtype)
        _set_padding(model.config.get_text_config(), tokenizer)
        model = move_to_device(model, device, f"The reward model in {folder}")
        return cls(model, tokenizer, str(source), hash_model_files(folder), find_context_length(model.config))

    @property
    def device(self) -> Any:
        """The torch device of the weights."""
        return next(self.model.parameters()).device

    @property
    def dtype_name(self) -> str:
        """``float32``, ``bfloat16``, ...: the precision that rewards are computed in."""
        return str(self.model.dtype).removeprefix("torch.")

    def score(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        batch_size: int = 32,
        check: Callable[[], None] | None = None,
        on_batch: Callable[[int, int], None] | None = None,
    ) -> np.ndarray:
        """Return the raw rewards of answers.

        Args:
            pairs: n (prompt, answer); the prompt as the student was asked.
            batch_size: rows read together at most; halved and tried again where the memory does not suffice.
            check: called before each batch; may raise to stop.
            on_batch: called with (scored so far, all) after each batch.

        Returns:
            (n,) float64 in the order of the pairs, higher is better; NaN where prompt and answer are longer than the
            model's context.

        Raises:
            ModelLoadError: a single pair does not fit into the memory.
        """
        rows = encode_pairs(self.tokenizer, pairs)
        rewards = np.full(len(rows), np.nan)
        limit = self.context_length or max(map(len, rows), default=0)
        waiting = sorted((at for at, ids in enumerate(rows) if len(ids) <= limit), key=lambda at: -len(rows[at]))
        n_done = len(rows) - len(waiting)
        for batch, values in work_in_batches(
            waiting,
            lambda at: min(batch_size, BATCH_TOKENS // len(rows[at])),
            lambda part: self._read_batch([rows[at] for at in part]),
            lambda at: (
                f"The memory does not suffice to score an answer of {len(rows[at]):,} tokens, prompt included, "
                f"with {self.source}; use a smaller reward model or a machine with more memory."
            ),
            check,
        ):
            rewards[list(batch)] = values
            n_done += len(batch)
            if on_batch is not None:
                on_batch(n_done, len(rows))
        return rewards

    def _read_batch(self, rows: Sequence[list[int]]) -> np.ndarray:
        """Return the rewards of rows of tokens, (n,) float64; padded on the right, where no position shifts."""
        import torch

        pad, width = self.model.config.get_text_config().pad_token_id, len(rows[0])
        ids = torch.tensor([row + [pad] * (width - len(row)) for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        with torch.inference_mode():
            logits = self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        return logits[:, 0].double().cpu().numpy()


def encode_pairs(tokenizer: Any, pairs: Sequence[tuple[str, str]]) -> list[list[int]]:
    """Return the token ids of each (prompt, answer), unpadded and never truncated.

    With a chat template the two are a user's and an assistant's message, and the template writes every special token;
    without one the answer follows the prompt as in ``core/models/rendering.py``, end-of-text token included.
    """
    if not pairs:
        return []
    if has_chat_template(tokenizer):
        texts = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}], tokenize=False
            )
            for prompt, answer in pairs
        ]
        return tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    prompts = encode_prompts(tokenizer, [prompt for prompt, _ in pairs])
    answers = encode_completions(tokenizer, [answer for _, answer in pairs])
    return [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]


def _load_classifier(folder: Path, source: str | Path, dtype: "torch.dtype") -> Any:
    """Return the sequence classifier; raises ModelLoadError where weights are missing or outputs are too many."""
    from transformers import AutoModelForSequenceClassification

    model = load_weights(
        AutoModelForSequenceClassification,
        folder,
        dtype,
        f"The reward model in {folder}",
        ", so its rewards would be chance; give a sequence classifier with a score head, saved as a whole.",
    )
    if model.config.num_labels != 1:
        raise ModelLoadError(
            f"{source} has {model.config.num_labels} outputs; a reward model has exactly one, the reward."
        )
    return model


def _refuse_pair_reader(tokenizer: Any, source: str | Path) -> None:
    """Refuse encoders: they read prompt and answer as two texts, and their scores of one text mean nothing."""
    if tokenizer.cls_token_id is not None and tokenizer.sep_token_id is not None:
        raise ModelLoadError(
            f"{source} is an encoder that reads prompt and answer as two texts; give a reward model that is made from "
            "a language model, such as Skywork/Skywork-Reward-V2-Qwen3-0.6B."
        )


def _set_padding(config: Any, tokenizer: Any) -> None:
    """Name a padding token where the model names none; with one, rows keep the reward that they have alone.

    The model reads its score at the last token that is not padding. Alone and without a padding token that is the last
    token of all, so padding must be a token that ends no text: with the end-of-text token, the usual choice, every
    score would be read one token early (transformers, issue 35352).
    """
    if config.pad_token_id is not None:
        return
    last = encode_pairs(tokenizer, [("a", "b")])[0][-1]
    named = (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.unk_token_id)
    free = [token for token in (*named, 0, 1) if token is not None and token != last]
    config.pad_token_id = free[0]
