"""A training set: rows gathered from several parts in one stated order, what was left out of each and why, one hash.

The order is that of PARTS. No row asks a held-out problem, and none is there twice: of two that say the same the first
stays, or the one that has a final answer. Every row that a part found is either in the set or counted with a reason.
Where the rows are asked from, the database of a page or that of a shell's few runs, makes no difference.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.filters.held_out import is_known, make_held_out_keys
from core.recipes.answering import METHOD
from core.recipes.training_choice import ALL_SEEDS, PARTS, Choice
from core.records import OUT_BY_HAND, Problem
from core.runs.folder import RunFolder
from core.store.reads_candidates import POLICIES
from core.store.store import Store
from core.tasks.base import Task
from core.training.data import NEGATIVE, POSITIVE, TrainingRow, from_frame, hash_rows
from core.training.objectives.drawing import UNFIT
from core.training.rows_file import RepeatedLine, RowsFile

if TYPE_CHECKING:
    import pandas as pd

HELD_OUT = "its question is a validation or test problem"
REPEATED = "the same question and answer stand in the set already"
CONTRADICTED = "the same answer stands in the set as a right one"
NOT_BY_HAND = "not accepted by hand"
BY_HAND = "rejected by hand"
UNUSABLE = "there is no usable answer"
UNVERIFIED = "nobody could say whether it is right"
WRONG = "the answer is wrong"
UNREADABLE = "the line cannot be read as a row"
REPEATED_LINE = "another line of the file says the same"


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """A row that a part found and that is not in the set."""

    part: str
    """One of PARTS."""

    reason: str
    """Short, the same for all rows of one kind."""

    detail: str | None
    """What more is known of this one; None where the reason says all."""

    origin: str
    origin_run_id: str | None
    origin_id: str | None
    question: str | None


@dataclass(slots=True)
class TrainingSet:
    """The rows, and what became of the others; ``n_found == len(rows) + len(left_out)`` for every part."""

    rows: list[TrainingRow] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    """Name of the part that each row came from, aligned with rows."""

    left_out: list[LeftOutRow] = field(default_factory=list)
    _hashed: tuple[int, str] | None = field(default=None, init=False, repr=False, compare=False)
    """Rows that there were, and their hash: rows are only ever added."""

    @property
    def hash(self) -> str:
        """SHA-256 of the rows in their order."""
        if self._hashed is None or self._hashed[0] != len(self.rows):
            self._hashed = len(self.rows), hash_rows(self.rows)
        return self._hashed[1]

    def count(self) -> dict[str, dict[str, Any]]:
        """Return part -> ``found``, ``taken``, ``wrong`` (rows of label -1 among them), ``reasons`` (reason -> n)."""
        counts: dict[str, dict[str, Any]] = {}
        for name in PARTS:
            taken = [row for row, part in zip(self.rows, self.parts, strict=True) if part == name]
            reasons = Counter(row.reason for row in self.left_out if row.part == name)
            if taken or reasons:
                counts[name] = {
                    "found": len(taken) + reasons.total(),
                    "taken": len(taken),
                    "wrong": sum(row.label == NEGATIVE for row in taken),
                    "reasons": dict(reasons.most_common()),
                }
        return counts


Found = tuple[TrainingRow | None, str | None, str | None, Mapping[str, Any]]
"""A row and why it is left out (both None never), what more is known of that, and where it came from."""


def build_rows(
    store: Store,
    choice: Choice,
    task: Task,
    problems: Sequence[Problem],
    *,
    seed_set: str | None = None,
    held_out: frozenset[str] | None = None,
    file: RowsFile | None = None,
    earlier: Sequence[TrainingRow] = (),
) -> TrainingSet:
    """Gather the rows of a choice.

    Args:
        store: knows the runs that the choice names.
        choice: what is wanted.
        task: says when two questions are the same.
        problems: of the seed set, all splits; those that are not train are held out.
        seed_set: its id, for the rows that come from there.
        held_out: what the held-out problems are known by, where it was made before; None: it is made here.
        file: rows of a person's file.
        earlier: rows that the run ``choice.earlier`` was given.
    """
    if held_out is None:
        held_out = make_held_out_keys(task, (problem for problem in problems if problem.split != "train"))
    gathering = _Gathering(task, held_out)
    gathering.add("candidates", find_candidates(store, choice.candidates, choice.taken))
    gathering.add("seeds", find_seeds(store, choice.seeds, problems, seed_set))
    gathering.add("answers", find_candidates(store, choice.answers, choice.taken))
    gathering.add("own", find_own(store, choice.own, choice.own_labels))
    gathering.add("file", _find_in_file(file))
    gathering.add("earlier", [(row, None, None, _place(row)) for row in earlier])
    return gathering.settle()


def find_candidates(store: Store, run_ids: Sequence[str], policy: str) -> list[Found]:
    """Return the candidates of runs as rows: answers that are meant to be wrong with the label -1.

    Answers to a seed's own question have the seed's final answer as the reference.
    """
    found: list[Found] = []
    for row in _list_records(store.list_candidate_rows(run_ids)) if run_ids else ():
        is_answer = row["method"] == METHOD
        place = {
            "origin": "teacher" if is_answer else "candidate",
            "origin_run_id": row["run_id"],
            "origin_id": row["candidate_id"],
            "question": row["question"],
        }
        reason, detail = _judge_candidate(row, policy, is_answer=is_answer)
        if reason is not None:
            found.append((None, reason, detail, place))
            continue
        final = row["reference"] if is_answer or row["is_incorrect"] else row["final"]
        label = NEGATIVE if row["is_incorrect"] else POSITIVE
        found.append((TrainingRow(answer=row["answer"], final=final, label=label, **place), None, None, place))
    return found


def _judge_candidate(row: Mapping[str, Any], policy: str, *, is_answer: bool) -> tuple[str | None, str | None]:
    """Return why a candidate is left out, and what more is known; (None, None) where it is taken."""
    is_by_hand = row["review"] in ("accept", "edit")
    if row["review"] in OUT_BY_HAND:
        return BY_HAND, None
    if row["status"] == "failed" or not (row["question"] and row["answer"] and row["answer"].strip()):
        return UNUSABLE, row["reason"]
    if policy == POLICIES[1]:
        return (None, None) if is_by_hand else (NOT_BY_HAND, None)
    if row["status"] == "rejected":
        return (WRONG if is_answer else f"rejected by the filter {row['rejected_by']}"), row["reason"]
    if is_answer and row["is_right"] is not True and not is_by_hand:
        return UNVERIFIED, row["undecided"]
    return None, None


def find_seeds(store: Store, seeds: str | None, problems: Sequence[Problem], seed_set: str | None) -> list[Found]:
    """Return train problems with their reference answers: all of them, or those that a run selected, in that order."""
    if seeds is None:
        return []
    train = {problem.problem_id: problem for problem in problems if problem.split == "train"}
    ids = list(train) if seeds == ALL_SEEDS else store.list_chosen(seeds)
    found: list[Found] = []
    for id_ in ids:
        problem = train.get(id_)
        place = {
            "origin": "seed",
            "origin_run_id": seed_set,
            "origin_id": id_,
            "question": problem.question if problem else None,
        }
        if problem is None:
            found.append((None, "it is no train problem of this seed set", None, place))
        elif not (problem.answer or "").strip():
            found.append((None, "the seed has no reference answer", None, place))
        else:
            found.append((TrainingRow(answer=problem.answer, final=problem.final, **place), None, None, place))
    return found


def find_own(store: Store, run_ids: Sequence[str], labels: Sequence[int]) -> list[Found]:
    """Return answers that students drew: right ones with the label 1, wrong ones with the label -1.

    Whether its run used one says nothing of it; one that is of no use to anybody, a repeated one or one that was cut
    off, is left out.
    """
    drawn = _list_records(store.list_own_answers(run_ids)) if run_ids else []
    stated = {row["question"]: row["final"] for row in drawn if row["is_correct"]}
    found: list[Found] = []
    for row in drawn:
        place = {
            "origin": "own",
            "origin_run_id": row["run_id"],
            "origin_id": row["problem_id"],
            "question": row["question"],
        }
        if row["is_correct"] is None:
            found.append((None, UNVERIFIED, row["reason"], place))
            continue
        label = POSITIVE if row["is_correct"] else NEGATIVE
        word = "right" if row["is_correct"] else "wrong"
        if label not in labels:
            found.append((None, f"it is {word}, and {word} ones were not chosen", None, place))
        elif not (row["text"] or "").strip():
            found.append((None, UNUSABLE, None, place))
        elif row["reason"] in UNFIT:
            found.append((None, "it was drawn before, or is not whole", row["reason"], place))
        else:
            final = row["reference"] or stated.get(row["question"])
            found.append((TrainingRow(answer=row["text"], final=final, label=label, **place), None, None, place))
    return found


def read_earlier(store: Store, home: Path, run_id: str) -> list[TrainingRow]:
    """Return the rows that a run was given; of a loop, which was given none, those of its last round."""
    folder = RunFolder(home / "runs" / run_id)
    if (folder.path / "input" / "rows.parquet").exists():
        return from_frame(folder.read_input("rows"))
    rows = store.list_training_rows(run_id, is_used=True, limit=None)
    return from_frame(rows[(rows["round"] == rows["round"].max()) & rows["question"].notna()])


def _list_records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows as dicts in which unknown is None."""
    plain = frame.astype(object)
    return plain.where(plain.notna(), None).to_dict("records")


def _find_in_file(file: RowsFile | None) -> list[Found]:
    if file is None:
        return []
    found: list[Found] = [(row, None, None, _place(row)) for row in file.rows]
    for each in file.left_out:
        place = {"origin": "file", "origin_run_id": None, "origin_id": str(each.line), "question": None}
        reason = REPEATED_LINE if isinstance(each, RepeatedLine) else UNREADABLE
        found.append((None, reason, f"Line {each.line}: {each.reason}", place))
    return found


def _place(row: TrainingRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("origin", "origin_run_id", "origin_id", "question")}


class _Gathering:
    """Takes in what the parts found, one after the other."""

    def __init__(self, task: Task, held_out: frozenset[str]):
        self.task, self.held_out = task, held_out
        self.rows: dict[tuple, tuple[TrainingRow, str]] = {}
        self.left_out: list[LeftOutRow] = []
        self._known: dict[str, bool] = {}

    def add(self, part: str, found: Iterable[Found]) -> None:
        for row, reason, detail, place in found:
            if row is not None:
                key = _make_key(row)
                if self._is_held_out(row.question):
                    reason = HELD_OUT
                elif key in self.rows and (row.final is None or self.rows[key][0].final is not None):
                    reason = REPEATED
                else:
                    if key in self.rows:
                        earlier, its_part = self.rows.pop(key)
                        self._leave_out(its_part, REPEATED, "The later one has a final answer.", _place(earlier))
                    self.rows[key] = (row, part)
                    continue
            self._leave_out(part, reason, detail, place)

    def settle(self) -> TrainingSet:
        """Return the set, without wrong answers that stand in it as right ones too."""
        kept = []
        for key, (row, part) in self.rows.items():
            if row.label == NEGATIVE and (*key[:2], POSITIVE, None) in self.rows:
                self._leave_out(part, CONTRADICTED, None, _place(row))
            else:
                kept.append((row, part))
        return TrainingSet([row for row, _ in kept], [part for _, part in kept], self.left_out)

    def _is_held_out(self, question: str) -> bool:
        if question not in self._known:
            self._known[question] = is_known(self.task, question, self.held_out)
        return self._known[question]

    def _leave_out(self, part: str, reason: str, detail: str | None, place: Mapping[str, Any]) -> None:
        self.left_out.append(LeftOutRow(part, reason, detail, **place))


def _make_key(row: TrainingRow) -> tuple[str, str, int, str | None]:
    """Return what a row is trained on, blanks at the ends apart."""
    return row.question.strip(), row.answer.strip(), row.label, row.rejected.strip() if row.rejected else None
