import time

import pytest

from core.runs.executor import LocalExecutor
from core.runs.folder import RunFolder
from core.runs.queue import Queue
from core.settings import Settings
from tests.runs.world import WORKER, is_running, open_test_hub, wait_for


@pytest.fixture
def hub(tmp_path):
    opened = open_test_hub(tmp_path, device_slots=1, teacher_slots=2, light_slots=1)
    yield opened
    for run_id in opened.store.list_runs(states=["queued", "running", "cancelling"])["run_id"]:
        opened.executor.cancel(RunFolder(tmp_path / "runs" / run_id), is_forced=True)
    opened.close()


def submit(hub, n=100_000, lane="device", **config):
    return hub.submit("demo", "t", {"n": n, **config}, lane=lane)


def state(hub, run_id):
    return hub.store.read_run(run_id)["state"]


def step_until(hub, is_true, timeout_s=20):
    return wait_for(lambda: hub.step() or is_true(), timeout_s)


def test_lanes_have_slots_and_do_not_hold_one_another_up(hub):
    device = [submit(hub), submit(hub, 3)]
    teacher = [submit(hub, lane="teacher") for _ in range(3)]
    light = submit(hub, 3, lane="light")
    step_until(hub, lambda: state(hub, light) == "done")
    step_until(hub, lambda: [state(hub, run_id) for run_id in teacher].count("running") == 2)
    assert [state(hub, run_id) for run_id in device] == ["running", "queued"]
    assert state(hub, teacher[2]) == "queued"
    hub.order(device[0], "cancel")
    step_until(hub, lambda: state(hub, device[1]) == "done")
    assert state(hub, device[0]) == "cancelled"


def test_runs_of_a_lane_start_in_the_order_in_which_they_were_made(hub):
    runs = [submit(hub, 2) for _ in range(4)]
    hub.wait_idle()
    started = [hub.store.read_run(run_id)["started_at"] for run_id in runs]
    ended = [hub.store.read_run(run_id)["ended_at"] for run_id in runs]
    assert started == sorted(started)
    assert all(end <= start for end, start in zip(ended, started[1:], strict=False))


def test_a_run_waits_for_the_one_it_comes_after_and_lets_others_pass(hub):
    first = submit(hub, 100_000, lane="teacher")
    second = submit(hub, 2, after=first)
    other = submit(hub, 2)
    step_until(hub, lambda: state(hub, other) == "done")
    assert state(hub, second) == "queued"
    hub.order(first, "cancel")
    step_until(hub, lambda: state(hub, second) == "failed")
    error = hub.store.read_run(second)["error"]
    assert error == f"It was to start after {first}, which is cancelled; repeat that one, then this one."

    third = submit(hub, 3, lane="teacher")
    fourth = submit(hub, 2, after=third)
    hub.wait_idle()
    assert state(hub, fourth) == "done"
    assert hub.store.read_run(fourth)["started_at"] >= hub.store.read_run(third)["ended_at"]
    fifth = submit(hub, 2, after="20200101-000000-gone-0000")
    hub.wait_idle()
    assert "which is no longer there" in hub.store.read_run(fifth)["error"]


def test_a_run_that_failed_for_want_of_another_can_be_repeated(hub):
    first = submit(hub, lane="teacher")
    second = submit(hub, 2, after=first)
    step_until(hub, lambda: state(hub, first) == "running")
    hub.order(first, "cancel")
    hub.wait_idle()
    assert state(hub, second) == "failed"
    first_again = hub.clone(first, {"n": 2})
    second_again = hub.clone(second, {"after": first_again})
    hub.wait_idle()
    assert state(hub, second_again) == "done"


def test_a_worker_that_dies_before_it_begins_is_failed_once_and_can_be_repeated(hub):
    run_id = submit(hub, mode="broken")
    hub.wait_idle()
    run = hub.store.read_run(run_id)
    assert run["state"] == "failed"
    assert run["error"] == "The process ended before it began (exit code 3); its log says why."
    hub.order(run_id, "again")
    hub.wait_idle()
    assert (state(hub, run_id), hub.store.read_run(run_id)["attempt"]) == ("failed", 2)
    assert hub.read_log(run_id).count("worker begins") == 2


def test_a_queued_run_can_be_cancelled_and_never_starts(hub):
    submit(hub)
    second = submit(hub)
    hub.step()
    hub.order(second, "cancel")
    assert state(hub, second) == "cancelled"
    hub.step()
    assert hub.read_log(second) == ""


def test_cancel_asks_then_signals_the_group_then_kills(hub, tmp_path):
    hub._queue.grace_s, hub._queue.force_s = 0.3, 1.0
    polite = submit(hub)
    step_until(hub, lambda: state(hub, polite) == "running")
    hub.order(polite, "cancel")
    hub.wait_idle(timeout_s=10)
    assert RunFolder(tmp_path / "runs" / polite).read_result()["state"] == "cancelled"  # it said so itself

    deaf = submit(hub, mode="child")
    child = int(step_until(hub, lambda: (p := tmp_path / "runs" / deaf / "child.pid").exists() and p.read_text()))
    hub.order(deaf, "cancel")
    assert state(hub, deaf) == "cancelling"
    hub.wait_idle(timeout_s=10)
    assert state(hub, deaf) == "cancelled"
    wait_for(lambda: not is_running(child))

    stubborn = submit(hub, mode="stubborn")
    step_until(hub, lambda: len(hub.store.read_metrics(stubborn)))
    ordered = time.monotonic()
    hub.order(stubborn, "cancel")
    hub.wait_idle(timeout_s=10)
    assert time.monotonic() - ordered >= 1.0
    assert state(hub, stubborn) == "cancelled"


def test_a_run_started_from_a_shell_is_shown_and_counts_in_its_lane(hub, tmp_path):
    mine = RunFolder.create(tmp_path, "loop", title="From a shell", config={}, lane="device", starts_itself=True)
    queued = submit(hub, 2)
    for _ in range(3):
        hub.step()
    assert state(hub, mine.run_id) == "queued"  # no second worker is started for it
    with mine.hold():
        waiting = submit(hub, 2)
        mine.append("metrics", {"round": 1, "name": "loss", "step": 1, "value": 1.0})
        step_until(hub, lambda: state(hub, mine.run_id) == "running" and state(hub, queued) == "done")
        for _ in range(3):
            hub.step()
        assert state(hub, waiting) == "queued"
        assert len(hub.store.read_metrics(mine.run_id)) == 1
        mine.finish("done", {})
    hub.wait_idle()
    assert [state(hub, run_id) for run_id in (mine.run_id, waiting)] == ["done", "done"]


def test_a_shell_that_died_before_its_run_began_is_noticed(hub, tmp_path, monkeypatch):
    mine = RunFolder.create(tmp_path, "loop", title="From a shell", config={}, lane="device", starts_itself=True)
    monkeypatch.setattr("core.runs.queue.SHELL_PATIENCE_S", 0.0)
    hub.wait_idle()
    assert "ended before the run began" in hub.store.read_run(mine.run_id)["error"]
    hub.order(mine.run_id, "again")  # the queue may start it now
    step_until(hub, lambda: hub.store.read_run(mine.run_id)["attempt"] == 2)


def test_a_run_that_ends_between_two_looks_is_not_failed(tmp_path):
    """The view of the queue is older than the files: the process has come and gone in between."""
    hub = open_test_hub(tmp_path, device_slots=0)
    run_id = submit(hub, 1)
    folder = RunFolder(tmp_path / "runs" / run_id)
    executor = LocalExecutor(WORKER)
    executor.submit(folder)
    wait_for(lambda: executor.status(folder).exit_code == 0)
    queue = Queue(Settings(tmp_path), executor)
    assert queue.step(hub._watch.runs) == []  # hub._watch still says queued
    assert folder.read_state().state == "done"
    hub.close()


def test_an_arm_fills_no_slot_beside_its_replicate(hub):
    about = {"replicate": 0, "parent": "e", "n": 3}
    made = {"lane": "teacher", "starts_itself": True}  # two slots
    replicate = RunFolder.create(hub.settings.home, "replicate", title="r", config=about, **made)
    arm = RunFolder.create(hub.settings.home, "loop", title="a", config={**about, "arm": "random"}, **made)
    with replicate.hold(), arm.hold():
        hub.step()
        second, third = (submit(hub, lane="teacher") for _ in range(2))
        step_until(hub, lambda: state(hub, second) == "running")
        hub.step()
        assert state(hub, third) == "queued" and state(hub, arm.run_id) == "running"
        replicate.finish("done", {})
        arm.finish("done", {})
