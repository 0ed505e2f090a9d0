"""Rules of the built-in teacher for deductions: a new puzzle on the seed's chain of rules, worded and ordered anew.

The proof gets a rule more, a rule less or keeps its length; every kind, quality and name is replaced; some rules beside
the proof go and others come; the answer and the statement may be turned round. The reply to the answer request is
proved anew by forward chaining from the text of the new puzzle.
"""

from collections.abc import Sequence

import numpy as np

from core.records import Problem
from core.tasks.deduction import (
    RULE_FORMS,
    Clause,
    DeductionError,
    Term,
    Theory,
    write_fact,
    write_rule,
)
from core.tasks.deduction_words import WIDE
from core.tasks.prontoqa import QUESTION, join_question, read_theory, write_answer
from core.teacher.builtin.base import REWRITERS, CannotRewrite, Rewrite, make_rng


def read_seed(seed: Problem) -> tuple[Theory, Clause]:
    """Return a seed's theory, and of its statement and the opposite the one that follows; raises CannotRewrite."""
    try:
        theory, statement = read_theory(seed.question)
        truth = theory.judge(statement)
    except ValueError as error:
        raise CannotRewrite(f"The seed cannot be read as a deduction: {error}") from None
    if truth is None:
        raise CannotRewrite("The seed's context does not decide its statement, so there is no proof to vary.")
    return theory, statement if truth else statement.negate()


@REWRITERS.register("prontoqa")
def rewrite_prontoqa(seed: Problem, sample_index: int) -> Rewrite:
    """Return a new deduction grown from the seed; raises CannotRewrite where its sentences are beyond the parser."""
    theory, goal = read_seed(seed)
    rng = make_rng(f"{seed.problem_id} {sample_index}")
    path = theory.trace(goal)
    facts = [clause for clause in theory.clauses if not clause.is_rule]
    beside = [clause for clause in theory.clauses if clause.is_rule and clause not in path]
    rules = [*_change_length(rng, path), *_change_distractors(rng, path, beside)]
    if not goal.term.is_kind and rng.integers(2):
        rules, facts = turn_round(rules, goal.term), turn_round(facts, goal.term)
    asked = Clause(goal.subject, False, goal.term, bool(rng.integers(2)))
    return write_rewrite(rng, *rename(rng, rules, facts, asked))


def _change_length(rng: np.random.Generator, path: Sequence[Clause]) -> list[Clause]:
    """Return the path with one rule more, one less (from two on), or as it is."""
    path = list(path)
    change = int(rng.integers(-1, 2))
    if change < 0 and len(path) >= 2:
        i = int(rng.integers(len(path) - 1))
        last = path[i + 1]
        path[i : i + 2] = [Clause(path[i].subject, True, last.term, last.is_positive)]
    elif change > 0 and path:
        i = int(rng.integers(len(path)))
        kind = Term("inserted kind", True)
        path[i : i + 1] = [
            Clause(path[i].subject, True, kind, True),
            Clause(kind.word, True, path[i].term, path[i].is_positive),
        ]
    return path


def _change_distractors(rng: np.random.Generator, path: Sequence[Clause], beside: Sequence[Clause]) -> list[Clause]:
    """Drop up to a third of the rules beside the proof and add up to three that say nothing of its statement."""
    n_kept = len(beside) - int(rng.integers(len(beside) // 3 + 1))
    kept = [beside[i] for i in rng.permutation(len(beside))[:n_kept]]
    subjects = sorted({clause.subject for clause in [*path, *kept]}) or ["first kind"]
    added = []
    for i in range(int(rng.integers(4))):
        subject = subjects[int(rng.integers(len(subjects)))]
        is_kind = bool(rng.integers(2))
        added.append(Clause(subject, True, Term(f"added term {i}", is_kind), is_kind or bool(rng.integers(2))))
    return [*kept, *added]


def turn_round(clauses: Sequence[Clause], term: Term) -> list[Clause]:
    """Return the clauses with everything said of one quality negated: the answer turns with it."""
    return [clause.negate() if clause.term == term else clause for clause in clauses]


def rename(
    rng: np.random.Generator, rules: Sequence[Clause], facts: Sequence[Clause], asked: Clause
) -> tuple[list[Clause], list[Clause], Clause]:
    """Replace all words, the same word always by the same new one."""
    clauses = [*rules, *facts, asked]
    names = sorted({clause.subject for clause in clauses if not clause.is_rule})
    kinds = {clause.subject for clause in rules} | {clause.term.word for clause in clauses if clause.term.is_kind}
    qualities = sorted({clause.term.word for clause in clauses if not clause.term.is_kind})
    renamed = {}
    for old, pool in ((names, WIDE.names), (sorted(kinds), WIDE.kinds), (qualities, WIDE.qualities)):
        if len(old) > len(pool):
            raise CannotRewrite(f"The seed uses {len(old)} different words of one sort; the rules know {len(pool)}.")
        fresh = [word for word in pool if word not in old]
        new = rng.permutation(fresh if len(fresh) >= len(old) else pool)
        renamed.update(zip(old, map(str, new), strict=False))

    def change(clause: Clause) -> Clause:
        term = Term(renamed[clause.term.word], clause.term.is_kind)
        return Clause(renamed[clause.subject], clause.is_rule, term, clause.is_positive)

    return [change(rule) for rule in rules], [change(fact) for fact in facts], change(asked)


def write_rewrite(rng: np.random.Generator, rules: Sequence[Clause], facts: Sequence[Clause], asked: Clause) -> Rewrite:
    """Word the puzzle, prove it from its own text, and write both replies."""
    told = [write_fact(facts[i]) for i in rng.permutation(len(facts))]
    ruled = [write_rule(rules[i], str(rng.choice(RULE_FORMS))) for i in rng.permutation(len(rules))]
    context = " ".join([*ruled, *told] if rng.integers(2) else [*told, *ruled])
    statement = write_fact(asked)
    try:
        theory = Theory(context, [statement])
        truth = theory.judge(asked)
        proof = theory.prove(asked)
    except DeductionError as error:
        raise CannotRewrite(f"The changed rules decide nothing any more: {error}") from None
    return Rewrite(
        question_reply=f"Context: {context}\nQuestion: {QUESTION} {statement}",
        question=join_question(context, statement),
        answer_reply=write_answer(proof, str(truth)),
    )
