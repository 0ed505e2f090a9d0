"""An experiment carried out by several processes at once, homes in which that made runs twice, and what is left out."""

import contextlib
import io
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from core.__main__ import main
from core.errors import SeedbedError
from core.hub import Hub
from core.recipes import experiment as experiments
from core.recipes.experiment_file import make_experiment, read_experiment
from core.recipes.experiment_results import read_results
from core.recipes.kinds import execute
from core.runs.calls import write_call
from core.runs.folder import RunFolder
from core.settings import Settings
from core.shell_experiment import find_or_open, list_tables

ARMS = ("random", "loss_high")


def list_runs(home):
    """Return (arm, replicate) -> its runs, of the only experiment of a home; the arm of a replicate is None."""
    (path,) = (home / "runs").glob("*-experiment-*")
    found = {}
    for run in experiments.find_children(home, path.name):
        found.setdefault((run.config.get("arm"), run.config["replicate"]), []).append(run)
    return found


@pytest.fixture(scope="module")
def two(few_files, tmp_path_factory):
    """What two shells say of one experiment, the second begun while the first trains in the first arm."""
    place = tmp_path_factory.mktemp("two")
    file, home = place / "small.toml", place / "home"
    file.write_text(
        f'seed_set = "{few_files["train"]}"\ntest = "{few_files["test"]}"\nreplicates = 2\n'
        f"[common]\naccepted = 4\nrounds = 1\nepochs = 1\n[[arm]]\nselector = {list(ARMS)}\n"
    )
    append, told = RunFolder.append, {"first": io.StringIO(), "second": io.StringIO()}

    def begin(folder, table, record):
        append(folder, table, record)
        if table == "metrics" and not told["second"].getvalue():
            with contextlib.redirect_stdout(told["second"]):
                print("begun")
                assert main(["experiment", str(file), "--home", str(home)]) == 0

    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(told["first"]):
        patched.setattr(RunFolder, "append", begin)
        assert main(["experiment", str(file), "--home", str(home)]) == 0
    return home, {name: lines.getvalue() for name, lines in told.items()}


def test_what_another_process_works_on_is_left_to_it_and_nothing_is_made_twice(two):
    home, told = two
    found = list_runs(home)
    assert set(found) == {(arm, number) for arm in (None, *ARMS) for number in (0, 1)}
    assert all(len(runs) == 1 and runs[0].read_state().attempt == 1 for runs in found.values())
    assert {runs[0].read_state().state for runs in found.values()} == {"done"}
    assert all(found[None, number][0].read_state().summary["failed"] == {} for number in (0, 1))
    (line,) = [line for line in told["second"].splitlines() if line.startswith("replicate 0: ")]
    assert line.endswith("is at work in another process. It is left to that one.")
    assert "2 runs still to come" in told["second"]  # those of the first, which the second does not wait for
    assert "replicate 1: " not in told["first"] and "still to come" not in told["first"]


def test_an_arm_that_another_process_works_on_is_told_and_has_not_failed(two):
    home, _ = two
    runs = list_runs(home)
    replicate, arm = runs[None, 1][0], runs["random", 1][0]
    arm.order("again")
    replicate.order("again")
    with contextlib.redirect_stdout(io.StringIO()) as told, arm.hold():
        assert execute(replicate) == "done"
        assert arm.read_state().state == "running"
        arm.finish("done", {})
    assert replicate.read_state().summary == {"n_arms": 2, "failed": {}, "busy": ["random"]}
    assert "random: The run" in told.getvalue() and "It is left to that one." in told.getvalue()


def test_who_asks_at_the_same_time_gets_the_same_run(tmp_path, few_files):
    content = {"seed_set": str(few_files["train"]), "replicates": 3, "arm": [{"selector": list(ARMS)}]}
    config = experiments.freeze_experiment(tmp_path, make_experiment(content, "x"))
    folder = experiments.open_experiment(tmp_path, "x", config)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: experiments.open_replicate(folder, number % 3).run_id, range(24)))
    assert len(set(found)) == 3 and set(found) == {runs[0].run_id for runs in list_runs(tmp_path).values()}
    _, config = experiments.describe_replicate(folder, 0)
    with ThreadPoolExecutor(8) as pool:
        arms = list(pool.map(lambda _: experiments._open_arm(tmp_path, config, config["arms"][0]).run_id, range(8)))
    assert len(set(arms)) == 1 and len(list_runs(tmp_path)["random", 0]) == 1


def test_the_page_finds_the_experiment_that_is_there_and_queues_what_is_left_of_it(tmp_path, few_files):
    content = {"seed_set": str(few_files["train"]), "replicates": 3, "arm": [{"selector": list(ARMS)}]}
    read = make_experiment(content, "Mine")
    folder = find_or_open(tmp_path, read, only_find=False)  # as the shell does, of which two replicates ended
    for arm in ARMS:
        make_arm(folder, arm, 0, 0.2)
    make_replicate(folder, 0, "done")
    make_replicate(folder, 1, "failed", "It met a stone.")
    hub = Hub(Settings(home=tmp_path, device_slots=0), is_threaded=False)
    try:
        assert experiments.start_experiment(hub, read) == folder.run_id
        assert {key: runs[0].read_state().state for key, runs in list_runs(tmp_path).items() if key[0] is None} == {
            (None, 0): "done", (None, 1): "queued", (None, 2): "queued",
        }  # fmt: skip
        n_runs = len(list((tmp_path / "runs").iterdir()))
        with pytest.raises(SeedbedError, match="is here already, called 'Mine', and its runs are at work or wait"):
            experiments.start_experiment(hub, read)
        for number in (1, 2):
            for arm in ARMS:
                make_arm(folder, arm, number, 0.2)
        with pytest.raises(SeedbedError, match="called 'Mine', and nothing of it is left to carry out; change some"):
            experiments.start_experiment(hub, make_experiment(content, "Another title"))
        assert len(list((tmp_path / "runs").iterdir())) == n_runs + 4  # the four arms
        assert len(hub.store.list_experiments()) == 1
        other = experiments.start_experiment(hub, make_experiment({**content, "replicates": 1}, "Mine"))
        assert other != folder.run_id
    finally:
        hub.close()


def test_tables_alone_succeed_although_something_failed_before(tmp_path, few_files, capsys):
    file, home = tmp_path / "small.toml", tmp_path / "home"
    file.write_text(f'seed_set = "{few_files["train"]}"\nreplicates = 2\n[[arm]]\n')
    folder = find_or_open(home, read_experiment(file), only_find=False)
    make_arm(folder, "active", 0, 0.2, "failed")
    assert main(["experiment", str(file), "--home", str(home), "--tables"]) == 0
    assert "excluded: active, replicate 0: failed. active met a stone." in capsys.readouterr().out


# -- homes of before -------------------------------------------------------------------------------------------------


def make_world(home, replicates=(0,)):
    """An experiment of two arms that nobody has carried out."""
    arms = [{"name": arm, "recipe": "active", "settings": {"selector": arm}} for arm in ARMS]
    config = {"seed_set": "s", "seed_set_name": "pens", "student": "tiny", "replicates": list(replicates)}
    return experiments.open_experiment(home, "Two arms", {**config, "arms": arms})


def make_replicate(experiment, replicate, state=None, error=None):
    title, config = experiments.describe_replicate(experiment, replicate)
    home = experiment.path.parent.parent
    run = RunFolder.create(home, "replicate", title=title, config=config, lane="device", starts_itself=True)
    if state is not None:
        with run.hold():
            run.finish(state, {"n_arms": 2} if state == "done" else None, error)
    return run


def make_arm(experiment, arm, replicate, accuracy, state="done", summary=None):
    about = {"parent": experiment.run_id, "arm": arm, "replicate": replicate, "seed_set_name": "pens"}
    about |= {"selector": arm, "pick": "argmax", "student": "tiny", "seed_set": "s"}
    home = experiment.path.parent.parent
    run = RunFolder.create(home, "loop", title=arm, config=about, lane="device", starts_itself=True)
    with run.hold():
        for number in (0, 1):
            row = {"round": number, "split": "test", "n": 100, "accuracy": accuracy, "low": 0.0, "high": 1.0}
            run.append("evaluations", {**row, "written_at": 1.0 + number})
        run.append("rounds", {"round": 1, "accepted": 5, "training_rows": 5, "written_at": 3.0})
        run.finish(
            state, (summary or {}) if state == "done" else None, None if state == "done" else f"{arm} met a stone."
        )
    return run


@contextlib.contextmanager
def open_store(home):
    hub = Hub(Settings(home=home, device_slots=0), is_threaded=False)
    try:
        hub.step()
        assert hub.store.list_faults().empty
        yield hub.store
    finally:
        hub.close()


def read_both(home, experiment):
    """Return what the run folders say, and the database's row of the experiment; both have the same points."""
    results = read_results(home, experiment.run_id)
    with open_store(home) as store:
        (row,) = store.list_experiments().to_dict("records")
        points = store.list_experiment_points(experiment.run_id)
        excluded = store.list_excluded_runs(experiment.run_id)
    excluded = excluded.astype(object).where(excluded.notna(), None)
    pd.testing.assert_frame_equal(excluded, results.excluded, check_dtype=False)
    pd.testing.assert_frame_equal(points[results.tests.columns], results.tests, check_dtype=False)
    assert row["n_left"] == results.n_left and row["n_paused"] == len(results.paused)
    assert row["n_failed"] == len(results.excluded)
    assert row["n_done"] + row["n_paused"] + row["n_failed"] + row["n_left"] == row["n_runs"]
    return results, row


def test_of_runs_that_were_made_twice_the_newest_that_was_not_given_up_counts(tmp_path):
    experiment = make_world(tmp_path, (0, 1))
    for number in (0, 1):
        make_replicate(experiment, number, "done")
        make_replicate(experiment, number, "done")
        for accuracy in (0.1, 0.2):
            make_arm(experiment, "random", number, accuracy)
    make_arm(experiment, "loss_high", 0, 0.3)
    make_arm(experiment, "loss_high", 0, 0.4, "failed")
    make_arm(experiment, "loss_high", 1, 0.5, "failed")
    make_arm(experiment, "loss_high", 1, 0.6, "cancelled")
    results, row = read_both(tmp_path, experiment)
    last = results.points[results.points["round"] == 1].set_index(["method", "replicate"])["accuracy"]
    assert last.to_dict() == {("random", 0): 0.2, ("random", 1): 0.2, ("loss_high", 0): 0.3}
    assert results.excluded[["method", "replicate", "state"]].values.tolist() == [["loss_high", 1, "cancelled"]]
    assert (row["n_runs"], row["n_done"], row["n_failed"], row["n_left"]) == (4, 3, 1, 0)


STONE = "There is no student 'gone'."


def test_arms_that_a_replicate_never_came_to_are_excluded_with_its_state_and_error(tmp_path):
    experiment = make_world(tmp_path, (0, 1, 2, 3))
    make_replicate(experiment, 0, "failed", STONE)
    make_arm(experiment, "random", 1, 0.2)
    make_replicate(experiment, 1, "cancelled")
    make_replicate(experiment, 2)  # about to begin
    results, row = read_both(tmp_path, experiment)
    rows = [tuple(one) for one in results.excluded.values.tolist()]
    assert rows == [
        ("loss_high", 0, "failed", STONE), ("loss_high", 1, "cancelled", None), ("random", 0, "failed", STONE),
    ]  # fmt: skip
    assert (row["n_runs"], row["n_done"], row["n_failed"], row["n_left"]) == (8, 1, 3, 4)
    told = list(list_tables(results))
    assert f"excluded: loss_high, replicate 0; random, replicate 0: failed. {STONE}" in told
    assert any(line.startswith("4 runs still to come; ") for line in told)
    assert "excluded: loss_high, replicate 1: cancelled." in told
    again = experiments.open_replicate(experiment, 0)  # who gives the same command again goes on with it
    assert again.read_state().state == "queued"
    results, row = read_both(tmp_path, experiment)
    assert len(results.excluded) == 1 and (row["n_failed"], row["n_left"]) == (1, 6)


def test_runs_that_wait_for_a_person_are_not_told_as_ended(tmp_path):
    experiment = make_world(tmp_path)
    make_replicate(experiment, 0, "done")
    waits = {"waits_after_round": 1, "stopped": "It waits for you to review what round 1 brought."}
    arm = make_arm(experiment, "random", 0, 0.2, summary=waits)
    make_arm(experiment, "loss_high", 0, 0.3, summary={"stopped": "The seeds were used up."})
    results, row = read_both(tmp_path, experiment)
    assert results.paused.values.tolist() == [["random", 0, 1, str(arm.path)]]
    assert results.ended_early.values.tolist() == [["loss_high", 0, "The seeds were used up."]]
    assert (row["n_left"], row["n_paused"]) == (0, 1) and len(results.points) == 4
    told = list(list_tables(results))
    at = told.index("random, replicate 0, waits for a review after round 1")
    assert "on the dashboard's page Review first" in told[at + 1]
    assert told[at + 2] == f"go on: {write_call(['run', str(arm.path), '--again'])}"
    assert "ended early: loss_high, replicate 0: The seeds were used up." in told
