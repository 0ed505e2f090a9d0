"""The built-in teacher's rules for word problems: read the calculator annotations of an answer, tell another story.

``<<12+5=17>>`` gives the skeleton of the seed (GSM8K form, Cobbe 2021). One operation is added or changed, quantities
are drawn anew, and ``core.demo.stories`` finds new names, things and wording. The seed's question is not read.
"""

import random
import re
from dataclasses import dataclass, field, replace

from core.demo.stories.skeleton import NoNumbers, Shape, Step, draw_sum, tidy_shape
from core.demo.stories.telling import tell
from core.records import Problem
from core.teacher.builtin.base import REWRITERS, CannotRewrite, Rewrite

MAX_STEPS = 11
"""A seed with more operations than this is left alone: its story would be too long to read."""

LONG = 6
"""From this many steps on, an operation is mostly changed rather than added."""

_ANNOTATION = re.compile(r"<<([^<>=]*)=([^<>=]*)>>")
_TOKEN = re.compile(r"\d+\.?\d*|\.\d+|[-+*/()%]")


@dataclass(slots=True)
class _Reader:
    """Turns the annotations of one answer, read in order, into steps."""

    steps: list[Step] = field(default_factory=list)
    known: list[tuple[float, int]] = field(default_factory=list)
    """Values of annotations so far, each with the step that made it."""

    n_uses: dict[int, int] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    def read(self, expression: str, value: str) -> None:
        """Add the steps of one annotation; raises ValueError where it is no arithmetic."""
        text = re.sub(r"[$,\s]", "", expression).replace("x", "*").replace("×", "*").replace("÷", "/")
        self.tokens = _TOKEN.findall(text)
        if "".join(self.tokens) != text or not text:
            raise ValueError(expression)
        index, _ = self._sum()
        if self.tokens:
            raise ValueError(expression)
        if index is not None:
            self.known.append((_to_number(value), index))

    def _sum(self) -> tuple[int | None, float]:
        left = self._product()
        while self.tokens and self.tokens[0] in "+-":
            left = self._add_step(self.tokens.pop(0), left, self._product())
        return left

    def _product(self) -> tuple[int | None, float]:
        left = self._atom()
        while self.tokens and self.tokens[0] in "*/(":
            op = "*" if self.tokens[0] == "(" else self.tokens.pop(0)
            left = self._add_step(op, left, self._atom())
        return left

    def _atom(self) -> tuple[int | None, float]:
        if not self.tokens:
            raise ValueError("The expression ends too early.")
        token = self.tokens.pop(0)
        if token == "(":
            inside = self._sum()
            if not self.tokens or self.tokens.pop(0) != ")":
                raise ValueError("A bracket is not closed.")
            return inside
        if token in "+-":
            return self._atom()  # a sign: the numbers are drawn anew and positive
        value = float(token)
        if self.tokens and self.tokens[0] == "%":
            self.tokens.pop(0)
            value /= 100
        matches = [index for known, index in self.known if abs(known - value) < 1e-6]
        return (min(reversed(matches), key=lambda index: self.n_uses.get(index, 0)) if matches else None), value

    def _add_step(self, op: str, left: tuple[int | None, float], right: tuple[int | None, float]) -> tuple[int, float]:
        if op == "*" and right[0] is None and 0 < right[1] < 1:
            left, right = right, left
        if op == "*" and left[0] is None and 0 < left[1] < 1:
            op = "%"
        for index in (left[0], right[0]):
            if index is not None:
                self.n_uses[index] = self.n_uses.get(index, 0) + 1
        self.steps.append(Step(op, left[0], right[0]))
        return len(self.steps) - 1, float("nan")


def _to_number(text: str) -> float:
    return float(re.sub(r"[$,%\s]", "", text))


def read_shape(answer: str, final: str | None) -> Shape:
    """Return the skeleton of a worked answer, from its calculator annotations.

    A number that equals an earlier annotated value is taken for that result. Steps that do not lead to the final answer
    are left out. Raises CannotRewrite with one sentence.
    """
    annotations = _ANNOTATION.findall(answer)
    if not annotations:
        raise CannotRewrite("The answer has no calculator annotations (<<2+3=5>>) to read the steps from.")
    reader = _Reader()
    for expression, value in annotations:
        try:
            reader.read(expression, value)
        except ValueError:
            written = f"<<{expression}={value}>>"
            raise CannotRewrite(f"The calculator annotation {written} is not plain arithmetic.") from None
    if not reader.known:
        raise CannotRewrite("The calculator annotations hold no operation.")
    last = _find_last(reader, final)
    shape = tidy_shape(reader.steps[: last + 1])
    if len(shape) > MAX_STEPS:
        raise CannotRewrite(f"The answer has {len(shape)} operations; the rules tell stories of {MAX_STEPS} at most.")
    return shape


def _find_last(reader: _Reader, final: str | None) -> int:
    """Return the step that gives the final answer."""
    try:
        target = None if final is None else _to_number(final)
    except ValueError:
        target = None
    if target is None:
        return reader.known[-1][1]
    for value, index in reversed(reader.known):
        if abs(value - target) < 0.01:
            return index
    raise CannotRewrite("The calculator annotations do not lead to the final answer.")


def change_shape(shape: Shape, rng: random.Random) -> Shape:
    """Return the skeleton with one operation added (most often) or changed."""
    p_add = 0.15 if len(shape) >= LONG else 0.7
    if len(shape) == 1 or rng.random() < p_add:
        return rng.choice((_add_on_top, _add_below, _add_between))(shape, rng)
    index = rng.randrange(len(shape))
    step = shape[index]
    op = rng.choice([op for op in "+-*/" if op != step.op and not (step.form[:2] == "rr" and op in "*/")] or ["+"])
    left, right = (step.right, None) if step.left is None and step.right is not None else (step.left, step.right)
    return tidy_shape((*shape[:index], Step(op, left, right), *shape[index + 1 :]))


def _draw_op(rng: random.Random) -> str:
    return rng.choices("+-*/", (4, 4, 3, 2))[0]


def _add_on_top(shape: Shape, rng: random.Random) -> Shape:
    return (*shape, Step(_draw_op(rng), len(shape) - 1, None))


def _add_below(shape: Shape, rng: random.Random) -> Shape:
    """Let a constant of a sum or difference become the result of a new first step."""
    places = [index for index, step in enumerate(shape) if step.right is None and step.op in "+-"]
    if not places:
        return _add_on_top(shape, rng)
    place = rng.choice(places)
    moved = [_shift(step, 0) for step in shape]
    moved[place] = replace(moved[place], right=0)
    return tidy_shape((Step(rng.choices("+-*/", (3, 3, 4, 2))[0], None, None), *moved))


def _add_between(shape: Shape, rng: random.Random) -> Shape:
    """Put a new step between a result and one that takes it."""
    places = [index for index, step in enumerate(shape) if step.left is not None]
    if not places:
        return _add_on_top(shape, rng)
    place = rng.choice(places)
    new = Step(_draw_op(rng), shape[place].left, None)
    tail = [_shift(step, place) for step in shape[place:]]
    tail[0] = replace(tail[0], left=place)
    return tidy_shape((*shape[:place], new, *tail))


def _shift(step: Step, place: int) -> Step:
    """Return the step with references to ``place`` and later moved up by one."""
    left, right = (None if ref is None else ref + (ref >= place) for ref in (step.left, step.right))
    return replace(step, left=left, right=right)


@REWRITERS.register("word_problems")
def rewrite_word_problem(seed: Problem, sample_index: int) -> Rewrite:
    """Tell a new story on the seed's skeleton with one operation added or changed; see ``Rewriter``."""
    if not seed.answer:
        raise CannotRewrite("The problem has no worked answer to read the steps from.")
    rng = random.Random(f"{seed.problem_id}/{sample_index}")
    try:
        drawn = draw_sum(change_shape(read_shape(seed.answer, seed.final), rng), rng)
    except NoNumbers as stuck:
        raise CannotRewrite(str(stuck)) from None
    story = tell(drawn, rng)
    return Rewrite(story.question, story.question, story.answer)
