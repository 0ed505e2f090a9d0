"""What a training set is made of, as a person chooses it: JSON values that a run's configuration keeps.

It knows nothing of the rows themselves; ``training_sets`` gathers them.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from core.errors import RunError, TrainingError
from core.store.reads_candidates import POLICIES
from core.training.data import NEGATIVE, POSITIVE

PARTS: Mapping[str, str] = {
    "candidates": "accepted candidates",
    "seeds": "seeds with reference answers",
    "answers": "seeds with a teacher's answers",
    "own": "the student's own answers",
    "file": "rows of a file",
    "earlier": "rows of an earlier run",
}
"""What a set can be made of, in the order in which its rows stand: name -> how people call it."""

ALL_SEEDS = "all"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants a set to be made of; a run's configuration keeps it, so that it can be chosen again."""

    candidates: tuple[str, ...] = ()
    """Runs whose candidates are taken."""

    taken: str = POLICIES[0]
    """One of POLICIES: which candidates, and which of a teacher's answers, count as accepted."""

    seeds: str | None = None
    """ALL_SEEDS, or the run whose selection is taken; None: no seeds with reference answers."""

    answers: tuple[str, ...] = ()
    """Runs in which a teacher answered seeds."""

    own: tuple[str, ...] = ()
    """Runs in which a student drew answers of its own."""

    own_labels: tuple[int, ...] = (POSITIVE, NEGATIVE)
    """Which of those are taken: right ones, wrong ones."""

    file: str | None = None
    """Name of a person's file; its rows stand in the run that they were given to, and nowhere else."""

    earlier: str | None = None
    """Run whose given rows are taken as they were."""

    def __post_init__(self) -> None:
        if self.taken not in POLICIES:
            raise RunError(f"There is no policy {self.taken!r}; known: {', '.join(POLICIES)}.")

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | None) -> "Choice":
        """Return the choice that a configuration holds under ``parts``, or that an older one says otherwise."""
        given = dict((config or {}).get("parts") or {})
        if not given and (config or {}).get("generate_runs"):
            taken = config.get("taken", config.get("policy"))
            given = {"candidates": config["generate_runs"], "taken": taken if taken in POLICIES else POLICIES[0]}
        known = {each.name for each in fields(cls)}
        return cls(**{
            name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if name in known
        })  # fmt: skip

    def to_config(self) -> dict[str, Any]:
        """Return the choice as JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def list_runs(self) -> list[str]:
        """Return the runs that it names, each once."""
        named = [*self.candidates, *self.answers, *self.own, self.earlier]
        named.append(None if self.seeds == ALL_SEEDS else self.seeds)
        return list(dict.fromkeys(id_ for id_ in named if id_))


def settle_subject(
    choice: Choice,
    read_config: Callable[[str], Mapping[str, Any]],
    seed_set: str | None = None,
    task: str | None = None,
) -> tuple[str | None, str | None]:
    """Return the seed set and the task that all runs of a choice are about; None where nothing says.

    A run that grew without seeds fits to any seed set of its task.

    Args:
        choice: what is wanted.
        read_config: run id -> its frozen configuration.
        seed_set: one that was named beside the runs.
        task: of that one.

    Raises:
        TrainingError: the runs are about several seed sets, or several tasks.
    """
    sets, tasks = {seed_set} - {None}, {task} - {None}
    for run_id in choice.list_runs():
        config = read_config(run_id)
        sets |= {config.get("seed_set")} - {None}
        tasks |= {config.get("task")} - {None}
    if len(sets) > 1:
        raise TrainingError(
            f"The rows belong to {len(sets)} seed sets ({', '.join(sorted(sets))}), and what one holds out may be a "
            "seed of another; choose rows of one."
        )
    if len(tasks) > 1:
        raise TrainingError(f"The rows belong to several tasks ({', '.join(sorted(tasks))}); choose rows of one.")
    return next(iter(sets), None), next(iter(tasks), None)
