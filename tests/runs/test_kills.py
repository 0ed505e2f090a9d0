"""Kills at random moments: nothing that was acknowledged is lost, nothing is there twice."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from core.lines import read_all
from core.runs.folder import RunFolder
from core.runs.watch import ACTIVE
from tests.runs.world import (
    APP,
    kill,
    make_candidates,
    make_seed_set,
    merge_lines,
    open_test_hub,
    read_stored,
    wait_for,
)


def check_metrics(hub, run_id):
    path = hub.settings.home / "runs" / run_id / "records" / "metrics.jsonl"
    stored = read_stored(hub.store, run_id)
    assert stored == merge_lines(path)
    return stored


def kill_worker_often(tmp_path, n_kills, n_lines):
    """Kill the worker at random moments, repeat the run each time, check the lines at every stage; return its state."""
    hub = open_test_hub(tmp_path, is_threaded=True)
    try:
        run_id = hub.submit("demo", "t", {"n": n_lines}, lane="device")
        for attempt in range(1, n_kills + 1):
            wait_for(
                lambda wanted=attempt: (
                    (r := hub.store.read_run(run_id))["state"] == "running" and r["attempt"] == wanted
                )
            )
            time.sleep(random.uniform(0.02, 0.3))
            pid = RunFolder(tmp_path / "runs" / run_id).read_state().pid
            kill(pid)
            wait_for(lambda: hub.store.read_run(run_id)["state"] == "lost")
            check_metrics(hub, run_id)
            hub.order(run_id, "again")
        hub.wait_idle(60)
        run = hub.store.read_run(run_id)
        assert (run["state"], run["attempt"]) == ("done", n_kills + 1)
        stored = check_metrics(hub, run_id)
        assert sorted(stored) == list(range(n_lines))
        assert len(hub.store.list_attempts(run_id)) == n_kills + 1
        return run["state"]
    finally:
        hub.close()


def count_promises(home):
    path = home / "acknowledged.txt"
    return path.read_text().count("\n") if path.exists() else 0


def start_app(home, n_lines):
    app = subprocess.Popen(
        [sys.executable, str(APP), str(home), str(n_lines)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert app.stdout.readline() == "ready\n"
    return app


def kill_app_often(tmp_path, n_kills, n_lines, is_worker_killed):
    """Kill an app that reviews while its worker writes; compare the home with what was promised, and return that."""
    make_seed_set(tmp_path)
    make_candidates(tmp_path, n=12)
    hub = open_test_hub(tmp_path)
    hub.step()
    hub.close()
    for _ in range(n_kills):
        before = count_promises(tmp_path)
        app = start_app(tmp_path, n_lines)
        wait_for(lambda wanted=before + 3: count_promises(tmp_path) >= wanted)
        time.sleep(random.uniform(0, 0.4))
        app.kill()
        app.communicate()
    (folder,) = [RunFolder(p) for p in (tmp_path / "runs").iterdir() if RunFolder(p).read_run()["kind"] == "demo"]
    wait_for(lambda: folder.read_state().state in (*ACTIVE, "done"))
    pid = folder.read_state().pid
    if is_worker_killed:
        os.kill(pid, signal.SIGKILL)

    hub = open_test_hub(tmp_path)
    try:
        hub.step()
        reviews = list(hub.store.list_reviews(limit=10**6)["review_id"])
        promised = (tmp_path / "acknowledged.txt").read_text().split()
        assert len(promised) >= 3 * n_kills
        assert len(reviews) == len(set(reviews))
        assert set(promised) <= set(reviews)
        assert set(reviews) == {line["review_id"] for line in read_all(tmp_path / "journal" / "reviews.jsonl")}
        wait_for(lambda: hub.step() or hub.store.read_run(folder.run_id)["state"] in ("lost", "done"), 60)
        run = hub.store.read_run(folder.run_id)
        assert run["state"] == ("lost" if is_worker_killed else "done")
        assert run["pid"] == pid  # adopted: no second worker was started
        stored = check_metrics(hub, folder.run_id)
        if is_worker_killed:
            hub.order(folder.run_id, "again")
            hub.wait_idle()
            stored = check_metrics(hub, folder.run_id)
        assert sorted(stored) == list(range(n_lines))
        return promised
    finally:
        hub.close()


def test_a_worker_killed_at_random_moments_loses_and_doubles_no_line(tmp_path):
    assert kill_worker_often(tmp_path, n_kills=3, n_lines=700) == "done"


@pytest.mark.parametrize("is_worker_killed", [False, True], ids=["adopted", "lost"])
def test_an_app_killed_at_random_moments_keeps_every_promise(tmp_path, is_worker_killed):
    n_lines = 1500 if is_worker_killed else 900
    assert kill_app_often(tmp_path, n_kills=2, n_lines=n_lines, is_worker_killed=is_worker_killed)


def test_an_app_that_dies_while_its_run_starts_leaves_no_second_worker(tmp_path):
    """Between the start of the process and its lock the run looks queued; the next app must not start it again."""
    hub = open_test_hub(tmp_path)
    run_id = hub.submit("demo", "t", {"n": 60}, lane="device")
    hub.step()
    pid = hub.executor._children[run_id].popen.pid
    hub.close()  # as if killed: the process is not waited for
    again = open_test_hub(tmp_path)
    again.wait_idle()
    assert again.store.read_run(run_id)["pid"] == pid
    assert again.read_log(run_id).count("worker begins") == 1
    again.close()


@pytest.mark.soak
def test_many_kills_of_workers(tmp_path):
    assert kill_worker_often(tmp_path, n_kills=25, n_lines=3000) == "done"


@pytest.mark.soak
@pytest.mark.parametrize("is_worker_killed", [False, True], ids=["adopted", "lost"])
def test_many_kills_of_apps(tmp_path, is_worker_killed):
    assert kill_app_often(tmp_path, n_kills=15, n_lines=12_000, is_worker_killed=is_worker_killed)
