"""The scoring stage: a student answers problems, signals score the answers, everything is recorded and remembered.

Runs, loops and the shell score through here. Vectors are too wide for a table; they lie beside the records:

    vectors/LABEL/ids.npy       problem ids
    vectors/LABEL/SIGNAL.npy    (n, width) float32, aligned with the ids, rows of NaN where unknown
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.cache import Cache
from core.datasets import load_problems
from core.errors import SignalError
from core.models.base import AnsweringStudent
from core.recipes.stages import home_of, predict_stage
from core.recipes.teachers import open_teacher
from core.records import Prediction, Problem
from core.runs.folder import RunFolder
from core.selection import SELECTORS
from core.selection.base import Pool
from core.signals import SIGNALS, Scores, Scoring, needs_weights
from core.tasks.base import Task

if TYPE_CHECKING:
    import pandas as pd

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
    """Stage -> values that no cache had; absent for stages that only read the answers."""

    def make_pool(self) -> Pool:
        """Return the pool that selectors see."""
        plain = {name: found.values for name, found in self.scores.items() if not SIGNALS.get(name).is_vector}
        vectors = {name: found.values for name, found in self.scores.items() if SIGNALS.get(name).is_vector}
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
) -> ScoreTable:
    """Let the student answer and score every problem, and record both.

    Args:
        folder: receives the tables ``predictions``, ``scores``, ``score_texts``, the vectors, and the progress.
        student: loaded.
        label: what the run calls this student.
        task: of the problems.
        problems: scored in this order.
        signals: names from ``list_signals``.
        config: ``reward``, ``teacher``, ``n_samples``, ``temperature``, ``width`` of the run, each optional.
        stage: put before the name of each progress line.

    Raises:
        SignalError: a signal needs what is not there.
    """
    if not student.has_weights:
        refuse_blind(signals, student.source)
    ids = [problem.problem_id for problem in problems]
    watch, found = _Watch(folder, stage), {}
    with ExitStack() as sources:
        shared = _open_sources(sources, home_of(folder), signals, config)  # first: a wrong name costs no answers
        with watch.measure("answers"):
            predictions = predict_stage(folder, student, label, task, problems, f"{stage}answers", watch.report)
        shared |= {"predictions": [predictions[id_] for id_ in ids], "check": folder.check_cancelled}
        for name in signals:
            with watch.measure(name):
                scoring = Scoring(task=task, problems=problems, student=student, report=watch.report, **shared)
                found[name] = SIGNALS.get(name)(scoring)
            if name != "loss":  # stands with the predictions
                found[name] = _record(folder, label, ids, name, found[name])
    return ScoreTable(ids, predictions, found, watch.seconds, watch.computed)


class _Watch:
    """Reports the progress of each stage, and notes how long it took and how much of it was not known before."""

    def __init__(self, folder: RunFolder, prefix: str):
        self._folder, self._prefix, self._stage = folder, prefix, ""
        self._first = self._last = None
        self.seconds: dict[str, float] = {}
        self.computed: dict[str, int] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Name the stage that is reported meanwhile."""
        self._stage, self._first, self._last = stage, None, None
        started = time.monotonic()
        yield
        self.seconds[stage] = time.monotonic() - started
        if self._first is not None:
            self.computed[stage] = self._last - self._first

    def report(self, done: int, total: int) -> None:
        """Take in how much is done; what is done at the first call came from a cache."""
        self._first, self._last = done if self._first is None else self._first, done
        if self._stage not in ALWAYS:
            self._folder.report(f"{self._prefix}{self._stage}", done, 0, total)


def _open_sources(sources: ExitStack, home: Path, signals: Sequence[str], config: Mapping[str, Any]) -> dict[str, Any]:
    """Open what these signals need, and nothing else; returns the fields of Scoring that it amounts to."""
    needs = set().union(*(SIGNALS.get(name).needs for name in signals))
    settings = {name: config[name] for name in ("n_samples", "temperature", "width") if config.get(name) is not None}
    return {
        "cache": sources.enter_context(Cache(home / "cache" / "scores")),
        "reward": _load_reward(config.get("reward") or REWARD) if "reward" in needs else None,
        "teacher": sources.enter_context(open_teacher(home, config.get("teacher") or TEACHER))
        if "teacher" in needs
        else None,
        **settings,
    }


def _load_reward(source: str) -> "RewardModel":
    from core.models.reward import RewardModel

    return RewardModel.load(source)


def _record(folder: RunFolder, label: str, ids: Sequence[str], name: str, scores: Scores) -> Scores:
    """Write what a signal said: values and the numbers behind them, texts, vectors; returns it with vectors on disk."""
    import pandas as pd

    notes = scores.notes if scores.notes is not None else [None] * len(ids)
    columns = dict(scores.details)
    if SIGNALS.get(name).is_vector:
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


def write_vectors(folder: RunFolder, label: str, name: str, ids: Sequence[str], values: np.ndarray) -> None:
    """Keep vectors beside the records, each file complete or not there."""
    place = folder.path / "vectors" / label
    place.mkdir(parents=True, exist_ok=True)
    for file, array in (("ids", np.array(ids, dtype=str)), (name, values.astype(np.float32, copy=False))):
        part = place / f".{file}.part"
        with part.open("wb") as handle:
            np.save(handle, array, allow_pickle=False)
        part.replace(place / f"{file}.npy")


def read_vectors(run: Path, label: str, name: str, problem_ids: Sequence[str]) -> np.ndarray | None:
    """Return (n, width) float32 vectors in the order of these problems, NaN where there is none; None without a file.

    Args:
        run: the run folder.
        label: of the student.
        name: of the signal.
        problem_ids: n ids.
    """
    place = run / "vectors" / label
    if not (place / f"{name}.npy").is_file():
        return None
    ids = np.load(place / "ids.npy", allow_pickle=False)
    kept = np.load(place / f"{name}.npy", allow_pickle=False, mmap_mode="r")
    if len(ids) == len(problem_ids) and (ids == np.asarray(problem_ids, dtype=str)).all():
        return kept  # stays on the disk until a selector looks
    rows = {id_: row for row, id_ in enumerate(ids.tolist())}
    found = np.array([rows.get(id_, -1) for id_ in problem_ids])
    vectors = np.full((len(found), kept.shape[1]), np.nan, dtype=np.float32)
    vectors[found >= 0] = kept[found[found >= 0]]
    return vectors


def summarise(table: ScoreTable) -> dict[str, Any]:
    """Return what a score run reports: n, accuracies, mean loss, truncated answers, what is unknown, what it took.

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
        "seconds": {name: round(value, 2) for name, value in table.seconds.items()},
        "computed": dict(table.computed),
    }


def _count_unknown(scores: Scores) -> dict[str, int]:
    """Return reason -> how many problems have no value because of it."""
    values = scores.values if scores.values.ndim == 1 else scores.values[:, 0]
    notes = scores.notes if scores.notes is not None else [None] * len(values)
    missing = (note or "unknown" for note, value in zip(notes, values, strict=True) if np.isnan(value))
    return dict(Counter(missing))


def read_score_frame(folder: RunFolder) -> "pd.DataFrame":
    """Return what a score run found, one row per problem in the order of the seed set.

    Columns: problem_id, question, reference, final, answer, answer_final, each signal and the numbers behind it,
    n_tokens, is_truncated. A vector signal is a column of lists, None where unknown.
    """
    import pandas as pd

    config = folder.config
    problems = load_problems(home_of(folder), config["seed_set"], config["splits"])
    ids = [problem.problem_id for problem in problems]
    answers = _read_parts(folder, "predictions").drop_duplicates("problem_id", keep="last").set_index("problem_id")
    answers = answers.reindex(ids).reset_index()
    frame = pd.DataFrame(
        {
            "problem_id": ids,
            "question": [problem.question for problem in problems],
            "reference": [problem.answer for problem in problems],
            "final": [problem.final for problem in problems],
            "answer": answers["text"],
            "answer_final": answers["final"],
            "loss": answers["loss"].astype("float64"),
        }
    )
    scores = _read_parts(folder, "scores").drop_duplicates(["problem_id", "signal"], keep="last")
    wide = scores.pivot(index="problem_id", columns="signal", values="value").reindex(ids).astype("float64")
    wide = wide[list(dict.fromkeys(scores["signal"]))]  # in the order of scoring
    for name in wide:
        frame[name] = wide[name].to_numpy()
    for name in (name for name in wide if name in SIGNALS and SIGNALS.get(name).is_vector):
        vectors = read_vectors(folder.path, config["label"], name, ids)
        frame[name] = [None if np.isnan(row[0]) else row for row in vectors]
    return frame.assign(n_tokens=answers["n_tokens"], is_truncated=answers["is_truncated"])


def _read_parts(folder: RunFolder, table: str) -> "pd.DataFrame":
    """Return all rows that a run wrote for a table as Parquet parts, in the order of writing."""
    import pandas as pd

    parts = sorted((folder.path / "records" / table).glob("*.parquet"))
    return pd.concat([pd.read_parquet(path) for path in parts], ignore_index=True)


def pool_from_scores(frame: "pd.DataFrame") -> Pool:
    """Return the pool of a table made by ``read_score_frame``, read from a file or not."""
    plain, vectors = {}, {}
    for name in SIGNALS:
        if name not in frame:
            continue
        if not SIGNALS.get(name).is_vector:
            plain[name] = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            continue
        width = next((len(row) for row in frame[name] if row is not None), 1)
        vectors[name] = np.array(
            [np.full(width, np.nan) if row is None else row for row in frame[name]], dtype=np.float32
        ).reshape(len(frame), width)
    return Pool(frame["problem_id"].to_numpy(dtype=str), plain, vectors=vectors)


def open_student(home: Path, config: Mapping[str, Any]) -> AnsweringStudent:
    """Return the student that a configuration names: a model with or without adapter, or one behind a server."""
    if config.get("server"):
        from core.models.remote import RemoteStudent
        from core.teacher.endpoint import Endpoint

        return RemoteStudent(Endpoint(**config["server"]))
    from core.models.student import Student

    adapter = config.get("adapter")
    return Student.load(config["student"], adapter=home / adapter if adapter else None)
