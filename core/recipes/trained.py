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
from core.paths import expand
from core.recipes.training import POLICY
from core.runs.folder import RunFolder
from core.runs.orders import ROUNDS
from core.settings import DEMO

if TYPE_CHECKING:
    from core.training.data import TrainingRow

GROWING = ("generate", "answers", "compare", *ROUNDS)
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

    is_policy: bool = False
    """Whether it is not what the run was for, but the policy that it trained first to start from."""

    @property
    def is_whole(self) -> bool:
        """Whether all weights were trained, so that there is no adapter."""
        return is_whole_model(self.folder)

    @property
    def name(self) -> str:
        """What people read where no title stands beside it: ``run ID``, ``policy of run ID``, or its folder."""
        if self.run_id is None:
            return str(self.folder)
        which = "" if self.round in (None, 1) else f", round {self.round}"
        return f"{'policy of ' if self.is_policy else ''}run {self.run_id}{which}"

    @property
    def base_name(self) -> str:
        """The base as others may know it: its hub id, or the name of its folder without the path to it."""
        if self.student is None:
            return "an unknown base"
        path = expand(self.student)
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


def list_policies(home: Path, run_id: str | None = None) -> list[Trained]:
    """Return the policies that runs trained before their objective (DPO, per-step DPO) and that are still there.

    Args:
        home: the workspace.
        run_id: of one run; None: of all, the newest first, but for the runs of sweeps, which keep nothing for later.
    """
    found = []
    for folder in sorted((home / "runs").glob(f"{run_id or '[!.]*'}/checkpoints/round-*/{POLICY}/adapter")):
        place = folder.parent.parent
        run = RunFolder(place.parent.parent)
        try:
            config = run.config
        except RunError:  # damaged, which the page Runs tells
            continue
        if run_id is None and config.get("parent"):
            continue
        if folder not in [each.folder for each in list_trained(home, run.run_id)]:  # else it was told to keep just that
            number = int(place.name.removeprefix("round-"))
            found.append(Trained(folder, config.get("student"), run.run_id, number, is_policy=True))
    return sorted(found, key=lambda each: (each.run_id, each.round), reverse=True)


def find_adapter(home: Path, text: str) -> Trained:
    """Return the trained student that a person names: a folder, a run of this home, or ``RUN/policy``.

    Args:
        home: the workspace, by its whole path.
        text: a run stands for what it trained last, ``RUN/policy`` for the policy that it trained before that.

    Raises:
        RunError: there is neither such a folder nor such a run, or the run trained nothing of that kind.
        ModelLoadError: the folder holds nothing trained.
    """
    name, _, part = text.partition("/")
    if part in ("", "policy") and (home / "runs" / name / "run.json").is_file():
        if not part:
            return find_trained(home, name)
        if policies := list_policies(home, name):
            return policies[0]
        raise RunError(f"The run {name} trained no policy that is still there: only DPO and per-step DPO train one.")
    folder = expand(text).resolve()
    if not folder.is_dir():
        raise RunError(
            f"There is no folder and no run {text!r}; give the folder that a finetune wrote its adapter into, or a run "
            f"of this home: {_word_known(home)}."
        )
    place = folder.relative_to(home / "runs").parts if folder.is_relative_to(home / "runs") else ()
    if len(place) == 1:
        return find_trained(home, folder.name)
    made = [*list_trained(home, place[0]), *list_policies(home, place[0])] if place else []
    return next((each for each in made if each.folder == folder), None) or open_trained(folder, None)


def _word_known(home: Path) -> str:
    """Return the runs of a home that trained something, the newest first; three of them, and how many more."""
    ids = sorted((path.parent.parent.name for path in home.glob("runs/[!.]*/records/adapters.jsonl")), reverse=True)
    more = f" and {len(ids) - 3:,} more" if len(ids) > 3 else ""
    return f"{', '.join(ids[:3])}{more}" if ids else "none has trained anything yet"


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
        base = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError):
        return None
    return TINY if base == str(DEMO / TINY) else base


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
    return any(asks_builtin(home, each) for each in {run_id, *list_origins(rows)} if each)


def list_origins(rows: "Sequence[TrainingRow]") -> list[str]:
    """Return the runs in which a teacher wrote some of the rows, each once."""
    return sorted({row.origin_run_id for row in rows if row.origin in ("candidate", "teacher") and row.origin_run_id})


def asks_builtin(home: Path, run_id: str) -> bool:
    """Say whether the built-in rules write in a run; False where the run writes nothing, or is not in this home."""
    try:
        run = RunFolder(home / "runs" / run_id).read_run()
    except RunError:  # in the trash, or of another home
        return False
    if run["kind"] not in GROWING:
        return False
    return is_builtin(run["config"])


def is_builtin(config: Mapping[str, Any]) -> bool:
    """Say whether a configuration has the built-in rules write questions or answers."""
    roles, teacher = config.get("roles") or {}, config.get("teacher", BUILT_IN)
    return BUILT_IN in (roles.get("question", teacher), roles.get("answer", teacher))


def is_of_policy(adapter: str | Path) -> bool:
    """Say whether an adapter's path is that of the policy which a finetune trained first."""
    return Path(adapter).parts[-2:-1] == (POLICY,)


def find_trained_run(adapter: str | None) -> str | None:
    """Return the run that an adapter's path (``runs/ID/...``) says it was made by; None for one from elsewhere."""
    parts = Path(adapter).parts if adapter else ()
    return parts[parts.index("runs") + 1] if "runs" in parts[:-1] else None
