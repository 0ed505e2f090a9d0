"""A problem of one's own: what students answer to it, side by side, scored by the stage that scores seed sets.

It knows the hub only to put the run in the queue; it knows nothing of pages.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.errors import RunCancelled, RunError, SeedbedError
from core.hub import Hub
from core.recipes.scoring import REWARD, ScoreTable, list_signals, open_student, score_stage
from core.recipes.stages import LOADING, home_of, write_surprises
from core.recipes.start import fix_model
from core.records import Problem, content_id
from core.runs.folder import RunFolder
from core.signals import SIGNALS, needs_weights
from core.tasks import TASKS
from core.tasks.base import Task

N_TITLE = 60
"""Characters of the question in a run's title."""

WITHOUT_REFERENCE = ("loss", "reward")
WITH_REFERENCE = (*WITHOUT_REFERENCE, "correct", "loss_truth")
"""Signals of a try unless it says otherwise."""

NO_WEIGHTS = "it needs the model's weights on this machine, and this student is behind a server"


def make_own_problem(task: Task, question: str, reference: str | None = None) -> Problem:
    """Return the problem that a person typed, checked by the task where there is a reference or a solver.

    Args:
        task: of the problem.
        question: the whole text that students read.
        reference: a final answer or a worked one; None or blank: there is none, so that nothing can be verified
            unless the task solves its problems itself.

    Raises:
        RunError: there is no question, or the task refuses it or its reference.
    """
    question, reference = question.strip(), (reference or "").strip()
    if not question:
        raise RunError("There is no problem to try yet; type one first.")
    if not reference and task.needs_answer:
        return Problem(content_id("p", task.name, question, ""), question, None, None)
    is_final = "\n" not in reference and task.extract_final(reference) in (None, reference)
    answer, final = (None, reference) if is_final else (reference, None)
    try:
        return task.make_problem(question, answer, final or None, {})
    except ValueError as error:
        raise RunError(f"This is no problem of the task {task.title}: {error}") from error


def start_try(
    hub: Hub,
    task: str,
    question: str,
    students: Sequence[Mapping[str, Any]],
    *,
    reference: str | None = None,
    signals: Sequence[str] | None = None,
    reward: str = REWARD,
    n_samples: int = 16,
) -> str:
    """Let students answer a problem of one's own, and score the answers; returns the run id.

    Args:
        hub: of the home.
        task: registry name.
        question: the whole text that students read.
        students: ``label``, ``student`` (``tiny``, a folder, a hub id), ``adapter`` (folder relative to the home, or
            None) and ``server`` (fields of an endpoint, or None) of each; labels differ.
        reference: a final or a worked answer, or None.
        signals: names; None: ``WITH_REFERENCE`` where there is one, else ``WITHOUT_REFERENCE``.
        reward: ``tiny-reward``, a folder or a hub id.
        n_samples: answers drawn by ``solve_rate``.

    Raises:
        SeedbedError: nothing to try, nobody to ask, or a signal that one problem alone cannot have.
    """
    problem = make_own_problem(TASKS.get(task), question, reference)
    labels = [each["label"] for each in students]
    if not labels or len(set(labels)) < len(labels):
        raise RunError("Choose at least one student to try the problem with, and each only once.")
    if signals is None:
        signals = WITHOUT_REFERENCE if problem.final is None else WITH_REFERENCE
    names = list_signals(signals)
    if wide := [name for name in names if SIGNALS.get(name).is_vector]:
        raise RunError(f"{' and '.join(wide)} compares many problems, so one alone has no score; leave it out.")
    config = {
        "task": task,
        "question": question,
        "reference": reference,
        "students": [_fix_student(each) for each in students],
        "signals": names,
        "reward": fix_model(reward),
        "n_samples": n_samples,
    }
    line = " ".join(question.split())
    shown = line if len(line) <= N_TITLE else line[: N_TITLE - 1] + "…"
    return hub.submit("try", f"Try: {shown}", config, lane="light")


def _fix_student(each: Mapping[str, Any]) -> dict[str, Any]:
    server = each.get("server")
    return {
        "label": each["label"],
        "student": fix_model(each["student"]) if server is None else each["student"],
        "adapter": each.get("adapter"),
        "server": None if server is None else dict(server),
    }


def try_run(folder: RunFolder) -> dict[str, Any]:
    """Let each student answer the problem and score the answer.

    Summary: ``reference`` (final answer or None) and ``answers``, one for each student in order, see
    :func:`describe_answer`. A student that fails is an answer with an ``error``; where all fail, so does the run.
    """
    config = folder.config
    task = TASKS.get(config["task"])
    problem = make_own_problem(task, config["question"], config["reference"])
    answers, errors = [], []
    for each in config["students"]:
        try:
            answers.append(_ask(folder, each, task, problem))
        except RunCancelled:
            raise
        except SeedbedError as error:
            print(f"{each['label']}: {error}", flush=True)
            answers.append({"label": each["label"], "student": each["student"], "error": str(error)})
            errors.append(error)
    if len(errors) == len(answers):
        raise errors[0]
    return {"reference": problem.final, "answers": answers}


def _ask(folder: RunFolder, each: Mapping[str, Any], task: Task, problem: Problem) -> dict[str, Any]:
    """Return one student's answer; the student is let go with it, before the next one is loaded."""
    config, label = folder.config, each["label"]
    folder.report(f"{label}: {LOADING}", 0, 0, None)
    student = open_student(home_of(folder), each)
    missing = {} if student.has_weights else {name: NO_WEIGHTS for name in config["signals"] if needs_weights(name)}
    signals = [name for name in config["signals"] if name not in missing]
    table = score_stage(folder, student, label, task, [problem], signals, config, f"{label}: ")
    answer = describe_answer(table, problem.problem_id)
    answer["scores"] |= dict.fromkeys(missing)
    answer["notes"] |= missing
    return {"label": label, "student": each["student"], "error": None, **answer}


def describe_answer(table: ScoreTable, problem_id: str) -> dict[str, Any]:
    """Return one answer and its scores as JSON values.

    Keys: ``text``, ``surprises`` ([[end of the token in text, nats], ...], None where not known), ``n_tokens`` (None
    where a server does not tell), ``is_truncated``, ``final``, ``scores`` (signal, or number behind one -> value, None
    where unknown) and ``notes`` (signal -> why it is unknown, or what to know about it).
    """
    row, place = table.predictions[problem_id], list(table.problem_ids).index(problem_id)
    scores, notes = {}, {}
    for name, found in table.scores.items():
        for column, values in {name: found.values, **found.details}.items():
            scores[column] = float(values[place]) if np.isfinite(values[place]) else None
        if found.notes is not None and found.notes[place] is not None:
            notes[name] = found.notes[place]
    surprises = write_surprises(row)
    return {
        "text": row.text,
        "surprises": None if surprises is None else json.loads(surprises),
        "n_tokens": row.n_tokens,
        "is_truncated": row.is_truncated,
        "final": row.final,
        "scores": scores,
        "notes": notes,
    }
