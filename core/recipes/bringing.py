"""Candidates made elsewhere (distilabel, data-designer, any table): read, judged by filters, and kept as a run.

The run has its own copy of the file, so everything can be made again from its folder. Every row is a candidate, or is
counted with its reason among the rejected rows; filters judge the candidates as they judge a teacher's, and those they
reject are kept. Nobody is asked anything, so it costs nothing.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from core.cache import Cache
from core.counting import counted
from core.datasets import load_problems
from core.datasets.candidate_rows import (
    CandidateColumns,
    CandidateRow,
    list_tables,
    read_row,
    read_table,
    recognise_columns,
)
from core.datasets.reading import EXCERPT, Fault, Rows
from core.errors import DataFormatError, UnknownNameError
from core.filters.base import FILTERS, FilterContext, make_filters
from core.filters.judging import FREE, judge
from core.hub import Hub
from core.recipes.generating import ALWAYS
from core.recipes.growing import read_benchmarks
from core.recipes.stages import CandidateRecorder, home_of
from core.recipes.start import FILTER_NAMES, read_seed_set
from core.records import Candidate, Problem, content_id
from core.runs.folder import STOPPED, RunFolder
from core.tasks import TASKS
from core.tasks.base import Task

KIND = "bring"
"""Kind of these runs."""

METHOD = "brought"
"""What the method of such a candidate is called."""

UNKNOWN_MODEL = "unknown model"

BLOCK = 64
"""Candidates that are judged between two looks at whether the run was told to stop."""


def list_free_filters() -> list[str]:
    """Return the filters that ask no teacher, the one that is always on apart."""
    import core.filters as _registers_them  # noqa: F401

    return [name for name in FILTERS if name != ALWAYS and FILTERS.get(name).cost in FREE]


def make_bring_config(
    about: Mapping[str, Any],
    path: Path,
    *,
    columns: Mapping[str, Any] | None = None,
    filters: Sequence[str] = FILTER_NAMES,
    benchmarks: Sequence[str] = (),
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return the frozen configuration of a run, and the files that it is given, looked at before it runs.

    Args:
        about: ``seed_set`` (id), ``seed_set_name`` and ``task``.
        path: a file, or a folder as a tool left it.
        columns: what the table has in which column (``CandidateColumns``), where a person said so; those that are not
            named are as recognised.
        filters: names; ``held_out`` filters in any case.
        benchmarks: ids of seed sets that no candidate may come close to, beside the held-out problems.
        name: what people know the file by; None: its own name.

    Raises:
        DataFormatError: it cannot be read, or which columns hold what is not known.
        UnknownNameError: no such filter, or one that asks a teacher.
    """
    paths = list_tables(path)
    name = name or path.name
    rows = read_table(paths[0], n_max=200)
    chosen = merge_columns(rows, columns, name)
    names = list(dict.fromkeys([ALWAYS, *filters]))
    asking = [one.name for one in make_filters(names) if one.cost not in FREE]
    if asking:
        raise UnknownNameError(
            f"The filter {asking[0]} asks a teacher; candidates made elsewhere are judged by "
            f"{', '.join(list_free_filters())}."
        )
    copies = {f"table-{number:05d}{each.suffix.lower()}": each for number, each in enumerate(paths)}
    files = [
        {"input": copy, "name": name if len(paths) == 1 else f"{name}/{each.name}", "sha256": hash_file(each)}
        for copy, each in copies.items()
    ]
    config = {
        **about,
        "name": name,
        "files": files,
        "columns": chosen.to_config(),
        "filters": names,
        "benchmarks": list(benchmarks),
        "teacher": None,
    }
    return config, copies


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def merge_columns(rows: Rows, columns: Mapping[str, Any] | None, name: str) -> CandidateColumns:
    """Return which columns hold what: as told, else as recognised; raises DataFormatError where that is not enough."""
    if not rows.rows and rows.faults:
        raise DataFormatError(f"No row of {name} can be read; line {rows.faults[0].line}: {rows.faults[0].reason}")
    found = recognise_columns(rows)
    known = found.to_config() if found else {}
    merged = {"question": (), "answer": None, "final": None, "parent": None, "model": None, **known, **(columns or {})}
    if found is None and not (merged["question"] and merged["answer"]):
        missing = "answer" if merged["question"] else "question" if merged["answer"] else "question and answer"
        raise DataFormatError(
            f"{name} does not say which of its columns holds the {missing} (columns: "
            f"{', '.join(rows.columns) or 'none'}); name it."
        )
    chosen = CandidateColumns.from_config(merged)
    chosen.check(rows.columns, name)
    return chosen


def start_bring(hub: Hub, seed_set: str, path: Path, **choices: Any) -> str:
    """Put a run that brings in candidates in the queue; returns its id.

    Args:
        hub: of the home.
        seed_set: that they will belong to; its task says how answers are read and checked.
        path: a file or folder; the run keeps its own copy.
        choices: see ``make_bring_config``.

    Raises:
        SeedbedError: what ``make_bring_config`` raises.
    """
    found = read_seed_set(hub, seed_set)
    about = {"seed_set": seed_set, "seed_set_name": found["name"], "task": found["task"]}
    config, files = make_bring_config(about, path, **choices)
    inputs = {"earlier": pd.DataFrame({"question": hub.store.list_earlier_questions(seed_set)}, dtype="str")}
    return hub.submit(KIND, title_bring(config), config, lane="light", inputs=inputs, files=files)


def find_brought(hub: Hub, seed_set: str, hashes: Sequence[str]) -> dict[str, Any] | None:
    """Return the newest run that brought, or will bring, these very files to a seed set; None: there is none.

    Args:
        hub: of the home.
        seed_set: id.
        hashes: of the files, as ``hash_file`` has them, in the order of ``list_tables``.
    """
    for run in hub.store.list_runs([KIND], seed_set_id=seed_set, limit=None).to_dict("records"):
        own = [file["sha256"] for file in json.loads(run["config"])["files"]]
        if own == [*hashes] and run["state"] not in STOPPED:
            return run
    return None


def title_bring(config: Mapping[str, Any]) -> str:
    """Return what such a run is called."""
    return f"Bring {config['name'][:100]} to {config['seed_set_name']}"


# -- the run ---------------------------------------------------------------------------------------------------


def bring_run(folder: RunFolder) -> dict[str, Any]:
    """Read the file, let filters judge its candidates, and record them; summary: the counts.

    Raises:
        DataFormatError: nothing in it is a candidate.
        RunCancelled: the run was told to stop.
    """
    config, started = folder.config, time.time()
    home, task = home_of(folder), TASKS.get(config["task"])
    problems = load_problems(home, config["seed_set"])
    folder.report("read", 0, 0, None)
    taken = take_rows(folder, task, problems)
    for source, faults in taken.faults.items():
        for fault in faults:
            row = {"source": source, "line": fault.line, "reason": fault.reason, "excerpt": fault.excerpt}
            folder.append("rejected_rows", row)
    if not taken.candidates:
        [(reason, _)] = Counter(fault.reason for faults in taken.faults.values() for fault in faults).most_common(1)
        raise DataFormatError(
            f"{config['name']} holds no candidate; most often: {reason} Where another column holds it, name that one."
        )
    accepted, reasons = _judge(folder, task, problems, taken.candidates)
    n_left_out = sum(map(len, taken.faults.values()))
    return {
        "n_rows": len(taken.candidates) + n_left_out,
        "n_left_out": n_left_out,
        "made": len(taken.candidates),
        "accepted": accepted,
        "rejected": len(taken.candidates) - accepted,
        "reasons": dict(reasons.most_common()),
        "n_with_parents": sum(bool(each.parents) for each in taken.candidates),
        "n_unknown_parents": taken.n_unknown_parents,
        "n_more_answers": taken.n_more_answers,
        "models": dict(Counter(each.teacher for each in taken.candidates).most_common(20)),
        "seconds": time.time() - started,
    }


def _judge(
    folder: RunFolder, task: Task, problems: Sequence[Problem], candidates: Sequence[Candidate]
) -> tuple[int, Counter[str]]:
    """Put the candidates to the filters in the order of the file, and record them; returns accepted, and why not."""
    config, home = folder.config, home_of(folder)
    filters = make_filters(config["filters"])
    recorder, reasons = CandidateRecorder(folder, 1, len(candidates), KIND), Counter()
    with Cache(home / "cache" / "scores") as cache:
        context = FilterContext(
            task,
            folder.read_input("earlier")["question"].tolist(),
            seeds={problem.problem_id: problem for problem in problems if problem.split == "train"},
            held_out=[problem for problem in problems if problem.split != "train"],
            benchmarks=read_benchmarks(home, config["benchmarks"]),
            cache=cache,
            earlier_noun="a question that was there before",
        )
        for start in range(0, len(candidates), BLOCK):
            block = candidates[start : start + BLOCK]
            for candidate, verdicts in zip(block, judge(block, filters, context), strict=True):
                recorder.keep(candidate, verdicts)
                rejecting = sorted(each.filter for each in verdicts if each.is_accepted is False)
                reasons.update(rejecting[:1])  # of several the first by name, as tables have it
            context.earlier_questions += [each.question for each in block]
            recorder.report()
            folder.check_cancelled()
    return recorder.n_accepted, reasons


@dataclass(slots=True)
class Taken:
    """What the files gave: every row is in one of the two."""

    candidates: list[Candidate] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    """Name of the file -> rows that are no candidates, by line."""

    n_unknown_parents: int = 0
    """Candidates that name a seed which is none of the seed set's."""

    n_more_answers: int = 0
    """Candidates whose row holds further answers."""


def take_rows(folder: RunFolder, task: Task, problems: Sequence[Problem]) -> Taken:
    """Read the files of a run; a row is refused that is no candidate, is there twice, or grew from a held-out problem.

    Of several answers in one row the first is taken: filters would turn down the same question a second time.

    Args:
        folder: of the run.
        task: reads final answers.
        problems: of the seed set, all splits.
    """
    config = folder.config
    columns, seeds = CandidateColumns.from_config(config["columns"]), SeedNames.read(problems)
    taken, seen = Taken(), {}
    for file in config["files"]:
        rows = read_table(folder.path / "input" / file["input"], file["name"])
        faults = taken.faults[file["name"]] = list(rows.faults)
        for line, row in zip(rows.lines, rows.rows, strict=True):
            try:
                read = read_row(row, columns)
                key = (read.question, read.answer)
                if key in seen:
                    raise ValueError(f"The same question and answer stand in line {seen[key][1]} of {seen[key][0]}.")
                parents, is_unknown = seeds.find(read.parents)
            except ValueError as error:
                text = row.get(columns.question[0])
                faults.append(Fault(line, str(error), "" if text is None else str(text)[:EXCERPT]))
                continue
            seen[key] = (file["name"], line)
            taken.n_unknown_parents += is_unknown
            taken.n_more_answers += read.n_answers > 1
            taken.candidates.append(make_candidate(folder.run_id, file["name"], line, read, parents, task))
        faults.sort(key=lambda fault: fault.line)
        folder.check_cancelled()
    return taken


@dataclass(frozen=True, slots=True)
class SeedNames:
    """What a file may call a seed: its id or its whole question, letter case and blanks aside."""

    ids: Mapping[str, str]
    """Id or question of a train problem, as ``plain`` has it -> its id."""

    held_out: frozenset[str]
    """Ids and questions of the other problems, likewise."""

    @classmethod
    def read(cls, problems: Sequence[Problem]) -> "SeedNames":
        """Return the names of a seed set's problems; where two ask the same, the first has the question."""
        train = [problem for problem in problems if problem.split == "train"]
        ids = {cls.plain(problem.question): problem.problem_id for problem in reversed(train)}
        ids |= {cls.plain(problem.problem_id): problem.problem_id for problem in train}
        others = [problem for problem in problems if problem.split != "train"]
        held_out = {cls.plain(name) for problem in others for name in (problem.problem_id, problem.question)}
        return cls(ids, frozenset(held_out - ids.keys()))

    @staticmethod
    def plain(name: str) -> str:
        """Return a name without what other tools change in it."""
        return " ".join(name.split()).casefold()

    def find(self, names: Sequence[str]) -> tuple[tuple[str, ...], bool]:
        """Return the ids of those that are seeds, and whether another one is named.

        Raises:
            ValueError: one is a validation or test problem.
        """
        names = [self.plain(name) for name in names]
        if any(name in self.held_out for name in names):
            raise ValueError("It grew from a validation or test problem, which nothing may be trained on.")
        found = [self.ids[name] for name in names if name in self.ids]
        return tuple(dict.fromkeys(found)), len(found) < len(names)


def make_candidate(
    salt: str, file: str, line: int, row: CandidateRow, parents: tuple[str, ...], task: Task
) -> Candidate:
    """Return a row as a candidate; where it states no final answer, the one that its answer ends in."""
    meta = {"file": file, "line": line, "columns": row.others}
    return Candidate(
        candidate_id=content_id("c", salt, file, line),
        parents=parents,
        question=row.question,
        answer=row.answer,
        final=row.final or task.extract_final(row.answer),
        failure=None,
        method=METHOD,
        teacher=row.model or UNKNOWN_MODEL,
        raw_question=None,
        raw_answer=None,
        n_input_tokens=None,
        n_output_tokens=None,
        meta=meta | ({"n_answers": row.n_answers} if row.n_answers > 1 else {}),
    )


# -- from run folders alone ------------------------------------------------------------------------------------


def list_earlier(home: Path, seed_set: str) -> list[str]:
    """Return what ``store.list_earlier_questions`` does, for a process that has no database."""
    from core.lines import read_all

    questions: list[str] = []
    runs = [path for kind in ("generate", KIND) for path in (home / "runs").glob(f"[!.]*-{kind}-*")]
    for path in sorted(runs):
        folder = RunFolder(path)
        if folder.config.get("seed_set") != seed_set or folder.config.get("is_preview"):
            continue
        rows = {row["candidate_id"]: row for row in read_all(path / "records" / "candidates.jsonl")}
        questions += [
            row["question"] for row in rows.values() if row["question"] and row["meta"].get("label") != "incorrect"
        ]
    return questions


def describe_brought(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield what came of a file, one sentence a line."""
    yield (
        f"{counted(summary['n_rows'], 'row')} = {counted(summary['made'], 'candidate')} + "
        f"{summary['n_left_out']:,} left out"
    )
    candidates = counted(summary["made"], "candidate")
    yield f"{candidates} = {summary['accepted']:,} accepted + {summary['rejected']:,} rejected"
    for name, n in summary["reasons"].items():
        yield f"  {n:,}: rejected by {name}"
    if summary["n_with_parents"] or summary["n_unknown_parents"]:
        unknown = (
            f"; {summary['n_unknown_parents']:,} name one that is not in it" if summary["n_unknown_parents"] else ""
        )
        yield f"{summary['n_with_parents']:,} grew from a seed of the set{unknown}"
    if summary["n_more_answers"]:
        yield f"{counted(summary['n_more_answers'], 'row')} had several answers: the first one was taken"
