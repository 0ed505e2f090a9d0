"""Growing candidates inside a run: teacher, prompts, filters and recorder as the run's configuration says.

The loop and the runs of the page Generate use the same stage, so both leave the same records.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.cache import Cache
from core.counting import counted
from core.datasets import load_problems
from core.errors import TeacherError, UnknownNameError
from core.filters.base import FilterContext, make_filters
from core.generation.base import METHODS, N_EXAMPLES, Brief, MethodSettings
from core.generation.grow import GrowOutcome, first_sample_index, grow
from core.recipes.stages import CandidateRecorder, home_of
from core.recipes.teachers import open_team
from core.records import Problem
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.tasks.base import Task
from core.tasks.prompts import Prompts
from core.teacher.team import Team


def make_settings(settings: Mapping[str, Any] | None) -> MethodSettings:
    """Return the settings of a method; raises UnknownNameError for a field that there is not."""
    known = {each.name for each in fields(MethodSettings)}
    if unknown := (settings or {}).keys() - known:
        raise UnknownNameError(f"There is no setting {min(unknown)!r}; known: {', '.join(sorted(known))}.")
    return MethodSettings(**(settings or {}))


def make_brief(config: Mapping[str, Any], task: Task, pool: Sequence[Problem], salt: str) -> Brief:
    """Return what all calls of a run share, by the ``method_settings`` and frozen ``prompts`` of its configuration."""
    edited = {name: prompt["text"] for name, prompt in config.get("prompts", {}).items()}
    return Brief(task, pool, make_settings(config.get("method_settings")), Prompts(edited), salt)


EXAMPLES = "examples"
"""Name of the table of a run's input that holds its few-shot examples where people accepted them."""


def require_examples(accepted: pd.DataFrame) -> pd.DataFrame:
    """Return the accepted candidates; raises TeacherError where they are too few to be a prompt's examples."""
    if len(accepted) < N_EXAMPLES:
        raise TeacherError(
            f"A prompt has {N_EXAMPLES} examples, and {counted(len(accepted), 'candidate')} of this seed set "
            f"{'was' if len(accepted) == 1 else 'were'} accepted by hand so far; review more, or show seeds."
        )
    return accepted


def make_examples(accepted: pd.DataFrame) -> list[Problem]:
    """Return accepted candidates (``list_accepted_by_hand``) as problems that a prompt may show."""
    rows = accepted.astype(object).where(accepted.notna(), None).to_dict("records")
    return [
        Problem(
            row["candidate_id"], row["question"], row["answer"], row["final"],
            meta=json.loads(row["seed_meta"] or "{}") | json.loads(row["meta"] or "{}"),
        )
        for row in rows
    ]  # fmt: skip


def make_draw(config: Mapping[str, Any]) -> np.random.Generator:
    """Return what draws the few-shot examples of a turn: the same ones whenever it is carried out."""
    return np.random.default_rng([config["replicate"], config["turn"], 2])


def read_benchmarks(home: Path, seed_sets: Sequence[str]) -> dict[str, list[str]]:
    """Return name -> every question of each of these seed sets, which no candidate may come close to."""
    names = {id_: RunFolder(home / "runs" / id_).config["name"] for id_ in seed_sets}
    questions: dict[str, list[str]] = {}
    for id_, name in names.items():
        questions.setdefault(name, []).extend(problem.question for problem in load_problems(home, id_))
    return questions


@dataclass(frozen=True, slots=True)
class Growing:
    """What all growths of a run share: whom they ask and how, and what its filters have seen so far."""

    folder: RunFolder
    brief: Brief
    team: Team
    context: FilterContext

    def grow(
        self,
        seeds: Sequence[Problem],
        recorder: CandidateRecorder,
        *,
        turn: int,
        n_accepted: int,
        max_requests: int | None = None,
    ) -> GrowOutcome:
        """Let the teacher grow candidates from the seeds; the recorder gets each as it is judged.

        Args:
            seeds: in the order of priority, spares included.
            recorder: of the run's candidates.
            turn: decides the sample indices, see ``first_sample_index``.
            n_accepted: accepted candidates wanted.
            max_requests: limit on candidates; None: four times ``n_accepted``.
        """
        config = self.folder.config
        return grow(
            seeds,
            self.brief,
            METHODS.get(config["method"]),
            self.team,
            make_filters(config["filters"], config.get("filter_settings")),
            n_accepted=n_accepted,
            max_requests=max_requests,
            rng=make_draw({**config, "turn": turn}),
            context=self.context,
            on_candidate=recorder,
            check_cancelled=self.folder.check_cancelled,
            sample_index=first_sample_index(config["replicate"], turn),
        )


@contextmanager
def open_growing(
    folder: RunFolder, problems: Mapping[str, Sequence[Problem]], earlier: Sequence[str], salt: str
) -> Iterator[Growing]:
    """Yield what grows the candidates of a run, its teachers open; the arguments are those of ``grow_stage``."""
    train = problems.get("train", ())
    shown = make_examples(folder.read_input(EXAMPLES)) if folder.config.get("examples_by_hand") else train
    brief = make_brief(folder.config, TASKS.get(folder.config["task"]), shown, salt)
    with open_team(folder) as team, Cache(home_of(folder) / "cache" / "scores") as cache:
        yield Growing(folder, brief, team, _make_context(folder, brief, problems, earlier, team, cache))


def grow_stage(
    folder: RunFolder,
    problems: Mapping[str, Sequence[Problem]],
    seeds: Sequence[Problem],
    *,
    round_: int,
    turn: int,
    n_accepted: int,
    earlier: Sequence[str],
    stage: str,
    salt: str,
    max_requests: int | None = None,
) -> tuple[GrowOutcome, CandidateRecorder]:
    """Let the teacher grow candidates from the seeds and record each as it is judged.

    Args:
        folder: its configuration names task, teacher, method, filters and replicate; receives candidates and verdicts.
        problems: split -> problems; the train problems are examples, the others are held out.
        seeds: in the order of priority, spares included.
        round_: number that the records carry.
        turn: decides the sample indices, see ``first_sample_index``.
        n_accepted: accepted candidates wanted.
        earlier: questions generated before in the same experiment, oldest first.
        stage: name of the progress line.
        salt: enters the candidate ids.
        max_requests: limit on candidates; None: four times ``n_accepted``.

    Returns:
        What came of it, and the recorder, which knows every question generated.
    """
    recorder = CandidateRecorder(folder, round_, n_accepted, stage)
    with open_growing(folder, problems, earlier, salt) as growing:
        outcome = growing.grow(seeds, recorder, turn=turn, n_accepted=n_accepted, max_requests=max_requests)
    return outcome, recorder


def _make_context(
    folder: RunFolder,
    brief: Brief,
    problems: Mapping[str, Sequence[Problem]],
    earlier: Sequence[str],
    team: Team,
    cache: Cache,
) -> FilterContext:
    """Return what the filters of a run compare with, whom they ask and where they keep things."""
    return FilterContext(
        brief.task,
        list(earlier),
        seeds={problem.problem_id: problem for problem in problems.get("train", ())},
        held_out=[row for split, rows in problems.items() if split != "train" for row in rows],
        benchmarks=read_benchmarks(home_of(folder), folder.config.get("benchmarks", ())),
        teacher=team,
        prompts=brief.prompts,
        cache=cache,
    )
