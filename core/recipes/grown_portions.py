"""Problems that a teacher grows round by round, all there are so far each time: for recipes that select nothing.

The seeds are those that a loop of the same replicate would draw at random, and the requests are the same too: arms of
one replicate train on the same problems, and what was paid for is paid once.

Arms are compared at one budget of accepted candidates. A call that brings several may bring some beyond what a round
wants: those are kept for the next round, which asks for that many fewer (``Stock``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.counting import counted
from core.errors import TeacherError
from core.generation.base import METHODS
from core.generation.grow import REQUESTS_PER_ACCEPTED, GrowOutcome
from core.recipes.growing import grow_stage, make_settings
from core.recipes.rounds import Portion, count_growth
from core.recipes.stages import record_selection, select_with_spares
from core.records import Candidate, Problem
from core.runs.folder import RunFolder
from core.selection import Pool, make_rng
from core.training.data import TrainingRow, rows_from_candidates

SELECTOR = "random"
"""How seeds are chosen; nobody scores them."""


@dataclass
class Stock:
    """Candidates that were accepted, of which each round trains on so many more, in the order of asking."""

    per_round: int
    """Candidates that a round adds to the budget."""

    accepted: list[Candidate] = field(default_factory=list)
    """All so far, those kept for a later round included."""

    n_used: int = 0
    """How many of them, from the first on, are trained on."""

    short: list[str] = field(default_factory=list)
    """A sentence for each round that has fewer than it should."""

    @property
    def n_kept(self) -> int:
        """Number of those that no round has used yet."""
        return len(self.accepted) - self.n_used

    def count_wanted(self) -> int:
        """Return how many more the next round has to be brought."""
        return max(0, self.per_round - self.n_kept)

    def take(self, candidates: Sequence[Candidate]) -> int:
        """Put what came into the stock, and a round's share of it to use; returns how many that is."""
        self.accepted += candidates
        n_new = min(self.per_round, self.n_kept)
        self.n_used += n_new
        return n_new

    def list_used(self) -> list[Candidate]:
        """Return what the newest round trains on: its share and those of the rounds before."""
        return self.accepted[: self.n_used]

    def summarise(self) -> dict[str, Any]:
        """Return what a run tells of it, and print how many came beyond the budget of its last round."""
        if self.n_kept:
            print(
                f"{counted(self.n_kept, 'accepted candidate')} came beyond the budget of {self.n_used:,} with the last "
                "call, and nothing was trained on what is beyond it."
            )
        return {"short": self.short, "surplus": self.n_kept}


def grow_portions(folder: RunFolder, problems: Mapping[str, Sequence[Problem]], stock: Stock) -> Iterator[Portion]:
    """Let the teacher grow each round's problems once they are wanted, and yield all there are so far.

    Args:
        folder: of the run.
        problems: split -> problems.
        stock: gets the accepted candidates, and a sentence for each round that has fewer problems than it should.
    """
    config = folder.config
    questions: list[str] = []
    for number in range(1, config["rounds"] + 1):
        seeds, n_selected = draw_seeds(folder, number, problems["train"]) if reads_seeds(config) else ([], 0)
        outcome, new_questions, _ = grow_missing(folder, problems, seeds, stock, number, questions)
        questions += new_questions
        n_new = stock.take(outcome.candidates)
        if number > 1 and outcome.stopped and not n_new:
            stock.short.append(f"In round {number} there was nothing new to train on; {outcome.stopped}")
            print(stock.short[-1])
            return
        rows = rows_from_candidates(folder.run_id, stock.list_used())
        if (sentence := say_short(number, number * config["k"], stock.list_used(), rows, outcome)) is not None:
            print(sentence)
            stock.short.append(sentence)
        if not rows:
            raise TeacherError(f"There is nothing to train on. {sentence}")
        # what is kept for a later round counts as requested there, so that each round's counts add up
        counts = {"accepted": n_new, "requested": n_new + outcome.failed + outcome.rejected}
        yield Portion(rows, {**count_growth(outcome, n_selected), **counts})


def reads_seeds(config: Mapping[str, Any]) -> bool:
    """Say whether the method of a run grows from seeds; else it asks from its one fixed prompt."""
    return METHODS.get(config["method"]).count_parents(make_settings(config.get("method_settings"))) > 0


def grow_missing(
    folder: RunFolder,
    problems: Mapping[str, Sequence[Problem]],
    seeds: Sequence[Problem],
    stock: Stock,
    number: int,
    earlier: Sequence[str] = (),
) -> tuple[GrowOutcome, list[str], list[Candidate]]:
    """Let the teacher grow what a round is to have and is not in stock; nothing is asked where it is all there.

    Args:
        folder: of the run.
        problems: split -> problems.
        seeds: in the order of priority.
        stock: says how many are wanted; it is not changed.
        number: of the round.
        earlier: questions generated before, oldest first.

    Returns:
        What came of it, every question generated, and every solution that was to be wrong.
    """
    n_wanted = stock.count_wanted()
    if not n_wanted:
        return GrowOutcome(), [], []
    outcome, recorder = grow_stage(
        folder,
        problems,
        seeds,
        round_=number,
        turn=number,
        n_accepted=n_wanted,
        max_requests=REQUESTS_PER_ACCEPTED * stock.per_round,
        earlier=earlier,
        stage=f"round {number}: teacher",
        salt=f"{folder.run_id}/{number}",
    )
    return outcome, recorder.questions, recorder.wrong_ones


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
