"""Problems that a teacher grows round by round, all there are so far each time: for recipes that select nothing.

The seeds are those that a loop of the same replicate would draw at random, and the requests are the same too: arms of
one replicate train on the same problems, and what was paid for is paid once.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from core.counting import counted
from core.errors import TeacherError
from core.generation.grow import GrowOutcome
from core.recipes.growing import grow_stage
from core.recipes.rounds import Portion, count_growth
from core.recipes.stages import record_selection, select_with_spares
from core.recipes.training import rows_from_candidates
from core.records import Candidate, Problem
from core.runs.folder import RunFolder
from core.selection import Pool, make_rng
from core.training.data import TrainingRow

SELECTOR = "random"
"""How seeds are chosen; nobody scores them."""


def grow_portions(folder: RunFolder, problems: Mapping[str, Sequence[Problem]], short: list[str]) -> Iterator[Portion]:
    """Let the teacher grow each round's problems once they are wanted, and yield all there are so far.

    Args:
        folder: of the run.
        problems: split -> problems.
        short: gets a sentence for each round that trains on fewer problems than it should.
    """
    config = folder.config
    accepted: list[Candidate] = []
    questions: list[str] = []
    for number in range(1, config["rounds"] + 1):
        seeds, n_selected = draw_seeds(folder, number, problems["train"])
        outcome, recorder = grow_stage(
            folder,
            problems,
            seeds,
            round_=number,
            turn=number,
            n_accepted=config["k"],
            earlier=questions,
            stage=f"round {number}: teacher",
            salt=f"{folder.run_id}/{number}",
        )
        questions += recorder.questions
        if accepted and outcome.stopped and not outcome.candidates:
            short.append(f"In round {number} there was nothing new to train on; {outcome.stopped}")
            print(short[-1])
            return
        accepted += outcome.candidates
        rows = rows_from_candidates(folder.run_id, accepted)
        if (sentence := say_short(number, number * config["k"], accepted, rows, outcome)) is not None:
            print(sentence)
            short.append(sentence)
        if not rows:
            raise TeacherError(f"There is nothing to train on. {sentence}")
        yield Portion(rows, count_growth(outcome, n_selected))


def draw_seeds(folder: RunFolder, number: int, train: Sequence[Problem]) -> tuple[list[Problem], int]:
    """Choose a round's seeds at random and record them; returns them with their spares, and how many are chosen."""
    config = folder.config
    pool = Pool(np.array([problem.problem_id for problem in train], dtype=str))
    rng = make_rng(config["replicate"], number)
    chosen, spares = select_with_spares(pool, SELECTOR, config["k"], rng)
    about = {
        "seed_set_id": config["seed_set"],
        "selector": SELECTOR,
        "k": config["k"],
        "replicate": config["replicate"],
        "prediction_run_id": None,
        "student": None,  # nobody's answers were looked at
    }
    return record_selection(folder, number, train, chosen, spares, about), len(chosen.indices)


def say_short(
    number: int, n_wanted: int, accepted: Sequence[Candidate], rows: Sequence[TrainingRow], outcome: GrowOutcome
) -> str | None:
    """Return in one sentence that a round has fewer problems than it should, and why; None where it has them all."""
    if len(rows) >= n_wanted:
        return None
    n_alike = len(accepted) - len(rows)
    alike = f" ({n_alike:,} more with the texts of an earlier one)" if n_alike else ""
    why = "."
    if outcome.stopped or outcome.reasons:
        why = f"; {outcome.stopped or f'most often: {outcome.reasons.most_common(1)[0][0]}'}"
    return (
        f"round {number}: {len(rows):,} of {counted(n_wanted, 'problem')} to train on{alike}; of this round "
        f"{outcome.requested:,} requested, {outcome.failed:,} failed, {outcome.rejected:,} rejected{why}"
    )


def say_early(summary: Mapping[str, Any], config: Mapping[str, Any], short: Sequence[str]) -> dict[str, Any]:
    """Return a run's summary with its teacher, and why it ended early where it has fewer rounds than it should.

    Args:
        summary: of ``run_portions``.
        config: of the run.
        short: what was said of rounds that had too little.
    """
    is_short = len(summary["rounds"]) < config["rounds"]
    stopped = summary["stopped"] or (short[-1] if is_short and short else None)
    return {**summary, "stopped": stopped, "teacher": config["teacher"]}
