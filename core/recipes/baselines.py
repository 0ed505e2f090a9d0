"""What iterative generation is held against: other training sets of the same size, and answers without any training.

Kessler 2025, section 5.4.1 and figure 2: finetuning on the seeds with their own answers, on a teacher's answers to the
seeds, and on new questions with new answers (that one is the recipe ``active`` with the selector ``random``), with
student and teacher as they are for reference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.counting import counted
from core.datasets import load_problems, split_problems
from core.errors import RunError, TeacherError
from core.generation.grow import first_sample_index
from core.models.student import Student
from core.recipes.answering import METHOD, REFERENCE, STAGE, answer_stage
from core.recipes.growing import make_brief
from core.recipes.grown_portions import say_early
from core.recipes.recipe import RECIPES, leave_out_choice, make_rounds_config
from core.recipes.rounds import Portion, count_growth, run_portions, summarise_rounds
from core.recipes.stages import (
    LOADING,
    CandidateRecorder,
    ask_before,
    evaluate_stage,
    home_of,
    leave_out_asked,
    list_tests,
)
from core.recipes.start import make_loop_config
from core.recipes.teachers import open_team
from core.recipes.training import Plan
from core.records import Candidate, Prediction, Problem, Verdict
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.tasks.base import Task
from core.training.data import TrainingRow, rows_from_candidates

DATA = ("seeds", "answers")
"""What a baseline trains on: seeds with their own answers, or with the teacher's."""

WHO = ("teacher", "student")
"""Who answers without any training."""


@RECIPES.register("baseline")
@dataclass(frozen=True, slots=True)
class Baseline:
    """Finetuning on randomly drawn seeds: with their own answers, or with a teacher's (Kessler 2025, figure 2)."""

    kind: ClassVar[str] = "baseline"
    varies: ClassVar[str | None] = "data"

    data: str = "seeds"
    """seeds: with their own answers. answers: with the teacher's, as far as they agree with the reference."""

    accepted: int = 100
    """Seeds that a round adds."""

    rounds: int = 4
    """Rounds, each of which trains anew on everything so far."""

    epochs: int | None = None
    """Epochs of each training; none: those of the student's preset."""

    learning_rate: float | None = None
    """Learning rate; none: that of the student's preset."""

    @classmethod
    def list_choices(cls) -> list[str]:
        """Return what arms may differ in."""
        return list(DATA)

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the configuration of one run; raises RunError for data that there is not, and for too many rounds."""
        if self.data not in DATA:
            raise RunError(f"A baseline cannot train on {self.data!r}; it can on: {', '.join(DATA)}.")
        made = make_rounds_config(self, home, seed_set, student, replicate)
        return {**made, "data": self.data, "method": METHOD, "filters": [REFERENCE]}


@RECIPES.register("zero_shot")
@dataclass(frozen=True, slots=True)
class ZeroShot:
    """The test problems answered as they are, by the teacher or by the student: the lines that curves lie between."""

    kind: ClassVar[str] = "zero_shot"
    varies: ClassVar[str | None] = "who"

    who: str = "teacher"
    """teacher or student."""

    @classmethod
    def list_choices(cls) -> list[str]:
        """Return what arms may differ in."""
        return list(WHO)

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the configuration of one run; raises RunError for somebody else."""
        if self.who not in WHO:
            raise RunError(f"{self.who!r} cannot answer without training; these can: {', '.join(WHO)}.")
        made = make_loop_config(home, seed_set, student=student, replicate=replicate)
        return {**leave_out_choice(made), "who": self.who, "method": METHOD, "filters": [REFERENCE]}


def baseline_run(folder: RunFolder) -> dict[str, Any]:
    """Train on growing numbers of randomly drawn seeds; summary: that of rounds, and the teacher."""
    config, home = folder.config, home_of(folder)
    by_split = split_problems(load_problems(home, config["seed_set"]))
    task = TASKS.get(config["task"])
    train = leave_out_asked(folder, task, by_split["train"])
    order = np.random.default_rng([config["replicate"], 5]).permutation(len(train))
    seeds = [train[int(row)] for row in order]
    short: list[str] = []
    portions = draw_own(folder, seeds, short) if config["data"] == "seeds" else draw_answers(folder, seeds, short)
    plan = Plan.read_replicate(config, home)
    return say_early(run_portions(folder, task, by_split, portions, plan), config, short)


def _say_used_up(n_rounds: int, config: Mapping[str, Any]) -> str:
    return f"The seeds were used up after {counted(n_rounds, 'round')} of {config['rounds']:,}."


def draw_own(folder: RunFolder, seeds: Sequence[Problem], short: list[str]) -> Iterator[Portion]:
    """Yield the seeds with their own answers, k more each time; seeds without an answer are counted as failed."""
    k, source = folder.config["k"], folder.config["seed_set"]
    rows: list[TrainingRow] = []
    rest = iter(seeds)
    for number in range(1, folder.config["rounds"] + 1):
        n_before, n_failed = len(rows), 0
        for seed in rest:
            if not (seed.answer or "").strip():
                n_failed += 1
                continue
            about = {"origin": "seed", "origin_run_id": source, "origin_id": seed.problem_id}
            rows.append(TrainingRow(seed.question, seed.answer, seed.final, **about))
            if len(rows) == n_before + k:
                break
        n_new = len(rows) - n_before
        if not n_new and not rows:
            raise TeacherError("No train seed has an answer of its own to train on; take data = answers.")
        if not n_new:
            short.append(_say_used_up(number - 1, folder.config))
            return
        yield Portion(list(rows), {"selected": n_new, "failed": n_failed, "accepted": n_new})


def draw_answers(folder: RunFolder, seeds: Sequence[Problem], short: list[str]) -> Iterator[Portion]:
    """Yield the seeds with the teacher's answers, k right ones more each time; wrong and failed ones are counted."""
    config = folder.config
    brief = make_brief(config, TASKS.get(config["task"]), seeds, folder.run_id)
    answered: list[Candidate] = []
    rest = list(seeds)
    for number in range(1, config["rounds"] + 1):
        if not rest:
            short.append(_say_used_up(number - 1, config))
            return
        with open_team(folder) as team:
            outcome = answer_stage(
                folder,
                team,
                brief,
                rest,
                n_accepted=config["k"],
                max_requests=len(rest),
                sample_index=first_sample_index(config["replicate"], 0),
                on_candidate=CandidateRecorder(folder, number, config["k"], f"round {number}: {STAGE}"),
            )
        rest = rest[outcome.requested :]  # each is asked once, and judged in the order of asking
        answered += outcome.candidates
        if not outcome.candidates:
            if answered:
                short.append(f"In round {number}: {outcome.stopped or 'no answer was right'}")
                return
            why = outcome.stopped or f"most often: {outcome.reasons.most_common(1)[0][0]}"
            raise TeacherError(
                f"The teacher answered none of the {outcome.requested:,} seeds rightly, so there is nothing to train "
                f"on; {why}"
            )
        rows = rows_from_candidates(folder.run_id, answered)
        yield Portion(rows, count_growth(outcome, outcome.accepted))


def zero_shot_run(folder: RunFolder) -> dict[str, Any]:
    """Let the teacher or the student answer the test problems; summary: as of rounds, of which there is none."""
    config = folder.config
    by_split = split_problems(load_problems(home_of(folder), config["seed_set"]))
    tests = list_tests(folder, TASKS.get(config["task"]), by_split)
    if config["who"] == "student":
        folder.report(LOADING, 0, 0, None)
        before = ask_before(folder, Student.load(config["student"]), tests)
    else:
        before = {name: ask_teacher(folder, name, task, asked) for name, (task, asked) in tests.items()}
    return {**summarise_rounds(before, []), "stopped": None, "teacher": config["teacher"]}


def ask_teacher(folder: RunFolder, split: str, task: Task, problems: Sequence[Problem]) -> dict[str, Prediction]:
    """Let the teacher answer held-out problems, only to see how good it is; returns problem_id -> its answer.

    They are recorded as answers, never as candidates: nothing of them can be trained on. A reply that cannot be had, or
    has no final answer, counts as wrong, with its reason.

    Raises:
        TeacherError: it answered not one, or not all (a budget, too many errors).
    """
    import pandas as pd

    config = folder.config
    brief = make_brief(config, task, problems, folder.run_id)
    found: dict[str, Prediction] = {}

    def note(candidate: Candidate, verdicts: Sequence[Verdict]) -> None:
        (id_,) = candidate.parents
        is_right = verdicts[0].is_accepted if candidate.failure is None else False
        tokens = candidate.n_output_tokens
        found[id_] = Prediction(
            id_, candidate.answer or "", candidate.final, is_right, None, tokens, False, candidate.failure
        )
        folder.report(f"{split}, by the teacher", len(found), 0, len(problems))

    with open_team(folder) as team:
        outcome = answer_stage(
            folder,
            team,
            brief,
            problems,
            n_accepted=len(problems),
            max_requests=len(problems),
            sample_index=first_sample_index(config["replicate"], 0),
            on_candidate=note,
        )
    if len(found) < len(problems):
        raise TeacherError(
            f"The teacher was asked {len(found):,} of {counted(len(problems), 'problem')}: {outcome.stopped}"
        )
    rows = [
        {
            **{name: getattr(row, name) for name in ("problem_id", "text", "final", "is_correct", "loss", "n_tokens")},
            "is_truncated": row.is_truncated,
            "unknown": row.unknown,
            "surprises": None,
            "student": "teacher",
            "split": split,
        }
        for row in found.values()
    ]
    folder.write_part("predictions", pd.DataFrame(rows))
    ordered = {problem.problem_id: found[problem.problem_id] for problem in problems}
    evaluate_stage(folder, 0, split, ordered, ordered)
    return ordered
