"""What is evaluated on: a name or a file becomes a seed set of this home, imported here and now where it is not there.

A set is known by the run that imported it, as every seed set is; an evaluation reads its problems from there. This file
never opens the database, and knows nothing of students.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.datasets import BUILT_IN, Preview, ensure_seed_set, load_problems, preview_file
from core.datasets.hub import read_hub
from core.datasets.reading import read_rows
from core.datasets.seed_set import import_now, list_built_in
from core.errors import DataFormatError
from core.evaluation.benchmarks import BENCHMARKS, Benchmark, pick_ranks
from core.paths import expand
from core.records import SPLITS, Problem, content_id
from core.runs.folder import RunFolder


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Problems of this home that students are asked."""

    seed_set: str
    """Id of the import run."""

    name: str
    """What people call it, splits included: ``word_problems/test``, ``GSM8K test``."""

    task: str
    splits: tuple[str, ...]
    """Splits of the seed set that are asked; of a set without splits, ``train``: all of it."""

    n_problems: int
    benchmark: str | None = None
    """Name of the benchmark; None where it is none."""

    notes: tuple[str, ...] = ()
    """Sentences on what to know before its number is compared with others."""


def find_set(home: Path, text: str, *, splits: Sequence[str] | None = None, task: str | None = None) -> EvaluationSet:
    """Return the set that a person names.

    Args:
        home: the workspace.
        text: a file; a built-in seed set or the name or id of an imported one, with or without ``/SPLIT``; a benchmark,
            or ``BENCHMARK=FILE``, one's own copy of it.
        splits: names of SPLITS; None: those in ``text``, else ``test`` where the set has one, else all of it.
        task: of a file that is not recognised.

    Raises:
        DataFormatError: no such set, file or split, or nothing in it can be used.
    """
    path = expand(text)
    if path.is_file():
        _refuse_splits(splits, text)
        return describe_set(home, ensure_seed_set(home, path, task=task, has_splits=False), label=path.stem)
    name, has_file, file = text.partition("=")
    if has_file and name in BENCHMARKS:
        _refuse_splits(splits, name)
        return describe_set(home, import_benchmark(home, BENCHMARKS[name], expand(file)))
    if text in BENCHMARKS:
        _refuse_splits(splits, text)
        return describe_set(home, find_benchmark(home, text) or import_benchmark(home, BENCHMARKS[text]))
    if (seed_set := find_imported(home, text)) is not None:
        return describe_set(home, seed_set, splits=splits)
    name, _, named = text.rpartition("/")
    if (seed_set := find_imported(home, name)) is None:
        raise DataFormatError(
            f"There is no file, seed set or benchmark {text!r}; built-in: {', '.join(BUILT_IN)}; benchmarks: "
            f"{', '.join(BENCHMARKS)}; or give a file."
        )
    if splits and set(named.split(",")) != set(splits):
        raise DataFormatError(f"{text!r} names other splits than {', '.join(splits)}; name them once.")
    return describe_set(home, seed_set, splits=named.split(","))


def check_set(home: Path, text: str) -> str:
    """Return what ``find_set`` would call a set, as far as that is known before anything is imported or fetched.

    Raises:
        DataFormatError: as ``find_set``, but for what only the hub can tell.
    """
    path = expand(text)
    if path.is_file():
        look_at_file(path)
        return path.stem
    name, has_file, file = text.partition("=")
    if has_file and name in BENCHMARKS:
        make_import(BENCHMARKS[name], expand(file))
        return BENCHMARKS[name].title
    if text in BENCHMARKS:
        return BENCHMARKS[text].title
    name, _, named = text.rpartition("/")
    if name in BUILT_IN:
        _require_splits(name, list(list_built_in(name)), named.split(","))
    return text if text in BUILT_IN or name in BUILT_IN else find_set(home, text).name


def _require_splits(name: str, present: Sequence[str], wanted: Sequence[str]) -> None:
    if missing := [split for split in wanted if split not in present]:
        raise DataFormatError(f"{name} has no split {missing[0]!r}; it has {', '.join(present)}.")


def describe_set(
    home: Path, seed_set: str, *, splits: Sequence[str] | None = None, label: str | None = None
) -> EvaluationSet:
    """Return the set that a finished import is, of these splits.

    Args:
        home: the workspace.
        seed_set: id of the import run.
        splits: as for ``find_set``.
        label: what people call it; None: the name of the seed set, and its splits.

    Raises:
        DataFormatError: there is no such seed set, or it has no problems in a split that was named.
    """
    problems, folder = load_problems(home, seed_set), RunFolder(home / "runs" / seed_set)
    config, counts = folder.config, Counter(problem.split for problem in problems)
    summary = folder.read_state().summary or {}
    present = [split for split in SPLITS if counts[split]]
    chosen = tuple(dict.fromkeys(splits or (["test"] if counts["test"] else present)))
    _require_splits(config["name"], present, chosen)
    benchmark = BENCHMARKS.get(config.get("benchmark") or "")
    has_splits = len(present) > 1
    asked = [problem for problem in problems if problem.split in chosen]
    if benchmark is not None:
        asked = pick_ranks(benchmark, asked)
    return EvaluationSet(
        seed_set=seed_set,
        name=label or (f"{config['name']}/{','.join(chosen)}" if has_splits else config["name"]),
        task=summary.get("task") or config["task"],
        splits=chosen,
        n_problems=len(asked),
        benchmark=benchmark.name if benchmark else None,
        notes=tuple(_list_notes(benchmark, len(asked), summary, chosen if has_splits else ())),
    )


def _list_notes(
    benchmark: Benchmark | None, n_asked: int, summary: Mapping[str, Any], splits: Sequence[str]
) -> Iterator[str]:
    n_rejected = summary.get("n_rejected") or 0
    if benchmark is not None and n_asked != benchmark.n_problems:
        refused = f", of which {n_rejected:,} could not be read" if n_rejected else ""
        yield (
            f"{benchmark.title} has {benchmark.n_problems:,} problems, and this copy gave {n_asked:,}{refused}: its "
            "numbers are not quite those of others."
        )
    elif n_rejected:
        yield f"{n_rejected:,} rows of the source could not be used, so they are not asked."
    if "train" in splits or "validation" in splits:
        yield "Train and validation problems have a part in training, so accuracy on them is no test."


def _refuse_splits(splits: Sequence[str] | None, name: str) -> None:
    if splits:
        raise DataFormatError(f"{name} has no splits: all of it is asked; leave the split out.")


def list_imports(home: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (id, configuration) of the finished imports of a home, newest first."""
    for path in sorted((home / "runs").glob("[!.]*/records/seed_sets.jsonl"), reverse=True):
        folder = RunFolder(path.parent.parent)
        result = folder.read_result()
        if result and result["state"] == "done":
            yield folder.run_id, folder.config


def find_imported(home: Path, name: str) -> str | None:
    """Return the id of a built-in seed set, of an imported one by its id, else of the newest one by its name."""
    if name in BUILT_IN:
        return ensure_seed_set(home, name)
    imports = dict(list_imports(home))
    return name if name in imports else next((id_ for id_, each in imports.items() if each["name"] == name), None)


# -- files of one's own ----------------------------------------------------------------------------------------------


def find_file(home: Path, file: Path, task: str | None = None) -> str | None:
    """Return the id of the newest import of this very file that keeps it whole; None without one.

    Args:
        home: the workspace.
        file: as ``make_file_import``.
        task: that it was read as by hand; None: recognised.
    """
    size, source_hash = file.stat().st_size, None
    for id_, each in list_imports(home):
        if each.get("benchmark") or each.get("mapping") or each.get("has_splits", True) or each.get("task") != task:
            continue
        copy = home / "runs" / id_ / "input" / (each.get("files") or {}).get("train", "")
        if copy.is_file() and copy.stat().st_size == size:
            source_hash = source_hash or hash_file(file)
            if hash_file(copy) == source_hash:
                return id_
    return None


def make_file_import(file: Path, task: str | None = None) -> tuple[dict[str, Any], dict[str, Path], str]:
    """Return the configuration of an import that keeps a file whole, the files that it is given, and its task.

    Args:
        file: JSONL, CSV or Parquet, with a question and an answer in each row.
        task: registry name; None: recognised.

    Raises:
        DataFormatError: the file cannot be read, is of no known task, or begins with nothing that can be used.
    """
    preview = look_at_file(file, task)
    about, files = _name_copy(file)
    config = {"name": file.stem, "task": task, "mapping": None, "split_seed": 0, "has_splits": False, **about}
    return config, files, preview.task


def look_at_file(file: Path, task: str | None = None) -> Preview:
    """Return the beginning of a file that can be imported; raises as ``make_file_import`` for another one."""
    if not file.is_file():
        raise DataFormatError(f"There is no file {file}; check its path.")
    preview = preview_file(file, task)
    if preview.task is None or preview.mapping is None:
        raise DataFormatError(preview.why)
    if not preview.problems:
        reason = preview.faults[0].reason if preview.faults else "it holds no rows."
        raise DataFormatError(f"{file.name} has no usable row among the first {preview.n_rows:,}: {reason}")
    return preview


# -- benchmarks ----------------------------------------------------------------------------------------------------


def find_benchmark(home: Path, name: str, source_hash: str | None = None) -> str | None:
    """Return the id of the newest import of a benchmark, or of the one from that very file; None without one."""
    imports = ((id_, each) for id_, each in list_imports(home) if each.get("benchmark") == name)
    return next((id_ for id_, each in imports if source_hash in (None, each.get("source_hash"))), None)


def make_import(benchmark: Benchmark, file: Path | None) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return the configuration of an import of a benchmark, and the files that it is given.

    Args:
        benchmark: which.
        file: a person's own copy; None: from the hub.

    Raises:
        DataFormatError: the file cannot be read.
    """
    if file is None:
        return benchmark.to_import(), {}
    read_rows(file, n_max=1)
    about, files = _name_copy(file)
    return {**benchmark.describe_import(), **about, "source_hash": hash_file(file)}, files


def _name_copy(file: Path) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return what the configuration of an import says of its one file, and the file by the name of the run's copy."""
    copy = f"train{file.suffix.lower()}"
    return {"files": {"train": copy}, "file_names": {"train": file.name}}, {copy: file}


def hash_file(file: Path) -> str:
    """Return an id of a file's content; raises DataFormatError where there is no such file."""
    try:
        return content_id("f", hashlib.sha256(file.read_bytes()).hexdigest())
    except OSError as error:
        raise DataFormatError(f"There is no file {file}; check its path.") from error


def import_benchmark(home: Path, benchmark: Benchmark, file: Path | None = None) -> str:
    """Import a benchmark here and now, where this file was not imported before; returns its id.

    Raises:
        DataFormatError: the file is none of this task's, or the hub cannot give the benchmark.
    """
    if file is not None and (found := find_benchmark(home, benchmark.name, hash_file(file))):
        return found
    config, files = make_import(benchmark, file)
    if file is None:
        try:
            read_hub(benchmark.hub_id, benchmark.hub_config, {"train": benchmark.hub_split})  # before a run is made
        except DataFormatError as error:
            reason = str(error).split(";")[0]
            raise DataFormatError(
                f"{benchmark.title} is not in this home yet, and the hub did not give it ({reason}); go online, or "
                f"give your own copy of it as a file ({benchmark.name}=FILE in the shell)."
            ) from error
    return import_now(home, config, files)


# -- which problems of a set are asked -------------------------------------------------------------------------------


def choose_problems(home: Path, config: Mapping[str, Any]) -> list[Problem]:
    """Return the problems that an evaluation asks, in the order of their source.

    A limit takes the first ones in the order of a hash of seed and problem: the same problems whatever stands around
    them, and those of a smaller limit are among those of a larger one.

    Args:
        home: the workspace.
        config: ``seed_set``, ``splits``, ``benchmark``, ``limit`` (None: all) and ``limit_seed``.

    Raises:
        DataFormatError: there is no such seed set, or the benchmark's problems are not all there.
    """
    problems = load_problems(home, config["seed_set"], config["splits"])
    if config.get("benchmark"):
        problems = pick_ranks(BENCHMARKS[config["benchmark"]], problems)
    limit, seed = config.get("limit"), config.get("limit_seed") or 0
    if limit is None or limit >= len(problems):
        return problems
    chosen = sorted(problems, key=lambda each: hashlib.sha256(f"{seed}\n{each.problem_id}".encode()).digest())[:limit]
    ids = {problem.problem_id for problem in chosen}
    return [problem for problem in problems if problem.problem_id in ids]
