"""The runs of a single stage, as the pages start them: score, generate, finetune.

Each reads its frozen configuration, its ``input/`` and the seed set that it names, whose run folder never changes;
never the database.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from core.analysis.incorrect import measure_incorrect
from core.datasets import load_problems, split_problems
from core.errors import TrainingError
from core.filters.held_out import is_known, make_held_out_keys
from core.models.student import Student
from core.recipes.growing import grow_stage
from core.recipes.scoring import list_signals, open_student, score_stage, summarise
from core.recipes.stages import LOADING, TESTED, evaluate_stage, home_of, predict_stage
from core.recipes.training import Plan, require_rows, train_stage
from core.records import Candidate, Problem
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.tasks.base import Task
from core.training.data import TrainingRow, from_frame, hash_rows
from core.training.objectives.base import trains_on
from core.training.train import TrainingOutcome

STOPPED = "It was told at step {step} to stop and keep the best checkpoint so far."


def score_run(folder: RunFolder) -> dict[str, Any]:
    """Let a student answer the problems it was given and score them; summary: what ``summarise`` says."""
    config, home = folder.config, home_of(folder)
    signals = list_signals(config["signals"])
    folder.report(LOADING, 0, 0, None)
    student = open_student(home, config)
    problems = load_problems(home, config["seed_set"], config["splits"])
    table = score_stage(folder, student, config["label"], TASKS.get(config["task"]), problems, signals, config)
    return summarise(table)


def generate_run(folder: RunFolder) -> dict[str, Any]:
    """Let the teacher rewrite the selected seeds until enough candidates are accepted; summary: the counts."""
    config, started = folder.config, time.time()
    problems = load_problems(home_of(folder), config["seed_set"]) if config["seed_set"] else []
    by_id = {problem.problem_id: problem for problem in problems}
    outcome, recorder = grow_stage(
        folder,
        split_problems(problems),
        [by_id[id_] for id_ in folder.read_input("seeds")["problem_id"]],
        round_=1,
        turn=config["turn"],
        n_accepted=config["n_accepted"],
        max_requests=config["max_requests"],
        earlier=folder.read_input("earlier")["question"].tolist(),
        stage="generate",
        salt=folder.run_id,
    )
    return {
        "requested": outcome.requested,
        "failed": outcome.failed,
        "rejected": outcome.rejected,
        "accepted": outcome.accepted,
        "n_input_tokens": outcome.n_input_tokens,
        "n_output_tokens": outcome.n_output_tokens,
        "n_uncounted": outcome.n_uncounted,
        "stopped": outcome.stopped,
        "reasons": dict(outcome.reasons.most_common()),
        **measure_wrong_ones(recorder.wrong_ones, by_id, TASKS.get(config["task"])),
        "seconds": time.time() - started,
    }


def measure_wrong_ones(
    candidates: Sequence[Candidate], problems: Mapping[str, Problem], task: Task
) -> dict[str, float | None]:
    """Return the wrong-answer rate and the coverage of solutions that were to be wrong; nothing where none were."""
    if not candidates:
        return {}
    _, every = measure_incorrect(candidates, problems, task)
    return {"wrong_rate": every.rate, "wrong_coverage": every.coverage}


def without_held_out(rows: Sequence[TrainingRow], task: Task, held_out: Sequence[Problem]) -> list[TrainingRow]:
    """Return the training rows whose question is no held-out problem: an edit by hand could have made one."""
    keys = make_held_out_keys(task, held_out)
    kept = [row for row in rows if not is_known(task, row.question, keys)]
    if n_lost := len(rows) - len(kept):
        print(f"{n_lost} of {len(rows)} rows were left out: their question is a validation or test problem.")
    return kept


def finetune_run(folder: RunFolder) -> dict[str, Any]:
    """Train on the given rows, then compare before and after on the same problems; summary: both accuracies.

    Without a seed set there is no test; ``evaluates`` names the splits that are answered before and after, and
    ``validation_set`` a seed set all of whose problems decide which epoch is kept, in place of a split of the other.
    """
    config, home = folder.config, home_of(folder)
    task = TASKS.get(config["task"])
    problems = load_problems(home, config["seed_set"]) if config["seed_set"] else []
    validation = [row for row in problems if row.split == "validation"]
    if config.get("validation_set"):
        validation = load_problems(home, config["validation_set"])
    given = from_frame(folder.read_input("rows"))
    rows = without_held_out(given, task, [*(row for row in problems if row.split != "train"), *validation])
    if not rows:
        raise TrainingError(
            "Every row asks a validation or test problem, which are never trained on; choose other rows."
            if given
            else "There is nothing to train on: choose rows first."
        )
    asked = {split: [row for row in problems if row.split == split] for split in config.get("evaluates", TESTED)}
    asked = {split: found for split, found in asked.items() if found}
    folder.report(LOADING, 0, 0, None)
    plan = Plan.read(config, home)
    require_rows(plan.objective, rows, makes_policy=plan.makes_policy)  # once more: held-out ones are gone
    before, start, end = {}, {}, {}
    if asked:
        goes_on = trains_on(plan.objective, plan.adapter)  # before is what it starts from: this run's doing is measured
        first = Student.load(config["student"], adapter=plan.adapter if goes_on else None)
        for split, found in asked.items():
            before[split] = predict_stage(
                folder, first, "start" if goes_on else "base", task, found, f"{split}, before"
            )
            start[split] = evaluate_stage(folder, 0, split, before[split], before[split])
        del first  # a training loads it anew, and both may not fit
    trained = train_stage(folder, 1, task=task, source=config["student"], rows=rows, validation=validation, plan=plan)
    if asked:
        student = Student.load(config["student"], adapter=trained.adapter)
        for split, found in asked.items():
            after = predict_stage(folder, student, "round-1", task, found, f"{split}, after")
            end[split] = evaluate_stage(folder, 1, split, before[split], after)
    n_held_out = len(given) - len(rows)
    return {"rows_hash": hash_rows(given), **describe_training(trained, n_held_out), **describe_test(asked, start, end)}


def describe_training(trained: TrainingOutcome, n_held_out: int) -> dict[str, Any]:
    """Return what a finetune reports of its training."""
    return {
        "n_rows": trained.n_rows,
        "n_held_out_left_out": n_held_out,
        "n_too_long_left_out": len(trained.left_out),
        "validation_accuracy": trained.validation_accuracy,
        "validation_accuracy_before": trained.validation_accuracy_before,
        "best_epoch": trained.best_epoch,
        "best_step": trained.best_step,
        "n_steps": trained.n_steps,
        "seconds": trained.seconds,
        "tokens_per_second": trained.tokens_per_second,
        "padding_share": trained.padding_share,
        "metrics_share": trained.metrics_share,
        "stopped": STOPPED.format(step=trained.n_steps) if trained.is_stopped else None,
    }


def describe_test(
    asked: Mapping[str, Sequence[Problem]], start: Mapping[str, Any], end: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a finetune reports of the test problems; n_test is 0 where none were asked."""
    if "test" not in asked:
        return {"n_test": 0, "test_accuracy_before": None, "test_accuracy": None}
    return {
        "n_test": len(asked["test"]),
        "test_accuracy_before": start["test"]["accuracy"],
        **{name: end["test"][name] for name in ("difference", "difference_low", "difference_high")},
        "test_accuracy": end["test"]["accuracy"],
    }
