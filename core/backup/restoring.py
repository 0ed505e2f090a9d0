"""Make a home out of an archive that anybody may have written: it is checked, and appears whole or not at all.

Nothing is unpacked that the manifest does not name with its size and hash, no name leads out of the new home, and no
more bytes are written than the manifest says.
"""

import fcntl
import hashlib
import json
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.backup.layout import FORMAT, MANIFEST, ROOT, VERSION, find_path_fault, find_reason
from core.backup.writing import CHUNK, OnProgress
from core.errors import RunError
from core.runs.disk import describe_bytes, require_room
from core.runs.folder import RunFolder
from core.write_faults import find_write_fault

MAX_MANIFEST = 128 << 20
"""Bytes of a manifest that are read: a million files."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a backup."""

    home: Path
    n_files: int
    n_bytes: int
    n_runs: int
    n_stopped: int
    """Runs that were going on, and are lost now, or waited, and are cancelled: nothing starts by itself."""


class _ArchiveFault(Exception):
    """What is wrong with an archive: the rest of a sentence that begins with its name."""


def restore_home(archive: Path, home: Path, on_progress: OnProgress = lambda _done, _total: None) -> Restored:
    """Make a home out of a backup.

    Args:
        archive: as ``write_backup`` makes it.
        home: a folder that is not there yet, or is empty.
        on_progress: told how far it is.

    Raises:
        RunError: it is no whole backup of this version, the home is not empty, or there is no room; nothing is left.
    """
    home = home.resolve()
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise RunError(f"{home} is not empty; name a folder that is not there yet, and nothing is overwritten.")
    try:
        with _open(archive) as file, _hold_draft(home) as draft:
            entries = _check(file)
            total = sum(size for _, size, _ in entries.values())
            home.parent.mkdir(parents=True, exist_ok=True)
            require_room(draft, total, "this backup")
            _unpack(file, entries, draft, total, on_progress)
            n_runs, n_stopped = _settle(draft)
            os.sync()
            draft.replace(home)  # an empty folder of that name gives way
            return Restored(home, len(entries), total, n_runs, n_stopped)
    except _ArchiveFault as fault:
        raise RunError(f"{archive.name} {fault}; nothing was restored.") from fault
    except OSError as error:
        reason = find_write_fault(error) or error.strerror
        raise RunError(f"{home} could not be written: {reason}; nothing was restored.") from error


@contextmanager
def _open(archive: Path) -> Iterator[zipfile.ZipFile]:
    if not archive.is_file():
        raise RunError(f"There is no file {archive}; name a backup.")
    try:
        file = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, UnicodeDecodeError) as error:
        raise _ArchiveFault("is no backup, or not whole: it cannot be read as a zip archive") from error
    with file:
        try:
            yield file
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, RuntimeError) as error:
            raise _ArchiveFault("is damaged: part of it cannot be unpacked") from error


@contextmanager
def _hold_draft(home: Path) -> Iterator[Path]:
    """Yield an empty folder beside the home, gone again unless it was renamed; what a killed restore left goes too."""
    draft = home.with_name(f".{home.name}.restoring")
    draft.mkdir(parents=True, exist_ok=True)
    fd = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"Another restore into {home} is going on; wait for its end.") from None
        try:
            _empty(draft)
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    finally:
        os.close(fd)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


# -- what an archive says ----------------------------------------------------------------------------------------


def _check(file: zipfile.ZipFile) -> dict[str, tuple[zipfile.ZipInfo, int, str]]:
    """Return path -> entry, size and hash, where manifest and archive agree on every file; else raise _ArchiveFault."""
    infos: dict[str, zipfile.ZipInfo] = {}
    for info in file.infolist():
        if info.filename in infos:
            raise _ArchiveFault(f"holds {_name(info.filename)} twice")
        infos[info.filename] = info
    manifest = _read_manifest(file, infos.pop(MANIFEST, None))
    entries: dict[str, tuple[zipfile.ZipInfo, int, str]] = {}
    for row in manifest["files"]:
        path, size, sha256 = _read_row(row)
        if path in entries:
            raise _ArchiveFault(f"names {_name(path)} twice in its manifest")
        if (info := infos.pop(ROOT + path, None)) is None:
            raise _ArchiveFault(f"lacks {_name(path)}, which its manifest names")
        _check_entry(info, path, size)
        entries[path] = (info, size, sha256)
    if infos:
        raise _ArchiveFault(f"holds {_name(min(infos))}, which its manifest does not name")
    folders = {parent for path in entries for parent in _list_parents(path)}
    if both := sorted(folders & entries.keys()):
        raise _ArchiveFault(f"has {_name(both[0])} as a file and as a folder")
    n_bytes = sum(size for _, size, _ in entries.values())
    if (manifest.get("n_files"), manifest.get("n_bytes")) != (len(entries), n_bytes):
        raise _ArchiveFault("has other counts in its manifest than files")
    return entries


def _read_manifest(file: zipfile.ZipFile, info: zipfile.ZipInfo | None) -> Mapping[str, Any]:
    if info is None:
        raise _ArchiveFault("is no backup of Seedbed: it has no manifest")
    if info.file_size > MAX_MANIFEST or info.flag_bits & 1:
        raise _ArchiveFault("has a manifest that cannot be read")
    with file.open(info) as source:
        data = source.read(MAX_MANIFEST + 1)
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _ArchiveFault("is no backup of Seedbed: its manifest says something else")
    version = manifest.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _ArchiveFault("has a manifest without a version")
    if version > VERSION:
        raise _ArchiveFault(
            f"was written by a newer Seedbed (format {version}, this one reads up to {VERSION}); restore it with that"
        )
    if not isinstance(manifest.get("files"), list):
        raise _ArchiveFault("has a manifest without a list of files")
    return manifest


def _read_row(row: Any) -> tuple[str, int, str]:
    """Return path, size and hash of a file as the manifest has them."""
    path, size, sha256 = (row.get(name) if isinstance(row, dict) else None for name in ("path", "size", "sha256"))
    is_whole = isinstance(path, str) and isinstance(sha256, str) and type(size) is int and size >= 0
    if not is_whole:
        raise _ArchiveFault("has a manifest with a line that names no path, size and hash")
    if fault := find_path_fault(path):
        raise _ArchiveFault(f"names {_name(path)}, which {fault}")
    if find_reason(path) is not None:
        raise _ArchiveFault(f"names {_name(path)}, which no backup holds")
    return path, size, sha256


def _check_entry(info: zipfile.ZipInfo, path: str, size: int) -> None:
    """Raise _ArchiveFault where an entry is no plain file of the size that the manifest names."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or info.is_dir():
        raise _ArchiveFault(f"holds {_name(path)} as a link, a folder or a device")
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _ArchiveFault(f"holds {_name(path)} packed in a way that no backup is")
    if info.file_size != size:
        raise _ArchiveFault(f"holds {_name(path)} with {info.file_size:,} bytes; its manifest says {size:,}")


def _list_parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:n]) for n in range(1, len(parts)))


def _name(path: str) -> str:
    """Return a path as a sentence can show it."""
    text = ascii(path)
    return text if len(text) <= 120 else f"{text[:117]}...'"


# -- the new home ------------------------------------------------------------------------------------------------


def _unpack(
    file: zipfile.ZipFile,
    entries: Mapping[str, tuple[zipfile.ZipInfo, int, str]],
    draft: Path,
    total: int,
    on_progress: OnProgress,
) -> None:
    """Write every file below the draft, and compare its hash."""
    n_done = 0
    for path, (info, size, sha256) in entries.items():
        target, left, digest = draft / path, size, hashlib.sha256()
        target.parent.mkdir(parents=True, exist_ok=True)
        with file.open(info) as source, target.open("xb") as out:
            while data := source.read(CHUNK):
                left -= len(data)
                if left < 0:
                    raise _ArchiveFault(f"holds more of {_name(path)} than the {describe_bytes(size)} of its manifest")
                out.write(data)
                digest.update(data)
                on_progress(n_done + size - left, total)
        if left or digest.hexdigest() != sha256:
            raise _ArchiveFault(f"holds {_name(path)} damaged: its content is another than its manifest says")
        n_done += size


def _settle(home: Path) -> tuple[int, int]:
    """Give runs the folders that they always have, and keep those that wait from starting; returns runs, stopped ones.

    A run that was going on is lost by itself: nobody holds its lock. One that waited would start with the dashboard.
    """
    (home / "runs").mkdir(exist_ok=True)
    n_runs = n_stopped = 0
    for path in sorted([*home.glob("runs/*/run.json"), *home.glob("trash/*/run.json")]):
        folder = RunFolder(path.parent)
        for name in ("input", "records"):
            (folder.path / name).mkdir(exist_ok=True)
        if path.parent.parent.name != "runs":
            continue
        n_runs += 1
        try:
            state = folder.read_state().state
        except (RunError, ValueError, KeyError, TypeError):  # a damaged run was damaged in the home too
            continue
        if state == "queued":
            folder.order("cancel")
        n_stopped += state in ("queued", "lost")
    return n_runs, n_stopped
