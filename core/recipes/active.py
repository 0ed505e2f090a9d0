"""Iterative synthetic data generation: the loop of the active-learning paper (Kessler 2025, algorithm 1).

Each round: the student answers every seed, a selector chooses the seeds, the teacher rewrites them, filters judge
the candidates, and a fresh adapter is trained on all accepted candidates so far, from the base student.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.datasets import load_problems, split_problems
from core.errors import RunError, TeacherError
from core.generation.grow import GrowOutcome
from core.models.student import Student
from core.recipes.growing import grow_stage
from core.recipes.recipe import RECIPES, make_rounds_config
from core.recipes.reviewed import apply_reviews, find_passed_pause, settle_reviews
from core.recipes.rounds import count_growth, record_round, summarise_rounds
from core.recipes.scoring import list_needs, score_stage
from core.recipes.single import without_held_out
from core.recipes.stages import (
    LOADING,
    ask_after,
    ask_before,
    home_of,
    list_tests,
    make_child,
    record_selection,
    select_with_spares,
)
from core.recipes.training import Plan, train_stage
from core.records import Candidate, Prediction, Problem
from core.runs.folder import RunFolder
from core.selection import SELECTORS, make_rng
from core.signals import SIGNALS
from core.tasks import TASKS
from core.tasks.base import Task
from core.training.data import rows_from_candidates
from core.training.train import TrainingOutcome


@RECIPES.register("active")
@dataclass(frozen=True, slots=True)
class Active:
    """Rounds of choosing seeds, growing candidates and training on all of them (Kessler 2025, algorithm 1)."""

    kind: ClassVar[str] = "loop"
    varies: ClassVar[str | None] = "selector"

    selector: str = "random"
    """How seeds are chosen."""

    pick: str = "argmax"
    """How a score becomes a choice: the highest, or drawn (softmax)."""

    accepted: int = 100
    """Candidates that a round brings."""

    rounds: int = 4
    """Rounds, each of which trains anew on everything so far."""

    reward: str = "tiny-reward"
    """Reward model of the selectors that need one."""

    epochs: int | None = None
    """Epochs of each training; none: those of the student's preset."""

    learning_rate: float | None = None
    """Learning rate; none: that of the student's preset."""

    static: bool = False
    """Seeds are chosen by the student before any training in every round; none is chosen twice."""

    repeats: bool = True
    """Whether a problem may be chosen again in a later round, as in the paper."""

    review: bool = False
    """Stop after each round but the last until a person has reviewed what it brought; the next one trains on their
    verdicts. What a person rejects still counts as data that was paid for."""

    @classmethod
    def list_choices(cls) -> list[str]:
        """Return what arms may differ in."""
        return list(SELECTORS)

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the configuration of a loop; raises RunError for a review that nothing would come of."""
        if self.review and self.rounds < 2:
            raise RunError("review needs rounds = 2 or more: what a person says of a round is used from the next on.")
        choice = {"selector": self.selector, "pick": self.pick, "reward": self.reward}
        made = make_rounds_config(self, home, seed_set, student, replicate, **choice)
        switches = {
            "is_static": self.static,
            "has_no_repeats": self.static or not self.repeats,
            "waits_for_review": self.review,
        }
        # what is as usual is left out: a loop of before these settings is the same loop
        return made | {name: True for name, is_set in switches.items() if is_set}


@dataclass
class Loop:
    """What the rounds of one loop share."""

    folder: RunFolder
    config: dict[str, Any]
    task: Task
    problems: dict[str, list[Problem]]
    """split -> problems."""

    tests: dict[str, tuple[Task, Sequence[Problem]]] = field(default_factory=dict)
    """What is answered before any training and after each round, by name."""

    before: dict[str, dict[str, Prediction]] = field(default_factory=dict)
    """Name of the test -> the base student's predictions."""

    accepted: list[Candidate] = field(default_factory=list)
    """Accepted candidates of all rounds so far."""

    chosen: set[str] = field(default_factory=set)
    """problem_ids of all rounds' seeds so far, those included that took another one's place."""

    stopped: str | None = None
    """Why no other round begins, in one sentence."""

    generated_questions: list[str] = field(default_factory=list)
    """Every question generated so far, accepted or not."""


def run_loop(folder: RunFolder) -> dict[str, Any]:
    """Run the rounds that ``run.json`` asks for; returns the summary that becomes ``result.json``."""
    config = folder.config
    task = TASKS.get(config["task"])
    by_split = split_problems(load_problems(home_of(folder), config["seed_set"]))
    loop = Loop(folder, config, task, by_split)
    folder.report(LOADING, 0, 0, None)
    student = Student.load(config["student"])
    loop.tests = list_tests(folder, task, by_split)
    loop.before = ask_before(folder, student, loop.tests)
    rounds, passed, pause = [], find_passed_pause(folder), {}
    for number in range(1, config["rounds"] + 1):
        if 1 < number <= passed + 1:
            settle_reviews(folder, number - 1)  # what was reviewed by now counts, not what is while this round grows
        row, student = run_round(loop, number, student)
        rounds += [row] if row is not None else []
        if loop.stopped:
            break
        if config.get("waits_for_review") and passed < number < config["rounds"]:
            pause = {"waits_after_round": number}
            loop.stopped = (
                f"It waits for you to review what round {number} brought; go on with it once you have, and the next "
                "round trains without what you rejected and on what you edited."
            )
            break
    return {**summarise_rounds(loop.before, rounds), "stopped": loop.stopped, "teacher": config["teacher"], **pause}


def run_round(loop: Loop, number: int, student: Student) -> tuple[dict[str, Any] | None, Student]:
    """Run one round with the student of the round before; returns the row of ``rounds`` and the new student.

    The row is None where nothing new could be had any more: the rounds before stay as they are.
    """
    started = time.time()
    folder, config = loop.folder, loop.config
    label = "base" if number == 1 or config.get("is_static") else f"round-{number - 1}"
    if number > 1 and label == "base":
        student = Student.load(config["student"])
    chosen = choose_seeds(loop, number, student, label)
    if chosen is None:
        return None, student
    seeds, n_selected = chosen
    outcome = grow_round(loop, number, seeds)
    if outcome.stopped:
        loop.stopped = f"In round {number}: {outcome.stopped}"
        if number > 1 and not outcome.accepted:
            return None, student
    score_children(loop, number, student, label, outcome.candidates)
    loop.accepted += [candidate for candidate in outcome.candidates if not candidate.is_incorrect]
    loop.chosen |= {parent for candidate in outcome.candidates for parent in candidate.parents}
    if not loop.accepted:
        why = outcome.stopped or f"most often: {outcome.reasons.most_common(1)[0][0]}"
        raise TeacherError(
            f"Round {number} brought nothing to train on: {outcome.requested} requested, {outcome.failed} failed, "
            f"{outcome.rejected} rejected; {why}"
        )
    trained = train_round(loop, number)
    student = Student.load(config["student"], adapter=trained.adapter)
    test = ask_after(folder, number, student, loop.tests, loop.before).get("test", {})
    counts = count_growth(outcome, n_selected)
    return record_round(folder, number, counts, trained, test, len(loop.problems["validation"]), started), student


def train_round(loop: Loop, number: int) -> TrainingOutcome:
    """Train anew on everything accepted so far, as far as no person rejected it."""
    folder, config = loop.folder, loop.config
    accepted = loop.accepted
    if config.get("waits_for_review") and number > 1:
        accepted, reviewed = apply_reviews(loop.accepted, settle_reviews(folder, number - 1))
        print(f"round {number}: {reviewed}")
    rows = rows_from_candidates(folder.run_id, accepted)
    if config.get("waits_for_review"):  # an edit could have made a held-out problem; the filters know the others
        held_out = [row for split, problems in loop.problems.items() if split != "train" for row in problems]
        for each in config.get("asked_sets", ()):
            held_out += load_problems(home_of(folder), each["seed_set"])
        rows = without_held_out(rows, loop.task, held_out)
    trained = train_stage(
        folder,
        number,
        task=loop.task,
        source=config["student"],
        rows=rows,
        validation=loop.problems["validation"],
        plan=Plan.read_replicate(config, home_of(folder)),
    )
    if trained.is_stopped:
        loop.stopped = f"It was told in round {number} to keep what it had."
    return trained


def score_children(loop: Loop, number: int, student: Student, label: str, children: Sequence[Candidate]) -> None:
    """Let the student that chose the seeds answer and score what was grown from them: what was asked for, has it come?

    Its own signals are read again (Kessler 2025, section 5.4.3) as far as they are a number and need no teacher, who
    would be paid for looking twice.
    """
    needs = {name: SIGNALS.get(name) for name in list_needs([loop.config["selector"]])}
    signals = [name for name, signal in needs.items() if not signal.is_vector and "teacher" not in signal.needs]
    problems = [make_child(child) for child in children if child.question is not None]
    if not problems:
        return
    score_stage(
        loop.folder, student, label, loop.task, problems, signals, loop.config, f"round {number}: score the children, "
    )


def choose_seeds(loop: Loop, number: int, student: Student, label: str) -> tuple[list[Problem], int] | None:
    """Score the whole seed set and choose; returns the seeds with their spares, and how many are chosen.

    A problem may be chosen again in a later round, as in the paper, unless the configuration says otherwise; None where
    all were chosen before.
    """
    config, train = loop.config, loop.problems["train"]
    pick = config.get("pick", "argmax")
    table = score_stage(
        loop.folder,
        student,
        label,
        loop.task,
        train,
        list_needs([config["selector"]]),
        config,
        f"round {number}: score the seeds, ",
        required=SELECTORS.get(config["selector"]).needs,  # by lots in its place, a loop would be another one
    )
    rng, pool = make_rng(config["replicate"], number), table.make_pool()
    if config.get("has_no_repeats"):
        pool = pool.without(np.flatnonzero(np.isin(pool.problem_ids, sorted(loop.chosen))))
    if not pool.is_free.any():
        loop.stopped = f"In round {number} no seed was left: all {len(train):,} were chosen before."
        return None
    chosen, spares = select_with_spares(pool, config["selector"], config["k"], rng, pick)
    loop.chosen |= set(pool.problem_ids[chosen.indices].tolist())
    about = {
        "seed_set_id": config["seed_set"],
        "selector": config["selector"],
        "pick": pick,
        "k": config["k"],
        "replicate": config["replicate"],
        "prediction_run_id": loop.folder.run_id,
        "student": label,
    }
    seeds = record_selection(loop.folder, number, train, chosen, spares, about)
    return seeds, len(chosen.indices)


def grow_round(loop: Loop, number: int, seeds: Sequence[Problem]) -> GrowOutcome:
    """Let the teacher rewrite the seeds until k candidates are accepted or 4k were requested."""
    outcome, recorder = grow_stage(
        loop.folder,
        loop.problems,
        seeds,
        round_=number,
        turn=number,
        n_accepted=loop.config["k"],
        earlier=loop.generated_questions,
        stage=f"round {number}: teacher",
        salt=f"{loop.folder.run_id}/{number}",
    )
    loop.generated_questions += recorder.questions
    return outcome
