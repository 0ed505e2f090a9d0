"""The contract of an objective: which rows it reads, what it makes of them, and the trainer that carries it out.

An objective knows nothing of run folders, tables or pages. What it lets the student say goes through :class:`Asking`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Protocol

from core.errors import TrainingError
from core.registry import Registry
from core.setting_types import find_misfit
from core.training.config import ADAPTER, SHARED
from core.training.data import TrainingRow

NEEDS = {
    "positives": "answers to be made likelier (label 1)",
    "negatives": "wrong answers (label -1, or rejected)",
    "references": "final answers, so that the student's own answers can be judged",
}
"""What an objective may need of the rows, and how it is called."""


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """One answer that the student drew to a question."""

    place: int
    """Of the question among those that were asked."""

    sample: int
    text: str
    final: str | None
    is_correct: bool | None
    """None where the question has no reference."""

    is_truncated: bool


class Asking(Protocol):
    """Lets the student answer: the policy that an objective starts from."""

    def draw(self, rows: Sequence[TrainingRow], n: int, temperature: float) -> list[list[OwnAnswer]]:
        """Return n drawn answers to the question of each row, judged by its reference."""
        ...

    def finish(
        self, rows: Sequence[TrainingRow], beginnings: Sequence[Sequence[str]], n: int, temperature: float
    ) -> list[list[int]]:
        """Return how many of n drawn continuations end right, for each beginning of an answer to each row."""
        ...

    def note(self, row: TrainingRow, answer: OwnAnswer, *, is_kept: bool, reason: str | None) -> None:
        """Record a drawn answer, and why it was not used."""
        ...

    def note_steps(self, row: TrainingRow, sample: int, steps: Sequence[Mapping[str, Any]]) -> None:
        """Record the steps of an answer: step, text, value, n_rollouts, n_right, is_pit."""
        ...


@dataclass(frozen=True, slots=True)
class Material:
    """What an objective trains on."""

    rows: list[TrainingRow]
    unused: list["Unused"] = field(default_factory=list)
    """Of the rows that were given: those that nothing came of."""


@dataclass(frozen=True, slots=True)
class Unused:
    """A given row that nothing was made of."""

    row: TrainingRow
    reason: str
    """One sentence."""


class Objective(Protocol):
    """A way to finetune; its settings are the fields of the dataclass."""

    title: ClassVar[str]
    """What people read."""

    about: ClassVar[str]
    """One sentence: what it makes likelier, and unlikelier."""

    source: ClassVar[str]
    needs: ClassVar[frozenset[str]]
    """Names of NEEDS without which it cannot begin."""

    form: ClassVar[str]
    """``answers``, ``labelled`` (answers with a sign) or ``pairs`` (an answer and a rejected one)."""

    reads_wrong: ClassVar[bool]
    """Whether wrong answers of the given rows (label -1, or rejected) are trained on; ``say_unread`` tells if not."""

    rejects_whole: ClassVar[bool]
    """Whether rejected answers are whole ones, so that they end; read of ``pairs`` only."""

    starts_from_policy: ClassVar[bool]
    """Whether a policy comes first: supervised finetuning on the rows' answers, or an adapter that is given."""

    goes_on: ClassVar[bool]
    """Whether it trains that policy on, and is measured against it; else it trains a fresh adapter."""

    def prepare(self, rows: Sequence[TrainingRow], asking: Asking | None) -> Material:
        """Return what is trained on. ``asking`` is None where nothing is drawn. Raises TrainingError."""
        ...

    def estimate(self, rows: Sequence[TrainingRow]) -> Mapping[str, int]:
        """Return what has to be generated first, at most: n_answers, n_rollouts; 0 where nothing is."""
        ...

    def open_trainer(self) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        """Return the trainer's class with its settings bound, and what it adds to the trainer's arguments."""
        ...


NOTHING_FIRST = {"n_answers": 0, "n_rollouts": 0}
"""The estimate of an objective that generates nothing."""

OBJECTIVES: Registry[Objective] = Registry("objective")


def make_objective(name: str, settings: Mapping[str, Any] | None = None) -> Objective:
    """Return an objective with these settings.

    Raises:
        UnknownNameError: no such objective.
        TrainingError: a setting that it does not have, or a value that the setting cannot have.
    """
    usual = OBJECTIVES.get(name)
    known = [field.name for field in fields(usual)]
    if unknown := sorted(set(settings or {}) - set(known)):
        raise TrainingError(
            f"The objective {name} has no setting {', '.join(unknown)}; known: {', '.join(known) or 'none'}."
        )
    if misfit := find_misfit(usual, settings or {}):
        raise TrainingError(f"The setting {misfit}.")
    return replace(usual, **(settings or {}))


def find_missing(objective: Objective, rows: Sequence[TrainingRow]) -> list[str]:
    """Return the names of NEEDS that an objective lacks in these rows."""
    has = {
        "positives": any(row.label > 0 for row in rows),
        "negatives": any(row.label < 0 or row.rejected for row in rows),
        "references": any(row.final is not None for row in rows),
    }
    return [name for name in NEEDS if name in objective.needs and not has[name]]


def say_unread(objective: Objective, rows: Sequence[TrainingRow]) -> str | None:
    """Return in one sentence how many wrong answers an objective does not read; None: it reads all there are."""
    n = sum(row.label < 0 or bool(row.rejected) for row in rows)
    if not n or objective.reads_wrong:
        return None
    bring = "1 row brings a wrong answer" if n == 1 else f"{n:,} rows bring wrong answers"
    return (
        f"{bring} (label -1, or rejected): {objective.title} does not read them; preferences (DPO), signed likelihood "
        "and unlikelihood do."
    )


def draws_answers(objective: Objective, rows: Sequence[TrainingRow]) -> bool:
    """Say whether the student has to answer before training on these rows."""
    return any(objective.estimate(rows).values())


def prefers_given(objective: Objective) -> bool:
    """Say whether right answers are preferred as they are given: then one that is too long is worth no draw."""
    return objective.form == "pairs" and getattr(objective, "right_answers", "given") == "given"


def trains_on(objective: Objective, adapter: object | None) -> bool:
    """Say whether an adapter that is given is itself trained further; else it only draws, or there is none."""
    return adapter is not None and (objective.goes_on or not objective.starts_from_policy)


def list_shared(objective: Objective) -> tuple[str, ...]:
    """Return the fields of TrainingConfig that the training of a policy has from the training after it.

    Where the policy is itself trained on, its adapter is the one there is: rank and alpha are decided by its training.
    """
    return (*SHARED, *ADAPTER) if objective.goes_on else SHARED
