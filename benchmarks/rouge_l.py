"""ROUGE-L of one question against n earlier ones: ours, rapidfuzz on token lists, and the package rouge-score.

    python benchmarks/rouge_l.py [--earlier 1000] [--questions 20]

All three see the same texts in the same run; the F values of the package are compared with ours where its tokens are
the same as ours (plain English words and numbers). The texts are those of the built-in word problems.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rapidfuzz.distance import LCSseq
from rouge_score import rouge_scorer

from core.datasets.reading import read_rows
from core.filters.rouge_l import find_closest, measure_rouge_l, split_tokens
from core.settings import DEMO


def measure_all(ask, questions: list[str], earlier: list[str]) -> tuple[list[float], float]:
    """Return the largest F of each question and the seconds that took."""
    start = time.perf_counter()
    values = [ask(question, earlier) for question in questions]
    return values, time.perf_counter() - start


def ask_ours(question: str, earlier: list[str]) -> float:
    """Ask ``core.filters.rouge_l``."""
    return find_closest(question, earlier)[0]


def ask_token_lists(question: str, earlier: list[str]) -> float:
    """Ask rapidfuzz with lists of tokens, tokens made anew for the question only."""
    tokens = split_tokens(question)
    return max(
        2 * LCSseq.similarity(tokens, other) / (len(tokens) + len(other)) for other in map(TOKENS.__getitem__, earlier)
    )


def ask_rouge_score(question: str, earlier: list[str]) -> float:
    """Ask the package, as is usual: one pair at a time."""
    return max(SCORER.score(other, question)["rougeL"].fmeasure for other in earlier)


SCORER = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
TOKENS: dict[str, list[str]] = {}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--earlier", type=int, default=1000)
    parser.add_argument("--questions", type=int, default=20)
    wanted = parser.parse_args()
    texts = [row["question"] for row in read_rows(DEMO / "word_problems" / "train.jsonl").rows]
    questions, earlier = texts[: wanted.questions], texts[wanted.questions :][: wanted.earlier]
    TOKENS.update((text, split_tokens(text)) for text in earlier)  # both of ours read the earlier ones once only
    find_closest(earlier[0], earlier)
    n_pairs = len(questions) * len(earlier)
    ways = {"ours": ask_ours, "rapidfuzz on token lists": ask_token_lists, "rouge-score": ask_rouge_score}
    results = {name: measure_all(ask, questions, earlier) for name, ask in ways.items()}
    slowest = results["rouge-score"][1]
    print(f"{len(questions)} questions against {len(earlier)} earlier ones ({n_pairs:,} pairs)\n")
    print(f"{'way':<26}{'seconds':>10}{'us a pair':>12}{'times faster':>14}")
    for name, (_, seconds) in results.items():
        print(f"{name:<26}{seconds:>10.3f}{seconds / n_pairs * 1e6:>12.2f}{slowest / seconds:>14.0f}")
    gaps = [abs(ours - theirs) for ours, theirs in zip(results["ours"][0], results["rouge-score"][0], strict=True)]
    print(f"\nLargest difference to the F of rouge-score, whose tokens leave out signs and split 1.5: {max(gaps):.4f}")
    for first, second in (("Сколько яблок?", "Сколько яблок?"), ("What is 3+4*x?", "What is 3-4/x?")):
        theirs = SCORER.score(first, second)["rougeL"].fmeasure
        print(f"{first!r} and {second!r}: ours {measure_rouge_l(first, second):.2f}, rouge-score {theirs:.2f}")


if __name__ == "__main__":
    main()
