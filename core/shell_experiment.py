"""What ``python -m core experiment`` does: every arm of every replicate in this process, then the tables.

The same folders as from the page; the same command goes on where it was stopped. ``--tables`` carries nothing out.
"""

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from core.counting import counted
from core.errors import RunBusy, RunCancelled, RunError
from core.recipes import experiment as experiments
from core.recipes import experiment_tables as tables
from core.recipes.check_tables import find_in_checks, list_checks
from core.recipes.experiment_file import Experiment, read_experiment
from core.recipes.experiment_freezing import check_experiment, require_students
from core.recipes.experiment_reports import list_reports
from core.recipes.experiment_results import Results, read_results
from core.recipes.generating import require_servers
from core.recipes.report import write_report
from core.recipes.steering_tables import list_steering
from core.runs.calls import write_call
from core.runs.folder import RunFolder
from core.shell import load_own_selectors
from core.shell_carrying import carry_on
from core.shell_evaluate import format_table
from core.teacher.roles import BUILT_IN


def run_experiment(options: argparse.Namespace) -> int:
    """Carry out what is missing of an experiment and print its tables; 1 where an arm failed, 0 for tables alone."""
    load_own_selectors()
    home = options.home.resolve()
    experiment = read_experiment(options.file)
    if strange := sorted(set(options.replicates or ()) - set(experiment.replicates)):
        named = ", ".join(map(str, experiment.replicates))
        raise RunError(f"The experiment has no replicate {strange[0]}; it has: {named}.")
    if not options.tables:
        require_servers({"teacher": experiment.teacher, "roles": experiment.roles})
        check_experiment(home, experiment)
        require_students(experiment)
    folder = find_or_open(home, experiment, only_find=options.tables)
    n_arms, n_replicates = len(experiment.arms), len(experiment.replicates)
    sizes = f"{counted(n_arms, 'arm')}, {counted(n_replicates, 'replicate')}, {counted(n_arms * n_replicates, 'run')}"
    print(f"experiment {folder.run_id}: {sizes}", flush=True)
    told: set[str] = set()
    n_failed = 0
    if not options.tables:
        n_failed = carry_out_replicates(folder, options.replicates or experiment.replicates, told)
    results = read_results(home, folder.run_id)
    for line in list_tables(results, told):
        print(line)
    if options.report:
        write_report(home, folder.run_id, options.report)
        print(f"report: {options.report}")
    if experiment.teacher == BUILT_IN:
        print("The teacher was the built-in rule-based stand-in: no evidence about language models.")
    return 1 if not options.tables and (len(results.excluded) or n_failed) else 0


def find_or_open(home: Path, experiment: Experiment, *, only_find: bool) -> RunFolder:
    """Return the folder of an experiment, made where this home has none; two processes at once get the same one."""
    if only_find and not any((home / "runs").glob(f"[!.]*-{experiments.KIND}-*")):  # else its seed set is imported
        raise RunError("No experiment was begun in this home; leave --tables out to carry this one out.")
    with experiments.look_for(home, experiment) as (config, found):
        if found is not None:
            return found
        if only_find:
            alike = find_titled(home, experiment.title)
            also = f"; {alike} has its title, but a file that was edited is another experiment" if alike else ""
            raise RunError(f"This experiment was not begun in this home{also}; leave --tables out to carry it out.")
        return experiments.open_experiment(home, experiment.title, config)


def find_titled(home: Path, title: str) -> str | None:
    """Return the id of the newest experiment of a title; None: there is none."""
    for path in sorted((home / "runs").glob(f"[!.]*-{experiments.KIND}-*"), reverse=True):
        with suppress(RunError):  # a damaged folder has no title
            if RunFolder(path).read_run()["title"] == title:
                return path.name
    return None


def carry_out_replicates(experiment: RunFolder, replicates: Sequence[int], told: set[str]) -> int:
    """Carry out each replicate of which an arm is not done; returns how many could not be.

    Args:
        experiment: its folder.
        replicates: their numbers.
        told: gets the reasons that were printed.

    Raises:
        RunCancelled: it was stopped.
    """
    n_failed = 0
    for replicate in replicates:
        try:
            run = experiments.open_replicate(experiment, replicate)
            if run is not None:
                print(f"replicate {replicate}: run {run.run_id}", flush=True)
                told |= set(carry_on(run).read_state().summary["failed"].values())
        except RunCancelled:
            raise RunCancelled("Stopped; give the same command again to go on.") from None
        except RunBusy as error:
            print(f"replicate {replicate}: {error} It is left to that one.", flush=True)
        except RunError as error:
            n_failed += 1
            told.add(str(error))
            print(f"seedbed: replicate {replicate} failed: {error}", file=sys.stderr)
    return n_failed


# -- what is printed -----------------------------------------------------------------------------------------------


def list_tables(results: Results, said: Collection[str] = ()) -> Iterator[str]:
    """Yield the tables of an experiment as it stands, and what is excluded; a note that recurs stands once.

    Args:
        results: what its runs have brought.
        said: reasons that stand in the terminal already, and are not told again.
    """
    told: set[str] = set()
    if results.points.empty:
        yield "nothing was evaluated yet"
    else:
        for table in (
            *tables.list_tables(results.tests, results.arms),
            *list_reports(results.reports, results.arms),
            *list_steering(results.pairs, results.points),
            *list_checks(find_in_checks(results.checks)),
        ):
            yield f"\n{table.caption}"
            if table.lines:
                yield format_table(table.lines)
            if table.note and table.note not in told:
                told.add(table.note)
                yield table.note
        yield ""
    yield from _list_excluded(results, said)
    for row in results.ended_early.to_dict("records"):
        yield f"ended early: {row['method']}, replicate {row['replicate']}: {row['stopped']}"
    for row in results.paused.to_dict("records"):
        yield f"{row['method']}, replicate {row['replicate']}, waits for a review after round {row['round']}"
        yield "read what it brought on the dashboard's page Review first; what nobody has read is trained on as it is"
        yield f"go on: {write_call(['run', str(row['folder']), '--again'])}"
    if n_left := results.n_left:
        yield f"{counted(n_left, 'run')} still to come; the command without --tables carries out what none works on"


def _list_excluded(results: Results, said: Collection[str]) -> Iterator[str]:
    """Yield a line for each reason why runs are excluded, with the runs that it holds of."""
    held: dict[tuple[str, str], list[str]] = {}
    for row in results.excluded.to_dict("records"):
        held.setdefault((row["state"], row["error"] or ""), []).append(f"{row['method']}, replicate {row['replicate']}")
    for (state, reason), runs in held.items():
        why = "Why stands above." if reason in said else reason
        yield f"excluded: {'; '.join(runs)}: {state}. {why}".rstrip()
