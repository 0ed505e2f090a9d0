"""``python -m core rows``: a training set out of seeds, candidates, a teacher's answers and own samples, into a file.

The rows are those that the page Finetune would gather from the same parts; ``python -m core finetune --rows`` reads the
file. What was left out is printed, part by part, with the reasons.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.counting import counted
from core.errors import RunError, TrainingError
from core.paths import expand
from core.recipes.training_choice import ALL_SEEDS, PARTS, Choice, settle_subject
from core.recipes.training_sets import TrainingSet, build_rows, read_earlier
from core.runs.folder import RunFolder
from core.shell import check_out, print_seed_set
from core.shell_carrying import carry_out
from core.shell_rows import open_out, write_row
from core.shell_teacher import find_teacher, print_offer
from core.store.reads_candidates import POLICIES
from core.training.rows_file import RowsFile, read_rows_file, to_line

TAKEN = dict(zip(("filters", "by_hand"), POLICIES, strict=True))
"""What a person writes behind --policy -> the policy."""

N_LINES = 3
"""Lines of a file that are told of those which cannot be read."""


def run_rows(options: argparse.Namespace) -> int:
    """Gather the rows and write them.

    Raises:
        RunError: no such run, or nothing was chosen.
        TrainingError: the parts belong to several seed sets or tasks, or no row is left.
    """
    from core.datasets import load_problems
    from core.store.partial import open_partial
    from core.tasks import TASKS

    check_options(options)
    check_out(options.out)
    home = options.home.resolve()
    runs, files = sort_sources(home, options.candidates)
    seed_set, task = open_seed_set(home, options)
    choice = Choice(
        candidates=tuple(runs),
        taken=TAKEN[options.policy],
        seeds=None if options.seeds is None or options.no_references else options.selection or ALL_SEEDS,
        answers=tuple(options.teacher_answers),
        own=tuple(options.own),
        earlier=options.rows_of,
    )
    seed_set, task = settle_subject(choice, lambda run_id: read_config(home, run_id), seed_set, task or options.task)
    problems = load_problems(home, seed_set) if seed_set else []
    if options.teacher is not None:
        choice = add_answers(home, choice, options, seed_set, task)
    if not (choice.list_runs() or choice.seeds or files):
        raise RunError("Name what the rows are made of: --seeds, --candidates, --own, --teacher-answers or --rows-of.")
    member = TASKS.get(task or "custom")
    given = [read_rows_file(path, member) for path in files]
    tell_bad_lines(files, given)
    with open_partial(home, list_needed(home, choice, options.selection, seed_set)) as store:
        made = build_rows(
            store,
            choice,
            member,
            problems,
            seed_set=seed_set,
            file=RowsFile(
                [row for each in given for row in each.rows], [line for each in given for line in each.left_out]
            ),
            earlier=read_earlier(store, home, choice.earlier) if choice.earlier else (),
        )
    print_set(made)
    if not problems:
        print("No seed set was named or known, so no row was compared with validation or test problems (--seeds).")
    if not made.rows:
        raise TrainingError(f"No row is left to train on, so {options.out} is not written; see the reasons above.")
    with open_out(options.out) as file:
        for row in made.rows:
            file.write(write_row(to_line(row)) + "\n")
    print(f"hash {made.hash}")
    print(f"{counted(len(made.rows), 'row')}: {options.out}")
    return 0


def check_options(options: argparse.Namespace) -> None:
    """Raise RunError for options that say nothing without another one, or contradict it."""
    if options.seeds is None:
        alone = {"--no-references": options.no_references, "--selection": options.selection}
        if name := next((name for name, is_given in alone.items() if is_given), None):
            raise RunError(f"{name} is about the seeds; name them by --seeds.")
        if options.teacher is not None:
            raise RunError("--teacher answers seeds; name them by --seeds.")
    if options.selection and options.no_references and options.teacher is None:
        raise RunError("--selection says which seeds are taken, and --no-references that none are; leave one out.")


def sort_sources(home: Path, names: Sequence[str]) -> tuple[list[str], list[Path]]:
    """Return which of the names are runs of this home, and which are files; raises RunError for what is neither."""
    runs, files = [], []
    for name in names:
        if Path(name).name == name and (home / "runs" / name / "run.json").exists():
            runs.append(name)
        elif expand(name).is_file():
            files.append(expand(name))
        else:
            raise RunError(f"{name!r} is neither a run of {home} nor a file; `python -m core runs` lists the runs.")
    return runs, files


def open_seed_set(home: Path, options: argparse.Namespace) -> tuple[str | None, str | None]:
    """Import the seeds if need be; returns their id and task, (None, None) where none are named.

    ``--seeds`` may name an import of this home as well.
    """
    from core.datasets import ensure_seed_set

    if options.seeds is None:
        return None, None
    if Path(options.seeds).name == options.seeds and (home / "runs" / options.seeds / "run.json").exists():
        seed_set = options.seeds
    else:
        seed_set = ensure_seed_set(
            home, options.seeds, validation=options.validation, test=options.test, task=options.task
        )
    summary = RunFolder(home / "runs" / seed_set).read_state().summary or {}
    if "task" not in summary:
        raise RunError(f"The run {seed_set} is no finished import; name a seed file, or a built-in seed set.")
    print_seed_set(home, seed_set)
    return seed_set, summary["task"]


def read_config(home: Path, run_id: str) -> Mapping[str, Any]:
    """Return the configuration of a run, an import's own id as its seed set; raises RunError where there is none."""
    path = home / "runs" / run_id
    if Path(run_id).name != run_id or not (path / "run.json").exists():
        raise RunError(f"There is no run {run_id!r} in {home}; `python -m core runs` lists them.")
    return RunFolder(path).config


def list_needed(home: Path, choice: Choice, *more: str | None) -> list[str]:
    """Return the runs whose tables have to be known: an old run kept no texts, and those of its candidates are read."""
    earlier = read_config(home, choice.earlier).get("generate_runs", []) if choice.earlier else []
    grown = [run_id for run_id in earlier if (home / "runs" / run_id / "run.json").exists()]
    return [run_id for run_id in (*choice.list_runs(), *grown, *more) if run_id]


def add_answers(home: Path, choice: Choice, options: argparse.Namespace, seed_set: str, task: str) -> Choice:
    """Let a teacher answer the seeds now, and return the choice with that run among its answers."""
    from dataclasses import replace

    from core.recipes.answering import make_answers_config, make_answers_inputs

    teacher = find_teacher(options.teacher, options.model, options.key_env)
    ids = list_asked(home, seed_set, options.selection)
    about = {"seed_set": seed_set, "seed_set_name": RunFolder(home / "runs" / seed_set).config["name"], "task": task}
    budget = {"tokens": options.budget_tokens, "usd": options.budget_usd}
    config = make_answers_config(home, about, len(ids), teacher=teacher, budget=budget)
    title = f"Answers to {len(ids)} seeds of {about['seed_set_name']}"

    def tell(folder: RunFolder) -> None:
        summary = folder.read_state().summary
        if summary:
            print(
                f"{summary['requested']:,} asked = {summary['right']:,} right + {summary['wrong']:,} wrong + "
                f"{summary['undecided']:,} undecided + {summary['failed']:,} failed; "
                f"{summary['n_input_tokens']:,} tokens in, {summary['n_output_tokens']:,} out"
            )
        if summary and summary["stopped"]:
            print(f"stopped: {summary['stopped']}")
        print_offer(teacher, [(summary or {}).get("stopped")])
        if teacher == "built-in":
            print(
                "The teacher was the built-in rule-based stand-in, which repeats the references: no evidence about "
                "language models."
            )

    folder = carry_out(home, "answers", title, config, inputs=make_answers_inputs(ids), on_end=tell)
    return replace(choice, answers=(*choice.answers, folder.run_id))


def list_asked(home: Path, seed_set: str, selection: str | None) -> list[str]:
    """Return the train problems that a teacher is asked to answer: all, or those of a selection."""
    from core.datasets import load_problems
    from core.store.partial import open_partial

    if selection is None:
        return [problem.problem_id for problem in load_problems(home, seed_set, ["train"])]
    with open_partial(home, [selection]) as store:
        return store.list_chosen(selection)


def tell_bad_lines(files: Sequence[Path], given: Sequence[RowsFile]) -> None:
    """Say on the other stream which lines of files cannot be read, the first few of each with the reason."""
    for path, rows in zip(files, given, strict=True):
        for line, reason in rows.left_out[:N_LINES]:
            print(f"seedbed: {path.name}, line {line}: {reason}", file=sys.stderr)
        if (n_more := len(rows.left_out) - N_LINES) > 0:
            print(f"seedbed: {path.name}: {counted(n_more, 'more line')} left out", file=sys.stderr)


def print_set(made: TrainingSet) -> None:
    """Say part by part how many rows were found, taken and left out, and why."""
    for name, counts in made.count().items():
        wrong = f", {counts['wrong']:,} of them as wrong answers" if counts["wrong"] else ""
        print(f"{PARTS[name]}: {counts['taken']:,} of {counts['found']:,} taken{wrong}")
        for reason, n in counts["reasons"].items():
            print(f"  {n:,}: {reason}")
