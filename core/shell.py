"""What each verb of ``python -m core`` does; it prints, everything else is in the pieces it calls.

It never opens the database (but for ``rebuild``): a run writes its folder, and the dashboard, running or not,
reads it from there.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.counting import counted
from core.errors import RunError
from core.lines import to_plain
from core.paths import expand
from core.recipes.kinds import execute
from core.recipes.trained import is_of_policy
from core.runs.calls import write_call
from core.runs.folder import ENDED, RunFolder
from core.runs.naming import write_name
from core.runs.orders import check_order, refuse_selection
from core.settings import Settings
from core.shell_carrying import carry_out, require_done
from core.shell_teacher import ask_server, find_teacher, is_address, print_offer, require_no_model


def run_loop(options: argparse.Namespace) -> int:
    """Import the seeds if need be, run the loop in this process, print its table."""
    from core.datasets import ensure_seed_set
    from core.recipes.recipes import make_recipe
    from core.recipes.teachers import check_team
    from core.shell_teacher import find_teacher

    load_own_selectors()
    home = options.home.resolve()
    seed_set = ensure_seed_set(home, options.seeds, validation=options.validation, test=options.test, task=options.task)
    print_seed_set(home, seed_set)
    settings = {
        "accepted": options.select,
        "static": options.static,
        "repeats": not options.no_repeats,
        **{name: getattr(options, name) for name in ("selector", "pick", "reward", "rounds", "review")},
        **{name: getattr(options, name) for name in ("epochs", "learning_rate")},
    }
    config = make_recipe("active", settings).make_config(home, seed_set, options.student, options.replicate)
    teacher = find_teacher(options.teacher, options.model, options.key_env)
    config |= {"teacher": teacher} if teacher != config["teacher"] else {}
    budget = {"tokens": options.budget_tokens, "usd": options.budget_usd}
    config |= {"budget": budget} if any(limit is not None for limit in budget.values()) else {}
    check_team(home, config)
    title = f"{config['seed_set_name']}: {options.selector}, {options.select} a round, replicate {options.replicate}"
    print_loop(carry_out(home, "loop", title, config))
    return 0


def load_own_selectors() -> None:
    """Take in the selectors of a person's own files; raises SelectionError where one cannot be used."""
    from core.selection.own import load_selectors

    load_selectors(Settings.from_env().selector_files)


def print_seed_set(home: Path, seed_set: str) -> None:
    """Say what was read, what was not, and how it was split."""
    folder = RunFolder(home / "runs" / seed_set)
    summary = folder.read_state().summary or {}
    counts = f"{counted(summary['n_in'], 'row')} = {summary['n_kept']:,} kept + {summary['n_rejected']:,} rejected"
    print(f"seed set {folder.config['name']} ({summary['task']}): {counts}; {summary['split_rule']}")


def print_loop(folder: RunFolder) -> None:
    """Print the table of the rounds and where the result is."""
    summary = folder.read_state().summary or {}
    print(format_rounds(summary))
    if summary.get("stopped"):
        print(summary["stopped"])
    if summary.get("waits_after_round"):
        print(f"go on: {write_call(['run', str(folder.path), '--again'])}")
    print(f"result: {folder.path / 'result.json'}")
    if summary["teacher"] == "built-in":
        print("The teacher was the built-in rule-based stand-in: no evidence about language models.")


def format_rounds(summary: Mapping[str, Any]) -> str:
    """Return the final table: one line per round, accuracy in per cent with its 95 % interval."""
    counts = ("round", "selected", "requested", "failed", "rejected", "accepted", "training rows")
    lines = [[*counts, "validation (95 %)", "test (95 %)", "tokens in", "tokens out"]]
    lines.append(["0", *["–"] * 7, format_percent(summary["test_accuracy_before"]), "–", "–"])
    for row in summary["rounds"]:
        accuracies = [
            f"{format_percent(row[f'{split}_accuracy'])} "
            f"({format_percent(row[f'{split}_low'])} to {format_percent(row[f'{split}_high'])})"
            for split in ("validation", "test")
        ]
        tokens = [f"{row[f'n_{side}_tokens']:,}" for side in ("input", "output")]
        lines.append([*(str(row[name.replace(" ", "_")]) for name in counts), *accuracies, *tokens])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def format_percent(value: float | None) -> str:
    """Return a share as per cent with one decimal; a dash where it is unknown."""
    return "–" if value is None else f"{100 * value:.1f}%"


def run_score(options: argparse.Namespace) -> int:
    """Import the seeds if need be, score them in this process, write one row per problem.

    The status is 1 where a signal could not be had; the table with the others is written all the same.
    """
    from core.datasets import ensure_seed_set
    from core.models.student import check_adapter
    from core.recipes.score_tables import read_score_frame
    from core.recipes.scoring import list_signals
    from core.recipes.selecting import make_score_config

    home = options.home.resolve()
    check_out(options.out)
    list_signals(options.signals)  # a wrong name is refused before anything is read
    if options.adapter is not None and not is_address(options.student):
        check_adapter(expand(options.adapter))
    server = None
    if is_address(options.student):
        server = ask_server(options.student, options.student_model, options.key_env, "--student-model")
    else:
        require_no_model(options.student_model, "--student-model", "--student")
    teacher = find_teacher(options.teacher, options.teacher_model, options.teacher_key_env, "--teacher-model")
    seed_set = ensure_seed_set(home, options.seeds, task=options.task, has_splits=False)
    print_seed_set(home, seed_set)
    imported = RunFolder(home / "runs" / seed_set)
    config = make_score_config(
        seed_set,
        {"name": imported.config["name"], "task": imported.read_state().summary["task"]},
        student=server["model"] if server else options.student,
        server=server,
        **name_adapter(home, options.adapter),
        signals=options.signals,
        reward=options.reward,
        teacher=teacher,
        n_samples=options.samples,
        temperature=options.temperature,
    )
    title = f"Score {config['seed_set_name']} with {config['student']}"
    folder = carry_out(
        home, "score", title, config, on_end=lambda ended: print_offer(server, [ended.read_state().error])
    )
    read_score_frame(folder).to_parquet(options.out, index=False)
    summary = folder.read_state().summary or {}
    print_scores(summary)
    print(f"scores: {options.out}")
    is_failed = tell_failed(summary)
    print_offer(teacher, summary["failed"].values())
    return 1 if is_failed else 0


def check_out(path: Path) -> None:
    """Make the folder of a file to come and try to write there: work whose result nobody can keep is not begun.

    Raises:
        RunError: the path is a folder, or cannot be written to.
    """
    try:
        if path.is_dir():
            raise RunError(f"{path} is a folder; name a file for --out.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") if path.exists() else tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = error.strerror if path.parent.is_dir() else f"{path.parent} cannot be made ({error.strerror})"
        raise RunError(f"{path} cannot be written: {reason}; name another file for --out.") from error


def tell_failed(summary: Mapping[str, Any]) -> bool:
    """Say on the other stream which signals could not be had, and why; returns whether there were any."""
    failed = summary.get("failed")
    if not isinstance(failed, Mapping):  # a run that grows candidates counts its failed ones under this name
        return False
    for signal, sentence in failed.items():
        print(f"seedbed: {signal} failed: {sentence}", file=sys.stderr)
    return bool(failed)


def name_adapter(home: Path, adapter: Path | None) -> dict[str, str | None]:
    """Return what a run calls an adapter, and the student with it: as the pages do where it was made in this home."""
    if adapter is None:
        return {"adapter": None, "label": "base"}
    folder = expand(adapter).resolve()
    rounds = [part for part in folder.parts if part.startswith("round-")]
    label = "policy" if is_of_policy(folder) and rounds else rounds[-1] if rounds else "tuned"
    inside = folder.relative_to(home) if folder.is_relative_to(home) else folder
    return {"adapter": str(inside), "label": label}


def print_scores(summary: Mapping[str, Any]) -> None:
    """Say what a score run found, what is unknown and why, and how long each signal took."""
    loss, stepwise = summary["mean_loss"], summary["accuracy_with_steps"]
    steps = "" if stepwise == summary["accuracy"] else f" ({format_percent(stepwise)} with every step right)"
    print(
        f"{counted(summary['n'], 'problem')}: {format_percent(summary['accuracy'])} right{steps}, mean loss "
        f"{'–' if loss is None else f'{loss:.3f}'}, {summary['n_truncated']:,} answers truncated"
    )
    for signal, reasons in summary["unknown"].items():
        for reason, n in reasons.items() if signal not in summary["failed"] else ():  # told on the other stream
            print(f"unknown: {signal} of {n:,}: {reason}")
    print("seconds: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in summary["seconds"].items()))


def run_select(options: argparse.Namespace) -> int:
    """Choose from a table of scores and write the chosen problems, best first."""
    from core.recipes.score_tables import read_score_file
    from core.recipes.selecting import choose_seeds
    from core.signals import SIGNALS

    load_own_selectors()
    check_out(options.out)
    frame, pool = read_score_file(options.scores)
    selection = choose_seeds(
        pool, options.selector, options.select, options.replicate, options.pick, options.temperature
    )
    plain = [name for name in frame if name not in SIGNALS or not SIGNALS.get(name).is_vector]
    rows = frame.iloc[selection.indices][plain].to_dict("records")
    with options.out.open("w", encoding="utf-8") as file:
        for rank, (row, index, reason) in enumerate(zip(rows, selection.indices, selection.reason, strict=True), 1):
            about = {
                "rank": rank,
                "priority": None if selection.priority is None else selection.priority[index],
                "group": None if selection.group is None else selection.group[index],
                "reason": reason,
            }
            file.write(json.dumps(to_plain({**about, **row}), ensure_ascii=False) + "\n")
    topped_up = f", {selection.n_topped_up:,} of them topped up at random" if selection.n_topped_up else ""
    print(f"{len(rows):,} of {len(frame):,} problems by {options.selector}{topped_up}: {options.out}")
    return 0


def run_import(options: argparse.Namespace) -> int:
    """Read a file (or a built-in seed set) into the home and say what was kept."""
    from core.datasets import ensure_seed_set

    home = options.home.resolve()
    seed_set = ensure_seed_set(home, options.file, validation=options.validation, test=options.test, task=options.task)
    print_seed_set(home, seed_set)
    print(f"seed set id: {seed_set}")
    return 0


def run_folder(options: argparse.Namespace) -> int:
    """Carry out one run folder; its output is the run's log.

    Raises:
        RunError: it has ended, and nobody said that it should be repeated; it is a selection, which nobody can run; or
            it failed.
        RunCancelled: it was told to stop.
    """
    folder = RunFolder(options.folder.resolve())
    if (state := folder.read_state().state) in ENDED:
        if not options.again:
            raise RunError(f"The run {folder.run_id} is {state}; add --again to repeat it.")
        refuse_selection(folder.read_run())
        folder.order("again")
    if folder.read_run()["kind"] == "loop":
        load_own_selectors()
    require_done(folder, execute(folder))
    tell_failed(folder.read_state().summary or {})
    return 0


def list_runs(options: argparse.Namespace) -> int:
    """Print one line per run, newest last."""
    folders = sorted(path for path in (options.home / "runs").glob("[!.]*") if (path / "run.json").exists())
    for path in folders:
        folder = RunFolder(path)
        try:
            print(f"{folder.run_id}  {folder.read_state().state:<10}  {folder.read_run()['title']}")
        except RunError as error:
            print(error, file=sys.stderr)
    if not folders:
        print(f"{options.home} has no runs yet.")
    return 0


def order_run(options: argparse.Namespace) -> int:
    """Write a queue order into a run's inbox; a live app or the run itself acts on it."""
    folder = RunFolder(options.home / "runs" / options.run_id)
    state = folder.read_state().state
    check_order(options.order, folder.read_run(), state)
    folder.order(options.order)
    print(f"{options.run_id}: {options.order} (was {state})")
    if options.order == "again":
        print(f"A running dashboard starts it; without one: {write_call(['run', str(folder.path.resolve())])}")
    return 0


def rename_run(options: argparse.Namespace) -> int:
    """Give a run another title and a note; a live app shows them within moments."""
    folder = RunFolder(options.home / "runs" / options.run_id)
    before = folder.read_run()
    write_name(folder.path, options.title, before.get("note") if options.note is None else options.note)
    print(f"{options.run_id}: {folder.read_run()['title']} (was {before['title']})")
    return 0


def rebuild_database(options: argparse.Namespace) -> int:
    """Make the database of a home again and print how many rows each table has."""
    from core.hub import rebuild

    counts, unread = rebuild(options.home.resolve())
    for table, n_rows in counts.items():
        print(f"{table:<20} {n_rows:>9,}")
    for run_id, reason in unread.items():
        print(f"not read: {run_id}: {reason}", file=sys.stderr)
    return 1 if unread else 0
