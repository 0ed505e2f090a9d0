"""Can the data be steered? One child for each of a random sample of seeds, scored by the first and the last student.

Kessler 2025, section 5.4.3, figures 6, 7, 10 and 11. The children of a loop's rounds cannot tell: their seeds were
chosen by the very score that is to be compared, so they cover a narrow range of it. Here the seeds are drawn at random,
no child is replaced, and both students of a loop answer seeds and children.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.datasets import load_problems, split_problems
from core.errors import RunError, TeacherError
from core.hub import Hub
from core.lines import read_all
from core.models.student import Student
from core.recipes.growing import grow_stage
from core.recipes.recipe import RECIPES
from core.recipes.reviewed import is_waiting
from core.recipes.scoring import REWARD, list_signals, score_stage
from core.recipes.stages import LOADING, home_of, make_child
from core.recipes.start import make_loop_config
from core.records import Problem
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.teacher.base import ROUNDS_PER_REPLICATE

KIND = "steerability"

SIGNALS_READ = ("loss", "correct", "reward")
"""What seeds and children are compared by."""

TURN = ROUNDS_PER_REPLICATE - 1
"""No round of a loop asks with these sample indices, so that a child here is none of the loop's."""

UNREAD = ("selector", "pick", "k", "rounds", "training")
"""Of a loop's configuration, what is not read here: nothing is chosen and nothing trained."""

COPIED = ("teacher", "roles", "method", "method_settings", "prompts", "filters", "filter_settings", "budget")
"""Of a loop's configuration, what its check asks by too."""

CHECKED = ("loop", "negatives")
"""Kinds of run whose children are grown from one seed each, so that there is something to compare."""

SAMPLE = 200
"""Seeds unless a run says otherwise."""


@RECIPES.register("steerability")
@dataclass(frozen=True, slots=True)
class Steerability:
    """One child for each of a random sample of seeds, scored by the first and the last student of a loop."""

    kind: ClassVar[str] = KIND
    varies: ClassVar[str | None] = None

    of: str = ""
    """The loop: the name of an arm of the same experiment that stands before this one, or the id of a run."""

    sample: int = SAMPLE
    """Seeds drawn at random; 0: all of them."""

    reward: str = REWARD
    """Reward model that scores seeds and children too."""

    @classmethod
    def list_choices(cls) -> list[str]:
        """Return what arms may differ in."""
        return []

    def make_config(self, home: Path, seed_set: str, student: str, replicate: int) -> dict[str, Any]:
        """Return the configuration of one run; raises RunError where no loop is named, or for a sample below 0."""
        if not self.of:
            raise RunError("Steerability is that of a loop: write of = the name of an earlier arm, or a run's id.")
        if self.sample < 0:
            raise RunError(f"sample must be at least 0, which takes all seeds, not {self.sample}.")
        made = make_loop_config(home, seed_set, student=student, replicate=replicate, reward=self.reward)
        kept = {name: value for name, value in made.items() if name not in UNREAD}
        return {**kept, "of": self.of, "sample": self.sample}


def start_steerability(hub: Hub, loop_run: str, sample: int = SAMPLE) -> str:
    """Put the check of a finished loop in the queue; returns the run id.

    Raises:
        RunError: there is no such loop, or it has trained nothing.
    """
    home = hub.settings.home
    loop = RunFolder(home / "runs" / loop_run)
    config = loop.config
    if loop.read_run()["kind"] not in CHECKED:
        raise RunError(f"The children of the run {loop_run} are not grown from one seed each; check a loop.")
    find_last_adapter(require_over(loop))
    recipe = Steerability(of=loop_run, sample=sample, reward=config.get("reward", REWARD))
    made = recipe.make_config(home, config["seed_set"], config["student"], config["replicate"])
    asked = {name: config[name] for name in COPIED if name in config}
    title = f"Steerability: {config['seed_set_name']}, {sample or 'all'} seeds, students of {loop.read_run()['title']}"
    return hub.submit(KIND, title, {**made, **asked}, lane="device")


def find_loop(folder: RunFolder) -> RunFolder:
    """Return the loop that a run is about; raises RunError where there is none, or it has trained nothing."""
    config, runs = folder.config, home_of(folder) / "runs"
    if (runs / config["of"] / "run.json").exists():
        loop = RunFolder(runs / config["of"])
        require_same_seeds(loop, config["seed_set_name"], config["seed_set"])
        return require_over(loop)
    if config.get("parent"):
        from core.recipes.experiment import choose_runs, find_children

        runs = choose_runs(find_children(home_of(folder), config["parent"]))
        if (run := runs.get((config["of"], config["replicate"]))) is not None:
            return require_over(run)
    raise RunError(f"There is no loop {config['of']!r}: name an arm that stands before this one, or the id of a run.")


def require_same_seeds(loop: RunFolder, name: str, seed_set: str | None) -> None:
    """Raise RunError for a run on other seeds than a check's: scores of both could not be held together.

    Args:
        loop: the run.
        name: of the check's seed set.
        seed_set: its id; None: it is not imported yet, so its name alone is known.
    """
    other, other_id = loop.config.get("seed_set_name"), loop.config.get("seed_set")
    if other_id == seed_set if seed_set is not None else other == name:
        return
    where = f"was run on the seed set {other!r} ({other_id})" if other_id else "has no seeds"
    called = repr(name) if seed_set is None else f"{name!r} ({seed_set})"
    raise RunError(f"The run {loop.run_id} {where}, and not on {called}; check a loop on the same seed set.")


def require_over(loop: RunFolder) -> RunFolder:
    """Return a loop that has come to its end; raises RunError for another, whose last student is still to come."""
    state = loop.read_state()
    if state.state != "done" or is_waiting(state):
        what = "waits for a person" if state.state == "done" else f"is {state.state}"
        raise RunError(f"The run {loop.run_id} {what}, so its last student is not there yet; check it when it is done.")
    return loop


def find_last_adapter(loop: RunFolder) -> tuple[int, Path]:
    """Return the number of a loop's last round and the folder of its adapter; raises RunError where it has none."""
    rows = read_all(loop.path / "records" / "adapters.jsonl")
    if not rows:
        raise RunError(f"The run {loop.run_id} has trained no student, so there is no last one to compare with.")
    last = max(rows, key=lambda row: row["round"])
    return last["round"], home_of(loop) / last["path"]


def steerability_run(folder: RunFolder) -> dict[str, Any]:
    """Grow one child per seed and let both students answer and score seeds and children; summary: the counts."""
    config, home = folder.config, home_of(folder)
    loop = find_loop(folder)
    round_, adapter = find_last_adapter(loop)
    by_split = split_problems(load_problems(home, config["seed_set"]))
    seeds = draw_seeds(by_split["train"], config)
    outcome, _ = grow_stage(
        folder,
        by_split,
        seeds,
        round_=1,
        turn=TURN,
        n_accepted=len(seeds),
        max_requests=len(seeds),
        earlier=(),
        stage="teacher, one child each",
        salt=folder.run_id,
    )
    if not outcome.candidates:
        why = outcome.stopped or f"most often: {outcome.reasons.most_common(1)[0][0]}"
        raise TeacherError(f"None of {outcome.requested:,} seeds has a child that can be used; {why}")
    problems = [*seeds, *(make_child(candidate) for candidate in outcome.candidates)]
    task, signals = TASKS.get(config["task"]), list_signals(SIGNALS_READ)
    unscored: dict[str, dict[str, str]] = {}
    for label, place in (("base", None), (f"round-{round_}", adapter)):
        folder.report(LOADING, 0, 0, None)
        student = Student.load(loop.config["student"], adapter=place)
        table = score_stage(folder, student, label, task, problems, signals, config, f"score by {label}, ")
        if table.failed:
            unscored[label] = dict(table.failed)
    return {
        "loop": loop.run_id,
        "first": "base",
        "last": f"round-{round_}",
        "n_seeds": len(seeds),
        "requested": outcome.requested,
        "failed": outcome.failed,
        "rejected": outcome.rejected,
        "accepted": outcome.accepted,
        "n_input_tokens": outcome.n_input_tokens,
        "n_output_tokens": outcome.n_output_tokens,
        "reasons": dict(outcome.reasons.most_common()),
        "unscored": unscored,
        "stopped": outcome.stopped,
        "teacher": config["teacher"],
    }


def draw_seeds(train: list[Problem], config: Mapping[str, Any]) -> list[Problem]:
    """Return a random sample of the train problems, the same for a replicate; all of them where it asks for as many."""
    order = np.random.default_rng([config["replicate"], 6]).permutation(len(train))
    return [train[int(row)] for row in order[: config["sample"] or len(train)]]
