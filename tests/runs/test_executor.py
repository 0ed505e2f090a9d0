import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core.runs.executor import LocalExecutor, read_log
from core.runs.folder import RunFolder
from tests.runs.world import WORKER, is_running, kill, wait_for


@pytest.fixture
def make(tmp_path):
    """Make runs, and end what is left of them."""
    made = []

    def make_run(**config):
        made.append(RunFolder.create(tmp_path, "demo", title="t", config={"n": 100_000, **config}, lane="light"))
        return made[-1]

    yield make_run
    for folder in made:
        pid = folder.read_state().pid
        if pid and is_running(pid):
            kill(pid)


def read_child(folder):
    return int(wait_for(lambda: (path := folder.path / "child.pid").exists() and path.read_text()))


def test_a_run_is_a_session_of_its_own_with_output_in_the_log_and_no_inherited_files(make, tmp_path):
    folder, executor = make(), LocalExecutor(WORKER)
    kept_open = (tmp_path / "secret").open("w")
    executor.submit(folder)
    wait_for(folder.is_alive)
    pid = wait_for(lambda: folder.read_state().pid)
    assert os.getsid(pid) == os.getpgid(pid) == pid != os.getsid(0)
    wait_for(lambda: "worker begins" in executor.log(folder))
    files = {path.name: str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
    assert str(tmp_path / "secret") not in files.values() and files["0"] == "/dev/null"
    kept_open.close()
    assert executor.status(folder).is_alive
    executor.cancel(folder)
    assert wait_for(lambda: (s := executor.status(folder)) and not s.is_alive and s).exit_code == -15
    assert not folder.is_alive()


def test_an_ended_process_is_no_zombie(make):
    ended = []
    folder, executor = make(n=1), LocalExecutor(WORKER, on_end=ended.append)
    executor.submit(folder)
    wait_for(lambda: ended)
    assert ended == [folder.run_id]
    assert executor.status(folder).exit_code == 0
    assert not psutil.pid_exists(folder.read_state().pid)
    assert folder.read_state().state == "done"


@pytest.mark.parametrize("mode", ["child", "fork"])
def test_children_end_with_a_cancelled_worker(make, mode):
    folder, executor = make(mode=mode), LocalExecutor(WORKER)
    executor.submit(folder)
    child = read_child(folder)
    assert is_running(child)
    executor.cancel(folder)
    wait_for(lambda: not is_running(child))
    wait_for(lambda: not folder.is_alive())


@pytest.mark.parametrize("mode", ["child", "fork"])
def test_children_of_a_killed_worker_are_ended_too(make, mode):
    folder, executor = make(mode=mode), LocalExecutor(WORKER)
    executor.submit(folder)
    child = read_child(folder)
    kill(folder.read_state().pid)
    wait_for(lambda: not is_running(child))
    assert wait_for(lambda: folder.read_state().state == "lost")


def test_another_executor_finds_and_ends_the_process(make):
    """What an app does with the runs of the one before it."""
    folder = make(mode="child")
    LocalExecutor(WORKER).submit(folder)
    child = read_child(folder)
    adopted = LocalExecutor(WORKER)
    assert adopted.status(folder).is_alive
    adopted.cancel(folder, is_forced=True)
    wait_for(lambda: not is_running(child))
    assert wait_for(lambda: (s := adopted.status(folder)) and not s.is_alive)


def test_a_run_from_a_shell_is_found_by_its_lock_and_signalled_alone(make):
    folder = make()
    process = subprocess.Popen([*WORKER, str(folder.path)], stdout=subprocess.DEVNULL)  # in the group of this test
    executor = LocalExecutor(WORKER)
    wait_for(lambda: folder.read_state().state == "running")
    assert executor.status(folder).is_alive
    executor.cancel(folder)
    assert process.wait(timeout=20) == -15
    assert executor.status(folder) is None


def test_a_reused_process_number_is_left_alone(make):
    folder, executor = make(), LocalExecutor(WORKER)
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    launch = {"pid": bystander.pid, "create_time": time.time() - 1000, "attempt": 1}
    (folder.path / "launch.json").write_text(json.dumps(launch))
    for is_forced in (False, True):
        executor.cancel(folder, is_forced)
    executor.end_orphans(folder)
    time.sleep(0.1)
    assert bystander.poll() is None
    assert not executor.status(folder).is_alive
    bystander.kill()
    bystander.wait()


def test_the_log_is_cut_at_a_line_and_bad_bytes_do_not_matter(make):
    folder = make()
    assert read_log(folder) == ""
    (folder.path / "log.txt").write_bytes(b"first line\nsecond \xff\nthird\n")
    assert read_log(folder) == "first line\nsecond �\nthird\n"
    assert read_log(folder, 10) == "third\n"
