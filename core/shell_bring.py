"""What ``python -m core bring`` does: candidates made elsewhere become candidates of this home, judged by filters."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import DataFormatError, UnknownNameError
from core.lines import read_all
from core.paths import expand
from core.runs.calls import write_call
from core.runs.folder import RunFolder
from core.shell_carrying import carry_out
from core.shell_generate import find_filters

MOST_TOLD = 5
"""Rows whose reason is printed."""

COLUMNS = ("question", "answer", "final", "parent", "model")
"""What a column can be said to hold."""


def run_bring(options: argparse.Namespace) -> int:
    """Bring a file in, in this process; the status is 1 where none of its candidates is accepted."""
    import pandas as pd

    from core.datasets import ensure_seed_set
    from core.recipes.bringing import KIND, describe_brought, list_earlier, make_bring_config, title_bring

    home = options.home.resolve()
    seed_set = find_seeds(home, options.seeds)
    imported = RunFolder(home / "runs" / seed_set)
    about = {
        "seed_set": seed_set,
        "seed_set_name": imported.config["name"],
        "task": imported.read_state().summary["task"],
    }
    config, files = make_bring_config(
        about,
        expand(options.file),
        columns=read_columns(options.column),
        **({"filters": find_filters(options.filters)} if options.filters is not None else {}),
        benchmarks=[ensure_seed_set(home, each, has_splits=False) for each in options.against],
    )
    told = (
        f"{name}: {' + '.join(value) if name == 'question' else value}" for name, value in config["columns"].items()
    )
    print(f"columns: {', '.join(each for each in told if not each.endswith(': None'))}")
    inputs = {"earlier": pd.DataFrame({"question": list_earlier(home, seed_set)}, dtype="str")}
    folder = carry_out(home, KIND, title_bring(config), config, inputs=inputs, files=files, goes_on=True)
    summary = folder.read_state().summary or {}
    for line in describe_brought(summary):
        print(line)
    for line in say_left_out(folder):
        print(line)
    if summary["accepted"]:
        words = ["rows", "--seeds", options.seeds, "--candidates", folder.run_id, "--out", "rows.jsonl"]
        print(f"to train on them: {write_call([*words, '--home', str(home)])}")
    return 0 if summary["accepted"] else 1


def say_left_out(folder: RunFolder) -> Iterator[str]:
    """Yield why the first rows are no candidates, a line each, and where the others are told."""
    path = folder.path / "records" / "rejected_rows.jsonl"
    rows = read_all(path)
    for row in rows[:MOST_TOLD]:
        yield f"  left out: {row['source']}, line {row['line']}: {row['reason']}"
    if len(rows) > MOST_TOLD:
        yield f"  {len(rows) - MOST_TOLD:,} more are left out, each with its reason in {path}"


def find_seeds(home: Path, name: str) -> str:
    """Return the id of a seed set of this home by its name or id, of a built-in one, or of a file of seeds.

    Raises:
        DataFormatError: there is none.
    """
    from core.datasets import BUILT_IN, ensure_seed_set
    from core.evaluation.sets import find_imported

    if expand(name).is_file():
        return ensure_seed_set(home, name)
    if (found := find_imported(home, name)) is None:
        raise DataFormatError(
            f"There is no seed set {name!r} in this home; name one of its own, a file of seeds, or a built-in one: "
            f"{', '.join(BUILT_IN)}."
        )
    return found


def read_columns(pairs: Sequence[str]) -> dict[str, Any]:
    """Return ``what=COLUMN`` pairs as what -> column; a question may be named several times, in their order."""
    chosen: dict[str, Any] = {}
    for pair in pairs:
        what, mark, column = pair.partition("=")
        if not mark or what not in COLUMNS:
            raise UnknownNameError(f"Write a column as WHAT=COLUMN, where WHAT is {', '.join(COLUMNS)}; not {pair!r}.")
        if what == "question":
            chosen[what] = [*chosen.get(what, ()), column]
        else:
            chosen[what] = column or None
    return chosen
