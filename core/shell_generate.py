"""What ``python -m core generate`` does: candidates from a teacher into a file; and what ``retry`` shares with it.

A run writes its folder as every run does; the file is made from it. Nothing is left out of a file: what failed or was
rejected stands in it with its reason.
"""

import argparse
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.counting import counted
from core.errors import PromptError, RunCancelled, RunError, UnknownNameError
from core.filters.base import FILTERS
from core.lines import read_all
from core.paths import expand
from core.runs.folder import RunFolder
from core.settings import Settings
from core.shell import check_out, format_percent, print_seed_set
from core.shell_carrying import carry_out
from core.shell_rows import open_out, write_row
from core.shell_teacher import find_teacher, print_offer

N_WITHOUT_SEEDS = 10
"""Candidates of a run without seeds unless a number is given."""


def run_generate(options: argparse.Namespace) -> int:
    """Grow candidates from seeds, or from a task's fixed prompt, and write every one with what became of it.

    The status is 1 where none is accepted; the file is written all the same.
    """
    from core.datasets import ensure_seed_set
    from core.recipes.generating import make_generate_config

    check_out(options.out)
    home = options.home.resolve()
    teacher = find_teacher(options.teacher, options.model, options.key_env)
    settings = read_settings(options.setting)
    if options.seeds is None:
        settings["has_seeds"] = False
    about, seeds = open_seeds(home, options)
    n_accepted = options.accept or len(seeds) or N_WITHOUT_SEEDS
    prompts = read_prompt_files(options.prompt)
    take_own_prompt(options.method, about["task"], settings, prompts)
    config = make_generate_config(
        home,
        about,
        n_accepted=n_accepted,
        teacher=teacher,
        method=options.method,
        settings=settings,
        prompts=prompts,
        **({"filters": find_filters(options.filters)} if options.filters is not None else {}),
        benchmarks=[ensure_seed_set(home, each, has_splits=False) for each in options.against],
        budget={"tokens": options.budget_tokens, "usd": options.budget_usd},
        replicate=options.replicate,
    )
    title = f"{options.method}: {n_accepted} from {about['seed_set_name'] or about['task']}"
    return carry_out_growth(home, title, config, make_inputs(seeds), options.out)


def carry_out_growth(home: Path, title: str, config: Mapping[str, Any], inputs: Mapping[str, Any], out: Path) -> int:
    """Carry out a run that grows candidates, and write them into a file however it ends; returns the status."""

    def keep(folder: RunFolder) -> None:
        n, summary = write_candidates(folder, out), folder.read_state().summary
        print_growth(summary, config)
        print_offer(config["teacher"], [(summary or {}).get("stopped")])
        print(f"{counted(n, 'candidate')}: {out}")
        if summary and summary["failed"]:
            elsewhere = ["--home", str(home)] if home != Settings.from_env().home.resolve() else []
            retry = shlex.join(["python", "-m", "core", "retry", folder.run_id, *elsewhere])
            print(f"to ask again for the {summary['failed']:,} that failed: {retry} --out FILE.jsonl")

    try:
        folder = carry_out(home, "generate", title, config, inputs=inputs, on_end=keep)
    except RunCancelled:
        raise RunCancelled(
            "Stopped; give the same command again to go on: what was answered is kept, and is not sent again."
        ) from None
    return 0 if folder.read_state().summary["accepted"] else 1


def open_seeds(home: Path, options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Import the seeds if need be; returns what the run says of them, and the ids of the train problems.

    Raises:
        RunError: there are neither seeds nor a task.
    """
    from core.datasets import ensure_seed_set, load_problems
    from core.tasks import TASKS

    if options.seeds is None:
        if options.task is None:
            raise RunError(f"Name a file of seeds by --seeds, or a task by --task: {', '.join(TASKS.names())}.")
        return {"seed_set": None, "seed_set_name": None, "task": TASKS.get(options.task).name}, []
    seed_set = ensure_seed_set(home, options.seeds, task=options.task, has_splits=False)
    print_seed_set(home, seed_set)
    imported = RunFolder(home / "runs" / seed_set)
    about = {"seed_set": seed_set, "seed_set_name": imported.config["name"]}
    train = load_problems(home, seed_set, ["train"])
    return {**about, "task": imported.read_state().summary["task"]}, [problem.problem_id for problem in train]


def make_inputs(seeds: Sequence[str], earlier: Sequence[str] = ()) -> dict[str, Any]:
    """Return the input tables of a run that grows from these seeds and compares with these earlier questions."""
    import pandas as pd

    return {
        "seeds": pd.DataFrame({"problem_id": list(seeds)}, dtype="str"),
        "earlier": pd.DataFrame({"question": list(earlier)}, dtype="str"),
    }


def read_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Return ``name=value`` pairs as settings of a method; values are JSON, or a text as it stands."""
    settings = {}
    for pair in pairs:
        name, mark, text = pair.partition("=")
        if not mark:
            raise UnknownNameError(f"Write a setting as NAME=VALUE, not {pair!r}.")
        try:
            settings[name.strip()] = json.loads(text)
        except ValueError:
            settings[name.strip()] = text
    return settings


def read_prompt_files(pairs: Sequence[str]) -> dict[str, str]:
    """Return ``NAME=FILE`` pairs as name -> text of the file; raises RunError where a file cannot be read."""
    texts = {}
    for pair in pairs:
        name, mark, path = pair.partition("=")
        try:
            texts[name.strip()] = expand(path).read_text(encoding="utf-8").rstrip("\n") if mark else ""
        except (OSError, ValueError) as error:
            raise RunError(f"The prompt file {path} cannot be read; name a text file in UTF-8.") from error
        if not texts[name.strip()]:
            raise RunError(f"Write an edited prompt as NAME=FILE with some text in the file, not {pair!r}.")
    return texts


def take_own_prompt(method: str, task: str, settings: dict[str, Any], prompts: dict[str, str]) -> None:
    """Make the text that goes by a method's own name its setting ``prompt``, where it is asked by a person's prompt.

    Args:
        method: its name; nothing is done for one that sends only shipped prompts.
        task: whose prompts it sends beside that.
        settings: of the method; receive the text.
        prompts: name -> text; lose it.

    Raises:
        PromptError: a name that the method does not take, or two prompts.
        UnknownNameError: no such method or setting.
    """
    from core.generation.base import METHODS
    from core.recipes.growing import make_settings
    from core.tasks import TASKS

    member = METHODS.get(method)
    if "prompt" not in member.uses:
        return
    taken = [method, *member.list_prompts(TASKS.get(task), make_settings(settings))]
    if unknown := sorted(prompts.keys() - set(taken)):
        raise PromptError(f"The method {method} takes no prompt named {unknown[0]!r}; it takes: {', '.join(taken)}.")
    if method in prompts and "prompt" in settings:
        raise PromptError(f"There are two prompts: leave out --prompt {method}=FILE or --setting prompt=TEXT.")
    if method in prompts:
        settings["prompt"] = prompts.pop(method)


def find_filters(names: Sequence[str]) -> list[str]:
    """Return registered names; the beginning of a name will do where it is the only one that begins so."""
    import core.filters as _registers_them  # noqa: F401

    found = []
    for name in names:
        known = [known for known in FILTERS if known == name] or [each for each in FILTERS if each.startswith(name)]
        found.append(known[0] if len(known) == 1 else name)
        FILTERS.get(found[-1])
    return found


def write_candidates(folder: RunFolder, out: Path) -> int:
    """Write the candidates of a run's present attempt, one a line in the order of asking; returns how many."""
    records = folder.path / "records"
    verdicts: dict[str, list[dict[str, Any]]] = {}
    for row in read_all(records / "verdicts.jsonl"):
        if row["attempt"] == folder.attempt:
            verdicts.setdefault(row["candidate_id"], []).append(row)
    rows = [row for row in read_all(records / "candidates.jsonl") if row["attempt"] == folder.attempt]
    with open_out(out) as file:
        for row in rows:
            about = [{key: verdict[key] for key in VERDICT_FIELDS} for verdict in verdicts.get(row["candidate_id"], [])]
            line = {key: value for key, value in row.items() if key not in ("v", "attempt", "round", "position")}
            line |= judge_line(row["failure"], about)
            file.write(write_row(line) + "\n")
    return len(rows)


VERDICT_FIELDS = ("filter", "is_accepted", "reason", "value")


def judge_line(failure: str | None, verdicts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``is_accepted``, ``reason`` (of the failure, or of the first rejection) and ``verdicts`` of a line."""
    rejections = [verdict["reason"] for verdict in verdicts if verdict["is_accepted"] is False]
    reason = failure or (rejections[0] if rejections else None)
    return {"is_accepted": reason is None, "reason": reason, "verdicts": list(verdicts)}


def print_growth(summary: Mapping[str, Any] | None, config: Mapping[str, Any]) -> None:
    """Say what came of the requests, what it cost, and why it ended where it did; nothing of a run that failed."""
    if not summary:
        return
    print(
        f"{summary['requested']:,} asked = {summary['accepted']:,} accepted + {summary['rejected']:,} rejected + "
        f"{summary['failed']:,} failed; {summary['n_input_tokens']:,} tokens in, {summary['n_output_tokens']:,} out"
    )
    for reason, n in (summary.get("reasons") or {}).items():
        print(f"  {n:,}: {f'rejected by {reason}' if reason in config['filters'] else reason}")
    if summary.get("wrong_rate") is not None:
        print(
            f"wrong as they were to be: {format_percent(summary['wrong_rate'])}; different wrong answers: "
            f"{format_percent(summary['wrong_coverage'])} of those asked for"
        )
    if summary.get("stopped"):
        print(f"stopped: {summary['stopped']}")
    elif summary["accepted"] < config["n_accepted"]:
        print_limit(summary["accepted"], config)


def print_limit(n: int, config: Mapping[str, Any]) -> None:
    """Say at which limit a run ended that accepted only ``n``."""
    limit = counted(config["max_requests"], "candidate")
    why = "a retry replaces none" if config.get("retry_of") else "four for each one wanted"
    print(
        f"ended at its limit of {limit} ({why}); {n:,} of {config['n_accepted']:,} {'is' if n == 1 else 'are'} accepted"
    )
