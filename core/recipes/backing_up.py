"""A backup of the home as a run: written to the folder ``backups`` of the home, while everything else goes on."""

import time
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


def list_backups(home: Path) -> list[Path]:
    """Return the archives in the folder ``backups`` of a home, newest first."""
    return sorted((home / BACKUPS).glob(f"[!.]*{SUFFIX}"), reverse=True)
