"""From rows to checked problems: map the columns, let the task check each row, refuse repeats and leaks.

It knows nothing of where rows come from or where problems go; every row ends as a problem or as a fault.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from core.datasets.reading import EXCERPT, Fault, Rows
from core.datasets.recognise import ColumnMapping, Recognition, holds_model_answers, map_row, recognise
from core.errors import DataFormatError
from core.records import Problem
from core.tasks import Task

HELD_OUT_FIRST = ("test", "ood", "validation", "train")
"""Order in which files are read: where two hold the same problem, the earlier one keeps it."""


def choose_mapping(rows: Rows, task: str | None, mapping: ColumnMapping | None) -> Recognition:
    """Return task and mapping of a table: as told, else as recognised.

    Raises:
        DataFormatError: the table is nothing known and too little was told, or a told column is not in it.
    """
    if mapping:
        mapping.check(rows.columns, rows.name)
        if task:
            return Recognition(task, mapping, "Mapped by hand.")
    found = recognise(rows.columns, rows.rows, task)
    if found:
        return Recognition(found.task, mapping, "Mapped by hand.") if mapping else found
    columns = ", ".join(rows.columns) or "none"
    if not task and holds_model_answers(rows.columns):
        raise DataFormatError(
            f"{rows.name} seems to hold answers of models, which may be wrong (columns: {columns}); choose its task "
            "and map its question and reference answer by hand if it is a seed set."
        )
    what = "its question column" if task else "its task and its columns"
    raise DataFormatError(f"{rows.name} is no known kind of file (columns: {columns}); choose {what} by hand.")


def make_problem(row: Mapping[str, object], task: Task, mapping: ColumnMapping, split: str) -> Problem:
    """Return the checked problem of one row; raises ValueError with one sentence for a bad row."""
    mapped = map_row(row, mapping)
    if mapped.question is None:
        names = " + ".join(mapping.question)
        raise ValueError(f"The row has no question ({names} is empty).")
    if task.needs_answer and mapped.answer is None and mapped.final is None and not mapped.meta.get("steps"):
        raise ValueError("The row has no answer, and this task needs one.")
    return task.make_problem(mapped.question, mapped.answer, mapped.final, mapped.meta, split)


@dataclass(slots=True)
class Gathered:
    """What all files of a seed set gave; every row read is in one of the two."""

    problems: dict[str, list[Problem]] = field(default_factory=dict)
    """Split of the file -> problems in the order of the file."""

    keys: dict[str, list[str]] = field(default_factory=dict)
    """Split key of each of these problems."""

    faults: dict[str, list[Fault]] = field(default_factory=dict)
    """Split of the file -> rows that cannot be used, by line."""

    @property
    def n_rejected(self) -> int:
        """Number of faults."""
        return sum(map(len, self.faults.values()))

    @property
    def n_kept(self) -> int:
        """Number of problems."""
        return sum(map(len, self.problems.values()))


def gather_problems(sources: Mapping[str, tuple[Rows, ColumnMapping]], task: Task) -> Iterator[Gathered]:
    """Yield what is gathered so far, now and then and at the end; the same object each time.

    A row is refused that repeats question and answer of an earlier row, or whose problem (by the task's split key)
    stands in a file that is held out before it.
    """
    gathered = Gathered()
    seen: dict[str, tuple[str, int]] = {}
    held_out: dict[str, tuple[str, int]] = {}
    for split in HELD_OUT_FIRST:
        if split not in sources:
            continue
        rows, mapping = sources[split]
        problems, keys, faults = [], [], list(rows.faults)
        gathered.problems[split], gathered.keys[split], gathered.faults[split] = problems, keys, faults
        for number, (line, row) in enumerate(zip(rows.lines, rows.rows, strict=True)):
            try:
                problem = make_problem(row, task, mapping, split)
                key = task.split_key(problem)
                _refuse_repeat(problem, key, seen, held_out)
            except ValueError as error:
                faults.append(Fault(line, str(error), _show_row(row, mapping)))
            else:
                problems.append(problem)
                keys.append(key)
                seen[problem.problem_id] = (split, line)
            if number % 500 == 499:
                yield gathered
        for problem, key in zip(problems, keys, strict=True):
            held_out.setdefault(key, seen[problem.problem_id])
        faults.sort(key=lambda fault: fault.line)
    yield gathered


def _refuse_repeat(
    problem: Problem, key: str, seen: Mapping[str, tuple[str, int]], held_out: Mapping[str, tuple[str, int]]
) -> None:
    if key in held_out:
        split, line = held_out[key]
        raise ValueError(f"The same problem is held out in the {split} file (line {line}).")
    if problem.problem_id in seen:
        raise ValueError(f"The same question and answer stand in line {seen[problem.problem_id][1]} already.")


def _show_row(row: Mapping[str, object], mapping: ColumnMapping) -> str:
    """Return the beginning of what a person would know the row by."""
    shown = map_row(row, mapping).question or next((str(cell) for cell in row.values() if cell), "")
    return " ".join(shown.split())[:EXCERPT]


def list_sources(
    tables: Mapping[str, Rows], task: str | None, mapping: ColumnMapping | None
) -> tuple[Recognition, dict[str, tuple[Rows, ColumnMapping]]]:
    """Return what the train file is, and each file with its mapping.

    Without a mapping by hand each file is recognised by itself, as a file of the train file's task.

    Raises:
        DataFormatError: the table is nothing known and too little was told, or the files are of several tasks.
    """
    train = choose_mapping(tables["train"], task, mapping)
    if mapping is None:
        _refuse_other_tasks(tables)
    mappings = {split: choose_mapping(rows, train.task, mapping).mapping for split, rows in tables.items()}
    return train, {split: (rows, mappings[split]) for split, rows in tables.items()}


def _refuse_other_tasks(tables: Mapping[str, Rows]) -> None:
    """Raise DataFormatError where a file, looked at by itself, is of another task than the train file."""
    known = {split: found for split, rows in tables.items() if (found := recognise(rows.columns, rows.rows))}
    tasks = {split: found.task for split, found in known.items() if found.task != "custom"}
    for split, task in tasks.items():
        if "train" in tasks and task != tasks["train"]:
            raise DataFormatError(
                f"{tables[split].name} is a file of {task}, and {tables['train'].name} one of {tasks['train']}; choose "
                "files of one task, or map their columns by hand."
            )


def count_rows(tables: Mapping[str, Rows]) -> int:
    """Return how many rows the tables had, bad ones included."""
    return sum(len(rows.rows) + len(rows.faults) for rows in tables.values())
