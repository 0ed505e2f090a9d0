"""The run that evaluates: students answer the same problems, every answer is judged, the difference is measured.

The base and the tuned student are asked the same problems, so that the comparison is paired. What a student answered
before comes from the cache of predictions; a run that was cancelled goes on where it stopped. Runs of the page and of
the shell are the same.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from core.cache import Cache
from core.errors import DataFormatError, RunCancelled, RunError, SeedbedError, SignalError
from core.evaluation.asking import MeteredStudent, ask_greedily, ask_often
from core.evaluation.benchmarks import BENCHMARKS
from core.evaluation.judging import TOLERANT, Judged, judge_answer
from core.evaluation.sets import (
    EvaluationSet,
    choose_problems,
    describe_set,
    find_benchmark,
    find_file,
    hash_file,
    make_file_import,
    make_import,
)
from core.hub import Hub
from core.models.adapters import check_fit
from core.recipes.evaluation_results import BASE, TUNED, Evaluated, summarise, write_answers
from core.recipes.scoring import open_student
from core.recipes.stages import LOADING, home_of
from core.recipes.start import require_model
from core.recipes.teachers import check_teacher, open_team, require_reachable
from core.recipes.titles import title_evaluation
from core.records import Prediction, Problem
from core.runs.folder import RunFolder
from core.signals import SIGNALS, Scoring
from core.tasks import TASKS
from core.tasks.base import Task
from core.teacher.base import Teacher

DRAWN_AT = 1.0
"""Temperature of drawn answers where nobody says otherwise: the student as it is."""

MOST_SAMPLES = 1024
"""Answers to one problem, at most."""


# -- starting one --------------------------------------------------------------------------------------------------


def make_evaluate_config(
    home: Path,
    chosen: EvaluationSet,
    *,
    student: str = "tiny",
    adapter: str | None = None,
    server: Mapping[str, str] | None = None,
    asks_base: bool = True,
    n_samples: int | None = None,
    temperature: float | None = None,
    seed: int = 0,
    grader: str | Mapping[str, Any] | None = None,
    limit: int | None = None,
    limit_seed: int = 0,
    tolerance: float | None = None,
) -> dict[str, Any]:
    """Return the frozen configuration of an evaluation.

    Args:
        home: the workspace.
        chosen: what is asked.
        student: ``tiny``, a folder, a hub id, or the name of a model behind a server.
        adapter: folder relative to the home, or a whole path, of what a finetune made; None: the base alone.
        server: ``base_url``, ``model``, ``key_env`` of a student behind a server; None: it is on this machine.
        asks_base: whether the base is asked beside the tuned student.
        n_samples: answers drawn for each problem; None: one greedy answer, or with a temperature one drawn.
        temperature: of drawn answers, above 0; None: greedy, or with several samples DRAWN_AT.
        seed: of the numbers that decide drawn answers.
        grader: a teacher as ``core.teacher.roles`` has it, who reads every answer beside the reference; None: nobody.
        limit: problems asked, at most, see ``core.evaluation.sets.choose_problems``; None: all.
        limit_seed: another one asks others.
        tolerance: largest relative difference of two numbers that count as equal; 0: none; None: as the benchmark has
            it.

    Raises:
        ModelLoadError: there is no such student, or no such adapter of it.
        RunError: nobody is asked, or a number is out of range.
        SignalError: an adapter on a student behind a server.
        UnknownNameError: no such grader.
        TeacherError: the grader's fields cannot be right.
    """
    _check_who(server, adapter, asks_base)
    grader = _freeze_grader(grader)
    source = student if server is not None else require_model(student)
    if adapter is not None:
        check_fit(source, home / adapter)
    _check_numbers(n_samples, temperature, limit)
    return {
        **_describe_asked(chosen, tolerance),
        "limit": limit,
        "limit_seed": limit_seed,
        "student": source,
        "server": None if server is None else dict(server),
        "adapter": adapter,
        "asks_base": asks_base,
        "n_samples": 1 if n_samples is None else n_samples,
        "temperature": DRAWN_AT if temperature is None and n_samples is not None else temperature,
        "seed": seed,
        "teacher": grader,
    }


def _describe_asked(chosen: EvaluationSet, tolerance: float | None) -> dict[str, Any]:
    """Return the part of a configuration that says which set is asked, and which numbers are equal there."""
    return {
        "seed_set": chosen.seed_set,
        "seed_set_name": chosen.name,
        "task": chosen.task,
        "splits": list(chosen.splits),
        "benchmark": chosen.benchmark,
        "tolerance": _choose_tolerance(chosen, tolerance),
    }


def _check_who(server: Mapping[str, str] | None, adapter: str | None, asks_base: bool) -> None:
    if server is not None and adapter is not None:
        raise SignalError("An adapter cannot be put on a student behind a server; serve it there under a name.")
    if adapter is None and not asks_base:
        raise RunError("Without the base and without an adapter nobody is asked; name an adapter, or ask the base.")


def _freeze_grader(grader: str | Mapping[str, Any] | None) -> str | dict[str, Any] | None:
    """Return a checked grader as the configuration has it, a student among graders by its resolved name."""
    if grader is None:
        return None
    check_teacher(grader)
    if isinstance(grader, str):
        return grader
    return {**grader, "student": require_model(grader["student"])} if "student" in grader else dict(grader)


def _check_numbers(n_samples: int | None, temperature: float | None, limit: int | None) -> None:
    if n_samples is not None and not 1 <= n_samples <= MOST_SAMPLES:
        raise RunError(f"Draw from 1 to {MOST_SAMPLES:,} answers to each problem, not {n_samples:,}.")
    if temperature is not None and not (math.isfinite(temperature) and temperature > 0):
        raise RunError(f"The temperature must be a number above 0, not {temperature:g}; leave it out to ask greedily.")
    if limit is not None and limit < 1:
        raise RunError(f"At least 1 problem must be asked, not {limit:,}.")


def _choose_tolerance(chosen: EvaluationSet, tolerance: float | None) -> float | None:
    """Return the tolerance of an evaluation, None for none; the benchmark's where nobody says otherwise."""
    if tolerance is None:
        return BENCHMARKS[chosen.benchmark].tolerance if chosen.benchmark else None
    if not (math.isfinite(tolerance) and 0 <= tolerance < 1):
        raise RunError(f"The tolerance is a share from 0 to 1 (0.01: one per cent), not {tolerance:g}.")
    if tolerance and chosen.task not in TOLERANT:
        raise RunError(f"Answers of the task {chosen.task} are no numbers, so no tolerance applies; leave it out.")
    return tolerance or None


def start_evaluate(hub: Hub, chosen: EvaluationSet, *, after: str | None = None, **choices: Any) -> str:
    """Evaluate in the background; returns the run id.

    Args:
        hub: of the home.
        chosen: what is asked.
        after: a run that must be done first, as the import of the set; None: none.
        choices: as for ``make_evaluate_config``.

    Raises:
        TeacherError: the student's server, or the grader's, cannot be reached.
        SeedbedError: whatever ``make_evaluate_config`` raises.
    """
    config = make_evaluate_config(hub.settings.home, chosen, **choices)
    for server in (config["server"], config["teacher"]):
        if isinstance(server, Mapping) and "base_url" in server:
            require_reachable({name: server[name] for name in ("base_url", "model", "key_env") if name in server})
    waits = {} if after is None else {"after": after}
    return hub.submit("evaluate", title_evaluation(config, hub.settings.home), {**config, **waits}, lane="device")


def start_benchmark(hub: Hub, name: str, file: Path | None = None) -> tuple[EvaluationSet, str | None]:
    """Import a benchmark in the background, from one's own file or from the hub.

    Returns:
        The set that it will be, and the run to wait for (``after`` of ``start_evaluate``); None where that very file
        was brought in before.

    Raises:
        DataFormatError: the file cannot be read.
    """
    benchmark = BENCHMARKS[name]
    if file is not None and (known := find_benchmark(hub.settings.home, name, hash_file(file))):
        return describe_set(hub.settings.home, known), None
    config, files = make_import(benchmark, file)
    run_id = hub.submit("import", f"Import {benchmark.title}", config, lane="light", files=files)
    chosen = EvaluationSet(run_id, benchmark.title, benchmark.task, ("train",), benchmark.n_problems, benchmark.name)
    return chosen, run_id


def start_file(hub: Hub, file: Path, task: str | None = None) -> tuple[EvaluationSet, str | None]:
    """Import a file of questions and answers in the background, as a whole; returns as ``start_benchmark`` does.

    Args:
        hub: of the home.
        file: JSONL, CSV or Parquet; the run keeps a copy.
        task: registry name; None: recognised.

    Raises:
        DataFormatError: the file cannot be read, is of no known task, or begins with nothing that can be used.
    """
    config, files, found = make_file_import(file, task)
    if known := find_file(hub.settings.home, file, task):
        return describe_set(hub.settings.home, known, label=file.stem), None
    run_id = hub.submit("import", f"Import {file.stem}", config, lane="light", files=files)
    return EvaluationSet(run_id, file.stem, found, ("train",), 0), run_id


def read_set(hub: Hub, seed_set: str, splits: Sequence[str] | None = None) -> EvaluationSet:
    """Return a seed set of this home as something to evaluate on; raises DataFormatError as ``describe_set`` does."""
    return describe_set(hub.settings.home, seed_set, splits=splits)


# -- the run -------------------------------------------------------------------------------------------------------


def evaluate_run(folder: RunFolder) -> dict[str, Any]:
    """Ask, judge, grade and compare; see ``make_evaluate_config`` for the configuration.

    Returns:
        What ``evaluation_results.summarise`` says.

    Raises:
        RunCancelled: it was told to stop; what was answered until then is in the cache.
        SeedbedError: a student, or the problems, cannot be had.
    """
    config, home = folder.config, home_of(folder)
    task = TASKS.get(config["task"])
    problems = choose_problems(home, config)
    if not problems:
        raise DataFormatError(f"{config['seed_set_name']} has no problems to ask; choose another split.")
    failed: dict[str, str] = {}
    with ExitStack() as stack:
        grader = _open_grader(stack, folder, failed)
        cache = stack.enter_context(Cache(home / "cache" / "predictions"))
        found = [_ask(folder, label, task, problems, cache) for label in list_students(config)]
        for evaluated in found if grader is not None else ():  # afterwards: a grader may be a model in this memory too
            _grade(folder, evaluated, task, problems, grader, cache, failed)
            write_answers(folder, evaluated, problems)
    return summarise(task, problems, found, failed)


def list_students(config: Mapping[str, Any]) -> list[str]:
    """Return which students a configuration asks: the base, unless it is switched off, and the tuned one if any."""
    return [BASE] * bool(config["asks_base"]) + [TUNED] * bool(config["adapter"])


def _ask(folder: RunFolder, label: str, task: Task, problems: Sequence[Problem], cache: Cache) -> Evaluated:
    """Load a student, let it answer all problems, let it go, and judge and write the answers.

    It is gone when this returns: the memory holds one student at a time.
    """
    config = folder.config
    folder.report(f"{label}: {LOADING}", 0, 0, None)
    student = MeteredStudent(open_student(home_of(folder), config if label == TUNED else {**config, "adapter": None}))

    def on_batch(done: int, total: int) -> None:
        folder.report(f"{label}: answers", done, 0, total)
        if student.tokens_per_second is not None:
            about = {"round": (BASE, TUNED).index(label), "name": "tokens_per_second"}
            folder.append("metrics", {**about, "step": student.n_answers, "value": student.tokens_per_second})

    asking = {"cache": cache, "on_batch": on_batch, "check": folder.check_cancelled}
    if config["temperature"] is None:
        answers = ask_greedily(student, task, problems, **asking)
    else:
        drawing = {name: config[name] for name in ("n_samples", "temperature", "seed")}
        answers = ask_often(student, task, problems, **drawing, **asking)
    student.let_go()
    evaluated = Evaluated(label, answers, list(_judge(folder, task, problems, answers)), student)
    write_answers(folder, evaluated, problems)
    return evaluated


def _judge(
    folder: RunFolder, task: Task, problems: Sequence[Problem], answers: Sequence[Sequence[Prediction]]
) -> Iterator[list[Judged]]:
    """Yield what the checker makes of the answers to each problem."""
    tolerance = folder.config["tolerance"]
    for problem, row in zip(problems, answers, strict=True):
        folder.check_cancelled()
        yield [judge_answer(task, problem, answer, tolerance) for answer in row]


def _open_grader(stack: ExitStack, folder: RunFolder, failed: dict[str, str]) -> Teacher | None:
    """Open who grades; None where nobody is to, or where it cannot be had, which costs none of the rest."""
    if not folder.config["teacher"]:
        return None
    try:
        return stack.enter_context(open_team(folder))
    except RunCancelled:
        raise
    except SeedbedError as error:
        failed["grade"] = str(error)
        return None


def _grade(
    folder: RunFolder,
    evaluated: Evaluated,
    task: Task,
    problems: Sequence[Problem],
    grader: Teacher,
    cache: Cache,
    failed: dict[str, str],
) -> None:
    """Let the grader read every answer beside its reference (Kessler 2025, D.3)."""
    n_samples = len(evaluated.answers[0])
    scoring = Scoring(
        task=task,
        problems=[problem for problem in problems for _ in range(n_samples)],
        predictions=[answer for row in evaluated.answers for answer in row],
        student=evaluated.meter,
        cache=cache,
        teacher=grader,
        report=lambda done, total: folder.report(f"{evaluated.student}: grader", done, 0, total),
        check=folder.check_cancelled,
    )
    try:
        scores = SIGNALS.get("grade")(scoring)
    except RunCancelled:
        raise
    except SeedbedError as error:
        failed.setdefault("grade", str(error))
        return
    evaluated.grades = [None if np.isnan(value) else bool(value) for value in scores.values]
    replies = zip(scores.texts["grade_reply"], scores.notes, strict=True)
    evaluated.grade_reasons = [note or reply for reply, note in replies]
