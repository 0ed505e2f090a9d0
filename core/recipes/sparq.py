"""Synthetic problems by quality and diversity: SPARQ (Havrilla 2025, arXiv 2506.06499).

A generator mutates parents into new problems, batch by batch. A student attempts each of them K times: its solve rate
is how hard the problem is, and decides its quality (section 2). The four algorithms differ in where parents come from
(section 2.1, ``core.selection.archive``). Of all that was generated, what has quality is kept at a fixed number
(section 3.2, ``core.selection.keeping``), and the student is trained on its own right attempts at growing numbers of
kept problems.

What is generated counts to the first round (``core.recipes.searching``), for it has to be there before any is kept.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.analysis.skills import count_skill_sets, count_skills, measure_qd_score
from core.counting import counted
from core.datasets import load_problems, split_problems
from core.errors import RunError, TrainingError
from core.generation.grow import REQUESTS_PER_ACCEPTED
from core.models.adapters import check_fit
from core.recipes.generating import freeze_method
from core.recipes.recipe import RECIPES, make_rounds_config
from core.recipes.rollouts import record_rates, record_rollouts
from core.recipes.rounds import Portion, run_portions
from core.recipes.searching import BASE, Search
from core.recipes.stages import home_of
from core.recipes.training import Plan
from core.runs.folder import RunFolder
from core.selection.archive import ALGORITHMS
from core.selection.keeping import KEEPS
from core.selection.solve_rate import HIGHEST, LOWEST
from core.signals.solve_rate import check_sampling
from core.tasks import TASKS
from core.teacher.base import ROUNDS_PER_REPLICATE
from core.training.data import TrainingRow
from core.training.objectives.drawing import say_most

TEACHER, STUDENT = "teacher", "student"
"""Who may be the generator."""

PAIRS = ("rollouts", "one_rollout", "answers")
"""What is trained on of a problem: every right attempt (section 3.1), one of them (section 3.2), or the generator's own
solution."""


@RECIPES.register("sparq")
@dataclass(frozen=True, slots=True)
class Sparq:
    """Problems of quality and diversity, grown from seeds or from one another (SPARQ, sections 2 and 3)."""

    kind: ClassVar[str] = "sparq"
    varies: ClassVar[str | None] = "algorithm"
    reports: ClassVar[dict[str, str]] = {
        "n_useful": "problems sometimes solved",
        "n_never": "never solved",
        "generated_skill_sets": "skill-sets generated",
        "kept_skill_sets": "skill-sets kept",
        "kept_qd_score": "QD-score of what is kept",
    }

    algorithm: str = "static_uniform"
    """Where parents come from: static_uniform, static_diverse, dynamic_uniform, dynamic_diverse."""

    accepted: int = 100
    """Kept problems that a round adds."""

    rounds: int = 3
    """Rounds, each of which trains anew on everything so far."""

    generated: int = 1000
    """Problems that are generated before any is kept, those without quality included; the paper: 320,000."""

    batch: int = 64
    """Mutations between two draws of parents."""

    n_parents: int = 1
    """Problems that a mutation is made of."""

    working_set: int = 500
    """Problems that dynamic_uniform holds, once it has taken one in."""

    per_skill_set: int = 10
    """Problems of one skill-set that dynamic_diverse holds, once it has taken one in."""

    generator: str = "teacher"
    """Who writes the problems: teacher, or student, its own generator (section 3.3)."""

    solver: str = "base"
    """Who attempts them: base, the student as it is, or the folder of an adapter of it, relative to the home; the paper
    has a student that was finetuned on the seeds."""

    n_rollouts: int = 16
    """K, attempts at each problem."""

    temperature: float = 1.0
    """Of the attempts."""

    keep: str = "all"
    """Which problems of quality are kept: all (the first ones), random, quality, quality_window, diversity,
    quality_diversity."""

    quality_mean: float = 0.8
    """Mean quality of what quality_window keeps."""

    pairs: str = "rollouts"
    """What is trained on of a problem: rollouts, one_rollout, answers."""

    epochs: int | None = None
    """Epochs of each training; none: those of the student's preset."""

    learning_rate: float | None = None
    """Learning rate; none: that of the student's preset."""

    @classmethod
    def list_choices(cls) -> list[str]:
        """Return what arms may differ in."""
        return list(ALGORITHMS)

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the configuration of the search and of the rounds after it."""
        self._check()
        made = make_rounds_config(self, home, seed_set, student, replicate)
        student = made["student"]
        if self.solver != BASE:
            check_fit(student, home / self.solver)
        named = {"accepted", "rounds", "n_parents", "epochs", "learning_rate"}
        return {
            **made,
            **{name: value for name, value in asdict(self).items() if name not in named},
            **freeze_method(made["task"], "mutate", {"n_parents": self.n_parents, "labels_skills": True}, None),
            "teacher": {"student": student} if self.generator == STUDENT else made["teacher"],
            "turn": self._count_steps(),
        }

    def _count_steps(self) -> int:
        """Return how many batches are asked for at most."""
        return -(-REQUESTS_PER_ACCEPTED * self.generated // self.batch)

    def _check(self) -> None:
        """Raise SeedbedError for settings that cannot be."""
        ALGORITHMS.get(self.algorithm), KEEPS.get(self.keep)
        counts = ("generated", "batch", "n_parents", "working_set", "per_skill_set")
        for name in counts:
            if getattr(self, name) < 1:
                raise RunError(f"{name} must be at least 1, not {getattr(self, name)}.")
        for name, known in (("pairs", PAIRS), ("generator", (TEACHER, STUDENT))):
            if getattr(self, name) not in known:
                raise RunError(f"{name} must be {' or '.join(known)}, not {getattr(self, name)!r}.")
        if self.generated < self.accepted * self.rounds:
            wanted = f"{self.rounds} rounds of {self.accepted:,}" if self.rounds > 1 else f"{self.accepted:,}"
            raise RunError(f"Of {self.generated:,} generated problems {wanted} cannot be kept; raise generated.")
        check_sampling(self.n_rollouts, self.temperature)
        if self.n_rollouts == 1:
            raise RunError("n_rollouts must be at least 2: with one attempt every solve rate is 0 or 1.")
        if not LOWEST <= self.quality_mean <= HIGHEST:
            raise RunError(f"quality_mean must be from {LOWEST} to {HIGHEST}, not {self.quality_mean}.")
        if self.batch < self.n_parents:
            raise RunError(f"A batch of {self.batch} mutations draws too few parents for {self.n_parents} of each.")
        if self._count_steps() >= ROUNDS_PER_REPLICATE:
            most = ROUNDS_PER_REPLICATE - 1
            raise RunError(f"{self.generated:,} problems in batches of {self.batch} may take more than {most} of them; "
                           "raise batch.")  # fmt: skip


def run_sparq(folder: RunFolder) -> dict[str, Any]:
    """Search, keep, and train on ever more of what is kept; returns the summary that becomes ``result.json``."""
    config = folder.config
    task, by_split = TASKS.get(config["task"]), split_problems(load_problems(home_of(folder), config["seed_set"]))
    plan = Plan.read_replicate(config, home_of(folder))
    portions = Portions(Search(folder, config, task, by_split))
    summary = run_portions(folder, task, by_split, portions.make(), plan)
    told = {"stopped": summary["stopped"] or portions.search.stopped or portions.short, "teacher": config["teacher"]}
    return {**summary, **told, **portions.summarise()}


@dataclass
class Portions:
    """What is kept of a search, and trained on."""

    search: Search
    kept: list[str] = field(default_factory=list)
    """candidate_ids in the order in which they are trained on."""

    short: str | None = None
    """Why fewer are kept than were to be, in one sentence."""

    def make(self) -> Iterator[Portion]:
        """Yield what each round trains on; everything is generated before the first one."""
        self.search.run()
        self.keep()
        rows: list[TrainingRow] = []
        size = self.search.config["k"]
        for start in range(0, len(self.kept), size):
            part = self.kept[start : start + size]
            rows += [row for id_ in part for row in self.make_rows(id_)]
            counts = {"requested": len(part), "accepted": len(part)}
            yield Portion(list(rows), counts if start else self.count_first(len(part)))

    def keep(self) -> None:
        """Choose what is trained on, and record every attempt with what became of it.

        Raises TrainingError where no problem is of use.
        """
        search, config = self.search, self.search.config
        solved, wanted = list(search.solved.values()), config["k"] * config["rounds"]
        usable = [search.describe(id_) for id_ in search.candidates if self.is_usable(id_)]
        rng = np.random.default_rng([config["replicate"], 0, 4])
        rows = KEEPS.get(config["keep"])(usable, wanted, rng, config["quality_mean"])
        self.kept = [usable[row].problem_id for row in rows]
        unused = {id_: self.say_unused(id_) for id_ in search.candidates.keys() - set(self.kept)}
        if config["pairs"] == "answers":
            unused = dict.fromkeys(search.candidates, "The generator's own answer is trained on.")
        for one in solved if config["pairs"] == "one_rollout" else ():
            for draw in one.asked.list_fit(is_correct=True)[1:]:
                draw.reason = say_most(1, "right", "used")
        record_rates(search.folder, search.label, solved)
        record_rollouts(search.folder, solved, unused)
        self._tell(wanted)

    def _tell(self, wanted: int) -> None:
        """Say how many problems are kept, and why where they are too few; raises TrainingError where there is none."""
        counts, n = self.search.count_rates(), counted(len(self.search.solved), "problem")
        told = ", ".join(f"{counts[f'n_{name}']:,} {name}" for name in ("never", "always", "outside", "useful"))
        print(f"round 1: {n} generated and attempted ({told}), {len(self.kept):,} kept")
        attempts = counted(self.search.config["n_rollouts"], "attempt")
        enough = f"solved in {LOWEST:.0%} to {HIGHEST:.0%} of {attempts}"
        if not self.kept:
            raise TrainingError(f"There is nothing to train on: none of {n} was {enough} ({told}).")
        if len(self.kept) < wanted:
            number = "1 was" if len(self.kept) == 1 else f"{len(self.kept):,} were"
            self.short = f"Only {number} kept of {n}, not {wanted:,}: no more were {enough}; raise generated."

    def is_usable(self, id_: str) -> bool:
        """Say whether a problem has quality, and an answer to be trained on."""
        one = self.search.solved[id_]
        return one.quality > 0 and (self.search.config["pairs"] == "answers" or bool(one.right))

    def make_rows(self, id_: str) -> list[TrainingRow]:
        """Return what is trained on of a kept problem."""
        one = self.search.solved[id_]
        if self.search.config["pairs"] == "answers":
            return [one.asked.row]
        return [replace(one.asked.row, answer=text, origin="own") for text in one.right]

    def say_unused(self, id_: str) -> str:
        """Return why the attempts at a problem that is not kept are not trained on."""
        one = self.search.solved[id_]
        if one.rate is not None and not one.quality:
            return f"Its problem is solved in {one.rate:.1%} of the attempts, not in {LOWEST:.0%} to {HIGHEST:.0%}."
        return one.say_unknown() or "Its problem is not among those that are kept."

    def count_first(self, n_first: int) -> dict[str, int]:
        """Return the counts of the first round: everything but what later rounds add; what is not kept is rejected."""
        counts = self.search.count()
        requested = counts["requested"] - (len(self.kept) - n_first)
        return {
            **counts,
            "requested": requested,
            "accepted": n_first,
            "rejected": requested - counts["failed"] - n_first,
        }

    def summarise(self) -> dict[str, Any]:
        """Return what was generated and kept: counts, solve rates, skills, coverage and QD-score."""
        found = {**self.search.summarise(), "n_kept": len(self.kept)}
        for name, ids in (("generated", list(self.search.candidates)), ("kept", self.kept)):
            members = [self.search.describe(id_) for id_ in ids]
            sets = [member.skills for member in members]
            found |= {
                f"{name}_skills": count_skills(sets),
                f"{name}_skill_sets": count_skill_sets(sets),
                f"{name}_qd_score": measure_qd_score(sets, [member.quality for member in members]),
                f"{name}_without_skills": sets.count(()),
            }
        return found
