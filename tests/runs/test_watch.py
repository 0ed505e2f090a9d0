import os
import time

import pytest

from core.errors import RunError
from core.runs import watch as watch_module
from core.runs.folder import RunFolder
from core.runs.watch import Watch, check_run
from tests.runs.world import open_test_hub


def make_run(home, run_id):
    folder = RunFolder.create(home, "demo", title="t", config={}, lane="light", run_id=run_id)
    with folder.hold():
        folder.append("metrics", {"round": 1, "name": "loss", "step": 1, "value": 1.0})
        folder.finish("done", {})
    return folder


def age(folder, seconds=60):
    """Make everything in a run folder look as if it had rested for a while."""
    then = time.time() - seconds
    for path in [*folder.path.rglob("*"), folder.path]:
        os.utime(path, (then, then))


@pytest.fixture
def rested(tmp_path, monkeypatch):
    monkeypatch.setattr(watch_module, "GLANCE_S", 0.0)
    folder = make_run(tmp_path, "r1")
    age(folder)
    watch = Watch(tmp_path)
    for run_id in list(watch.list_changed()):
        watch.read(run_id)
    return watch, folder


def test_a_run_that_rests_is_not_read_again(rested):
    watch, _ = rested
    assert list(watch.list_changed()) == []


def test_an_order_makes_it_read_again(rested):
    watch, folder = rested
    folder.order("again")
    assert list(watch.list_changed()) == ["r1"]
    assert watch.read("r1").state.state == "queued"


def test_a_start_makes_it_read_again(rested):
    watch, folder = rested
    with folder.hold():
        assert list(watch.list_changed()) == ["r1"]
        assert watch.read("r1").state.state == "running"
        assert list(watch.list_changed()) == ["r1"]  # and at every step for as long as it runs


def test_folders_that_come_and_go(rested, tmp_path):
    watch, folder = rested
    make_run(tmp_path, "r2")
    assert list(watch.list_changed()) == ["r2"]
    folder.path.rename(tmp_path / "away")
    assert watch.list_gone() == ["r1"]
    assert watch.list_gone() == []


def test_hundreds_of_finished_runs_cost_next_to_nothing(tmp_path):
    for number in range(200):
        age(make_run(tmp_path, f"r{number:03d}"))
    hub = open_test_hub(tmp_path)
    hub.step()
    assert hub.store.count_rows()["metrics"] == 200
    began = time.process_time()
    for _ in range(100):
        hub.step()
    assert (time.process_time() - began) / 100 < 0.01
    hub.close()


@pytest.mark.parametrize("change", [{"lane": "fast"}, {"config": None}, {"title": 5}, {"created_at": "now"}])
def test_a_run_json_that_the_queue_cannot_use_is_refused(change):
    run = {"run_id": "r", "kind": "demo", "title": "t", "lane": "light", "config": {}, "created_at": 1.0}
    assert check_run(run) == run
    with pytest.raises(RunError):
        check_run({**run, **change})
