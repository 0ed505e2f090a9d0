"""A teacher's worked answers to the seeds themselves, compared with their references: the kind of run ``answers``.

An answer is a candidate of the method ``answer`` whose only parent is its seed, and the comparison is the verdict of a
filter: so an answer has its raw reply, its tokens, its reason and its place in a review as every candidate has. Asking
goes through ``grow``, so that budget, error stop and cancelling are those of every growth. Neither method nor filter
is registered: both make sense here alone.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets import load_problems
from core.errors import TeacherError
from core.filters.base import FilterContext, accept, leave_open, quote, reject
from core.filters.wrong import is_equal_final
from core.generation.asking import Conversation, ask_for, make_answer_request, read_worked, to_candidate
from core.generation.base import Brief, Call, Draft, MethodSettings, Step
from core.generation.grow import GrowOutcome, first_sample_index, grow
from core.hub import Hub
from core.recipes.generating import choose_lane, require_servers
from core.recipes.growing import make_brief
from core.recipes.stages import CandidateRecorder, home_of
from core.recipes.start import read_seed_set
from core.recipes.teachers import check_team, open_team
from core.records import Candidate, Problem, Verdict
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.tasks.base import NewQuestion, ReplyError, Task
from core.tasks.prompts import Prompts
from core.teacher.base import Teacher
from core.teacher.team import Team

METHOD, REFERENCE = "answer", "reference"
"""Method of such a candidate, and filter whose verdict says whether it is right."""

STAGE = "answers of the teacher"

MOST_PER_SEED = 64


class SeedAnswers:
    """One worked answer to one seed's own question."""

    name = METHOD
    title = "Worked answers to the seeds themselves"
    source = "Kessler 2025, appendix D.2 (the answer prompt)"
    uses: frozenset[str] = frozenset()
    always: tuple[str, ...] = ()

    def count_parents(self, settings: MethodSettings) -> int:
        """Return one."""
        return 1

    def count_candidates(self, settings: MethodSettings) -> int:
        """Return one."""
        return 1

    def list_prompts(self, task: Task, settings: MethodSettings) -> tuple[str, ...]:
        """Return the task's prompt for an answer; a puzzle without an equation is asked as the student is."""
        return ("game24_student",) if task.name == "game24" else (f"{task.name}_answer",)

    def list_steps(self, task: Task, settings: MethodSettings) -> tuple[Step, ...]:
        """Return the one request."""
        return (Step("answer", self.list_prompts(task, settings), "answer"),)

    def open_call(self, parents: Sequence[Problem], brief: Brief, sample_index: int, rng: np.random.Generator) -> Call:
        """Return the call on one seed."""
        (seed,) = parents
        return Call((seed,), make_answer_request(NewQuestion(seed.question, seed.meta), brief, seed, sample_index))

    async def carry_out(self, call: Call, brief: Brief, teacher: Teacher) -> list[Candidate]:
        """Ask and read; see the contract of a prompting method."""
        draft = Draft(question=call.parents[0].question)
        try:
            read_worked(draft, await ask_for(Conversation(teacher), call.request, draft), brief)
        except ReplyError as error:
            draft.failure = str(error)
        return [to_candidate(draft, call, brief, self.name, teacher.name)]


@dataclass(frozen=True, slots=True)
class AgreesWithReference:
    """Rejects an answer whose final answer is not the seed's."""

    name = REFERENCE
    cost = "none"
    title = "Rejects answers to a seed that differ from its reference"

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate: right, wrong, or None where there is no reference or no telling."""
        return [self._judge(candidate, context) for candidate in candidates]

    def _judge(self, candidate: Candidate, context: FilterContext) -> Verdict:
        seed = context.seeds[candidate.parents[0]]
        if not seed.final:
            return leave_open(candidate, self.name, "The seed has no reference answer to compare with.")
        is_right = is_equal_final(context.task, candidate.final, seed)
        said, reference = quote(candidate.final, 40), quote(seed.final, 40)
        if is_right is None:
            return leave_open(candidate, self.name, f"Whether {said} is the reference {reference} cannot be decided.")
        if not is_right:
            return reject(candidate, self.name, f"The answer ends in {said}, and the reference is {reference}.")
        return accept(candidate, self.name)


def make_answers_config(
    home: Path,
    about: Mapping[str, Any],
    n_seeds: int,
    *,
    teacher: str | Mapping[str, Any] = "built-in",
    n_per_seed: int = 1,
    prompts: Mapping[str, str] | None = None,
    budget: Mapping[str, float | None] | None = None,
    error_stop: Mapping[str, float] | None = None,
    replicate: int = 0,
) -> dict[str, Any]:
    """Return the frozen configuration of a run that lets a teacher answer seeds.

    The same question is asked with the same sample index in every such run, so what was answered once costs nothing.

    Args:
        home: the workspace, for a person's own prices.
        about: ``seed_set``, ``seed_set_name`` and ``task``.
        n_seeds: seeds that are asked.
        teacher: who is asked, see ``core.teacher.roles``.
        n_per_seed: answers to each, from 1 to MOST_PER_SEED.
        prompts: name -> edited text.
        budget: ``tokens`` and ``usd``, None for no limit.
        error_stop: fields of ``core.teacher.stopping.StopRule`` that are not as they usually are.
        replicate: random seed; another one asks for other answers.

    Raises:
        SeedbedError: nothing is asked, the prompt cannot be filled, or what ``check_team`` raises.
    """
    if n_seeds < 1:
        raise TeacherError("There are no seeds to answer; choose some.")
    if not 1 <= n_per_seed <= MOST_PER_SEED:
        raise TeacherError(f"Ask for 1 to {MOST_PER_SEED} answers to each seed, not {n_per_seed}.")
    names = SeedAnswers().list_prompts(TASKS.get(about["task"]), MethodSettings())
    config = {
        **about,
        "teacher": teacher,
        "roles": {},
        "method": METHOD,
        "prompts": Prompts(prompts).freeze(names),
        "filters": [REFERENCE],
        "budget": dict(budget or {}),
        "error_stop": dict(error_stop) if error_stop else None,
        "n_per_seed": n_per_seed,
        "n_accepted": n_seeds * n_per_seed,
        "max_requests": n_seeds * n_per_seed,
        "replicate": replicate,
        "is_preview": False,
    }
    check_team(home, config)
    return config


def make_answers_inputs(problem_ids: Sequence[str]) -> dict[str, Any]:
    """Return the input table of such a run."""
    import pandas as pd

    return {"seeds": pd.DataFrame({"problem_id": list(problem_ids)}, dtype="str")}


def start_answers(hub: Hub, seed_set: str, problem_ids: Sequence[str], **choices: Any) -> str:
    """Let a teacher answer train seeds in the background; returns the run id. ``choices``: ``make_answers_config``.

    Raises:
        TeacherError: a server cannot be reached.
        SeedbedError: no such seed set, or what ``make_answers_config`` raises.
    """
    row = read_seed_set(hub, seed_set)
    about = {"seed_set": seed_set, "seed_set_name": row["name"], "task": row["task"]}
    config = make_answers_config(hub.settings.home, about, len(problem_ids), **choices)
    require_servers(config)
    title = f"Answers to {len(problem_ids)} seeds of {row['name']}"
    inputs = make_answers_inputs(problem_ids)
    return hub.submit("answers", title, config, lane=choose_lane(config), inputs=inputs)


def answers_run(folder: RunFolder) -> dict[str, Any]:
    """Let the teacher answer the given seeds; summary: how many are right, wrong, undecided and failed, and why.

    Raises:
        TeacherError: a seed that was given is no train problem of the seed set.
    """
    config, started = folder.config, time.time()
    train = load_problems(home_of(folder), config["seed_set"], ["train"])
    by_id = {problem.problem_id: problem for problem in train}
    ids = folder.read_input("seeds")["problem_id"].tolist()
    if unknown := [id_ for id_ in ids if id_ not in by_id]:
        raise TeacherError(f"{len(unknown)} of the {len(ids)} problems are no train seeds of this set; choose others.")
    brief = make_brief(config, TASKS.get(config["task"]), train, folder.run_id)
    recorder = CandidateRecorder(folder, 1, config["n_accepted"], STAGE)
    verdicts: list[bool | None] = []

    def record(candidate: Candidate, said: Sequence[Verdict]) -> None:
        recorder(candidate, said)
        verdicts.extend(verdict.is_accepted for verdict in said)

    with open_team(folder) as team:
        outcome = answer_stage(
            folder,
            team,
            brief,
            [by_id[id_] for id_ in ids],
            n_accepted=config["n_accepted"],
            max_requests=config["max_requests"],
            sample_index=first_sample_index(config["replicate"], 0),
            on_candidate=record,
        )
    return {
        "requested": outcome.requested,
        "failed": outcome.failed,
        "rejected": outcome.rejected,
        "accepted": outcome.accepted,
        "right": verdicts.count(True),
        "wrong": verdicts.count(False),
        "undecided": verdicts.count(None),
        "n_input_tokens": outcome.n_input_tokens,
        "n_output_tokens": outcome.n_output_tokens,
        "n_uncounted": outcome.n_uncounted,
        "stopped": outcome.stopped,
        "reasons": dict(outcome.reasons.most_common()),
        "seconds": time.time() - started,
    }


def answer_stage(
    folder: RunFolder,
    team: Team,
    brief: Brief,
    seeds: Sequence[Problem],
    *,
    n_accepted: int,
    max_requests: int,
    sample_index: int,
    on_candidate: Callable[[Candidate, Sequence[Verdict]], None],
) -> GrowOutcome:
    """Let the teacher answer problems in their order, each compared with its reference; see ``grow``."""
    return grow(
        seeds,
        brief,
        SeedAnswers(),
        team,
        [AgreesWithReference()],
        n_accepted=n_accepted,
        max_requests=max_requests,
        rng=np.random.default_rng(folder.config["replicate"]),
        context=FilterContext(brief.task, seeds={problem.problem_id: problem for problem in seeds}),
        on_candidate=on_candidate,
        check_cancelled=folder.check_cancelled,
        sample_index=sample_index,
    )
