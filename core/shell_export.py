"""What ``python -m core export`` and ``push`` do: a trained student as a whole model in a folder, or onto the hub."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.counting import counted
from core.errors import RunError
from core.paths import expand
from core.runs.disk import describe_bytes
from core.shell_carrying import carry_out

if TYPE_CHECKING:
    from core.recipes.trained import Trained


def run_export(options: argparse.Namespace) -> int:
    """Take out candidates, or what was trained.

    Raises:
        RunError: neither a subject nor a format was named, or both, or an option of the other one.
    """
    from core.shell_export_data import run_export_data

    if (options.subject is None) == (options.format is None):
        raise RunError("Name either what was trained (RUN_OR_ADAPTER_DIR), or by --format how candidates are written.")
    if options.format is not None:
        return run_export_data(options)
    of_data = ("where", "run", "as_asked", "validation", "name", "licence", "push", "public", "update")
    if name := next((name for name in of_data if getattr(options, name)), None):
        raise RunError(f"--{name.replace('_', '-')} is about candidates; name their --format.")
    return run_export_model(options)


def run_export_model(options: argparse.Namespace) -> int:
    """Merge, save, check, and say where the model is and how it compares with base and adapter."""
    from core.recipes.exporting import describe_check, make_export_config, name_trained

    home, trained = find_subject(options.subject, options.home.resolve(), options.round, options.student)
    out = None if options.out is None else options.out.resolve()
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} is not empty; name a folder that is not there yet for --out.")
    config = make_export_config(home, trained, options.dtype, out)
    folder = carry_out(home, "export", f"Export {name_trained(home, trained)}", config)
    summary = folder.read_state().summary or {}
    print(describe_check(summary))
    print(f"model: {home / summary['path']} ({describe_bytes(summary['n_bytes'])}, {summary['dtype']})")
    return 0


def find_subject(subject: str, home: Path, round_: int | None, student: str | None) -> "tuple[Path, Trained]":
    """Return the home and the trained student that a command names: a run's id, a run's folder, or an adapter's.

    Raises:
        RunError: there is neither such a run nor such a folder.
        ModelLoadError: the folder holds nothing trained.
    """
    from core.recipes.trained import find_trained, open_trained

    path = expand(subject)
    if (home / "runs" / subject / "run.json").is_file():
        found = find_trained(home, subject, round_)
    elif (path / "run.json").is_file():
        home = path.resolve().parent.parent
        found = find_trained(home, path.resolve().name, round_)
    elif path.is_dir():
        found = open_trained(path.resolve(), student)
    else:
        raise RunError(f"{subject!r} is neither a run of {home} nor a folder with an adapter.")
    return home, found if student is None else replace(found, student=student)


def run_push(options: argparse.Namespace) -> int:
    """Upload an adapter, or the model of an export, and say where it is."""
    from core.recipes.exporting import make_push_config

    home = options.home.resolve()
    config = make_push_config(
        home,
        options.run_id,
        options.repo,
        options.round,
        is_private=not options.public,
        may_update=options.update,
    )
    summary = carry_out(home, "push", f"Push the {config['what']} to {config['repo']}", config).read_state().summary
    n_files, size = counted(summary["n_files"], "file"), describe_bytes(summary["n_bytes"])
    print(f"{'private' if config['is_private'] else 'public'}: {summary['url']} ({n_files}, {size})")
    return 0
