import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import core.cache as cache_module
from core.cache import Cache, compact

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


def start_writer(folder: Path, *args: object) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(folder), *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent)


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
    monkeypatch.setattr(cache_module.os, "fsync", lambda fd: synced.append(fd))
    with Cache(tmp_path) as cache:
        for i in range(cache_module.SYNC_EVERY + 1):
            cache.put(str(i), i)
        assert len(synced) == 1
    assert len(synced) == 2


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
