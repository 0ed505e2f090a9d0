"""What ``python -m core backup`` and ``restore`` do: a home as one archive, and back."""

import argparse
import shlex
import sys
from typing import Any

from core.backup import restore_home, write_backup
from core.backup.layout import REASONS
from core.counting import counted
from core.paths import expand
from core.runs.calls import write_call
from core.runs.disk import describe_bytes


def run_backup(options: argparse.Namespace) -> int:
    """Write the home into an archive; whatever works in it goes on working."""
    home = options.home.resolve()
    is_replaced = options.out.exists()
    with _Bar("backup") as bar:
        written = write_backup(home, options.out, has_caches=not options.without_caches, on_progress=bar.tell)
    print(f"{counted(written.n_files, 'file')}, {describe_bytes(written.n_bytes)}, in {describe_bytes(written.size)}")
    for name, n in written.left_out.most_common():
        print(f"  left out {n:,}: {REASONS[name]}")
    print(f"backup: {written.path}{' (in place of an older one)' if is_replaced else ''}")
    print(f"to restore it: {write_call(['restore', str(written.path.resolve()), '--home', 'NEW_FOLDER'])}")
    return 0


def run_restore(options: argparse.Namespace) -> int:
    """Make a home out of an archive, in a folder that is not there yet."""
    with _Bar("restore") as bar:
        restored = restore_home(expand(options.file), options.home, bar.tell)
    runs = counted(restored.n_runs, "run")
    print(f"{counted(restored.n_files, 'file')}, {describe_bytes(restored.n_bytes)}, {runs}: {restored.home}")
    if restored.n_stopped:
        print(
            f"{counted(restored.n_stopped, 'run')} did not come to an end before the backup: lost or cancelled now, "
            "until told to go on; a training starts anew."
        )
    print(f"to open it: SEEDBED_HOME={shlex.quote(str(restored.home))} make run")
    return 0


class _Bar:
    """A bar in bytes on the other stream, where that is a terminal."""

    def __init__(self, what: str):
        from tqdm import tqdm

        self._bar: Any = tqdm(desc=what, unit="B", unit_scale=True, file=sys.stderr, leave=False, disable=None, total=0)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def tell(self, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.total = total
        self._bar.update(done - self._bar.n)
