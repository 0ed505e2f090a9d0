import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import core.cache as cache_module
from core.cache import Cache, compact
from core.errors import RunError

WRITER = """
import sys, time
from pathlib import Path
from core.cache import Cache
with Cache(Path(sys.argv[1])) as cache:
    for i in range(int(sys.argv[3]), int(sys.argv[4])):
        cache.put(f"{sys.argv[2]}{i}", {"i": i, "text": "x" * (i % 50)})
        if len(sys.argv) > 5:
            cache.flush()
            print(i, flush=True)
            time.sleep(float(sys.argv[5]))
"""


DURABLE_WRITER = """
import asyncio, sys
from pathlib import Path
from core.cache import Cache

async def write(cache, worker):
    for i in range(10**6):
        key = f"{worker}-{i}"
        await cache.put_durable(key, {"text": key * 50})
        print(key, flush=True)

async def main(cache):
    await asyncio.gather(*(write(cache, worker) for worker in range(16)))

with Cache(Path(sys.argv[1])) as cache:
    asyncio.run(main(cache))
"""

FULL_DISK_WRITER = """
import asyncio, resource, sys
from pathlib import Path
from core.cache import Cache
from core.errors import RunError

async def main(cache):
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    puts = [cache.put_durable(str(i), "x" * 900) for i in range(20)]
    ends = await asyncio.gather(*puts, return_exceptions=True)
    assert all(end is None or isinstance(end, RunError) for end in ends)
    print(sum(end is not None for end in ends), next(str(end) for end in ends if end is not None), sep=chr(10))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    again = [str(i) for i, end in enumerate(ends) if end is not None]
    assert not any(key in cache for key in again)
    for key in again:
        await cache.put_durable(key, "x" * 900)

with Cache(Path(sys.argv[1])) as cache:
    asyncio.run(main(cache))
"""


def start_writer(folder: Path, *args: object, program: str = WRITER) -> subprocess.Popen:
    command = [sys.executable, "-c", program, str(folder), *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent)


def count_open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def segments(folder: Path) -> list[Path]:
    return list(folder.glob("segment-*.jsonl"))


def test_what_was_put_is_found_again_here_and_by_the_next_process(tmp_path):
    with Cache(tmp_path) as cache:
        assert cache.get("a") is None
        cache.put("a", {"text": "große\nZahl", "loss": 0.5})
        assert cache.get("a") == {"text": "große\nZahl", "loss": 0.5}
        assert len(cache) == 1
    with Cache(tmp_path) as cache:
        assert cache.get("a") == {"text": "große\nZahl", "loss": 0.5}
        assert "a" in cache and "b" not in cache


def test_a_reader_makes_no_file(tmp_path):
    with Cache(tmp_path / "none") as cache:
        assert cache.get("a") is None
    assert not (tmp_path / "none").exists()


def test_the_first_value_of_a_key_stays(tmp_path):
    with Cache(tmp_path) as cache:
        cache.put("a", 1)
        cache.put("a", 2)
        assert cache.get("a") == 1
    assert segments(tmp_path)[0].read_text().count("\n") == 1


def test_entries_are_synced_in_groups_and_at_the_end(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(cache_module.os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink()))
    with Cache(tmp_path) as cache:
        for i in range(cache_module.SYNC_EVERY + 1):
            cache.put(str(i), i)
        (path,) = segments(tmp_path)
        assert synced == [path, tmp_path]  # the folder too, or the file may have no name after a power cut
    assert synced == [path, tmp_path, path]


def test_two_processes_write_at_once_and_both_are_read(tmp_path):
    writers = [start_writer(tmp_path, name, 0, 300) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(segments(tmp_path)) == 2
    with Cache(tmp_path) as cache:
        assert len(cache) == 600
        assert cache.get("b299") == {"i": 299, "text": "x" * 49}


def test_a_miss_looks_again_at_what_others_wrote(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "LOOK_AGAIN_S", 0.0)
    with Cache(tmp_path) as reader, Cache(tmp_path) as writer:
        assert reader.get("late") is None
        writer.put("late", [1, 2])
        assert reader.get("late") == [1, 2]


def test_a_killed_writer_loses_nothing_that_it_had_flushed(tmp_path):
    writer = start_writer(tmp_path, "k", 0, 100_000, 0.001)
    seen = [int(writer.stdout.readline()) for _ in range(40)]
    writer.send_signal(signal.SIGKILL)
    seen += [int(line) for line in writer.stdout.read().split("\n") if line]
    writer.wait(10)
    writer.stdout.close()
    with Cache(tmp_path) as cache:
        assert [cache.get(f"k{i}")["i"] for i in seen] == seen


def test_torn_lines_are_skipped_and_do_not_hide_their_neighbours(tmp_path):
    with Cache(tmp_path) as cache:
        cache.put("a", 1)
    path = segments(tmp_path)[0]
    path.write_bytes(
        path.read_bytes() + b'{"v": 1, "key": "torn", "va\n' + b"[1]\n" + b'{"v": 1, "key": "b", "value": 2}\n'
    )
    with Cache(tmp_path) as cache:
        assert (cache.get("a"), cache.get("torn"), cache.get("b"), len(cache)) == (1, None, 2, 2)


def test_compaction_merges_dead_segments_and_leaves_a_living_one(tmp_path):
    folder = tmp_path / "cache" / "predictions"
    for name in "abc":
        with Cache(folder) as cache:
            cache.put(name, name)
            cache.put("shared", 0) if name == "a" else None
    with Cache(folder) as living, Cache(folder) as reader:
        living.put("alive", True)
        assert compact(tmp_path) == 3
        assert len(segments(folder)) == 2
        living.put("alive 2", True)
        assert reader.get("a") == "a"  # its segment is gone; the merged one is found
        with Cache(folder) as later:
            assert {key: later.get(key) for key in ("a", "b", "c", "shared", "alive", "alive 2")} == {
                "a": "a", "b": "b", "c": "c", "shared": 0, "alive": True, "alive 2": True,
            }  # fmt: skip
    assert compact(tmp_path) == 2
    assert compact(tmp_path) == 0
    with Cache(folder) as cache:
        assert len(cache) == 6


def test_compaction_keeps_an_entry_that_only_lacks_its_newline(tmp_path):
    folder = tmp_path / "cache" / "x"
    for name in "ab":
        with Cache(folder) as cache:
            cache.put(name, name)
    path = segments(folder)[0]
    path.write_bytes(path.read_bytes() + json.dumps({"v": 1, "key": "last", "value": 3}).encode())
    compact(tmp_path)
    with Cache(folder) as cache:
        assert cache.get("last") == 3


def test_a_compaction_that_died_half_way_hurts_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "cache" / "x"
    for name in "ab":
        with Cache(folder) as cache:
            cache.put(name, name)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cache_module.Path, "unlink", die)
    with pytest.raises(KeyboardInterrupt):
        compact(tmp_path)
    monkeypatch.undo()
    with Cache(folder) as cache:
        assert (len(cache), cache.get("a"), cache.get("b")) == (2, "a", "b")
    assert compact(tmp_path) == 3


def test_compaction_while_others_write_and_read_loses_nothing(tmp_path):
    folder = tmp_path / "cache" / "busy"
    writers = [start_writer(folder, f"{name}-", 0, 60, 0.002) for name in "abc"]
    deadline = time.monotonic() + 60
    while any(writer.poll() is None for writer in writers) and time.monotonic() < deadline:
        compact(tmp_path)
        with Cache(folder) as cache:
            cache.put(f"own {os.getpid()} {time.monotonic_ns()}", 1)
            assert all(cache.get(f"a-{i}") for i in range(60) if f"a-{i}" in cache)
    for writer in writers:
        assert writer.wait(10) == 0
        writer.stdout.close()
    compact(tmp_path)
    assert len(segments(folder)) == 1
    with Cache(folder) as cache:
        assert all(cache.get(f"{name}-{i}")["i"] == i for name in "abc" for i in range(60))


# Durable one by one


def put_all(cache: Cache, keys, value=1) -> list:
    async def put():
        return await asyncio.gather(*(cache.put_durable(key, value) for key in keys), return_exceptions=True)

    return asyncio.run(put())


def test_every_key_that_was_acknowledged_outlives_a_kill(tmp_path):
    writer = start_writer(tmp_path, program=DURABLE_WRITER)
    seen = [writer.stdout.readline().strip() for _ in range(200)]
    writer.send_signal(signal.SIGKILL)
    seen += [line for line in writer.stdout.read().split("\n")[:-1] if line]
    writer.wait(10)
    writer.stdout.close()
    (path,) = segments(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"v": 1, "key": "torn", "va')
    with Cache(tmp_path) as cache:
        assert len(seen) >= 200 and all(cache.get(key) == {"text": key * 50} for key in seen)
        assert cache.get("torn") is None


def test_one_sync_serves_all_that_came_before_it(tmp_path, monkeypatch):
    began, is_let_go = threading.Event(), threading.Event()
    n_covered = []

    def sync(fd: int) -> None:
        if Path(f"/proc/self/fd/{fd}").readlink() != tmp_path:
            n_covered.append(os.fstat(fd).st_size // 32)
            began.set()
            assert is_let_go.wait(10)

    monkeypatch.setattr(cache_module.os, "fsync", sync)

    async def put(cache: Cache) -> list[asyncio.Task]:
        first = asyncio.create_task(cache.put_durable("00000", 0))
        while not began.is_set():
            await asyncio.sleep(0.001)  # the loop is free while the disk works
        others = [asyncio.create_task(cache.put_durable(f"{i:05}", 0)) for i in range(1, 50)]
        others[7].cancel()
        await asyncio.sleep(0.02)
        assert cache.get("00049") == 0 and not any(task.done() for task in [first, *others[:7], *others[8:]])
        is_let_go.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    with Cache(tmp_path) as cache:
        ends = asyncio.run(put(cache))
    assert [type(end) for end in ends].count(asyncio.CancelledError) == 1 and ends.count(None) == 49
    assert len(n_covered) == 2 and n_covered[0] == 1


def test_a_disk_that_is_full_is_told_to_all_that_wait_and_is_tried_again(tmp_path):
    writer = start_writer(tmp_path, program=FULL_DISK_WRITER)
    said, _ = writer.communicate(timeout=30)
    n_failed, sentence = said.strip().split("\n")
    assert writer.returncode == 0 and int(n_failed) > 9
    assert sentence.startswith(str(tmp_path)) and sentence.endswith("free some disk space and run it again.")
    with Cache(tmp_path) as cache:
        assert [cache.get(str(i)) for i in range(20)] == ["x" * 900] * 20


def test_what_a_failed_sync_was_to_cover_is_not_known(tmp_path, monkeypatch):
    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with Cache(tmp_path) as cache:
        assert put_all(cache, "ab") == [None, None]
        monkeypatch.setattr(cache_module.os, "fsync", fail)
        ends = put_all(cache, "cde")
        assert [type(end) for end in ends] == [RunError] * 3 and "Input/output error" in str(ends[0])
        with pytest.raises(RunError, match="free some disk space"):
            cache.put("f", 1), cache.flush()
        monkeypatch.undo()
        assert [key in cache for key in "abcdef"] == [True, True, False, False, False, False]
        assert put_all(cache, "cdef", 2) == [None] * 4 and cache.get("f") == 2


def test_several_event_loops_put_at_once(tmp_path):
    with Cache(tmp_path) as cache:
        loops = [threading.Thread(target=put_all, args=(cache, [f"{loop}-{i}" for i in range(100)])) for loop in "abc"]
        [thread.start() for thread in loops]
        [thread.join(20) for thread in loops]
    with Cache(tmp_path) as cache:
        assert len(cache) == 300


def test_no_more_segments_are_open_than_a_few(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "N_OPEN", 3)
    for i in range(12):
        with Cache(tmp_path) as cache:
            cache.put(str(i), i)
    n_before = count_open_files()
    with Cache(tmp_path) as cache:
        assert [cache.get(str(i % 12)) for i in range(36)] == list(range(12)) * 3
        assert count_open_files() - n_before == 3
    assert count_open_files() == n_before
