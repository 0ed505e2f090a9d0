"""The training stage: rows in, an adapter and its learning curves out, by whichever objective.

Where an objective starts from a policy that nobody gave, the rows' answers are trained on first; where it lets the
student answer, what was drawn is recorded. The stage knows nothing of who started it.
"""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.cache import Cache
from core.counting import counted
from core.errors import RunCancelled, TrainingError
from core.lines import read_all
from core.models.predict import predict
from core.models.student import Student
from core.recipes.stages import home_of
from core.records import Prediction, Problem, content_id
from core.runs.folder import RunFolder
from core.tasks.base import Task
from core.training.config import TrainingConfig
from core.training.data import TrainingRow, hash_rows
from core.training.hooks import TrainingHooks
from core.training.objectives import Material, Objective, make_objective
from core.training.objectives.base import (
    NEEDS,
    OwnAnswer,
    draws_answers,
    find_missing,
    prefers_given,
    say_unread,
)
from core.training.rows import LeftOut, set_aside_unusable
from core.training.train import OUTCOME, TrainingOutcome, find_longest_row, say_why_none, train

if TYPE_CHECKING:
    from core.training.asking import StudentAsking

N_SAMPLES_SHOWN = 6
"""Validation problems whose answers are kept at each checkpoint."""

POLICY = "sft"
"""What the training of a policy is called in metrics and folders, and the objective that trains it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How rows are trained on, as a run's configuration says."""

    objective: Objective
    training: TrainingConfig
    policy: TrainingConfig | None
    """Of the supervised finetuning that makes the policy; None: nothing is made, for an adapter is given or the
    objective starts from the base."""

    adapter: Path | None
    """Where it starts from: the folder that a finetune wrote; None: the base."""

    @property
    def makes_policy(self) -> bool:
        """Whether a policy is trained first."""
        return self.objective.starts_from_policy and self.adapter is None and self.policy is not None

    @classmethod
    def read(cls, config: Mapping[str, Any], home: Path) -> "Plan":
        """Return the plan of a configuration; raises TrainingError for settings out of range."""
        policy, adapter = config.get("policy_training"), config.get("adapter")
        return cls(
            make_objective(config.get("objective", "sft"), config.get("settings")),
            TrainingConfig.from_dict(config["training"]),
            None if policy is None else TrainingConfig.from_dict(policy),
            None if adapter is None else home / adapter,
        )

    @classmethod
    def read_replicate(cls, config: Mapping[str, Any], home: Path) -> "Plan":
        """Return the plan of a recipe's run: its replicate draws whatever its trainings draw."""
        parts = [part for part in ("training", "policy_training") if config.get(part)]
        return cls.read({**config, **{part: {**config[part], "seed": config["replicate"]} for part in parts}}, home)


def require_rows(objective: Objective, rows: Sequence[TrainingRow], *, makes_policy: bool) -> None:
    """Raise TrainingError where there are no rows, or none of a kind that the objective, or its policy, needs."""
    if not rows:
        raise TrainingError("There is nothing to train on: choose rows first.")
    missing = find_missing(objective, rows)
    if makes_policy and "positives" not in missing and not any(row.label > 0 for row in rows):
        missing = ["positives", *missing]
    if missing:
        lacking = " and no ".join(NEEDS[name] for name in missing)
        raise TrainingError(
            f"{objective.title} cannot begin: the {len(rows):,} rows have no {lacking}; add such rows, or choose "
            "another objective."
        )


def train_stage(
    folder: RunFolder,
    round_: int,
    *,
    task: Task,
    source: str,
    rows: Sequence[TrainingRow],
    validation: Sequence[Problem],
    plan: Plan,
) -> TrainingOutcome:
    """Train a student of the round, or go on where an earlier attempt stopped.

    Args:
        folder: receives training_rows, policy_rows, own_answers, step_values, metrics, checkpoint_answers,
            policy_answers, checkpoints, adapters and the progress, counted in optimiser steps.
        round_: number of the round, from 1.
        task: renders questions as prompts.
        source: the base student.
        rows: given to the objective, which may make others of them.
        validation: problems whose accuracy decides which epoch is kept; may be empty.
        plan: objective and settings.
    """
    place = folder.path / "checkpoints" / f"round-{round_}"
    place.mkdir(parents=True, exist_ok=True)
    stage = _Stage(folder, round_, task, source, validation, place)
    start, outcome = plan.adapter, None
    if plan.makes_policy:
        policy = stage.train_policy(rows, plan.policy)
        start = policy.adapter
        outcome = policy if folder.wants_keep() else None
    if outcome is None:
        try:
            material = stage.prepare(rows, plan, start)
            outcome = stage.train(material, plan, start, len(rows))
        except _ToldToKeep:
            if not plan.makes_policy:
                raise RunCancelled("It was told to keep what it has, and nothing was trained yet.") from None
            outcome = policy
    if plan.makes_policy:  # before is what the whole run started from, not what its policy had made of it
        outcome = replace(outcome, validation_accuracy_before=policy.validation_accuracy_before)
    is_policy = plan.makes_policy and outcome.adapter == policy.adapter
    if is_policy:
        outcome = replace(outcome, is_stopped=True)  # also where the order came at its last step, or after it
    record = {
        "round": round_,
        "student": source,
        "path": str(outcome.adapter.relative_to(home_of(folder))),
        "n_rows": outcome.n_rows,
        "best_epoch": outcome.best_epoch,
        "validation_accuracy": outcome.validation_accuracy,
        "validation_accuracy_before": outcome.validation_accuracy_before,
        "objective": POLICY if is_policy else folder.config.get("objective", "sft"),
        "weights": plan.training.weights,
        "rows_hash": folder.config.get("rows_hash") or hash_rows(rows),  # no other is known of a round
        "written_at": time.time(),
    }
    folder.append("adapters", record)
    return outcome


class _ToldToKeep(Exception):
    """The order came while answers were drawn."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """What the parts of one stage share."""

    folder: RunFolder
    round: int
    task: Task
    source: str
    validation: Sequence[Problem]
    place: Path

    def train_policy(self, rows: Sequence[TrainingRow], config: TrainingConfig) -> TrainingOutcome:
        """Train on the rows' right answers, which makes the policy that the objective starts from."""
        objective = make_objective("sft")
        material = objective.prepare(rows, None)
        hooks = self.make_hooks(f"{POLICY}/", "policy", config, len(material.rows))
        hooks = replace(hooks, on_rows=lambda left_out: self.record_rows(material, left_out, "policy_rows"))
        outcome = self._train(material.rows, objective, config, None, self.place / POLICY, hooks)
        if outcome.is_stopped and not self.folder.wants_keep():  # by an earlier attempt; this one is to go on
            (self.place / POLICY / OUTCOME).unlink()  # what was kept stays until the new policy takes its place
            outcome = self._train(material.rows, objective, config, None, self.place / POLICY, hooks)
        return outcome

    def prepare(self, rows: Sequence[TrainingRow], plan: Plan, start: Path | None) -> Material:
        """Return what the objective makes of the rows, after letting the student answer where it needs that."""
        if unread := say_unread(plan.objective, rows):
            print(f"round {self.round}: {unread}")
        if not draws_answers(plan.objective, rows):
            return plan.objective.prepare(rows, None)
        with Cache(home_of(self.folder) / "cache" / "samples") as cache:
            asking = self._open_asking(start, plan.training.seed, cache)
            fit, unusable = list(rows), []
            if prefers_given(plan.objective):
                most = find_longest_row(asking.student, plan.training)
                fit, unusable = set_aside_unusable(asking.student.tokenizer, self.task, rows, most)
            if not fit:
                raise TrainingError(say_why_none(len(rows), 0, unusable[0].reason))
            material = plan.objective.prepare(fit, asking)
        return replace(material, unused=[*unusable, *material.unused])

    def train(self, material: Material, plan: Plan, start: Path | None, n_given: int) -> TrainingOutcome:
        """Train on what the objective made, and record its rows."""
        hooks = self.make_hooks("", "finetune", plan.training, len(material.rows))
        hooks = replace(hooks, on_rows=lambda left_out: self.record_rows(material, left_out))
        if plan.objective.starts_from_policy and not plan.objective.goes_on:
            start = None  # the policy has drawn; what is trained is a fresh adapter
        outcome = self._train(material.rows, plan.objective, plan.training, start, self.place, hooks)
        print(f"round {self.round}: {counted(n_given, 'row')} given, {outcome.n_rows:,} trained on")
        return outcome

    def _train(
        self,
        rows: Sequence[TrainingRow],
        objective: Objective,
        config: TrainingConfig,
        start: Path | None,
        place: Path,
        hooks: TrainingHooks,
    ) -> TrainingOutcome:
        place.mkdir(parents=True, exist_ok=True)
        return train(
            self.source,
            rows,
            self.task,
            config,
            place,
            objective=objective,
            start=start,
            validation_rows=[TrainingRow(row.question, row.answer) for row in self.validation if row.answer],
            hooks=hooks,
            known_checkpoints=_read_checkpoints(self.folder, self.round),
        )

    # -- what the run folder gets ----------------------------------------------------------------------------

    def make_hooks(self, prefix: str, name: str, config: TrainingConfig, n_rows: int) -> TrainingHooks:
        """Return what a training tells the run folder, and how it is validated and stopped.

        Args:
            prefix: of the metrics' names.
            name: of the stage in the progress.
            config: settings.
            n_rows: trained on.
        """
        folder, n_steps = self.folder, config.epochs * -(-n_rows // config.batch_size)

        def on_metric(metric: str, step: int, value: float, epoch: float) -> None:
            record = {"round": self.round, "name": f"{prefix}{metric}", "step": step, "value": value, "epoch": epoch}
            folder.append("metrics", {**record, "written_at": time.time()})
            if metric == "loss":
                folder.report(f"round {self.round}: {name}", step, 0, max(n_steps, step))

        def validate(student: Student, step: int, epoch: float) -> dict[str, float | None]:
            asking = {"check": folder.check_cancelled}
            if step == 0:  # as many problems as after every epoch, and nothing else moves meanwhile
                stage = f"round {self.round}: validation"
                asking["on_batch"] = lambda done, total: folder.report(stage, done, 0, total)
            with ExitStack() as opened:
                if student.fingerprint is not None:  # answers of a student in training are not remembered
                    asking["cache"] = opened.enter_context(Cache(home_of(folder) / "cache" / "predictions"))
                predictions = predict(student, self.task, self.validation, **asking)
            self._record_samples("policy_answers" if prefix else "checkpoint_answers", predictions, step, epoch)
            losses = [row.loss for row in predictions if row.loss is not None]
            return {
                "validation_accuracy": float(np.mean([bool(row.is_correct) for row in predictions])),
                "own_answer_loss": float(np.mean(losses)) if losses else None,
            }

        def on_checkpoint(step: int, path: str, sha256: str) -> None:
            record = {"round": self.round, "step": step, "path": f"{prefix}{path}", "sha256": sha256}
            folder.append("checkpoints", record)

        return TrainingHooks(
            validate=validate if self.validation else None,
            on_metric=on_metric,
            on_checkpoint=on_checkpoint,
            check=folder.check_cancelled,
            wants_keep=folder.wants_keep,
        )

    def _record_samples(self, table: str, predictions: Sequence[Prediction], step: int, epoch: float) -> None:
        """Record in a table the answers to the same few validation problems."""
        for problem, said in self._choose_samples(table, predictions):
            self.folder.append(
                table,
                {
                    "round": self.round,
                    "step": step,
                    "problem_id": problem.problem_id,
                    "epoch": epoch,
                    "question": problem.question,
                    "reference": problem.final,
                    "text": said.text,
                    "final": said.final,
                    "is_correct": said.is_correct,
                    "n_tokens": said.n_tokens,
                },
            )

    def _choose_samples(self, table: str, predictions: Sequence[Prediction]) -> list[tuple[Problem, Prediction]]:
        """Return the problems that are in the table already; at first half wrong and half right ones, if there are.

        Both are evenly spread over the problems: where all were right before there would be nothing to see.
        """
        pairs = list(zip(self.validation, predictions, strict=True))
        rows = read_all(self.folder.path / "records" / f"{table}.jsonl")
        if known := {row["problem_id"] for row in rows if row["round"] == self.round}:
            return [pair for pair in pairs if pair[0].problem_id in known]
        wrong, right = ([pair for pair in pairs if bool(pair[1].is_correct) == is_right] for is_right in (False, True))
        n_wrong = min(len(wrong), max(N_SAMPLES_SHOWN // 2, N_SAMPLES_SHOWN - len(right)))
        shares = ((wrong, n_wrong), (right, N_SAMPLES_SHOWN - n_wrong))
        return [pair for part, n in shares if n for pair in part[:: max(1, len(part) // n)][:n]]

    def record_rows(self, material: Material, left_out: Sequence[LeftOut], table: str = "training_rows") -> None:
        """Write what is trained on, then what of it, or of the rows given, is not.

        Args:
            material: what the objective made of the rows given.
            left_out: what of that cannot be used.
            table: ``training_rows``, or ``policy_rows`` of the training before it.
        """
        reasons = {row.position: row.reason for row in left_out}
        lines: list[tuple[TrainingRow, str | None]] = [
            (row, reasons.get(place)) for place, row in enumerate(material.rows)
        ]
        lines += [(row.row, row.reason) for row in material.unused]
        for position, (row, reason) in enumerate(lines):
            about = {"round": self.round, "position": position, "row_id": row.row_id}
            self.folder.append(table, {**about, **asdict(row), "is_used": reason is None, "reason": reason})
        whose = " of the policy" if table == "policy_rows" else ""
        kinds: dict[str, list[str]] = {}
        for reason in (reason for _, reason in lines if reason is not None):
            kinds.setdefault(re.sub(r"\d[\d,]*", "#", reason), []).append(reason)  # alike but for their numbers
        for alike in sorted(kinds.values(), key=len, reverse=True):
            several = ", the first" if len(set(alike)) > 1 else ""
            print(f"round {self.round}: {len(alike):,} of {len(lines):,} rows{whose} left out{several}: {alike[0]}")

    def _open_asking(self, start: Path | None, seed: int, cache: Cache) -> "StudentAsking":
        """Load the policy and return it, ready to answer."""
        from core.training.asking import AskingHooks, StudentAsking

        hooks = AskingHooks(
            report=lambda stage, done, total: self.folder.report(f"round {self.round}: {stage}", done, 0, total),
            check=self._check_orders,
            on_answer=self._record_answer,
            on_steps=self._record_steps,
        )
        return StudentAsking(Student.load(self.source, adapter=start), self.task, seed, hooks, cache)

    def _check_orders(self) -> None:
        """Stop drawing where the run was cancelled, or told to keep what it has: that cannot wait for the training."""
        self.folder.check_cancelled()
        if self.folder.wants_keep():
            raise _ToldToKeep

    def _record_answer(self, row: TrainingRow, answer: OwnAnswer, is_kept: bool, reason: str | None) -> None:
        self.folder.append(
            "own_answers",
            {
                "round": self.round,
                "problem_id": _name_problem(row),
                "sample": answer.sample,
                "question": row.question,
                "text": answer.text,
                "final": answer.final,
                "is_correct": answer.is_correct,
                "is_kept": is_kept,
                "reason": reason,
            },
        )

    def _record_steps(self, row: TrainingRow, sample: int, steps: Sequence[Mapping[str, Any]]) -> None:
        for step in steps:
            about = {"round": self.round, "problem_id": _name_problem(row), "sample": sample}
            self.folder.append("step_values", {**about, **step})


def _name_problem(row: TrainingRow) -> str:
    """Return what a question is called in own_answers and step_values: ids of its origin are not its own alone."""
    return content_id("question", row.question)


def _read_checkpoints(folder: RunFolder, round_: int) -> dict[str, str]:
    """Return path -> hash of the checkpoints that earlier attempts of this run recorded."""
    records = read_all(folder.path / "records" / "checkpoints.jsonl")
    return {row["path"].removeprefix(f"{POLICY}/"): row["sha256"] for row in records if row["round"] == round_}
