"""A run that puts the same seeds through several prompting methods, one after the other, and measures what each brings.

It is one run, not one for each method: they share one budget, one order to stop and one line of progress; none takes
the server's speed from another, so that seconds can be compared; and the measures, which need all that came and an
encoder, are made where they stand and kept as the run's result. Each method's candidates are filtered by themselves.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.choices import KINDS as KIND_NAMES
from core.analysis.incorrect import measure_question
from core.analysis.methods import compare_methods, find_kind
from core.datasets import load_problems, split_problems
from core.errors import ModelLoadError, RunCancelled, RunError, SeedbedError
from core.filters.base import is_rejected
from core.lines import read_all
from core.models.embedder import NAME as EMBEDDER
from core.models.embedder import WIDTH
from core.recipes.embedding import embed_stage
from core.recipes.growing import grow_stage
from core.recipes.stages import home_of
from core.records import INCORRECT, Problem, Verdict
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.tasks.base import Task
from core.teacher.ledger import Ledger

NOT_PROSE = "Questions of this task are no sentences, so distances in meaning would say nothing."

ROW_COLUMNS = (
    "method", "seed", "sample_index", "status", "text", "kind", "is_own_kind", "probability", "is_incorrect", "final",
)  # fmt: skip


def config_of_method(config: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Return a comparison's configuration as that of a generate run by one of its methods."""
    return {**config, "method": method, "prompts": config["prompts"][method]}


class MethodView:
    """A comparison's run folder as the stage of one method sees it: the configuration is the method's own."""

    def __init__(self, folder: RunFolder, method: str):
        self._folder = folder
        self.config = config_of_method(folder.config, method)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._folder, name)


def compare_run(folder: RunFolder) -> dict[str, Any]:
    """Ask by every method, then measure.

    Summary: ``measures`` (the rows of ``compare_methods``), ``embedder`` (None where distances could not be measured,
    and then ``embedder_fault`` says why), ``kind`` (what ``coverage`` is about; None: nothing) and ``n_kinds``. A
    method that fails is a row with its ``error``; where all fail, so does the run.
    """
    config, home = folder.config, home_of(folder)
    problems = load_problems(home, config["seed_set"]) if config["seed_set"] else []
    by_id = {problem.problem_id: problem for problem in problems}
    splits = split_problems(problems)
    seeds = [by_id[id_] for id_ in folder.read_input("seeds")["problem_id"]]
    stages = [ask_by(folder, method, splits, seeds) for method in config["methods"]]
    if all(stage["error"] for stage in stages):
        raise RunError(stages[0]["error"])
    kind = find_kind([problem.meta for problem in splits["train"]], KIND_NAMES)
    all_kinds = {str(problem.meta[kind]) for problem in splits["train"] if problem.meta.get(kind) is not None}
    rows = make_rows(folder, by_id, kind)
    task = TASKS.get(config["task"])
    wrong = measure_wrong(rows, by_id, task)
    stages = [{**stage, **wrong.get(stage["method"], {})} for stage in stages]
    vectors, fault = embed_rows(folder, rows) if task.compares_questions else (None, NOT_PROSE)
    frame = compare_methods(rows, vectors, stages, all_kinds, seed=config["replicate"])
    stopped = next((stage["stopped"] for stage in stages if stage["stopped"]), None)
    return {
        "measures": frame.to_dict("records"),
        "embedder": None if vectors is None else EMBEDDER,
        "embedder_fault": fault,
        "kind": kind,
        "n_kinds": len(all_kinds),
        "stopped": stopped,
    }


def ask_by(
    folder: RunFolder, method: str, splits: Mapping[str, Sequence[Problem]], seeds: Sequence[Problem]
) -> dict[str, Any]:
    """Let one method grow its candidates; returns its stage, see ``compare_methods``."""
    config, started, stopped, error = folder.config, time.monotonic(), None, None
    calls = folder.path / "records" / "calls.jsonl"
    n_before = len(read_all(calls))
    try:
        outcome, _ = grow_stage(
            MethodView(folder, method),  # type: ignore[arg-type]
            splits,
            seeds,
            round_=1,
            turn=config["turn"],
            n_accepted=config["n_accepted"],
            max_requests=config["n_accepted"],
            earlier=(),
            stage=f"{method}: generate",
            salt=folder.run_id,
        )
        stopped = outcome.stopped
    except RunCancelled:
        raise
    except SeedbedError as caught:
        print(f"{method}: {caught}", flush=True)
        error = str(caught)
    seconds = time.monotonic() - started
    return {"method": method, "error": error, "stopped": stopped, **add_up(read_all(calls)[n_before:], seconds)}


def add_up(lines: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, Any]:
    """Return what the calls of one method took, nominal; None where a reply was not counted or has no price.

    Seconds are None where a reply came from the cache: they would say how fast this disk is.
    """
    totals = Ledger(earlier=lines).totals()
    is_counted = not totals.n_uncounted
    is_priced = all(line.get("nominal_usd") is not None for line in lines if line.get("finish_reason") is not None)
    return {
        "n_calls": totals.n_calls,
        "n_cached": totals.n_cached,
        "n_input_tokens": totals.n_input_tokens if is_counted else None,
        "n_output_tokens": totals.n_output_tokens if is_counted else None,
        "usd": totals.nominal_usd if is_counted and is_priced else None,
        "seconds": None if totals.n_cached else seconds,
    }


def make_rows(folder: RunFolder, problems: Mapping[str, Problem], kind: str | None) -> pd.DataFrame:
    """Return this attempt's candidates as ``compare_methods`` wants them.

    A candidate whose own ``kind`` is not known has its first parent's.
    """

    def read(table: str) -> list[dict[str, Any]]:
        lines = read_all(folder.path / "records" / f"{table}.jsonl")
        return [line for line in lines if line["attempt"] == folder.attempt]

    verdicts: dict[str, list[dict[str, Any]]] = {}
    for line in read("verdicts"):
        verdicts.setdefault(line["candidate_id"], []).append(line)
    rows = []
    for line in read("candidates"):
        said = verdicts.get(line["candidate_id"], [])
        is_lost = is_rejected(
            [Verdict(each["candidate_id"], each["filter"], each["is_accepted"], None) for each in said]
        )
        meta, parent = line["meta"], problems.get((line["parents"] or [None])[0])
        is_incorrect = meta.get("label") == INCORRECT
        own = meta.get(kind) if kind else None
        inherited = parent.meta.get(kind) if kind and parent else None
        rows.append(
            {
                "method": line["method"],
                "seed": parent.problem_id if parent else None,
                "sample_index": line["sample_index"],
                "status": "failed" if line["failure"] is not None else "rejected" if is_lost else "accepted",
                "text": (line["answer"] if is_incorrect else line["question"]) or "",
                "kind": None if own is None and inherited is None else str(inherited if own is None else own),
                "is_own_kind": own is not None,
                "probability": meta.get("probability"),
                "is_incorrect": is_incorrect,
                "final": None if line["failure"] is not None else line["final"],
            }
        )
    return pd.DataFrame(rows, columns=ROW_COLUMNS)


def measure_wrong(rows: pd.DataFrame, problems: Mapping[str, Problem], task: Task) -> dict[str, dict[str, float]]:
    """Return ``wrong_rate`` and ``wrong_coverage`` of each method that was asked for wrong answers."""
    found = {}
    for method, mine in rows[rows["is_incorrect"].astype(bool)].groupby("method"):
        each = [
            measure_question([None if pd.isna(final) else final for final in finals], problems[seed], task)
            for seed, finals in mine.groupby("seed")["final"]
        ]
        found[method] = {
            "wrong_rate": sum(one.n_wrong for one in each) / len(mine),
            "wrong_coverage": sum(one.n_distinct for one in each) / len(mine),
        }
    return found


def embed_rows(folder: RunFolder, rows: pd.DataFrame) -> tuple[np.ndarray | None, str | None]:
    """Return (n, 384) vectors of the rows' texts, NaN where there is none; None, and why, without an encoder."""
    places = np.flatnonzero(rows["text"] != "")
    vectors = np.full((len(rows), WIDTH), np.nan, np.float32)
    try:
        vectors[places] = embed_stage(folder, rows["text"].iloc[places].tolist(), "distances in meaning")
    except ModelLoadError as error:
        return None, str(error)
    return vectors, None
