"""The verbs of the shell about a whole home: backup and restore: how they are written."""

import argparse
from pathlib import Path

from core.paths import expand_new
from core.shell_options import add_home


def add_backup_verbs(verbs: argparse._SubParsersAction) -> None:
    """Add ``backup`` and ``restore``."""
    from core import shell_backup

    backup = verbs.add_parser("backup", help="write a whole home into one archive, while everything goes on")
    backup.set_defaults(verb=shell_backup.run_backup)
    backup.add_argument("--out", type=expand_new, required=True, metavar="FILE.zip", help="replaced where it is there")
    backup.add_argument(
        "--without-caches", action="store_true", help="leave out what can be made again; teachers' replies are kept"
    )
    add_home(backup)

    restore = verbs.add_parser("restore", help="make a home out of such an archive")
    restore.set_defaults(verb=shell_backup.run_restore)
    restore.add_argument("file", type=Path, metavar="FILE.zip")
    restore.add_argument(
        "--home", type=expand_new, required=True, metavar="DIR", help="a folder that is not there yet, or is empty"
    )
