"""Prediction with the loss of each answer: our decoding loop against transformers' ``generate``, in one run.

    python benchmarks/predict_speed.py [--student tiny] [--problems 500] [--tokens 256] [--shape 7b]

Three ways that people write it, each with a second pass over prompt and answer for the loss, which ours does not need:

    one by one      ``generate`` for each prompt alone
    batches of 32   in the order of the file, left padded
    like lengths    batches of 128 prompts of like length

Goals: at least 5 times as fast as one by one on the tiny student on two cores, 1.5 times as batches of 32; on a GPU
with a 7B-shaped model in bfloat16 (``--shape 7b``: random weights, nothing is downloaded) at least 15 times as fast
as one by one. Texts are compared: where two tokens are equally likely up to rounding they may differ.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from core.models.generate import BATCH_SIZE, generate_answers
from core.models.rendering import encode_prompts
from core.models.student import TINY, Student, find_context_length, load_tokenizer
from core.settings import DEMO
from core.tasks import TASKS

PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
"""Dense bfloat16 operations a second of known cards (NVIDIA's data sheets)."""


def make_7b(vocabulary: int) -> Student:
    """Return a 7B-shaped student of random weights, with the tiny student's tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=32_000, hidden_size=4096, intermediate_size=14_336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8, max_position_embeddings=4096, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device):
        model = LlamaForCausalLM(config)
        model.lm_head.weight.data[vocabulary:] = -1.0  # only tokens that the tokenizer knows
    torch.set_default_dtype(torch.float32)
    return Student(model.eval(), load_tokenizer(DEMO / TINY), "7B-shaped", None, find_context_length(config))


def answer_ours(student: Student, prompts: list[str], n_tokens: int) -> tuple[list[str], int]:
    """Return the texts, and the tokens generated."""
    found = dict(pair for part in generate_answers(student, prompts, n_tokens) for pair in part)
    answers = [found[index] for index in range(len(prompts))]
    return [answer.text for answer in answers], sum(answer.n_tokens for answer in answers)


def answer_theirs(
    student: Student, prompts: list[str], n_tokens: int, batch: int, is_sorted: bool, has_losses: bool = True
) -> tuple[list[str], int]:
    """Return the same from ``generate`` and, where the losses are wanted, a second pass for them."""
    ids = encode_prompts(student.tokenizer, prompts)
    order = sorted(range(len(ids)), key=lambda index: -len(ids[index])) if is_sorted else range(len(ids))
    texts, total, stops = [""] * len(ids), 0, set(student.stop_ids)
    for start in range(0, len(ids), batch):
        part = list(order[start : start + batch])
        padded = student.tokenizer.pad({"input_ids": [ids[index] for index in part]}, return_tensors="pt")
        padded = padded.to(student.device)
        out = student.model.generate(
            **padded,
            max_new_tokens=n_tokens,
            do_sample=False,
            eos_token_id=student.stop_ids,
            pad_token_id=student.tokenizer.pad_token_id,
        )
        if has_losses:
            read_losses(student, out, padded["attention_mask"])
        for index, row in zip(part, out[:, padded["input_ids"].shape[1] :].tolist(), strict=True):
            end = next((place for place, token in enumerate(row) if token in stops), None)
            total += len(row) if end is None else end + 1
            texts[index] = student.tokenizer.decode(row[:end], skip_special_tokens=True).strip()
    return texts, total


def read_losses(student: Student, ids: torch.Tensor, mask: torch.Tensor) -> None:
    """Run finished answers through the model once more, as a loss without our loop needs."""
    whole = torch.nn.functional.pad(mask, (0, ids.shape[1] - mask.shape[1]), value=1)
    n_answer = ids.shape[1] - mask.shape[1]
    for start in range(0, len(ids), 16):  # all logits of a batch at once would fill the memory
        rows = slice(start, start + 16)
        logits = student.model(
            input_ids=ids[rows], attention_mask=whole[rows], use_cache=False, logits_to_keep=n_answer + 1
        ).logits
        logits[:, :-1].float().log_softmax(-1).gather(2, ids[rows, -n_answer:, None])


def measure(student: Student, work: Callable[[], tuple[list[str], int]]) -> tuple[float, list[str], int]:
    """Return seconds, texts and tokens of one way."""
    with torch.inference_mode():
        started = time.perf_counter()
        texts, n_tokens = work()
        if student.device.type == "cuda":
            torch.cuda.synchronize()
    return time.perf_counter() - started, texts, n_tokens


def say_peak(student: Student, tokens_per_second: float) -> str:
    """Return the share of the card's peak that decoding reaches, 2 operations a weight and token."""
    if student.device.type != "cuda":
        return ""
    name = torch.cuda.get_device_name()
    peak = next((flops for card, flops in PEAK_FLOPS.items() if card in name), None)
    n_weights = sum(weight.numel() for weight in student.model.parameters())
    return "" if peak is None else f"; {2 * n_weights * tokens_per_second / peak:.1%} of the peak of {name}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--student", default=TINY)
    parser.add_argument("--shape", choices=["7b"], help="a random model of this shape in place of a student")
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--one-by-one", type=int, default=None, help="prompts of the slowest way (default: all)")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--task", default="word_problems")
    args = parser.parse_args()
    student = make_7b(1408) if args.shape else Student.load(args.student)
    lines = (DEMO / args.task / "train.jsonl").read_text(encoding="utf-8").splitlines()[: args.problems]
    prompts = [TASKS.get(args.task).student_prompt(json.loads(line)["question"]) for line in lines]
    few = prompts[: args.one_by_one or len(prompts)]
    ways = {
        "ours, with losses": (prompts, lambda: answer_ours(student, prompts, args.tokens)),
        "one by one": (few, lambda: answer_theirs(student, few, args.tokens, 1, False)),
        "batches of 32": (prompts, lambda: answer_theirs(student, prompts, args.tokens, 32, False)),
        "like lengths": (prompts, lambda: answer_theirs(student, prompts, args.tokens, BATCH_SIZE, True)),
    }
    measure(student, lambda: answer_ours(student, prompts[:8], 8))
    measure(student, lambda: answer_theirs(student, prompts[:8], 8, 8, False))
    print(f"{student.source}, {len(prompts)} prompts of {args.task}, at most {args.tokens} tokens, "
          f"{torch.get_num_threads()} threads, {student.device}, {student.dtype_name}")  # fmt: skip
    print(f"{'':20}{'prompts':>8}{'seconds':>9}{'tokens/s':>10}{'ms/prompt':>11}{'ours is':>9}{'equal':>7}")
    ours_per_prompt, reference = 0.0, []
    for name, (asked, work) in ways.items():
        seconds, texts, n_tokens = measure(student, work)
        per_prompt = seconds / len(asked)
        ours_per_prompt, reference = (ours_per_prompt, reference) if reference else (per_prompt, texts)
        n_equal = sum(a == b for a, b in zip(texts, reference, strict=False))
        print(f"{name:20}{len(asked):>8}{seconds:>9.2f}{n_tokens / seconds:>10,.0f}{1000 * per_prompt:>11.1f}"
              f"{per_prompt / ours_per_prompt:>8.1f}x{n_equal / len(asked):>7.0%}"
              f"{say_peak(student, n_tokens / seconds)}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
