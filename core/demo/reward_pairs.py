"""Right answers against wrong ones, for the tiny reward model: fresh problems, and faults like those of a student.

Within a pair both answers have the same form (worked against worked, bare against bare), so that neither length nor
layout gives the wrong one away. Knows nothing of tokens, models or training. Faults per task: a result, an operation
or a number gone wrong in one step and carried on to the end, or another number in the last line (word problems,
maths); a proof that breaks or another label (ProntoQA); an expression that misses 24 or takes other numbers (24).
"""

import json
import random
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from core.demo import game24, word_problems
from core.demo.maths import make_problem as make_maths
from core.demo.maths_templates import SEEN
from core.demo.prontoqa import STEPS, make_row
from core.demo.stories.skeleton import LARGEST as LARGEST_RESULT
from core.records import Problem
from core.settings import DEMO
from core.tasks import TASKS
from core.tasks.answers.annotations import evaluate
from core.tasks.arithmetic24 import (
    OPERATORS,
    ExpressionError,
    Node,
    format_expression,
    make_operation,
    parse_expression,
    replace_numbers,
    write_worked,
)
from core.tasks.deduction import RULE_FORMS, Clause, Term, Theory, write_fact, write_rule
from core.tasks.prontoqa import read_theory

N_TRIES = 20
"""Faults that are tried on an answer before it is given up."""

APART = 8
"""One question of so many is never trained on: the reward model is measured on those."""

LARGEST = {"word_problems": LARGEST_RESULT, "maths": 5000}
"""No wrong result is larger: size alone must not give it away."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one prompt, of which one is right."""

    task: str
    prompt: str
    right: str
    wrong: str
    is_worked: bool
    """Whether both have steps; otherwise both are the last line alone."""


def is_kept_apart(question: str) -> bool:
    """Say whether the question is for measuring only; the same on every machine."""
    return zlib.crc32(question.encode()) % APART == 0


@lru_cache(maxsize=1)
def read_shipped_questions() -> frozenset[str]:
    """Return every question of the shipped seed sets, all splits; of Game of 24 all but those of train.

    Game of 24 has no other puzzles than the shipped ones.
    """
    files = [file for file in sorted(DEMO.glob("*/*.jsonl")) if (file.parent.name, file.stem) != ("game24", "train")]
    return frozenset(json.loads(line)["question"] for file in files for line in file.read_text("utf-8").splitlines())


def draw_problems(task: str, n: int, rng: random.Random, *, is_apart: bool = False) -> list[Problem]:
    """Return n fresh problems of a built-in task with worked answers; no question is a shipped one.

    Args:
        task: registry name.
        n: number of problems.
        rng: the only source of chance.
        is_apart: draw from the questions that are kept apart for measuring, otherwise from the others.
    """
    draw, shipped = MAKERS[task], read_shipped_questions()
    numbers = np.random.default_rng(rng.getrandbits(60))
    problems: list[Problem] = []
    while len(problems) < n:
        row = draw(rng, numbers)
        if is_kept_apart(row["question"]) == is_apart and row["question"] not in shipped:
            meta = {key: value for key, value in row.items() if key not in ("question", "answer", "final")}
            problems.append(TASKS.get(task).make_problem(row["question"], row["answer"], row["final"], meta))
    return problems


@lru_cache(maxsize=1)
def _list_solutions() -> list[tuple[game24.Numbers, str]]:
    found = game24.find_puzzles()
    return [(numbers, solution) for numbers in game24.split_puzzles()["train"] for solution in found[numbers][:4]]


MAKERS: dict[str, Callable[[random.Random, np.random.Generator], dict[str, Any]]] = {
    "word_problems": lambda rng, _: word_problems.make_problem(rng, rng.choice((1, 2, 3, 4, 5, 6))),
    "maths": lambda rng, numbers: make_maths(rng.choice(SEEN), numbers),
    "prontoqa": lambda rng, numbers: make_row(numbers, rng.choice(STEPS)),
    "game24": lambda rng, _: game24.make_row(*rng.choice(_list_solutions())),
}
"""Task -> one fresh row in the manner of its train split."""


def draw_pairs(problem: Problem, task: str, rng: random.Random, n_each: int = 1) -> Iterator[Pair]:
    """Yield up to n_each worked and n_each bare pairs of the reference answer and a spoiled one."""
    prompt = TASKS.get(task).student_prompt(problem.question)
    for is_worked in (True, False):
        wrongs = {spoil(problem.answer, problem, task, rng, is_worked=is_worked) for _ in range(n_each)} - {None}
        for wrong in sorted(wrongs):
            yield Pair(task, prompt, shorten(problem.answer, is_worked), wrong, is_worked)


def pair_student_answer(answer: str, problem: Problem, task: str, rng: random.Random) -> Pair | None:
    """Return a student's answer beside one of the same form: the reference if it is wrong, itself spoiled if right.

    None where it has no text or nothing in it could be spoiled.
    """
    if not answer:
        return None
    judge = TASKS.get(task)
    prompt, is_worked = judge.student_prompt(problem.question), len(answer.splitlines()) > 1
    if not judge.is_correct(judge.extract_final(answer), problem):
        return Pair(task, prompt, shorten(problem.answer, is_worked), answer, is_worked)
    wrong = spoil(answer if is_worked else problem.answer, problem, task, rng, is_worked=is_worked)
    return None if wrong is None else Pair(task, prompt, answer, wrong, is_worked)


def shorten(answer: str, is_worked: bool) -> str:
    """Return the answer as it is, or its last line alone."""
    return answer if is_worked else answer.splitlines()[-1]


def spoil(answer: str, problem: Problem, task: str, rng: random.Random, *, is_worked: bool = True) -> str | None:
    """Return the right answer with a fault in it, of the same form; None where N_TRIES faults left it right."""
    judge = TASKS.get(task)
    for _ in range(N_TRIES):
        wrong = SPOILERS[task](answer, problem, rng)
        if wrong is not None and not judge.is_correct(judge.extract_final(wrong), problem):
            return shorten(wrong, is_worked)
    return None


# Word problems and maths: equations a line each, results that later lines take up.

NUMBER = re.compile(r"(?<![\d.])\d+(?![\d.])")
EQUATIONS = {
    "word_problems": (
        re.compile(r"(?P<left>[^\s<]+)=<<(?P=left)=(?P<result>\d+)>>(?P=result)"),
        "{left}=<<{left}={result}>>{result}",
    ),
    "maths": (re.compile(r"(?<=^- )(?P<left>[-+*/().\d]+)=(?P<result>\d+)$"), "{left}={result}"),
}
"""Task -> how an equation is found in a line, and how it is written."""


def spoil_steps(answer: str, problem: Problem, task: str, rng: random.Random) -> str | None:
    """Spoil one step, or only the last line, and carry the wrong number on; None where that comes out odd."""
    pattern, _ = EQUATIONS[task]
    lines = answer.splitlines()
    matches = [(at, match) for at, line in enumerate(lines) if (match := pattern.search(line))]
    known = {*NUMBER.findall(problem.question), *(match["result"] for _, match in matches)}
    if not matches or rng.random() < 0.12:
        return _spoil_final(lines, known, task, rng)
    at, match = rng.choice(matches)
    left = match["left"]
    fault = rng.choice(("result", "operation", "number"))
    if fault == "operation":
        left = _swap_sign(left, rng)
    elif fault == "number":
        left = _swap_number(left, known | {_miss(rng.choice(NUMBER.findall(left) or ["1"]), rng)}, rng)
    result = _miss(match["result"], rng) if fault == "result" else _compute(left, task)
    if result in (None, match["result"]):
        return None
    carried = _carry_on(lines[at + 1 :], {match["result"]: result}, task)
    return carried and "\n".join([*lines[:at], _rewrite(lines[at], match, left, result, task), *carried])


def _spoil_final(lines: list[str], known: set[str], task: str, rng: random.Random) -> str | None:
    finals = list(NUMBER.finditer(lines[-1]))
    if not finals:
        return None
    match = rng.choice(finals)  # of a fraction either part
    others = [number for number in known if 1 < int(number) <= LARGEST[task]]
    number = rng.choice(sorted(others)) if others and rng.random() < 0.5 else _miss(match[0], rng)
    return "\n".join([*lines[:-1], lines[-1][: match.start()] + number + lines[-1][match.end() :]])


def _miss(number: str, rng: random.Random) -> str:
    """Return a number near by, as a slip of the pen or of the head gives it."""
    value = int(number)
    return str(max(1, value + rng.choice((-10, -3, -2, -1, -1, 1, 1, 2, 3, 10))))


def _swap_sign(left: str, rng: random.Random) -> str:
    places = [match.start() for match in re.finditer(r"(?<=[\d)])[-+*/](?=[\d(])", left)]
    if not places:
        return left
    at = rng.choice(places)
    return left[:at] + rng.choice("+-*/".replace(left[at], "")) + left[at + 1 :]


def _swap_number(left: str, others: set[str], rng: random.Random) -> str:
    matches = list(NUMBER.finditer(left))
    if not matches:
        return left
    match = rng.choice(matches)
    return left[: match.start()] + rng.choice(sorted(others - {match[0]} or {match[0]})) + left[match.end() :]


def _compute(left: str, task: str) -> str | None:
    """Return the whole result; None where there is none or it is larger than results of the task are."""
    try:
        value = evaluate(left)
    except ValueError:
        return None
    return str(value) if value.denominator == 1 and 0 < value <= LARGEST[task] else None


def _carry_on(lines: list[str], changed: dict[str, str], task: str) -> list[str] | None:
    """Return the lines with the changed results taken up and what follows from them; None where a result is odd."""
    pattern, _ = EQUATIONS[task]
    carried = []
    for line in lines:
        match = pattern.search(line)
        if match is None:
            carried.append(_take_up(changed, line))
            continue
        left, result = _take_up(changed, match["left"]), match["result"]
        if left != match["left"]:
            result = _compute(left, task)
            if result is None:
                return None
            changed = {**changed, match["result"]: result}
        carried.append(_rewrite(line, match, left, result, task))
    return carried


def _take_up(changed: dict[str, str], text: str) -> str:
    return NUMBER.sub(lambda number: changed.get(number[0], number[0]), text)


def _rewrite(line: str, match: re.Match[str], left: str, result: str, task: str) -> str:
    written = EQUATIONS[task][1].format(left=left, result=result)
    return line[: match.start()] + written + line[match.end() :]


# ProntoQA: a fact, then a rule and what follows from it by turns, then the label.


def spoil_proof(answer: str, problem: Problem, rng: random.Random) -> str | None:
    """Return the other label, most often with a proof that seems to lead there."""
    lines = answer.splitlines()
    label = f"Answer: {problem.final != 'True'}"
    theory, _ = read_theory(problem.question)
    goal = theory.read(lines[-2]) if len(lines) >= 4 else None
    fault = rng.choice(("label", "conclusion", "rule", "stray", "stray", "stray"))
    if fault == "label" or goal is None:
        return "\n".join([*lines[:-1], label])
    end = [write_fact(goal.negate()), label]
    if fault == "conclusion":
        return "\n".join([*lines[:-2], *end])
    rule = theory.read(lines[-3])
    if rule is None:
        return None
    if fault == "rule":
        return "\n".join([*lines[:-3], write_rule(rule.negate(), rng.choice(RULE_FORMS)), *end])
    strayed = _stray(lines, goal, theory, rng.choice(RULE_FORMS))
    return "\n".join([*strayed, label]) if strayed else None


def _stray(lines: list[str], goal: Clause, theory: Theory, form: str) -> list[str] | None:
    """Lead the proof to the rule of the context that says the opposite, about a kind the individual is not."""
    rules = [
        clause
        for clause in theory.clauses
        if clause.is_rule and clause.term == goal.term and clause.is_positive != goal.is_positive
    ]
    before = theory.read(lines[-4])
    if not rules or before is None:
        return None
    rule = rules[0]
    kind = Clause(before.subject, False, Term(rule.subject, True), True)
    steps = [write_fact(kind), theory.clauses[rule], write_fact(goal.negate())]
    if len(lines) < 6:
        return [*lines[:-4], *steps]
    last = theory.read(lines[-5])
    false_rule = Clause(last.subject, True, kind.term, True) if last else None
    return [*lines[:-5], write_rule(false_rule, form), *steps] if false_rule else None


# Game of 24: one line per operation, then the expression in a box.


def spoil_expression(answer: str, problem: Problem, rng: random.Random) -> str | None:
    """Return an expression that misses 24 (its steps may claim that it does not) or one of other numbers, worked."""
    fault = rng.choice(("miss", "claim", "claim", "foreign"))
    if fault == "foreign":
        numbers = set(map(int, problem.question.split()))
        drawn = [rng.choice(_list_solutions()) for _ in range(40)]
        return write_worked(max(drawn, key=lambda row: (len(numbers & set(row[0])), row[1]))[1])
    try:
        node = parse_expression(problem.final)
        numbers = node.numbers()
        rng.shuffle(numbers)
        changed = replace_numbers(node, numbers) if rng.random() < 0.4 else _swap_node_sign(node, rng)
        worked = write_worked(format_expression(changed))
    except ExpressionError:
        return None
    if changed.value.denominator != 1 or changed.value < 0:
        return None
    if fault == "miss":
        return worked
    *steps, box = worked.splitlines()
    last = steps[-1].split(" = ")[0]
    return "\n".join([*steps[:-1], f"{last} = 24 (left: 24)", box])


def _swap_node_sign(node: Node, rng: random.Random) -> Node:
    """Return the tree with another sign at a random operation."""
    inner = [part for part in (node.left, node.right) if part.sign]
    if not inner or rng.random() < 0.4:
        return make_operation(rng.choice([sign for sign in OPERATORS if sign != node.sign]), node.left, node.right)
    chosen = rng.choice(inner)
    left, right = (_swap_node_sign(part, rng) if part is chosen else part for part in (node.left, node.right))
    return make_operation(node.sign, left, right)


SPOILERS: dict[str, Callable[[str, Problem, random.Random], str | None]] = {
    "word_problems": lambda answer, problem, rng: spoil_steps(answer, problem, "word_problems", rng),
    "maths": lambda answer, problem, rng: spoil_steps(answer, problem, "maths", rng),
    "prontoqa": spoil_proof,
    "game24": spoil_expression,
}
"""Task -> one fault in an answer; None where it does not come out."""
