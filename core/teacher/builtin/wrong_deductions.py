"""Wrong proofs for ProntoQA: the opposite label, by a chain of sentences of which one does not hold.

Three mistakes: a rule is read as its denial; the individual is taken for a kind that it is not, of which a rule of the
context says the opposite; the proof breaks off and what it has not reached is denied.
"""

import random
from collections.abc import Iterator

from core.records import Problem
from core.tasks.deduction import RULE_FORMS, Clause, Term, Theory, write_fact, write_rule
from core.tasks.prontoqa import read_theory, write_answer
from core.teacher.builtin.base import CannotRewrite
from core.teacher.builtin.wrong import WRONG, Wrong


@WRONG.register("prontoqa")
def spoil_deduction(problem: Problem, rng: random.Random) -> Iterator[Wrong]:
    """Yield proofs of the opposite of what follows; see ``WrongRules``."""
    try:
        theory, statement = read_theory(problem.question)
        truth = theory.judge(statement)
        proof = theory.prove(statement) if truth is not None else []
    except ValueError as error:
        raise CannotRewrite(f"The problem cannot be read as a deduction: {error}") from None
    if truth is None:
        raise CannotRewrite("The context does not decide the statement, so no answer to it is wrong for certain.")
    goal = statement if truth else statement.negate()
    path = theory.trace(goal)
    found = [*_deny(path, proof, goal), *_mistake_kind(theory, path, proof, goal), *_break_off(path, proof, goal)]
    rng.shuffle(found)
    for lines, mistake in found:
        yield Wrong(write_answer([*lines, write_fact(goal.negate())], str(not truth)), mistake)


def _deny(path: list[Clause], proof: list[str], goal: Clause) -> Iterator[tuple[list[str], str]]:
    """Yield the proof with its last rule read as its denial, in each wording."""
    if not path:
        yield [], f"overlook that the context says “{write_fact(goal)}”"
        return
    rule = path[-1]
    for form in RULE_FORMS:
        yield [*proof[:-2], write_rule(rule.negate(), form)], f"read “{proof[-2]}” as its denial"


def _mistake_kind(
    theory: Theory, path: list[Clause], proof: list[str], goal: Clause
) -> Iterator[tuple[list[str], str]]:
    """Yield a jump from each kind on the way to one of which the context says the opposite of the goal."""
    against = [
        (rule, sentence)
        for rule, sentence in theory.clauses.items()
        if rule.is_rule and rule.term == goal.term and rule.is_positive != goal.is_positive
    ]
    for rule, sentence in against:
        kind = Term(rule.subject, True)
        for place in range(len(path)):
            bridge = write_rule(Clause(path[place].subject, True, kind, True), RULE_FORMS[place % len(RULE_FORMS)])
            lines = [*proof[: 1 + 2 * place], bridge, write_fact(Clause(goal.subject, False, kind, True)), sentence]
            yield lines, f"take {goal.subject} for a {rule.subject}"


def _break_off(path: list[Clause], proof: list[str], goal: Clause) -> Iterator[tuple[list[str], str]]:
    """Yield the proof up to each step before the last."""
    for place in range(len(path)):
        yield proof[: 1 + 2 * place], f"stop before “{proof[1 + 2 * place]}”"
