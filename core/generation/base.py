"""The contract of a prompting method: parents in, candidates out, through a teacher.

A method settles the first request of a call before anything is sent, so that it can be shown; then it carries the call
out. It knows nothing of filters, of how many candidates are wanted, or of how a reply is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Protocol

import numpy as np

from core.errors import PromptError
from core.records import Candidate, Problem
from core.registry import Registry
from core.setting_types import find_misfit
from core.tasks.base import Task
from core.tasks.prompts import SHIPPED, Prompts
from core.teacher.base import Teacher, TeacherRequest

N_EXAMPLES = 5
"""Few-shot examples in a question prompt (Kessler 2025, appendix D.2)."""


MOST_PER_CALL = 50
"""Instances that one call may ask for: more do not fit into a reply."""


@dataclass(frozen=True, slots=True)
class MethodSettings:
    """What a person may choose of a method; each method says in ``uses`` which of these it reads."""

    n_per_call: int = 5
    """k: instances asked for by one call (Zhang 2025: 5)."""

    tail: float | None = None
    """Verbalized sampling from the tails: each stated probability is to be below this; None: from the whole."""

    has_seeds: bool = True
    """False: asked from the task's one fixed prompt, without any seed."""

    form: str = "vs_cot"
    """How wrong solutions are asked for; a name of ``core.generation.forms.FORMS``."""

    n_parents: int = 2
    """Parents of a mutation, at least 1."""

    labels_skills: bool = False
    """Ask for the skills of each new problem too, at most 3 of the fixed list."""

    prompt: str = ""
    """A person's own question prompt, with placeholders (method ``free``)."""

    temperature: float | None = None
    """Of the question requests; None: the method's own."""

    def __post_init__(self) -> None:
        """Raise PromptError for a value of another type, or a number that no request can be made of."""
        if misfit := find_misfit(self, {each.name: getattr(self, each.name) for each in fields(self)}):
            raise PromptError(f"The setting {misfit}.")
        if not 1 <= self.n_per_call <= MOST_PER_CALL:
            raise PromptError(f"One call can ask for 1 to {MOST_PER_CALL} instances, not {self.n_per_call}.")
        if self.tail is not None and not 0 < self.tail <= 1:
            raise PromptError(f"The threshold for the tails is a probability above 0 and up to 1, not {self.tail}.")
        if self.n_parents < 1:
            raise PromptError(f"A mutation has at least one parent, not {self.n_parents}.")
        if self.temperature is not None and self.temperature < 0:
            raise PromptError(f"A temperature is at least 0, not {self.temperature}.")


@dataclass(frozen=True, slots=True)
class Brief:
    """What all calls of one run share."""

    task: Task
    pool: Sequence[Problem]
    """Train problems that few-shot examples are drawn from."""

    settings: MethodSettings = MethodSettings()
    prompts: Prompts = SHIPPED
    """The prompt texts, with a person's edits."""

    salt: str = ""
    """Enters every candidate id, so that two runs or rounds never share one."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method: what it is about, and its first request exactly as it is sent."""

    parents: tuple[Problem, ...]
    """Seeds; none for a fixed prompt."""

    request: TeacherRequest
    examples: tuple[Problem, ...] = ()
    """Few-shot examples in the request."""


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of request that a call sends, as a preview needs to know it."""

    purpose: str
    """Role that is asked."""

    prompts: tuple[str, ...]
    """Names of the prompt files that it is filled from."""

    brings: str
    """``question``, ``answer``, ``both`` (a question with its answer) or ``skills``."""

    n_items: int = 1
    """Instances that one such request brings."""

    n_times: int = 1
    """How often it is sent."""

    is_later_turn: bool = False
    """True where it goes on with the chat of the steps before."""


class PromptingMethod(Protocol):
    """Asks a teacher for new problems; whatever goes wrong is a candidate with a reason, never an exception."""

    name: str
    title: str
    """One line for people."""

    source: str
    """Paper and section that the method is from."""

    uses: frozenset[str]
    """Names of the fields of MethodSettings that it reads."""

    always: tuple[str, ...]
    """Names of the filters that no run of this method is without."""

    def count_parents(self, settings: MethodSettings) -> int:
        """Return how many seeds one call is about; 0 for a fixed prompt."""
        ...

    def count_candidates(self, settings: MethodSettings) -> int:
        """Return how many candidates one call brings, failed ones included: always exactly so many."""
        ...

    def list_prompts(self, task: Task, settings: MethodSettings) -> tuple[str, ...]:
        """Return the names of the prompt files that it sends, in the order of sending."""
        ...

    def list_steps(self, task: Task, settings: MethodSettings) -> tuple[Step, ...]:
        """Return the requests of a call where everything succeeds, in the order of sending."""
        ...

    def open_call(self, parents: Sequence[Problem], brief: Brief, sample_index: int, rng: np.random.Generator) -> Call:
        """Return the call on these parents: examples drawn, first request written, nothing sent.

        Args:
            parents: ``count_parents`` seeds.
            brief: what all calls share.
            sample_index: repetition of the same parents; makes the replies differ.
            rng: draws the few-shot examples.

        Raises:
            PromptError: a prompt of the person's own cannot be filled.
        """
        ...

    async def carry_out(self, call: Call, brief: Brief, teacher: Teacher) -> list[Candidate]:
        """Ask, and ask on; returns ``count_candidates`` candidates.

        Raises:
            AskingStopped: nothing may be sent any more, and nothing of this call was answered; where something was,
                what is missing is a candidate with that reason.
        """
        ...


def list_names(steps: Sequence[Step]) -> tuple[str, ...]:
    """Return the names of the prompt files of these steps, each once, in the order of sending."""
    return tuple(dict.fromkeys(name for step in steps for name in step.prompts))


METHODS: Registry[PromptingMethod] = Registry("prompting method")


@dataclass(slots=True)
class Tokens:
    """Tokens of the requests behind a candidate, nominal: as if nothing had been cached."""

    n_input: int | None = 0
    n_output: int | None = 0
    """None once a reply came without a count."""

    def add(self, n_input: int | None, n_output: int | None) -> None:
        """Count one reply."""
        self.n_input = None if self.n_input is None or n_input is None else self.n_input + n_input
        self.n_output = None if self.n_output is None or n_output is None else self.n_output + n_output

    def share(self, n: int) -> list["Tokens"]:
        """Return the tokens of a request that brought n candidates as n parts that add up to it."""
        return [Tokens(_part(self.n_input, n, i), _part(self.n_output, n, i)) for i in range(n)]


def _part(total: int | None, n: int, i: int) -> int | None:
    return None if total is None else total // n + (i < total % n)


@dataclass(slots=True)
class Draft:
    """What is known of one candidate while it is being asked for."""

    question: str | None = None
    answer: str | None = None
    final: str | None = None
    failure: str | None = None
    """Why there is no usable question and answer, in one sentence."""

    raw_question: str | None = None
    raw_answer: str | None = None
    tokens: Tokens = field(default_factory=Tokens)
    meta: dict = field(default_factory=dict)
