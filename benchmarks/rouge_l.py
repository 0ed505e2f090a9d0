"""The ROUGE-L filter against the package rouge-score, and how its time grows up to 100,000 questions.

    python benchmarks/rouge_l.py [--gsm8k FILE.jsonl] [--sampled 20] [--sizes 10000,30000,100000]

First part: every question is compared with all before it, ours with all pairs, rouge-score with those of a sample of
the questions (its subsequence table on tokens made beforehand, as in Lion; asking ``RougeScorer.score`` is dearer
still). Both use the same tokens, once rouge-score's and once ours; decisions and the largest values must be identical.
Without a file the questions are the built-in word problems.

Second part: questions made here, some new and some rewritten from an earlier one by a random amount, so that many lie
close to the limit on both sides. A sample is judged again by comparing with all earlier ones, and must be identical.
"""

import argparse
import json
import math
import random
import re
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist
from rouge_score import rouge_scorer

from core.datasets.reading import read_rows
from core.demo.word_problems import make_problems
from core.filters.closeness import LIMIT, ClosenessIndex, Match
from core.filters.tokens import TOKENISERS
from core.settings import DEMO

NEW_SHARE = 0.3
"""Of the made questions, those that are new stories; the others are rewritten from an earlier question."""

REPLACED = (0.0, 0.5)
"""Share of words that a rewriting replaces: drawn anew for each question, from the first to the second."""


def read_questions(path: Path | None) -> list[str]:
    """Return the questions of a JSONL file, or of the built-in word problems."""
    if path is None:
        return [row["question"] for row in read_rows(DEMO / "word_problems" / "train.jsonl").rows]
    return [json.loads(line)["question"] for line in path.read_text("utf-8").split("\n") if line.strip()]


def make_questions(n: int, seed: int = 4) -> list[str]:
    """Return n questions in the order of generation: new stories, and earlier questions rewritten."""
    rng = random.Random(seed)
    new = [row["question"] for row in make_problems(round(n * NEW_SHARE * 1.05) + 50, np.random.default_rng(seed))]
    words = sorted({word for text in new for word in re.findall(r"[A-Za-z]+", text)})
    questions = [new.pop()]
    while len(questions) < n:
        is_new = new and rng.random() < NEW_SHARE
        questions.append(new.pop() if is_new else rewrite(rng.choice(questions), words, rng))
    return questions


def rewrite(text: str, words: Sequence[str], rng: random.Random) -> str:
    """Return the text with other numbers and some other words, now and then with its sentences in another order."""
    sentences = re.split(r"(?<=[.?!]) ", text)
    told = sentences[:-1]
    if len(told) > 1 and rng.random() < 0.3:
        rng.shuffle(told)
    if len(told) > 1 and rng.random() < 0.3:
        told.pop()
    text = " ".join([*told, sentences[-1]])
    share = rng.uniform(*REPLACED)
    text = re.sub(r"\d+", lambda found: str(rng.randint(2, 200)), text)
    return re.sub(r"[A-Za-z]+", lambda found: rng.choice(words) if rng.random() < share else found[0], text)


def judge_slowly(i: int, tokens: Sequence[list[str]]) -> float:
    """Return the largest F of question i to any before it, as rouge-score has it."""
    scores = (rouge_scorer._score_lcs(tokens[j], tokens[i]).fmeasure for j in range(i))
    return max(scores, default=0.0)


def compare(questions: list[str], tokeniser: str, n_sampled: int, rng: random.Random) -> None:
    """Print seconds of both ways and their ratio; stop where a decision or a value differs."""
    n_pairs = len(questions) * (len(questions) - 1) // 2
    start = time.perf_counter()
    index = ClosenessIndex(tokeniser=tokeniser)
    matches = index.judge(questions)
    ours = time.perf_counter() - start
    dropped = [i for i, match in enumerate(matches) if match]
    kept = [i for i, match in enumerate(matches) if not match and i]
    sample = sorted(rng.sample(dropped, min(len(dropped), n_sampled // 2)))
    sample = sorted(sample + rng.sample(kept, min(len(kept), n_sampled - len(sample))))
    tokens = [TOKENISERS.get(tokeniser)(text) for text in questions]
    start = time.perf_counter()
    slow_values = [judge_slowly(i, tokens) for i in sample]
    theirs = time.perf_counter() - start
    assert [value > LIMIT for value in slow_values] == [matches[i] is not None for i in sample], "decisions differ"
    assert all(matches[i].value == value for i, value in zip(sample, slow_values, strict=True) if matches[i])
    per_pair, slow_per_pair = ours / n_pairs, theirs / sum(sample)
    print(f"tokens of {tokeniser}: {len(questions):,} questions, {len(dropped):,} dropped")
    print(f"  ours         {ours:8.2f} s for {n_pairs:>12,} pairs {per_pair * 1e6:10.3f} us a pair")
    print(f"  rouge-score  {theirs:8.2f} s for {sum(sample):>12,} pairs {slow_per_pair * 1e6:10.3f} us a pair")
    print(f"  {slow_per_pair / per_pair:,.0f} times faster; {index.n_compared / n_pairs:.4%} of the pairs compared")
    n_dropped = sum(value > LIMIT for value in slow_values)
    print(f"  {len(sample)} sampled questions decided alike, {n_dropped} of them dropped, with equal values")


def grow(questions: list[str], sizes: Sequence[int]) -> tuple[list[Match | None], ClosenessIndex]:
    """Judge one question after the other, and print the time at each size."""
    index, matches = ClosenessIndex(), []
    print(f"{'questions':>10}{'seconds':>9}{'survive':>9}{'pairs compared':>16}{'growth':>8}{'peak GB':>9}")
    start, previous = time.perf_counter(), None
    for size in sizes:
        matches += index.judge(questions[len(index) : size])
        seconds = time.perf_counter() - start
        survive = sum(match is None for match in matches) / size
        compared = index.n_compared / (size * (size - 1) / 2)
        growth = math.log(seconds / previous[1]) / math.log(size / previous[0]) if previous else None
        power = "" if growth is None else f"n^{growth:.2f}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{size:>10,}{seconds:>9.1f}{survive:>9.1%}{compared:>16.4%}{power:>8}{peak:>9.2f}", flush=True)
        previous = size, seconds
    return matches, index


def check_sample(questions: list[str], matches: Sequence[Match | None], n_sampled: int, rng: random.Random) -> None:
    """Compare some questions with all before them; print how close they are, and stop where a decision differs."""
    signs: dict[str, str] = {}
    codes = [
        "".join(signs.setdefault(token, chr(0x20 + len(signs))) for token in TOKENISERS.get("unicode")(text))
        for text in questions
    ]
    lengths = np.array(list(map(len, codes)))
    sample = rng.sample(range(len(questions) // 10, len(questions)), n_sampled)
    largest = []
    for i in sample:
        common = cdist([codes[i]], codes[:i], scorer=LCSseq.similarity, dtype=np.int32)[0]
        recall, precision = common / lengths[i], common / lengths[:i]
        largest.append(np.nan_to_num(2 * precision * recall / (precision + recall)).max())
        assert (largest[-1] > LIMIT) == (matches[i] is not None), f"question {i}: decisions differ"
        assert matches[i] is None or matches[i].value == largest[-1], f"question {i}: values differ"
    shares, _ = np.histogram(largest, [0, 0.3, 0.5, 0.6, LIMIT, 0.8, 1.01])
    names = ("below 0.3", "0.3 to 0.5", "0.5 to 0.6", "0.6 to 0.7", "0.7 to 0.8", "above")
    spread = ", ".join(f"{name} {share / n_sampled:.0%}" for name, share in zip(names, shares, strict=True))
    print(f"{n_sampled} of them compared with all before: decided alike, with equal values.\nTheir largest F: {spread}")


def main() -> None:
    """Measure both parts and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gsm8k", type=Path)
    parser.add_argument("--sampled", type=int, default=20)
    parser.add_argument("--sizes", default="10000,30000,100000")
    wanted = parser.parse_args()
    np.seterr(invalid="ignore")
    sizes = [int(size) for size in wanted.sizes.split(",")]
    rng = random.Random(1)
    made = make_questions(sizes[-1])
    print(f"{sizes[-1]:,} questions made here; mean of {np.mean([len(text.split()) for text in made]):.0f} words")
    matches, _ = grow(made, sizes)
    check_sample(made, matches, min(200, sizes[-1] // 10), rng)
    print()
    questions = read_questions(wanted.gsm8k)
    for tokeniser in TOKENISERS:
        compare(questions, tokeniser, wanted.sampled, rng)


if __name__ == "__main__":
    main()
