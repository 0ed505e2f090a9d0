"""Checkpoints that a later attempt may trust: only those whose hash was recorded when they were written.

A Trainer checkpoint holds files that torch has to unpickle (with ``weights_only``), so nothing that somebody else
put there, and nothing torn by a crash, is ever resumed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

STATE_FILE = "trainer_state.json"
"""The Trainer's own account of where it was."""


def hash_folder(folder: Path) -> str:
    """Return the SHA-256 of all files below a folder, names included."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()}\n{digest}\n".encode())
    return total.hexdigest()


def find_checkpoint(folder: Path, known: Mapping[str, str], root: Path) -> Path | None:
    """Return the latest checkpoint that may be resumed, None where there is none.

    A checkpoint is good if its hash is the recorded one, and so is that of the best checkpoint it points to.

    Args:
        folder: where this training's checkpoints lie, ``checkpoint-STEP`` each.
        known: path relative to ``root`` -> recorded hash.
        root: the training's folder.
    """
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True):
        best = find_best(checkpoint) if _is_known(checkpoint, known, root) else None
        if best is not None and (best == checkpoint or _is_known(best, known, root)):
            return checkpoint
    return None


def find_best(checkpoint: Path) -> Path | None:
    """Return the best checkpoint as of this one: itself where nothing was compared."""
    try:
        state = json.loads((checkpoint / STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    step = state.get("best_global_step")
    return checkpoint if step is None else checkpoint.with_name(f"checkpoint-{step}")


def step_of(checkpoint: Path) -> int:
    """Return the optimiser step in the name of a checkpoint, -1 where there is none."""
    found = re.fullmatch(r"checkpoint-(\d+)", checkpoint.name)
    return int(found[1]) if found else -1


def _is_known(checkpoint: Path, known: Mapping[str, str], root: Path) -> bool:
    recorded = known.get(checkpoint.relative_to(root).as_posix())
    return recorded is not None and checkpoint.is_dir() and hash_folder(checkpoint) == recorded
