"""Writes the model card of the tiny student; knows nothing of how the student was trained beyond what it is told."""

from pathlib import Path

CARD = """---
license: apache-2.0
language: en
pipeline_tag: text-generation
---
# tiny: the built-in student

A Llama of {parameters:,} parameters that knows four small, made-up domains and nothing else: word problems, maths by
type, ProntoQA-style deductions and Game of 24. It exists so that the whole loop of Seedbed runs on two CPU cores with
no download. It is **not** a chat model, it has no knowledge of the world, and what holds for it need not hold for a
real model.

## What it is

- 4 layers, width 128, 4 heads, inner width 384, tied embeddings, rotary positions, context 1024 tokens. Weights are
  stored in float16 and loaded as float32.
- Tokenizer: byte-level BPE of 1,408 tokens; every digit is a token of its own, and any text survives encoding
  and decoding. Padding is on the left. End of text is `<|end|>`.
- A text is the task's prompt, a space, the answer, and the end-of-text token, for example
  `Question: ...\\nSolve the problem step-by-step.\\nAnswer: #### 42<|end|>`.

## How it was trained

From nothing, by `python -m core.demo.make_student` ({minutes} minutes on one core), on {n_texts:,} texts
({n_tokens:,} tokens) drawn by the generators of `core/demo`; none asks a question of a shipped validation or test set.
Lists of sums lead, because a model of this size learns to read long before it can calculate. In the end short stories
have mostly worked answers and long ones mostly bare results: by itself the student works out only the short ones, and
a finetune on worked answers brings out the long ones. Muon for the matrices of the layers, AdamW for the rest;
mean loss of an answer's token at the end: {loss}.

## Figures

{figures}

## Limits

Results up to 120, the sentence forms of `core/demo/stories`, up to about six steps. On real GSM8K it scores
near zero. It is close to useless on Game of 24.
"""

FIGURES = """Measured on 2026-11-21 (`docs/log.md` has the settings): 45.0 % of 300 test word problems by itself; after
LoRA on 100, 300 and 1,000 random candidates of the built-in teacher 49.0 %, 60.1 % and 65.2 % (means of three
replicates). Spearman of the own answer's loss with being wrong: 0.83. By itself 2.0 % of the maths, 51.5 % of the
ProntoQA and 0.0 % of the Game of 24 test problems."""
"""Of the shipped weights; measure anew when they are made anew."""


def write_card(folder: Path, *, n_parameters: int, n_texts: int, n_tokens: int, loss: str, minutes: int) -> None:
    """Write README.md into the folder: what the student is and how it came about."""
    facts = {"parameters": n_parameters, "n_texts": n_texts, "n_tokens": n_tokens, "loss": loss, "minutes": minutes}
    (folder / "README.md").write_text(CARD.format(**facts, figures=FIGURES), encoding="utf-8")
