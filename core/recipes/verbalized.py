"""Verbalized Sampling as a source of training data (Zhang 2025): which way of asking makes the better student.

``verbalized``: N questions by one prompting method, k of them per call, from one fixed prompt or from seeds; answers by
the teacher, none checked for correctness; supervised finetuning; every test set (section 7.2 and appendix G.6.1).

``incorrect``: right answers to seeds, and as many wrong ones that a teacher wrote to convince, for the signed
likelihood (appendix G.6.2); the form ``none`` trains on the right ones alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.datasets import load_problems, split_problems
from core.errors import RunError, TeacherError
from core.generation.base import METHODS
from core.generation.forms import FORMS
from core.recipes.generating import freeze_filters, freeze_method
from core.recipes.grown_portions import Stock, grow_missing, grow_portions, say_early, say_short
from core.recipes.presets import choose_preset
from core.recipes.recipe import RECIPES, list_training, make_rounds_config
from core.recipes.rounds import Portion, count_growth, run_portions
from core.recipes.single import measure_wrong_ones
from core.recipes.stages import home_of, leave_out_asked
from core.recipes.start import FILTER_NAMES, make_training
from core.recipes.training import Plan
from core.records import Candidate, Problem
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.training.data import NEGATIVE, TrainingRow
from core.training.objectives import make_objective

UNCHECKED = ("held_out", "well_formed", "contamination")
"""Filters that ask nobody whether an answer is right: the paper checks none, and no benchmark may be trained on."""

NO_FORM = "none"
"""Form of the arm that has no wrong answers, which the others are held against."""

WRONG_PER_SEED = 5
"""Wrong solutions to one seed (Zhang 2025, G.6.2: 200 questions, five each)."""


@RECIPES.register("verbalized")
@dataclass(frozen=True, slots=True)
class Verbalized:
    """Supervised finetuning on questions that one way of asking brought, with the teacher's answers (Zhang 2025)."""

    kind: ClassVar[str] = "verbalized"
    varies: ClassVar[str | None] = "method"

    method: str = "vs_standard"
    """How the teacher is asked: direct, cot, sequence, multi_turn, vs_standard, vs_cot or vs_multi."""

    accepted: int = 100
    """Questions that a round adds."""

    rounds: int = 1
    """Rounds, each of which trains anew on everything so far."""

    per_call: int = 5
    """k: questions asked for by one call, where the method asks for several."""

    tail: float | None = None
    """Each stated probability is to be below this; none: from the whole distribution."""

    seeds: bool = False
    """Whether each call names a randomly drawn seed; the paper asks from one fixed prompt."""

    temperature: float | None = 0.7
    """Of the requests for questions; none: the method's own."""

    checked: bool = False
    """Whether wrong answers and questions near to earlier ones are filtered out, as a loop does; the paper does not."""

    epochs: int | None = None
    """Epochs of each training; none: those of the student's preset."""

    learning_rate: float | None = None
    """Learning rate; none: that of the student's preset."""

    @classmethod
    def list_choices(cls) -> list[str]:
        """Return what arms may differ in."""
        return list(FORMS)

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the configuration of one run; raises RunError for a method that is none of the seven."""
        if self.method not in FORMS:
            raise RunError(f"{self.method!r} is no way to ask for questions here; take one of: {', '.join(FORMS)}.")
        made = make_rounds_config(self, home, seed_set, student, replicate)
        settings = {"has_seeds": self.seeds, "temperature": self.temperature}
        uses = METHODS.get(self.method).uses
        settings |= {"n_per_call": self.per_call} if "n_per_call" in uses else {}
        if self.tail is not None and "tail" not in uses:
            raise RunError(f"The method {self.method} states no probabilities; leave tail out.")
        settings |= {"tail": self.tail} if self.tail is not None else {}
        filters = FILTER_NAMES if self.checked else UNCHECKED
        return {
            **made,
            **freeze_method(made["task"], self.method, settings, None),
            **freeze_filters(self.method, filters, None, ()),
        }


@RECIPES.register("incorrect")
@dataclass(frozen=True, slots=True)
class Incorrect:
    """Right answers to seeds made likelier, and a teacher's wrong ones unlikelier (Zhang 2025, appendix G.6.2)."""

    kind: ClassVar[str] = "incorrect"
    varies: ClassVar[str | None] = "form"
    reports: ClassVar[dict[str, str]] = {
        "wrong_rate": "asked for wrong and wrong, %",
        "wrong_coverage": "different wrong answers of those asked for, %",
    }

    form: str = "vs_cot"
    """How wrong solutions are asked for: one of the seven ways; none: there are no wrong ones."""

    accepted: int = 100
    """Seeds with right answers that a round adds, and wrong solutions."""

    rounds: int = 1
    """Rounds, each of which trains anew on everything so far."""

    is_normalised: bool = True
    """Whether an answer counts by its mean per token; the published sum gives wrong ones next to no gradient."""

    temperature: float | None = None
    """Of the requests; none: the method's own."""

    epochs: int | None = None
    """Epochs of each training; none: those of the student's preset."""

    learning_rate: float | None = None
    """Learning rate; none: that of the student's preset."""

    @classmethod
    def list_choices(cls) -> list[str]:
        """Return what arms may differ in."""
        return [NO_FORM, *FORMS]

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the configuration of one run; raises RunError for a form that is none of the seven."""
        if self.form not in (NO_FORM, *FORMS):
            known = ", ".join((NO_FORM, *FORMS))
            raise RunError(f"{self.form!r} is no way to ask for wrong solutions; take one of: {known}.")
        made = make_rounds_config(self, home, seed_set, student, replicate)
        student, task = made["student"], made["task"]
        objective, given = ("sft", {}) if self.form == NO_FORM else ("signed", {"is_normalised": self.is_normalised})
        preset = choose_preset(student, task, objective, given)
        settings = {"n_per_call": WRONG_PER_SEED, "temperature": self.temperature}
        settings |= {"form": self.form} if self.form != NO_FORM else {}
        return {
            **made,
            **freeze_method(task, "incorrect", settings, None),
            **freeze_filters("incorrect", ("wrong",), None, ()),
            "form": self.form,
            "objective": objective,
            "settings": asdict(make_objective(objective, given)),
            "preset": preset,
            "training": make_training(student, task, list_training(self), preset),
        }


def run_verbalized(folder: RunFolder) -> dict[str, Any]:
    """Train on ever more of the questions that a method brings; summary: that of rounds, and what was short."""
    by_split, plan = _open(folder)
    stock = Stock(folder.config["k"])
    portions = grow_portions(folder, by_split, stock)
    made = run_portions(folder, TASKS.get(folder.config["task"]), by_split, portions, plan)
    return {**say_early(made, folder.config, stock.short), **stock.summarise()}


def run_incorrect(folder: RunFolder) -> dict[str, Any]:
    """Train on right answers and on a teacher's wrong ones; summary: that of rounds, wrong-answer rate and coverage."""
    wrong: list[Candidate] = []
    by_split, plan = _open(folder)
    stock = Stock(folder.config["k"])
    task = TASKS.get(folder.config["task"])
    portions = draw_both(folder, by_split, stock, wrong)
    made = run_portions(folder, task, by_split, portions, plan)
    measured = measure_wrong_ones(wrong, {row.problem_id: row for row in by_split["train"]}, task)
    return {**say_early(made, folder.config, stock.short), **stock.summarise(), **measured}


def _open(folder: RunFolder) -> tuple[dict[str, list[Problem]], Plan]:
    config, home = folder.config, home_of(folder)
    by_split = split_problems(load_problems(home, config["seed_set"]))
    return by_split, Plan.read_replicate(config, home)


def draw_both(
    folder: RunFolder, problems: Mapping[str, Sequence[Problem]], stock: Stock, wrong: list[Candidate]
) -> Iterator[Portion]:
    """Yield seeds with their own answers, and as many wrong solutions to some of them, more each time.

    Args:
        folder: of the run.
        problems: split -> problems.
        stock: gets the wrong solutions, and a sentence for each round that has fewer of them than it should.
        wrong: gets every wrong solution that was asked for, failed ones included.
    """
    config = folder.config
    train = leave_out_asked(folder, TASKS.get(config["task"]), problems["train"])
    train = [problem for problem in train if (problem.answer or "").strip()]
    order = np.random.default_rng([config["replicate"], 7]).permutation(len(train))
    seeds = [train[int(row)] for row in order]
    for number in range(1, config["rounds"] + 1):
        mine = seeds[: number * config["k"]]
        new = mine[(number - 1) * config["k"] :]
        if not new:
            stock.short.append(f"round {number}: no seed is left; all {len(seeds):,} are trained on.")
            return
        rows = [
            TrainingRow(row.question, row.answer, row.final, origin="seed", origin_run_id=config["seed_set"],
                        origin_id=row.problem_id)
            for row in mine
        ]  # fmt: skip
        counts = {"selected": len(new), "accepted": len(new)}
        if config["form"] != NO_FORM:
            stock.per_round = len(new)  # the last seeds may be fewer
            outcome, _, tried = grow_missing(folder, problems, new, stock, number)
            wrong += tried
            stock.take(outcome.candidates)
            negatives = [make_negative(folder.run_id, candidate) for candidate in stock.list_used()]
            if (sentence := say_short(number, number * config["k"], stock.list_used(), negatives, outcome)) is not None:
                print(sentence)
                stock.short.append(sentence)
            if not negatives:
                raise TeacherError(f"There is no wrong solution to train on. {sentence}")
            rows += negatives
            counts = {**count_growth(outcome, len(new)), "accepted": len(new)}
        yield Portion(rows, counts)


def make_negative(run_id: str, candidate: Candidate) -> TrainingRow:
    """Return a wrong solution as a row that is to become less likely."""
    return TrainingRow(
        candidate.question,
        candidate.answer,
        None,
        label=NEGATIVE,
        origin="candidate",
        origin_run_id=run_id,
        origin_id=candidate.candidate_id,
    )
