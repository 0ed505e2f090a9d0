"""A home goes into an archive and comes back with every table equal, while it is worked in, and after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from core.__main__ import main
from core.backup import restore_home, write_backup
from core.backup.layout import MANIFEST, find_reason, order_paths
from core.cache import Cache
from core.errors import RunError
from core.hub import Hub
from core.records import Review
from core.runs.folder import RunFolder
from core.settings import REPOSITORY, Settings
from tests.pages.home import GENERATE, K, fill_home
from tests.runs.world import dump

QUIET = {"device_slots": 0, "teacher_slots": 0, "light_slots": 0}
OF_FILES = ("ingested_files", "ingested_parts")


def open_hub(home: Path) -> Hub:
    hub = Hub(Settings(home=home, **QUIET), is_threaded=False)
    hub.step()
    return hub


@pytest.fixture
def home(tmp_path) -> Path:
    """A home with a review, an edit, a run in the trash, replies and other caches, and things that stay behind."""
    home = fill_home(tmp_path / "home")
    hub = open_hub(home)
    try:
        ids = hub.store.list_candidates(run_id=GENERATE)["candidate_id"].tolist()
        hub.add_reviews([Review(GENERATE, ids[0], "reject"), Review(GENERATE, ids[1], "edit", answer="1+1=2\n#### 2")])
        gone = hub.submit("import", "Gone", {"name": "gone", "files": {}}, lane="light")
        hub.order(gone, "cancel")
        hub.trash(gone)
        with Cache(home / "cache" / "replies") as replies, Cache(home / "cache" / "scores") as scores:
            replies.put("k", {"text": "paid for"})
            scores.put("k", 1.0)
    finally:
        hub.close()
    return home


def list_names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as file:
        return {name.removeprefix("home/") for name in file.namelist()}


def test_every_table_of_a_restored_home_is_equal(home, tmp_path, capsys):
    hub = open_hub(home)
    before = dump(hub.store)
    hub.close()
    assert main(["backup", "--home", str(home), "--out", str(tmp_path / "b.zip")]) == 0
    assert main(["restore", str(tmp_path / "b.zip"), "--home", str(tmp_path / "new")]) == 0
    said = capsys.readouterr().out
    assert "1: the database, made again at the first start" in said and f"SEEDBED_HOME={tmp_path / 'new'}" in said
    hub = open_hub(tmp_path / "new")
    try:
        after = dump(hub.store)
        assert len(hub.list_trash()) == 1
    finally:
        hub.close()
    assert after.keys() == before.keys() and before["reviews"] and before["candidates"] and before["trash_orders"]
    for name, rows in before.items():
        assert after[name] == rows, name
    with Cache(tmp_path / "new" / "cache" / "replies") as cache:
        assert cache.get("k") == {"text": "paid for"}


def test_what_is_left_out_is_counted_and_the_rest_is_there(home, tmp_path):
    checkpoint = home / "runs" / GENERATE / "checkpoints" / "round-1" / "checkpoints" / "abc" / "checkpoint-6"
    checkpoint.mkdir(parents=True)
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "adapter_model.safetensors", "trainer_state.json"):
        (checkpoint / name).write_bytes(b"x" * 100)
    (home / "runs" / GENERATE / "optimizer.pt").write_bytes(b"no checkpoint's")
    (home / "pipe").symlink_to("/etc/passwd")
    os.mkfifo(home / "fifo")
    (home / "backups").mkdir()
    (home / "backups" / "old.zip").write_bytes(b"old")
    (home / "prices.toml").write_text("# mine\n")
    written = write_backup(home, tmp_path / "b.zip", has_caches=False)
    names = list_names(tmp_path / "b.zip")
    base = checkpoint.relative_to(home).as_posix()
    assert {f"{base}/adapter_model.safetensors", f"{base}/trainer_state.json", "prices.toml"} <= names
    assert f"runs/{GENERATE}/optimizer.pt" in names
    assert not any(name.startswith(("backups", "seedbed.duckdb", "cache/scores", "hub.lock")) for name in names)
    assert any(name.startswith("cache/replies/") for name in names)
    assert not any(name.endswith(("/lock", "checkpoint-6/optimizer.pt", "rng_state.pth")) for name in names)
    left = dict(written.left_out)
    assert left["optimizer"] == 3 and left["special"] == 2 and left["backups"] == 1 and left["database"] >= 1
    on_disk = sum(1 for path in home.rglob("*") if path.is_symlink() or not path.is_dir())
    assert written.n_files + sum(left.values()) == on_disk
    assert len(names) == written.n_files + 1  # the manifest


def test_a_torn_line_is_cut_off_and_runs_that_work_or_wait_do_not_start(home, tmp_path):
    hub = open_hub(home)
    waiting = hub.submit("import", "Waits", {"name": "w", "files": {}}, lane="light")
    working = hub.submit("import", "Works", {"name": "x", "files": {}}, lane="light")
    hub.close()
    folder = RunFolder(home / "runs" / working)
    with folder.hold():
        folder.report("import", 1, 0, 2)
        with (folder.path / "records" / "progress.jsonl").open("a") as file:
            file.write('{"stage": "torn')
            file.flush()
            assert folder.read_state().state == "running"
            write_backup(home, tmp_path / "b.zip")
    restored = restore_home(tmp_path / "b.zip", tmp_path / "new")
    assert restored.n_stopped == 2
    states = {run: RunFolder(tmp_path / "new" / "runs" / run).read_state().state for run in (waiting, working)}
    assert states == {waiting: "cancelled", working: "lost"}
    text = (tmp_path / "new" / "runs" / working / "records" / "progress.jsonl").read_text()
    assert text.count("\n") == 1 and text.endswith("\n")
    assert (tmp_path / "new" / "runs" / waiting / "input").is_dir()  # an empty folder, of which clones are made


def test_a_backup_under_writers_is_a_prefix_of_what_they_wrote(home, tmp_path):
    """Two processes append reviews and records while backups are made; each restored line is whole, none is lost."""
    script = (
        "import sys, pathlib\nfrom core.lines import LineWriter\n"
        "for i in range(10**9):\n"
        "    with LineWriter(pathlib.Path(sys.argv[1])) as writer:\n"
        "        for j in range(200): writer.append({'n': i * 200 + j, 'text': 'x' * (j * 7 % 900)})\n"
    )
    file = home / "runs" / GENERATE / "records" / "progress.jsonl"
    file.unlink(missing_ok=True)
    with subprocess.Popen([sys.executable, "-c", script, str(file)], cwd=REPOSITORY) as writer:
        try:
            while not file.exists() or file.stat().st_size < 100_000:
                time.sleep(0.01)
            for number in range(3):
                n_before = file.read_bytes().count(b"\n")
                write_backup(home, tmp_path / f"{number}.zip")
                n_after = file.read_bytes().count(b"\n")
                restore_home(tmp_path / f"{number}.zip", tmp_path / f"new{number}")
                data = (tmp_path / f"new{number}" / file.relative_to(home)).read_bytes()
                found = [json.loads(line)["n"] for line in data.splitlines()]
                assert found == list(range(len(found))) and n_before <= len(found) <= n_after
        finally:
            writer.kill()


@pytest.mark.parametrize("at", [1, 3, 8, 10, 12])
def test_a_run_that_moves_to_the_trash_meanwhile_is_whole_in_the_backup(home, tmp_path, at):
    moved = home / "trash" / GENERATE
    wrote = []

    def move(done: int, _total: int) -> None:
        wrote.append(done)
        if len(wrote) == at:
            (home / "runs" / GENERATE).rename(moved)

    n_files = sum(1 for path in (home / "runs" / GENERATE).rglob("*") if path.is_file() and path.name != "lock")
    write_backup(home, tmp_path / "b.zip", on_progress=move)
    assert moved.exists()
    inside = [name for name in list_names(tmp_path / "b.zip") if f"/{GENERATE}/" in name]
    assert len(inside) == n_files and len({name.split("/")[0] for name in inside}) == 1
    restore_home(tmp_path / "b.zip", tmp_path / "new")


def test_results_are_read_before_the_records_that_they_stand_for():
    paths = ["runs/b/records/x.jsonl", "cache/a/s.jsonl", "runs/b/result.json", "journal/reviews.jsonl", "prices.toml"]
    ordered = order_paths(paths)
    assert ordered[0] == "journal/reviews.jsonl" and ordered[-1] == "cache/a/s.jsonl"
    assert ordered.index("runs/b/result.json") < ordered.index("runs/b/records/x.jsonl")


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_a_killed_verb_leaves_nothing_half_done(home, tmp_path, verb):
    for number in range(60):
        (home / "runs" / GENERATE / f"large-{number}.bin").write_bytes(os.urandom(2_000_000))
    out, new = tmp_path / "b.zip", tmp_path / "new"
    if verb == "restore":
        write_backup(home, out)
    arguments = {
        "backup": ["backup", "--home", str(home), "--out", str(out)],
        "restore": ["restore", str(out), "--home", str(new)],
    }
    draft = tmp_path / ".new.restoring"
    with subprocess.Popen([sys.executable, "-m", "core", *arguments[verb]], cwd=REPOSITORY) as process:
        deadline = time.monotonic() + 60

        def is_under_way() -> bool:
            return bool(list(tmp_path.glob(".b.zip.*.part"))) if verb == "backup" else (draft / "runs").exists()

        while not is_under_way():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert not (out if verb == "backup" else new).exists()
    assert main(arguments[verb]) == 0
    assert out.exists() and not draft.exists()


def test_only_a_new_or_empty_folder_is_restored_into(home, tmp_path):
    write_backup(home, tmp_path / "b.zip")
    (tmp_path / "empty").mkdir()
    assert restore_home(tmp_path / "b.zip", tmp_path / "empty").n_files > 10
    for target in (tmp_path / "empty", tmp_path / "b.zip"):
        with pytest.raises(RunError, match="is not empty"):
            restore_home(tmp_path / "b.zip", target)


def test_what_cannot_be_written_is_said_in_one_sentence(home, tmp_path):
    for out, said in (
        (tmp_path / "b.tar.gz", r"name it b.tar.zip, not b.tar.gz"),
        (home / "b.zip", "would be part of the next backup"),
        (tmp_path / "home" / "runs" / "b.zip", "would be part of the next backup"),
    ):
        with pytest.raises(RunError, match=said):
            write_backup(home, out)
    with pytest.raises(RunError, match="is no home of Seedbed"):
        write_backup(tmp_path / "nothing", tmp_path / "b.zip")
    assert not list(tmp_path.glob("*.zip"))


def test_the_manifest_names_every_file_with_its_hash(home, tmp_path):
    written = write_backup(home, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as file:
        manifest = json.loads(file.read(MANIFEST))
    assert manifest["version"] == 1 and manifest["n_files"] == len(manifest["files"]) == written.n_files
    assert sum(row["size"] for row in manifest["files"]) == manifest["n_bytes"] == written.n_bytes
    assert all(find_reason(row["path"]) is None for row in manifest["files"]) and K


def test_a_backup_as_a_run_is_in_the_home_and_not_in_itself(home, tmp_path):
    from core.recipes.backing_up import list_backups, start_backup
    from core.recipes.kinds import execute

    hub = open_hub(home)
    try:
        run = start_backup(hub)
        assert execute(RunFolder(home / "runs" / run)) == "done"
        hub.step()
        summary = hub.store.read_run(run)["summary"]
        totals = hub.measure_disk()[1]
    finally:
        hub.close()
    [path] = list_backups(home)
    assert summary["path"] == f"backups/{run}.zip" and summary["size"] == path.stat().st_size == totals["backups"]
    names = list_names(path)
    assert not any(run in name for name in names) and not any(name.startswith("backups") for name in names)
    restore_home(path, tmp_path / "new")


def test_what_a_killed_backup_left_goes_with_the_next_one_and_what_is_being_written_stays(home):
    from core.recipes.backing_up import BACKUPS, UNFINISHED_S, start_backup
    from core.recipes.kinds import execute

    (home / BACKUPS).mkdir()
    left, written = (home / BACKUPS / f".{name}.zip.1.part" for name in ("left", "written"))
    for path in (left, written):
        path.write_text("half of it")
    long_ago = time.time() - UNFINISHED_S - 60
    os.utime(left, (long_ago, long_ago))
    hub = open_hub(home)
    try:
        run = start_backup(hub)
        assert execute(RunFolder(home / "runs" / run)) == "done"
    finally:
        hub.close()
    assert sorted(path.name for path in (home / BACKUPS).iterdir()) == [written.name, f"{run}.zip"]
