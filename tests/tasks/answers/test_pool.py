"""The verification pool: right answers, killed bombs, no process left."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.settings import REPOSITORY
from core.tasks.answers.pool import VerificationPool, close_shared_pool, shared_pool

BOMB = r"\sum_{k=1}^{2} \dfrac{5^{(5^{(5^{(5^5)})}-4)}-5}{16}"
"""Our own reader knows no sums, so this one reaches math-verify, which works on it until it is killed."""

LIBRARY = (r"\sum_{k=1}^{3} k", "6")
"""A pair for math-verify, so that it is loaded."""


@pytest.fixture(scope="module")
def pool():
    pool = VerificationPool(deadline_s=2.0)
    yield pool
    pool.close()


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_no_process_until_asked(pool):
    assert pool.list_pids() == []
    assert pool.compare(r"2\sqrt{2}", r"\sqrt{8}") is True
    assert len(pool.list_pids()) == 1


def test_bomb_is_undecided_in_time_and_the_next_answers_are_right(pool):
    assert pool.compare(*LIBRARY) is True
    (before,) = pool.list_pids()
    start = time.monotonic()
    assert pool.compare("5", BOMB) is None
    assert 1.9 < time.monotonic() - start < 4.0
    assert not is_alive(before)
    assert pool.compare("x+1", "x+2") is False
    assert pool.is_readable(r"\frac{1}{x}") is True
    assert pool.is_readable("???") is False


def test_same_process_serves_until_it_is_recycled():
    pool = VerificationPool(recycle_after=2)
    pids = []
    for _ in range(3):
        assert pool.compare("x", "x") is True
        pids += pool.list_pids()
    assert len(set(pids)) == 2
    pool.close()


def test_process_runs_under_the_memory_ceiling():
    pool = VerificationPool(memory_bytes=300 << 20)
    assert pool.compare("x", "x") is True
    (pid,) = pool.list_pids()
    with Path(f"/proc/{pid}/limits").open() as file:
        (line,) = [line for line in file if line.startswith("Max address space")]
    assert line.split()[3] == str(300 << 20)
    pool.close()


def test_process_that_cannot_start_is_undecided():
    pool = VerificationPool(memory_bytes=24 << 20)
    assert pool.compare("x", "x") is None
    assert pool.list_pids() == []
    pool.close()


def test_threads_share_one_process_and_get_their_own_answers(pool):
    answers = {}

    def ask(i):
        answers[i] = pool.compare(f"x+{i}", f"{i % 3}+x")

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {0: True, 1: True, 2: True, 3: False, 4: False, 5: False}
    assert len(pool.list_pids()) == 1


def test_close_frees_a_waiting_thread_and_leaves_no_process():
    pool = VerificationPool(deadline_s=60.0)
    assert pool.compare(*LIBRARY) is True
    (pid,) = pool.list_pids()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(pool.compare("5", BOMB)))
    thread.start()
    time.sleep(0.3)
    pool.close()
    thread.join(timeout=5)
    assert answers == [None]
    assert not is_alive(pid)
    with pytest.raises(RuntimeError, match="closed"):
        pool.compare("x", "x")


def test_process_killed_from_outside_is_replaced(pool):
    assert pool.compare("x", "x") is True
    (pid,) = pool.list_pids()
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    assert pool.compare("x", "y") is False
    assert pool.list_pids() != [pid]


def test_formula_too_long_is_undecided_without_a_process(pool):
    before = pool.list_pids()
    assert pool.compare("x+" * 2000 + "x", "x") is None
    assert pool.list_pids() == before


def test_worker_of_a_caller_that_was_killed_ends_by_itself():
    """The kernel's alarm ends it, although it computes and nobody is left to kill it."""
    code = (
        "import threading, time\n"
        "from core.tasks.answers.pool import VerificationPool\n"
        "pool = VerificationPool(deadline_s=0.5)\n"
        f"pool.compare(*{LIBRARY!r})\n"
        "print(pool.list_pids()[0], flush=True)\n"
        f"pool.deadline_s = 0.5; pool.compare('5', {BOMB!r})\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    pid = int(caller.stdout.readline())
    time.sleep(0.2)
    caller.kill()
    caller.wait()
    caller.stdout.close()
    assert is_alive(pid)
    end = time.monotonic() + 10
    while is_alive(pid) and not _is_zombie(pid) and time.monotonic() < end:
        time.sleep(0.1)
    assert not is_alive(pid) or _is_zombie(pid)


def _is_zombie(pid):
    """An orphan whose new parent does not collect it (process 1 of a container) is dead all the same."""
    try:
        with Path(f"/proc/{pid}/stat").open() as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def test_shared_pool_is_one_until_it_is_closed():
    close_shared_pool()  # an earlier test of this process may have asked it
    first = shared_pool()
    assert shared_pool() is first and first.list_pids() == []
    assert first.compare("x", "x") is True
    (pid,) = first.list_pids()
    close_shared_pool()
    assert not is_alive(pid)
    assert shared_pool() is not first
    close_shared_pool()
