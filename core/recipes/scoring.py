"""The scoring stage: a student answers problems, signals score the answers, everything is recorded and remembered.

Runs, loops and the shell score through here; ``score_tables.py`` reads what was recorded. A signal that cannot be had
is told, and costs none of the others.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.cache import Cache
from core.errors import RunCancelled, SeedbedError, SignalError, UnknownNameError
from core.models.base import AnsweringStudent
from core.recipes.score_tables import drop_vectors, read_vectors, write_vectors
from core.recipes.stages import home_of, predict_stage
from core.recipes.teachers import open_team
from core.records import Prediction, Problem
from core.runs.folder import RunFolder
from core.selection import SELECTORS
from core.selection.base import Pool
from core.signals import SIGNALS, Scores, Scoring, needs_weights
from core.tasks.base import Task

if TYPE_CHECKING:
    from core.models.reward import RewardModel

ALWAYS = ("loss", "correct")
"""Signals that every answer brings along."""

REWARD, TEACHER = "tiny-reward", "built-in"
"""Who is asked unless a run says otherwise."""


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The scores of n problems by one student."""

    problem_ids: Sequence[str]
    predictions: Mapping[str, Prediction]
    """problem_id -> the student's own answer."""

    scores: Mapping[str, Scores]
    """signal -> its scores, aligned with ``problem_ids``."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    """Stage -> seconds it took, values from the caches included."""

    computed: Mapping[str, int] = field(default_factory=dict)
    """Stage -> values that no cache had; absent for stages that only read the answers, and for those that failed."""

    failed: Mapping[str, str] = field(default_factory=dict)
    """Signal that could not be had at all -> why, in one sentence; its scores are there, every one unknown."""

    def make_pool(self) -> Pool:
        """Return the pool that selectors see; a signal that failed is not in it."""
        known = {name: found.values for name, found in self.scores.items() if name not in self.failed}
        plain = {name: values for name, values in known.items() if not SIGNALS.get(name).is_vector}
        vectors = {name: values for name, values in known.items() if SIGNALS.get(name).is_vector}
        return Pool(np.array(self.problem_ids, dtype=str), plain, vectors=vectors)


def list_signals(names: Sequence[str]) -> list[str]:
    """Return the signals to compute for these wishes, each once, in the order of the registry; ``ALWAYS`` too.

    Raises:
        UnknownNameError: a name is no signal.
    """
    wanted = {*ALWAYS, *(name for name in names if SIGNALS.get(name))}
    return [name for name in SIGNALS if name in wanted]


def list_needs(selectors: Sequence[str]) -> list[str]:
    """Return the signals that these selectors read, in the order of the registry."""
    return list_signals(sorted(set().union(*(SELECTORS.get(name).needs for name in selectors))))


def refuse_blind(names: Sequence[str], student: str) -> None:
    """Raise SignalError, before anything is asked, for signals that a student behind a server cannot give."""
    blind = [name for name in names if needs_weights(name)]
    if blind:
        raise SignalError(
            f"{' and '.join(blind)} cannot be read from {student} behind a server: they need the model's weights on "
            "this machine; take loss, correct, solve_rate, reward or judge, or give the model's folder."
        )


def score_stage(
    folder: RunFolder,
    student: AnsweringStudent,
    label: str,
    task: Task,
    problems: Sequence[Problem],
    signals: Sequence[str],
    config: Mapping[str, Any],
    stage: str = "",
    required: Collection[str] = (),
) -> ScoreTable:
    """Let the student answer and score every problem, and record both.

    A signal that cannot be had (its reward model does not load, its teacher is gone) is unknown of every problem, with
    the reason as the note, and the others are scored all the same.

    Args:
        folder: receives the tables ``predictions``, ``scores``, ``score_texts``, the vectors, and the progress.
        student: loaded.
        label: what the run calls this student.
        task: of the problems.
        problems: scored in this order.
        signals: names from ``list_signals``.
        config: ``reward``, ``teacher``, ``n_samples``, ``temperature``, ``width`` of the run, each optional.
        stage: put before the name of each progress line.
        required: signals without which there is no use in going on.

    Raises:
        SignalError: a signal needs weights, and the student is behind a server; nothing was asked yet.
        UnknownNameError: no such teacher; nothing was asked yet.
        RunCancelled: the run was told to stop.
        SeedbedError: the student cannot answer, or a required signal cannot be had; nothing was asked yet where that
            is because of its reward model.
    """
    if not student.has_weights:
        refuse_blind(signals, student.source)
    ids = [problem.problem_id for problem in problems]
    watch, found, failed = _Watch(folder, stage), {}, {}
    with ExitStack() as sources:  # opened first: a wrong name, or a required model that is not there, costs no answers
        shared, closed = _open_sources(sources, folder, signals, config)
        for name in required:
            if name in closed:
                raise closed[name]
        with watch.measure("answers"):
            predictions = predict_stage(folder, student, label, task, problems, f"{stage}answers", watch.report)
        shared |= {"predictions": [predictions[id_] for id_ in ids], "check": folder.check_cancelled}
        scoring = Scoring(task=task, problems=problems, student=student, report=watch.report, **shared)
        for name in signals:
            found[name], error = _score(name, scoring, closed.get(name), watch)
            if error is not None:
                if name in required:
                    raise error
                failed[name] = str(error)
            if name != "loss":  # stands with the predictions
                found[name] = record_scores(folder, label, ids, name, found[name])
    return ScoreTable(ids, predictions, found, watch.seconds, watch.computed, failed)


def _score(
    name: str, scoring: Scoring, error: SeedbedError | None, watch: "_Watch"
) -> tuple[Scores, SeedbedError | None]:
    """Return what a signal says, None; where it cannot be had, or has an error already: all unknown, the error."""
    if error is None:
        try:
            with watch.measure(name):
                return SIGNALS.get(name)(scoring), None
        except RunCancelled:
            raise
        except SeedbedError as met:
            error = met
    n = len(scoring.problems)
    return Scores(np.full(n, np.nan), notes=[str(error)] * n), error


class _Watch:
    """Reports the progress of each stage, and notes how long it took and how much of it was not known before."""

    def __init__(self, folder: RunFolder, prefix: str):
        self._folder, self._prefix, self._stage = folder, prefix, ""
        self._first = self._last = None
        self.seconds: dict[str, float] = {}
        self.computed: dict[str, int] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Name the stage that is reported meanwhile; how fast it goes is noted only where it does not fail."""
        self._stage, self._first, self._last = stage, None, None
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[stage] = time.monotonic() - started
        if self._first is not None:
            self.computed[stage] = self._last - self._first

    def report(self, done: int, total: int) -> None:
        """Take in how much is done; what is done at the first call came from a cache."""
        self._first, self._last = done if self._first is None else self._first, done
        if self._stage not in ALWAYS:
            self._folder.report(f"{self._prefix}{self._stage}", done, 0, total)


def _open_sources(
    sources: ExitStack, folder: RunFolder, signals: Sequence[str], config: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, SeedbedError]]:
    """Open what these signals need, and nothing else.

    Returns:
        The fields of Scoring that it amounts to; and signal -> error, for those whose source cannot be opened.
    """
    openers: dict[str, Callable[[], Any]] = {
        "reward": lambda: _load_reward(config.get("reward") or REWARD),
        "teacher": lambda: sources.enter_context(open_team(folder)),
    }
    fields = {name: config[name] for name in ("n_samples", "temperature", "width") if config.get(name) is not None}
    fields["cache"] = sources.enter_context(Cache(home_of(folder) / "cache" / "scores"))
    closed: dict[str, SeedbedError] = {}
    for need, open_source in openers.items():
        readers = [name for name in signals if need in SIGNALS.get(name).needs]
        if not readers:
            continue
        try:
            fields[need] = open_source()
        except (RunCancelled, UnknownNameError):
            raise
        except SeedbedError as error:
            closed |= dict.fromkeys(readers, error)
    return fields, closed


def _load_reward(source: str) -> "RewardModel":
    from core.models.reward import RewardModel

    return RewardModel.load(source)


def record_scores(folder: RunFolder, label: str, ids: Sequence[str], name: str, scores: Scores) -> Scores:
    """Write what a signal said: values and the numbers behind them, texts, vectors; returns it with vectors on disk."""
    import pandas as pd

    notes = scores.notes if scores.notes is not None else [None] * len(ids)
    columns = dict(scores.details)
    is_vector = SIGNALS.get(name).is_vector
    if is_vector and scores.values.ndim == 1:  # it failed; an earlier attempt may have had it
        drop_vectors(folder, label, name)
    if is_vector and scores.values.ndim == 2:
        lengths = np.sqrt(np.einsum("ij,ij->i", scores.values, scores.values))  # without a copy of them all
        columns = {name: lengths.astype(np.float64), **columns}
        write_vectors(folder, label, name, ids, scores.values)
        scores = replace(scores, values=read_vectors(folder.path, label, name, ids))
    else:
        columns = {name: scores.values, **columns}
    frames = [
        pd.DataFrame(
            {
                "student": label,
                "problem_id": ids,
                "signal": column,
                "value": values,
                "note": notes if column == name else None,
            }
        ).astype({"note": "str"})
        for column, values in columns.items()
    ]
    if ids:
        folder.write_part("scores", pd.concat(frames, ignore_index=True))
    texts = [
        {"student": label, "problem_id": id_, "name": text_name, "text": text}
        for text_name, values in scores.texts.items()
        for id_, text in zip(ids, values, strict=True)
        if text is not None
    ]
    if texts:
        folder.write_part("score_texts", pd.DataFrame(texts))
    return scores


def summarise(table: ScoreTable) -> dict[str, Any]:
    """Return what a score run reports: n, accuracies, mean loss, truncated answers, what is unknown, what it took.

    ``failed`` is signal -> sentence for signals that could not be had at all; they are among the ``unknown`` too.
    ``accuracy`` is that of the final answers, ``accuracy_with_steps`` that of the signal ``correct``: they differ where
    a task can check steps.
    """
    rows = list(table.predictions.values())
    judged = [float(row.is_correct) for row in rows if row.is_correct is not None]
    correct, losses = (table.scores[name].values for name in ("correct", "loss"))
    return {
        "n": len(rows),
        "accuracy": float(np.mean(judged)) if judged else None,
        "accuracy_with_steps": float(np.nanmean(correct)) if np.isfinite(correct).any() else None,
        "mean_loss": float(np.nanmean(losses)) if np.isfinite(losses).any() else None,
        "n_truncated": sum(row.is_truncated for row in rows),
        "unknown": {name: count for name, scores in table.scores.items() if (count := _count_unknown(scores))},
        "failed": dict(table.failed),
        "seconds": {name: round(value, 2) for name, value in table.seconds.items()},
        "computed": dict(table.computed),
    }


def _count_unknown(scores: Scores) -> dict[str, int]:
    """Return reason -> how many problems have no value because of it."""
    values = scores.values if scores.values.ndim == 1 else scores.values[:, 0]
    notes = scores.notes if scores.notes is not None else [None] * len(values)
    missing = (note or "unknown" for note, value in zip(notes, values, strict=True) if np.isnan(value))
    return dict(Counter(missing))


def open_student(home: Path, config: Mapping[str, Any]) -> AnsweringStudent:
    """Return the student that a configuration names: a model with or without adapter, or one behind a server."""
    if config.get("server"):
        from core.models.remote import RemoteStudent
        from core.teacher.endpoint import Endpoint

        return RemoteStudent(Endpoint(**config["server"]))
    from core.models.student import Student

    adapter = config.get("adapter")
    return Student.load(config["student"], adapter=home / adapter if adapter else None)
