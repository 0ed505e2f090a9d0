"""Archives that somebody made to do harm, or that were damaged: one sentence each, and nothing is left."""

import hashlib
import json
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from core.backup import restore_home, write_backup
from core.backup.layout import FORMAT, MANIFEST, VERSION
from core.errors import RunError
from tests.pages.home import fill_home

DATA = b'{"v": 1}\n'


def row(path: str, data: bytes = DATA, **other) -> dict:
    return {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **other}


def make(path: Path, entries: list, rows: list, **other) -> Path:
    """Write an archive: entries are (name or ZipInfo, data)."""
    manifest = {
        "format": FORMAT, "version": VERSION, "files": rows,
        "n_files": len(rows), "n_bytes": sum(each["size"] for each in rows if isinstance(each, dict)), **other,
    }  # fmt: skip
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries:
            file.writestr(name, data)
        file.writestr(MANIFEST, json.dumps(manifest))
    return path


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def refuse(archive: Path, tmp_path: Path, said: str) -> None:
    """Restoring raises one sentence, and leaves neither a home nor a draft."""
    with pytest.raises(RunError, match=said) as caught:
        restore_home(archive, tmp_path / "home" / "new")
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".") and len(sentence) < 400
    assert not (tmp_path / "home").exists() or not list((tmp_path / "home").iterdir())
    assert not (tmp_path / "evil").exists() and not Path("/tmp/evil").exists()


@pytest.mark.parametrize(
    "name",
    ["../evil", "runs/../../evil", "/tmp/evil", "runs//evil", "./evil", "runs\\..\\evil", "C:/evil", "runs/\x1b[m/evil",
     "", "runs/" + "x" * 300, "a/" * 1100 + "b"],
)  # fmt: skip
def test_names_that_lead_elsewhere(tmp_path, name):
    archive = make(tmp_path / "b.zip", [(f"home/{name}", DATA)], [row(name)])
    refuse(archive, tmp_path, "which (is no path|leads out|has characters|is longer)|lacks")


@pytest.mark.parametrize(
    "mode", [stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o666, stat.S_IFBLK, stat.S_IFIFO | 0o666, stat.S_IFDIR | 0o755]
)
def test_links_and_devices(tmp_path, mode):
    archive = make(tmp_path / "b.zip", [(special("home/prices.toml", mode), DATA)], [row("prices.toml")])
    refuse(archive, tmp_path, "as a link, a folder or a device")


@pytest.mark.parametrize("name", ["seedbed.duckdb", "seedbed.duckdb.wal", "hub.lock", "runs/a/lock", "backups/x.zip"])
def test_what_no_backup_holds(tmp_path, name):
    refuse(make(tmp_path / "b.zip", [(f"home/{name}", DATA)], [row(name)]), tmp_path, "which no backup holds")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_doubled_names(tmp_path):
    entry = ("home/prices.toml", DATA)
    refuse(make(tmp_path / "a.zip", [entry, entry], [row("prices.toml")]), tmp_path, "holds 'home/prices.toml' twice")
    refuse(make(tmp_path / "b.zip", [entry], [row("prices.toml")] * 2), tmp_path, "'prices.toml' twice in its manifest")
    both = [("home/a", DATA), ("home/a/b", DATA)]
    refuse(make(tmp_path / "c.zip", both, [row("a"), row("a/b")]), tmp_path, "'a' as a file and as a folder")


def test_what_manifest_and_archive_disagree_on(tmp_path):
    entry = ("home/prices.toml", DATA)
    refuse(make(tmp_path / "a.zip", [], [row("prices.toml")]), tmp_path, "lacks 'prices.toml'")
    refuse(make(tmp_path / "b.zip", [entry, ("home/more", DATA)], [row("prices.toml")]), tmp_path, "does not name")
    refuse(make(tmp_path / "c.zip", [entry], [row("prices.toml", sha256="0" * 64)]), tmp_path, "damaged")
    refuse(make(tmp_path / "d.zip", [entry], [row("prices.toml")], n_files=2), tmp_path, "other counts")
    for wrong in ("text", row("prices.toml", size=-1), row("prices.toml", size=True), row("x") | {"path": 3}):
        refuse(make(tmp_path / "e.zip", [entry], [wrong]), tmp_path, "names no path, size and hash")


def test_a_bomb(tmp_path):
    bomb = zipfile.ZipInfo("home/prices.toml")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    archive = make(tmp_path / "b.zip", [(bomb, b"0" * 50_000_000)], [row("prices.toml")])
    assert archive.stat().st_size < 100_000
    refuse(archive, tmp_path, "with 50,000,000 bytes; its manifest says 9")


def test_a_bomb_that_lies_about_its_size(tmp_path):
    """Both headers say nine bytes; what is packed is fifty million."""
    bomb = zipfile.ZipInfo("home/prices.toml")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    archive = make(tmp_path / "b.zip", [(bomb, b"0" * 50_000_000)], [row("prices.toml")])
    data = archive.read_bytes().replace(struct.pack("<L", 50_000_000), struct.pack("<L", len(DATA)))
    archive.write_bytes(data)
    refuse(archive, tmp_path, "damaged")


def test_more_than_the_disk_has(tmp_path):
    info = zipfile.ZipInfo("home/prices.toml")
    archive = make(tmp_path / "b.zip", [(info, DATA)], [row("prices.toml")])
    size = 1 << 31
    rows = [row(f"runs/{i}", size=size) for i in range(4)]
    refuse(
        make(archive, [(f"home/runs/{i}", DATA) for i in range(4)], rows), tmp_path, "its manifest says 2,147,483,648"
    )


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"version": VERSION + 1}, "written by a newer Seedbed"),
        ({"version": "1"}, "without a version"),
        ({"version": True}, "without a version"),
        ({"format": "another"}, "is no backup of Seedbed"),
        ({"files": {}}, "without a list"),
    ],
)
def test_other_manifests(tmp_path, other, said):
    refuse(make(tmp_path / "b.zip", [], [], **other), tmp_path, said)


def test_files_that_are_no_archives(tmp_path):
    (tmp_path / "text.zip").write_text("hello")
    refuse(tmp_path / "text.zip", tmp_path, "cannot be read as a zip archive")
    refuse(tmp_path / "nothing.zip", tmp_path, "There is no file")
    with zipfile.ZipFile(tmp_path / "plain.zip", "w") as file:
        file.writestr("a.txt", "hello")
    refuse(tmp_path / "plain.zip", tmp_path, "has no manifest")
    with zipfile.ZipFile(tmp_path / "deep.zip", "w") as file:
        file.writestr(MANIFEST, "[" * 100_000)
    refuse(tmp_path / "deep.zip", tmp_path, "its manifest says something else")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_an_archive_cut_short_or_with_a_byte_changed(tmp_path, share):
    write_backup(fill_home(tmp_path / "old"), tmp_path / "whole.zip")
    data = (tmp_path / "whole.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: int(share * len(data))])
    refuse(tmp_path / "cut.zip", tmp_path, "cannot be read as a zip archive")
    place = int(share * len(data) * 0.8)
    (tmp_path / "bit.zip").write_bytes(data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :])
    refuse(tmp_path / "bit.zip", tmp_path, "damaged|cannot be read|holds|lacks|manifest")
