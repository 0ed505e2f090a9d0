"""A backup of the home as a run: written to the folder ``backups`` of the home, while everything else goes on."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.backup import write_backup
from core.backup.layout import BACKUPS, SUFFIX
from core.hub import Hub
from core.recipes.stages import home_of
from core.runs.folder import RunFolder

KIND = "backup"

LOOK_S = 0.5
"""How often the run tells how far it is."""

UNFINISHED_S = 3_600
"""Seconds after which nobody writes any more to an archive that nothing was written to."""


def start_backup(hub: Hub, *, has_caches: bool = True) -> str:
    """Put a backup of the home in the queue; returns the run id.

    Args:
        hub: of the home.
        has_caches: whether caches that can be made again are in it.
    """
    title = "Back up this home" + ("" if has_caches else ", without caches")
    return hub.submit(KIND, title, {"has_caches": has_caches}, lane="light")


def backup_run(folder: RunFolder) -> dict[str, Any]:
    """Write the backup; summary: where it is, how large, and what was left out."""
    home, told_at = home_of(folder), 0.0
    _remove_unfinished(home)
    out = home / BACKUPS / f"{folder.run_id}{SUFFIX}"

    def tell(done: int, total: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= LOOK_S or done == total:
            told_at = time.monotonic()
            folder.check_cancelled()
            folder.report("MB read", done // 1_000_000, 0, max(total // 1_000_000, 1))

    written = write_backup(home, out, has_caches=folder.config["has_caches"], own_run=folder.run_id, on_progress=tell)
    return {
        "path": str(out.relative_to(home)),
        "size": written.size,
        "n_files": written.n_files,
        "n_bytes": written.n_bytes,
        "left_out": dict(written.left_out),
    }


def _remove_unfinished(home: Path) -> None:
    """Remove what killed backups left, which may be as large as the home; one that is being written is no hour old."""
    for part in (home / BACKUPS).glob(".*.part"):
        with suppress(OSError):  # it was renamed or removed meanwhile, or nothing may be removed there
            if time.time() - part.stat().st_mtime > UNFINISHED_S:
                part.unlink()


def list_backups(home: Path) -> list[Path]:
    """Return the archives in the folder ``backups`` of a home, newest first."""
    return sorted((home / BACKUPS).glob(f"[!.]*{SUFFIX}"), reverse=True)
