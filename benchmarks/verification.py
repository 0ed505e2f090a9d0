"""Comparing answers: plain numbers in this process, MATH500's answers in two worker processes, math-verify beside them.

    python benchmarks/verification.py [--math500 FILE.jsonl] [--numbers 20000] [--pairs 1000] [--plain 300]

FILE has one ``final`` (or ``answer``) a line. Without it, the final answers of the built-in maths problems are taken,
and as many generated ones with fractions, roots, tuples, intervals and polynomials. Half of the pairs are equal,
written in another way; in the other half one number is changed. math-verify is called as its page says, in this process
and one pair after the other, on the first ``--plain`` pairs; where its verdict differs from ours, the pair is printed.
"""

import argparse
import json
import logging
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.settings import DEMO
from core.tasks.answers.boxes import last_box
from core.tasks.answers.compare import compare, compare_many, results
from core.tasks.answers.numbers import read_quantity
from core.tasks.answers.pool import VerificationPool

Pair = tuple[str, str, bool]
"""Reference, answer, whether they are equal by construction."""

NUMBER = re.compile(r"(?<![_\d])\d+")


def read_finals(path: Path) -> list[str]:
    """Return the final answers of a file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    found = [row.get("final") or last_box(str(row.get("answer") or "")) or row.get("answer") for row in rows]
    return [str(final) for final in found if final]


def make_finals(rng: random.Random, n: int) -> list[str]:
    """Return generated answers with a formula in each."""
    forms: list[Callable[[int, int, int], str]] = [
        lambda a, b, c: rf"\frac{{{a}\sqrt{{{b}}}}}{{{c}}}",
        lambda a, b, c: rf"{a}x^2-{b}x+{c}",
        lambda a, b, c: rf"\left({a},\frac{{{b}}}{{{c}}}\right)",
        lambda a, b, c: rf"(-\infty,{a})\cup({a + b},\infty)",
        lambda a, b, c: rf"{a}+{b}i",
        lambda a, b, c: rf"\frac{{{a}\pi}}{{{b}}}",
        lambda a, b, c: rf"\begin{{pmatrix}}{a}\\{b}\\{c}\end{{pmatrix}}",
        lambda a, b, c: rf"y={a}x-{b}",
    ]
    return [rng.choice(forms)(*(rng.randint(2, 40) for _ in range(3))) for _ in range(n)]


def rewrite(final: str, rng: random.Random) -> str:
    """Return the same answer in another way of writing."""
    ways = [
        rf"{{{final}}}",
        final.replace(r"\frac", r"\dfrac"),
        rf"\,{final}",
        re.sub(r"\^(\w)(?!\w)", r"^{\1}", final),
    ]
    if re.fullmatch(r"[-\w\\{}^+ ]+", final) and not re.search(r"text|mbox|infty|begin|_|\\(?!frac|sqrt|pi)", final):
        ways += [rf"2\cdot\left({final}\right)/2"] * 4
    return rng.choice(ways)


def make_pairs(finals: Sequence[str], rng: random.Random, n: int) -> list[Pair]:
    """Return pairs, every other one with a number changed; finals without a number stand against the next one."""
    pairs: list[Pair] = []
    for at in range(n):
        final = finals[at // 2 % len(finals)]
        if at % 2:
            pairs.append((final, rewrite(final, rng), True))
        elif found := list(NUMBER.finditer(final)):
            match = rng.choice(found)
            changed = str(int(match[0]) + rng.randint(1, 9))
            pairs.append((final, final[: match.start()] + changed + final[match.end() :], False))
        else:
            other = next(each for each in finals[at // 2 % len(finals) :] + finals if each != final)
            pairs.append((final, other, False))
    return pairs


def make_number_pairs(rng: random.Random, n: int) -> list[Pair]:
    """Return pairs of plain numbers as word problems have them; no two pairs are the same text."""
    pairs: list[Pair] = []
    for at in range(n):
        value = rng.randint(1, 10**6) + at
        ways = [
            f"{value:,}",
            f"${value}",
            f"{value}.0",
            f"{value} dollars",
            f"{2 * value}/2",
            rf"\frac{{{3 * value}}}{{3}}",
        ]
        other = rng.choice(ways) if at % 2 else str(value + rng.randint(1, 50))
        pairs.append((str(value), other, bool(at % 2)))
    return pairs


def time_it(judge: Callable[[], list[bool | None]], pairs: Sequence[Pair]) -> tuple[float, int, int]:
    """Return pairs a second, how many verdicts are not those of the construction, and how many are undecided."""
    start = time.perf_counter()
    found = judge()
    seconds = time.perf_counter() - start
    wrong = sum(verdict is not None and verdict is not pair[2] for verdict, pair in zip(found, pairs, strict=True))
    return len(pairs) / seconds, wrong, found.count(None)


def ask_math_verify(gold: str, pred: str) -> bool:
    """Call math-verify plainly, both answers between dollar signs."""
    from math_verify import parse, verify

    return bool(verify(parse(f"${gold}$"), parse(f"${pred}$")))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--math500", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--numbers", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--plain", type=int, default=300)
    wanted = parser.parse_args()
    logging.disable(logging.WARNING)
    rng = random.Random(0)
    numbers = make_number_pairs(rng, wanted.numbers)
    finals = read_finals(wanted.math500) if wanted.math500 else read_finals(DEMO / "maths" / "test.jsonl")[:250]
    finals += [] if wanted.math500 else make_finals(rng, len(finals))
    pairs = make_pairs(finals, rng, wanted.pairs)
    formulas = [pair for pair in pairs if read_quantity(pair[0]) is None]
    pool = VerificationPool(n_workers=2)
    compare_many([(r"2\sqrt{2}", rf"\sqrt{{8}}+{at}") for at in range(60)], pool=pool)  # starts both processes
    rows = {
        f"plain numbers, one by one ({len(numbers):,})": (lambda: [compare(*p[:2]).is_equal for p in numbers], numbers)
    }
    for name, some in (("finals, two processes", pairs), ("the formulas among them", formulas)):
        rows[f"{name} ({len(some):,})"] = (lambda some=some: judge_together(some, pool), some)
    plain = pairs[: wanted.plain]
    ask_math_verify("1", "2")
    theirs: list[bool | None] = []
    rows[f"math-verify, plainly ({len(plain):,})"] = (
        lambda: theirs.extend(ask_math_verify(*p[:2]) for p in plain) or theirs,
        plain,
    )
    print(f"{'':<44}{'a second':>10}{'wrong':>8}{'undecided':>11}")
    for name, (judge, some) in rows.items():
        speed, wrong, undecided = time_it(judge, some)
        print(f"{name:<44}{speed:>10,.0f}{wrong:>8}{undecided:>11}")
    ours = judge_together(plain, pool)
    differing = [(pair, a, b) for pair, a, b in zip(plain, ours, theirs, strict=True) if a is not b]
    print(f"\nVerdicts that differ from math-verify's: {len(differing)} of {len(plain)}")
    for (gold, pred, is_equal), a, b in differing:
        print(f"  {gold!r} and {pred!r}: ours {a}, math-verify {b}, by construction {is_equal}")
    pool.close()


def judge_together(pairs: Sequence[Pair], pool: VerificationPool) -> list[bool | None]:
    """Compare all pairs at once, none of them from the memory of an earlier comparison."""
    results.clear()
    return [each.is_equal for each in compare_many([pair[:2] for pair in pairs], pool=pool)]


if __name__ == "__main__":
    main()
