"""Write a home into one archive while its dashboard and runs go on working.

Lines are only ever appended, so a file of lines is cut at its last whole one; all other files appear whole under their
names. Nothing is locked and nobody waits.
"""

import hashlib
import json
import os
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from core.backup.layout import (
    BACKUPS,
    FORMAT,
    MANIFEST,
    ROOT,
    SUFFIX,
    VERSION,
    find_path_fault,
    find_reason,
    order_paths,
)
from core.errors import RunError
from core.write_faults import find_write_fault

CHUNK = 1 << 20
PACKED = (".parquet", ".safetensors", ".npy", ".npz", ".pt", ".pth", ".bin", ".zip", ".gz", ".png", ".arrow")
"""Endings of files that become hardly smaller; they are stored as they are."""

LEVEL = 3
"""Of the packing: three times as fast as the usual one, and a tenth larger."""

DATED = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: the same files make the same archive."""

OnProgress = Callable[[int, int], None]
"""Told (bytes read, bytes in all)."""


@dataclass(slots=True)
class Written:
    """What a backup holds."""

    path: Path
    n_files: int = 0
    n_bytes: int = 0
    """Of the files, unpacked."""

    size: int = 0
    """Of the archive, bytes."""

    left_out: Counter[str] = field(default_factory=Counter)
    """Key of ``layout.REASONS`` -> files."""


def write_backup(
    home: Path,
    out: Path,
    *,
    has_caches: bool = True,
    own_run: str | None = None,
    on_progress: OnProgress = lambda _done, _total: None,
) -> Written:
    """Write a home into an archive that appears whole or not at all.

    Args:
        home: the workspace; nobody needs to be stopped.
        out: the archive, ``NAME.zip``; an older one of that name is replaced.
        has_caches: whether caches that can be made again are in it; what teachers replied always is.
        own_run: id of the run that writes it, which is left out.
        on_progress: told how far it is; what it raises ends the backup, and nothing is left of it.

    Raises:
        RunError: there is no home, the archive has another ending, lies within the home's own folders, or cannot be
            written.
    """
    if not (home / "runs").is_dir():
        raise RunError(f"{home} is no home of Seedbed: it has no folder runs.")
    if out.suffix.lower() != SUFFIX:
        raise RunError(f"A backup is a zip archive; name it {out.with_suffix(SUFFIX).name}, not {out.name}.")
    if out.is_dir():
        raise RunError(f"{out} is a folder; name a file.")
    if out.resolve().is_relative_to(home.resolve()) and out.resolve().parent != home.resolve() / BACKUPS:
        raise RunError(f"{out} lies in the home itself, and would be part of the next backup; name a file outside.")
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(part, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
            written = _Writer(home, archive, Written(out), has_caches, own_run, on_progress).write()
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(out)
    except OSError as error:
        reason = find_write_fault(error) or error.strerror
        raise RunError(f"{out} could not be written: {reason}; make room, or name another file.") from error
    finally:
        part.unlink(missing_ok=True)
    written.size = out.stat().st_size
    return written


def list_files(home: Path) -> Iterator[tuple[str, os.DirEntry]]:
    """Yield (path relative to the home, entry) of everything below it that is no folder; links are not followed."""
    folders = [""]
    while folders:
        base = folders.pop()
        try:
            entries = sorted(os.scandir(home / base), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):  # it went meanwhile
            continue
        for entry in entries:
            path = f"{base}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{path}/")
            else:
                yield path, entry


@dataclass(slots=True)
class _Writer:
    """One backup under way."""

    home: Path
    archive: zipfile.ZipFile
    written: Written
    has_caches: bool
    own_run: str | None
    on_progress: OnProgress
    files: list[dict[str, Any]] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    """Paths as the archive has them."""

    begun: dict[str, str] = field(default_factory=dict)
    """Run -> ``runs`` or ``trash``, where it is in the archive."""

    skipped: set[str] = field(default_factory=set)
    total: int = 0

    def write(self) -> Written:
        """Write every file, then look once more for runs that moved to the trash, or back, meanwhile."""
        for path in self._choose():
            self._write(path, path)
        begun = dict(self.begun)
        for path in self._choose():
            place, run, rest = _split(path)
            if run is not None and (run not in begun or not (self.home / begun[run] / run).exists()):
                self._write(path, f"{begun.get(run, place)}/{run}/{rest}")
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "made_at": time.time(),
            "n_files": self.written.n_files,
            "n_bytes": self.written.n_bytes,
            "has_caches": self.has_caches,
            "left_out": dict(self.written.left_out),
            "files": self.files,
        }
        self.archive.writestr(zipfile.ZipInfo(MANIFEST, DATED), json.dumps(manifest, ensure_ascii=False), 8)
        return self.written

    def _choose(self) -> list[str]:
        """Return the paths that belong into the backup, and count the others, each once."""
        chosen = []
        for path, entry in list_files(self.home):
            if path in self.done or path in self.skipped:
                continue
            reason = find_reason(path, has_caches=self.has_caches)
            if self.own_run is not None and path.startswith(f"runs/{self.own_run}/"):
                reason = "own"
            elif reason is None and (not entry.is_file(follow_symlinks=False) or find_path_fault(path)):
                reason = "special"
            if reason is not None:
                self.skipped.add(path)
                self.written.left_out[reason] += 1
                continue
            with suppress(FileNotFoundError):
                self.total += entry.stat(follow_symlinks=False).st_size
            chosen.append(path)
        return order_paths(chosen)

    def _write(self, path: str, name: str) -> None:
        """Write a file of the home under a path of its own, where it is still there and not written yet."""
        if name in self.done:
            return
        try:
            fd = os.open(self.home / path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            self.written.left_out["vanished"] += 1
            return
        place, run, _ = _split(name)
        if run is not None:
            self.begun.setdefault(run, place)
        self.done.add(name)
        with os.fdopen(fd, "rb") as file:
            self._write_file(name, file)

    def _write_file(self, path: str, file: BinaryIO) -> None:
        """Write as much of a file as it has now; of lines, the whole ones."""
        left = size = _find_end(file) if path.endswith(".jsonl") else os.fstat(file.fileno()).st_size
        info = zipfile.ZipInfo(ROOT + path, DATED)
        is_packed = path.lower().endswith(PACKED)
        info.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
        info.file_size = size
        digest = hashlib.sha256()
        with self.archive.open(info, "w", force_zip64=size > 1 << 30) as target:
            while left and (data := file.read(min(CHUNK, left))):
                target.write(data)
                digest.update(data)
                left -= len(data)
                self.on_progress(self.written.n_bytes + size - left, self.total)
        self.written.n_files += 1
        self.written.n_bytes += size - left
        self.files.append({"path": path, "size": size - left, "sha256": digest.hexdigest()})
        self.on_progress(self.written.n_bytes, self.total)


def _split(path: str) -> tuple[str, str | None, str]:
    """Return ``runs`` or ``trash``, the run, and the path in it; the run is None for a path of no run."""
    place, _, rest = path.partition("/")
    run, _, rest = rest.partition("/")
    return (place, run, rest) if place in ("runs", "trash") and rest else (place, None, rest)


def _find_end(file: BinaryIO) -> int:
    """Return where the last whole line of a file ends, and rewind it."""
    end = os.fstat(file.fileno()).st_size
    while end:
        start = max(end - CHUNK, 0)
        found = os.pread(file.fileno(), end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
