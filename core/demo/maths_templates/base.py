"""What a template of a maths problem is: a draw of numbers, the worked steps, and a small grammar of wordings.

A wording is plain text with ``{slots}`` and ``[one|or|another]`` choices (no nesting), so that one template gives many
texts, and a text can be traced back to its template without any notes kept beside it. Knows nothing of files, splits
or tasks.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

NAMES = (
    "Ada", "Ben", "Carla", "Dev", "Elif", "Finn", "Grace", "Hugo", "Ines", "Jon", "Kofi", "Lena", "Mira", "Noor",
    "Omar", "Pia", "Quinn", "Rosa", "Sami", "Tara", "Uma", "Viktor", "Wen", "Yara", "Zoe",
)  # fmt: skip
"""First names that any wording may ask for as ``{name}``."""

CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")
ORDER = re.compile(
    r"(?:^|[.,?] )(?:find|compute|evaluate|work out|calculate|solve|determine|write|convert|express|count|factor)"
    r"\b[^.?]*\?$",
    re.IGNORECASE,
)
"""A last clause that orders rather than asks: it ends in a full stop, whatever its wording ends in."""


NUMBER_OR_WORD = r"(?:-?\d+(?:/\d+|\^\{\d+\})?|\(-?\d+,-?\d+\)|[A-Za-z]{3,})"
FORMULA = r"[-+^/x\d]+"
SLOT_PATTERNS = {"name": "[A-Z][a-z]+", "list": r"[-\d, ]+", "poly": FORMULA, "f": FORMULA, "g": FORMULA}
"""What a slot may hold, by its name; every other slot holds a number, a power, a point or a word."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One set of numbers for a template, with its solution."""

    slots: Mapping[str, str | int]
    """Texts for the slots of every wording of the template."""

    steps: Sequence[str]
    """Worked steps, one short line each."""

    final: Fraction | int
    """The answer, exact."""


@dataclass(frozen=True)
class Template:
    """A family of problems that are solved in the same way."""

    name: str
    type: str
    """Field of mathematics, in the words of the MATH data set (Hendrycks 2021)."""

    level: int
    """1 (one step) to 5; 5 is kept for the out-of-distribution templates."""

    wordings: tuple[str, ...] = field(repr=False)
    draw: Callable[[np.random.Generator], Draw] = field(repr=False)

    @property
    def is_ood(self) -> bool:
        """Say whether the template is kept out of train, validation and test, and out of the built-in teacher."""
        return self.level == 5

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """One expression that matches every text of this template and no other template's."""
        return re.compile("|".join(f"(?:{wording_pattern(text)})" for text in self.wordings), re.DOTALL)


def wording_pattern(wording: str, any_slot: str | None = None) -> str:
    """Return the source of a regular expression that matches every text a wording can give.

    Args:
        wording: the text with its slots and choices.
        any_slot: pattern of every slot; None takes the slot's own from SLOT_PATTERNS.
    """
    parts = re.split(r"(\[[^\[\]]*\])", wording.removesuffix("?"))
    source = "".join(_part_pattern(part, any_slot) for part in parts)
    return source + ("[?.]" if wording.endswith("?") else "")


def _part_pattern(part: str, any_slot: str | None) -> str:
    if part.startswith("["):
        return "(?:" + "|".join(_part_pattern(option, any_slot) for option in part[1:-1].split("|")) + ")"
    pieces = re.split(r"(\{\w+\})", part)
    return "".join(
        (any_slot or SLOT_PATTERNS.get(piece[1:-1], NUMBER_OR_WORD)) if SLOT.fullmatch(piece) else re.escape(piece)
        for piece in pieces
    )


def fill_wording(wording: str, slots: Mapping[str, str | int], rng: np.random.Generator) -> str:
    """Return one text of a wording: choices drawn, slots filled; a ``{name}`` is drawn unless the slots bring one."""
    text = CHOICE.sub(lambda match: pick(rng, match[1].split("|")), wording)
    filled = {"name": pick(rng, NAMES), **slots}
    text = SLOT.sub(lambda match: str(filled[match[1]]), text)
    return text[:-1] + "." if ORDER.search(text) else text


def write_answer(draw: Draw) -> str:
    r"""Return the worked answer: one bullet a step, then the final answer in ``\boxed{}`` on a line of its own."""
    return "\n".join([*(f"- {step}" for step in draw.steps), rf"\boxed{{{write_number(draw.final)}}}"])


def write_number(value: Fraction | int) -> str:
    r"""Return a number as LaTeX: ``7``, ``-3``, ``\frac{3}{4}``, ``-\frac{1}{2}``."""
    exact = Fraction(value)
    if exact.denominator == 1:
        return str(exact.numerator)
    return rf"{'-' if exact < 0 else ''}\frac{{{abs(exact.numerator)}}}{{{exact.denominator}}}"


def pick(rng: np.random.Generator, options: Sequence) -> str:
    """Draw one of the options."""
    return options[int(rng.integers(len(options)))]


def between(rng: np.random.Generator, low: int, high: int) -> int:
    """Draw a whole number from low to high, both included."""
    return int(rng.integers(low, high + 1))


def signed(value: int) -> str:
    """Return a number with its sign, for the middle of a formula: ``+5``, ``-3``."""
    return f"{value:+d}"


def times(factor: int, symbol: str = "x") -> str:
    """Return a coefficient and its symbol without a needless 1: ``x``, ``-x``, ``4x``."""
    return symbol if factor == 1 else f"-{symbol}" if factor == -1 else f"{factor}{symbol}"


def reduce_step(top: int, bottom: int) -> list[str]:
    """Return the step that brings a fraction to lowest terms, or none where it is there already."""
    exact = Fraction(top, bottom)
    return [] if (exact.numerator, exact.denominator) == (top, bottom) else [f"{top}/{bottom}={exact}"]
