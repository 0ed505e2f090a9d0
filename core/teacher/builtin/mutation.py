"""Mutations: a new problem from one or more parents with its solution (SPARQ, appendix F).

With several parents the structure comes from the first, and from the others the rest: story, level, rules beside the
proof, numbers. Nothing here knows of prompts.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, permutations

from core.demo.maths import make_problem
from core.demo.maths_templates import SEEN, find_template
from core.demo.stories.skeleton import NoNumbers, Shape, Step, draw_sum
from core.demo.stories.telling import tell
from core.demo.stories.words import THEMES, Theme
from core.records import Problem
from core.registry import Registry
from core.tasks.answers.boxes import last_box
from core.tasks.arithmetic24 import (
    TARGET,
    ExpressionError,
    Node,
    format_expression,
    parse_expression,
    replace_numbers,
    solve_for_number,
    write_worked,
)
from core.tasks.deduction import Clause, Term
from core.teacher.base import ROUNDS_PER_REPLICATE, SWEEPS_PER_ROUND
from core.teacher.builtin.base import CannotRewrite, Rewrite, make_rng
from core.teacher.builtin.game24 import LIMIT, PLAIN_LIMIT, rewrite_game24
from core.teacher.builtin.maths import SCENE_SHARE
from core.teacher.builtin.prontoqa import read_seed, rename, turn_round, write_rewrite
from core.teacher.builtin.word_problems import change_shape, read_shape

MUTATIONS: Registry[Callable[[Sequence[Problem], str], Rewrite]] = Registry("mutation of the built-in teacher")
"""Task name -> what makes a problem of parents, the same for the same key; raises CannotRewrite.

Its ``question_reply`` is the problem alone, in the task's form.
"""

N_OPERATIONS_ADDED = 2
"""Operations of the second parent that follow those of the first."""

N_TRIES = 5
"""Draws until a puzzle is not its own parent; a second one is seldom needed."""

REPLICATE = SWEEPS_PER_ROUND * ROUNDS_PER_REPLICATE
"""Between two sample indices for which backward reasoning takes the ways in another order."""

N_STEPS_MIXED = 7
"""Operations of a mixed story, at most."""


@MUTATIONS.register("word_problems")
def mutate_word_problem(parents: Sequence[Problem], key: str) -> Rewrite:
    """Go on from the first parent's calculation with operations of the second, in the second's world."""
    rng = random.Random(key)
    first, *others = (read_shape(parent.answer or "", parent.final) for parent in parents)
    shape = change_shape(first, rng)
    for other in others:
        shape = _go_on(shape, other, rng)
    themes = [theme for theme in map(find_theme, parents[1:]) if theme]
    try:
        story = tell(draw_sum(shape, rng), rng, theme=rng.choice(themes) if themes else None)
    except NoNumbers as stuck:
        raise CannotRewrite(str(stuck)) from None
    return Rewrite(story.question, story.question, story.answer)


def _go_on(shape: Shape, other: Shape, rng: random.Random) -> Shape:
    """Return the steps with some operations of another shape behind them, each on the result before it."""
    n_added = min(N_OPERATIONS_ADDED, N_STEPS_MIXED - len(shape), len(other))
    places = sorted(rng.sample(range(len(other)), max(n_added, 0)))
    steps = list(shape)
    for place in places:
        op = other[place].op
        steps.append(Step("*" if op == "%" else op, len(steps) - 1, None))
    return tuple(steps)


def find_theme(problem: Problem) -> Theme | None:
    """Return the theme of a story by the things in it; None where it is about something else."""
    words = problem.question.lower().replace(".", " ").replace(",", " ").replace("?", " ").split()
    counts = [sum(words.count(thing) for thing in theme.things) for theme in THEMES]
    return THEMES[counts.index(max(counts))] if max(counts) else None


@MUTATIONS.register("maths")
def mutate_maths(parents: Sequence[Problem], key: str) -> Rewrite:
    """Take the type of one parent and a level near that of another."""
    templates = [find_template(parent.question.strip()) for parent in parents]
    known = [template for template in templates if template]
    if not known:
        raise CannotRewrite("The built-in teacher only mutates maths problems of the built-in seed set's kinds.")
    rng = make_rng(key)
    field, level = known[0].type, known[-1].level
    kin = [other for other in SEEN if other.type == field]
    distance = min(abs(other.level - level) for other in kin)
    near = [other for other in kin if abs(other.level - level) <= max(distance, 1)]
    row = make_problem(near[int(rng.integers(len(near)))], rng, SCENE_SHARE)
    return Rewrite(row["question"], row["question"], row["answer"])


@MUTATIONS.register("prontoqa")
def mutate_deduction(parents: Sequence[Problem], key: str) -> Rewrite:
    """Keep the first parent's proof and put rules of the others beside it, all words replaced."""
    rng = make_rng(key)
    theory, goal = read_seed(parents[0])
    path = theory.trace(goal)
    facts = [clause for clause in theory.clauses if not clause.is_rule]
    beside = [clause for clause in theory.clauses if clause.is_rule and clause not in path]
    kept = [beside[i] for i in rng.permutation(len(beside))[: len(beside) // len(parents)]]
    for number, parent in enumerate(parents[1:]):
        others = [clause for clause in read_seed(parent)[0].clauses if clause.is_rule]
        drawn = [others[i] for i in rng.permutation(len(others))[: max(len(beside) // len(parents), 2)]]
        kept += [_set_apart(clause, number) for clause in drawn]
    rules = [*path, *kept]
    if not goal.term.is_kind and rng.integers(2):
        rules, facts = turn_round(rules, goal.term), turn_round(facts, goal.term)
    asked = Clause(goal.subject, False, goal.term, bool(rng.integers(2)))
    return write_rewrite(rng, *rename(rng, rules, facts, asked))


def _set_apart(clause: Clause, number: int) -> Clause:
    """Return a rule of another parent in words that no other parent has, so that it says nothing of the proof."""
    mark = f"{number} "
    return replace(clause, subject=mark + clause.subject, term=Term(mark + clause.term.word, clause.term.is_kind))


@MUTATIONS.register("game24")
def mutate_game24(parents: Sequence[Problem], key: str) -> Rewrite:
    """Put numbers of the second parent into the first one's expression and solve for the one that is left over."""
    rng = random.Random(key)
    first, *others = parents
    if not others:
        return _grow_game24(first, rng)
    other = rng.choice(others)
    try:
        node = parse_expression(first.final or "")
        given = parse_expression(other.final or "").numbers()
    except ExpressionError as error:
        raise CannotRewrite(f"A parent brings no solution to mix: {error}") from None
    old = {tuple(sorted(node.numbers())), tuple(sorted(given))}
    chosen = {some for n_kept in (3, 2) for some in _choose(given, node.numbers(), n_kept)}
    places = [(index, some) for index in range(len(given)) for some in sorted(chosen)]
    rng.shuffle(places)
    fitted = (_fit(node, index, some) for index, some in places)
    mixed = [numbers for numbers in fitted if numbers and tuple(sorted(numbers)) not in old]
    if not mixed:
        raise CannotRewrite("No numbers of one parent go into the other parent's solution.")
    numbers = next((numbers for numbers in mixed if max(numbers) <= PLAIN_LIMIT), mixed[0])
    expression = format_expression(replace_numbers(node, numbers))
    question = " ".join(map(str, sorted(numbers)))
    return Rewrite(question, question, write_worked(expression))


def _grow_game24(parent: Problem, rng: random.Random) -> Rewrite:
    """Change two numbers of the solution by backward reasoning, and half of the time two more."""
    for _ in range(N_TRIES):
        made = rewrite_game24(parent, rng.randrange(10**9) * REPLICATE)
        if rng.random() < 0.5:
            final = (last_box(made.answer_reply) or "").removesuffix("= 24")
            again = replace(parent, problem_id=f"{parent.problem_id} {made.question}", final=final)
            made = rewrite_game24(again, rng.randrange(10**9) * REPLICATE)
        if made.question != parent.question:
            return replace(made, question_reply=made.question)
    raise CannotRewrite("The rules came back to the parent itself.")


def _choose(given: Sequence[int], own: Sequence[int], n_given: int) -> Iterator[tuple[int, ...]]:
    """Yield three numbers in any order, so many of them from one parent and the rest from the other."""
    for some in combinations(given, n_given):
        for more in combinations(own, 3 - n_given):
            yield from permutations([*some, *more])


def _fit(node: Node, index: int, some: Sequence[int]) -> tuple[int, ...] | None:
    """Return the numbers of the expression with three given ones and the fourth, at a place, solved for."""
    numbers = [*some[:index], 1, *some[index:]]
    try:
        value = solve_for_number(replace_numbers(node, numbers), index)
        if value is None or value.denominator != 1 or not 1 <= value <= LIMIT:
            return None
        numbers[index] = int(value)
        return tuple(numbers) if replace_numbers(node, numbers).value == TARGET else None
    except ExpressionError:
        return None


def write_mutation(made: Rewrite) -> str:
    """Return the reply of a mutation: problem and solution in tags, each in the task's form (SPARQ, appendix F)."""
    return f"<problem>\n{made.question_reply}\n</problem>\n<solution>\n{made.answer_reply}\n</solution>"
