"""Greedy answers of a student: our decoding loop against transformers' ``generate``, same prompts, same run.

    python benchmarks/generate_speed.py [--student tiny] [--problems 128] [--batch 128] [--tokens 256]

Both get batches of like length, left padded, key-value cache, float32 on a CPU. Ours also gives each answer its loss;
``generate`` would need a second pass for it, which the last column adds. Texts are compared one by one: where two
tokens are equally likely up to rounding, the two may differ, and the table says how often.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from core.models.generate import generate_answers
from core.models.rendering import encode_prompts
from core.models.student import Student
from core.settings import DEMO


def answer_ours(student: Student, prompts: list[str], n_tokens: int, batch: int) -> tuple[list[str], int]:
    """Return the texts and the number of tokens generated."""
    found = dict(pair for part in generate_answers(student, prompts, n_tokens, batch_size=batch) for pair in part)
    answers = [found[index] for index in range(len(prompts))]
    return [answer.text for answer in answers], sum(answer.n_tokens for answer in answers)


def answer_theirs(
    student: Student, prompts: list[str], n_tokens: int, batch: int
) -> tuple[list[str], int, list[tuple[torch.Tensor, torch.Tensor]]]:
    """Return the same from ``generate``, and its batches for a second pass."""
    ids = encode_prompts(student.tokenizer, prompts)
    order = sorted(range(len(ids)), key=lambda index: -len(ids[index]))
    texts, total, batches = [""] * len(ids), 0, []
    stops = set(student.stop_ids)
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        padded = student.tokenizer.pad({"input_ids": [ids[index] for index in part]}, return_tensors="pt")
        padded = padded.to(student.device)
        out = student.model.generate(
            **padded,
            max_new_tokens=n_tokens,
            do_sample=False,
            eos_token_id=student.stop_ids,
            pad_token_id=student.tokenizer.pad_token_id,
        )
        batches.append((out, padded["attention_mask"]))
        for index, row in zip(part, out[:, padded["input_ids"].shape[1] :].tolist(), strict=True):
            end = next((place for place, token in enumerate(row) if token in stops), None)
            total += len(row) if end is None else end + 1
            texts[index] = student.tokenizer.decode(row[:end], skip_special_tokens=True).strip()
    return texts, total, batches


def score_again(student: Student, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Run the finished answers through the model once more, as a loss without our loop would need."""
    for ids, mask in batches:
        whole = torch.nn.functional.pad(mask, (0, ids.shape[1] - mask.shape[1]), value=1)
        for start in range(0, len(ids), 16):  # all logits of a batch at once would fill the memory
            rows = slice(start, start + 16)
            logits = student.model(input_ids=ids[rows], attention_mask=whole[rows], use_cache=False).logits
            logits[:, :-1].float().log_softmax(-1).gather(2, ids[rows, 1:, None])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--student", default="tiny")
    parser.add_argument("--problems", type=int, default=128)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--questions", type=Path, default=DEMO / "word_problems" / "train.jsonl")
    args = parser.parse_args()
    student = Student.load(args.student)
    lines = args.questions.read_text(encoding="utf-8").splitlines()[: args.problems]
    prompts = [json.loads(line)["question"] + "\n" for line in lines]
    answer_ours(student, prompts[:8], 8, 8)
    with torch.inference_mode():
        answer_theirs(student, prompts[:8], 8, 8)
        start = time.perf_counter()
        ours, n_ours = answer_ours(student, prompts, args.tokens, args.batch)
        ours_s = time.perf_counter() - start
        start = time.perf_counter()
        theirs, n_theirs, batches = answer_theirs(student, prompts, args.tokens, args.batch)
        theirs_s = time.perf_counter() - start
        score_again(student, batches)
        scored_s = time.perf_counter() - start
    n_equal = sum(a == b for a, b in zip(ours, theirs, strict=True))
    print(f"{args.student}, {len(prompts)} prompts, batch {args.batch}, at most {args.tokens} tokens, "
          f"{torch.get_num_threads()} threads, {student.device}")  # fmt: skip
    print(f"{'':34}{'seconds':>9}{'tokens':>10}{'tokens/s':>10}")
    for name, seconds, n in [
        ("ours, with losses", ours_s, n_ours),
        ("generate", theirs_s, n_theirs),
        ("generate and a second pass", scored_s, n_theirs),
    ]:
        print(f"{name:34}{seconds:9.2f}{n:10,}{n / seconds:10,.0f}")
    print(f"equal texts: {n_equal} of {len(prompts)}; {theirs_s / ours_s:.2f} times as fast as generate, "
          f"{scored_s / ours_s:.2f} times with losses")  # fmt: skip


if __name__ == "__main__":
    main()
