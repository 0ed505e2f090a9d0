"""A student's answers to candidates and to the seeds they came from: the kind of run ``ask``.

A run that grows candidates asks no student; this one does, afterwards, so that people see while they review what a
student makes of each, and how much harder it is than its seed. What the student answered before is in the cache. The
view ``candidate_answers`` finds the answers by ``candidates_of``.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.datasets import load_problems
from core.errors import RunError
from core.hub import Hub
from core.models.student import check_adapter
from core.recipes.answer_rate import estimate_answers
from core.recipes.scoring import open_student
from core.recipes.stages import CANDIDATE_SPLIT, LOADING, home_of, predict_stage
from core.recipes.start import read_seed_set, require_model
from core.recipes.teachers import require_reachable
from core.records import Problem
from core.runs.folder import RunFolder
from core.store.queue_filter import QueueFilter
from core.tasks import TASKS

KIND = "ask"

CANDIDATES, SEEDS = "candidates: answers", "seeds: answers"
"""Stages of the run."""


def list_seeds(candidates: pd.DataFrame) -> list[str]:
    """Return the ids of the first parents of these candidates, each once."""
    return candidates["parent_id"].dropna().drop_duplicates().tolist()


def estimate_asking(hub: Hub, student: str, candidates: pd.DataFrame) -> float | None:
    """Return the seconds that it takes to ask for all of these and their seeds; None where nothing was measured here.

    Args:
        hub: of the home.
        student: as the runs name it.
        candidates: of ``Store.list_answerable``.
    """
    return estimate_answers(hub, student, len(candidates) + len(list_seeds(candidates)))


def start_asking(
    hub: Hub,
    asked: QueueFilter,
    *,
    student: str,
    adapter: str | None = None,
    server: Mapping[str, str] | None = None,
    label: str = "base",
) -> str:
    """Let a student answer, in the background, what is asked for as far as the filters passed it; returns the run id.

    Args:
        hub: of the home.
        asked: candidates about one seed set.
        student: ``tiny``, a folder or a hub id.
        adapter: folder of an adapter relative to the home, or None.
        server: ``base_url``, ``model``, ``key_env`` of a student behind a server; ``student`` is its name then.
        label: what the review calls this student.

    Raises:
        SeedbedError: there is nothing to answer, no such student or adapter, or the server cannot be reached.
    """
    rows = hub.store.list_answerable(asked)
    if rows.empty:
        raise RunError("There is nothing for a student to answer: no candidate of these has passed the filters.")
    seed_set = rows["seed_set_id"].iloc[0]
    about = read_seed_set(hub, seed_set)
    if adapter is not None:
        check_adapter(hub.settings.home / adapter)
    if server is not None:
        require_reachable(server)
    config = {
        "candidates_of": rows["run_id"].drop_duplicates().tolist(),
        "seed_set": seed_set,
        "seed_set_name": about["name"],
        "task": about["task"],
        "student": student if server is not None else require_model(student),
        "adapter": adapter,
        "server": None if server is None else dict(server),
        "label": label,
    }
    title = f"{label} answers {len(rows)} candidates from {about['name']}"
    lane = "device" if server is None else "teacher"
    return hub.submit(KIND, title, config, lane=lane, inputs={"candidates": rows})


def asking_run(folder: RunFolder) -> dict[str, Any]:
    """Let the student answer the given candidates and their seeds; summary: how many, and how many as the teacher did.

    ``accuracy`` is the share of candidates that it answers as the teacher did, None where none could be compared.
    """
    config, home = folder.config, home_of(folder)
    folder.report(LOADING, 0, 0, None)
    student, task = open_student(home, config), TASKS.get(config["task"])
    rows = folder.read_input("candidates").astype(object)
    rows = rows.where(rows.notna(), None)
    wanted = set(list_seeds(rows))
    seeds = [each for each in load_problems(home, config["seed_set"]) if each.problem_id in wanted]
    found = predict_stage(folder, student, config["label"], task, list(map(_read, rows.to_dict("records"))), CANDIDATES)
    predict_stage(folder, student, config["label"], task, seeds, SEEDS)
    judged = [each.is_correct for each in found.values() if each.is_correct is not None]
    return {"n": len(found), "n_seeds": len(seeds), "accuracy": float(np.mean(judged)) if judged else None}


def _read(row: Mapping[str, Any]) -> Problem:
    """Return a candidate as the problem that the student is asked."""
    meta = json.loads(row["meta"]) if row["meta"] else {}
    return Problem(row["candidate_id"], row["question"], row["answer"], row["final"], CANDIDATE_SPLIT, meta)
