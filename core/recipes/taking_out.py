"""Candidates out of their home: which ones, in which form, into a file, a folder or onto the hub, what is left out.

A page asks the home's own database and a shell that of the runs alone; what comes out is the same.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import core.exporting as _registers_them  # noqa: F401
from core.errors import RunError
from core.exporting.base import FORMATS, TRAIN, ExportRow, Format, Made, Record, WrongAnswer, make_all
from core.exporting.card import write_card
from core.exporting.splitting import split_families
from core.exporting.writing import write_whole
from core.hub import Hub
from core.recipes.data_facts import gather_facts
from core.recipes.exporting import DATASET, make_data_push_config
from core.records import OUT_BY_HAND
from core.store.queue_filter import KEPT, STANDING, QueueFilter
from core.store.queue_text import write_filter
from core.store.store import Store
from core.tasks import TASKS

ABOUT = (
    "run_id", "status", "rejected_by", "review", "reviewer", "review_reason", "is_edited", "method", "teacher",
    "selector", "round", "task", "type", "seed_set", "seed_question", "parents",
)  # fmt: skip
"""Columns that say where a candidate came from and what was said of it."""

WRONG_ANSWER = "wrong_answer"
"""Reason of a rejection by hand that says that the answer is wrong."""


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What is to be written: records, and what is known of the candidates that they are of."""

    asked: QueueFilter
    format: str
    is_as_asked: bool
    rows: Sequence[ExportRow]
    made: Made
    n_rejected: int = 0
    """Rows at the end beside those asked for: rejected by hand for a wrong answer, where a format has these."""


def take_out(store: Store, asked: QueueFilter, format_: str, *, is_as_asked: bool = False) -> TakenOut:
    """Return what a filter asks for in a format; nothing is written yet.

    Args:
        store: knows the candidates.
        asked: which of them.
        format_: a name of FORMATS.
        is_as_asked: put the question into the task's prompt, as a student is asked and trained here; else it is bare.

    Raises:
        UnknownNameError: no such format.
    """
    member = FORMATS.get(format_)
    asked = replace(asked, unread_by=None)
    rows = list(_read_rows(store, asked, member, is_as_asked))
    n_asked = len(rows)
    if member.adds_rejected and asked.review in (KEPT, STANDING):
        status = asked.status if asked.sample else ""  # of another status, other candidates would be the sample
        rejected = replace(asked, review="reject", reason=WRONG_ANSWER, status=status)
        rows += _read_rows(store, rejected, member, is_as_asked)
    return TakenOut(asked, format_, is_as_asked, rows, make_all(member, rows), len(rows) - n_asked)


def _read_rows(store: Store, asked: QueueFilter, format_: Format, is_as_asked: bool) -> Iterator[ExportRow]:
    wrong: dict[tuple[str, str], list[WrongAnswer]] = {}
    for row in _list_records(store.list_wrong_answers(asked)) if format_.reads_wrong else ():
        answer = WrongAnswer(row["text"], row["source"], bool(row["is_wrong"]))
        wrong.setdefault((row["run_id"], row["candidate_id"]), []).append(answer)
    for row in _list_records(store.list_taken_out(asked)):
        question = row["question"]
        yield ExportRow(
            id=f"{row['run_id']}/{row['candidate_id']}",
            question=question,
            answer=row["answer"],
            final=row["final"],
            prompt=TASKS.get(row["task"] or "custom").student_prompt(question)
            if is_as_asked and question
            else question,
            gap=" " if is_as_asked else "\n",
            is_right=_judge(row),
            wrong=tuple(wrong.get((row["run_id"], row["candidate_id"]), ())),
            about={name: row[name] for name in ABOUT} | {"parents": json.loads(row["parents"] or "[]")},
        )


def _list_records(frame: Any) -> list[dict[str, Any]]:
    """Return a frame's rows with None for what is unknown, whole numbers and truth values as such."""
    columns = {name: frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in frame}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for row in rows:
        if row.get("round") is not None:
            row["round"] = int(row["round"])
    return rows


def _judge(row: Mapping[str, Any]) -> bool | None:
    """Say whether an answer counts as right; see ``ExportRow.is_right``."""
    if row["is_meant_wrong"] or (row["review"] == "reject" and row["review_reason"] == WRONG_ANSWER):
        return False
    is_accepted = row["review"] in ("accept", "edit")
    return True if is_accepted or (row["status"] == "accepted" and row["review"] not in OUT_BY_HAND) else None


# -- writing -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DatasetWishes:
    """What only a dataset with a card needs to know."""

    name: str = "Problems made with Seedbed"
    licence: str = "unknown"
    validation: float = 0.0
    """Share of the rows that are kept apart, from 0 up to 1."""


def write_out(
    store: Store, home: Path, taken: TakenOut, target: Path, wishes: DatasetWishes = DatasetWishes()
) -> dict[str, int]:
    """Write what was taken out to a path that is not there yet; returns split -> records, without empty ones.

    Args:
        store: that it was taken from.
        home: the workspace, whose run folders say how the candidates were made.
        taken: what is written.
        target: a file, or a folder where the format is one.
        wishes: for a dataset.

    Raises:
        RunError: there is nothing to write, or it cannot be written.
    """
    if not taken.made.records:
        hint = (
            "; review=standing finds what passed the filters and nobody rejected" if taken.asked.review == KEPT else ""
        )
        raise RunError(f"Nothing is left to write of what the filter {write_filter(taken.asked)} finds{hint}.")
    splits = _split(store, taken, wishes.validation) if taken.format == DATASET else {TRAIN: taken.made.records}
    sizes, card = {split: len(records) for split, records in splits.items()}, ""
    if taken.format == DATASET:
        facts = gather_facts(store, home, taken, sizes, name=wishes.name, licence=wishes.licence)
        card = write_card(facts)
    with write_whole(target) as part:
        FORMATS.get(taken.format).write(splits, card, part)
    return sizes


def _split(store: Store, taken: TakenOut, validation: float) -> dict[str, list[Record]]:
    """Return split -> records; a split without any is not there."""
    run_ids = sorted({row.about["run_id"] for row in taken.rows})
    lineage = {row["candidate_id"]: json.loads(row["parents"]) for row in store.list_lineage(run_ids) if row["parents"]}
    owners = [taken.rows[place] for place in taken.made.owners]
    splits: dict[str, list[Record]] = {TRAIN: []}
    for record, split in zip(taken.made.records, split_families(owners, validation, lineage), strict=True):
        splits.setdefault(split, []).append(record)
    return splits


def make_bytes(store: Store, home: Path, taken: TakenOut, wishes: DatasetWishes = DatasetWishes()) -> bytes:
    """Return what ``write_out`` writes for a browser: the file, or a zip of the folder."""
    with TemporaryDirectory() as scratch:
        target = Path(scratch) / "taken"
        write_out(store, home, taken, target, wishes)
        if target.is_file():
            return target.read_bytes()
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as zip_:
            for path in sorted(path for path in target.rglob("*") if path.is_file()):
                zip_.write(path, path.relative_to(target).as_posix())
        return written.getvalue()


def name_file(format_: str) -> str:
    """Return the file name of a download in a format."""
    return f"seedbed-{format_.replace('_', '-')}{FORMATS.get(format_).suffix or '.zip'}"


# -- onto the hub --------------------------------------------------------------------------------------------------


@contextmanager
def write_files(store: Store, home: Path, taken: TakenOut, wishes: DatasetWishes) -> Iterator[dict[str, Path]]:
    """Give name -> file of a dataset, as the inputs of a push: flat, the folder of the data left out."""
    with TemporaryDirectory() as scratch:
        target = Path(scratch) / "taken"
        write_out(store, home, taken, target, wishes)
        yield {path.name: path for path in target.rglob("*") if path.is_file()}


def start_data_push(
    hub: Hub, taken: TakenOut, wishes: DatasetWishes, repo: str, *, is_private: bool = True, may_update: bool = False
) -> str:
    """Queue the upload of a dataset; returns the id of the push run, which has its own copy of the files.

    Args:
        hub: of the home.
        taken: in the format DATASET.
        wishes: for the dataset.
        repo: ``owner/name``, or a name alone for one's own account.
        is_private: of a repository that is made.
        may_update: whether the repository may be there already.

    Raises:
        RunError: there is nothing to push, no token, or no such name of a repository.
    """
    config = make_data_push_config(repo, is_private=is_private, may_update=may_update)
    with write_files(hub.store, hub.settings.home, taken, wishes) as files:
        return hub.submit("push", f"Push the dataset to {config['repo']}", config, lane="light", files=files)
