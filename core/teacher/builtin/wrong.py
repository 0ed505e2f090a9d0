"""Wrong solutions that read as right ones (Zhang 2025, incorrect synthetic data): the reference's way with one mistake.

Here stand the contract and the mistakes in calculations; deductions and the Game of 24 have files of their own. Every
solution is put to the task's own check before it is given away: one that is right after all is none.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from core.records import Problem
from core.registry import Registry
from core.tasks import TASKS, Task
from core.tasks.answers.boxes import last_box
from core.tasks.answers.numbers import read_number
from core.teacher.builtin.base import CannotRewrite
from core.teacher.builtin.carrying import (
    NUMBER,
    Change,
    Equation,
    carry,
    find_equations,
    list_operators,
    read_numbers,
    replace_operator,
    write_value,
)

MISTAKEN_FOR = {"+": "-*", "-": "+", "*": "+", "/": "*-"}
"""Operator -> those that are taken in its place by mistake."""

SLIPS = (1, -1, 2, -2, 10, -10)
"""What a result may be wrong by."""

OPPOSITES = {"yes": "no", "no": "yes", "true": "false", "false": "true"}

N_LOOKED_AT = 40
"""Changed solutions that are put to the task's check at most: formulas take their time there."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong solution in the task's form."""

    text: str
    mistake: str
    """What was done wrong, as it follows "One may"."""


class WrongRules(Protocol):
    """Makes mistakes in one task's solutions."""

    def __call__(self, problem: Problem, rng: random.Random) -> Iterator[Wrong]:
        """Yield wrong solutions in random order; some may be right after all. Raises CannotRewrite."""
        ...


WRONG: Registry[WrongRules] = Registry("mistakes of the built-in teacher")


def list_wrong(task_name: str, problem: Problem, key: str, n: int = N_LOOKED_AT) -> list[Wrong]:
    """Return different wrong solutions to a problem's own question, those with different final answers first.

    There may be fewer than ``n``, or more; the first ``n`` are the same for any larger number.

    Args:
        task_name: registry name of the task.
        problem: its reference is what is departed from.
        key: decides order and choice.
        n: solutions that are enough.

    Raises:
        CannotRewrite: rules find none.
    """
    task = TASKS.get(task_name)
    finals: dict[str, Wrong] = {}
    further: dict[str, Wrong] = {}
    for number, wrong in enumerate(WRONG.get(task_name)(problem, random.Random(key))):
        if number >= N_LOOKED_AT or len(finals) >= n:
            break
        final = _read_final(task, wrong.text)
        if final is None or wrong.text in further or task.is_correct(final, problem) is not False:
            continue
        if finals.setdefault(final, wrong) is not wrong:
            further[wrong.text] = wrong
    if not finals:
        raise CannotRewrite("The rules find no mistake to make in the reference answer of this problem.")
    return [*finals.values(), *(wrong for wrong in further.values() if wrong not in finals.values())]


def _read_final(task: Task, text: str) -> str | None:
    try:
        return task.extract_final(task.read_answer(text))
    except ValueError:
        return None


@WRONG.register("word_problems")
@WRONG.register("maths")
@WRONG.register("custom")
def spoil_calculation(problem: Problem, rng: random.Random) -> Iterator[Wrong]:
    """Change one calculation of the reference and carry it on; at last, miss the result itself."""
    if not problem.answer or not problem.final:
        raise CannotRewrite("The problem brings no worked answer to make a mistake in.")
    equations = find_equations(problem.answer)
    changes = list(_list_changes(problem.answer, equations))
    rng.shuffle(changes)
    for change, mistake in changes:
        carried = carry(problem.answer, equations, change)
        if carried is None:
            continue
        text, became = carried
        old = read_number(problem.final.removesuffix("%"))
        if old in became:
            yield Wrong(_write_final(text, problem.final, became[old]), mistake)
    yield from _miss_final(problem, rng)


def _list_changes(text: str, equations: list[Equation]) -> Iterator[tuple[Change, str]]:
    """Yield every change of one equation with what was done wrong."""
    for index, equation in enumerate(equations):
        shown = equation.side.strip()
        for place, sign in enumerate(list_operators(equation.side)):
            for other in MISTAKEN_FOR[sign]:
                side = _Replace(place, other)
                yield Change(index, side), f"calculate {side(shown)} where {shown} is meant"
        for slip in SLIPS:
            if abs(slip) * 3 <= equation.value or abs(slip) == 1:
                wrong = write_value(equation.value + slip)
                yield Change(index, slip=Fraction(slip)), f"make a slip in {shown} and get {wrong}"
        for place, value in _list_stand_ins(text, equations, index):
            yield Change(index, stands_in=place), f"leave out {shown} and go on with {write_value(value)}"


def _list_stand_ins(text: str, equations: list[Equation], index: int) -> Iterator[tuple[int, Fraction]]:
    """Yield the numbers of a calculation, by place and value, that a solution without its line could go on with.

    Only an earlier result can take the place of the last one; a line that holds more than this cannot be left out.
    """
    equation, is_last = equations[index], index == len(equations) - 1
    line_start, line_end = text.rfind("\n", 0, equation.start) + 1, text.find("\n", equation.end)
    n_in_line = sum(line_start <= other.start < line_end for other in equations)
    if line_end < 0 or n_in_line != 1 or len(equations) == 1:
        return
    results = {other.value for other in equations[:index]}
    for place, value in enumerate(read_numbers(equation.side)):
        if value in results or not is_last:
            yield place, value


@dataclass(frozen=True, slots=True)
class _Replace:
    """Puts another operator in one place of a calculation."""

    place: int
    sign: str

    def __call__(self, side: str) -> str:
        return replace_operator(side, self.place, self.sign)


def _write_final(text: str, final: str, value: Fraction) -> str:
    """Return the text with a new result in its box or its last line ``####``, in the way that the old one has."""
    sign = "%" if final.endswith("%") else ""
    if "####" in text:
        steps, _, _ = text.rpartition("####")
        return f"{steps}#### {write_value(value)}{sign}"
    box = last_box(text)
    return text if box is None else _replace_box(text, box, _write_boxed(value) + (r"\%" if sign else ""))


def _write_boxed(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _replace_box(text: str, box: str, new: str) -> str:
    before, _, after = text.rpartition(box)
    return f"{before}{new}{after}"


def _miss_final(problem: Problem, rng: random.Random) -> Iterator[Wrong]:
    """Yield the reference with another final answer, in its last line and in the line before."""
    steps, mark, written = problem.answer.rpartition("####")
    written = written.strip() if mark else last_box(problem.answer) or ""
    for final in _list_near(written, rng):
        lines = (steps.rstrip() if mark else problem.answer).split("\n")
        pattern = re.compile(rf"(?<![\w.]){re.escape(written)}(?![\w.]*\w)")
        for place in range(max(len(lines) - 2, 0), len(lines)):
            lines[place] = pattern.sub(lambda _, new=final: new, lines[place])
        text = "\n".join(lines)
        text = f"{text}\n#### {final}" if mark else text
        if not mark and last_box(text) == written:
            text = _replace_box(text, written, final)
        yield Wrong(text, f"end in {final} by a slip")


def _list_near(written: str, rng: random.Random) -> Iterator[str]:
    """Yield final answers that are close to one: a number in it changed, or the opposite word, case kept."""
    if (opposite := OPPOSITES.get(written.lower())) is not None:
        yield opposite.capitalize() if written[:1].isupper() else opposite
        return
    places = [(match, slip) for match in NUMBER.finditer(written) for slip in SLIPS]
    rng.shuffle(places)
    for match, slip in places:
        value = Fraction(match[0].replace(",", "")) + slip
        if value > 0:
            yield f"{written[: match.start()]}{write_value(value)}{written[match.end() :]}"
