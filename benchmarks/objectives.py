"""What each objective brings at an equal number of problems, on the built-in world, several replicates each.

    python benchmarks/objectives.py [--problems 100] [--replicates 3] [--seeds word_problems] [--home DIR]

In each replicate the built-in teacher grows that many problems from seeds drawn at random; every objective gets those
problems and no others. SFT trains on the teacher's answers. Its adapter is the policy of the three that need one: RFT
draws from it and trains a fresh adapter on its right answers, DPO and per-step DPO go on from it. The signed likelihood
and UFT get the teacher's answers, and one wrong answer of the policy to every problem where it drew one. Each has
the settings that are the usual ones for the built-in student; the signed likelihood is there summed as published, too.

The table is no evidence about language models: the teacher goes by rules and the student is tiny. It says whether the
objectives do here what they are said to do, honestly, whichever way it falls. A home that is given is gone on with:
runs that are done in it are not repeated.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from core.datasets import ensure_seed_set, load_problems
from core.lines import read_all
from core.recipes.generating import make_generate_config
from core.recipes.kinds import execute, prepare_libraries
from core.recipes.start import make_finetune_config
from core.runs.folder import RunFolder
from core.shell_generate import make_inputs
from core.training.data import NEGATIVE, TrainingRow, to_frame

METHODS = {
    "sft": {},
    "rft": {},
    "dpo": {},
    "per_step_dpo": {},
    "signed": {},
    "signed, summed": {"settings": {"is_normalised": False}},
    "unlikelihood": {},
}
"""Name in the table, which begins with the objective's -> what is not as its preset and objective have it."""


@dataclass
class World:
    """What the runs of one benchmark share."""

    home: Path
    seed_set: str
    name: str
    n_problems: int

    def carry_out(self, kind: str, title: str, config: dict, inputs: dict) -> RunFolder:
        """Make a run and carry it out, unless one of that title is done; returns its folder."""
        for path in sorted((self.home / "runs").glob(f"*-{kind}-*")):
            folder = RunFolder(path)
            if folder.read_run()["title"] == title and folder.read_state().state == "done":
                return folder
        folder = RunFolder.create(
            self.home, kind, title=title, config=config, lane="device", inputs=inputs, starts_itself=True
        )
        execute(folder)
        state = folder.read_state()
        if state.state != "done":
            raise SystemExit(f"{title}: {state.error}")
        return folder

    def grow(self, replicate: int) -> list[TrainingRow]:
        """Return the problems that the built-in teacher grew from seeds drawn at random."""
        seeds = [p.problem_id for p in load_problems(self.home, self.seed_set, ["train"])]
        drawn = np.random.default_rng([7, replicate]).permutation(seeds).tolist()
        about = {"seed_set": self.seed_set, "seed_set_name": self.name, "task": self.name}
        config = make_generate_config(self.home, about, n_accepted=self.n_problems, replicate=replicate)
        folder = self.carry_out("generate", f"replicate {replicate}", config, make_inputs(drawn))
        records = folder.path / "records"
        rejected = {row["candidate_id"] for row in read_all(records / "verdicts.jsonl") if row["is_accepted"] is False}
        return [
            TrainingRow(row["question"], row["answer"], row["final"], origin="candidate", origin_id=row["candidate_id"])
            for row in read_all(records / "candidates.jsonl")
            if row["failure"] is None and row["candidate_id"] not in rejected
        ]

    def finetune(self, replicate: int, method: str, rows: Sequence[TrainingRow], adapter: str | None) -> RunFolder:
        """Train and evaluate."""
        more = METHODS[method]
        config = make_finetune_config(
            "tiny", self.name, rows, seed_set=self.seed_set, seed_set_name=self.name, objective=method.split(",")[0],
            adapter=adapter, settings=more.get("settings"), training={"seed": replicate, **more.get("training", {})},
        )  # fmt: skip
        title = f"{method} on {len(rows)} rows, replicate {replicate}"
        return self.carry_out("finetune", title, config, {"rows": to_frame(rows)})


def read_wrong_draws(folder: RunFolder) -> list[TrainingRow]:
    """Return the first wrong answer that a run drew to each of its problems."""
    first: dict[str, TrainingRow] = {}
    for row in read_all(folder.path / "records" / "own_answers.jsonl"):
        if row["is_correct"] is False and row["is_kept"]:
            wrong = TrainingRow(row["question"], row["text"], None, NEGATIVE, origin="own", origin_run_id=folder.run_id)
            first.setdefault(row["question"], wrong)
    return list(first.values())


def run_replicate(world: World, replicate: int) -> dict[str, RunFolder]:
    """Return method -> its finished run."""
    rows = world.grow(replicate)
    found = {"sft": world.finetune(replicate, "sft", rows, None)}
    policy = str(found["sft"].path / "checkpoints" / "round-1" / "adapter")
    for method in ("rft", "dpo", "per_step_dpo"):
        found[method] = world.finetune(replicate, method, rows, policy)
    both = [*rows, *read_wrong_draws(found["dpo"])]
    for method in ("signed", "signed, summed", "unlikelihood"):
        found[method] = world.finetune(replicate, method, both, None)
    return found


def print_table(found: Sequence[dict[str, RunFolder]], n_problems: int) -> None:
    """Print a line per objective: accuracies, the test accuracy against SFT of the same replicate, what it took."""
    print(f"{n_problems} problems, {len(found)} replicates; accuracy in per cent: mean (least to most)")
    print(
        f"{'':14}{'rows':>7}{'validation':>24}{'test':>24}{'out of distribution':>24}{'against SFT':>14}{'seconds':>9}"
    )
    base = [evaluations(replicate["sft"])["test", 0] for replicate in found]
    print(f"{'before':14}{'':>7}{'':>24}{describe(base):>24}")
    for method in METHODS:
        runs = [replicate[method] for replicate in found]
        summaries = [run.read_state().summary for run in runs]
        against = [
            evaluations(run)["test", 1] - evaluations(replicate["sft"])["test", 1]
            for run, replicate in zip(runs, found, strict=True)
        ]
        columns = [
            describe([summary["validation_accuracy"] for summary in summaries]),
            describe([evaluations(run)["test", 1] for run in runs]),
            describe([evaluations(run)["ood", 1] for run in runs]),
        ]
        rows = statistics.mean(summary["n_rows"] for summary in summaries)
        seconds = statistics.mean(run.read_state().ended_at - run.read_state().started_at for run in runs)
        print(
            f"{method:14}{rows:7.0f}"
            + "".join(f"{column:>24}" for column in columns)
            + f"{100 * statistics.mean(against):+14.1f}{seconds:9.0f}"
        )


def evaluations(folder: RunFolder) -> dict[tuple[str, int], float]:
    """Return (split, round) -> accuracy."""
    rows = read_all(folder.path / "records" / "evaluations.jsonl")
    return {(row["split"], row["round"]): row["accuracy"] for row in rows}


def describe(shares: Sequence[float]) -> str:
    """Return the mean with the range, in per cent."""
    return f"{100 * statistics.mean(shares):.1f} ({100 * min(shares):.1f} to {100 * max(shares):.1f})"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--replicates", type=int, nargs="+", default=[3], metavar="N", help="how many; or from and to")
    parser.add_argument("--seeds", default="word_problems")
    parser.add_argument("--home", type=Path, help="goes on with what is done there (default: a new one)")
    options = parser.parse_args()
    prepare_libraries()
    home = (options.home or Path(tempfile.mkdtemp(prefix="seedbed-objectives-"))).resolve()
    world = World(home, ensure_seed_set(home, options.seeds), options.seeds, options.problems)
    numbers = range(*options.replicates)
    print_table([run_replicate(world, number) for number in numbers], options.problems)
    print(f"runs: {home}")


if __name__ == "__main__":
    main()
