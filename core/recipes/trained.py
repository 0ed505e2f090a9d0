"""What a finetune or a round of a loop made, read from its run folder alone: where it lies and what is known of it.

It knows nothing of the database, so a shell reads it the same way.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import RunError
from core.lines import read_all
from core.models.student import ADAPTER_ORIGIN, TINY, check_adapter, is_whole_model
from core.runs.folder import RunFolder

if TYPE_CHECKING:
    from core.training.data import TrainingRow

GROWING = ("generate", "answers", "compare", "loop")
"""Kinds of run in which a teacher writes."""

BUILT_IN = "built-in"
"""What a configuration calls the rule-based teacher."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained student: an adapter, or all weights."""

    folder: Path
    """With its files."""

    student: str | None
    """The base, as Student.load takes it; None where nobody said."""

    run_id: str | None = None
    """The run that made it; None for a folder from elsewhere."""

    round: int | None = None
    record: Mapping[str, Any] | None = None
    """Its row of ``adapters``: n_rows, best_epoch, validation_accuracy, objective, weights, rows_hash."""

    @property
    def is_whole(self) -> bool:
        """Whether all weights were trained, so that there is no adapter."""
        return is_whole_model(self.folder)

    @property
    def base_name(self) -> str:
        """The base as others may know it: its hub id, or the name of its folder without the path to it."""
        if self.student is None:
            return "an unknown base"
        path = Path(self.student).expanduser()
        return path.name if path.is_absolute() or path.is_dir() else self.student

    @property
    def is_on_hub(self) -> bool:
        """Whether the base's name is a hub id."""
        return self.student not in (None, TINY) and self.base_name == self.student and "/" in self.student

    @property
    def n_bytes(self) -> int:
        """Of its files."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())


def list_trained(home: Path, run_id: str) -> list[Trained]:
    """Return what a run trained and is still there, round by round; empty for a run that trains nothing."""
    run = RunFolder(home / "runs" / run_id)
    latest = {row["round"]: row for row in read_all(run.path / "records" / "adapters.jsonl")}
    made = [
        Trained(home / row["path"], row.get("student"), run_id, number, row) for number, row in sorted(latest.items())
    ]
    return [each for each in made if each.folder.is_dir()]


def find_trained(home: Path, run_id: str, round_: int | None = None) -> Trained:
    """Return what a run trained in a round; None: in the last one.

    Raises:
        RunError: no such run, or nothing there.
    """
    if not (home / "runs" / run_id / "run.json").is_file():
        raise RunError(f"There is no run {run_id!r} in this home.")
    made = list_trained(home, run_id)
    found = [each for each in made if round_ in (None, each.round)]
    if not found:
        which = "" if round_ is None or not made else f" in round {round_}"
        raise RunError(f"The run {run_id} has trained nothing{which} that is still there.")
    return found[-1]


def open_trained(folder: Path, student: str | None) -> Trained:
    """Return a trained student that lies in a folder, of whatever origin.

    Args:
        folder: with an adapter or all weights.
        student: the base; None: what the folder says itself.

    Raises:
        ModelLoadError: there is nothing trained.
    """
    check_adapter(folder)
    return Trained(folder, student or read_origin(folder).get("source") or _read_peft_base(folder))


def read_origin(folder: Path) -> dict[str, Any]:
    """Return ``source`` and ``base_fingerprint`` that a finetune noted; empty where it noted nothing."""
    try:
        found = json.loads((folder / ADAPTER_ORIGIN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _read_peft_base(folder: Path) -> str | None:
    try:
        return json.loads((folder / "adapter_config.json").read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError):
        return None


def read_evaluations(home: Path, trained: Trained) -> list[dict[str, Any]]:
    """Return before (round 0) and after for each split that the run answered: split, n, before, accuracy, low, high."""
    if trained.run_id is None:
        return []
    rows = read_all(home / "runs" / trained.run_id / "records" / "evaluations.jsonl")
    latest = {(row["split"], row["round"]): row for row in rows}
    return [
        {**latest[split, number], "before": latest.get((split, 0), {}).get("accuracy")}
        for split, number in latest
        if number == trained.round
    ]


def read_rows(home: Path, run_id: str | None) -> "list[TrainingRow]":
    """Return the rows that a finetune was given; empty for a loop, which grew its own, and for a folder."""
    if run_id is None or not (home / "runs" / run_id / "input" / "rows.parquet").is_file():
        return []
    from core.training.data import from_frame

    return from_frame(RunFolder(home / "runs" / run_id).read_input("rows"))


def has_builtin_teacher(home: Path, run_id: str | None, rows: "Sequence[TrainingRow]") -> bool:
    """Say whether the built-in rules wrote what a run trained on: what comes of it is no evidence.

    Args:
        home: the workspace.
        run_id: the run that trained; None for a folder.
        rows: that it was given.
    """
    named = {run_id} | {row.origin_run_id for row in rows if row.origin in ("candidate", "teacher")}
    return any(_asks_builtin(home, each) for each in named if each)


def _asks_builtin(home: Path, run_id: str) -> bool:
    try:
        run = RunFolder(home / "runs" / run_id).read_run()
    except RunError:  # in the trash, or of another home
        return False
    if run["kind"] not in GROWING:
        return False
    config = run["config"]
    roles, teacher = config.get("roles") or {}, config.get("teacher", BUILT_IN)
    return BUILT_IN in (roles.get("question", teacher), roles.get("answer", teacher))
