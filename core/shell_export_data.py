"""What ``python -m core export --format`` does: candidates as files that other programs read, or onto the hub.

It asks a database in memory that it makes from the run folders and the journal of reviews, so it works beside an open
dashboard and without one, and says the same.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.counting import counted
from core.errors import RunError
from core.runs.disk import describe_bytes
from core.runs.folder import RunFolder
from core.shell_carrying import carry_out

if TYPE_CHECKING:
    from core.recipes.taking_out import DatasetWishes, TakenOut
    from core.store.queue_filter import QueueFilter
    from core.store.store import Store


def run_export_data(options: argparse.Namespace) -> int:
    """Choose candidates, write them, and say how many were left out and why.

    Raises:
        RunError: no such format, filter or run, nothing matches, or the path cannot be written to.
    """
    from core.exporting.writing import check_target
    from core.recipes.taking_out import FORMATS, DatasetWishes, take_out, write_out
    from core.store.partial import open_partial
    from core.store.queue_text import check_known, read_filter

    FORMATS.get(options.format)  # a wrong name is refused before anything is read
    asked = read_filter(options.where, options.run)
    check_options(options)
    target = None if options.out is None else options.out.absolute()
    if target is not None:
        check_target(target)
    home = options.home.resolve()
    wishes = {"name": options.name, "licence": options.licence, "validation": options.validation}
    wishes = DatasetWishes(**{name: value for name, value in wishes.items() if value})
    run_ids = options.run or list(list_grown(home))
    with open_partial(home, [*list_needed(home, run_ids), *find_maps(asked)]) as store:
        check_known(asked, store.list_choices(run_ids))
        taken = take_out(store, asked, options.format, is_as_asked=options.as_asked)
        print_taken(taken)
        if target is not None:
            sizes = write_out(store, home, taken, target, wishes)
            parts = ", ".join(f"{n:,} {split}" for split, n in sizes.items())
            print(f"{counted(sum(sizes.values()), 'record')}{f' ({parts})' if len(sizes) > 1 else ''}: {options.out}")
            if wishes.validation and len(sizes) == 1:
                print("No record is kept apart: all of one seed or question are more than that share of validation.")
        if options.push:
            push(store, home, taken, wishes, options)
    return 0


def check_options(options: argparse.Namespace) -> None:
    """Raise RunError for options that contradict one another, or say nothing for this format."""
    from core.recipes.taking_out import DATASET, FORMATS

    model_only = {"--student": options.student, "--dtype": options.dtype, "--round": options.round}
    if name := next((name for name, value in model_only.items() if value is not None), None):
        raise RunError(f"{name} is about a model; leave it out, or leave out --format.")
    if options.out is None and not options.push:
        raise RunError("Name the file or folder to write by --out.")
    if not 0 <= options.validation < 1:
        raise RunError(f"The share of validation is from 0 up to 1, not {options.validation:g}.")
    of_dataset = ("validation", "name", "licence", "push")
    if options.format != DATASET and (name := next((each for each in of_dataset if getattr(options, each)), None)):
        raise RunError(f"--{name} is about a dataset; write --format {DATASET}, or leave it out.")
    if options.as_asked and not FORMATS.get(options.format).has_prompt:
        raise RunError(f"--as-asked is about prompts, and {options.format} has none; leave it out.")
    if not options.push and (options.public or options.update):
        raise RunError("--public and --update say how a dataset is pushed; name its repository by --push.")


def list_grown(home: Path) -> Iterator[str]:
    """Yield the runs of a home that have candidates, oldest first; what cannot be read is told on the other stream."""
    for path in sorted((home / "runs").glob("[!.]*")):
        if not any((path / "records" / name).exists() for name in ("candidates", "candidates.jsonl")):
            continue
        try:
            RunFolder(path).read_run()
        except RunError as error:
            print(f"seedbed: {error}", file=sys.stderr)
            continue
        yield path.name


def list_needed(home: Path, run_ids: Iterable[str]) -> list[str]:
    """Return these runs, their seed sets, and the runs in which students answered: all that an export is made of."""
    chosen = list(run_ids)
    needed = dict.fromkeys(chosen)
    for path in sorted((home / "runs").glob("[!.]*")):
        try:
            config = RunFolder(path).config
        except RunError:  # told where it has candidates
            continue
        if path.name in chosen and config.get("seed_set"):
            needed[config["seed_set"]] = None
        has_drawn = any((path / "records" / name).exists() for name in ("own_answers", "own_answers.jsonl"))
        if has_drawn or not set(config.get("candidates_of") or ()).isdisjoint(chosen):
            needed[path.name] = None
    return [run_id for run_id in needed if run_id in chosen or (home / "runs" / run_id / "run.json").is_file()]


def find_maps(asked: "QueueFilter") -> list[str]:
    """Return the run whose map a filter has an area of, if it has one."""
    return [asked.area.partition(":")[0]] if asked.area else []


def print_taken(taken: "TakenOut") -> None:
    """Say how many candidates match, and what becomes of them."""
    made = taken.made
    print(f"{counted(made.n_found, 'candidate')} = {made.n_taken:,} taken + {sum(made.left_out.values()):,} left out")
    for reason, n in made.left_out.items():
        print(f"  {n:,}: {reason}")
    if any(row.about["teacher"] == "built-in" for row in taken.rows):
        print("The teacher was the built-in rule-based stand-in: no evidence about language models.")


def push(store: "Store", home: Path, taken: "TakenOut", wishes: "DatasetWishes", options: argparse.Namespace) -> None:
    """Upload a dataset and say where it is."""
    from core.recipes.exporting import make_data_push_config
    from core.recipes.taking_out import write_files

    config = make_data_push_config(options.push, is_private=not options.public, may_update=options.update)
    with write_files(store, home, taken, wishes) as files:
        made = carry_out(home, "push", f"Push the dataset to {config['repo']}", config, files=files)
    summary = made.read_state().summary
    n_files, size = counted(summary["n_files"], "file"), describe_bytes(summary["n_bytes"])
    print(f"{'private' if config['is_private'] else 'public'}: {summary['url']} ({n_files}, {size})")
