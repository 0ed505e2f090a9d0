"""The search of SPARQ: parents, mutations and attempts, batch by batch (arXiv 2506.06499, sections 2 and 2.1).

Seeds are given skills (``core.recipes.labelling``) where parents are drawn by skill-set, and a solve rate where they
have to hold their place against what is grown from them. The parents of a candidate stand in its record, its skills in
its ``meta``; there is no table of selections, for a parent may be a candidate, from which nobody could go on by hand.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.counting import counted
from core.errors import TeacherError
from core.generation.grow import GrowOutcome
from core.models.student import Student
from core.recipes.growing import Growing, open_growing
from core.recipes.labelling import label_stage
from core.recipes.rollouts import Solved, Solver, open_solver, record_rates
from core.recipes.stages import CandidateRecorder, home_of
from core.records import Candidate, Problem
from core.runs.folder import RunFolder
from core.selection.archive import ALGORITHMS, Member, WorkingSet
from core.tasks.base import Task
from core.training.data import TrainingRow

BASE = "base"
"""The solver that is the student as it is; any other is a folder with an adapter."""

STALLED = 3
"""Batches in a row that bring nothing before no other one is asked for."""

SALT = "sparq"
"""Enters the candidate ids. No run does, for lots are drawn by id: the same replicate draws the same ones again."""


@dataclass
class Search:
    """What is generated, and what the student makes of it."""

    folder: RunFolder
    config: Mapping[str, Any]
    task: Task
    problems: Mapping[str, Sequence[Problem]]
    """split -> problems."""

    grown: list[GrowOutcome] = field(default_factory=list)
    """What came of each batch."""

    candidates: dict[str, Candidate] = field(default_factory=dict)
    """candidate_id -> accepted candidate, in the order of generation: the archive, whatever their quality."""

    solved: dict[str, Solved] = field(default_factory=dict)
    """candidate_id -> what came of the attempts at it."""

    n_drawn: int = 0
    """Parents drawn, of each batch as many as were asked about."""

    stopped: str | None = None
    """Why it ended before enough was generated, in one sentence."""

    @property
    def label(self) -> str:
        """What the records call the student that attempts."""
        return BASE if self.config["solver"] == BASE else "solver"

    def run(self) -> None:
        """Mutate and solve batch by batch until there are enough problems; raises TeacherError where none comes."""
        config, algorithm = self.config, ALGORITHMS.get(self.config["algorithm"])
        limit = config["per_skill_set" if algorithm.is_diverse else "working_set"]
        known = {problem.problem_id: problem for problem in self.problems["train"]}
        recorder = CandidateRecorder(self.folder, 1, config["generated"], "round 1: teacher")
        with ExitStack() as opened:
            growing = opened.enter_context(open_growing(self.folder, self.problems, (), SALT))
            sampling = (config["n_rollouts"], config["temperature"])
            solver = opened.enter_context(open_solver(self.folder, self._load_solver(), self.task, *sampling))
            working = WorkingSet(algorithm, self.describe_seeds(growing, solver), limit)
            for step in range(1, config["turn"] + 1):
                rng = np.random.default_rng([config["replicate"], step, 3])
                parents = [known[member.problem_id] for member in working.draw(config["batch"], rng)]
                new = self.mutate(growing, recorder, parents, step)
                known |= {id_: to_problem(candidate) for id_, candidate in new.items()}
                working.take_in(self.attempt(solver, new), rng)
                if self.stopped or len(self.candidates) >= config["generated"]:
                    break
        if not self.candidates:
            raise TeacherError(f"No problem came of {self._say_lost()}")

    def describe_seeds(self, growing: Growing, solver: Solver) -> list[Member]:
        """Return the seeds, with the skills and the solve rates that the algorithm looks at."""
        seeds, algorithm = self.problems["train"], ALGORITHMS.get(self.config["algorithm"])
        skills, qualities = [()] * len(seeds), [0.0] * len(seeds)
        if algorithm.is_diverse:
            skills = label_stage(growing, self.label, seeds, "score the seeds, skills")
        if algorithm.is_dynamic:
            rows = [TrainingRow(one.question, one.answer or "", one.final, origin_id=one.problem_id) for one in seeds]
            solved = solver.solve(rows, "score the seeds, answers")
            record_rates(self.folder, self.label, solved)
            qualities = [one.quality for one in solved]
        return [Member(seed.problem_id, *about) for seed, *about in zip(seeds, skills, qualities, strict=True)]

    def mutate(
        self, growing: Growing, recorder: CandidateRecorder, parents: Sequence[Problem], step: int
    ) -> dict[str, Candidate]:
        """Ask for one batch; returns candidate_id -> new problem, and notes why where no other batch is to follow."""
        batch, n_left = self.config["batch"], self.config["generated"] - len(self.candidates)
        outcome = growing.grow(parents, recorder, turn=step, n_accepted=min(batch, n_left), max_requests=batch)
        self.grown.append(outcome)
        self.n_drawn += min(len(parents), outcome.requested)
        known = {candidate.question for candidate in self.candidates.values()}
        new: dict[str, Candidate] = {}
        for candidate in outcome.candidates:
            if candidate.question not in known:
                new[candidate.candidate_id] = candidate
                known.add(candidate.question)
        self.candidates |= new
        last = self.grown[-STALLED:]
        if outcome.stopped is not None:
            self.stopped = outcome.stopped
        elif len(last) == STALLED and not any(one.accepted for one in last):
            self.stopped = f"The last {STALLED} batches brought nothing, so no other one was asked for."
        return new

    def attempt(self, solver: Solver, new: Mapping[str, Candidate]) -> list[Member]:
        """Let the student attempt new problems; returns them as the working set takes them."""
        run_id = self.folder.run_id
        rows = [
            TrainingRow(one.question, one.answer, one.final, origin="candidate", origin_run_id=run_id, origin_id=id_)
            for id_, one in new.items()
        ]
        stage = "round 1: solve what the teacher wrote"
        solved = solver.solve(rows, stage, len(self.solved), self.config["generated"])
        self.solved |= {one.problem_id: one for one in solved}
        return [self.describe(id_) for id_ in new]

    def describe(self, id_: str) -> Member:
        """Return a generated problem as it is looked at when parents are drawn, or problems kept."""
        return Member(id_, tuple(self.candidates[id_].meta.get("skills") or ()), self.solved[id_].quality)

    def _load_solver(self) -> Student:
        adapter = None if self.config["solver"] == BASE else home_of(self.folder) / self.config["solver"]
        return Student.load(self.config["student"], adapter=adapter)

    # -- what is told ------------------------------------------------------------------------------------------------

    def count(self) -> dict[str, int]:
        """Return the counts of all batches, as a round has them."""
        names = ("requested", "failed", "rejected", "accepted", "n_input_tokens", "n_output_tokens")
        return {"selected": self.n_drawn, **{name: sum(getattr(one, name) for one in self.grown) for name in names}}

    def count_rates(self) -> dict[str, int]:
        """Return how many problems are never solved, always, usefully, otherwise, or not known; they add up."""
        rates = [one.rate for one in self.solved.values()]
        n_useful = sum(one.quality > 0 for one in self.solved.values())
        counts = {"n_never": rates.count(0.0), "n_always": rates.count(1.0), "n_unknown": rates.count(None)}
        return {**counts, "n_useful": n_useful, "n_outside": len(rates) - n_useful - sum(counts.values())}

    def summarise(self) -> dict[str, Any]:
        """Return what was generated, what was lost and why, and how often the rest is solved."""
        counts, n_generated = self.count(), len(self.candidates)
        return {
            "n_steps": len(self.grown),
            **{f"n_{name}": counts[name] for name in ("requested", "failed", "rejected")},
            "n_repeated": counts["accepted"] - n_generated,
            "n_generated": n_generated,
            **self.count_rates(),
            "reasons": dict(self._list_reasons().most_common()),
        }

    def _list_reasons(self) -> Counter[str]:
        return sum((one.reasons for one in self.grown), Counter())

    def _say_lost(self) -> str:
        counts, reasons = self.count(), self._list_reasons()
        lost = f"{counts['failed']:,} failed, {counts['rejected']:,} rejected"
        why = f"most often: {reasons.most_common(1)[0][0]}" if reasons else self.stopped
        return f"{counted(counts['requested'], 'mutation')}: {lost}; {why}"


def to_problem(candidate: Candidate) -> Problem:
    """Return a candidate as a parent of others."""
    return Problem(
        candidate.candidate_id, candidate.question, candidate.answer, candidate.final, "train", dict(candidate.meta)
    )
