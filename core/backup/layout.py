"""What of a home belongs into a backup: everything but what is made again, or is of one machine at one moment.

Paths are relative to the home, with slashes.
"""

import re

FORMAT = "seedbed backup"
VERSION = 1
"""Raised when an older Seedbed could not restore what a newer one writes."""

MANIFEST = "manifest.json"
ROOT = "home/"
"""Where the files of the home stand in the archive."""

BACKUPS = "backups"
"""Folder of a home that holds its backups; no backup holds it."""

SUFFIX = ".zip"

REPLIES = "cache/replies/"
"""What teachers answered: it was paid for, and is in every backup."""

GOING_ON = re.compile(
    r"(?:optimizer|scheduler|scaler)\.(?:pt|bin|safetensors)|rng_state(?:_\d+)?\.pth|global_step\d+|training_args\.bin"
)
"""Names in a checkpoint that are needed only to go on with its training; they are twice as large as the weights."""

REASONS = {
    "database": "the database, made again at the first start",
    "optimizer": "states that a checkpoint needs only to go on with its training",
    "process": "locks and records of processes",
    "unfinished": "what was not finished being written",
    "backups": "backups",
    "cache": "caches that are made again",
    "special": "links, pipes and other things that are no plain files, and names that no archive can hold",
    "own": "the run that wrote the backup",
    "vanished": "what went while the backup was written",
}
"""Why something is left out -> in words."""


def find_reason(path: str, *, has_caches: bool = True) -> str | None:
    """Return why a path is left out, a key of REASONS; None where it belongs into a backup.

    Args:
        path: relative to the home.
        has_caches: whether caches that can be made again are kept too.
    """
    parts = path.split("/")
    name = parts[-1]
    if parts[0].startswith("seedbed.duckdb"):
        return "database"
    if parts[0] == BACKUPS:
        return "backups"
    if name in ("lock", "launch.json", "hub.log") or name.endswith(".lock"):
        return "process"
    if any(part.startswith((".draft-", ".removing-")) for part in parts) or name.endswith(".part"):
        return "unfinished"
    if parts[0] == "cache" and not has_caches and not path.startswith(REPLIES):
        return "cache"
    in_checkpoint = next((at for at, part in enumerate(parts) if re.fullmatch(r"checkpoint-\d+", part)), None)
    if in_checkpoint is not None and any(GOING_ON.fullmatch(part) for part in parts[in_checkpoint + 1 :]):
        return "optimizer"
    return None


def find_path_fault(path: str) -> str | None:
    """Return what is wrong with a path that is to be written below a home; None where it may be.

    Args:
        path: as an archive has it.
    """
    parts = path.split("/")
    if not path or path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "is no path within a home"
    if any(part in ("", ".", "..") for part in parts):
        return "leads out of the home"
    if "\\" in path or not path.isprintable():
        return "has characters that no path of a backup has"
    if any(len(part.encode(errors="replace")) > 255 for part in parts) or len(path) > 2000:
        return "is longer than a path can be"
    return None


def order_paths(paths: list[str]) -> list[str]:
    """Return paths in the order in which they are read while runs and pages go on writing.

    Journals first: whoever is named in them is in the folders that are read later. Of each run the result first: where
    there is one, all that the run wrote is on the disk.
    """

    def place(path: str) -> tuple[int, str, int, str]:
        parts = path.split("/")
        group = {"journal": 0, "cache": 2}.get(parts[0], 1)
        run = "/".join(parts[:2])
        return group, run, parts[2:] != ["result.json"], path

    return sorted(paths, key=place)
