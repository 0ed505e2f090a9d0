"""What ``python -m core finetune`` does: rows of a file in, a finetuned student out; the same run as from the page."""

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from core.counting import counted
from core.errors import RunCancelled, RunError, TrainingError
from core.lines import read_all
from core.recipes.cards import ADAPTER, write_card
from core.recipes.titles import title_finetune
from core.recipes.trained import find_adapter, find_trained
from core.runs.disk import warn_of_disk
from core.runs.folder import RunFolder
from core.shell import format_percent, print_seed_set
from core.shell_carrying import carry_out
from core.shell_generate import read_settings
from core.shell_rows import open_out, write_row
from core.training.config import TrainingConfig
from core.training.data import TrainingRow
from core.training.objectives import make_objective
from core.training.objectives.base import say_unread
from core.training.own_presets import list_presets
from core.training.rows_file import LineLeftOut, guess_task, read_rows_file
from core.training.space import estimate_training_bytes

N_NAMED = 5
"""Lines that are named with their reasons; the others are counted."""


def run_finetune(options: argparse.Namespace) -> int:
    """Train a student on the rows of a file, and put what was trained into a folder with what it was trained on."""
    check_out_folder(options.out)
    home = options.home.resolve()
    settings = split_settings(options.objective, read_settings(options.set))
    adapter = None if options.adapter is None else str(find_adapter(home, options.adapter).folder)
    rows, config = make_config(home, options, settings, test=options.test, adapter=adapter)
    print_plan(config, rows)
    warn_of_length(config, rows)
    if warning := warn_of_disk(home, estimate_training_bytes(config["student"], config["training"])):
        print(f"warning: {warning}", file=sys.stderr)
    title = title_finetune(config, options.rows.name, list_presets(home))
    folder = carry_out_finetune(home, title, config, rows)
    copy_result(folder, options.out)
    print_result(folder, options.out)
    return 0


def make_config(
    home: Path,
    options: argparse.Namespace,
    settings: Mapping[str, Mapping[str, Any]],
    *,
    test: Path | None = None,
    adapter: str | None = None,
) -> tuple[list[TrainingRow], dict[str, Any]]:
    """Read the rows and the seed set that a command names; returns the rows and the configuration of a finetune.

    Args:
        home: the workspace.
        options: of ``finetune`` or ``sweep``.
        settings: what ``split_settings`` returned.
        test: file of test problems; None: those of the seed set.
        adapter: what it starts from; None: the base.
    """
    from core.datasets import ensure_seed_set
    from core.recipes.start import make_finetune_config

    seed_set, about = None, {}
    if options.seeds is not None:
        files = {"validation": options.validation, "test": test}
        seed_set = ensure_seed_set(home, options.seeds, task=options.task, **files)
        print_seed_set(home, seed_set)
        imported = RunFolder(home / "runs" / seed_set)
        about = {"name": imported.config["name"], "task": imported.read_state().summary["task"]}
    rows, task = read_rows(options.rows, options.task or about.get("task"))
    config = make_finetune_config(
        options.student,
        task,
        rows,
        seed_set=seed_set,
        seed_set_name=about.get("name"),
        adapter=adapter,
        home=home,
        objective=options.objective,
        preset=options.preset,
        presets=list_presets(home),
        **settings,
        **name_held_out(home, options, task),
    )
    return rows, config


def check_out_folder(path: Path) -> None:
    """Make the folder for what is trained; raises RunError where it holds other things or cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise RunError(f"The folder {path} is not empty; name a new one for --out.")
        (path / ".probe").touch()
        (path / ".probe").unlink()
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}; name another folder for --out.") from error


def split_settings(objective: str, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return ``settings`` of the objective and ``training`` among named values; raises TrainingError for others."""
    own = {field.name for field in fields(make_objective(objective))}
    shared = {field.name for field in fields(TrainingConfig)}
    if unknown := sorted(values.keys() - own - shared):
        known = ", ".join([*sorted(own), *sorted(shared)])
        raise TrainingError(f"There is no setting {', '.join(unknown)} of {objective}; known: {known}.")
    return {
        "settings": {name: value for name, value in values.items() if name in own},
        "training": {name: value for name, value in values.items() if name in shared},
    }


def read_rows(path: Path, task: str | None) -> tuple[list[TrainingRow], str]:
    """Return the rows of a file and the name of their task; says what was left out, and why."""
    from core.tasks import TASKS

    found = read_rows_file(path, None if task is None else TASKS.get(task))
    name = task or guess_task(found.rows)
    why = "" if task else " (by their answers; --task names another)"
    print(f"rows of {path.name}: {len(found.rows):,} taken, {len(found.left_out):,} left out; task {name}{why}")
    print_left_out(found.left_out)
    return found.rows, name


def print_left_out(left_out: Sequence[LineLeftOut]) -> None:
    """Name the first lines that are left out, and count the others."""
    for line in left_out[:N_NAMED]:
        print(f"  line {line.line:,}: {line.reason}")
    if len(left_out) > N_NAMED:
        print(f"  and {counted(len(left_out) - N_NAMED, 'more line')}")


def name_held_out(home: Path, options: argparse.Namespace, task: str) -> dict[str, Any]:
    """Return ``validation_set`` where problems for validation were given without a seed set, and what is evaluated."""
    from core.datasets import ensure_seed_set

    if options.seeds is not None:
        return {} if options.evaluate else {"evaluates": []}
    if options.test is not None:
        raise RunError("A --test file goes with --seeds; without it, evaluate afterwards by `evaluate --set FILE`.")
    if options.validation is None:
        print("no validation problems (--validation or --seeds): the last epoch is kept")
        return {"evaluates": []}
    found = ensure_seed_set(home, options.validation, task=task, has_splits=False)
    print_seed_set(home, found)
    return {"evaluates": [], "validation_set": found}


def print_plan(config: Mapping[str, Any], rows: Sequence[TrainingRow]) -> None:
    """Say before it starts what is done, and what comes first."""
    objective = make_objective(config["objective"], config["settings"])
    print(f"{objective.title}, preset {config['preset']}: {describe_training(config['training'])}")
    print_first(config, rows)


def print_first(config: Mapping[str, Any], rows: Sequence[TrainingRow]) -> None:
    """Say what a finetune trains and generates before its own training; nothing where it begins at once."""
    objective = make_objective(config["objective"], config["settings"])
    if policy := config["policy_training"]:
        n_right = sum(row.label > 0 for row in rows)
        print(f"first a policy is trained on {counted(n_right, 'right answer')}: {describe_training(policy)}")
    for line in objective_cost(objective.estimate(rows)):
        print(line)
    if unread := say_unread(objective, rows):
        print(unread)


def warn_of_length(config: Mapping[str, Any], rows: Sequence[TrainingRow]) -> None:
    """Say how many rows are too long, as far as the student's files tell; raises TrainingError where all are."""
    from core.tasks import TASKS
    from core.training.lengths import foresee

    objective = make_objective(config["objective"], config["settings"])
    most = config["training"]["max_length"]
    found = foresee(objective, rows, config["student"], TASKS.get(config["task"]), most)
    if not found.long:
        return
    longest, place = max(found.long)
    told = f"more than {counted(found.longest, 'token')} with the question (row {place + 1:,} has {longest:,})"
    if len(found.long) == len(rows):
        raise TrainingError(f"Every row is too long: {told}; allow more by --set max_length=N, or shorten them.")
    print(f"{counted(len(found.long), 'row')} of {len(rows):,} will be left out: {told}")


def describe_training(training: Mapping[str, Any]) -> str:
    """Return the settings that matter most, in one line."""
    what = f"LoRA rank {training['rank']}" if training["weights"] == "lora" else "all weights"
    return (
        f"{what}, learning rate {training['learning_rate']:g}, {counted(training['epochs'], 'epoch')}, batches of "
        f"{training['batch_size']}"
    )


def objective_cost(estimate: Mapping[str, int]) -> list[str]:
    """Return what has to be generated before training, as lines; none where nothing is."""
    lines = []
    if estimate["n_answers"]:
        lines.append(f"{estimate['n_answers']:,} answers of the student are drawn before the training")
    if estimate["n_rollouts"]:
        lines.append(f"then at most {estimate['n_rollouts']:,} continuations, as if every answer were wrong and long")
    return lines


def carry_out_finetune(home: Path, title: str, config: Mapping[str, Any], rows: Sequence[TrainingRow]) -> RunFolder:
    """Carry the run out in this process; says how to go on where it was stopped."""
    from core.training.data import to_frame

    try:
        return carry_out(home, "finetune", title, config, inputs={"rows": to_frame(rows)}, goes_on=True)
    except RunCancelled:
        raise RunCancelled("Stopped; give the same command again to go on from the last checkpoint.") from None


def copy_result(folder: RunFolder, out: Path) -> None:
    """Put what was trained into a folder, with the rows, the metrics and what the run says of itself."""
    home, records = folder.path.parent.parent, folder.path / "records"
    trained = find_trained(home, folder.run_id)
    shutil.copytree(trained.folder, out, dirs_exist_ok=True)
    if not trained.is_whole:  # a whole model has no tokenizer here: `export` puts it to it, with a card
        (out / "README.md").write_text(write_card(home, trained, ADAPTER), encoding="utf-8")
    for name in ("training_rows", "policy_rows", "metrics"):
        if not (records / f"{name}.jsonl").exists():
            continue  # no policy was trained, or nothing but the policy
        with open_out(out / f"{name}.jsonl") as file:
            for row in read_all(records / f"{name}.jsonl"):
                file.write(write_row({key: value for key, value in row.items() if key not in ("v", "attempt")}) + "\n")
    about = {"run_id": folder.run_id, **folder.config, "result": folder.read_state().summary}
    (out / "finetune.json").write_text(json.dumps(about, indent=2, ensure_ascii=False), encoding="utf-8")


def print_result(folder: RunFolder, out: Path) -> None:
    """Say what was trained on, which epoch was kept, how fast it went, and what it brought."""
    summary = folder.read_state().summary or {}
    records, config = folder.path / "records", folder.config
    is_policy = read_all(records / "adapters.jsonl")[-1]["objective"] != config["objective"]  # told to keep that
    rows = read_all(records / f"{'policy' if is_policy else 'training'}_rows.jsonl")
    unused = [row for row in rows if row["is_used"] is False and row["attempt"] == folder.attempt]
    print(f"trained on {counted(summary['n_rows'], 'row')}, {len(unused):,} left out; rows {summary['rows_hash'][:12]}")
    for row in unused[:N_NAMED]:
        print(f"  row {row['position'] + 1:,}: {row['reason']}")
    if summary["n_held_out_left_out"]:
        print(f"  {counted(summary['n_held_out_left_out'], 'row')} that are validation or test problems")
    wanted = config["policy_training" if is_policy else "training"]["epochs"]
    kept = f"{'the policy, ' if is_policy else ''}epoch {summary['best_epoch']:g} of {wanted} kept"
    if summary["validation_accuracy"] is not None:
        kept += f", validation accuracy {format_percent(summary['validation_accuracy'])}"
    print(kept)
    if summary["stopped"]:
        print(summary["stopped"])
    if summary["n_test"]:
        print(
            f"test: {format_percent(summary['test_accuracy_before'])} before, "
            f"{format_percent(summary['test_accuracy'])} after, difference {100 * summary['difference']:+.1f} points "
            f"({100 * summary['difference_low']:+.1f} to {100 * summary['difference_high']:+.1f})"
        )
    speed = summary["tokens_per_second"]
    if speed is not None:
        print(
            f"{summary['n_steps']:,} steps in {summary['seconds']:.1f} s, {speed:,.0f} tokens a second, "
            f"{format_percent(summary['padding_share'])} padding"
        )
    print(f"trained: {out}")
