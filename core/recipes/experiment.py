"""An experiment as runs: one for each replicate, which carries out every arm in one warm process, and one above them.

All arms of all replicates share seed set and splits; what the student answers before any training is asked once, for
the cache knows it. A replicate is resumable: arms that are done are not done again, and each arm's own run goes on from
its last finished stage. ``experiment_file.py`` reads experiments, ``experiment_freezing.py`` checks
them, ``experiment_results.py`` what came of them.

Several processes may carry out one experiment at once. Who needs a run of it looks for it anew and makes it where there
is none, both under one lock; what another process works on is left to that one.
"""

import fcntl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from core.errors import RunBusy, RunCancelled, RunError
from core.hub import Hub
from core.recipes.experiment_file import Experiment
from core.recipes.experiment_freezing import freeze_experiment, make_arm_config, require_students
from core.recipes.generating import require_servers
from core.recipes.recipes import RECIPES
from core.recipes.stages import home_of
from core.runs.finding import find_alike
from core.runs.folder import ENDED, STOPPED, RunFolder
from core.runs.orders import read_orders

KIND, REPLICATE = "experiment", "replicate"
"""Kinds of run: what holds the replicates together, and one of them."""


def open_experiment(home: Path, title: str, config: Mapping[str, Any]) -> RunFolder:
    """Make the folder of an experiment, which is done at once: its replicates do the work."""
    folder = RunFolder.create(home, KIND, title=title, config=config, lane="light", starts_itself=True)
    with folder.hold():
        n_runs = len(config["replicates"]) * len(config["arms"])
        folder.finish("done", {"n_replicates": len(config["replicates"]), "n_runs": n_runs})
    return folder


def describe_replicate(experiment: RunFolder, replicate: int) -> tuple[str, dict[str, Any]]:
    """Return the title and the configuration of a replicate's run."""
    about = experiment.read_run()
    config = {name: value for name, value in about["config"].items() if name != "replicates"}
    return f"{about['title']}, replicate {replicate}", {
        **config,
        "replicate": replicate,
        "parent": experiment.run_id,
    }


@contextmanager
def look_for(home: Path, experiment: Experiment) -> Iterator[tuple[dict[str, Any], RunFolder | None]]:
    """Yield an experiment's configuration, and its run in this home or None, while nobody else may make one.

    Raises:
        SeedbedError: as ``freeze_experiment``.
    """
    home.mkdir(parents=True, exist_ok=True)
    with hold_lock(home / "experiments.lock"):
        config = freeze_experiment(home, experiment)
        yield config, find_alike(home, KIND, config)


def start_experiment(hub: Hub, experiment: Experiment) -> str:
    """Put what is not done of every replicate in the queue; returns the run id of the experiment, made where it is new.

    Raises:
        RunError: it is here already, and there is nothing of it to queue.
        TeacherError: a server cannot be reached.
        ModelLoadError: a student is neither here nor on the hub.
        SeedbedError: as ``freeze_experiment``.
    """
    require_servers({"teacher": experiment.teacher, "roles": experiment.roles})
    require_students(experiment)
    home = hub.settings.home
    with look_for(home, experiment) as (config, found):
        folder = found or open_experiment(home, experiment.title, config)
    with lock_children(home, folder.run_id):
        states = [_queue_replicate(hub, folder, replicate) for replicate in experiment.replicates]
    if "queued" not in states:
        what = "its runs are at work or wait in the queue" if "busy" in states else "nothing of it is left to carry out"
        raise RunError(
            f"This experiment is here already, called {folder.read_run()['title']!r}, and {what}; change something in "
            "it for another one."
        )
    hub.step()
    return folder.run_id


def _queue_replicate(hub: Hub, experiment: RunFolder, replicate: int) -> str:
    """Queue a replicate, or have it go on; returns queued, or why not: done, or busy. Within ``lock_children``."""
    runs = choose_runs(find_children(hub.settings.home, experiment.run_id))
    run = runs.get((None, replicate))
    if is_over(experiment, runs, replicate):
        return "done"
    if run is None:
        title, config = describe_replicate(experiment, replicate)
        hub.submit(REPLICATE, title, config, lane="device")
    elif run.read_state().state in ENDED:
        hub.order(run.run_id, "again")
    else:
        return "busy"
    return "queued"


def is_over(experiment: RunFolder, runs: Mapping[tuple[str | None, int], RunFolder], replicate: int) -> bool:
    """Say whether every arm of a replicate is done, as far as it goes without a person; ``runs`` as of choose_runs."""
    made = [runs.get((arm["name"], replicate)) for arm in experiment.config["arms"]]
    return all(run is not None and run.read_state().state == "done" for run in made)


def find_children(home: Path, parent: str) -> Iterator[RunFolder]:
    """Yield the runs of an experiment, replicates and arms, oldest first, from run folders alone."""
    kinds = {REPLICATE, *(RECIPES.get(name).kind for name in RECIPES)}
    for path in sorted((home / "runs").glob("[!.]*")):
        folder = RunFolder(path)
        try:
            if folder.read_run()["kind"] in kinds and folder.config.get("parent") == parent:
                yield folder
        except RunError:  # a damaged folder is no run of this experiment
            continue


def choose_runs(runs: Iterable[RunFolder]) -> dict[tuple[str | None, int], RunFolder]:
    """Return (arm, replicate) -> the one run that counts: the newest that was not given up, else the newest.

    The arm of a replicate's own run is None. A home of before runs were made under a lock may have several of one arm.
    """
    ranked: dict[tuple[str | None, int], tuple[tuple, RunFolder]] = {}
    for run in runs:
        about = run.read_run()
        key = (about["config"].get("arm"), about["config"]["replicate"])
        rank = (run.read_state().state not in STOPPED, about["created_at"], run.run_id)
        if key not in ranked or rank > ranked[key][0]:
            ranked[key] = (rank, run)
    return {key: run for key, (_, run) in ranked.items()}


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Wait until no other process or thread is within this lock, and be in it."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def lock_children(home: Path, experiment: str) -> AbstractContextManager[None]:
    """Let one process at a time make runs of an experiment, and tell those that ended to go on."""
    return hold_lock(home / "runs" / experiment / "children.lock")


def open_replicate(experiment: RunFolder, replicate: int) -> RunFolder | None:
    """Return a replicate's run, to be carried out by who asks; None where every arm of it is done.

    Raises RunBusy where another process works on it.
    """
    home = home_of(experiment)
    with lock_children(home, experiment.run_id):
        runs = choose_runs(find_children(home, experiment.run_id))
        if is_over(experiment, runs, replicate):
            return None
        run = runs.get((None, replicate))
        if run is not None:
            return tell_again(run)
        title, config = describe_replicate(experiment, replicate)
        return RunFolder.create(home, REPLICATE, title=title, config=config, lane="device", starts_itself=True)


def tell_again(run: RunFolder) -> RunFolder:
    """Return a run, told to go on where it has ended; raises RunBusy where a process is at work on it."""
    if run.is_alive():
        raise RunBusy(f"The run {run.run_id} is at work in another process.")
    if run.read_state().state in ENDED:
        run.order("again")
    return run


class ArmFolder(RunFolder):
    """An arm's run, which hears too that its replicate is told to end."""

    def __init__(self, path: Path, replicate: RunFolder):
        super().__init__(path)
        self.replicate = replicate

    def check_cancelled(self) -> None:
        """Raise RunCancelled where either is told."""
        self.replicate.check_cancelled()
        super().check_cancelled()


def replicate_run(folder: RunFolder) -> dict[str, Any]:
    """Carry out every arm that is not done, one after the other; an arm that fails costs none of the others."""
    config, home = folder.config, home_of(folder)
    failed: dict[str, str] = {}
    busy: list[str] = []
    n_arms = len(config["arms"])
    for number, arm in enumerate(config["arms"]):
        folder.report("arms", number - len(failed) - len(busy), len(failed), n_arms)
        folder.check_cancelled()
        try:
            run = _open_arm(home, config, arm)
            if run is not None:
                print(f"replicate {config['replicate']}, {arm['name']}: run {run.run_id}", flush=True)
            error = None if run is None else _carry_out(ArmFolder(run.path, folder))
        except RunBusy as caught:
            busy.append(arm["name"])
            print(f"{arm['name']}: {caught} It is left to that one.", flush=True)
            continue
        if error is not None:
            folder.check_cancelled()
            failed[arm["name"]] = error
            print(f"{arm['name']}: {error}")
    folder.report("arms", n_arms - len(failed) - len(busy), len(failed), n_arms)
    return {"n_arms": n_arms, "failed": failed, "busy": busy}


def _open_arm(home: Path, config: Mapping[str, Any], arm: Mapping[str, Any]) -> RunFolder | None:
    """Return an arm's run, to be carried out; None where it is done. Raises RunBusy where another process is on it."""
    with lock_children(home, config["parent"]):
        run = choose_runs(find_children(home, config["parent"])).get((arm["name"], config["replicate"]))
        if run is None:
            return _make_arm_run(home, config, arm)
        if run.read_state().state == "done":  # also where it waits for a person: only its own order passes a pause
            return None
        return tell_again(run)


def _make_arm_run(home: Path, config: Mapping[str, Any], arm: Mapping[str, Any]) -> RunFolder:
    replicate = config["replicate"]
    title = f"{config['seed_set_name']}: {arm['name']}, replicate {replicate}"
    about = {"parent": config["parent"], "arm": arm["name"], "recipe": arm["recipe"]}
    return RunFolder.create(
        home,
        RECIPES.get(arm["recipe"]).kind,
        title=title,
        config={**make_arm_config(home, config, arm, replicate), **about},
        lane="device",
        starts_itself=True,
    )


def _carry_out(run: RunFolder) -> str | None:
    """Bring an arm's run to its end; returns why it did not come to it, None where it is done.

    Raises:
        RunCancelled: it was this process that was stopped, and not the arm's run alone.
        RunBusy: another process has begun with it in the meantime.
    """
    from core.recipes.kinds import execute

    state = execute(run)
    if state == "cancelled" and read_orders(run.path).cancelled_at is None:
        raise RunCancelled("The replicate was stopped.")
    return None if state == "done" else run.read_state().error or f"It was {state}."
