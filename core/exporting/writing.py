"""Files that are there whole or not at all, and what is said where one cannot be written."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.errors import RunError
from core.exporting.base import TRAIN, Record
from core.write_faults import find_write_fault

MOST_NAME = 255
"""Bytes of a file's name."""


def check_target(target: Path) -> None:
    """Raise RunError where something stands at a path, or the folder that it would be in is not there."""
    if len(os.fsencode(target.name)) > MOST_NAME:
        raise RunError(f"The name {target.name[:40]}… is longer than a file can have; name a shorter one for --out.")
    if target.exists() or target.is_symlink():
        raise RunError(f"{target} is there already; name a path for --out that is not.")
    if not target.parent.is_dir():
        raise RunError(f"There is no folder {target.parent}; make it, or name another path for --out.")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise RunError(f"Nothing can be written into {target.parent}; name another path for --out.")


@contextmanager
def write_whole(target: Path) -> Iterator[Path]:
    """Give a path beside the target to write a file or a folder to; it gets the target's name when the block ends.

    Raises:
        RunError: see ``check_target``; or the disk is full, or whatever else the system says.
    """
    check_target(target)
    part = target.with_name(f".seedbed-{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        check_target(target)  # somebody else may have written there meanwhile
        part.rename(target)
    except OSError as error:
        reason = find_write_fault(error) or error.strerror or str(error).splitlines()[0]
        raise RunError(f"{target} could not be written: {reason}; nothing of it was kept.") from error
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def write_lines(splits: Mapping[str, Sequence[Record]], _card: str, path: Path) -> None:
    """Write the records as JSON lines (UTF-8, letters as they are)."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in splits[TRAIN])
