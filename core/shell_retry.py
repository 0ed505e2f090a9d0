"""What ``python -m core retry`` does: ask again for what failed in a run, in the same way and exactly as often.

A refusal or a reply that is cut off stays in the cache, so the same command brings the same one again. A retry asks as
the next turn would: for other replies to the same prompts. It is a run of its own, and repeated it asks nothing twice.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.lines import read_all
from core.records import INCORRECT
from core.runs.folder import ENDED, RunFolder
from core.shell import check_out
from core.shell_generate import carry_out_growth, make_inputs


def run_retry(options: argparse.Namespace) -> int:
    """Ask again for the failed candidates of a run and write every new one with what became of it.

    The status is 1 where none is accepted; the file is written all the same.
    """
    from core.recipes.generating import plan_retry, require_servers
    from core.recipes.teachers import check_team

    check_out(options.out)
    home = options.home.resolve()
    folder = find_growth(home, options.run_id)
    rows = read_candidates(folder)
    config = folder.config
    seeds, n = plan_retry(folder.run_id, config, [row for row in rows if row["failure"] is not None])
    config |= {"n_accepted": n, "max_requests": n, "turn": config["turn"] + 1, "retry_of": folder.run_id}
    given = {"tokens": options.budget_tokens, "usd": options.budget_usd}
    config["budget"] = {**folder.read_budget(), **{name: limit for name, limit in given.items() if limit is not None}}
    check_team(home, config)
    require_servers(config)
    earlier = [*folder.read_input("earlier")["question"], *list_questions(rows)]
    title = f"Retry {n} of {folder.run_id}, {config['method']}"
    return carry_out_growth(home, title, config, make_inputs(seeds, earlier), options.out)


def find_growth(home: Path, run_id: str) -> RunFolder:
    """Return the run of that id; raises RunError where there is none that grew candidates and has ended."""
    folder = RunFolder(home / "runs" / run_id)
    if not (folder.path / "run.json").exists():
        raise RunError(f"There is no run {run_id!r} in {home}; `python -m core runs` lists them.")
    if (kind := folder.read_run()["kind"]) != "generate":
        raise RunError(f"The run {run_id} is of the kind {kind}; only what `generate` asked for can be asked again.")
    if folder.config.get("selection_run"):  # its next turn may be another run's: the database knows, a shell does not
        raise RunError(f"The run {run_id} was made on the page Generate; press Retry there.")
    if (state := folder.read_state().state) not in ENDED:
        raise RunError(f"The run {run_id} is {state}; wait until it has ended.")
    return folder


def read_candidates(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the candidates of the latest attempt, in the order of asking."""
    attempt = folder.read_state().attempt
    rows = read_all(folder.path / "records" / "candidates.jsonl")
    return [row for row in rows if row["attempt"] == attempt]


def list_questions(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the questions that were generated; a wrong solution is to its seed's own."""
    return [row["question"] for row in rows if row["question"] and row["meta"].get("label") != INCORRECT]
