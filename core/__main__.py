"""The shell: ``python -m core VERB``; the same run folders and the same results as the pages."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from core.errors import RunCancelled, SeedbedError
from core.recipes.kinds import prepare_libraries
from core.shell_options import add_budget, add_home, add_selector, add_teacher, not_negative, positive
from core.shell_verbs_growing import (
    add_bring_verb,
    add_filter_verb,
    add_generate_verb,
    add_retry_verb,
    add_scoring_verbs,
    add_verify_verb,
)
from core.shell_verbs_home import add_backup_verbs
from core.shell_verbs_training import (
    add_evaluate_verb,
    add_experiment_verb,
    add_export_verbs,
    add_finetune_verb,
    add_rows_verb,
    add_sweep_verb,
)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command in one sentence."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f"seedbed: {message}; see {self.prog} --help.\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0 done, 1 failed, or scored but for a signal, 130 cancelled.

    A command that cannot be read ends the process with status 2.
    """
    try:
        options = make_parser().parse_args(arguments)
        prepare_libraries()  # before a verb imports them: they look only then
        state = options.verb(options)
        sys.stdout.flush()
        return state
    except SeedbedError as error:
        print(f"seedbed: {error}", file=sys.stderr)
        return 130 if isinstance(error, RunCancelled) else 1
    except KeyboardInterrupt:
        print("seedbed: Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader has seen enough ("| head")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter tells it at its end
        return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; each verb names the function that carries it out."""
    parser = Parser(prog="python -m core", description="Seedbed from the shell.")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    add_loop_verb(verbs)
    add_scoring_verbs(verbs)
    add_generate_verb(verbs)
    add_retry_verb(verbs)
    add_filter_verb(verbs)
    add_bring_verb(verbs)
    add_verify_verb(verbs)
    add_finetune_verb(verbs)
    add_rows_verb(verbs)
    add_evaluate_verb(verbs)
    add_sweep_verb(verbs)
    add_experiment_verb(verbs)
    add_export_verbs(verbs)
    add_backup_verbs(verbs)
    add_import_verb(verbs)
    add_run_verbs(verbs)
    return parser


def add_import_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``import``."""
    from core import shell

    imported = verbs.add_parser("import", help="read a file into a seed set")
    imported.set_defaults(verb=shell.run_import)
    imported.add_argument("file", metavar="FILE_OR_NAME")
    imported.add_argument("--validation", type=Path, metavar="FILE")
    imported.add_argument("--test", type=Path, metavar="FILE")
    imported.add_argument("--task")
    add_home(imported)


def add_run_verbs(verbs: argparse._SubParsersAction) -> None:
    """Add what is done with runs that there are, and with the database over them."""
    from core import shell

    run = verbs.add_parser("run", help="carry out one run folder (what the queue calls)")
    run.set_defaults(verb=shell.run_folder)
    run.add_argument("folder", type=Path, metavar="FOLDER")
    run.add_argument("--again", action="store_true", help="repeat it where it has ended, from its last checkpoint")

    runs = verbs.add_parser("runs", help="list the runs of a home with their states")
    runs.set_defaults(verb=shell.list_runs)
    add_home(runs)

    orders = {
        "cancel": "tell a run to stop",
        "again": "ask for one more attempt of a run that ended",
        "keep": "tell a training run to stop now, keep its best checkpoint so far, and evaluate it",
    }
    for name, help_ in orders.items():
        order = verbs.add_parser(name, help=help_)
        order.set_defaults(verb=shell.order_run, order=name)
        order.add_argument("run_id", metavar="RUN")
        add_home(order)

    rename = verbs.add_parser("rename", help="give a run another title, and a note")
    rename.set_defaults(verb=shell.rename_run)
    rename.add_argument("run_id", metavar="RUN")
    rename.add_argument("title", metavar="TITLE")
    rename.add_argument("--note", metavar="TEXT", help="what to remember of it (default: the note that it has)")
    add_home(rename)

    rebuild = verbs.add_parser("rebuild", help="make the whole database again from journals, runs and imports")
    rebuild.set_defaults(verb=shell.rebuild_database)
    add_home(rebuild)


def add_loop_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``loop``."""
    from core import shell

    loop = verbs.add_parser("loop", help="whole rounds: predict, select, generate, filter, finetune, evaluate")
    loop.set_defaults(verb=shell.run_loop)
    loop.add_argument("--seeds", required=True, metavar="FILE_OR_NAME", help="seed file, or a built-in seed set")
    loop.add_argument("--validation", type=Path, metavar="FILE", help="validation problems (default: a seeded split)")
    loop.add_argument("--test", type=Path, metavar="FILE", help="test problems (default: a seeded split)")
    loop.add_argument("--task", help="task of the file where it is not recognised")
    loop.add_argument(
        "--student", default="tiny", metavar="PATH_OR_ID", help="tiny, a folder, or a hub id (default: tiny)"
    )
    add_teacher(loop)
    add_selector(loop)
    loop.add_argument("--reward", default="tiny-reward", metavar="PATH_OR_ID", help="reward model of reward selectors")
    loop.add_argument(
        "--select", type=positive, default=100, metavar="K", help="accepted candidates a round (default: 100)"
    )
    loop.add_argument("--rounds", type=positive, default=1, metavar="T", help="rounds (default: 1)")
    loop.add_argument("--replicate", type=not_negative, default=0, metavar="N", help="random seed of the whole loop")
    loop.add_argument("--epochs", type=positive, help="epochs of each finetune (default: the student's preset)")
    loop.add_argument("--learning-rate", type=float, help="learning rate (default: the student's preset)")
    loop.add_argument("--static", action="store_true", help="choose by the student before any training in every round")
    loop.add_argument("--no-repeats", action="store_true", help="choose no problem again in a later round")
    add_budget(loop)
    loop.add_argument("--review", action="store_true", help="stop after each round until its candidates are reviewed")
    add_home(loop)


if __name__ == "__main__":
    sys.exit(main())
