"""Seed sets: import one as a run, find the import again, and load its problems.

The run folder of the import is the seed set: its id is the seed set's id, its Parquet part holds the problems.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.datasets.frames import problems_to_frame
from core.datasets.hub import read_hub
from core.datasets.problems import Gathered, count_rows, gather_problems, list_sources
from core.datasets.reading import Rows, read_rows
from core.datasets.recognise import ColumnMapping
from core.datasets.splits import LIMITS, describe_splits, draw_splits
from core.errors import DataFormatError, SeedbedError
from core.lines import read_all
from core.paths import expand
from core.records import SPLITS, Problem, content_id
from core.runs.folder import RunFolder
from core.settings import DEMO
from core.tasks import TASKS, Task

BUILT_IN = ("word_problems", "maths", "prontoqa", "game24")
"""Shipped seed sets; each is named like its task and has a file for every split."""

BUILT_IN_MAPPING = ColumnMapping(("question",), "answer", "final")

READER_VERSION = 1
"""Part of every fingerprint: raise it when the same file would be read in another way."""


def import_seed_set(folder: RunFolder) -> dict[str, Any]:
    """Read what the run was given, write its problems and rejected rows, and return the summary.

    Configuration: ``name``; ``builtin`` (name), ``hub`` (``id``, ``config``, ``splits``) or ``files`` (split -> file in
    ``input/``); ``file_names`` (split -> what the user called it); ``task`` and ``mapping`` (None: recognised);
    ``split_seed``; ``has_splits`` (False: every row is a seed).

    Raises:
        DataFormatError: nothing can be read, or no row is good.
        RunCancelled: the run was told to stop.
    """
    config = folder.config
    tables, mapping, task_name = _read_tables(folder, config)
    recognition, sources = list_sources(tables, task_name, mapping)
    task = TASKS.get(recognition.task)
    gathered = _gather(folder, task, sources)
    _write_rejected(folder, gathered, tables)
    if not gathered.problems["train"]:
        [(reason, _)] = Counter(fault.reason for fault in gathered.faults["train"]).most_common(1)
        raise DataFormatError(f"{sources['train'][0].name} has no usable row; most often: {reason}")
    problems, rule = _split(gathered, int(config.get("split_seed") or 0), config.get("has_splits", True))
    folder.write_part("problems", problems_to_frame(problems))
    totals = {"n_in": count_rows(tables), "n_kept": gathered.n_kept, "n_rejected": gathered.n_rejected}
    about = {"task": task.name, "split_rule": rule, **totals}
    folder.append(
        "seed_sets",
        {
            **about,
            "name": config["name"],
            "origin": _name_origin(config),
            "fingerprint": _fingerprint_run(folder, config),
            "mapping": sources["train"][1].to_config(),
            "written_at": time.time(),
        },
    )
    counts = Counter(problem.split for problem in problems)
    why = "Built-in seed set." if config.get("builtin") else recognition.why
    return {**about, **{f"n_{split}": counts[split] for split in SPLITS}, "why": why}


def _gather(folder: RunFolder, task: Task, sources: Mapping[str, tuple[Rows, ColumnMapping]]) -> Gathered:
    """Return the checked problems, with progress told on the way."""
    n_in = count_rows({split: rows for split, (rows, _) in sources.items()})
    gathered = Gathered()
    for gathered in gather_problems(sources, task):
        folder.report("import", gathered.n_kept, gathered.n_rejected, n_in)
        folder.check_cancelled()
    return gathered


def _read_tables(
    folder: RunFolder, config: Mapping[str, Any]
) -> tuple[dict[str, Rows], ColumnMapping | None, str | None]:
    """Return split -> rows, the mapping by hand, and the task as told."""
    mapping, task = ColumnMapping.from_config(config.get("mapping")), config.get("task")
    if name := config.get("builtin"):
        paths = list_built_in(name)
        return {split: read_rows(path) for split, path in paths.items()}, BUILT_IN_MAPPING, name
    if hub := config.get("hub"):
        return read_hub(hub["id"], hub.get("config"), hub.get("splits")), mapping, task
    files = config.get("files") or {}
    if "train" not in files:
        raise DataFormatError("No train file was named; choose the file that holds the problems to grow from.")
    names = config.get("file_names") or {}
    tables = {split: read_rows(folder.path / "input" / file, names.get(split, file)) for split, file in files.items()}
    return tables, mapping, task


def _split(gathered: Gathered, seed: int, has_splits: bool) -> tuple[list[Problem], str]:
    """Return all problems, each with its split, and the sentence that says how they were split."""
    given = [split for split in SPLITS[1:] if split in gathered.problems]
    drawn = [split for split in LIMITS if split not in gathered.problems] if has_splits else []
    train = gathered.problems["train"]
    splits = draw_splits(gathered.keys["train"], drawn, seed)
    problems = [_with_split(problem, split) for problem, split in zip(train, splits, strict=True)]
    for split in given:
        problems += gathered.problems[split]
    if not given and not drawn:
        return problems, "Every problem is a seed; none is set aside for validation or test."
    return problems, describe_splits(given, drawn, splits, seed)


def _with_split(problem: Problem, split: str) -> Problem:
    return Problem(problem.problem_id, problem.question, problem.answer, problem.final, split, problem.meta)


def _write_rejected(folder: RunFolder, gathered: Gathered, tables: Mapping[str, Rows]) -> None:
    """Write one row per fault; two files of the same name are told apart by their split."""
    names = [rows.name for rows in tables.values()]
    for split, faults in gathered.faults.items():
        name = tables[split].name
        source = name if names.count(name) == 1 else f"{name} ({split})"
        for fault in faults:
            row = {"source": source, "line": fault.line, "reason": fault.reason, "excerpt": fault.excerpt}
            folder.append("rejected_rows", row)


# -- finding an import again -----------------------------------------------------------------------------------


def list_built_in(name: str) -> dict[str, Path]:
    """Return split -> file of a shipped seed set."""
    if name not in BUILT_IN:
        raise DataFormatError(f"There is no built-in seed set {name!r}; built-in: {', '.join(BUILT_IN)}.")
    return {split: path for split in SPLITS if (path := DEMO / name / f"{split}.jsonl").exists()}


def _fingerprint(
    files: Mapping[str, Path],
    task: str | None,
    mapping: Mapping[str, Any] | None,
    split_seed: int,
    hub: Any = None,
    has_splits: bool = True,
) -> str:
    """Return a hash of the files' content and of how they are read: equal ones give the same problems and splits."""
    hashes = {split: hashlib.sha256(path.read_bytes()).hexdigest() for split, path in files.items()}
    splits = [] if has_splits else ["no splits"]
    return content_id("f", READER_VERSION, hashes, task, mapping, split_seed, hub, *splits)


def _fingerprint_run(folder: RunFolder, config: Mapping[str, Any]) -> str:
    seed = int(config.get("split_seed") or 0)
    if name := config.get("builtin"):
        return _fingerprint(list_built_in(name), name, None, seed)
    files = {split: folder.path / "input" / file for split, file in (config.get("files") or {}).items()}
    has_splits = config.get("has_splits", True)
    return _fingerprint(files, config.get("task"), config.get("mapping"), seed, config.get("hub"), has_splits)


def _name_origin(config: Mapping[str, Any]) -> str:
    if config.get("builtin"):
        return config["builtin"]
    if config.get("hub"):
        return config["hub"]["id"]
    names = config.get("file_names") or {}
    return ", ".join(names.get(split, file) for split, file in config["files"].items())


def ensure_seed_set(
    home: Path,
    name_or_path: str | Path,
    *,
    validation: Path | str | None = None,
    test: Path | str | None = None,
    task: str | None = None,
    split_seed: int = 0,
    has_splits: bool = True,
) -> str:
    """Return the id of a seed set of this home, imported here and now where the same import is not there yet.

    Args:
        home: the workspace.
        name_or_path: name of a built-in seed set, or a file.
        validation: file of validation problems; None: the built-in one, or a seeded split.
        test: file of test problems; None likewise.
        task: registry name; None: recognised.
        split_seed: draws the splits that no file was given for.
        has_splits: False keeps every row of a file as a seed, and sets none aside to test with.

    Raises:
        DataFormatError: no such name or file, or nothing in it can be used.
    """
    is_built_in = str(name_or_path) in BUILT_IN and not Path(name_or_path).is_file()
    given = {"validation": validation, "test": test}
    given = {split: expand(path) for split, path in given.items() if path is not None}
    if is_built_in:
        name = task = str(name_or_path)
        files = {**list_built_in(name), **given}
    else:
        files = {"train": expand(name_or_path), **given}
        name = files["train"].stem
        if not files["train"].exists():
            known = ", ".join(BUILT_IN)
            raise DataFormatError(
                f"There is no file and no built-in seed set {str(name_or_path)!r}; built-in: {known}."
            )
    for file in files.values():
        read_rows(file, n_max=1)  # says in one sentence what is wrong, before a run is made
    has_splits = has_splits or is_built_in
    if found := find_seed_set(home, _fingerprint(files, task, None, split_seed, has_splits=has_splits)):
        return found
    config = {"name": name, "task": task, "mapping": None, "split_seed": split_seed, "has_splits": has_splits}
    if is_built_in and not given:
        return import_now(home, {**config, "builtin": name}, {})
    copies = {split: f"{split}{file.suffix.lower()}" for split, file in files.items()}
    config |= {"files": copies, "file_names": {split: file.name for split, file in files.items()}}
    return import_now(home, config, {copies[split]: file for split, file in files.items()})


def import_now(home: Path, config: Mapping[str, Any], files: Mapping[str, Path]) -> str:
    """Make an import run and carry it out in this process; returns its id."""
    folder = RunFolder.create(
        home, "import", title=f"Import {config['name']}", config=config, lane="light", files=files, starts_itself=True
    )
    with folder.hold():
        try:
            folder.finish("done", import_seed_set(folder))
        except Exception as error:
            folder.finish("failed", error=str(error) if isinstance(error, SeedbedError) else f"A bug: {error!r}")
            raise
    return folder.run_id


def find_seed_set(home: Path, fingerprint: str) -> str | None:
    """Return the id of the latest finished import with that fingerprint; None where the home has none."""
    for path in sorted((home / "runs").glob("*/records/seed_sets.jsonl"), reverse=True):
        folder = path.parent.parent
        result = RunFolder(folder).read_result()
        if folder.name.startswith(".") or not result or result["state"] != "done":
            continue
        if any(row.get("fingerprint") == fingerprint for row in read_all(path)[-1:]):
            return folder.name
    return None


def split_problems(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    """Return split -> its problems in their order; every split is there, an empty one too."""
    found: dict[str, list[Problem]] = {split: [] for split in SPLITS}
    for problem in problems:
        found[problem.split].append(problem)
    return found


def load_problems(home: Path, seed_set_id: str, splits: Sequence[str] | None = None) -> list[Problem]:
    """Return the problems of a seed set, in the order of its files.

    Args:
        home: the workspace.
        seed_set_id: id of the import run.
        splits: names of SPLITS; None: all.

    Raises:
        DataFormatError: this home has no such seed set.
    """
    import pyarrow.parquet as pq

    parts = sorted((home / "runs" / seed_set_id / "records" / "problems").glob("part-*.parquet"))
    if not parts:
        raise DataFormatError(f"There is no seed set {seed_set_id!r} in {home}; import it first.")
    # A repeated import writes another part, and the last one is whole.
    rows = pq.read_table(parts[-1]).to_pylist()
    return [
        Problem(row["problem_id"], row["question"], row["answer"], row["final"], row["split"], json.loads(row["meta"]))
        for row in rows
        if splits is None or row["split"] in splits
    ]
