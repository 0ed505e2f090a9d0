"""Makes the tiny student from nothing: run ``python -m core.demo.make_student`` (some 90 minutes on one core).

It trains a tokenizer and then a small Llama on the texts of ``student_texts``, and writes both with a model card to
``data/demo/tiny``. It knows nothing of teachers, selection or finetuning. Weights differ a little from machine to
machine; what must hold for them is measured in ``docs/log.md``.
"""

import argparse
import copy
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.demo.card import write_card
from core.demo.student_texts import Phase, Text, draw_texts
from core.settings import DEMO

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

PAD, END = "<|pad|>", "<|end|>"

VOCABULARY, WIDTH, N_LAYERS, N_HEADS, INNER_WIDTH, CONTEXT = 1408, 128, 4, 4, 384, 1024
BATCH = 32
"""Texts per optimiser step."""

WARMUP_STEPS = 100
QUESTION_WEIGHT = 0.2
"""Share of a question's tokens that count in the loss; an answer's tokens all do."""

OPERAND_WEIGHT = 0.02
"""The same for operands in lists of sums, which nobody can foresee; results all count."""

PHASES = (
    Phase(
        n_steps=1500,
        lead_steps=450,
        worked=dict.fromkeys(range(1, 7), 0.3),
        flat=1.0,
        matrix_rate=6e-3,
        sums=0.15,
        shares=(("maths", 0.08, 0.2), ("prontoqa", 0.04, 0.2), ("game24", 0.007, 0.5)),
    ),
    Phase(
        n_steps=1800,
        worked={1: 0.85, 2: 0.85, 3: 0.55, 4: 0.2, 5: 0.2, 6: 0.2},
        flat=0.4,
        matrix_rate=5e-3,
        sums=0.05,
        shares=(("maths", 0.04, 0.6), ("prontoqa", 0.03, 0.6)),
    ),
    Phase(
        n_steps=500,
        worked={1: 0.85, 2: 0.7, 3: 0.15, 4: 0.12, 5: 0.1, 6: 0.1},
        flat=0.4,
        matrix_rate=3e-3,
        other_rate=1.5e-3,
        sums=0.05,
        shares=(("maths", 0.04, 0.6), ("prontoqa", 0.03, 0.6)),
    ),
    Phase(
        n_steps=2000,
        story_steps=(1, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6),
        worked={1: 0.9, 2: 0.85, 3: 0.8, 4: 0.7, 5: 0.7, 6: 0.7},
        flat=0.5,
        matrix_rate=5e-3,
        sums=0.05,
        shares=(("maths", 0.03, 0.6), ("prontoqa", 0.03, 0.6)),
    ),
    Phase(
        n_steps=500,
        worked={1: 0.9, 2: 0.7, 3: 0.2, 4: 0.1, 5: 0.08, 6: 0.08},
        flat=0.4,
        matrix_rate=3e-3,
        other_rate=1.5e-3,
        sums=0.05,
        shares=(("maths", 0.04, 0.6), ("prontoqa", 0.03, 0.6)),
    ),
)
"""First read and calculate, then work answers out and keep that for short stories; the same again for long ones."""


def train_tokenizer(texts: Sequence[Text]) -> "PreTrainedTokenizerFast":
    """Return a byte-level BPE with every digit a token of its own; any text survives encoding and decoding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator((text.prompt + text.completion for text in texts), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=PAD, eos_token=END, padding_side="left", model_max_length=CONTEXT
    )


def make_model(tokenizer: "PreTrainedTokenizerFast", seed: int) -> "LlamaForCausalLM":
    """Return the untrained student."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=INNER_WIDTH,
            num_hidden_layers=N_LAYERS,
            num_attention_heads=N_HEADS,
            num_key_value_heads=N_HEADS,
            max_position_embeddings=CONTEXT,
            rms_norm_eps=1e-5,
            initializer_range=0.03,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text as tokens."""

    ids: list[int]
    weights: list[float]
    """Chance that each token counts in the loss: 1 for an answer's, less for a question's, 0 for the first."""


def encode_texts(texts: Sequence[Text], tokenizer: "PreTrainedTokenizerFast") -> list[Encoded]:
    """Return the texts as tokens; prompt and completion are encoded apart, as in finetuning and prediction."""
    prompts = tokenizer([text.prompt for text in texts])["input_ids"]
    completions = tokenizer([text.completion for text in texts])["input_ids"]
    end, line = tokenizer.eos_token_id, tokenizer("=\n")["input_ids"]
    rows = []
    for text, prompt, rest in zip(texts, prompts, completions, strict=True):
        answer = [*rest, end]
        weights = [0.0] + [QUESTION_WEIGHT] * (len(prompt) - 1)
        weights += _weigh_sums(answer, line) if text.task == "sums" else [1.0] * len(answer)
        rows.append(Encoded(prompt + answer, weights))
    return rows


def _weigh_sums(ids: Sequence[int], line: Sequence[int]) -> list[float]:
    """Return 1 for the tokens of results, OPERAND_WEIGHT for those of operands."""
    weights, is_result = [], False
    for token in ids:
        weights.append(1.0 if is_result else OPERAND_WEIGHT)
        is_result = (is_result or token == line[0]) and token != line[-1]
    return weights


def order_batches(rows: Sequence[Encoded], seed: int, n_together: int = 40) -> Iterator[list[Encoded]]:
    """Yield batches; rows of like length share a batch, so that little is padded."""
    rng = random.Random(seed)
    for start in range(0, len(rows), n_together * BATCH):
        group = sorted(rows[start : start + n_together * BATCH], key=lambda row: len(row.ids))
        batches = [group[at : at + BATCH] for at in range(0, len(group), BATCH)]
        rng.shuffle(batches)
        yield from batches


def rate_at(step: int, phase: Phase) -> float:
    """Return the share of the highest learning rate: a linear rise, flat, then a linear fall to 0.02."""
    done = step / phase.n_steps
    fall = 1.0 if done < phase.flat else max(0.02, (1 - done) / (1 - phase.flat))
    return min(1.0, (step + 1) / WARMUP_STEPS) * fall


def make_optimisers(model: "LlamaForCausalLM", phase: Phase) -> "list[torch.optim.Optimizer]":
    """Return Muon for the matrices of the layers (Jordan 2024) and AdamW for embeddings and gains.

    Muon needed less than half the tokens of AdamW for the same loss here.
    """
    import torch

    embeddings = model.get_input_embeddings().weight
    matrices = [weight for weight in model.parameters() if weight.ndim > 1 and weight is not embeddings]
    others = [embeddings, *(weight for weight in model.parameters() if weight.ndim == 1)]
    return [
        torch.optim.Muon(
            matrices, lr=phase.matrix_rate, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(others, lr=phase.other_rate, weight_decay=0.0, betas=(0.9, 0.95), fused=True),
    ]


def train_phase(model: "LlamaForCausalLM", rows: Sequence[Encoded], phase: Phase, seed: int) -> float:
    """Train in place; returns the mean loss per answer token over the last 100 steps, nats.

    The forward pass runs in bfloat16 where the CPU has instructions for it (without them it is three times slower than
    float32); the float32 weights are what is optimised.
    """
    import torch

    has_bfloat16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    live = copy.deepcopy(model).to(torch.bfloat16 if has_bfloat16 else torch.float32).train()
    pairs = list(zip(model.parameters(), live.parameters(), strict=True))
    optimisers = make_optimisers(model, phase)
    highest = [optimiser.param_groups[0]["lr"] for optimiser in optimisers]
    chance = torch.Generator().manual_seed(seed)
    recent: list[float] = []
    for step, batch in enumerate(order_batches(rows, seed)):
        loss, mean = compute_loss(live, batch, chance)
        loss.backward()
        for master, weight in pairs:
            master.grad, weight.grad = weight.grad.float(), None
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser, rate in zip(optimisers, highest, strict=True):
            optimiser.param_groups[0]["lr"] = rate * rate_at(step, phase)
            optimiser.step()
        with torch.no_grad():
            for master, weight in pairs:
                weight.copy_(master)
        recent = [*recent[-99:], mean]
        if step % 100 == 99:
            print(f"step {step + 1} of {phase.n_steps}: answer loss {np.mean(recent):.3f}", flush=True)
    return float(np.mean(recent))


def compute_loss(
    model: "LlamaForCausalLM", rows: Sequence[Encoded], chance: "torch.Generator"
) -> "tuple[torch.Tensor, float]":
    """Return the loss of a batch and the mean loss of its answer tokens; logits are made only where one counts."""
    import torch

    longest = max(len(row.ids) for row in rows)
    ids = np.zeros((len(rows), longest), np.int64)
    weights = np.zeros((len(rows), longest), np.float32)
    for at, row in enumerate(rows):
        ids[at, : len(row.ids)] = row.ids
        weights[at, : len(row.ids)] = row.weights
    tokens, weight = torch.from_numpy(ids), torch.from_numpy(weights[:, 1:])
    counts = torch.rand(weight.shape, generator=chance) < weight
    hidden = model.model(input_ids=tokens).last_hidden_state[:, :-1][counts]
    losses = torch.nn.functional.cross_entropy(model.lm_head(hidden).float(), tokens[:, 1:][counts], reduction="none")
    return losses.sum() / weight.sum(), float(losses.detach()[weight[counts] == 1].mean())


def save(model: "LlamaForCausalLM", tokenizer: "PreTrainedTokenizerFast", folder: Path) -> None:
    """Write weights in float16 (half the size), to be loaded as float32; and the tokenizer."""
    import torch

    model.to(torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    file = folder / "config.json"
    config = json.loads(file.read_text("utf-8")) | {"dtype": "float32"}
    file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def make_student(folder: Path, phases: Sequence[Phase] = PHASES, seed: int = 1) -> None:
    """Train tokenizer and student phase by phase, and write them with their card into the folder."""
    import torch

    torch.set_num_threads(1)  # at this size a second thread costs more than it brings
    started, n_texts, n_tokens = time.monotonic(), 0, 0
    model, tokenizer, loss = None, None, float("nan")
    for number, phase in enumerate(phases):
        texts = draw_texts(phase, phase.n_steps * BATCH, phase.lead_steps * BATCH, seed + number)
        if tokenizer is None:
            tokenizer = train_tokenizer(texts[-30_000:])
            model = make_model(tokenizer, seed)
        rows = encode_texts(texts, tokenizer)
        n_texts, n_tokens = n_texts + len(rows), n_tokens + sum(len(row.ids) for row in rows)
        loss = train_phase(model, rows, phase, seed + number)
    save(model, tokenizer, folder)
    minutes = round((time.monotonic() - started) / 60)
    write_card(
        folder,
        n_parameters=model.num_parameters(),
        n_texts=n_texts,
        n_tokens=n_tokens,
        loss=f"{loss:.2f} nats",
        minutes=minutes,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the tiny student.")
    parser.add_argument("--folder", type=Path, default=DEMO / "tiny", help="where it is written")
    make_student(parser.parse_args().folder)
