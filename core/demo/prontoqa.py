"""Makes the built-in deduction puzzles in the manner of ProntoQA: invented kinds, rules, one statement to judge.

A puzzle follows one individual through a chain of kinds to a quality. Beside it stand rules that lead elsewhere, among
them one that says the opposite of the answer about a kind that the individual is not. Train, validation and test need 1
to 4 rules; ood needs 5 or 6, in words that no other split has.

Run ``python -m core.demo.prontoqa`` to write ``data/demo/prontoqa``; the same rows come out every time.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from core.demo.rows import write_splits
from core.settings import DEMO
from core.tasks.deduction import RULE_FORMS, Clause, Term, Theory, write_fact, write_rule
from core.tasks.deduction_words import KNOWN, UNSEEN, Vocabulary

SEED = 31
SIZES = {"train": 600, "validation": 100, "test": 200, "ood": 100}
STEPS = (1, 2, 3, 4)
OOD_STEPS = (5, 6)
QUESTION = "Is the following statement true or false?"


def make_row(rng: np.random.Generator, n_steps: int, words: Vocabulary = KNOWN) -> dict[str, Any]:
    """Return one puzzle whose proof uses ``n_steps`` rules: question (context, newline, statement), answer, final."""
    kinds = [str(word) for word in rng.choice(words.kinds, size=n_steps + 6, replace=False)]
    qualities = [str(word) for word in rng.choice(words.qualities, size=9, replace=False)]
    name, other = (str(word) for word in rng.choice(words.names, size=2, replace=False))
    chain, elsewhere = kinds[:n_steps], kinds[n_steps:]
    is_positive = bool(rng.integers(2))
    rules = [_is_kind(a, b) for a, b in pairwise(chain)]
    rules.append(Clause(chain[-1], True, Term(qualities[0], False), is_positive))
    facts = [Clause(name, False, Term(chain[0], True), True)]
    # The rule that misleads: the opposite about a kind off the chain, half the time with an individual of its own.
    rules.append(Clause(elsewhere[0], True, Term(qualities[0], False), not is_positive))
    if rng.integers(2):
        facts.append(Clause(other, False, Term(elsewhere[0], True), True))
    size = max(int(rng.integers(6, 13)), n_steps + 4)
    rules += _draw_distractors(rng, chain, elsewhere, qualities[1:])[: size - len(rules) - len(facts)]
    statement = Clause(name, False, Term(qualities[0], False), bool(rng.integers(2)))
    return _write_row(rng, rules, facts, statement, n_steps)


def _is_kind(subject: str, kind: str) -> Clause:
    return Clause(subject, True, Term(kind, True), True)


def _draw_distractors(
    rng: np.random.Generator, chain: Sequence[str], elsewhere: Sequence[str], qualities: Sequence[str]
) -> list[Clause]:
    """Return rules in random order that neither shorten the proof nor say anything of its last quality."""
    branch, parent = elsewhere[1:3], elsewhere[3]
    rules = [
        _is_kind(chain[-1], branch[0]),  # beyond the end of the chain
        _is_kind(chain[int(rng.integers(len(chain)))], branch[1]),  # a side branch
        _is_kind(parent, chain[0]),  # above its beginning
        _is_kind(elsewhere[4], elsewhere[0]),  # another way to the rule that misleads
        _is_kind(parent, elsewhere[5]),
    ]
    kinds = [*chain, *elsewhere]
    for quality in qualities:
        subject = kinds[int(rng.integers(len(kinds)))]
        rules.append(Clause(subject, True, Term(quality, False), bool(rng.integers(2))))
    return [rules[i] for i in rng.permutation(len(rules))]


def _write_row(
    rng: np.random.Generator, rules: Sequence[Clause], facts: Sequence[Clause], statement: Clause, n_steps: int
) -> dict[str, Any]:
    sentences = [write_rule(rules[i], str(rng.choice(RULE_FORMS))) for i in rng.permutation(len(rules))]
    told = [write_fact(facts[i]) for i in rng.permutation(len(facts))]
    sentences = [*sentences, *told] if rng.integers(2) else [*told, *sentences]
    theory = Theory(" ".join(sentences))
    final = str(theory.judge(statement))
    return {
        "question": f"{' '.join(sentences)}\n{QUESTION} {write_fact(statement)}",
        "answer": "\n".join([*theory.prove(statement), f"Answer: {final}"]),
        "final": final,
        "n_steps": n_steps,
    }


def make_problems(n: int, rng: np.random.Generator, steps: Sequence[int] = STEPS) -> list[dict[str, Any]]:
    """Return n new puzzles in the words of train, each number of ``steps`` alike likely."""
    return [make_row(rng, int(rng.choice(steps))) for _ in range(n)]


def make_splits() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all four splits, no two with the same context."""
    rng = np.random.default_rng(SEED)
    splits: dict[str, list[dict[str, Any]]] = {}
    seen: set[str] = set()
    for split, size in SIZES.items():
        steps, words = (OOD_STEPS, UNSEEN) if split == "ood" else (STEPS, KNOWN)
        rows: list[dict[str, Any]] = []
        while len(rows) < size:
            row = make_row(rng, steps[len(rows) % len(steps)], words)
            context = row["question"].split("\n")[0]
            if context not in seen:
                seen.add(context)
                rows.append(row)
        splits[split] = rows
    return splits


if __name__ == "__main__":
    write_splits(DEMO / "prontoqa", make_splits())
